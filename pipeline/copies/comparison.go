package copies

import (
	"context"
	"maps"
	"slices"

	"lethe/connectors"
)

// comparison reads an application's table and its copy side by side, both in the order of the key, and
// makes the copy say what it should. Nobody but the server knows that order, so rows meet by equality:
// the copy is read ahead until each row of the application has met its own, and what no row has met when
// both are at their ends goes. Each is read once, whatever its size; what was read ahead is bounded.
type comparison struct {
	*keeping
	should func(connectors.Batch) []copyRow // what is to be held of the application's rows
	cursor connectors.Cursor                // of the copy
	ended  bool                             // the copy was read to its end
	ahead  map[connectors.Key]copyRow
	most   int                     // rows that are read ahead
	early  map[connectors.Key]bool // rows met by a look-up, or written, before the copy was read to their place
	put    []copyRow
	gone   []connectors.Key
}

// pagesAhead is how many pages of the copy are read ahead.
const pagesAhead = 5

func newComparison(k *keeping) *comparison {
	return &comparison{
		keeping: k, should: k.want, ended: k.table.Name == "",
		ahead: map[connectors.Key]copyRow{}, early: map[connectors.Key]bool{}, most: pagesAhead * k.Page,
	}
}

// run compares to the end of both tables and writes what differs.
func (c *comparison) run(ctx context.Context) error {
	q := connectors.Query{Table: c.of.Name, MaxRows: c.Page}
	for {
		var wanted []copyRow
		next, err := page(ctx, c.store.Conn, q, func(b connectors.Batch) { wanted = c.should(b) })
		if err != nil {
			return err
		}
		if next == "" {
			break
		}
		q.After = next
		if err := c.meet(ctx, wanted); err != nil {
			return err
		}
	}

	for !c.ended {
		c.leave(c.ahead)
		if err := c.readOn(ctx); err != nil {
			return err
		}
	}
	c.leave(c.ahead)
	return c.flush(ctx, 0)
}

// meet lets wanted rows meet those of the copy.
func (c *comparison) meet(ctx context.Context, wanted []copyRow) error {
	pending, err := c.claim(wanted)
	for err == nil && len(pending) > 0 && !c.ended && len(c.ahead) < c.most {
		if err = c.readOn(ctx); err == nil {
			pending, err = c.claim(pending)
		}
	}
	if err == nil && len(pending) > 0 && !c.ended { // too far ahead: rows are asked for by key
		pending, err = c.lookUp(ctx, pending)
	}
	for _, w := range pending {
		if err == nil {
			err = c.add(w)
		}
	}
	if err != nil {
		return err
	}
	return c.flush(ctx, c.Page)
}

// claim settles the wanted rows that have met theirs and returns the others.
func (c *comparison) claim(wanted []copyRow) (pending []copyRow, err error) {
	for _, w := range wanted {
		id := w.id()
		old, met := c.ahead[id]
		if !met {
			pending = append(pending, w)
			continue
		}
		delete(c.ahead, id)
		if err := c.settle(old, w); err != nil {
			return nil, err
		}
	}
	return pending, nil
}

// settle leaves a row of the copy as it is, or writes it anew.
func (c *comparison) settle(old, w copyRow) error {
	w.since = c.Keeper.Tonight.Today.String()
	if old.status == w.status && old.until == w.until {
		w.since = old.since
		if w.seal = c.seal(w); w.seal == old.seal {
			c.found[w.silo].add(old.seal, true)
			return c.have(w)
		}
		w.since = c.Keeper.Tonight.Today.String() // somebody else wrote it
	}
	c.found[w.silo].add(old.seal, c.seal(old) == old.seal)
	w.seal = c.seal(w)
	c.change(w)
	return c.have(w)
}

// add writes a row that the copy lacks.
func (c *comparison) add(w copyRow) error {
	w.since = c.Keeper.Tonight.Today.String()
	w.seal = c.seal(w)
	if !c.ended {
		c.early[w.id()] = true
	}
	c.change(w)
	return c.have(w)
}

// change writes a row with the next flush.
func (c *comparison) change(w copyRow) {
	c.lines[w.silo].Changed++
	c.put = append(c.put, w)
}

// have counts a row that the copy holds from now on.
func (c *comparison) have(w copyRow) error {
	c.wanted[w.silo].add(w.seal, true)
	if c.files == nil {
		return nil
	}
	row, err := w.snapshotRow(c.object())
	if err != nil {
		return err
	}
	return c.files.Add(row)
}

// readOn reads the next page of the copy.
func (c *comparison) readOn(ctx context.Context) error {
	var rows []copyRow
	q := connectors.Query{Table: c.table.Name, MaxRows: c.Page, After: c.cursor}
	next, err := page(ctx, c.store.Conn, q, func(b connectors.Batch) { rows = c.read(b) })
	if err != nil {
		return err
	}
	c.cursor, c.ended = next, next == ""
	for _, r := range rows {
		if id := r.id(); c.early[id] {
			delete(c.early, id)
		} else {
			c.ahead[id] = r
		}
	}
	if len(c.ahead) < c.most {
		return nil
	}
	return c.clearAhead(ctx)
}

// clearAhead lets go of rows read ahead whose record the application no longer has. The others are really
// ahead: of none is asked twice, and while they leave no room the copy is not read on.
func (c *comparison) clearAhead(ctx context.Context) error {
	missing := map[connectors.Key]bool{}
	for _, r := range c.ahead {
		if !r.known {
			missing[r.record] = true
		}
	}
	keys := &connectors.Keys{Fields: c.of.Key, Tuples: slices.Sorted(maps.Keys(missing))}
	columns := make([]int, len(c.of.Key))
	for i := range columns {
		columns[i] = i
	}
	q := connectors.Query{Table: c.of.Name, Fields: c.of.Key, Keys: keys}
	for b, err := range c.store.Conn.Scan(ctx, q) {
		if err != nil {
			return err
		}
		for row := range int(b.Rows.NumRows()) {
			if key, ok := connectors.KeyOf(b.Rows, columns, row); ok {
				delete(missing, key)
			}
		}
	}

	orphans := map[connectors.Key]copyRow{}
	for id, r := range c.ahead {
		if missing[r.record] {
			orphans[id] = r
			delete(c.ahead, id)
			continue
		}
		r.known = true
		c.ahead[id] = r
	}
	c.leave(orphans)
	return nil
}

// leave removes rows that nobody has claimed from the copy, and from the map.
func (c *comparison) leave(rows map[connectors.Key]copyRow) {
	for id, r := range rows {
		silo := c.booked(r)
		_, granted := c.judges[r.silo]
		sound := granted && c.seal(r) == r.seal
		c.found[silo].add(r.seal, sound)
		if !sound {
			c.found[silo].foreign++
		}
		c.lines[silo].Changed++
		c.gone = append(c.gone, id)
		delete(rows, id)
	}
}

// lookUp asks the copy for rows by key, settles those it has, and returns the others.
func (c *comparison) lookUp(ctx context.Context, wanted []copyRow) (pending []copyRow, err error) {
	there := map[connectors.Key]copyRow{}
	keys := &connectors.Keys{Fields: c.of.Key}
	for _, w := range wanted {
		if n := len(keys.Tuples); n == 0 || keys.Tuples[n-1] != w.record {
			keys.Tuples = append(keys.Tuples, w.record)
		}
	}
	for b, err := range c.store.Conn.Scan(ctx, connectors.Query{Table: c.table.Name, Keys: keys}) {
		if err != nil {
			return nil, err
		}
		for _, r := range c.read(b) {
			there[r.id()] = r
		}
	}
	for _, w := range wanted {
		old, met := there[w.id()]
		if !met {
			pending = append(pending, w)
			continue
		}
		c.early[w.id()] = true
		if err := c.settle(old, w); err != nil {
			return nil, err
		}
	}
	return pending, nil
}

// flush writes what has to change, when it is more than so many rows.
func (c *comparison) flush(ctx context.Context, more int) error {
	if len(c.put)+len(c.gone) <= more {
		return nil
	}
	slices.Sort(c.gone)
	err := c.writeAll(ctx)
	if err != nil {
		if err = c.withoutTable(err); err == nil {
			c.ended = true
			clear(c.ahead)
		}
	}
	c.put, c.gone = c.put[:0], c.gone[:0]
	return err
}

// writeAll writes page by page, what comes before what goes.
func (c *comparison) writeAll(ctx context.Context) error {
	for put := range slices.Chunk(c.put, c.Page) {
		if err := c.write(ctx, put, nil); err != nil {
			return err
		}
	}
	for gone := range slices.Chunk(c.gone, c.Page) {
		if err := c.write(ctx, nil, gone); err != nil {
			return err
		}
	}
	return nil
}
