package mssqldump

import (
	"bytes"
	"fmt"
	"slices"

	"lethe/connectors"
)

// The events between two calls of edit, in the order of the script.
const (
	evText      byte = iota // between statements
	evHeader                // of an INSERT, up to the first row
	evSeparator             // between two rows of an INSERT
	evRow                   // of an INSERT
	evEnd                   // of an INSERT
)

type event struct {
	kind byte
	row  int32 // of the batch; -1: not asked for
	end  int   // in editor.held; an event starts where the one before ends
}

// heldBytes is how much text may wait for an answer of edit.
const heldBytes = 8 << 20

// editor holds the text back that waits for edit, and writes it as edit says.
type editor struct {
	out     func([]byte) error
	edit    connectors.EditFunc
	dialect *dialect
	codec   codec
	current *target // of the rows at hand
	rows    int     // in the batch
	held    []byte
	events  []event

	header, separator []byte
	begun             bool // a row of the statement has been written, so its header has too
	swallow           bool // a statement was dropped: its newline goes with it

	counts  map[*target]*connectors.RewriteCount
	touched bool // the new text differs

	spans  []span
	fresh  [][]byte // new values by their place in the row at hand
	fields []int    // of the table, that Edit.Set names
}

func (e *editor) add(kind byte, b []byte, row int) {
	e.held = append(e.held, b...)
	e.events = append(e.events, event{kind: kind, row: int32(row), end: len(e.held)})
}

// text takes what stands between rows, and the statements that are copied.
func (e *editor) text(b []byte) error {
	if len(e.events) > 0 {
		e.add(evText, b, -1)
		if len(e.held) > heldBytes {
			return e.flush()
		}
		return nil
	}
	return e.copyText(b)
}

func (e *editor) copyText(b []byte) error {
	if e.swallow && len(b) > 0 {
		e.swallow = false
		if b = bytes.TrimPrefix(b, []byte{'\r'}); len(b) > 0 && b[0] == '\n' {
			b = b[1:]
		}
	}
	return e.out(b)
}

// row takes a row of a target, and whether edit is to be asked about it.
func (e *editor) row(g *target, r row, d dialect) error {
	if g != e.current {
		if err := e.flush(); err != nil {
			return err
		}
		e.current = g
	}
	g.Ordinal++
	taken, err := g.take(d, r.text, r.values)
	if err != nil {
		return err
	}
	at := -1
	if taken {
		at = e.rows
		e.rows++
	}
	e.add(evRow, r.text, at)
	if g.Builder.Full(g.MaxRows) || len(e.held) > heldBytes {
		return e.flush()
	}
	return nil
}

// flush asks edit about the rows at hand and writes all that waits.
func (e *editor) flush() error {
	var edit connectors.Edit
	if e.rows > 0 {
		var err error
		if edit, err = e.edit(e.current.Batch()); err != nil {
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
func (e *editor) check(edit connectors.Edit) error {
	t := e.current
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

func (e *editor) play(ev event, b []byte, edit connectors.Edit) error {
	switch ev.kind {
	case evText:
		return e.copyText(b)
	case evHeader:
		e.header, e.begun = append(e.header[:0], b...), false
		e.separator = e.separator[:0]
	case evSeparator:
		e.separator = append(e.separator[:0], b...)
	case evEnd:
		if e.begun {
			return e.out(b)
		}
		e.swallow = true
	case evRow:
		return e.playRow(ev, b, edit)
	}
	return nil
}

func (e *editor) playRow(ev event, b []byte, edit connectors.Edit) error {
	op := connectors.Leave
	if row := int(ev.row); row >= 0 {
		count := e.counts[e.current]
		count.Read++
		if edit.Ops != nil {
			op = edit.Ops[row]
		}
		switch op {
		case connectors.Delete:
			count.Deleted++
			e.touched = true
			return nil
		case connectors.Update:
			count.Updated++
		default:
			count.Left++
		}
	}
	lead := e.separator
	if !e.begun {
		lead, e.begun, e.swallow = e.header, true, false
	}
	if err := e.out(lead); err != nil {
		return err
	}
	if op != connectors.Update {
		return e.out(b)
	}
	return e.update(int(ev.row), b, edit.Set)
}

// update writes a row with new values; only those that change are written anew.
func (e *editor) update(row int, text []byte, set []connectors.Assignment) error {
	e.spans, _ = lexer{eof: true, strings: e.dialect.strings}.tuple(text, e.spans)
	e.fresh = slices.Grow(e.fresh[:0], len(e.spans))[:len(e.spans)]
	clear(e.fresh)
	for n, a := range set {
		if a.Rows[row] {
			if err := e.set(e.fields[n], row, text, a); err != nil {
				return err
			}
		}
	}
	done := 0
	for place, fresh := range e.fresh {
		if fresh == nil {
			continue
		}
		e.touched = true
		if err := e.out(text[done:e.spans[place].start]); err != nil {
			return err
		}
		if err := e.out(fresh); err != nil {
			return err
		}
		done = e.spans[place].end
	}
	return e.out(text[done:])
}

// set makes the new value of a field of the table, unless the row has it.
func (e *editor) set(i, row int, text []byte, a connectors.Assignment) error {
	t := e.current
	place := t.Place[i]
	if place < 0 || place >= len(e.spans) {
		return fmt.Errorf("a statement that fills table %s has no place for field %s: %w", t.Name, a.Field,
			connectors.ErrRefused)
	}
	null := a.Values.IsNull(row)
	var v []byte
	if !null {
		v = a.Values.Value(row)
	}
	old, wasNull, err := t.value(*e.dialect, i, text, e.spans)
	if err != nil {
		return err
	}
	if null == wasNull && bytes.Equal(old, v) {
		return nil
	}
	raw := text[e.spans[place].start:e.spans[place].end]
	if e.fresh[place], err = e.dialect.write(nil, &t.Fields[i], &t.info[i], v, null, raw); err == nil && e.codec.single != nil {
		_, err = e.codec.encode(nil, e.fresh[place])
	}
	if err != nil {
		return fmt.Errorf("field %s of table %s: %w", a.Field, t.Name, err)
	}
	return nil
}
