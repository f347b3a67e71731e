package connectors

import (
	"path/filepath"
	"strings"
)

const temporaryMark = ".lethe-"

// TemporaryPrefix starts the names of the temporary files that a connector makes beside a file, in its folder, while
// it writes it anew.
func TemporaryPrefix(path string) string { return "." + filepath.Base(path) + temporaryMark }

// TemporaryPattern matches, in the way of path/filepath, the temporary files of all files in a folder.
func TemporaryPattern(folder string) string { return filepath.Join(folder, ".*"+temporaryMark+"*") }

// TemporaryOf is the name of the file that a temporary one was made beside.
func TemporaryOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), "."), temporaryMark)
	return name
}

// IsTemporary reports whether a file is one that a connector made beside another. A killed process leaves it; it is
// no source, whatever pattern it matches.
func IsTemporary(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") && strings.Contains(name, temporaryMark)
}
