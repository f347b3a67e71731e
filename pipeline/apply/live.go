package apply

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
)

// chunkRows is the number of rows with which a set starts; the time for which a chunk's change keeps the
// source's rows locked then adapts it. What comes after the change, in the registry and the journal, holds
// nobody up, and costs a row the less the more there are. A chunk holds whole units, but for one of more than
// maxRows, which is begun with the rows that nothing refers to.
const (
	chunkRows = 200
	maxRows   = 5000
	chunkTime = 200 * time.Millisecond
)

// What became of several chunks is recorded together: their traces in one transaction of the registry, in the order of
// their keys, then their outcomes in one of the journal. That costs a quarter of what one after the other does. A run
// that is killed before leaves them as it leaves the chunk at work: their intents stand, and the next one looks at
// their rows. So there are never many, nor for long.
const (
	recordRows = 25_000
	recordTime = 2 * time.Second
)

// live settles what an earlier run left open, then goes on chunk by chunk from where the journal ends.
func (a *application) live(ctx context.Context, m connectors.Mutator, chunks []journal.Chunk) (err error) {
	defer func() { // what is changed is recorded, however this ends
		if failed := a.record(ctx); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	next := 0
	for _, c := range chunks {
		if c.Outcome == nil {
			if _, err := a.chunk(ctx, m, c, true); err != nil {
				return err
			}
		}
		next = int(c.First + c.Rows)
	}
	size, total := chunkRows, len(a.set.Rows)
	for next < total {
		if err := a.mayWrite(); err != nil {
			return err
		}
		rows := a.cut(next, size) - next
		c, err := a.Journal.Intend(ctx, journal.Chunk{RunID: a.Tonight.RunID, PlanID: a.plan.PlanID,
			Group: a.position, First: int64(next), Rows: int64(rows), IntentAt: a.Setup.Now()})
		if err != nil {
			return err
		}
		a.Setup.Crash("intent")
		took, err := a.chunk(ctx, m, c, false)
		if err != nil {
			return err
		}
		if _, err := a.x.Waited(); err != nil {
			return errors.Join(err, a.record(ctx), a.said())
		}
		switch {
		case took > chunkTime:
			size = max(1, size/2)
		case took < chunkTime/3:
			size = min(maxRows, size*2)
		}
		next += rows
		a.Setup.Progress("apply", a.store.Name, int64(next), int64(total))
	}
	if err := a.record(ctx); err != nil {
		return err
	}
	return a.said()
}

// cut is the end of the chunk that begins at a row: that of the unit in which so many rows end, if a
// transaction can hold it.
func (a *application) cut(from, rows int) int {
	to := min(from+rows, len(a.set.Rows))
	end := a.set.UnitEnd(to - 1)
	if end-from <= maxRows {
		return end
	}
	for to > from && a.set.Rows[to-1].Unit == a.set.Rows[min(to, len(a.set.Rows)-1)].Unit {
		to-- // back to where the large unit begins
	}
	if to > from {
		return to
	}
	return min(from+maxRows, end)
}

// chunk changes some rows and makes their outcomes durable. recovering says that an earlier run may have
// changed them already.
func (a *application) chunk(ctx context.Context, m connectors.Mutator, c journal.Chunk,
	recovering bool) (took time.Duration, err error) {
	from, to := int(c.First), int(c.First+c.Rows)
	began, beside := time.Now(), a.x.Beside()
	err = a.x.Live(ctx, m, from, to, recovering)
	if took = time.Since(began) - (a.x.Beside() - beside); err != nil {
		return took, err
	}
	a.Setup.Crash("changed")
	if len(a.changed) == 0 {
		a.since = time.Now()
	}
	if a.changed = append(a.changed, c); a.rows(a.changed) >= recordRows || time.Since(a.since) >= recordTime {
		return took, a.record(ctx)
	}
	return took, nil
}

// rows is how many rows chunks hold.
func (a *application) rows(chunks []journal.Chunk) (n int64) {
	for _, c := range chunks {
		n += c.Rows
	}
	return n
}

// record makes durable what became of the rows of the chunks that were changed: their traces, then their outcomes.
func (a *application) record(ctx context.Context) error {
	if len(a.changed) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // what is changed is recorded, whoever wants the night to end
	chunks := a.changed
	a.changed = nil
	if err := a.trace(ctx, chunks); err != nil {
		return err
	}
	a.Setup.Crash("traced")
	if err := a.settle(ctx, chunks...); err != nil {
		return err
	}
	a.Setup.Crash("outcome")
	return nil
}

// settle makes the outcomes of the rows of chunks durable.
func (a *application) settle(ctx context.Context, chunks ...journal.Chunk) error {
	var list []journal.Outcomes
	for _, c := range chunks {
		from, to := int(c.First), int(c.First+c.Rows)
		list = append(list, journal.Outcomes{Chunk: c.ID, Of: a.x.Outcomes(from, to), Refused: a.refused(from, to)})
	}
	return a.Journal.Settle(ctx, a.Tonight.RunID, a.Setup.Now(), list...)
}

// refused are the rows that the database refused, and those that are held by what refers to them. Those that a silo
// governs and the database refused are set aside.
func (a *application) refused(from, to int) (list []journal.Refusal) {
	for i, why := range a.x.Refused(from, to) {
		r := journal.Refusal{PlanID: a.plan.PlanID, Group: a.position, Row: int64(i), Class: why.Class, By: why.By,
			At: a.Tonight.Today.Start(a.Setup.Zone)}
		if c := &a.set.Rows[i]; c.Kind == change.Root && !a.store.Backup() { // a backup follows its live store
			r.Aside = &journal.Aside{Source: a.store.Name, Table: c.Table, Record: hex.EncodeToString(c.Record[:]),
				Destroys: !c.Op.Reversible(), Policy: a.plan.PolicyDigest}
		}
		list = append(list, r)
	}
	for i := from; i < to && !a.store.Backup(); i++ {
		if a.x.Held(i) {
			list = append(list, journal.Refusal{PlanID: a.plan.PlanID, Group: a.position, Row: int64(i), Class: held,
				At: a.Tonight.Today.Start(a.Setup.Zone)})
		}
	}
	return list
}

// said makes what the database refused somebody's business.
func (a *application) said() error {
	refused := map[execute.Refusal]int{}
	for _, why := range a.x.Refused(0, len(a.set.Rows)) {
		refused[why]++
	}
	for why, rows := range refused {
		a.Notes.Problem(fmt.Errorf("%w: source %s: the database refused %d rows of plan %s (%s): they are as they "+
			"were, and set aside (`lethe status`); look at the constraint or trigger, and whether a policy should "+
			"name it, then `lethe run --apply --retry-refused`",
			setup.ErrSource, a.store.Name, rows, a.plan.PlanID, why))
	}
	units, _ := a.x.Waited()
	locked := map[string]int{}
	for _, table := range units {
		locked[table]++
	}
	for _, table := range slices.Sorted(maps.Keys(locked)) {
		a.Notes.Problem(fmt.Errorf("%w: source %s table %s: another session held rows locked, so that %d of plan %s, "+
			"with what goes with them, are left as they were, and planned again by the next night: see on the server "+
			"which session is open for long, and end it there", setup.ErrSource, a.store.Name, table,
			locked[table], a.plan.PlanID))
	}
	left := map[byte]int{}
	for _, o := range a.x.Outcomes(0, len(a.set.Rows)) {
		left[o]++
	}
	if n := left[plan.Half]; n > 0 {
		a.Notes.Problem(fmt.Errorf("%w: source %s: %d rows of plan %s are still there, and what was to go with them "+
			"is gone in part: it is more than the %d rows of one transaction, and something came while they were at "+
			"work: `lethe explain` says what holds them", setup.ErrSource, a.store.Name, n, a.plan.PlanID, maxRows))
	}
	if n := left[plan.Unverified]; n > 0 {
		a.Notes.Problem(fmt.Errorf("%w: source %s: %d rows of plan %s were deleted and are there again: look at the "+
			"triggers, and at who writes them", setup.ErrSource, a.store.Name, n, a.plan.PlanID))
	}
	return nil
}
