// Package trial puts a backup back into a throwaway server of its engine and looks whether what stands there is what
// the file says, and who stands there though a night had ended their rows.
//
//   - [Try] does it. What of it is to be kept, package tried keeps.
//   - A sum of a table's rows, in any order, is compared; no row is.
package trial

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
	"lethe/pipeline/tried"
)

// Try puts a backup back and compares. The server's data lie in a folder that is made in parent; "" where temporary
// files lie. The error is errors.ErrUnsupported where nothing here puts such a backup back. What the trial finds wrong
// with the backup is among its Faults.
func Try(ctx context.Context, p *setup.Setup, s setup.Source, parent string) (t tried.Trial, err error) {
	t.Source = s.Name
	defer func() { t.TriedAt = p.Now() }()
	if s.Restore == nil || s.Version != "" {
		return t, fmt.Errorf("%s is no file that is put back: %w", s.Name, errors.ErrUnsupported)
	}
	if t.Digest, err = s.FileDigest(); err != nil {
		return t, fmt.Errorf("%w: source %s: %w", setup.ErrSource, s.Name, err)
	}
	file, err := s.Open(ctx)
	if err != nil {
		err = fault(&t, s, err)
		return t, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	tables, err := file.Tables(ctx)
	if err != nil {
		err = fault(&t, s, err)
		return t, err
	}
	p.Progress("restore", s.Name, 0, -1)
	back, err := s.Restore(ctx, file, parent)
	if err != nil {
		err = fault(&t, s, err)
		return t, err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	t.Engine, t.Left = back.Engine, back.Left
	c := &comparison{setup: p, source: s, trial: &t, seed: maphash.MakeSeed()}
	if err = c.compare(ctx, file, tables, back); err != nil {
		err = fault(&t, s, err)
		return t, err
	}
	if err := c.ended(ctx, back); err != nil {
		return t, err
	}
	digest, err := s.FileDigest()
	if err == nil && digest != t.Digest {
		err = fmt.Errorf("%w: source %s: the file changed while it was tried: try again", setup.ErrSource, s.Name)
	}
	return t, err
}

// fault takes an error for one of the backup, where it is, so that it ends as a trial.
func fault(t *tried.Trial, s setup.Source, err error) error {
	if errors.Is(err, connectors.ErrDamaged) || errors.Is(err, connectors.ErrRefused) {
		t.Faults = append(t.Faults, err.Error())
		return nil
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("source %s: %w", s.Name, err)
	}
	return fmt.Errorf("%w: source %s: %w", setup.ErrSource, s.Name, err)
}

// comparison is of a backup's file with what stands where it was put back.
type comparison struct {
	setup  *setup.Setup
	source setup.Source
	trial  *tried.Trial
	seed   maphash.Seed
}

// pair is a table in both.
type pair struct {
	file, back connectors.Table
	in         connectors.Source
	fields     []string // that both have and know
}

// sum is of rows in any order.
type sum struct {
	rows int64
	hash uint64
}

// compare sums up the rows of each table on both sides.
func (c *comparison) compare(ctx context.Context, file connectors.Source, tables []connectors.Table,
	back *connectors.Restored) error {
	catalogs := make([]connectors.Tables, len(back.Databases))
	for i, d := range back.Databases {
		var err error
		if catalogs[i], err = d.Source.Tables(ctx); err != nil {
			return err
		}
	}
	home(tables, back, catalogs)
	var pairs []pair
	var queries []connectors.Query
	for _, t := range tables {
		if t.Unreadable != nil {
			c.left("table %s, whose rows the file does not let read", t.Name)
			continue
		}
		p, ok := find(t, back, catalogs)
		if !ok {
			c.fault("table %s of the file does not stand where it was put back", t.Name)
			continue
		}
		pairs = append(pairs, p)
		queries = append(queries, connectors.Query{Table: t.Name, Fields: p.fields})
	}
	if len(pairs) == 0 {
		return nil
	}
	want := map[string]*sum{}
	if err := c.add(ctx, file, want, "", queries...); err != nil {
		return err
	}
	for _, p := range pairs {
		got := map[string]*sum{}
		q := connectors.Query{Table: p.back.Name, Fields: alike(p.back, p.fields)}
		if err := c.add(ctx, p.in, got, p.back.Name, q); err != nil {
			return err
		}
		c.settle(p.file.Name, want[p.file.Name], got[p.back.Name])
	}
	return nil
}

// left says of something that it was not compared.
func (c *comparison) left(format string, args ...any) {
	c.trial.Left = append(c.trial.Left, fmt.Sprintf(format, args...))
}

// fault says what is wrong with the backup.
func (c *comparison) fault(format string, args ...any) {
	c.trial.Faults = append(c.trial.Faults, fmt.Sprintf(format, args...))
}

// settle notes whether a table stands there as the file says.
func (c *comparison) settle(table string, want, got *sum) {
	none := &sum{}
	if want == nil {
		want = none
	}
	if got == nil {
		got = none
	}
	c.trial.Tables++
	c.trial.Rows += got.rows
	switch {
	case want.rows != got.rows:
		c.fault("table %s: the file holds %d rows, and %d stand where it was put back", table, want.rows, got.rows)
	case want.hash != got.hash:
		c.fault("table %s: of its %d rows some stand there with other values than the file says", table, want.rows)
	}
}

// home puts the database first that holds most of the tables which the file names without one. It is none that the file
// names, if there is another.
func home(tables []connectors.Table, back *connectors.Restored, catalogs []connectors.Tables) {
	best, most := 0, math.MinInt
	for i := range catalogs {
		held := 0
		for _, t := range tables {
			if _, ok := catalogs[i].Find(t.Name); ok {
				held++
			}
			if of, _, named := strings.Cut(t.Name, "."); named && of == back.Databases[i].Name {
				held -= len(tables)
			}
		}
		if held > most {
			best, most = i, held
		}
	}
	if len(catalogs) > 0 {
		back.Databases[0], back.Databases[best] = back.Databases[best], back.Databases[0]
		catalogs[0], catalogs[best] = catalogs[best], catalogs[0]
	}
}

// find finds a table of the file: in the first database by its name, or in the one that its name begins with.
func find(t connectors.Table, back *connectors.Restored, catalogs []connectors.Tables) (p pair, ok bool) {
	p.file = t
	if len(catalogs) > 0 {
		p.in = back.Databases[0].Source
		p.back, ok = catalogs[0].Find(t.Name)
	}
	database, name, named := strings.Cut(t.Name, ".")
	for i, d := range back.Databases {
		if !ok && named && d.Name == database {
			p.in = d.Source
			p.back, ok = catalogs[i].Find(name)
		}
	}
	for _, f := range t.Fields {
		g, there := fieldOf(p.back, f.Name)
		if there && !f.Generated && !g.Generated && f.Kind != connectors.Float && g.Kind != connectors.Float {
			p.fields = append(p.fields, f.Name)
		}
	}
	return p, ok
}

// fieldOf finds a field, whose name some engines fold.
func fieldOf(t connectors.Table, name string) (connectors.Field, bool) {
	if f, ok := t.Field(name); ok {
		return f, true
	}
	i := slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		return connectors.Field{}, false
	}
	return t.Fields[i], true
}

// alike are the fields as a table calls them.
func alike(t connectors.Table, fields []string) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		g, _ := fieldOf(t, f) // find found it
		list[i] = g.Name
	}
	return list
}

// add sums the rows up that queries ask for.
func (c *comparison) add(ctx context.Context, in connectors.Source, into map[string]*sum, of string,
	q ...connectors.Query) error {
	var rows int64
	var buf []byte
	for b, err := range in.Scan(ctx, q...) {
		if err != nil {
			return err
		}
		s := into[b.Table]
		if s == nil {
			s = &sum{}
			into[b.Table] = s
		}
		for row := range int(b.Rows.NumRows()) {
			buf = appendRow(buf[:0], b.Rows, row)
			s.hash += maphash.Bytes(c.seed, buf)
			s.rows++
		}
		rows += b.Rows.NumRows()
		phase := "read"
		if of != "" {
			phase = "compare"
		}
		c.setup.Progress(phase, c.source.Name, rows, -1)
	}
	return nil
}

// appendRow appends the values of a row, each with its length.
func appendRow(buf []byte, rows arrow.Record, row int) []byte {
	for _, column := range rows.Columns() {
		values := column.(*array.Binary)
		if values.IsNull(row) {
			buf = append(buf, 0)
			continue
		}
		v := values.Value(row)
		buf = append(binary.AppendUvarint(append(buf, 1), uint64(len(v))), v...)
	}
	return buf
}

// ended counts the rows that stand there though a night had ended them. Where nobody knows of any, there are none.
func (c *comparison) ended(ctx context.Context, back *connectors.Restored) (err error) {
	if len(back.Databases) == 0 {
		return nil
	}
	p := *c.setup
	here := func(r policy.Records) bool { return r.Source == c.source.System() }
	p.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(s *policy.Compiled) bool {
		return !slices.ContainsFunc(s.Silo.Records, here)
	})
	if len(p.Silos) == 0 {
		return nil
	}
	config := p.Registry
	config.ReadOnly = true
	r, err := registry.Open(ctx, config)
	if errors.Is(err, registry.ErrMissing) || errors.Is(err, registry.ErrEmpty) {
		c.left("rows of erased people were not looked for, as there is no registry yet")
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	tonight := setup.Asking(&p, p.Now())
	set := silos.New(&p, tonight, nil)
	set.Registry = r
	defer func() { err = errors.Join(err, set.Close()) }()
	var known []*policy.Compiled
	for _, s := range p.Silos {
		err := set.OpenSilo(ctx, s, nil)
		if errors.Is(err, registry.ErrUnknownSilo) || errors.Is(err, keystore.ErrMissing) {
			continue // nobody's rows were ended there
		}
		if err != nil {
			return fmt.Errorf("silo %s: %w", s.Silo.Name, err)
		}
		known = append(known, s)
	}
	p.Silos = known
	return c.count(ctx, &p, tonight, set, back.Databases[0].Source)
}

// count rules on the governed rows that stand there.
func (c *comparison) count(ctx context.Context, p *setup.Setup, tonight setup.Tonight, set *silos.Set,
	in connectors.Source) (err error) {
	source := c.source
	source.Rewrite = nil // what stands there is not changed
	store := stores.NewStore(source)
	store.Conn = in
	if store.Tables, err = in.Tables(ctx); err != nil {
		return fmt.Errorf("%w: %w", setup.ErrSource, err)
	}
	all := stores.New(p, tonight, &notes.Notes{}, set)
	all.List = []*stores.Store{store}
	if err := all.Mapped(ctx, store); err != nil {
		return err
	}
	var queries []connectors.Query
	for _, t := range store.Tables {
		if len(store.Governed[t.Name]) > 0 {
			queries = append(queries, connectors.Query{Table: t.Name})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	if err := store.ReadCarried(ctx, false); err != nil {
		return err
	}
	for b, err := range in.Scan(ctx, queries...) {
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrSource, err)
		}
		for row := range int(b.Rows.NumRows()) {
			for _, g := range store.Governed[b.Table] {
				if !g.Mine(b.Rows, row) || !g.Traced(b.Rows, row) {
					continue
				}
				if r := g.Rule(b.Rows, row, tonight.AsOf); r.Change != judge.None && !r.Change.Reversible() {
					c.trial.Erased++
				}
			}
		}
	}
	return nil
}
