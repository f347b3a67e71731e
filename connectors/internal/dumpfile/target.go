package dumpfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

func (g *Target) target() *Target { return g }

// batchRows is the most rows of a batch where the query does not say.
const batchRows = 1 << 14

// Target is a query on its way through a pass: where its values stand in a row, and the batch that is being
// filled. A connector embeds it in a type that knows how to read a value.
//
// A row is taken in this order: Batches.Begin; nothing more if the row is not Reached; AddKey for the value
// of each field of Keyed, and nothing more if one is NULL; nothing more if it is not Found; then a value
// for each of Wanted into Builder.
type Target struct {
	Wanted  []int // of each column of the batch, the index of its field in the table
	Keyed   []int // of the fields of the query's keys, their indices in the table
	Builder *connectors.Builder
	MaxRows int      // of a batch
	Ordinal int64    // of the row at hand, counted from 1 in the file's order
	Place   []int    // of each field of the table, its place in a row; -1 if there is no value for it
	Arity   int      // values in a row
	Named   []string // the fields that the statement at hand names; nil: all, in the table's order

	table  string
	placed bool
	after  int64
	keys   *keyset.Set // nil: every row
	key    []byte      // of the row at hand
	tuples []int       // of the rows in the batch: which of the keys each has
}

// NewTarget makes the target of a query for a table. fold is asked which keys the engine may take for equal
// though their bytes differ, given the indices of their fields: nil if none.
func NewTarget(t *Entry, q connectors.Query, fold func(keyed []int) keyset.Fold) (Target, error) {
	g := Target{table: t.Name, MaxRows: q.MaxRows}
	if g.MaxRows <= 0 {
		g.MaxRows = batchRows
	}
	var err error
	if g.Builder, err = connectors.NewBuilder(t.Table, q.Fields); err != nil {
		return g, err
	}
	if q.Fields == nil {
		for i := range t.Fields {
			g.Wanted = append(g.Wanted, i)
		}
	}
	for _, name := range q.Fields {
		g.Wanted = append(g.Wanted, t.Index(name))
	}
	if q.After != "" {
		if g.after, err = strconv.ParseInt(string(q.After), 10, 64); err != nil || g.after < 0 {
			return g, fmt.Errorf("the cursor is none of a dump: %w", connectors.ErrConfig)
		}
	}
	if q.Keys != nil {
		err = g.filter(t, q.Keys, fold)
	}
	return g, err
}

// ErrAlike says that it hangs on the server's collation whether a row is asked for.
var ErrAlike = errors.New("whether the server takes the two for equal, the dump does not say")

// filter prepares the set that rows are looked up in.
func (g *Target) filter(t *Entry, k *connectors.Keys, fold func(keyed []int) keyset.Fold) error {
	for _, name := range k.Fields {
		i := t.Index(name)
		if i < 0 {
			return fmt.Errorf("table %s has no field %s: %w", t.Name, name, connectors.ErrSchemaChanged)
		}
		g.Keyed = append(g.Keyed, i)
	}
	var err error
	if g.keys, err = keyset.New(k.Tuples, fold(g.Keyed)); err != nil {
		return fmt.Errorf("a key of table %s has not a value for each field: %w", t.Name, connectors.ErrConfig)
	}
	return nil
}

// Knows reports whether Place is already that of statements which name these fields.
func (g *Target) Knows(columns []string) bool { return g.placed && slices.Equal(g.Named, columns) }

// Learn takes the places of the fields from those that a statement names, nil if it names none; all is then
// for the connector to place. index finds a field by its name in a statement.
func (g *Target) Learn(fields int, columns []string, index func(string) int) error {
	g.Named, g.placed, g.Arity = columns, true, len(columns)
	g.Place = slices.Repeat([]int{-1}, fields)
	for p, name := range columns {
		i := index(name)
		if i < 0 {
			return fmt.Errorf("a statement fills a field %s that table %s lacks: %w", name, g.table,
				connectors.ErrDamaged)
		}
		g.Place[i] = p
	}
	return nil
}

// Changes reports whether the batch at hand ends here, because a statement names other fields than those
// before.
func (g *Target) Changes(columns []string) bool { return g.placed && !slices.Equal(g.Named, columns) }

// Reached reports whether the row at hand stands behind the query's cursor. It begins the row's key.
func (g *Target) Reached() bool {
	g.key = g.key[:0]
	return g.Ordinal > g.after
}

// AddKey adds a value to the key of the row at hand.
func (g *Target) AddKey(value []byte) { g.key = keyset.Append(g.key, value) }

// Found reports whether the query asks for the row with the key at hand.
func (g *Target) Found() (bool, error) {
	if g.keys == nil {
		return true, nil
	}
	return g.find()
}

func (g *Target) find() (bool, error) {
	at, alike, err := g.keys.Find(g.key)
	if alike {
		return false, fmt.Errorf("a row of table %s refers by a text that differs in case, accents or spaces from one "+
			"asked for; %w: %w", g.table, ErrAlike, errors.ErrUnsupported)
	}
	if at < 0 || err != nil {
		return false, err
	}
	if g.Builder.Rows() == 0 {
		g.tuples = g.tuples[:0]
	}
	g.tuples = append(g.tuples, at)
	return true, nil
}

// Batch ends the batch at hand.
func (g *Target) Batch() connectors.Batch {
	b := g.Builder.Batch(connectors.Cursor(strconv.FormatInt(g.Ordinal, 10)))
	if g.keys != nil {
		b.Tuples = g.tuples
	}
	return b
}

// Batches gathers the rows of targets into batches, each of one table, and hands these to Out.
type Batches struct {
	Out     func(connectors.Batch) error
	current *Target
}

// Begin begins a row of a target. The batch of another ends.
func (b *Batches) Begin(g *Target) error {
	g.Ordinal++
	if g == b.current {
		return nil
	}
	return b.turn(g)
}

func (b *Batches) turn(g *Target) error {
	err := b.Flush()
	b.current = g
	return err
}

// End ends a row that went into the batch.
func (b *Batches) End() error {
	if b.current.Builder.Full(b.current.MaxRows) {
		return b.Flush()
	}
	return nil
}

// Flush ends the batch at hand.
func (b *Batches) Flush() error {
	if b.current == nil || b.current.Builder.Rows() == 0 {
		return nil
	}
	return b.Out(b.current.Batch())
}
