package standings

import (
	"fmt"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
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

// FactReader scans rows of tables.FactQuery, and looks that each is as it was written.
type FactReader struct {
	Check           *seal.Check
	types, purposes database.Texts
}

// Read reads a row: its collection, and the event.
func (t *FactReader) Read(row database.Row) (int64, Fact, error) {
	r, tag := t.Check.FactOf(row)
	if err := t.Check.Fact(&r, tag); err != nil {
		return 0, Fact{}, err
	}
	f := Fact{Seq: r.Seq, Type: event.Type(t.types.Text(r.Type)), Purpose: t.purposes.Text(r.Purpose),
		Occurred: r.Occurred, From: r.From, Until: r.Until, Recorded: r.Recorded, notice: r.Notice, Proof: r.Evidence,
		minor: r.Flags&event.FlagMinor != 0, Marketing: r.Flags&event.FlagMarketing != 0}
	var err error
	if f.Details, err = event.DecodeDetails(r.Details); err != nil {
		return 0, Fact{}, fmt.Errorf("event %d: its details cannot be read: %w", f.Seq, err)
	}
	return r.Collection, f, nil
}
