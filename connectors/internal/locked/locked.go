// Package locked holds what a connector of an SQL server does with rows that it read under lock, whatever words its
// server has for it: it holds an edit against them, groups what is set into statements, orders deletes so that no row
// goes before those that refer to it, and says what became of each key. Its nouns: Rows are what one query of a
// transaction read; a Group are those of them that set the same fields.
package locked

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"lethe/connectors"
)

// mostBytes is the size of values at which Add gives up: rows of a transaction are held in memory, and a column of a
// batch ends at 2 GB.
const mostBytes = 1 << 30

// Rows are the rows that one query read under lock, in its order.
type Rows struct {
	Query connectors.Query
	Table connectors.Table
	Keys  []connectors.Key // the primary key of each, as it stands in the table
	size  int
	key   []int
	self  []*reference
}

// reference is a foreign key from the table to itself, with its values in the rows; "" where one is NULL.
type reference struct {
	from, to         []int
	fromKeys, toKeys []connectors.Key
}

// New makes the rows of a query, none as yet. places says where in what is read of a row the given fields stand.
// Queries that name no keys, and tables without a key, whose rows nothing tells apart, are refused.
func New(q connectors.Query, t connectors.Table, places func(fields []string) []int) (*Rows, error) {
	switch {
	case len(t.Key) == 0:
		return nil, fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	case q.Keys == nil:
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	r := &Rows{Query: q, Table: t, key: places(t.Key)}
	for _, fk := range t.ForeignKeys {
		if fk.RefTable == t.Name {
			r.self = append(r.self, &reference{from: places(fk.Fields), to: places(fk.RefFields)})
		}
	}
	return r, nil
}

// Add adds a row whose values have some bytes. key makes a key of what was read of the row in some places, "" where
// one is NULL.
func (r *Rows) Add(bytes int, key func(places []int) (connectors.Key, error)) error {
	if r.size += bytes; r.size > mostBytes {
		return fmt.Errorf("the rows of one transaction hold more than 1 GB, name fewer keys: %w", connectors.ErrConfig)
	}
	own, err := key(r.key)
	if err != nil {
		return err
	}
	r.Keys = append(r.Keys, own)
	for _, ref := range r.self {
		from, _ := key(ref.from) // what cannot be told refers to nothing here: the server decides
		to, _ := key(ref.to)
		ref.fromKeys, ref.toKeys = append(ref.fromKeys, from), append(ref.toKeys, to)
	}
	return nil
}

// Check refuses an edit of other rows than these, and gives one that names no operations the word for leaving all.
func (r *Rows) Check(edit *connectors.Edit) error {
	if edit.Ops == nil {
		edit.Ops = make([]connectors.Op, len(r.Keys))
	}
	if len(edit.Ops) != len(r.Keys) {
		return fmt.Errorf("edit answers with %d operations for %d rows", len(edit.Ops), len(r.Keys))
	}
	return nil
}

// Group are rows that set the same fields.
type Group struct {
	Set  []connectors.Assignment
	Rows []int
	one  bool // as the primary key is set
}

// Groups puts the rows that an edit updates together by the fields that they set. column is asked once for each field:
// it returns the check of a value that is not NULL, or why the field cannot be set.
func (r *Rows) Groups(edit connectors.Edit, column func(field string) (check func(value []byte) error, err error)) ([]Group, error) {
	for _, set := range edit.Set {
		check, err := r.settable(set.Field, column)
		if err == nil {
			err = r.assigned(edit.Ops, set, check)
		}
		if err != nil {
			return nil, err
		}
	}
	alike := map[string][]int{}
	for row, op := range edit.Ops {
		mask := make([]byte, len(edit.Set))
		for i, set := range edit.Set {
			mask[i] = '0'
			if set.Rows[row] {
				mask[i] = '1'
			}
		}
		if op == connectors.Update && slices.Contains(mask, '1') {
			alike[string(mask)] = append(alike[string(mask)], row)
		}
	}
	var groups []Group
	for _, mask := range slices.Sorted(maps.Keys(alike)) {
		g := Group{Rows: alike[mask]}
		for i, given := range mask {
			if given == '1' {
				g.Set = append(g.Set, edit.Set[i])
				g.one = g.one || slices.Contains(r.Table.Key, edit.Set[i].Field)
			}
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func (r *Rows) settable(field string, column func(string) (func([]byte) error, error)) (func([]byte) error, error) {
	switch f, ok := r.Table.Field(field); {
	case !ok:
		return nil, fmt.Errorf("no field %s: %w", field, connectors.ErrSchemaChanged)
	case f.Generated:
		return nil, fmt.Errorf("field %s is computed and cannot be set: %w", field, connectors.ErrConfig)
	}
	check, err := column(field)
	if err != nil {
		return nil, fmt.Errorf("field %s cannot be set: %w", field, err)
	}
	return check, nil
}

func (r *Rows) assigned(ops []connectors.Op, set connectors.Assignment, check func([]byte) error) error {
	if len(set.Rows) != len(r.Keys) || set.Values.Len() != len(r.Keys) {
		return fmt.Errorf("edit sets field %s in %d rows to %d values, but there are %d rows", set.Field, len(set.Rows),
			set.Values.Len(), len(r.Keys))
	}
	for row, given := range set.Rows {
		switch {
		case !given:
			continue
		case ops[row] != connectors.Update:
			return fmt.Errorf("edit sets field %s in a row that it does not update", set.Field)
		case set.Values.IsNull(row):
			continue
		}
		if err := check(set.Values.Value(row)); err != nil {
			return fmt.Errorf("new value of field %s: %w", set.Field, err)
		}
	}
	return nil
}

// Cut cuts the rows of a group into those of one statement each: of so many rows at the most, and of not many more bytes
// of values. A statement that sets the primary key has one row, as two could take each other's.
func (g Group) Cut(rows, bytes int) (statements [][]int) {
	if g.one {
		rows = 1
	}
	start, size := 0, 0
	for i, row := range g.Rows {
		if i-start == rows || size > bytes {
			statements = append(statements, g.Rows[start:i])
			start, size = i, 0
		}
		for _, set := range g.Set {
			size += len(set.Values.Value(row))
		}
	}
	return append(statements, g.Rows[start:])
}

// Deletes cuts the rows that are deleted into those of one statement each, of so many rows at the most: rows that others
// refer to come after those. Where the rest refer to each other in rings, the server decides; ring is then how many go by
// one statement, 0 for all.
func (r *Rows) Deletes(ops []connectors.Op, most, ring int) (statements [][]int) {
	var rows []int
	for row, op := range ops {
		if op == connectors.Delete {
			rows = append(rows, row)
		}
	}
	parents, children := r.family(rows)
	for len(rows) > 0 {
		var leaves, rest []int
		for _, row := range rows {
			if children[row] == 0 {
				leaves = append(leaves, row)
			} else {
				rest = append(rest, row)
			}
		}
		atOnce := most
		if len(leaves) == 0 {
			leaves, rest = rest, nil
			if atOnce = ring; ring == 0 {
				atOnce = len(leaves)
			}
		}
		for _, row := range leaves {
			for _, parent := range parents[row] {
				children[parent]--
			}
		}
		statements = slices.AppendSeq(statements, slices.Chunk(leaves, atOnce))
		rows = rest
	}
	return statements
}

// family finds, among the given rows, those each row refers to and how many refer to it.
func (r *Rows) family(rows []int) (parents map[int][]int, children map[int]int) {
	parents, children = map[int][]int{}, map[int]int{}
	for _, ref := range r.self {
		byKey := map[connectors.Key]int{}
		for _, row := range rows {
			byKey[ref.toKeys[row]] = row
		}
		for _, row := range rows {
			if parent, ok := byKey[ref.fromKeys[row]]; ok && ref.fromKeys[row] != "" && parent != row {
				parents[row] = append(parents[row], parent)
				children[parent]++
			}
		}
	}
	return parents, children
}

// Met holds the rows that a statement met against those that it names: more are refused. How many it missed is returned: a
// foreign key may have taken some along, and a trigger or a rule may have ignored some.
func (r *Rows) Met(named int, met int64) (missed int, err error) {
	if met < 0 || met > int64(named) {
		return 0, fmt.Errorf("a statement for %d rows met %d: %w", named, met, r.refused())
	}
	return named - int(met), nil
}

// Missed is the error of an update that did not meet all its rows.
func (r *Rows) Missed(rows int) error {
	return fmt.Errorf("%d rows to update are gone, or not as they were, by a trigger, a rule, a cascade or a delete of the "+
		"same transaction: %w", rows, r.refused())
}

func (r *Rows) refused() error {
	return &connectors.RefusedError{Class: connectors.RefusedOther, By: r.Table.Name}
}

// Outcomes says what becomes of each key of a query by primary key, or of each row read. tuples are those of the query
// that the rows answer. find asks the server for the key, as stored, that it holds equal to one whose row was read by
// another spelling; "" where there is none.
func (r *Rows) Outcomes(tuples []int, ops []connectors.Op, find func(connectors.Key) (connectors.Key, error)) ([]connectors.Outcome, error) {
	status := func(row int) connectors.Status {
		if ops == nil || ops[row] == connectors.Leave {
			return connectors.Left
		}
		return connectors.Done
	}
	var outcomes []connectors.Outcome
	if r.Query.Keys.Of != nil || !slices.Equal(r.Query.Keys.Fields, r.Table.Key) {
		for row, key := range r.Keys {
			outcomes = append(outcomes, connectors.Outcome{Table: r.Table.Name, Key: key, Status: status(row)})
		}
		return outcomes, nil
	}
	rowOf, asked, answers := map[connectors.Key]int{}, map[connectors.Key]bool{}, map[int]int{}
	for row, key := range r.Keys {
		rowOf[key], answers[tuples[row]] = row, row
	}
	for _, key := range r.Query.Keys.Tuples {
		asked[key] = true
	}
	folded := slices.ContainsFunc(r.Keys, func(key connectors.Key) bool { return !asked[key] })
	for i, key := range r.Query.Keys.Tuples {
		o := connectors.Outcome{Table: r.Table.Name, Key: key, Status: connectors.Gone}
		row, ok := rowOf[key]
		if !ok {
			row, ok = answers[i]
		}
		if !ok && folded { // some row has a key that the server holds equal to one asked for
			found, err := find(key)
			if err != nil {
				return nil, err
			}
			row, ok = rowOf[found]
		}
		if ok {
			o.Status = status(row)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}
