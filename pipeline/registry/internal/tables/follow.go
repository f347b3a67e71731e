package tables

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/pipeline/registry/internal/database"
)

// A whole silo is read block by block of collections, in the order in which their first events came. So the rows
// of event and event_payload that belong to one mostly follow each other in their tables too. SQLite's join
// would search each of them from the root of its tree; a follower steps.

// BlockSize is how many collections are one block.
const BlockSize = 64

// Block is the block of a collection: so many are found together, because whose an event is stands veiled, and an
// index of it would tell what belongs together. 0 is that of the silo as a whole.
func Block(collection int64) int64 { return (collection + BlockSize - 1) / BlockSize }

// follower reads the rows of a table by position.
type follower struct {
	cursors [2]cursor // two, because a collection has early events and late ones
	turn    int       // the cursor that is set anew next
	silo    int64
}

// cursor runs through a table by position; at is where it stands, 0 nowhere.
type cursor struct {
	*sqlite3.Stmt
	at int64
}

// nearby is how many rows a cursor steps over sooner than it is set anew.
const nearby = 8

// follow prepares a follower with a query of a silo from a position on, whose first column is the position.
func follow(db *sqlite3.Conn, silo int64, query string) (*follower, error) {
	f := &follower{silo: silo}
	for i := range f.cursors {
		st, _, err := db.Prepare(query)
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		f.cursors[i].Stmt = st
	}
	return f, nil
}

func (f *follower) close() error {
	var errs []error
	for i := range f.cursors {
		if f.cursors[i].Stmt != nil {
			errs = append(errs, f.cursors[i].Close())
		}
	}
	return errors.Join(errs...)
}

// find returns the row of a position, valid until the next call; nil if there is none.
func (f *follower) find(seq int64) (*sqlite3.Stmt, error) {
	for i := range f.cursors {
		if c := &f.cursors[i]; c.at > 0 && c.at <= seq && seq-c.at <= nearby {
			f.turn = 1 - i
			return c.forward(seq)
		}
	}
	c := &f.cursors[f.turn]
	f.turn = 1 - f.turn
	if err := errors.Join(c.Reset(), c.BindInt64(1, f.silo), c.BindInt64(2, seq)); err != nil {
		return nil, err
	}
	c.at = 0
	return c.forward(seq)
}

// forward steps to a position.
func (c *cursor) forward(seq int64) (*sqlite3.Stmt, error) {
	for c.at < seq {
		if !c.Step() {
			c.at = 0
			return nil, c.Err()
		}
		c.at = c.ColumnInt64(0)
	}
	if c.at != seq {
		return nil, nil
	}
	return c.Stmt, nil
}

// followedRow is a row of FactQuery put together from the tables.
type followedRow struct {
	from [3]*sqlite3.Stmt
}

// The tables of a followedRow.
const (
	fromIndex = iota
	fromEvent
	fromPayload
)

// followed are the columns of FactQuery: where each comes from, and its place in the table's query.
var followed = [...]struct{ table, column int }{{fromPayload, 5}, {fromEvent, 0}, {fromEvent, 1}, {fromEvent, 2},
	{fromEvent, 3}, {fromEvent, 4}, {fromEvent, 5},
	{fromEvent, 6}, {fromEvent, 7}, {fromPayload, 3}, {fromPayload, 1}, {fromPayload, 2}, {fromPayload, 4},
	{fromIndex, 0}}

func (r *followedRow) ColumnInt64(column int) int64 {
	at := followed[column]
	return r.from[at.table].ColumnInt64(at.column)
}

func (r *followedRow) ColumnRawText(column int) []byte { return r.ColumnRawBlob(column) }

func (r *followedRow) ColumnRawBlob(column int) []byte {
	at := followed[column]
	return r.from[at.table].ColumnRawBlob(at.column)
}

func (r *followedRow) Null(column int) bool {
	at := followed[column]
	return r.from[at.table].ColumnType(at.column) == sqlite3.NULL
}

// AllFactsBefore calls do with the rows of FactQuery of a silo of a registry of before, which has no blocks.
func AllFactsBefore(ctx context.Context, t *database.Txn, silo int64, do func(database.Row) error) error {
	return t.Each(ctx, strings.Replace(FactQuery, "p.block", "0", 1)+`WHERE p.silo = ?`, do, silo)
}

// AllFacts calls do with the rows of FactQuery of a whole silo, by block and position.
func AllFacts(ctx context.Context, t *database.Txn, silo int64, do func(database.Row) error) error {
	if !t.Direct {
		return t.Each(ctx, FactQuery+`WHERE p.silo = ? ORDER BY p.block, p.seq`, do, silo)
	}
	return t.WithStatement(`SELECT block, seq FROM event_payload WHERE silo = ? ORDER BY block, seq`,
		func(index *sqlite3.Stmt) (err error) {
			var tables [3]*follower
			defer func() {
				for _, f := range tables {
					if f != nil {
						err = errors.Join(err, f.close())
					}
				}
			}()
			for table, query := range map[int]string{
				fromEvent: `SELECT seq, type, purpose, occurred_at, effective_from, effective_until, recorded_at,
					notice <> '' FROM event
				WHERE silo = ? AND seq >= ? ORDER BY seq`,
				fromPayload: `SELECT seq, flags, details, evidence IS NOT NULL, seal, collection FROM event_payload
					WHERE silo = ? AND seq >= ? ORDER BY seq`,
			} {
				if tables[table], err = follow(index.Conn(), silo, query); err != nil {
					return err
				}
			}
			if err := index.BindInt64(1, silo); err != nil {
				return err
			}
			row := &followedRow{from: [3]*sqlite3.Stmt{fromIndex: index}}
			for n := 0; index.Step(); n++ {
				if n%database.PauseRows == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				seq := index.ColumnInt64(1)
				for table := fromEvent; table <= fromPayload; table++ {
					if row.from[table], err = tables[table].find(seq); err != nil {
						return err
					}
				}
				if row.from[fromEvent] == nil || row.from[fromPayload] == nil {
					continue // as in a join
				}
				if err := do(row); err != nil {
					return err
				}
			}
			return index.Err()
		})
}

// AllEvents calls do with the events of a silo after a position, in order: the columns of chainEvent, and
// those of chainPayload, NULL where the payload is gone. Both tables are in that order already, so they are
// read side by side.
func AllEvents(ctx context.Context, t *database.Txn, silo, after int64, do func(database.Row) error) error {
	if !t.Direct {
		return t.Each(ctx, `SELECT `+chainEvent+`, `+chainPayload+
			` FROM event e LEFT JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
			WHERE e.silo = ? AND e.seq > ? ORDER BY e.seq`, do, silo, after)
	}
	const of = ` WHERE silo = ? AND seq > ? ORDER BY seq`
	return t.WithStatement(`SELECT `+chainEvent+` FROM event e`+of, func(event *sqlite3.Stmt) (err error) {
		payload, _, err := event.Conn().Prepare(`SELECT ` + chainPayload + ` FROM event_payload p` + of)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, payload.Close()) }()
		for _, st := range []*sqlite3.Stmt{event, payload} {
			if err := errors.Join(st.BindInt64(1, silo), st.BindInt64(2, after)); err != nil {
				return err
			}
		}
		r := &sideRow{event: event, payload: payload}
		at := int64(0) // where payload stands
		for n := 0; event.Step(); n++ {
			if n%database.PauseRows == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			seq := event.ColumnInt64(0)
			for at < seq {
				if !payload.Step() {
					if err := payload.Err(); err != nil {
						return err
					}
					at = math.MaxInt64
					break
				}
				at = payload.ColumnInt64(0)
			}
			r.gone = at != seq
			if err := do(r); err != nil {
				return err
			}
		}
		return event.Err()
	})
}

// sideRow is a row of event and, beside it, what there is of its payload.
type sideRow struct {
	event, payload *sqlite3.Stmt
	gone           bool
}

func (r *sideRow) ColumnInt64(column int) int64 {
	if column < FromPayloadColumn {
		return r.event.ColumnInt64(column)
	}
	return r.payload.ColumnInt64(column - FromPayloadColumn)
}

func (r *sideRow) ColumnRawText(column int) []byte { return r.ColumnRawBlob(column) }

func (r *sideRow) ColumnRawBlob(column int) []byte {
	if column < FromPayloadColumn {
		return r.event.ColumnRawBlob(column)
	}
	return r.payload.ColumnRawBlob(column - FromPayloadColumn)
}

func (r *sideRow) Null(column int) bool {
	if column < FromPayloadColumn {
		return r.event.ColumnType(column) == sqlite3.NULL
	}
	return r.gone || r.payload.ColumnType(column-FromPayloadColumn) == sqlite3.NULL
}

// The columns that a chain is verified by: those of an event, then, from FromPayloadColumn on, those of its
// payload.
const (
	chainEvent = `e.seq, e.type, e.purpose, e.purpose_version, e.basis, e.occurred_at, e.zone, e.effective_from,
		e.effective_until, e.recorded_at, e.method, e.source,
		e.idem, e.notice, e.commitment, e.hash`
	chainPayload      = `p.seq, p.collection, p.flags, p.details, p.content, p.salt, p.evidence, p.refs`
	FromPayloadColumn = 16
)

// FactQuery begins a query of what the state of a collection is made of; seal.Check.FactOf reads its rows.
const FactQuery = `SELECT p.collection, e.seq, e.type, e.purpose, e.occurred_at, e.effective_from, e.effective_until,
	e.recorded_at,
	CASE WHEN e.notice <> '' THEN 1 ELSE 0 END, CASE WHEN p.evidence IS NULL THEN 0 ELSE 1 END, p.flags, p.details,
	p.seal, p.block FROM event_payload p JOIN event e ON e.silo = p.silo AND e.seq = p.seq `

// OfBlock selects the events of one block of collections in order; its arguments are the silo, twice, and the
// block. SQLite, left to itself, would read the whole silo by its primary key.
const OfBlock = `WHERE p.silo = ? AND p.seq IN (SELECT seq FROM event_payload WHERE silo = ? AND block = ?)
	ORDER BY p.seq`

// SaidQuery begins a query of what events say of whom; seal.Check.SaidOf reads its rows. SaidQueryBefore is that of a
// registry of before.
const SaidQuery = `SELECT e.seq, e.type, p.collection, p.block, p.details, p.refs FROM event_payload p
	JOIN event e ON e.silo = p.silo AND e.seq = p.seq `

// SaidQueryBefore is SaidQuery of a registry of before, which has no blocks.
var SaidQueryBefore = strings.Replace(SaidQuery, "p.block", "0", 1)

// WholeEvents is a page of a silo's events after a position: the columns of chainEvent, those of chainPayload, and the
// salt of the proof.
const WholeEvents = `SELECT ` + chainEvent + `, ` + chainPayload + `, p.evidence_salt FROM event e
	LEFT JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
	WHERE e.silo = ? AND e.seq > ? ORDER BY e.seq LIMIT `
