// Package pipeline runs the night: from the stores of personal data as they are to stores that are true to
// consent, with a plan that people answer in between, and evidence of both.
//
//   - [Run] is the night in one screen. Each of its phases is a room of its own, in a package below this one, that
//     is handed what it needs and nothing else.
//   - A book is the record of one run: it is begun before anything is read, and ended whatever happened.
//   - [Result] is how a run ended, for whoever started it.
//   - [Republish] makes the report of an earlier run anew.
package pipeline

import (
	"context"
	"errors"
	"fmt"

	"lethe/pipeline/apply"
	"lethe/pipeline/balance"
	"lethe/pipeline/census"
	"lethe/pipeline/clock"
	"lethe/pipeline/copies"
	"lethe/pipeline/duties"
	"lethe/pipeline/findings"
	"lethe/pipeline/forget"
	"lethe/pipeline/fulfil"
	"lethe/pipeline/incidents"
	"lethe/pipeline/intake"
	"lethe/pipeline/judge"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/planner"
	"lethe/pipeline/proofs"
	"lethe/pipeline/remnants"
	"lethe/pipeline/restored"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
	"lethe/pipeline/terms"
	"lethe/pipeline/tidy"
	"lethe/pipeline/waiting"
)

// Run is the night: lock and check, settle what an earlier night left, read every source once (discover and
// decide), seal the plan, ask, change, report. A source that fails does not stop the others. The error
// joins all that went wrong; the result is there in any case.
func Run(ctx context.Context, p *setup.Setup, o setup.Options) (Result, error) {
	book, err := begin(ctx, p, o)
	night := furnish(book)
	if err == nil && !book.result.AlreadyDone {
		err = night.phases(ctx, o.Phases)
	}
	return book.end(ctx, night, err)
}

// phases is the night in one screen.
func (n *rooms) phases(ctx context.Context, phases setup.Phases) error {
	if phases == setup.RebuildOnly {
		return n.book.rebuild(ctx, n.silos)
	}
	if err := n.ask(ctx, phases); err != nil {
		return err
	}
	if err := n.stores.Open(ctx); err != nil {
		return err
	}
	n.stores.Watch(phases == setup.WholeNight)
	if err := n.scanner.Remnants.OpenToEnd(); err != nil {
		return err
	}
	if err := n.planner.Recall(ctx); err != nil {
		return err
	}
	if some := n.some(phases); some != nil {
		return errors.Join(n.balance.Recall(), some(ctx))
	}
	if err := n.copier.Sync(ctx); err != nil { // first, so that no application goes on using what it may not
		return err
	}
	if phases == setup.SyncOnly {
		return nil
	}
	if err := n.balance.Recall(); err != nil {
		return err
	}
	if err := n.approved(ctx, phases); err != nil { // plans approved since, or cut off by a crash
		return err
	}
	if phases == setup.ApplyOnly {
		return n.copier.SyncErased(ctx)
	}
	if err := n.planner.SetAside(ctx); err != nil { // also what was refused just now
		return err
	}
	if err := n.scanner.Remnants.Open(); err != nil { // with what was erased just now
		return err
	}
	if err := n.read(ctx); err != nil {
		return err
	}
	if phases == setup.DiscoverOnly {
		return nil
	}
	n.scanner.EndRemnants()
	if err := n.planner.Plan(ctx); err != nil { // seal, trip breakers, ask standing orders
		return err
	}
	if err := n.applier.Apply(ctx); err != nil {
		return err
	}
	if err := n.copier.SyncErased(ctx); err != nil { // what was erased is in no copy either
		return err
	}
	if err := n.forgetter.Forget(ctx); err != nil {
		return err
	}
	return n.terms.Purge(ctx) // and so ends evidence whose term is over
}

// approved carries out what people approved since the last night, before anything is read.
func (n *rooms) approved(ctx context.Context, phases setup.Phases) error {
	if err := n.book.early(ctx, phases); err != nil {
		return err
	}
	return n.applier.Apply(ctx)
}

// ask opens what the registry says of each silo; the rows of those of which it has not heard stay as they are.
func (n *rooms) ask(ctx context.Context, phases setup.Phases) error {
	if err := n.silos.Open(ctx, n.heard(phases)); err != nil {
		return err
	}
	if n.silos.Unheard != nil {
		n.notes.Problem(n.silos.Unheard)
	}
	(&clock.Watch{Setup: n.book.setup, Notes: n.notes}).Back(n.silos, n.book.lastRun)
	return nil
}

// some is what is run of a few rows alone; nil where it is more.
func (n *rooms) some(phases setup.Phases) func(context.Context) error {
	switch phases {
	case setup.ReapplyOnly:
		return n.restored.Reapply
	case setup.FulfilOnly:
		return func(ctx context.Context) error {
			return errors.Join(n.fulfiller.Fulfil(ctx), n.copier.SyncErased(ctx)) // it is in no copy either
		}
	}
	return nil
}

// heard is what the tables of sources say of consents; not those of a copy that was put back: they are old.
func (n *rooms) heard(phases setup.Phases) silos.Feed {
	if phases == setup.ReapplyOnly {
		return restored.Deaf{}
	}
	return n.feed
}

// read reads every source once, live ones first, then backups.
func (n *rooms) read(ctx context.Context) (err error) {
	if n.planner.Session.Plans, err = state.LetGo(ctx, n.book.journal); err != nil {
		return err
	}
	for _, s := range n.stores.List {
		n.survey(ctx, s)
	}
	restored.Notice(n.notes, n.stores.List)
	return nil
}

// survey reads a source; one that fails for a table that a silo governs, in what else it holds.
func (n *rooms) survey(ctx context.Context, s *stores.Store) {
	if s.Err == nil {
		if err := n.scanner.Survey(ctx, s); err != nil {
			n.stores.FailedSource(s, err)
		} else if !s.Backup() {
			n.planner.Session.Aside.Read(s.System())
		}
	}
	if s.Err != nil {
		if err := n.scanner.Rest(ctx, s); err != nil {
			n.notes.Problem(fmt.Errorf("%w: %w", setup.ErrSource, err))
		}
	}
}

// rooms are those of one night, each with what its phase needs and nothing else.
type rooms struct {
	book      *book
	notes     *notes.Notes
	feed      *intake.Feed
	silos     *silos.Set
	stores    *stores.Set
	scanner   *scan.Scanner
	planner   *planner.Planner
	applier   *apply.Applier
	restored  *restored.Reapplier
	fulfiller *fulfil.Fulfiller
	copier    *copies.Keeper
	forgetter *forget.Forgetter
	terms     *terms.Keeper
	inspector *findings.Inspector
	owing     *duties.Book
	proofs    *proofs.Book
	incidents *incidents.Watch
	balance   *balance.Book
}

// furnish makes the rooms of a night, which share its notes, its registry and its sources.
func furnish(b *book) *rooms {
	p, t, notes, j := b.setup, b.tonight, b.notes, b.journal
	silos := silos.New(p, t, b.seen)
	silos.Journal = b.self
	stores := stores.New(p, t, notes, silos)
	session := &judge.Session{Tonight: t, Notes: notes, Decisions: b.decisions, Pending: waiting.In(t.Room),
		Census: census.New(t.Today)}
	scanner := &scan.Scanner{Setup: p, Tonight: t, Notes: notes, Session: session,
		Remnants: &remnants.Watch{Setup: p, RunID: t.RunID, Silos: silos}}
	stores.Without = scanner.Remnants.Without
	limits := &limits.Limits{Setup: p, Tonight: t, Notes: notes, Journal: j,
		Silos: silos, Stores: stores, Scanner: scanner, OrderUse: map[string]map[int]int64{}, Anew: b.asksAnew()}

	rooms := &rooms{
		book:    b,
		notes:   notes,
		feed:    &intake.Feed{Setup: p, Tonight: t, Notes: notes},
		silos:   silos,
		stores:  stores,
		scanner: scanner,
		planner: &planner.Planner{Setup: p, Tonight: t, Notes: notes, Journal: j,
			Silos: silos, Stores: stores, Session: session, Scanner: scanner, Limits: limits},
		applier: &apply.Applier{Setup: p, Tonight: t, Notes: notes, Journal: j,
			Silos: silos, Stores: stores, Limits: limits, Census: session.Census},
		copier: &copies.Keeper{Setup: p, Tonight: t, Notes: notes, Journal: j, Silos: silos, Stores: stores},
		forgetter: &forget.Forgetter{Setup: p, Tonight: t, Notes: notes,
			Silos: silos, Stores: stores, Scanner: scanner, Unsure: b.leapt},
		terms: &terms.Keeper{Setup: p, Tonight: t, Notes: notes, Journal: j, Silos: silos, Said: b.answers,
			Recent: tidy.Nights, Unsure: b.leapt},
		inspector: &findings.Inspector{Setup: p, Tonight: t, Notes: notes, Scanner: scanner},
		balance: &balance.Book{Setup: p, Tonight: t, Notes: notes, Census: session.Census, Stores: stores,
			Scanner: scanner, Silos: silos},
		proofs:    &proofs.Book{Setup: p, Tonight: t, Notes: notes, Journal: j, Silos: silos},
		incidents: &incidents.Watch{Setup: p, Tonight: t, Notes: notes},
		owing:     &duties.Book{Setup: p, Tonight: t, Notes: notes, Answers: b.answers},
	}
	rooms.restored = &restored.Reapplier{Setup: p, Tonight: t, Notes: notes, Journal: j, Silos: silos, Stores: stores,
		Planner: rooms.planner, Applier: rooms.applier}
	rooms.fulfiller = &fulfil.Fulfiller{Setup: p, Tonight: t, Notes: notes, Silos: silos, Stores: stores,
		Planner: rooms.planner, Applier: rooms.applier}
	return rooms
}

// observe puts into the report what people owe, and what a person should look at in the sources that were
// read to their end.
func (n *rooms) observe(ctx context.Context) error {
	err := n.owing.Owed(ctx, n.silos.Registry)
	for _, s := range n.scanner.Whole() {
		n.notes.Facts.Run.SourcesOK++
		rows := n.scanner.Inventory(s)
		n.notes.Facts.Inventory = append(n.notes.Facts.Inventory, rows...)
		n.inspector.Inspect(s, rows)
	}
	for _, s := range n.scanner.Parts() {
		n.notes.Facts.Inventory = append(n.notes.Facts.Inventory, n.scanner.Inventory(s)...)
	}
	n.inspector.InspectRemnants()
	n.inspector.InspectLeftOvers()
	plans, plansErr := n.book.journal.Plans(ctx)
	n.inspector.InspectKeys(plans, n.book.made)
	n.inspector.InspectChanged()
	n.inspector.InspectUnbacked(n.applier.Stores)
	trialsErr := errors.Join(n.inspector.InspectTrials(), n.inspector.InspectLent())
	n.inspector.InspectPolicy(n.notes.Facts.Inventory)
	n.inspector.InspectKeeping(n.notes.Facts.Inventory)
	n.scanner.Drift(n.stores.List)
	return errors.Join(err, plansErr, trialsErr)
}
