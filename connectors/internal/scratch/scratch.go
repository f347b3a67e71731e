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
		if f, err := hold(dir); err == nil {
			_ = f.Close() // or the next one does
		}
	}
	dir, err := os.MkdirTemp(parent, mark)
	if err != nil {
		return nil, err
	}
	f, err := hold(dir)
	if err != nil {
		_ = os.RemoveAll(dir) // nothing is in it
		return nil, err
	}
	return f, nil
}

// hold takes a folder that no other process has.
func hold(dir string) (*Folder, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Folder{Path: dir, lock: lock}, nil
}

// Close removes the folder.
func (f *Folder) Close() error { return errors.Join(os.RemoveAll(f.Path), f.lock.Close()) }
