// Package apply brings approved plans to execution. Its nouns: an Applier applies the plans of one run,
// oldest first; a chunk is some rows of a set that are changed in one transaction, with its intent in the
// journal before and its outcomes after it; a trace is what the registry keeps of a changed row for later
// nights. What happens to a row is decided in package execute.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/pipeline/census"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/engines"
	"lethe/pipeline/execute"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// Applier applies approved plans.
type Applier struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	Limits  *limits.Limits
	Census  *census.Night // takes back what is ended; nil: nobody counts
	Source  string        // only plans that end once more what was ended in it; "" all

	traced bool     // something was left in the registry since its traces were read
	waits  []string // live sources that wait for a backup, which is said
}

// Apply executes every approved plan, oldest first. What a crash interrupted is finished; what moved since
// the plan is skipped as drift.
func (ap *Applier) Apply(ctx context.Context) error {
	if !ap.Tonight.Apply {
		return nil
	}
	plans, err := ap.Journal.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	if err := ap.Limits.Hear(ctx); err != nil {
		return err
	}
	for _, entry := range plans {
		if ap.Notes.LeftAlone[entry.ID] {
			continue
		}
		if err := ap.applyPlan(ctx, entry); errors.Is(err, setup.ErrStopped) {
			ap.Notes.Problem(err)
			return nil
		} else if err != nil {
			return fmt.Errorf("apply plan %s: %w", entry.ID, err)
		}
	}
	if !ap.traced {
		return nil
	}
	ap.traced = false
	for silo := range ap.Silos.Silos { // what was changed just now left its traces
		if err := ap.Silos.RecallTraces(ctx, silo); err != nil {
			return err
		}
	}
	return nil
}

// applyPlan executes one plan set by set: live sources in chunks, backups by one rewrite a file. One that may not
// be applied as it is, or cannot be, is left alone, as a problem: the night goes on with everything else.
func (ap *Applier) applyPlan(ctx context.Context, entry journal.Plan) error {
	chunks, err := ap.Journal.Chunks(ctx, entry.ID)
	if err != nil {
		return err
	}
	p, identity, err := plan.Usable(ap.Setup, entry)
	if err != nil {
		ap.Notes.LeaveAlone(entry.ID, err)
		return nil
	}
	if ap.Source != "" && (p.Part != plan.Again || slices.ContainsFunc(p.Sets, ap.elsewhere)) {
		return nil
	}
	if len(chunks) == 0 && !ap.Tonight.AsOf.Before(p.ValidUntil) {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s was valid until %s: this night plans anew", setup.ErrExpired, p.PlanID,
			p.ValidUntil.In(ap.Setup.Zone).Format(time.DateOnly)))
		return plan.Lapse(ctx, ap.Setup, ap.Journal, p.PlanID, ap.Tonight.RunID)
	}
	sets, err := ap.changes(p, identity)
	if err == nil {
		err = ap.authorised(ctx, p, sets)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		ap.Notes.LeaveAlone(entry.ID, err)
		return nil
	}
	if len(chunks) == 0 && ap.ofAnother(p) {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s waits: the configuration has another policy than people adopted, by "+
			"which it was approved: put that back, or `lethe policy adopt`", setup.ErrUnapproved, p.PlanID))
		return nil
	}
	whole, err := ap.applySets(ctx, p, sets, chunks)
	if errors.Is(err, errLapsed) {
		return nil
	}
	if err != nil {
		return err
	}
	ap.Setup.Crash("applied")
	if !whole {
		return nil
	}
	if err := ap.Journal.SetPlanState(ctx, p.PlanID, journal.Settled, ap.Tonight.RunID); err != nil {
		return err
	}
	ap.Setup.Crash("settled")
	_, err = ap.Setup.Keys.Destroy("plan/"+p.PlanID, ap.Setup.Now())
	return err
}

// ofAnother reports whether a plan is of another policy than the configuration's, which people have not adopted: it
// waits until they do, or that is gone. By it rows would be left as if they had changed, and the plan would be over.
func (ap *Applier) ofAnother(p *plan.Sealed) bool {
	return p.Part != plan.Reversible && ap.Setup.Adopted != "" && !ap.Setup.InForce() &&
		p.PolicyDigest != ap.Setup.PolicyDigest
}

// applySets executes the sets of a plan; whole says that every row of it has its outcome.
func (ap *Applier) applySets(ctx context.Context, p *plan.Sealed, sets []*change.Set,
	chunks []journal.Chunk) (whole bool, err error) {
	var apps []*application
	whole = true
	for i, s := range p.Sets {
		store := ap.Stores.Find(s.Source)
		if store == nil && p.Files[s.Source] != "" {
			continue // a backup file that is no longer there holds nothing any more
		}
		if store == nil {
			whole = false
			ap.Notes.Problem(fmt.Errorf("%w: plan %s names source %s, which the configuration no longer has",
				setup.ErrSource, p.PlanID, s.Source))
			continue
		}
		apps = append(apps, &application{Applier: ap, plan: p, position: i, store: store, set: sets[i]})
	}
	for _, a := range apps {
		if i := slices.IndexFunc(apps, func(l *application) bool { return l.store.Name == a.store.Of }); i >= 0 {
			a.source = apps[i]
		}
		if a.store.Err == nil && len(chunks) == 0 && !a.sameSchema() {
			ap.Notes.Problem(fmt.Errorf("%w: the schema of source %s changed since plan %s was made: this night "+
				"plans anew",
				setup.ErrExpired, a.store.Name, p.PlanID))
			return false, ap.lapse(ctx, p)
		}
	}
	if fit, err := ap.fit(ctx, p, apps, chunks); err != nil || !fit {
		return false, err
	}
	for _, a := range apps {
		done, err := ap.applySet(ctx, a, chunks)
		if err != nil {
			return false, err
		}
		whole = whole && done
	}
	return whole, nil
}

// errLapsed says that a plan has ended: nothing more of it is executed.
var errLapsed = errors.New("the plan has ended")

// lapse ends a plan that no longer fits.
func (ap *Applier) lapse(ctx context.Context, p *plan.Sealed) error {
	if err := plan.Lapse(ctx, ap.Setup, ap.Journal, p.PlanID, ap.Tonight.RunID); err != nil {
		return err
	}
	return errLapsed
}

// changes decrypts the sets of a plan.
func (ap *Applier) changes(p *plan.Sealed, identity age.Identity) (sets []*change.Set, err error) {
	sets = make([]*change.Set, len(p.Sets))
	for i, s := range p.Sets {
		if sets[i], err = p.Changes(s, identity); err != nil {
			return nil, plan.Unusable(p.PlanID, err)
		}
	}
	return sets, nil
}

// authorised makes sure, from signatures and the configuration rather than from the journal's word, that a
// plan may be applied. What a plan may do follows from its changes, whatever part it says that it is.
func (ap *Applier) authorised(ctx context.Context, p *plan.Sealed, sets []*change.Set) error {
	destroys := slices.ContainsFunc(sets, (*change.Set).Destroys)
	if destroys && p.Part == plan.Reversible {
		return fmt.Errorf("%w: plan %s says that all in it can be taken back, and it destroys: end it with `lethe "+
			"plan discard %[2]s`, and look who can write to the state folder", setup.ErrTampered, p.PlanID)
	}
	if !destroys {
		return nil
	}
	if p.Part == plan.Again {
		return ap.ended(ctx, p, sets)
	}
	said, err := plan.SaidOf(ctx, ap.Setup, ap.Journal, p)
	if err != nil {
		return err
	}
	report.Answered(ap.Notes, ap.Setup, said.All)
	missing := strings.Join(plan.Missing(ap.Setup, p, said), ", ")
	void := strings.Join(said.Unmet(ap.Setup, p), "; ")
	const next = "others approve it with `lethe approve %[2]s`, or it is ended with `lethe plan discard %[2]s` and " +
		"the next night plans anew"
	switch {
	case said.Ended != nil:
		return fmt.Errorf("%w: plan %s was ended by %s, and the journal has it as approved: end it with `lethe plan "+
			"discard %[2]s`, and look who can write to the state folder", setup.ErrTampered, p.PlanID,
			said.Ended.Answer.Actor)
	case missing == "":
		return nil
	case said.Objection != nil:
		return fmt.Errorf("%w: plan %s was objected to by %s, and the journal has it as approved: it lacks %s; or it "+
			"is ended with `lethe plan discard %[2]s`", setup.ErrTampered, p.PlanID, said.Objection.Answer.Actor,
			missing)
	case ap.Limits.Covers(p):
		ap.Limits.Note(p)
		return nil
	case void != "":
		return fmt.Errorf("%w: plan %s lacks %s: %s: "+next, setup.ErrTampered, p.PlanID, missing, void)
	case len(said.Approvals) > 0: // who answers one that an order approved brings it back to waiting
		return fmt.Errorf("%w: plan %s lacks %s, and the journal has it as approved: a role was taken away, or "+
			"somebody changed the journal: "+next, setup.ErrTampered, p.PlanID, missing)
	}
	return fmt.Errorf("%w: plan %s lacks %s, though it was approved once: people or standing orders are not the same "+
		"any more: "+next, setup.ErrUnapproved, p.PlanID, missing)
}

// application is one set of a plan being executed.
type application struct {
	*Applier
	plan     *plan.Sealed
	position int // of the set in the plan
	store    *stores.Store
	set      *change.Set
	x        *execute.Executor // nil while the source cannot be read
	source   *application      // of a backup: what the plan changes in its live store; nil: nothing

	apart map[string][]string // by table: where rows of it stand that are its no more

	changed []journal.Chunk // whose rows are changed, and whose traces and outcomes are not yet durable
	since   time.Time       // when the first of them was
}

// own are the chunks of the application's set.
func (a *application) own(chunks []journal.Chunk) []journal.Chunk {
	return slices.DeleteFunc(slices.Clone(chunks), func(c journal.Chunk) bool { return c.Group != a.position })
}

// applySet executes the changes in one source; done says that every row of them has its outcome.
func (ap *Applier) applySet(ctx context.Context, a *application, all []journal.Chunk) (done bool, err error) {
	if a.x == nil {
		return false, nil
	}
	chunks := a.own(all)
	if a.unbacked(chunks) {
		return false, nil
	}
	if err := a.carried(ctx); err != nil {
		ap.Stores.FailedSource(a.store, err)
		return false, nil
	}
	if a.store.Backup() {
		return a.rewrite(ctx, chunks)
	}
	mutator, ok := a.store.Conn.(connectors.Mutator)
	if !ok {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s changes rows of source %s, which can only be read now: give it an "+
			"apply_dsn again", setup.ErrSource, a.plan.PlanID, a.store.Name))
		return false, nil
	}
	if err := engines.Changes(ctx, a.Setup, a.Journal, a.store.Source, a.store.Conn); err != nil {
		ap.Notes.Problem(fmt.Errorf("plan %s: %w", a.plan.PlanID, err))
		return false, nil
	}
	if a.barred(ctx) {
		return false, nil
	}
	err = a.live(ctx, mutator, chunks)
	if errors.Is(err, setup.ErrStopped) {
		return false, err
	}
	if err != nil {
		ap.Stores.FailedSource(a.store, err)
		return false, nil
	}
	return true, nil
}

// unbacked reports whether the set has to wait for a backup. What was begun is finished.
func (a *application) unbacked(chunks []journal.Chunk) bool {
	lacks, yes := a.Stores.Unbacked(a.store)
	if !yes || len(chunks) > 0 || !a.set.Destroys() {
		return false
	}
	if live := a.store.System(); !slices.Contains(a.waits, live) {
		a.waits = append(a.waits, live)
		a.Notes.Problem(fmt.Errorf("%w: nothing is destroyed in %s and its backups: %s: take one, and the next run "+
			"goes on", setup.ErrSource, live, lacks))
	}
	return true
}

// carried reads whose the rows of the set are, where other tables say it.
func (a *application) carried(ctx context.Context) error {
	if !slices.ContainsFunc(a.set.Rows, func(c change.Row) bool {
		return c.Kind == change.Root && len(a.store.Identified(c.Table)) > 0
	}) {
		return nil
	}
	for silo := range a.Silos.Silos { // an earlier plan of the night may have erased one of several
		if err := a.Silos.RecallTraces(ctx, silo); err != nil {
			return err
		}
	}
	if err := a.store.ReadCarried(ctx, false); err != nil || !a.store.Backup() {
		return err
	}
	return a.store.NameShared(ctx)
}

// share lets the registry remember which identifiers were several people's, before one of these is erased.
func (a *application) share(ctx context.Context, list []stores.Share) error {
	tombs := map[string][]registry.Tombstone{}
	a.traced = true
	for _, s := range list {
		silo := s.Judge.Silo.Silo.Name
		tombs[silo] = append(tombs[silo], registry.Tombstone{System: a.store.System(), Object: s.Judge.Table.Name,
			Record: stores.Place(s.Judge), Subject: s.Ref, Action: registry.Shared, PlanDigest: a.plan.Digest,
			ErasedAt: latest(a.plan.AsOf, a.Tonight.AsOf), DropAfter: a.lastBackup(a.store.System())})
	}
	for silo, list := range tombs {
		if err := a.Silos.Registry.PutTombstones(ctx, silo, list); err != nil {
			return err
		}
	}
	return nil
}

// barred says which table of the set cannot be changed as it is, and reports whether there is one: then nothing of the
// set is begun, or gone on with.
func (a *application) barred(ctx context.Context) bool {
	if _, err := edges.Of(a.store).Foresee(ctx); err != nil {
		return false // changing will tell
	}
	for _, table := range a.plan.Sets[a.position].Tables {
		if o, ok := a.store.Barred(table); ok {
			a.Notes.Problem(fmt.Errorf("%w: plan %s changes rows that cannot be changed in source %s: %s; then "+
				"it is applied, or end it with `lethe plan discard %[2]s`", setup.ErrSource, a.plan.PlanID,
				a.store.Name, a.Setup.Names.Sentence(o.String())))
			return true
		}
	}
	return false
}

func (a *application) sameSchema() bool {
	touched := map[string]bool{}
	for _, t := range a.plan.Sets[a.position].Tables {
		touched[t] = true
	}
	return stores.Fingerprint(a.store.Tables, touched) == a.plan.Schemas[a.store.Name]
}

// outcomes are those that the journal has of the set's rows.
func (a *application) outcomes(chunks []journal.Chunk) ([]byte, error) {
	outcomes := make([]byte, len(a.set.Rows))
	for _, c := range chunks {
		if c.First < 0 || c.First+c.Rows > int64(len(outcomes)) || c.Outcome != nil && int64(len(c.Outcome)) != c.Rows {
			return nil, fmt.Errorf("plan %s: chunk %d: %w: put the state folder back from a copy", a.plan.PlanID, c.ID,
				journal.ErrCorrupt)
		}
		copy(outcomes[c.First:], c.Outcome)
	}
	return outcomes, nil
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// trace leaves in the registry what later nights need: tombstones of what is gone or anonymized, and the mark
// of what Lethe blocked.
func (a *application) trace(ctx context.Context, chunks []journal.Chunk) error {
	tombs, blocked, freed := map[string][]registry.Tombstone{}, map[string][]registry.Flag{},
		map[string][]registry.FlagKey{}
	drop := a.lastBackup(a.store.System())
	a.traced = true
	each := func(c *change.Row) {
		mark := registry.FlagKey{Record: c.Record, Reason: judge.FlagBlocked}
		switch c.Op {
		case judge.Delete, judge.Anonymize:
			t := a.tombstone(c, string(policy.Delete), drop)
			if c.Op == judge.Anonymize {
				t.Action = string(policy.Anonymize)
			} else if !a.store.Backup() {
				freed[c.Silo] = append(freed[c.Silo], a.flagsOf(c, mark)...)
			}
			tombs[c.Silo] = append(tombs[c.Silo], t)
			a.store.Erased = true
			a.count(c)
		case judge.Clear:
			if t, ok := a.cleared(c, drop); ok {
				tombs[c.Silo] = append(tombs[c.Silo], t)
			}
		case judge.Block:
			blocked[c.Silo] = append(blocked[c.Silo],
				registry.Flag{FlagKey: mark, Since: latest(a.plan.AsOf, a.Tonight.AsOf)})
		case judge.Unblock:
			freed[c.Silo] = append(freed[c.Silo], mark)
		}
	}
	for _, c := range chunks {
		a.x.Changed(int(c.First), int(c.First+c.Rows), each)
	}
	r := a.Silos.Registry
	var errs []error
	for silo := range a.Silos.Silos {
		errs = append(errs, r.PutTombstones(ctx, silo, tombs[silo]), r.SetFlags(ctx, silo, blocked[silo]),
			r.DropFlags(ctx, silo, freed[silo]))
	}
	return errors.Join(errs...)
}

// count takes a row back from the census that was ended.
func (a *application) count(c *change.Row) {
	st := a.Silos.Silos[c.Silo]
	if st == nil || c.Op != judge.Delete && c.Op != judge.Anonymize {
		return
	}
	how := census.Deleted
	if j := a.store.Judge(c.Silo, c.Table, c.Mapping); c.Op == judge.Anonymize && j != nil && j.Weak() {
		how = census.Weak
	} else if c.Op == judge.Anonymize {
		how = census.Anonymized
	}
	a.Census.Ended(c.Silo, a.store.Name, census.PersonOf(st.Standings, c.Subject), how)
}

// flagsOf are the marks of a deleted row: its key may be used again, for a row that Lethe did not block and
// whose grace begins anew.
func (a *application) flagsOf(c *change.Row, mark registry.FlagKey) []registry.FlagKey {
	flags := []registry.FlagKey{mark}
	j := a.store.Judge(c.Silo, c.Table, c.Mapping)
	if j == nil || len(j.State.Flags) == 0 {
		return flags
	}
	known := j.State.Flags
	for _, code := range reason.Codes() {
		if flagged := (registry.FlagKey{Record: c.Record, Reason: string(code)}); !known[flagged].IsZero() {
			flags = append(flags, flagged)
		}
	}
	return flags
}

// lastBackup is when the last backup that may hold a row erased today is gone.
func (ap *Applier) lastBackup(system string) time.Time {
	last := ap.Tonight.AsOf.AddDate(0, 0, 90)
	for _, s := range ap.Setup.Sources {
		if s.Of == system && !s.Keep.IsZero() {
			if end := calendar.EndOf(ap.Tonight.Today, s.Keep).Start(ap.Setup.Zone); end.After(last) {
				last = end
			}
		}
	}
	return last
}

// mayWrite is asked before every chunk and every rewrite.
func (ap *Applier) mayWrite() error { return state.MayWrite(ap.Setup, ap.Tonight.Until) }
