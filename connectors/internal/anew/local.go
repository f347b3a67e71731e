package anew

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// local is a folder of this machine.
type local struct {
	target string
	info   os.FileInfo // of the original
}

// inFolder looks at the file at a path, and returns where that leads.
func inFolder(path string) (_ *local, size int64, target string, err error) {
	if target, err = filepath.EvalSymlinks(path); err != nil {
		return nil, 0, "", textfile.Error(err)
	}
	l := &local{target: target}
	if l.info, err = os.Stat(target); err != nil {
		return nil, 0, "", textfile.Error(err)
	}
	if linked(l.info) {
		return nil, 0, "", fmt.Errorf("%w: %w", errSecondName, connectors.ErrConfig)
	}
	return l, l.info.Size(), target, nil
}

func (l *local) create(path string) (File, error) {
	return os.CreateTemp(filepath.Dir(path), connectors.TemporaryPrefix(path)+"*")
}

func (l *local) drop(temp string) error { return os.RemoveAll(temp) }

func (l *local) left(path string) ([]string, error) { return temporary(path) }

// temporary lists what rewrites of the file, or folder, at a path left that were killed.
func temporary(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var left []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), connectors.TemporaryPrefix(path)) {
			left = append(left, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return left, nil
}

func (l *local) read(path string) ([]byte, error) { return os.ReadFile(path) }

func (l *local) digest(d *Digest, path string) error { return d.ReadFile(path) }

func (l *local) unchanged(sum [32]byte) error {
	info, err := os.Stat(l.target)
	if err != nil {
		return textfile.Error(err)
	}
	if !os.SameFile(info, l.info) || info.Size() != l.info.Size() || !info.ModTime().Equal(l.info.ModTime()) {
		return errMoved
	}
	now := newDigest(false)
	if err := now.ReadFile(l.target); err != nil {
		return err
	}
	if now.sha() != sum {
		return errMoved
	}
	return nil
}

func (l *local) ready(temp string) error { return dressAs(temp, l.info) }

func (l *local) put(temp, path string, _ [32]byte) error { return os.Rename(temp, path) }

func (l *local) settled() error { return syncFolder(filepath.Dir(l.target)) }

// dressAs gives a temporary file, or folder, owner, mode and times of the original, so that a backup still expires on its
// day, and syncs it.
func dressAs(path string, info os.FileInfo) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("keep the owner: %w", err)
		}
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return fmt.Errorf("keep the mode: %w", err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	return f.Sync()
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// clearTemporary removes them.
func clearTemporary(path string) error {
	left, err := temporary(path)
	for _, temp := range left {
		err = errors.Join(err, os.RemoveAll(temp))
	}
	return err
}
