package connectors

import (
	"context"
	"errors"
)

// ErrApart says that rows which were a table's are still there, and the table's no more: a partition was detached, or the
// table renamed and another put in its place. They are not gone, though no query of the table finds them. It comes with
// ErrSchemaChanged.
var ErrApart = errors.New("rows of the table stand apart from it")

// Standing is a Source that can say where rows stand.
type Standing interface {
	// Apart returns how what rows of a table stood in (Table.Stands, of whatever time) is called that is still there and
	// is the table's no more. What was dropped is not: its rows are gone. A Mutate of a Standing asks the same under lock,
	// of what its catalog says, and is then ErrApart.
	Apart(ctx context.Context, table string, stood []string) ([]string, error)
}
