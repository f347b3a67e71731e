package dumpfile

import (
	"fmt"
	"io"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Window is the window through which statements are read.
type Window struct{ *textfile.Window }

// At adds the line in which byte n of what is at hand stands to what is wrong with the file.
func (w Window) At(n int, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", w.Line(n), fmt.Errorf(format, args...))
}

// Extend reads more for a statement that is not whole. It fails once all has been read; before that,
// learning that nothing follows counts as more.
func (w Window) Extend() error {
	if w.EOF() {
		return w.At(0, "the file ends within a statement: %w", connectors.ErrDamaged)
	}
	if err := w.More(); err != io.EOF {
		return err
	}
	return nil
}

// Follows reads more behind a statement, and reports whether anything is there.
func (w Window) Follows() (bool, error) {
	err := w.More()
	if err != nil && err != io.EOF {
		return false, err
	}
	return err == nil || len(w.Rest()) > 0, nil
}

// Backslashes counts the backslashes at the end of b.
func Backslashes(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}
