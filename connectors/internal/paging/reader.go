package paging

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

// ErrStop ends a stream whose caller has had enough.
var ErrStop = errors.New("stop")

// Column is a column of a statement whose values come as text.
type Column interface {
	comparable
	// Canonical is the value of the contract for what the server sent, which may lie in scratch; more is scratch for
	// the next.
	Canonical(sent, scratch []byte) (value, more []byte, err error)
	// Check refuses a value of the contract that no row can hold in the column.
	Check(value []byte) error
	// Field is the name of the field.
	Field() string
}

// Reader puts rows of one table, read by statements, into batches.
type Reader[C Column] struct {
	Builder *connectors.Builder
	Columns []C     // of the statements: those of the batches, then those only the reader needs
	Order   []int   // the columns of the primary key
	Match   []int   // the columns that hold the fields of the query's keys
	Pieces  *Pieces // of the query's keys
	// Located says that a row of a query by keys, in a table without a key, ends with the place where it lies: so one
	// that answers two tuples is known.
	Located bool

	table   map[string]C
	fields  int    // how many columns belong to the batches
	tuples  []int  // of the query's keys, that the rows of the batch at hand answer
	last    string // where the row before lies
	scratch []byte
	key     []byte
}

// NewReader makes the reader of some fields of a table; nil fields are all.
func NewReader[C Column](t connectors.Table, columns map[string]C, fields []string) (*Reader[C], error) {
	builder, err := connectors.NewBuilder(t, fields)
	if err != nil {
		return nil, err
	}
	r := &Reader[C]{Builder: builder, table: columns}
	if fields == nil {
		for _, f := range t.Fields {
			fields = append(fields, f.Name)
		}
	}
	for _, name := range fields {
		r.Columns = append(r.Columns, columns[name])
	}
	r.fields = len(r.Columns)
	r.Order = r.NeedAll(t.Key)
	return r, nil
}

// Need returns the place of a column, which is added if it is not among the columns yet.
func (r *Reader[C]) Need(c C) int {
	i := slices.Index(r.Columns, c)
	if i < 0 {
		i = len(r.Columns)
		r.Columns = append(r.Columns, c)
	}
	return i
}

// NeedAll returns the places of fields of the table.
func (r *Reader[C]) NeedAll(fields []string) []int {
	places := make([]int, len(fields))
	for i, name := range fields {
		places[i] = r.Need(r.table[name])
	}
	return places
}

// Place reads a cursor.
func (r *Reader[C]) Place(c connectors.Cursor) (Place, error) {
	return ParsePlace(c, len(r.Order), func(i int, v []byte) error { return r.Columns[r.Order[i]].Check(v) })
}

// Batch ends the batch at hand.
func (r *Reader[C]) Batch(next connectors.Cursor) connectors.Batch {
	b := r.Builder.Batch(next)
	b.Tuples, r.tuples = r.tuples, nil
	return b
}

// Hand hands the batch at hand over. ErrStop says that the caller has had enough.
func (r *Reader[C]) Hand(at Place, yield func(connectors.Batch, error) bool) error {
	if !yield(r.Batch(at.Cursor()), nil) {
		return ErrStop
	}
	return nil
}

// HandSample is Hand for rows of a sample.
func (r *Reader[C]) HandSample(at Place, yield func(connectors.Batch, error) bool) error {
	b := r.Batch(at.Cursor())
	if b.Sampled = true; !yield(b, nil) {
		return ErrStop
	}
	return nil
}

// Add adds a row to the batch and moves the place behind it. A query by keys reads, behind the columns, the number of the
// row's tuple in the piece, from 1. added is false if the row belongs to another piece of the keys, or was added before:
// the server gives it for each tuple that it answers.
func (r *Reader[C]) Add(at *Place, values [][]byte) (added bool, err error) {
	again := false
	if len(r.Order) == 0 {
		at.Rows++
		if r.Located && r.Pieces != nil {
			where := string(values[len(values)-1])
			again, r.last = where == r.last, where
		}
	} else if again, err = r.Move(at, values); err != nil {
		return false, err
	}
	if again {
		return false, nil
	}
	if r.Pieces != nil {
		own, _, err := r.Key(r.Match, values)
		if err != nil {
			return false, err
		}
		tuple, ok, err := r.Pieces.Answer(at.Piece, own, func() (int, error) {
			n, err := strconv.Atoi(string(values[len(r.Columns)]))
			return n - 1, err
		})
		if !ok {
			return false, err
		}
		r.tuples = append(r.tuples, tuple)
	}
	for i := range r.fields {
		if values[i] == nil {
			r.Builder.AppendNull(i)
			continue
		}
		var v []byte
		if v, r.scratch, err = r.Columns[i].Canonical(values[i], r.scratch); err != nil {
			return false, fmt.Errorf("field %s: %w", r.Columns[i].Field(), err)
		}
		r.Builder.Append(i, v)
	}
	r.Builder.EndRow()
	return true, nil
}

// Move sets the place behind a row, and reports whether it stood there already.
func (r *Reader[C]) Move(at *Place, values [][]byte) (again bool, err error) {
	again = at.After != nil
	if !again {
		at.After = make([][]byte, len(r.Order))
	}
	for i, c := range r.Order {
		var v []byte
		if v, r.scratch, err = r.Columns[c].Canonical(values[c], r.scratch); err != nil {
			return false, err
		}
		again = again && string(v) == string(at.After[i])
		at.After[i] = append(append(at.After[i][:0], v...), 0)[:len(v)] // never nil, which is NULL
	}
	return again, nil
}

// Key makes a key of the values of some columns; ok is false if one is NULL.
func (r *Reader[C]) Key(columns []int, values [][]byte) (key connectors.Key, ok bool, err error) {
	r.key = r.key[:0]
	for _, c := range columns {
		if values[c] == nil {
			return "", false, nil
		}
		var v []byte
		if v, r.scratch, err = r.Columns[c].Canonical(values[c], r.scratch); err != nil {
			return "", false, err
		}
		r.key = keyset.Append(r.key, v)
	}
	return connectors.Key(r.key), true, nil
}
