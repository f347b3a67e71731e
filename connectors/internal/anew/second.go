package anew

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"lethe/connectors"
)

// secondName says why a file with a second name is not rewritten.
const secondName = "the file has a second name (a hard link), under which the old rows would stay"

var errSecondName = errors.New(secondName)

const mendSecondName = "make it a file of its own (cp it, and mv the copy in its place), or remove the other name"

// linked reports whether a file has another name than the one it was found by.
func linked(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink > 1
}

// Foresee says what stands in the way of writing the file at a path anew.
func Foresee(shelf connectors.Shelf, path string) []connectors.Obstacle {
	if shelf != nil {
		return shelf.Foresee(path)
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // rewriting will tell
	}
	if info, err := os.Stat(path); err != nil || !linked(info) {
		return nil
	}
	return []connectors.Obstacle{{Kind: connectors.ErrConfig, DSN: "path", What: secondName, Mend: mendSecondName}}
}
