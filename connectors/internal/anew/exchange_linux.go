package anew

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// exchange has two folders change places in one step.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("%w (%w)", errExchange, err)
	}
	return err
}
