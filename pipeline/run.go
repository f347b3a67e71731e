package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
)

// Run is the night: lock and check, settle what an earlier night left, read every source once (discover and decide), seal the plan, ask,
// change, report. A source that fails does not stop the others. The error joins all that went wrong; the result is there in any case.
func (p *Pipeline) Run(ctx context.Context, o Options) (Result, error) {
	n, err := p.begin(ctx, o)
	if err != nil || n.result.AlreadyDone {
		return n.end(ctx, err)
	}
	if err := n.sync(ctx); err != nil { // first, so that no application goes on using what it may not
		return n.end(ctx, err)
	}
	if o.Phases == SyncOnly {
		return n.end(ctx, nil)
	}
	if err := n.apply(ctx); err != nil { // plans approved since, or cut off by a crash
		return n.end(ctx, err)
	}
	if o.Phases == ApplyOnly {
		return n.end(ctx, n.syncErased(ctx))
	}
	for _, s := range n.stores { // live ones first, then backups
		if s.err != nil {
			continue
		}
		if err := n.survey(ctx, s); err != nil {
			n.failedSource(s, err)
		}
	}
	if o.Phases == DiscoverOnly {
		return n.end(ctx, nil)
	}
	if err := n.plan(ctx); err != nil { // seal, trip breakers, ask standing orders
		return n.end(ctx, err)
	}
	if err := n.apply(ctx); err != nil {
		return n.end(ctx, err)
	}
	if err := n.syncErased(ctx); err != nil { // what was erased is in no copy either
		return n.end(ctx, err)
	}
	return n.end(ctx, n.forget(ctx))
}

// night is one run. Everything that changes while it runs is here; the Pipeline does not.
type night struct {
	*Pipeline
	opts      Options
	run       journal.Run
	asOf      time.Time
	today     calendar.Date
	epoch     string // of the audit keys
	folder    string // state/runs/<id>
	lock      *os.File
	journal   *journal.Journal
	registry  *registry.Registry
	silos     map[string]*siloState
	heads     map[string]chain.Head
	stores    []*store
	pending   map[place]bool // rows of plans that wait
	kept      []*keeping
	decisions *audit.Spool[audit.Decision]
	facts     audit.Facts
	last      *audit.Facts             // of the last finished run that decided
	seen      map[string]chain.Head    // the registry's heads as the last finished run saw them
	history   []audit.Facts            // of the last 30 finished runs, newest first
	orderUse  map[string]map[int]int64 // rows that each standing order lets go, by plan
	problems  []error
	result    Result
}

// store is an open source and what the night found in it.
type store struct {
	Source
	open     connectors.Source
	tables   []connectors.Table
	groups   []*group
	governed map[string][]*group
	claims   map[string][]string // silos by table, also where the registry was not asked
	readings []*reading
	surveyed bool // every table was read, or is known not to be
	erased   bool // rows were deleted tonight
	erasure  *erasure
	rows     int64
	err      error
	views    []connectors.View
	viewsErr error
	due      bool   // backups: rewritten tonight
	digest   string // backups: sha256 of the file as planned

	fingerprint string // backups: of the file and the rules it was read by
}

// place is a row of a source.
type place struct {
	source, table string
	key           connectors.Key
}

func (s *store) backup() bool { return s.Of != "" || s.Environment == "backup" }

func (s *store) table(name string) (connectors.Table, bool) {
	i := slices.IndexFunc(s.tables, func(t connectors.Table) bool { return t.Name == name })
	if i < 0 {
		return connectors.Table{}, false
	}
	return s.tables[i], true
}

func (s *store) estimate() (rows int64) {
	for _, t := range s.tables {
		if t.Rows < 0 {
			return -1
		}
		rows += t.Rows
	}
	return rows
}

// claim says that a silo covers a table: by its records, or by what follows from them.
func (s *store) claim(table, silo string) {
	if !slices.Contains(s.claims[table], silo) {
		s.claims[table] = append(s.claims[table], silo)
	}
}

// silosOf names the silos that cover a table.
func (s *store) silosOf(table string) []string { return s.claims[table] }

// span returns the civil dates of the oldest and newest row of a governed table.
func (s *store) span(table string) (oldest, newest string) {
	for _, g := range s.governed[table] {
		if o := g.oldest.String(); o != "" && (oldest == "" || o < oldest) {
			oldest = o
		}
		newest = max(newest, g.newest.String())
	}
	return oldest, newest
}

// begin takes the lock, opens state, registry and sources, and checks that all that earlier nights left still holds.
func (p *Pipeline) begin(ctx context.Context, o Options) (*night, error) {
	now := p.Now()
	n := &night{Pipeline: p, opts: o, asOf: o.AsOf, silos: map[string]*siloState{}, heads: map[string]chain.Head{}, pending: map[place]bool{}, orderUse: map[string]map[int]int64{}}
	if n.asOf.IsZero() {
		n.asOf = now
	}
	if o.Apply && n.asOf.Before(now) {
		if day := calendar.DateOf(n.asOf, p.Zone); day != calendar.DateOf(now, p.Zone) {
			return n, fmt.Errorf("%w: --as-of %s lies in the past: what is changed is decided as of now, or nobody's change of mind since would count; leave --as-of out, or --apply", ErrConfig, day)
		}
		n.asOf = now
	}
	n.today = calendar.DateOf(n.asOf, p.Zone)
	year, month, _ := n.today.YMD()
	n.epoch = fmt.Sprintf("%04d-Q%d", year, (month+2)/3)
	if o.Apply && n.asOf.After(now) && !p.Simulated {
		return n, fmt.Errorf("%w: --as-of %s lies in the future: changing data then needs `clock: simulated` in the configuration", ErrConfig, n.today)
	}
	if err := n.takeLock(); err != nil {
		return n, err
	}
	var err error
	if n.journal, err = journal.Open(ctx, p.State); err != nil {
		return n, err
	}
	if err := n.publishLate(ctx); err != nil {
		return n, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return n, err
	}
	mode := "dry"
	if o.Apply {
		mode = "apply"
	}
	part := ""
	switch o.Phases {
	case WholeNight:
	case SyncOnly:
		part = journal.SyncOnly
	default:
		part = "-part" // applying what was approved is not the night: that is still to come
	}
	n.run = journal.Run{ID: id.String(), Key: o.Job + "/" + mode + part + "/" + n.today.String(), Apply: o.Apply, AsOf: n.asOf, StartedAt: now}
	if err := n.remember(ctx); err != nil {
		return n, err
	}
	if n.result.AlreadyDone {
		return n, nil
	}
	n.result.RunID = n.run.ID
	n.folder = filepath.Join(p.State, "runs", n.run.ID)
	if err := os.MkdirAll(n.folder, 0o700); err != nil {
		return n, fmt.Errorf("begin run: %w", err)
	}
	if err := n.journal.Begin(ctx, n.run); err != nil {
		return n, err
	}
	if n.decisions, err = audit.NewSpool[audit.Decision](filepath.Join(n.folder, "decisions.arrow")); err != nil {
		return n, err
	}
	n.facts.Run = audit.Run{RunID: n.run.ID, RunKey: n.run.Key, Job: o.Job, Mode: mode, AsOf: n.asOf, Zone: p.Zone.String(), Controller: p.Controller, StartedAt: now,
		Host: p.Host, ToolVersion: p.Version, PolicyDigest: p.PolicyDigest, RulesDigest: p.Catalogue.Digest(), Simulated: p.Simulated, SingleApproval: p.Approvals == 1}
	if err := n.takeOver(ctx); err != nil {
		return n, err
	}
	for _, s := range p.Silos {
		if _, err := p.Keys.SiloKey(s.Silo.Name); err != nil {
			return n, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		if err := p.Keys.EnsureAudit(s.Silo.Name, n.epoch); err != nil {
			return n, err
		}
	}
	if err := n.openRegistry(ctx); err != nil {
		return n, err
	}
	if err := n.openStores(ctx); err != nil {
		return n, err
	}
	return n, n.recallPlans(ctx)
}

// recallPlans ends waiting plans whose time is over, and remembers the rows of the others: they are not planned again, so that approvers never
// chase a moving digest.
func (n *night) recallPlans(ctx context.Context) error {
	plans, err := n.journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		p, err := openPlan(filepath.Join(n.State, "plans", entry.ID), entry.Digest)
		if err != nil {
			return err
		}
		if entry.State == journal.Waiting && !n.asOf.Before(p.ValidUntil) {
			if err := n.lapse(ctx, p); err != nil {
				return err
			}
			continue
		}
		id, err := n.Keys.PlanIdentity(p.PlanID)
		if err != nil {
			return err
		}
		for _, g := range p.Groups {
			for _, s := range g.Segments {
				if s.Kind != "root" || p.Part == "reversible" {
					continue
				}
				rows, err := readKeys(p.folder, s, id)
				if err != nil {
					return err
				}
				for _, r := range rows {
					n.pending[place{g.Source, s.Table, r.key}] = true
				}
			}
		}
	}
	return nil
}

// remember reads what earlier nights left in the journal, and whether this one is done already.
func (n *night) remember(ctx context.Context) error {
	runs, err := n.journal.Runs(ctx, 60)
	if err != nil {
		return err
	}
	nights, err := n.journal.Nights(ctx, 60)
	if err != nil {
		return err
	}
	for _, r := range nights {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		var f audit.Facts
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
		}
		if n.last == nil && len(f.Summary) > 0 {
			n.last = &f
		}
		if len(n.history) < 30 {
			n.history = append(n.history, f)
		}
		if r.Key == n.run.Key && r.Apply && r.ExitCode == 0 && !n.opts.Again && n.opts.Phases == WholeNight {
			n.result.AlreadyDone, n.result.RunID = true, r.ID
		}
	}
	if err := n.evidence(runs); err != nil {
		return err
	}
	if n.seen, err = lastHeads(runs); err != nil {
		return err
	}
	waiting, err := n.journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	if n.result.AlreadyDone && slices.ContainsFunc(waiting, func(p journal.Plan) bool { return p.State == journal.Approved }) {
		n.result.AlreadyDone = false // somebody approved a plan since
	}
	return nil
}

// SeenHeads are the heads of the registry's chains, by silo, as the newest night that looked at them saw them; none before the first.
func (p *Pipeline) SeenHeads(ctx context.Context) (map[string]chain.Head, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 100)
	if err != nil {
		return nil, err
	}
	return lastHeads(runs)
}

// lastHeads are the registry's heads as the newest run that looked at them saw them.
func lastHeads(runs []journal.Run) (map[string]chain.Head, error) {
	for _, r := range runs {
		var f audit.Facts
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return nil, fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
		}
		if f.Run.RegistryHeads != "" {
			return parseHeads(f.Run.RegistryHeads)
		}
	}
	return nil, nil
}

// evidence checks that the newest published manifest is where it was left, and as it was. The whole of it is `lethe audit verify`.
func (n *night) evidence(runs []journal.Run) error {
	i := slices.IndexFunc(runs, func(r journal.Run) bool { return r.Manifest != "" })
	if i < 0 {
		return nil
	}
	path := audit.ManifestPath(n.Reports, calendar.DateOf(runs[i].AsOf, n.Zone).String(), runs[i].ID)
	if digest, err := fileDigest(path); err != nil || digest != runs[i].Manifest {
		return fmt.Errorf("%w: the manifest of the last report, %s, is missing or was edited: put it back, or move what is there away and make it anew with `lethe report --from-journal`", ErrTampered, path)
	}
	return nil
}

// takeLock makes sure that one run is at work on this state. The kernel drops the lock with the process.
func (n *night) takeLock() error {
	if err := os.MkdirAll(n.State, 0o700); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	path := filepath.Join(n.State, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return fmt.Errorf("%w: %s is held by %s: wait for it to end, or stop it with the stop file", ErrHeld, path, strings.TrimSpace(string(holder)))
	}
	n.lock = f
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "pid %d on %s since %s\n", os.Getpid(), n.Host, n.Now().UTC().Format(time.RFC3339)), 0)
	return err
}

// openRegistry opens the registry, verifies its chains against the heads that the last night saw, reads the consents that applications keep
// and writes the `expired` events that are due (both only with --apply), and loads every silo's standings at one head.
func (n *night) openRegistry(ctx context.Context) (err error) {
	if n.opts.Phases == DiscoverOnly {
		return nil
	}
	config := n.Registry
	config.ReadOnly, config.Now = !n.opts.Apply, n.Now
	if n.asOf.After(n.Now()) {
		config.Now = func() time.Time { return n.asOf }
	}
	if n.opts.Apply { // an application may have the first consents
		config.AllowEmpty = slices.ContainsFunc(n.Silos, func(s *policy.Compiled) bool { return len(s.Silo.Consents) > 0 })
	}
	if n.registry, err = registry.Open(ctx, config); err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	if n.facts.Run.Simulated && n.opts.Apply {
		if err := n.registry.MarkSimulated(ctx); err != nil {
			return err
		}
	}
	if err := n.keysHold(ctx); err != nil {
		return err
	}
	if name := n.Suppression.Name; name != "" {
		if err := n.verify(ctx, name, n.seen[name]); err != nil && (!errors.Is(err, registry.ErrUnknownSilo) || n.seen[name].Seq > 0) {
			return fmt.Errorf("silo %s: %w", name, err)
		}
	}
	var intake *Intake
	if n.opts.Apply {
		if intake, err = n.intake(ctx, n.registry, config, config.Now()); err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		defer func() { err = errors.Join(err, intake.Close()) }()
	}
	for _, s := range n.Silos {
		if err := n.openSilo(ctx, s, n.seen[s.Silo.Name], intake); err != nil {
			return fmt.Errorf("silo %s: %w", s.Silo.Name, err)
		}
	}
	heads, err := n.registry.Heads(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	for _, h := range heads {
		n.heads[h.Silo] = h
	}
	n.facts.Run.RegistryHeads = formatHeads(heads)
	return n.fresh(heads)
}

// verify recomputes a silo's chain.
func (n *night) verify(ctx context.Context, silo string, seen chain.Head) error {
	verify := n.registry.Verify
	if n.opts.Phases == SyncOnly { // the next night looks at what came before
		verify = n.registry.VerifySince
	}
	err := verify(ctx, silo, seen)
	switch {
	case errors.Is(err, registry.ErrUnknownSilo):
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return nil
}

func (n *night) openSilo(ctx context.Context, s *policy.Compiled, seen chain.Head, intake *Intake) error {
	name := s.Silo.Name
	verified := n.verify(ctx, name, seen)
	st := &siloState{anonymized: map[keystore.Ref]bool{}}
	if n.opts.Apply && (verified == nil || errors.Is(verified, registry.ErrUnknownSilo) && seen.Seq == 0) && len(s.Silo.Consents) > 0 {
		stale, err := n.takeIn(ctx, s, intake)
		if err != nil {
			return err
		}
		if stale {
			st.trust = policy.Stale
		}
		if verified != nil { // it may have come with its first consents
			verified = n.verify(ctx, name, seen)
		}
	}
	if verified != nil {
		return verified
	}
	if n.opts.Apply {
		if _, err := n.registry.ExpireDue(ctx, name, n.asOf, expiryEnds(s, n.asOf, n.Zone)); err != nil {
			return err
		}
	}
	n.silos[name] = st
	var err error
	if st.standings, err = n.registry.Standings(ctx, name, n.asOf, endings(s)); err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	return n.recallTraces(ctx, name)
}

// recallTraces reads what nights left about a silo's records: tombstones, and flags.
func (n *night) recallTraces(ctx context.Context, silo string) (err error) {
	st := n.silos[silo]
	if st.tombstones, err = n.registry.Tombstones(ctx, silo); err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	if st.flags, err = n.registry.Flags(ctx, silo); err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	return nil
}

// expiryEnds says, for each purpose of a silo that rests on consent, when a consent of a given instant has reached its longest life: by the rule in force at an
// instant that grants the most, as no later event takes an end back.
func expiryEnds(s *policy.Compiled, at time.Time, zone *time.Location) retention.ExpiryEnds {
	ages := map[string][]calendar.Period{}
	for _, r := range s.InForce(at) {
		if r.Basis == policy.Consent {
			ages[r.Purpose] = append(ages[r.Purpose], r.MaxAge)
		}
	}
	ends := retention.ExpiryEnds{}
	for purpose, list := range ages {
		ends[purpose] = func(since time.Time) time.Time {
			day, last := calendar.DateOf(since, zone), calendar.Date(0)
			for _, age := range list {
				last = max(last, calendar.EndOf(day, age))
			}
			return (last + 1).Start(zone)
		}
	}
	return ends
}

// endings names, for each purpose of a silo, the event that ends it: among rules that wait for one there is no other (policy.Compile).
func endings(s *policy.Compiled) map[string]event.Type {
	out := map[string]event.Type{}
	for _, r := range s.Silo.Rules {
		out[r.Purpose] = cmp.Or(event.Type(r.Event), out[r.Purpose])
	}
	return out
}

// reload brings a silo's standings to the registry's present head, and what is new there to the present instant: what people said while the night ran counts.
func (n *night) reload(ctx context.Context, silo string) error {
	n.silos[silo].standings.Advance(n.Now())
	_, err := n.registry.Refresh(ctx, n.silos[silo].standings)
	return err
}

// fresh refuses a registry that no source has fed for longer than allowed: its silence is no knowledge.
func (n *night) fresh(heads []chain.Head) error {
	if n.RegistryAge.IsZero() {
		return nil
	}
	for _, h := range heads {
		st, governed := n.silos[h.Silo]
		if heard := calendar.DateOf(h.HeardAt, n.Zone); governed && calendar.EndOf(heard, n.RegistryAge) < n.today {
			st.trust = policy.Stale
			return fmt.Errorf("%w: silo %s was last fed on %s, longer ago than registry.max_age %s allows: import its consents first", ErrRegistry, h.Silo, heard, n.RegistryAge)
		}
	}
	return nil
}

// openStores opens the sources and resolves the policy against their catalogs, before the first row is read. One that cannot be opened fails
// alone; a policy that does not fit stops the night.
func (n *night) openStores(ctx context.Context) error {
	var errs []error
	for _, src := range n.Sources {
		s := &store{Source: src, governed: map[string][]*group{}}
		n.stores = append(n.stores, s)
		if src.Plaintext {
			n.facts.Run.PlaintextWaived = strings.TrimPrefix(n.facts.Run.PlaintextWaived+";"+src.Name, ";")
		}
		open, err := src.Open(ctx)
		if err != nil {
			if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrPlaintext) {
				errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, err))
			} else {
				n.failedSource(s, err)
			}
			continue
		}
		s.open = open
		if err := n.sameTime(ctx, s); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := n.prepare(ctx, s); errors.Is(err, ErrConfig) {
			errs = append(errs, err)
		} else if err != nil {
			n.failedSource(s, err)
		}
	}
	if len(errs) == 0 && n.registry != nil {
		errs = append(errs, n.knownFields())
	}
	return errors.Join(errs...)
}

// maxSkew is how far the clocks of the host and of a database server may be apart (decisions.md, 30).
const maxSkew = 5 * time.Minute

// sameTime compares the host's clock with a server's: dates decide, so neither may be wrong.
func (n *night) sameTime(ctx context.Context, s *store) error {
	clocked, ok := s.open.(connectors.Clocked)
	if !ok {
		return nil
	}
	theirs, err := clocked.Clock(ctx)
	if err != nil {
		return err
	}
	if skew := time.Until(theirs); skew.Abs() > maxSkew {
		return fmt.Errorf("%w: the clock of source %s is %s apart from this host's: set both by NTP", ErrExpired, s.Name, skew.Round(time.Second))
	}
	return nil
}

// problem remembers something that went wrong and does not stop the night.
func (n *night) problem(err error) { n.problems = append(n.problems, err) }

// find records a finding.
func (n *night) find(f audit.Finding) {
	f.FindingID = findingID(f)
	f.FirstSeen = n.today.String()
	for _, night := range slices.Backward(n.history) { // a run that only applied, or could not read the source, found nothing
		for _, old := range night.Findings {
			if old.FindingID == f.FindingID {
				f.FirstSeen = old.FirstSeen
			}
		}
	}
	n.facts.Findings = append(n.facts.Findings, f)
}

// except counts an exception: rows that need a person.
func (n *night) except(e audit.Exception) {
	for i := range n.facts.Exceptions {
		if o := &n.facts.Exceptions[i]; o.Silo == e.Silo && o.Source == e.Source && o.Object == e.Object && o.Code == e.Code {
			o.Count += e.Count
			return
		}
	}
	e.Words, e.FirstSeen = wordsOf(e.Code), n.today.String()
	if n.last != nil {
		for _, old := range n.last.Exceptions {
			if old.Silo == e.Silo && old.Source == e.Source && old.Object == e.Object && old.Code == e.Code {
				e.FirstSeen = old.FirstSeen
			}
		}
	}
	if first, err := calendar.ParseDate(e.FirstSeen); err == nil {
		e.AgeDays = int64(n.today - first)
	}
	n.facts.Exceptions = append(n.facts.Exceptions, e)
}
