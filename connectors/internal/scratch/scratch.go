// Package scratch makes folders for what a process unpacks or puts back, which go away with it: people's data are in them.
package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Folder is a private folder of one process.
type Folder struct {
	Path string
	lock *os.File
}

// lockName is the file by which a process holds its folder.
const lockName = "in-use"

// New makes a folder in parent, whose name begins with mark, and removes those of such names there whose process is gone:
// one that was killed leaves its own.
func New(parent, mark string) (*Folder, error) {
	left, err := filepath.Glob(filepath.Join(parent, mark+"*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range left {
		if f, err := hold(dir, 0); err == nil { // one without the file is just being made
			_ = f.Close() // or the next one does
		}
	}
	for try := 0; ; try++ {
		dir, err := os.MkdirTemp(parent, mark)
		if err != nil {
			return nil, err
		}
		f, err := hold(dir, os.O_CREATE)
		if err == nil || try == tries {
			return f, err
		}
		_ = os.RemoveAll(dir) // another process took it before it was held, for one that is left
	}
}

// tries is how often another process may do so.
const tries = 10

// hold takes a folder that is there and that no other process has.
func hold(dir string, create int) (*Folder, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), create|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	held, err := lock.Stat()
	there, gone := os.Stat(lock.Name())
	if err = errors.Join(err, gone); err == nil && !os.SameFile(held, there) {
		err = os.ErrNotExist
	}
	if err != nil { // whoever had it has removed it
		return nil, errors.Join(err, lock.Close())
	}
	return &Folder{Path: dir, lock: lock}, nil
}

// Close removes the folder.
func (f *Folder) Close() error { return errors.Join(os.RemoveAll(f.Path), f.lock.Close()) }
