package execute

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
)

// late makes the queries that look, under the lock, for rows which refer to one that is to end and that no
// change names: they came after the plan, or were moved. Where the engine itself refuses, they are asked for
// only once it has refused.
func (t *transaction) late(ctx context.Context) (queries []connectors.Query, edits []connectors.EditFunc, err error) {
	changed, deleted := t.places()
	t.referred = map[int]map[int]connectors.Key{}
	for _, table := range sortedKeys(deleted) {
		for _, edge := range t.into[table] {
			e := t.set.Edges[edge]
			child, ok := t.store.Tables.Find(e.Child)
			outside, also := t.tables[e.Parent].OutsideKey(e.Child, e.Fields)
			for _, i := range deleted[table] { // rows may be there that the engine would change along
				if also && outside.Hidden && outside.Acts() && t.set.Rows[i].Op == judge.Delete {
					t.seen.Late[i] = true
				}
			}
			if !ok && (!also || outside.Hidden) {
				continue
			}
			_, barred := t.store.Barred(e.Child) // its rows cannot be locked
			mine, next := t.leavers(deleted[table], e)
			for i, rows := range [][]int{mine, next} {
				l := &looking{transaction: t, edge: edge, rows: map[connectors.Key]int{}, changed: changed[e.Child]}
				if err := l.ask(ctx, child, rows); err != nil {
					return nil, nil, err
				}
				switch {
				case len(l.query.Keys.Tuples) == 0:
				case i > 0 || len(child.Key) == 0 || barred:
					t.asides = append(t.asides, aside{l.query, l.look})
				default:
					queries, edits = append(queries, l.query), append(edits, l.look)
				}
			}
		}
	}
	return queries, edits, nil
}

// leavers are those of the rows for which it matters that another one refers to them by an edge, this
// transaction's and the next ones': deleted ones, unless the engine itself would refuse before anything is
// changed, and people who are anonymized with whom the referring row was to go.
func (t *transaction) leavers(rows []int, e change.Edge) (mine, next []int) {
	for _, i := range rows {
		c := &t.set.Rows[i]
		along := func(d policy.Dependent) bool {
			return d.Do == "delete" && d.Table == e.Child && slices.Equal(d.FK, e.Fields) &&
				(d.References == "" || d.References == e.Parent)
		}
		switch matters := c.Op == judge.Delete && (t.all || e.OnDelete != "RESTRICT" && e.OnDelete != "NO ACTION") ||
			c.Op == judge.Anonymize && slices.ContainsFunc(t.judgeOf(c).Records.Dependents, along); {
		case i >= t.to && (matters || c.Op == judge.Delete):
			next = append(next, i)
		case i < t.to && matters:
			mine = append(mine, i)
		}
	}
	return mine, next
}

// aside is a read beside the transaction, when all of it is locked.
type aside struct {
	query connectors.Query
	look  connectors.EditFunc
}

// lookAside looks for rows without a key that refer to one which is to be deleted: they cannot be locked, but none
// can come any more that the engine's foreign keys know of, once what they refer to is. Of a unit that is too large
// for a transaction it also looks at what the next ones take, and at what refers to that: only what comes while the
// unit is at work can leave it half done.
func (t *transaction) lookAside(ctx context.Context) error {
	for _, a := range t.asides {
		for b, err := range t.store.Conn.Scan(ctx, a.query) {
			if err != nil {
				return err
			}
			if _, err := a.look(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// places are where the rows of the transaction stand in the set, and those of them that are to be deleted or
// anonymized, by table.
func (t *transaction) places() (changed map[string]map[connectors.Key]int, deleted map[string][]int) {
	changed, deleted = map[string]map[connectors.Key]int{}, map[string][]int{}
	for i := t.first; i < t.last; i++ {
		c := &t.set.Rows[i]
		if changed[c.Table] == nil {
			changed[c.Table] = map[connectors.Key]int{}
		}
		other, known := changed[c.Table][c.Key]
		if !known || len(t.set.Rows[other].Refs) < len(c.Refs) { // of a row with two changes the one that knows
			changed[c.Table][c.Key] = i
		}
		if i >= t.from && (c.Op == judge.Delete || c.Op == judge.Anonymize) {
			deleted[c.Table] = append(deleted[c.Table], i)
		}
	}
	return changed, deleted
}

// looking looks along one edge for rows that refer to deleted ones.
type looking struct {
	*transaction
	edge    int
	rows    map[connectors.Key]int // to be deleted, by the values by which they are referred to
	changed map[connectors.Key]int // rows of the child's table that the set changes
	query   connectors.Query
	key     []int
	refs    []int
}

// ask makes the query for what refers to these rows.
func (l *looking) ask(ctx context.Context, child connectors.Table, deleted []int) error {
	e := l.set.Edges[l.edge]
	l.query = connectors.Query{Table: e.Child, Keys: &connectors.Keys{
		Fields: e.Fields, Of: &connectors.Referred{Table: e.Parent, Fields: e.RefFields}}}
	l.query.Fields, l.key, l.refs = edges.Union(child.Key, e.Fields)
	values, err := l.valuesOf(ctx, l.edge, deleted)
	if err != nil {
		return err
	}
	for _, i := range deleted {
		if v, ok := values[i]; ok {
			l.query.Keys.Tuples = append(l.query.Keys.Tuples, v)
			l.rows[v] = i
		}
	}
	return nil
}

// look notes the rows of a batch; it changes none.
func (l *looking) look(b connectors.Batch) (connectors.Edit, error) {
	for row := range int(b.Rows.NumRows()) {
		key, _ := connectors.KeyOf(b.Rows, l.key, row)
		values, _ := connectors.KeyOf(b.Rows, l.refs, row)
		if b.Tuples != nil {
			values = l.query.Keys.Tuples[b.Tuples[row]]
		}
		if parent, known := l.rows[values]; known {
			l.found(l.edge, parent, l.changed, key)
		}
	}
	return connectors.Edit{}, nil
}

// found notes a row that refers to one which is to be deleted.
func (t *transaction) found(edge, parent int, changed map[connectors.Key]int, key connectors.Key) {
	i, known := changed[key]
	switch {
	case !known:
		t.seen.Late[parent] = true
	case i == parent || t.set.Rows[i].Table == t.set.Rows[parent].Table && key == t.set.Rows[parent].Key: // itself
	default:
		for k, r := range t.set.Rows[i].Refs {
			// One that is written otherwise by now counts as moved, though the engine says that it still refers.
			if r.Row == parent && r.Edge == edge && t.seen.Ref(i, k) == verdict.Refers {
				return
			}
		}
		if !slices.Contains(t.seen.Others[parent], i) {
			t.seen.Others[parent] = append(t.seen.Others[parent], i)
		}
	}
}

// valuesOf are the values that an edge refers to in some rows: their key, or what a read before the lock
// found, which is held against the locked rows.
func (t *transaction) valuesOf(ctx context.Context, edge int, rows []int) (map[int]connectors.Key, error) {
	e := t.set.Edges[edge]
	tab := t.tables[e.Parent]
	values := map[int]connectors.Key{}
	if len(rows) == 0 || slices.Equal(e.RefFields, tab.Key) {
		for _, i := range rows {
			values[i] = t.set.Rows[i].Key
		}
		return values, nil
	}
	byKey := map[connectors.Key]int{}
	q := connectors.Query{Table: e.Parent, Keys: &connectors.Keys{Fields: tab.Key}}
	for _, i := range rows {
		q.Keys.Tuples = append(q.Keys.Tuples, t.set.Rows[i].Key)
		byKey[t.set.Rows[i].Key] = i
	}
	var keyCols, refCols []int
	q.Fields, keyCols, refCols = edges.Union(tab.Key, e.RefFields)
	for b, err := range t.store.Conn.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			key, _ := connectors.KeyOf(b.Rows, keyCols, row)
			v, ok := connectors.KeyOf(b.Rows, refCols, row)
			if i, known := byKey[key]; ok && known {
				values[i] = v
			}
		}
	}
	if t.referred[edge] == nil {
		t.referred[edge] = map[int]connectors.Key{}
	}
	maps.Copy(t.referred[edge], values)
	return values, nil
}

// sameValues lets a row drift that is referred to by other values than those by which others were asked for.
func (t *transaction) sameValues(b connectors.Batch, l layout, row, i int) {
	for edge, values := range t.referred {
		was, asked := values[i]
		e := t.set.Edges[edge]
		if !asked || e.Parent != t.set.Rows[i].Table {
			continue
		}
		if now, ok := connectors.KeyOf(b.Rows, l.into[edge], row); !ok || now != was {
			t.seen.Late[i] = true
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
