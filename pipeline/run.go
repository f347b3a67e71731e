package pipeline

import (
	"context"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Run is the night: lock and check, settle what an earlier night left, read every source once (discover and decide), seal the plan, ask, change, report. A source that fails does not stop the
// others. The error joins all that went wrong; the result is there in any case.
func Run(ctx context.Context, p *setup.Setup, o setup.Options) (Result, error) {
	book, err := begin(ctx, p, o)
	night := furnish(p, book)
	if err == nil && !book.result.AlreadyDone {
		err = night.phases(ctx, o.Phases)
	}
	return book.end(ctx, night, err)
}

// phases is the night in one screen.
func (n *rooms) phases(ctx context.Context, phases setup.Phases) error {
	if err := n.silos.Open(ctx, n.feed); err != nil {
		return err
	}
	if err := n.stores.Open(ctx); err != nil {
		return err
	}
	if err := n.planner.recallPlans(ctx); err != nil {
		return err
	}
	if err := n.copier.sync(ctx); err != nil { // first, so that no application goes on using what it may not
		return err
	}
	if phases == setup.SyncOnly {
		return nil
	}
	if err := n.applier.apply(ctx); err != nil { // plans approved since, or cut off by a crash
		return err
	}
	if phases == setup.ApplyOnly {
		return n.copier.syncErased(ctx)
	}
	for _, s := range n.stores.List { // live ones first, then backups
		if s.Err != nil {
			continue
		}
		if err := n.scanner.survey(ctx, s); err != nil {
			n.stores.FailedSource(s, err)
		}
	}
	if phases == setup.DiscoverOnly {
		return nil
	}
	if err := n.planner.plan(ctx); err != nil { // seal, trip breakers, ask standing orders
		return err
	}
	if err := n.applier.apply(ctx); err != nil {
		return err
	}
	if err := n.copier.syncErased(ctx); err != nil { // what was erased is in no copy either
		return err
	}
	return n.forgetter.forget(ctx)
}

// rooms are those of one night, each with what its phase needs and nothing else.
type rooms struct {
	notes     *notes.Notes
	feed      *feed
	silos     *silos.Set
	stores    *stores.Set
	scanner   *scanner
	planner   *planner
	applier   *applier
	copier    *copier
	forgetter *forgetter
	inspector *inspector
	owing     *owing
}

func furnish(p *setup.Setup, b *book) *rooms {
	t, notes, j := b.tonight, b.notes, b.journal
	silos := silos.New(p, t, b.seen)
	stores := stores.New(p, t, notes, silos)
	session := &judge.Session{Tonight: t, Notes: notes, Decisions: b.decisions, Pending: map[judge.Place]bool{}}
	scanner := &scanner{setup: p, tonight: t, notes: notes, session: session}
	limits := &limits{setup: p, tonight: t, notes: notes, journal: j, silos: silos, stores: stores, scanner: scanner, orderUse: map[string]map[int]int64{}}
	return &rooms{
		notes: notes, silos: silos, stores: stores, scanner: scanner,
		feed:      &feed{setup: p, tonight: t, notes: notes},
		planner:   &planner{setup: p, tonight: t, notes: notes, journal: j, silos: silos, stores: stores, session: session, scanner: scanner, limits: limits},
		applier:   &applier{setup: p, tonight: t, notes: notes, journal: j, silos: silos, stores: stores, limits: limits},
		copier:    &copier{setup: p, tonight: t, notes: notes, journal: j, silos: silos, stores: stores},
		forgetter: &forgetter{setup: p, tonight: t, notes: notes, silos: silos, stores: stores, scanner: scanner},
		inspector: &inspector{setup: p, tonight: t, notes: notes, scanner: scanner},
		owing:     &owing{setup: p, tonight: t, notes: notes},
	}
}

// observe puts into the report what people owe, and what a person should look at in the sources that were read to their end.
func (n *rooms) observe(ctx context.Context) error {
	err := n.owing.owed(ctx, n.silos.Registry)
	for _, s := range n.scanner.whole() {
		n.notes.Facts.Run.SourcesOK++
		rows := n.scanner.inventory(s)
		n.notes.Facts.Inventory = append(n.notes.Facts.Inventory, rows...)
		n.inspector.inspect(s, rows)
	}
	n.inspector.inspectPolicy(n.notes.Facts.Inventory)
	n.scanner.compare(n.stores.List)
	return err
}
