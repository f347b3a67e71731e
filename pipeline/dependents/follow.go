package dependents

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/numbered"
)

// Follow finds everything that refers to the rows that are to end, level by level, and settles which of them
// can. Roots that cannot be deleted are marked as kept, those that cannot be ended at all as held.
func (g *Graph) Follow(ctx context.Context) error {
	for i, j := range g.Store.Judges {
		if j.Stopped {
			continue
		}
		for _, r := range j.Roots {
			if c := r.Change(); c != judge.Delete && c != judge.Anonymize {
				continue
			}
			n := g.number(j.Table.Name, j.KeyOf(r))
			of := g.at(n)
			of.root, of.governed = int32(g.roots.Add(place{int32(i), r.At()})+1), true
			of.ends = g.due(n)
			g.reach(n, int32(i))
		}
	}
	for byTable := g.next(); len(byTable) > 0; byTable = g.next() { // a portion of them at a time
		for _, t := range sortedKeys(byTable) {
			for _, e := range g.To[t] {
				if err := g.referring(ctx, e, g.wanted(e, byTable[t])); err != nil {
					return err
				}
			}
		}
	}
	if err := g.ownedParents(ctx); err != nil {
		return err
	}
	g.settle(true)
	g.each(func(n int32, of *row) {
		if r := g.rootOf(n); r.Root != nil {
			r.Waits = of.ends == stays && of.waits
			r.Held = of.ends == stays && !of.waits
			r.Kept = r.Held || of.ends == emptied && r.Change() == judge.Delete
		}
	})
	return nil
}

// portion is of how many rows it is asked at once what refers to them; inBackups where all is read for each answer.
const portion, inBackups = 1 << 16, 1 << 19

// next are rows, by table, of which it is not known yet what refers to them: those after the ones that it gave before,
// and once there are none, from the first on.
func (g *Graph) next() map[string][]int32 {
	byTable, found, all, most := map[string][]int32{}, 0, int32(g.rows.Len()), portion
	if g.Store.Backup() {
		most = inBackups
	}
	for range 2 { // rows that were passed may be reached since
		for ; g.upTo < all && found < most; g.upTo++ {
			if of := g.at(g.upTo); !of.expanded && of.contexts != 0 {
				of.expanded = true
				byTable[g.table(g.upTo).name] = append(byTable[g.table(g.upTo).name], g.upTo)
				found++
			}
		}
		if found > 0 {
			return byTable
		}
		g.upTo = 0
	}
	return nil
}

// wanted leaves out rows that stay and of which nothing is declared to go by the edge.
func (g *Graph) wanted(e *edges.Edge, rows []int32) []int32 {
	unwanted := func(n int32) bool {
		r := g.rootOf(n)
		return r.Root != nil && g.at(n).ends == emptied && e.Do[r.by] != string(judge.Delete)
	}
	if !slices.ContainsFunc(rows, unwanted) {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), unwanted)
}

// referring reads the rows that refer to others along one edge.
func (g *Graph) referring(ctx context.Context, e *edges.Edge, parents []int32) error {
	if e.Outside.Hidden { // rows that the engine would change along may be there
		if e.Outside.Acts() {
			for _, p := range parents {
				g.cannotName(p, e)
			}
		}
		return nil
	}
	asked, err := g.ask(ctx, e, parents)
	if err != nil || len(asked.keys.Tuples) == 0 {
		return err
	}
	defer asked.end()
	fields, keyCols, refCols := edges.Union(e.From.Key, e.Fields)
	judges := g.Store.Governed[e.Child]
	if slices.ContainsFunc(judges, func(j *judge.Judge) bool { return len(j.Records.Where) > 0 }) {
		fields, keyCols, refCols = e.Whole()
	}
	for batch, err := range g.Store.Conn.Scan(ctx, connectors.Query{Table: e.Child, Fields: fields, Keys: asked.keys}) {
		if err != nil {
			return err
		}
		for at := range int(batch.Rows.NumRows()) {
			values, _ := connectors.KeyOf(batch.Rows, refCols, at)
			var referred []int32
			switch {
			case batch.Tuples != nil:
				referred = asked.tuple(batch.Tuples[at])
			default:
				referred = asked.named(values)
			}
			key, ok := connectors.KeyOf(batch.Rows, keyCols, at)
			if !ok || len(e.From.Key) == 0 {
				for _, p := range referred {
					g.cannotName(p, e)
				}
				continue
			}
			child := g.number(e.Child, key)
			of := g.at(child)
			of.governed = of.governed ||
				slices.ContainsFunc(judges, func(j *judge.Judge) bool {
					return len(j.Records.Where) == 0 ||
						j.Mine(batch.Rows, at)
				})
			for _, p := range referred {
				g.refer(child, p, e, values)
			}
		}
	}
	return nil
}

// asked is what a source is asked of rows: what refers to them.
type asked struct {
	g     *Graph
	table int32
	rows  []int32
	keys  *connectors.Keys
	of    map[connectors.Key][]int32 // the rows by the values by which they are referred to; nil: by their keys
}

// ask says by which values an edge refers to the given rows.
func (g *Graph) ask(ctx context.Context, e *edges.Edge, rows []int32) (*asked, error) {
	a := &asked{g: g, table: g.tableOf(e.Parent), rows: rows,
		keys: &connectors.Keys{Fields: e.Fields, Of: &connectors.Referred{Table: e.Parent, Fields: e.RefFields}}}
	if slices.Equal(e.RefFields, e.Of.Key) {
		a.keys.Tuples = numbered.Keys[connectors.Key](&g.names, rows)
		for _, n := range rows {
			g.asked.Set(n)
		}
		return a, nil
	}
	a.of = map[connectors.Key][]int32{}
	if len(rows) == 0 {
		return a, nil
	}
	for _, n := range rows {
		g.asked.Set(n)
	}
	defer g.asked.Clear()
	fields, keyCols, refCols := edges.Union(e.Of.Key, e.RefFields)
	named := &connectors.Keys{Fields: e.Of.Key, Tuples: numbered.Keys[connectors.Key](&g.names, rows)}
	for batch, err := range g.Store.Conn.Scan(ctx, connectors.Query{Table: e.Parent, Fields: fields, Keys: named}) {
		if err != nil {
			return nil, err
		}
		for at := range int(batch.Rows.NumRows()) {
			key, _ := connectors.KeyOf(batch.Rows, keyCols, at)
			values, ok := connectors.KeyOf(batch.Rows, refCols, at)
			if n, known := g.names.Find(a.table, string(key)); ok && known && g.asked.Has(n) {
				if a.of[values] == nil {
					a.keys.Tuples = append(a.keys.Tuples, values)
				}
				a.of[values] = append(a.of[values], n)
				g.named[edgeTo{n, int32(e.At)}] = values
			}
		}
	}
	return a, nil
}

// tuple are the rows that a tuple of the keys names.
func (a *asked) tuple(i int) []int32 {
	if a.of == nil {
		return a.rows[i : i+1]
	}
	return a.of[a.keys.Tuples[i]]
}

// named are the rows that are referred to by such values. Where there is none, the source matched by a coarser
// comparison than bytes, and does not say by which tuple: it may be any.
func (a *asked) named(values connectors.Key) []int32 {
	if a.of != nil {
		if rows := a.of[values]; rows != nil {
			return rows
		}
		return a.rows
	}
	if n, ok := a.g.names.Find(a.table, string(values)); ok && a.g.asked.Has(n) {
		return []int32{n}
	}
	return a.rows
}

func (a *asked) end() { a.g.asked.Clear() }

// ownedParents finds the parents that deleted rows own, and all that refers to these.
func (g *Graph) ownedParents(ctx context.Context) error {
	named := map[string]map[connectors.Key]bool{}
	g.each(func(n int32, _ *row) {
		r := g.rootOf(n)
		if r.Root == nil {
			return
		}
		for k, key := range r.by.Owns[r.Root] {
			table := r.by.Owned[k].Table
			if named[table] == nil {
				named[table] = map[connectors.Key]bool{}
			}
			if key != "" {
				named[table][key] = true
			}
		}
	})
	for _, table := range sortedKeys(named) {
		owned, err := g.ownedRows(ctx, table, sortedKeys(named[table]))
		if err != nil {
			return err
		}
		if len(g.Store.Governed[table]) > 0 {
			owned = slices.DeleteFunc(owned, func(o int32) bool { return g.governs(ctx, o) })
		}
		for _, e := range g.To[table] {
			if err := g.referring(ctx, e, owned); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownedRows are the rows of a table that have these keys, as the engine compares them.
func (g *Graph) ownedRows(ctx context.Context, table string, keys []connectors.Key) (owned []int32, err error) {
	t, _ := g.Store.Tables.Find(table)
	if len(keys) == 0 || len(t.Key) == 0 {
		return nil, nil
	}
	cols := make([]int, len(t.Key))
	for i := range cols {
		cols[i] = i
	}
	q := connectors.Query{Table: table, Fields: t.Key, Keys: &connectors.Keys{Fields: t.Key, Tuples: keys}}
	for batch, err := range g.Store.Conn.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for at := range int(batch.Rows.NumRows()) {
			key, _ := connectors.KeyOf(batch.Rows, cols, at)
			n := g.number(table, key)
			if o := g.at(n); !o.expanded && !o.governed {
				o.expanded = true
				owned = append(owned, n)
			}
		}
	}
	return owned, nil
}

// governs reports whether a silo decides an owned row by itself; where that cannot be read, it does.
func (g *Graph) governs(ctx context.Context, n int32) bool {
	o, table := g.at(n), g.table(n).name
	o.governed = true
	for _, j := range g.Store.Governed[table] {
		if len(j.Records.Where) == 0 {
			return true
		}
	}
	t, _ := g.Store.Tables.Find(table)
	keys := &connectors.Keys{Fields: t.Key, Tuples: numbered.Keys[connectors.Key](&g.names, []int32{n})}
	for batch, err := range g.Store.Conn.Scan(ctx, connectors.Query{Table: table, Keys: keys}) {
		if err != nil {
			return true
		}
		for at := range int(batch.Rows.NumRows()) {
			o.governed = slices.ContainsFunc(g.Store.Governed[table],
				func(j *judge.Judge) bool { return j.Mine(batch.Rows, at) })
		}
	}
	return o.governed
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
