package sqlite

import (
	"context"

	"github.com/ncruces/go-sqlite3"
)

// Whole lets SQLite look at every page and index of the database at a path (PRAGMA integrity_check), and says how many
// faults it finds and by which version.
func Whole(ctx context.Context, path string) (faults int, version string, err error) {
	s := &source{name: path, dsn: path}
	c, err := s.connect(ctx, path, sqlite3.OPEN_READONLY, "")
	if err != nil {
		return 0, "", s.fail(ctx, "open", "", err)
	}
	defer func() { _ = c.Close() }() // nothing was written
	err = rows(c, "SELECT sqlite_version()", func(q *sqlite3.Stmt) { version = q.ColumnText(0) })
	if err != nil {
		return 0, "", s.fail(ctx, "open", "", err)
	}
	wrong, err := integrity(c)
	return len(wrong), version, err
}
