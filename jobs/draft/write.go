package draft

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lethe/pipeline/setup"
)

// Write writes a file that must not be there yet.
func Write(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return occupied(path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}

// Free refuses a path at which something is already.
func Free(path string) error {
	if _, err := os.Lstat(path); err != nil {
		return nil // Write says what is wrong with it, if anything is
	}
	return occupied(path)
}

func occupied(path string) error {
	return fmt.Errorf("%w: %s exists already and is left as it is: name another file with -o", setup.ErrConfig, path)
}
