// Package sanitize makes a copy of a dump, of a database file or of a server's database, that works like the original
// and holds none of its people's data: each value of a personal field is made up anew, alike where it was alike.
//
//   - [Run] reads it, asks what must be asked, writes the copy, and searches it for what it must not hold.
//   - [Rules] are what people say of fields, in the place of what was found.
//   - A [Target] is a database that the copy goes into.
//   - A maker makes values up (package maker); originals are the values that must not be met again. Package part
//     chooses rows, where a copy has not all.
//   - [Found] says by what stays rows are found again by who has the original.
//
// What is not promised: that nobody can be told by what stays, such as keys, times, amounts and the order of rows.
package sanitize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/sanitize/maker"
	"lethe/pipeline/sanitize/part"
	"lethe/pipeline/scan"
)

// Job is a copy to make.
type Job struct {
	From, To string
	Open     func(ctx context.Context, path string) (connectors.Source, error) // From, or a copy of it
	// Take writes a dump of From, which is a database of a server, to a file. Nil: From is a file or a folder.
	Take func(ctx context.Context, path string) error
	Work string // a private folder, for a copy of From
	Base string // the name of that: a connector opens it by it
	// Into is the empty database that the copy goes into. Nil: To is a file or a folder.
	Into      Target
	Catalogue *classifiers.Catalogue
	Rules     Rules
	Less      part.Less // zero: all rows
	Key       []byte    // of which made-up values hang: kept by nobody
	Check     bool      // only say what would be done
	Progress  func(phase string) (update func(rows, of int64), done func())
}

// Target is a database of a server.
type Target interface {
	// Empty refuses one that holds anything.
	Empty(ctx context.Context) error
	// Put puts a dump there, and opens the database as it is then.
	Put(ctx context.Context, dir, path string, dump connectors.Source) (connectors.Source, error)
}

// Report says what was done.
type Report struct {
	Tables    int          `json:"tables"`
	Rows      int64        `json:"rows"`             // of tables with something to replace
	Fields    []*Field     `json:"fields"`           // all, in the order of the tables
	People    string       `json:"people,omitempty"` // the table of which people were chosen
	Parts     []part.Count `json:"parts,omitempty"`  // of tables, where the copy has a part of the rows
	Written   int64        `json:"written"`          // rows of the copy
	LeftOut   int64        `json:"left_out"`         // rows of people of whom no copy is made
	Questions []Question   `json:"questions"`        // nothing was written as long as there are any
	Originals int          `json:"originals"`        // values that were searched for
	Leaks     []Leak       `json:"leaks"`            // nothing was written as long as one is not waived
	Found     []Found      `json:"found"`            // by what stays rows are found again by who has the original
}

// Leak is a field of the copy that holds values of personal fields of the original.
type Leak struct {
	Table  string `json:"table"`
	Field  string `json:"field"`
	Values int64  `json:"values"`
	Waived string `json:"waived,omitempty"` // why a person says that it is chance
}

// The errors of Run, beside those of the source.
var (
	ErrQuestions = errors.New("fields look personal, and nobody has said what to do with them")
	ErrLeaks     = errors.New("the copy would hold personal values of the original")
	ErrPartly    = errors.New("the copy did not arrive whole")
	ErrNowhere   = errors.New("the folder of the target is not there")
	ErrThere     = errors.New("the target is there already")
	ErrReadOnly  = errors.New("a source of this kind cannot be written anew")
)

// Run makes the copy. The source is read only; the copy is written beside To and takes that name when it is whole and
// searched. After any error there is no To.
func Run(ctx context.Context, job Job) (r *Report, err error) {
	if job.Into != nil && !job.Check {
		err = job.Into.Empty(ctx)
	} else if _, there := os.Lstat(job.To); there == nil && !job.Check {
		err = fmt.Errorf("%w: %s: name another, or remove it", ErrThere, job.To)
	} else if info, no := os.Stat(filepath.Dir(job.To)); !job.Check && (no != nil || !info.IsDir()) {
		err = fmt.Errorf("%w: %s: make it first", ErrNowhere, filepath.Dir(job.To))
	}
	if err != nil {
		return nil, err
	}
	c := &copying{Job: job, maker: &maker.Maker{Key: job.Key},
		temp: filepath.Join(job.Work, job.Base), counts: map[string]int64{}}
	src, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if r, err = c.decide(ctx, src); err != nil {
		return r, err
	}
	if job.Less.Wanted() {
		if err := c.choose(ctx, src); err != nil {
			return r, err
		}
	}
	if job.Check {
		return r, nil
	}
	if len(r.Questions) > 0 {
		return r, fmt.Errorf("%w: %d", ErrQuestions, len(r.Questions))
	}
	if err := c.collect(ctx, src); err != nil {
		return r, err
	}
	r.Originals = c.originals.len()
	return r, c.write(ctx)
}

// snapshotter is a source that others may be writing: it copies itself as it stands at one moment.
type snapshotter interface {
	Snapshot(ctx context.Context, path string) error
}

// open opens what is copied: the source itself where that is a file which stands still, else a copy of it.
func (c *copying) open(ctx context.Context) (connectors.Source, error) {
	if c.Take != nil {
		_, done := c.Progress("dump")
		err := c.Take(ctx, c.temp)
		done()
		if err != nil {
			return nil, err
		}
		c.From = c.temp
		return c.Open(ctx, c.From)
	}
	src, err := c.Open(ctx, c.From)
	if err != nil {
		return nil, err
	}
	if _, ok := src.(connectors.Rewriter); !ok {
		return nil, errors.Join(src.Close(), fmt.Errorf("%w: take a dump of it (mysqldump, pg_dump, a script of SQL "+
			"Server) and name that", ErrReadOnly))
	}
	s, ok := src.(snapshotter)
	if !ok {
		return src, nil
	}
	if err := errors.Join(s.Snapshot(ctx, c.temp), src.Close()); err != nil {
		return nil, err
	}
	c.From = c.temp
	return c.Open(ctx, c.From)
}

// copying is a copy that is being made.
type copying struct {
	Job
	temp      string // where it is written, before it is moved to its place
	report    *Report
	tables    []connectors.Table
	counts    map[string]int64    // rows of the copy, by table
	fields    map[string][]*Field // that change, by table
	maker     *maker.Maker
	originals originals
	part      *part.Part     // nil: all rows
	again     map[uint64]int // which attempt is taken of a value whose first is that of another
}

// decide finds what is personal and says what is done with each field.
func (c *copying) decide(ctx context.Context, src connectors.Source) (*Report, error) {
	update, done := c.Progress("look")
	found, err := scan.Discover(ctx, src, c.Catalogue, 0, update)
	done()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(found.Failed, unread(found.Unread)); err != nil {
		return nil, err
	}
	if c.tables, err = src.Tables(ctx); err != nil {
		return nil, err
	}
	r := &Report{Tables: len(c.tables)}
	if r.Fields, r.Questions, err = decide(c.tables, found, c.Rules); err != nil {
		return nil, err
	}
	c.report, c.fields = r, map[string][]*Field{}
	for _, f := range r.Fields {
		if f.How != maker.Keep {
			c.fields[f.Table] = append(c.fields[f.Table], f)
		}
	}
	return r, nil
}

// knownBy is by what people are known.
var knownBy = []classifiers.Category{classifiers.PersonName, classifiers.Email, classifiers.Phone,
	classifiers.DateOfBirth}

// choose chooses the rows of the copy.
func (c *copying) choose(ctx context.Context, src connectors.Source) (err error) {
	kinds := map[string]part.Kind{}
	for _, f := range c.report.Fields {
		k := kinds[f.Table]
		k.Personal = k.Personal || f.How != maker.Keep
		if slices.Contains(knownBy, f.Category) && !slices.Contains(k.KnownBy, string(f.Category)) {
			k.KnownBy = append(k.KnownBy, string(f.Category))
		}
		kinds[f.Table] = k
	}
	_, done := c.Progress("choose")
	defer done()
	if c.part, err = part.Choose(ctx, src, c.tables, kinds, c.Less); err != nil {
		return err
	}
	c.report.Parts, c.report.People, c.report.LeftOut = c.part.Counts, c.part.Of, c.part.Met
	return nil
}

// unread refuses a dump of which some rows cannot be read: they would be copied as they are.
func unread(list []connectors.Unread) (err error) {
	for _, u := range list {
		if u.Of != "" && !u.Stays { // it is kept in step with what is replaced
			continue
		}
		err = errors.Join(err, fmt.Errorf("%w: table %s is not read (%s), and would be copied as it is: take a dump "+
			"without it", connectors.ErrConfig, u.Name, u.Reason))
	}
	return err
}

// queries ask for the fields that change.
func (c *copying) queries(want func(*Field) bool) (list []connectors.Query) {
	for _, t := range c.tables {
		q := connectors.Query{Table: t.Name}
		for _, f := range c.fields[t.Name] {
			if want(f) {
				q.Fields = append(q.Fields, f.Field)
			}
		}
		if len(q.Fields) > 0 {
			list = append(list, q)
		}
	}
	return list
}

// edited ask for what is changed: fields, and the keys of rows of which some go.
func (c *copying) edited() (list []connectors.Query) {
	queries := c.queries(func(*Field) bool { return true })
	if c.part == nil {
		return queries
	}
	for _, t := range c.tables {
		q := connectors.Query{Table: t.Name}
		if at := slices.IndexFunc(queries, func(q connectors.Query) bool { return q.Table == t.Name }); at >= 0 {
			q = queries[at]
		}
		if fields, ok := c.part.Partial(t.Name); ok {
			for _, f := range append(fields, t.Fields[0].Name) {
				if !slices.Contains(q.Fields, f) {
					q.Fields = append(q.Fields, f)
				}
			}
		}
		if len(q.Fields) > 0 {
			list = append(list, q)
		}
	}
	return list
}

// collect takes up what the copy must not hold, and then which made-up values of fields that tell rows apart would be
// the same.
func (c *copying) collect(ctx context.Context, src connectors.Source) error {
	update, done := c.Progress("read")
	defer done()
	rows := int64(0)
	err := c.each(ctx, src, func(f *Field) bool { return true }, func(f *Field, col *array.Binary) error {
		if f == c.fields[f.Table][0] {
			rows += int64(col.Len())
			update(rows, -1)
		}
		for i := range col.Len() {
			if identifies(f) && !col.IsNull(i) {
				c.originals.add(col.Value(i))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.report.Rows = rows
	c.originals.ready()
	c.maker.Taken = c.originals.has
	c.again = map[uint64]int{}
	seen := map[*Field]map[uint64]uint64{}
	return c.each(ctx, src, func(f *Field) bool { return f.unique }, func(f *Field, col *array.Binary) error {
		made := seen[f]
		if made == nil {
			made = map[uint64]uint64{}
			seen[f] = made
		}
		for i := range col.Len() {
			if col.IsNull(i) {
				continue
			}
			if err := c.apart(f, col.Value(i), made); err != nil {
				return err
			}
		}
		return nil
	})
}

// own is the digest of a value under a way: what is made of it is the same in all fields that have that way.
func (c *copying) own(f *Field, v []byte) uint64 {
	return c.originals.sum(append([]byte(f.How+"\x00"), v...))
}

// apart finds an attempt for a value that no other value of the field got.
func (c *copying) apart(f *Field, v []byte, made map[uint64]uint64) error {
	own := c.own(f, v)
	for try := c.again[own]; try < maker.Attempts; try++ {
		out, null := c.make(f, v, try)
		if null {
			return nil
		}
		at := c.originals.sum(bytes.ToLower(bytes.TrimRight(out, " "))) // a collation may say that they are alike
		if of, there := made[at]; there && of != own {
			continue
		}
		made[at] = own
		if try > 0 {
			c.again[own] = try
		}
		return nil
	}
	return fmt.Errorf("%w: field %s.%s: rows are told apart by it, and there are not enough values of its form: give "+
		"it `do: keep`, or another way", ErrRules, f.Table, f.Field)
}

// make makes up a value of a field, of a number one that is nobody's.
func (c *copying) make(f *Field, v []byte, try int) (made []byte, null bool) {
	for again := range maker.RealMost {
		made, null = c.maker.Make(f.How, v, f.field, try+again*maker.Attempts*maker.RealMost)
		if f.How != maker.Shape || null || !f.isOfSomebody(made) {
			break
		}
	}
	return made, null
}

// each hands the columns of some fields over.
func (c *copying) each(ctx context.Context, src connectors.Source, want func(*Field) bool,
	take func(*Field, *array.Binary) error) error {
	queries := c.queries(want)
	if len(queries) == 0 {
		return nil
	}
	for b, err := range src.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		for _, f := range c.fields[b.Table] {
			if at := b.Rows.Schema().FieldIndices(f.Field); len(at) == 1 && want(f) {
				if err := take(f, b.Rows.Column(at[0]).(*array.Binary)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// edit makes up the values of a batch.
func (c *copying) edit(b connectors.Batch) (connectors.Edit, error) {
	n := int(b.Rows.NumRows())
	e := connectors.Edit{Ops: make([]connectors.Op, n)}
	var empty map[string][]bool
	if c.part != nil {
		if _, ok := c.part.Partial(b.Table); ok {
			var err error
			if empty, err = c.part.Drop(b, e.Ops); err != nil {
				return e, err
			}
		}
	}
	for _, f := range c.fields[b.Table] {
		col := b.Rows.Column(b.Rows.Schema().FieldIndices(f.Field)[0]).(*array.Binary)
		values := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		set := connectors.Assignment{Field: f.Field, Rows: make([]bool, n)}
		for i := range n {
			if col.IsNull(i) || e.Ops[i] == connectors.Delete || empty[f.Field] != nil && empty[f.Field][i] {
				set.Rows[i] = empty[f.Field] != nil && empty[f.Field][i]
				values.AppendNull()
				continue
			}
			v := col.Value(i)
			try := 0
			if len(c.again) > 0 {
				try = c.again[c.own(f, v)]
			}
			made, null := c.make(f, v, try)
			set.Rows[i], e.Ops[i] = true, connectors.Update
			f.Changed++
			if null {
				values.AppendNull()
			} else {
				values.Append(made)
			}
		}
		set.Values = values.NewBinaryArray()
		e.Set = append(e.Set, set)
		delete(empty, f.Field)
	}
	for _, field := range slices.Sorted(maps.Keys(empty)) {
		values := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		for range n {
			values.AppendNull()
		}
		e.Set = append(e.Set, connectors.Assignment{Field: field, Rows: empty[field], Values: values.NewBinaryArray()})
	}
	return e, nil
}

// search looks for values of the original's personal fields in all fields of the copy.
func (c *copying) search(ctx context.Context, now connectors.Source) error {
	var queries []connectors.Query
	numbered := map[string]bool{} // fields of keys that are whole numbers: such are met among others' by chance
	for _, t := range c.tables {
		queries = append(queries, connectors.Query{Table: t.Name})
		for _, f := range t.Fields {
			numbered[t.Name+"."+f.Name] = f.Kind == connectors.Integer && refers(t, f.Name)
		}
	}
	found := map[string]int64{}
	clear(c.counts)
	known := newAttack(c.tables, c.report.Fields)
	for b, err := range now.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		c.counts[b.Table] += b.Rows.NumRows()
		known.take(b)
		for i, field := range b.Rows.Schema().Fields() {
			col, name := b.Rows.Column(i).(*array.Binary), b.Table+"."+field.Name
			if numbered[name] {
				continue
			}
			for row := range col.Len() {
				if !col.IsNull(row) && c.originals.within(col.Value(row)) {
					found[name]++
				}
			}
		}
	}
	for _, chosen := range c.report.Parts {
		if n := c.counts[chosen.Table]; n != chosen.Kept {
			return fmt.Errorf("%w: table %s has %d rows in the copy, where %d were chosen", ErrPartly, chosen.Table, n,
				chosen.Kept)
		}
	}
	c.report.Found, c.report.Written = known.found(c.tables), 0
	for _, n := range c.counts {
		c.report.Written += n
	}
	open := 0
	for _, f := range c.report.Fields {
		if n := found[f.Table+"."+f.Field]; n > 0 {
			leak := Leak{Table: f.Table, Field: f.Field, Values: n}
			if f.Ruled && f.How == maker.Keep {
				leak.Waived = f.Because
			}
			if leak.Waived == "" {
				open++
			}
			c.report.Leaks = append(c.report.Leaks, leak)
		}
	}
	if open > 0 {
		return fmt.Errorf("%w: in %d fields", ErrLeaks, open)
	}
	return nil
}

// identifies says whether the values of a field tell of whom they are: not days, numbers, and what many people share.
func identifies(f *Field) bool {
	switch f.How {
	case maker.Day, maker.Near, maker.Nothing, maker.Keep:
		return false
	}
	kinds := []connectors.Kind{connectors.Text, connectors.JSON}
	shared := []classifiers.Category{classifiers.City, classifiers.Postcode, classifiers.Country, classifiers.Region,
		classifiers.Gender}
	return slices.Contains(kinds, f.field.Kind) && !slices.Contains(shared, f.Category)
}
