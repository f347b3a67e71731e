// Package readback holds what the edits of one transaction write, so that a connector can hold it against the
// rows before it commits: a trigger may have put back what was taken away. Its nouns: Rows are those that were
// edited; a Query reads some of them again.
package readback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// Rows are the rows that the edits of one transaction change. The zero value has none.
type Rows struct {
	tables map[string]*table
}

type table struct {
	connectors.Table
	rows map[connectors.Key]*row // by the key that they had
}

// row is what becomes of a row.
type row struct {
	now     connectors.Key // its key afterwards
	deleted bool
	set     map[string]value
}

type value struct {
	text string
	null bool
}

// Add notes what an edit makes of the rows with these keys. Edits are added in the order of the queries, and applied
// the other way round: what the first of them says stands.
func (r *Rows) Add(t connectors.Table, keys []connectors.Key, edit connectors.Edit) {
	if r.tables == nil {
		r.tables = map[string]*table{}
	}
	tab := r.tables[t.Name]
	if tab == nil {
		tab = &table{Table: t, rows: map[connectors.Key]*row{}}
		r.tables[t.Name] = tab
	}
	for i, op := range edit.Ops {
		if op == connectors.Leave {
			continue
		}
		changed := tab.rows[keys[i]]
		if changed == nil {
			changed = &row{now: keys[i], set: map[string]value{}}
			tab.rows[keys[i]] = changed
		}
		changed.deleted = changed.deleted || op == connectors.Delete
		for _, a := range edit.Set {
			if _, known := changed.set[a.Field]; a.Rows[i] && !known {
				v := value{null: a.Values.IsNull(i)}
				if !v.null {
					v.text = string(a.Values.Value(i))
				}
				changed.set[a.Field] = v
				changed.move(t, a.Field, v)
			}
		}
	}
}

// move follows a row whose key is changed.
func (r *row) move(t connectors.Table, field string, v value) {
	at := slices.Index(t.Key, field)
	values, err := r.now.Values()
	if at < 0 || err != nil {
		return
	}
	values[at] = []byte(v.text)
	r.now = connectors.MakeKey(values...)
}

// Query reads the edited rows of one table again.
type Query struct {
	connectors.Query
	rows []*row // of each of the keys
	kind map[string]connectors.Kind
}

// Deleted is how many rows are deleted.
func (r *Rows) Deleted() (rows int) {
	for _, t := range r.tables {
		for _, changed := range t.rows {
			if changed.deleted {
				rows++
			}
		}
	}
	return rows
}

// Queries read the edited rows, table by table: those that were deleted too, unless it is known otherwise that they are
// gone.
func (r *Rows) Queries(gone bool) (queries []Query) {
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		t := r.tables[name]
		q := Query{Query: connectors.Query{Table: name, Keys: &connectors.Keys{Fields: t.Key}},
			kind: map[string]connectors.Kind{}}
		fields := map[string]bool{}
		for _, key := range slices.Sorted(maps.Keys(t.rows)) {
			changed := t.rows[key]
			if changed.deleted && gone {
				continue
			}
			q.Keys.Tuples, q.rows = append(q.Keys.Tuples, changed.now), append(q.rows, changed)
			for f := range changed.set {
				fields[f] = true
			}
		}
		for _, f := range t.Fields {
			if fields[f.Name] || slices.Contains(t.Key, f.Name) {
				q.Fields, q.kind[f.Name] = append(q.Fields, f.Name), f.Kind
			}
		}
		if len(q.rows) > 0 {
			queries = append(queries, q)
		}
	}
	return queries
}

// Check holds the rows of a batch that answers the query against what was written: the error is a
// *connectors.RefusedError where one that was deleted is there, or one that was set holds something else. One that is
// not there was taken along.
func (q Query) Check(b connectors.Batch) error {
	refused := &connectors.RefusedError{Class: connectors.RefusedTrigger, By: q.Table}
	for at := range int(b.Rows.NumRows()) {
		changed := q.rows[b.Tuples[at]]
		if changed.deleted {
			return fmt.Errorf("a row to delete is still there: %w", refused)
		}
		for i, field := range q.Fields {
			col := b.Rows.Column(i).(*array.Binary)
			want, set := changed.set[field]
			if set && (want.null != col.IsNull(at) || !want.null && !alike(q.kind[field], want.text, col.Value(at))) {
				return fmt.Errorf("field %s does not hold what was written: %w", field, refused)
			}
		}
	}
	return nil
}

// alike reports whether a value is what an engine makes of a text that is written to a field of a kind.
func alike(kind connectors.Kind, want string, got []byte) bool {
	if want == string(got) {
		return true
	}
	switch kind {
	case connectors.Integer, connectors.Decimal, connectors.Bool:
		a, okA := new(big.Rat).SetString(want)
		b, okB := new(big.Rat).SetString(string(got))
		return okA && okB && a.Cmp(b) == 0
	case connectors.Float: // six digits are what every engine keeps
		a, errA := strconv.ParseFloat(want, 64)
		b, errB := strconv.ParseFloat(string(got), 64)
		return errA == nil && errB == nil && math.Abs(a-b) <= 1e-5*math.Abs(a)
	case connectors.JSON:
		var a, b any
		return json.Unmarshal([]byte(want), &a) == nil && json.Unmarshal(got, &b) == nil && reflect.DeepEqual(a, b)
	case connectors.Date, connectors.Time, connectors.Timestamp: // with or without a time, or parts of a second
		return want != "" && len(got) > 0 && (strings.HasPrefix(want, string(got)) || bytes.HasPrefix(got, []byte(want)))
	case connectors.Bit:
		return strings.TrimLeft(want, "0") == strings.TrimLeft(string(got), "0")
	}
	return strings.TrimRight(want, " \x00") == string(bytes.TrimRight(got, " \x00")) // of a length that is filled up
}
