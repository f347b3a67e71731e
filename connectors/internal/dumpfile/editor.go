package dumpfile

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"lethe/connectors"
)

// Edited is a connector's own query on its way: a pointer to a struct that embeds Target, and a pointer to one that
// embeds Entry.
type Edited interface {
	comparable
	entry() *Entry
	target() *Target
}

// Writing is how a connector writes a row with other values.
type Writing[G Edited] interface {
	// Cut takes a row apart, and returns how many values stand in it.
	Cut(g G, row []byte) int
	// At is where a value of the row that was cut stands in it.
	At(place int) (start, end int)
	// Value is the canonical value of a field of the table in that row, valid until the next call.
	Value(g G, field int, row []byte) (v []byte, null bool, err error)
	// Literal appends a new value of a field as it stands in the file, where raw stood.
	Literal(dst []byte, g G, field int, v []byte, null bool, raw []byte) ([]byte, error)
	// Computed sets what stands, by place, for values that the server computes of others, in a row of which some change.
	Computed(g G, fresh [][]byte) error
}

// Part is a part of the text, in the order of the file.
type Part byte

const (
	Header    Part = iota // of a statement with rows, up to the first
	Separator             // between two rows of a statement
	End                   // of a statement with rows
	between               // statements
	row                   // of a statement
	line                  // a row that stands for itself
)

// event is a part that waits for an answer of edit.
type event struct {
	part Part
	row  int32 // of the batch; -1: not asked for
	end  int   // in Editor.held; an event starts where the one before ends
	tail int   // of a row: how much of it is no value
}

// heldBytes is how much text may wait for an answer of edit.
const heldBytes = 8 << 20

// Editor takes a dump as a walker reads it, holds the text back that waits for edit, and writes it as edit says. A row
// that goes takes its separator along; a statement of which all rows go goes whole, with the end of its line.
type Editor[G Edited] struct {
	Out     func([]byte) error
	Edit    connectors.EditFunc
	Writing Writing[G]
	Counts  map[G]*connectors.RewriteCount
	Touched bool // the new text differs

	current G   // of the rows at hand
	rows    int // in the batch
	held    []byte
	events  []event

	header, separator []byte
	begun             bool // a row of the statement has been written, so its header has too
	swallow           bool // a statement was dropped: its newline goes with it

	fresh  [][]byte // new values by their place in the row at hand; nil: the old one stays
	values []byte   // their bytes; never nil, so that a value of none is told from one that stays
	fields []int    // of the table, that Edit.Set names
}

// NewEditor makes an editor of the rows of some targets.
func NewEditor[G Edited](edit connectors.EditFunc) *Editor[G] {
	return &Editor[G]{Edit: edit, Counts: map[G]*connectors.RewriteCount{}, values: make([]byte, 0, 64)}
}

// Count begins to count the rows of targets, unless it does.
func (e *Editor[G]) Count(targets map[TableID]G) {
	for _, g := range targets {
		if e.Counts[g] == nil {
			e.Counts[g] = &connectors.RewriteCount{Table: g.entry().Name}
		}
	}
}

// Counted are the counts of the tables, sorted by name.
func (e *Editor[G]) Counted() (tables []connectors.RewriteCount) {
	for _, count := range e.Counts {
		tables = append(tables, *count)
	}
	slices.SortFunc(tables, func(a, b connectors.RewriteCount) int { return strings.Compare(a.Table, b.Table) })
	return tables
}

// Begin begins another file of the dump, written to out.
func (e *Editor[G]) Begin(out func([]byte) error) {
	var none G
	e.Out, e.Touched, e.swallow, e.current = out, false, false, none
}

// Part takes a part of a statement with rows.
func (e *Editor[G]) Part(part Part, b []byte) {
	e.held = append(e.held, b...)
	e.events = append(e.events, event{part: part, row: -1, end: len(e.held)})
}

// Text takes what stands between rows, and the statements that are copied.
func (e *Editor[G]) Text(b []byte) error {
	if len(e.events) == 0 {
		return e.copyText(b)
	}
	e.Part(between, b)
	if len(e.held) > heldBytes {
		return e.Flush()
	}
	return nil
}

func (e *Editor[G]) copyText(b []byte) error {
	if e.swallow && len(b) > 0 {
		e.swallow = false
		if b = bytes.TrimPrefix(b, []byte{'\r'}); len(b) > 0 && b[0] == '\n' {
			b = b[1:]
		}
	}
	return e.Out(b)
}

// Turn begins a row of a target: the batch of another ends.
func (e *Editor[G]) Turn(g G) error {
	if g != e.current {
		if err := e.Flush(); err != nil {
			return err
		}
		e.current = g
	}
	g.target().Ordinal++
	return nil
}

// Row takes a row of a statement; taken says that it went into the batch, and edit is to be asked about it.
func (e *Editor[G]) Row(b []byte, taken bool) error { return e.take(row, b, nil, taken) }

// Line is Row for a row that stands for itself, with what ends it.
func (e *Editor[G]) Line(b, tail []byte, taken bool) error { return e.take(line, b, tail, taken) }

func (e *Editor[G]) take(part Part, b, tail []byte, taken bool) error {
	at := -1
	if taken {
		at = e.rows
		e.rows++
	}
	e.held = append(append(e.held, b...), tail...)
	e.events = append(e.events, event{part: part, row: int32(at), end: len(e.held), tail: len(tail)})
	if t := e.current.target(); t.Builder.Full(t.MaxRows) || len(e.held) > heldBytes {
		return e.Flush()
	}
	return nil
}

// Flush asks edit about the rows at hand and writes all that waits.
func (e *Editor[G]) Flush() error {
	var edit connectors.Edit
	if e.rows > 0 {
		var err error
		if edit, err = e.Edit(e.current.target().Batch()); err != nil {
			return err
		}
		if err := e.check(edit); err != nil {
			return err
		}
	}
	start := 0
	for _, ev := range e.events {
		if err := e.play(ev, e.held[start:ev.end], edit); err != nil {
			return err
		}
		start = ev.end
	}
	e.held, e.events, e.rows = e.held[:0], e.events[:0], 0
	return nil
}

// check refuses an Edit that does not fit the batch.
func (e *Editor[G]) check(edit connectors.Edit) error {
	t := e.current.entry()
	e.fields = e.fields[:0]
	if edit.Ops == nil {
		if len(edit.Set) > 0 {
			return fmt.Errorf("table %s: new values without operations: %w", t.Name, connectors.ErrRefused)
		}
		return nil
	}
	if len(edit.Ops) != e.rows {
		return fmt.Errorf("table %s: %d operations for %d rows: %w", t.Name, len(edit.Ops), e.rows, connectors.ErrRefused)
	}
	for _, a := range edit.Set {
		i := t.Index(a.Field)
		switch {
		case i < 0:
			return fmt.Errorf("table %s has no field %s: %w", t.Name, a.Field, connectors.ErrSchemaChanged)
		case t.Fields[i].Generated:
			return fmt.Errorf("field %s of table %s is generated and cannot be set: %w", a.Field, t.Name,
				connectors.ErrRefused)
		case len(a.Rows) != e.rows || a.Values.Len() != e.rows:
			return fmt.Errorf("field %s of table %s: values for %d of %d rows: %w", a.Field, t.Name, a.Values.Len(),
				e.rows, connectors.ErrRefused)
		}
		e.fields = append(e.fields, i)
		for row, set := range a.Rows {
			if set && edit.Ops[row] != connectors.Update {
				return fmt.Errorf("field %s of table %s: a new value for a row that is not updated: %w", a.Field, t.Name,
					connectors.ErrRefused)
			}
		}
	}
	return nil
}

func (e *Editor[G]) play(ev event, b []byte, edit connectors.Edit) error {
	switch ev.part {
	case between:
		return e.copyText(b)
	case Header:
		e.header, e.begun = append(e.header[:0], b...), false
		e.separator = e.separator[:0]
	case Separator:
		e.separator = append(e.separator[:0], b...)
	case End:
		if e.begun {
			return e.Out(b)
		}
		e.swallow = true
	default:
		return e.playRow(ev, b, edit)
	}
	return nil
}

func (e *Editor[G]) playRow(ev event, b []byte, edit connectors.Edit) error {
	op := connectors.Leave
	if at := int(ev.row); at >= 0 {
		count := e.Counts[e.current]
		count.Read++
		if edit.Ops != nil {
			op = edit.Ops[at]
		}
		switch op {
		case connectors.Delete:
			count.Deleted++
			e.Touched = true
			return nil
		case connectors.Update:
			count.Updated++
		default:
			count.Left++
		}
	}
	if ev.part == row {
		lead := e.separator
		if !e.begun {
			lead = e.header
			e.begun, e.swallow = true, false
		}
		if err := e.Out(lead); err != nil {
			return err
		}
	}
	if op != connectors.Update {
		return e.Out(b)
	}
	body := len(b) - ev.tail
	if err := e.update(int(ev.row), b[:body], edit.Set); err != nil {
		return err
	}
	return e.Out(b[body:])
}

// update writes a row with new values; only those that change are written anew.
func (e *Editor[G]) update(at int, b []byte, set []connectors.Assignment) error {
	places := e.Writing.Cut(e.current, b)
	e.fresh = slices.Grow(e.fresh[:0], places)[:places]
	clear(e.fresh)
	e.values = e.values[:0]
	changed := false
	for n, a := range set {
		if !a.Rows[at] {
			continue
		}
		differs, err := e.set(e.fields[n], at, b, a)
		if err != nil {
			return err
		}
		changed = changed || differs
	}
	if !changed {
		return e.Out(b)
	}
	e.Touched = true
	if err := e.Writing.Computed(e.current, e.fresh); err != nil {
		return err
	}
	done := 0
	for place, fresh := range e.fresh {
		if fresh == nil {
			continue
		}
		start, end := e.Writing.At(place)
		if err := e.Out(b[done:start]); err != nil {
			return err
		}
		if err := e.Out(fresh); err != nil {
			return err
		}
		done = end
	}
	return e.Out(b[done:])
}

// set makes the new value of a field of the table, and reports whether it differs from the row's.
func (e *Editor[G]) set(field, at int, b []byte, a connectors.Assignment) (differs bool, err error) {
	g := e.current
	t, place := g.entry(), g.target().Place[field]
	if place < 0 || place >= len(e.fresh) {
		return false, fmt.Errorf("a statement that fills table %s has no place for field %s: %w", t.Name, a.Field,
			connectors.ErrRefused)
	}
	null := a.Values.IsNull(at)
	var v []byte
	if !null {
		v = a.Values.Value(at)
	}
	old, wasNull, err := e.Writing.Value(g, field, b)
	if err != nil || null == wasNull && bytes.Equal(old, v) {
		return false, err
	}
	from, to := e.Writing.At(place)
	start := len(e.values)
	if e.values, err = e.Writing.Literal(e.values, g, field, v, null, b[from:to]); err != nil {
		return false, fmt.Errorf("field %s of table %s: %w", a.Field, t.Name, err)
	}
	e.fresh[place] = e.values[start:len(e.values):len(e.values)]
	return true, nil
}

// Same refuses a dump written anew whose tables are not those of the old; rows says how many each must have now.
func Same[T Described](old, now []T, rows func(*Entry) int64) error {
	found := map[TableID]*Entry{}
	for _, t := range now {
		found[t.entry().ID] = t.entry()
	}
	for _, t := range old {
		was := t.entry()
		is := found[was.ID]
		if is == nil || is.Seen != rows(was) || !reflect.DeepEqual(is.Fields, was.Fields) {
			return fmt.Errorf("read back what was written: table %s is not as it must be: %w", was.Name, connectors.ErrDamaged)
		}
		delete(found, was.ID)
	}
	if len(found) > 0 {
		return fmt.Errorf("read back what was written: it has more tables than the old: %w", connectors.ErrDamaged)
	}
	return nil
}
