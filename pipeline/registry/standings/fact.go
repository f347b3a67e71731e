package standings

import (
	"fmt"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
)

// Fact is an event as the state needs it.
type Fact struct {
	Seq                             int64
	Type                            event.Type
	Purpose                         string
	Occurred, From, Until, Recorded int64
	notice, Proof, minor, Marketing bool
	Details                         event.Details
	doubted                         bool  // its clock is impossible
	slack                           int64 // by how much before From it is heard
}

// FactReader scans rows of tables.FactQuery.
type FactReader struct {
	types, purposes database.Texts
}

// Read reads a row: its collection, and the event.
func (t *FactReader) Read(row database.Row) (int64, Fact, error) {
	flags := row.ColumnInt64(10)
	f := Fact{Seq: row.ColumnInt64(1), Type: event.Type(t.types.Text(row.ColumnRawText(2))),
		Purpose: t.purposes.Text(row.ColumnRawText(3)), Occurred: row.ColumnInt64(4),
		From: row.ColumnInt64(5), Until: row.ColumnInt64(6), Recorded: row.ColumnInt64(7),
		notice: row.ColumnInt64(8) != 0, Proof: row.ColumnInt64(9) != 0,
		minor: flags&event.FlagMinor != 0, Marketing: flags&event.FlagMarketing != 0}
	var err error
	if f.Details, err = event.DecodeDetails(row.ColumnRawText(11)); err != nil {
		return 0, Fact{}, fmt.Errorf("event %d: its details cannot be read: %w", f.Seq, err)
	}
	return row.ColumnInt64(0), f, nil
}
