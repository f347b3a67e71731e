package stores

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/setup"
)

// IntakeTable finds the table of a mapping, and checks that it has the fields.
func IntakeTable(silo *policy.Compiled, m *intake.Mapping, tables connectors.Tables) (connectors.Table, error) {
	table, ok := tables.Find(m.Table)
	if !ok {
		return connectors.Table{}, fmt.Errorf("%w: silo %s: consents: source %s has no table %s: name a table that the source has", setup.ErrConfig, silo.Silo.Name, m.Source, m.Table)
	}
	var errs []error
	for _, name := range m.Fields() {
		if _, ok := table.Field(name); !ok {
			errs = append(errs, fmt.Errorf("%w: silo %s: consents: table %s of source %s has no field %s: name a field that the source has", setup.ErrConfig, silo.Silo.Name, m.Table, m.Source, name))
		}
	}
	return table, errors.Join(errs...)
}

func CatalogOf(ctx context.Context, src setup.Source) (tables connectors.Tables, err error) {
	open, err := src.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return open.Tables(ctx)
}

// Fingerprint digests the catalog of the tables that a plan touches: a plan holds only for the schema it was made on.
func Fingerprint(tables []connectors.Table, touched map[string]bool) string {
	h := sha256.New()
	names := make([]string, 0, len(touched))
	for _, t := range tables {
		if touched[t.Name] {
			names = append(names, t.Name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		for _, t := range tables {
			if t.Name == name {
				t.Rows = 0
				fmt.Fprintf(h, "%+v\n", t)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Store is an open source with its catalog, and who governs what in it.
type Store struct {
	setup.Source
	Conn     connectors.Source
	Tables   connectors.Tables
	Judges   []*judge.Judge // of all tables, those that refer to others first
	Governed map[string][]*judge.Judge
	claims   map[string][]string // silos by table, also where the registry was not asked
	Erased   bool                // rows were deleted tonight
	Err      error
}

// NewStore is a source that is not open yet.
func NewStore(src setup.Source) *Store {
	return &Store{Source: src, Governed: map[string][]*judge.Judge{}}
}
