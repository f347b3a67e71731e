// Package private is files that only their owner may read, as those of keys are.
package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrReadable: a secret file can be read by others than its owner.
var ErrReadable = errors.New("secret file is readable by others")

// OwnerOnly refuses a file that others can read: ErrReadable, with the command that mends it.
func OwnerOnly(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o: %w; run `chmod 600 %s`", file, mode, ErrReadable, file)
	}
	return nil
}

// New writes a file of mode 0600 that must not exist yet (fs.ErrExist): temporary file, fsync, link, fsync of the
// folder. The link keeps an existing file where a rename would replace it.
func New(file string, data []byte) error { return write(file, data, os.Link) }

// Replace writes a file of mode 0600 in the place of one that is there: whole, or not at all.
func Replace(file string, data []byte) error { return write(file, data, os.Rename) }

func write(file string, data []byte, put func(from, to string) error) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".new-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := put(tmp.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
