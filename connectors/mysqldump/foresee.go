package mysqldump

import (
	"context"
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

// Foresee looks at the catalog, and whether the file could be rewritten.
func (r *rewriter) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(u, "path")...)
	}
	path, err := filepath.EvalSymlinks(r.Path)
	if err != nil {
		return found, nil // rewriting will tell
	}
	if info, err := os.Stat(path); err == nil && linked(info) {
		found = append(found, connectors.Obstacle{Kind: connectors.ErrConfig, DSN: "path", What: secondName,
			Mend: mendSecondName})
	}
	return found, nil
}
