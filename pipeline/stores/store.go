package stores

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/setup"
	"lethe/pipeline/via"
)

// IntakeTable finds the table of a mapping, and checks that it has the fields.
func IntakeTable(silo *policy.Compiled, m *intake.Mapping, tables connectors.Tables) (connectors.Table, error) {
	table, ok := tables.Find(m.Table)
	if !ok {
		return connectors.Table{}, fmt.Errorf("%w: silo %s: consents: source %s has no table %s: "+
			"name a table that the source has", setup.ErrConfig, silo.Silo.Name, m.Source, m.Table)
	}
	if table.Unreadable != nil {
		return table, table.Unreadable
	}
	var errs []error
	for _, name := range m.Fields() {
		if _, ok := table.Field(name); !ok {
			errs = append(errs, fmt.Errorf("%w: silo %s: consents: table %s of source %s has no field %s: "+
				"name a field that the source has", setup.ErrConfig, silo.Silo.Name, m.Table, m.Source, name))
		}
	}
	if _, err := via.Resolve(tables, table, m.Via, nil); err != nil {
		errs = append(errs, fmt.Errorf("%w: silo %s: consents: source %s: %w", setup.ErrConfig, silo.Silo.Name,
			m.Source, err))
	}
	return table, errors.Join(errs...)
}

// date sets when a backup was taken to what it says itself, where that is earlier than the time of its file: a file
// that was copied is as old as what is in it.
func (s *Store) date(zone *time.Location) {
	dated, ok := s.Conn.(connectors.Dated)
	if !ok || !s.Backup() {
		return
	}
	made := dated.Made().In(cmp.Or(s.Times.Zone, zone))
	if !made.IsZero() && made.Before(s.TakenAt) {
		s.TakenAt = made
	}
}

// UnreadOf is what a source holds beside its catalog, as far as it can say.
func UnreadOf(ctx context.Context, source connectors.Source) ([]connectors.Unread, error) {
	if partial, ok := source.(connectors.Partial); ok {
		return partial.Unread(ctx)
	}
	return nil, nil
}

// AssumedOf is how a source's tables are written, where it had to find out.
func AssumedOf(ctx context.Context, source connectors.Source) ([]connectors.Assumption, error) {
	if assuming, ok := source.(connectors.Assuming); ok {
		return assuming.Assumed(ctx)
	}
	return nil, nil
}

// CatalogOf opens a source to read its catalog, and closes it.
func CatalogOf(ctx context.Context, src setup.Source) (tables connectors.Tables, err error) {
	open, err := src.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return open.Tables(ctx)
}

// Fingerprint digests the catalog of the tables that a plan touches: a plan holds only for the schema it
// was made on.
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
				fmt.Fprintf(h, "%+v\n", shapeOf(t))
				if len(t.Outside) > 0 {
					fmt.Fprintf(h, "%+v\n", t.Outside)
				}
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// shape is what of a table a plan hangs on. What days its fields hold by default, and in which zone, is no part of
// it: each row is decided anew.
type shape struct {
	Database, Name string
	Fields         []struct {
		Name, Type                      string
		Kind                            connectors.Kind
		Nullable, Generated, AutoUpdate bool
		Length                          int
	}
	Key         []string
	ForeignKeys []struct {
		Name      string
		Fields    []string
		RefTable  string
		RefFields []string
		OnDelete  string
	}
	Unique [][]string
	Rows   int64
}

// shapeOf is the shape of a table, whatever number of rows it has.
func shapeOf(t connectors.Table) shape {
	s := shape{Database: t.Database, Name: t.Name, Key: t.Key, Unique: t.Unique}
	s.ForeignKeys = slices.Grow(s.ForeignKeys, len(t.ForeignKeys))[:len(t.ForeignKeys)]
	for i, fk := range t.ForeignKeys {
		to := &s.ForeignKeys[i]
		to.Name, to.Fields, to.OnDelete = fk.Name, fk.Fields, fk.OnDelete
		to.RefTable, to.RefFields = fk.RefTable, fk.RefFields
	}
	s.Fields = slices.Grow(s.Fields, len(t.Fields))[:len(t.Fields)]
	for i, f := range t.Fields {
		to := &s.Fields[i]
		to.Name, to.Type, to.Kind, to.Length = f.Name, f.Type, f.Kind, f.Length
		to.Nullable, to.Generated, to.AutoUpdate = f.Nullable, f.Generated, f.AutoUpdate
	}
	return s
}

// Store is an open source with its catalog, and who governs what in it.
type Store struct {
	setup.Source
	Written   time.Time // of a backup: its file. It may have been taken before, and copied (TakenAt)
	Conn      connectors.Source
	Tables    connectors.Tables
	Unread    []connectors.Unread // what it holds beside them
	Assumed   []connectors.Assumption
	Lacks     []string          // of a backup what keeps its rows from being governed as those of its live source
	unlike    map[string]string // of a backup why nothing names the rows of a table, by table
	Judges    []*judge.Judge    // of all tables, those that refer to others first
	Governed  map[string][]*judge.Judge
	Endings   map[string][]*judge.Judge // by table: who ends people in its fields, and decides no row
	Looked    []audit.Start             // what the days of the rows that were looked at beforehand look like
	claims    map[string][]string       // silos by table, also where the registry was not asked
	follow    []string                  // tables whose rows go with governed ones; nil: not asked yet
	live      *Store                    // of a backup the open source that it is a backup of, nil where there is none
	Foreseen  bool                      // the source was asked what stands in the way of changes
	Obstacles []connectors.Obstacle     // what it said
	Erased    bool                      // rows were deleted tonight
	Err       error
}

// NewStore is a source that is not open yet.
func NewStore(src setup.Source) *Store {
	return &Store{Source: src, Written: src.TakenAt, Governed: map[string][]*judge.Judge{},
		Endings: map[string][]*judge.Judge{}}
}

// Column is the number of a field of a table, -1 where there is none.
func (s *Store) Column(table, field string) int {
	t, _ := s.Tables.Find(table)
	return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == field })
}

// Estimate is about how many rows a source has, -1 where that is not known.
func (s *Store) Estimate() (rows int64) {
	for _, t := range s.Tables {
		if t.Rows < 0 {
			return -1
		}
		rows += t.Rows
	}
	return rows
}

// Judge is the judge of a silo's rows of a table by one of its records of that table, nil where the silo has
// no such any more; behind those, who ends people of the silo in fields of it.
func (s *Store) Judge(silo, table string, mapping int) *judge.Judge {
	for _, list := range [...][]*judge.Judge{s.Governed[table], s.Endings[table]} { // it is asked of every row
		for _, g := range list {
			if g.Silo.Silo.Name != silo {
				continue
			}
			if mapping == 0 {
				return g
			}
			mapping--
		}
	}
	return nil
}

// Mapping is the place of a judge among those of its silo and table.
func (s *Store) Mapping(of *judge.Judge) (mapping int) {
	for _, g := range s.ofTable(of.Table.Name) {
		if g == of {
			break
		}
		if g.Silo.Silo.Name == of.Silo.Silo.Name {
			mapping++
		}
	}
	return mapping
}

// ofTable are the judges of a table.
func (s *Store) ofTable(table string) []*judge.Judge {
	return slices.Concat(s.Governed[table], s.Endings[table])
}

// Barred is what keeps every row of a table from being changed, as far as the source was asked and is sure of it. What
// the engine may refuse only of some rows is tried.
func (s *Store) Barred(table string) (connectors.Obstacle, bool) {
	for _, o := range s.Obstacles {
		if o.Table == table && !o.Doubt && o.DSN == "apply_dsn" &&
			(errors.Is(o.Kind, errors.ErrUnsupported) || errors.Is(o.Kind, connectors.ErrDenied)) {
			return o, true
		}
	}
	return connectors.Obstacle{}, false
}

// BarredFile is what keeps a backup from being rewritten as it is.
func (s *Store) BarredFile() (connectors.Obstacle, bool) {
	i := slices.IndexFunc(s.Obstacles, func(o connectors.Obstacle) bool { return o.Table == "" && !o.Doubt })
	if i < 0 || !s.Backup() {
		return connectors.Obstacle{}, false
	}
	return s.Obstacles[i], true
}

// Defers reports whether the engine lets rows that refer to each other in a circle go together, since it
// checks references when all is done. A backup goes by the engine that it is a backup of.
func (s *Store) Defers() bool {
	conn := s.Conn
	if s.live != nil {
		conn = s.live.Conn
	}
	d, ok := conn.(connectors.Deferrer)
	return ok && d.DefersForeignKeys()
}

// BlockRuns are the triggers that run when a silo marks a row of a table as blocked, before which nobody is asked.
func (s *Store) BlockRuns(table string) []connectors.Run {
	if !slices.ContainsFunc(s.Governed[table], func(g *judge.Judge) bool { return g.Records.Block != nil }) {
		return nil
	}
	return s.Tables.Runs(connectors.Written{Table: table, Event: "UPDATE"})
}

// claim says that a silo covers a table: by its records, or by what follows from them.
func (s *Store) claim(table, silo string) {
	if !slices.Contains(s.claims[table], silo) {
		s.claims[table] = append(s.claims[table], silo)
	}
}

// SilosOf names the silos that cover a table.
func (s *Store) SilosOf(table string) []string { return s.claims[table] }

// claimAll says that a silo covers the table of its records, and those of what follows from them.
func (s *Store) claimAll(r policy.Records, silo string) {
	s.claim(r.Table, silo)
	for _, d := range r.Dependents {
		s.claim(d.Table, silo)
	}
	for _, o := range r.Owns {
		s.claim(o.Table, silo)
	}
}

// Back counts the rows that nights had ended in a source, and that stand there again.
func Back(s *Store) (rows int64) {
	for _, g := range s.Judges {
		rows += g.Back
	}
	return rows
}
