package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
)

// prepare reads a source's catalog, once a night, and resolves the policy against it.
func (n *night) prepare(ctx context.Context, s *store) error {
	if s.tables != nil {
		return nil
	}
	tables, err := s.open.Tables(ctx)
	if err != nil {
		return err
	}
	s.tables = tables
	if err := noRegistry(s.Name, tables); err != nil {
		return err
	}
	return n.mapped(s)
}

// noRegistry refuses a source that is a registry, by its tables: so it is recognised by whatever name its server is reached.
func noRegistry(source string, tables []connectors.Table) error {
	for table, field := range map[string]string{"silo": "head_hash", "subject_alias": "alias_ref", "event": "commitment", "event_payload": "collection"} {
		i := slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == table })
		if i < 0 {
			return nil
		}
		if _, ok := tables[i].Field(field); !ok {
			return nil
		}
	}
	return fmt.Errorf("%w: E_REGISTRY_IN_SOURCE: source %s is a consent registry: the registry has a database of its own, and is no source", ErrConfig, source)
}

// mapped resolves which silos govern which tables of a source, and checks that the source can do what they ask.
func (n *night) mapped(s *store) error {
	var errs []error
	s.claims = map[string][]string{}
	for _, silo := range n.Silos {
		for i := range silo.Silo.Consents {
			if m := &silo.Silo.Consents[i]; m.Source == s.Name && n.registry != nil {
				_, err := intakeTable(silo, m, s.tables)
				errs = append(errs, err)
			}
		}
		for _, r := range silo.Silo.Records {
			if r.Source != s.System() {
				continue
			}
			s.claim(r.Table, silo.Silo.Name)
			for _, d := range r.Dependents {
				s.claim(d.Table, silo.Silo.Name)
			}
			for _, o := range r.Owns {
				s.claim(o.Table, silo.Silo.Name)
			}
			if n.registry == nil { // only discovering
				continue
			}
			t, ok := s.table(r.Table)
			if !ok {
				if !s.backup() { // an older or partial dump need not hold every table
					errs = append(errs, fmt.Errorf("%w: silo %s: source %s has no table %s: name a table that the source has", ErrConfig, silo.Silo.Name, s.Name, r.Table))
				}
				continue
			}
			g, err := n.newGroup(s, silo, r, t)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if s.ReadOnly && !s.backup() && n.opts.Apply {
				errs = append(errs, fmt.Errorf("%w: silo %s wants rows of table %s changed, but source %s is read-only: give it an apply_dsn", ErrConfig, silo.Silo.Name, r.Table, s.Name))
			}
			s.groups = append(s.groups, g)
			s.governed[r.Table] = append(s.governed[r.Table], g)
		}
	}
	sortChildrenFirst(s)
	return errors.Join(errs...)
}

// knownFields refuses a policy that names a field which no table of its silo has: a misspelt field would silently stay as it is.
func (n *night) knownFields() error {
	var errs []error
	for _, silo := range n.Silos {
		has := map[string]bool{}
		whole := true
		for _, r := range silo.Silo.Records {
			i := slices.IndexFunc(n.stores, func(s *store) bool { return s.Name == r.Source })
			if i < 0 || n.stores[i].err != nil {
				whole = false
				continue
			}
			t, _ := n.stores[i].table(r.Table)
			for _, f := range t.Fields {
				has[f.Name] = true
			}
		}
		if !whole {
			continue // a source did not answer: what it has is not known
		}
		for _, r := range silo.Silo.Records {
			for _, f := range silo.Fields(r) {
				if !has[f] {
					errs = append(errs, fmt.Errorf("%w: silo %s names field %s, which none of its tables has: correct the name", ErrConfig, silo.Silo.Name, f))
					has[f] = true // said once
				}
			}
		}
	}
	return errors.Join(errs...)
}

// sortChildrenFirst orders the groups so that rows which refer to others are decided and changed before those.
func sortChildrenFirst(s *store) {
	depth := map[string]int{}
	for range s.tables { // as many rounds as tables: circles end there
		for _, t := range s.tables {
			for _, fk := range t.ForeignKeys {
				if fk.RefTable != t.Name {
					depth[t.Name] = min(max(depth[t.Name], depth[fk.RefTable]+1), len(s.tables))
				}
			}
		}
	}
	sort.SliceStable(s.groups, func(i, j int) bool { return depth[s.groups[i].table.Name] > depth[s.groups[j].table.Name] })
}

// targets resolves the fields of a table that anonymizing or clearing may change.
func (n *night) targets(silo *policy.Compiled, s *store, t connectors.Table) ([]target, error) {
	targets, wrong := techniques(silo, t)
	for i, err := range wrong {
		wrong[i] = fmt.Errorf("%w: silo %s: source %s table %s: %w", ErrConfig, silo.Silo.Name, s.Name, t.Name, err)
	}
	return targets, errors.Join(wrong...)
}

// techniques are those of the fields of a table that anonymizing or clearing may change, and what is wrong with those that the table cannot serve. A silo's techniques serve all of its tables: a field that this one
// lacks is not meant. A field that only clearing touches becomes NULL unless the silo names a technique.
func techniques(silo *policy.Compiled, t connectors.Table) (targets []target, wrong []error) {
	spec := map[string]*string{}
	for _, r := range silo.Silo.Rules {
		for _, f := range r.Fields {
			if slices.ContainsFunc(silo.Silo.Rules, func(o policy.Rule) bool { return len(o.Fields) > 0 && !slices.Contains(o.Fields, f) }) {
				spec[f] = nil // what every rule covers is never cleared, whichever of them is alive
			}
		}
	}
	maps.Copy(spec, silo.Silo.Anonymize)
	for i, f := range t.Fields {
		technique, named := spec[f.Name]
		if !named {
			continue
		}
		parsed, err := anonymize.Parse(technique, anonymize.Field{Name: f.Name, Kind: f.Kind, Type: f.Type, Length: f.Length, Nullable: f.Nullable, Generated: f.Generated,
			Key:    slices.Contains(t.Key, f.Name),
			Unique: slices.ContainsFunc(t.Unique, func(u []string) bool { return slices.Contains(u, f.Name) })})
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		_, always := silo.Silo.Anonymize[f.Name]
		targets = append(targets, target{field: f.Name, column: i, technique: parsed, anonymize: always})
	}
	return targets, wrong
}

// plan turns what the judges found into sealed plans: dependents are followed, limits tested, standing orders asked.
func (n *night) plan(ctx context.Context) error {
	if err := n.stops(); err != nil {
		return err
	}
	for _, s := range n.stores {
		if s.err != nil {
			continue
		}
		if err := n.cadence(ctx, s); err != nil {
			return err
		}
		e := newErasure(s)
		if err := e.follow(ctx); err != nil {
			n.failedSource(s, err)
			continue
		}
		if err := n.settleRoots(s); err != nil {
			return err
		}
		s.erasure = e
		for _, g := range s.groups {
			n.facts.Summary = append(n.facts.Summary, g.summaries()...)
		}
	}
	if err := n.decisions.Close(); err != nil {
		return err
	}
	n.decisions = nil
	if err := n.keepFlags(ctx); err != nil {
		return err
	}
	n.ramp()
	if err := n.askAgain(ctx); err != nil {
		return err
	}
	n.divide()
	destroyed := func(asked bool) func(*store, *root) change {
		return func(s *store, r *root) change {
			if r.change.reversible() && !s.backup() || r.ramped || r.asks != asked {
				return noChange
			}
			return r.change // in a backup that is rewritten anyway, blocking rides along
		}
	}
	ordered, err := n.seal(ctx, "destructive", "ordered", destroyed(false))
	if err != nil {
		return err
	}
	if ordered == nil { // orders answer nothing, or not this
		for _, s := range n.stores {
			s.askAll()
			s.erasure.unseal()
		}
	}
	asked, err := n.seal(ctx, "destructive", "destructive", destroyed(true))
	if err != nil {
		return err
	}
	if n.opts.Apply && asked != nil && len(asked.Questions) > 0 {
		n.problem(fmt.Errorf("%w: plan %s asks %s and nobody has answered: look at it with `lethe plan show`, then `lethe approve`", ErrUnapproved, asked.PlanID, strings.Join(asked.Questions, ", ")))
	}
	_, err = n.seal(ctx, "reversible", "reversible", func(s *store, r *root) change {
		switch {
		case s.backup():
			return noChange
		case r.change.reversible():
			return r.change
		case r.block && (r.asks || r.ramped || !n.opts.Apply):
			return block // blocking is not gated: only destruction waits
		}
		return noChange
	})
	return err
}

// keepFlags records the nights that first found a reason without a date, and drops those whose reason went, for silos whose sources were all read.
func (n *night) keepFlags(ctx context.Context) error {
	if !n.opts.Apply {
		return nil
	}
	for name, st := range n.silos {
		var now []registry.Flag
		whole := true
		for _, s := range n.stores {
			if s.backup() {
				continue
			}
			whole = whole && s.err == nil
			for _, g := range s.groups {
				if g.silo.Silo.Name == name {
					now = append(now, g.flags...)
				}
			}
		}
		var added []registry.Flag
		seen := map[registry.FlagKey]bool{}
		for _, f := range now {
			if _, known := st.flags[f.FlagKey]; !known {
				added = append(added, f)
			}
			seen[f.FlagKey] = true
		}
		if err := n.registry.SetFlags(ctx, name, added); err != nil {
			return err
		}
		var gone []registry.FlagKey
		for f := range st.flags {
			if whole && f.Reason != flagBlocked && !seen[f] {
				gone = append(gone, f)
			}
		}
		if err := n.registry.DropFlags(ctx, name, gone); err != nil {
			return err
		}
	}
	return nil
}

// settleRoots applies row D10 of the decision table to rows that a referencing row holds back, and writes the decisions that waited for it.
func (n *night) settleRoots(s *store) error {
	for _, g := range s.groups {
		kept := g.roots[:0]
		for _, r := range g.roots {
			if r.ruling != nil {
				before := *r.ruling
				if r.kept {
					r.ruling.Decision = decide.WithDependent(r.ruling.Decision)
					r.code, r.change = r.ruling.Reason, noChange
					if r.ruling.Action == policy.Anonymize && len(g.targets) > 0 && !r.anonymized {
						r.change, r.guard = anonymise, r.elseGuard
					}
					if r.change == noChange && r.block { // the row stays, so ending its use is all that is left to do
						r.change, r.block = block, false
					}
					r.ruling.change = r.change
					g.recount(before, *r.ruling)
					n.except(audit.Exception{Silo: g.silo.Silo.Name, Source: s.Name, Object: g.table.Name, Code: string(reason.EDependentKept), Count: 1})
				}
				if err := n.decisions.Append(g.decision(*r.ruling, r.ref)); err != nil {
					return err
				}
				r.ruling = nil
			}
			if !g.stopped && (r.change != noChange || r.block) {
				kept = append(kept, r)
			}
		}
		g.roots = kept
	}
	return nil
}

// planDays is how long a plan may wait for its approval (decisions.md, 18).
const planDays = 7

// seal writes one part of the night's plan: the rows for which choose names a change. It returns nil when there are none, and when standing orders do not
// answer the plan that is named for them.
func (n *night) seal(ctx context.Context, part, name string, choose func(*store, *root) change) (*plan, error) {
	p, to, err := n.newPlan(part, name)
	if err != nil {
		return nil, err
	}
	counts := map[PlanCount]*PlanCount{}
	for _, s := range n.stores {
		if s.err != nil || s.backup() && !s.due {
			continue
		}
		for _, g := range s.groups {
			pg, err := n.sealGroup(ctx, p, to, g, choose, counts)
			if err != nil {
				return nil, err
			}
			if len(pg.Segments) > 0 {
				p.Groups = append(p.Groups, pg)
			}
		}
	}
	return n.finish(ctx, p, counts, name == "ordered")
}

func (n *night) newPlan(part, name string) (*plan, age.Recipient, error) {
	id := n.run.ID + "-" + name
	p := &plan{folder: filepath.Join(n.State, "plans", id), state: journal.Waiting, PlanDocument: PlanDocument{PlanID: id, RunID: n.run.ID, Part: part, AsOf: n.asOf,
		ValidUntil: n.asOf.AddDate(0, 0, planDays), PolicyDigest: n.PolicyDigest, Heads: n.facts.Run.RegistryHeads, Schemas: map[string]string{}, Files: map[string]string{}}}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return nil, nil, fmt.Errorf("seal plan: %w", err)
	}
	to, err := n.Keys.NewPlan(id)
	return p, to, err
}

// sealGroup writes the segments of one group: its chosen rows, then their dependents rank by rank, then the parents they owned.
func (n *night) sealGroup(ctx context.Context, p *plan, to age.Recipient, g *group, choose func(*store, *root) change, counts map[PlanCount]*PlanCount) (PlanGroup, error) {
	pg := PlanGroup{Silo: g.silo.Silo.Name, Source: g.store.Name, Table: g.table.Name}
	position := map[connectors.Key]int64{}
	var w *segmentWriter
	var err error
	name := func() string { return fmt.Sprintf("%03d-%02d", len(p.Groups), len(pg.Segments)) }
	action := func(unit int64, table string, ref, root audit.Ref, c change, reason reason.Code) audit.Action {
		return audit.Action{PlanID: p.PlanID, Batch: unit, Silo: pg.Silo, System: g.store.System(), Source: pg.Source, Object: table, Record: ref, Root: root, Change: string(c), Method: g.method(c), Reason: string(reason)}
	}
	tally := func(table string, c change, reason reason.Code, due calendar.Date) {
		k := PlanCount{Silo: pg.Silo, Source: pg.Source, Table: table, Change: string(c), Reason: string(reason)}
		if counts[k] == nil {
			counts[k] = &PlanCount{Silo: k.Silo, Source: k.Source, Table: k.Table, Change: k.Change, Reason: k.Reason}
		}
		counts[k].Rows++
		if d := due.String(); d != "" && (counts[k].OldestDue == "" || d < counts[k].OldestDue) {
			counts[k].OldestDue = d
		}
	}
	planned := map[connectors.Key]*root{}
	for i := range g.roots {
		r := &g.roots[i]
		c := choose(g.store, r)
		if c == noChange {
			continue
		}
		if w == nil {
			if w, err = newSegment(p.folder, name(), Segment{Table: g.table.Name, Kind: "root"}, to); err != nil {
				return pg, err
			}
		}
		gd := r.guard
		if c.reversible() { // what the guard of an erasure covers beyond the decision's own fields does not matter to a block
			gd = r.blockGuard
		}
		position[r.key] = int64(len(position))
		planned[r.key] = r
		if err := w.add(plannedRow{root: position[r.key], key: r.key, guard: gd, subject: r.subject, record: r.record, change: c, fields: r.clear}, action(position[r.key], g.table.Name, r.ref, r.ref, c, r.code)); err != nil {
			return pg, err
		}
		tally(g.table.Name, c, r.code, r.due)
	}
	if w == nil {
		return pg, nil
	}
	segment, err := w.close()
	if err != nil {
		return pg, err
	}
	pg.Segments = append(pg.Segments, segment)
	if p.Part == "destructive" {
		if err := n.sealFollowers(ctx, p, to, g, &pg, position, planned, name, action, tally); err != nil {
			return pg, err
		}
	}
	p.Schemas[pg.Source] = fingerprint(g.store.tables, n.touched(p, pg))
	if g.store.backup() {
		p.Files[pg.Source] = g.store.digest
	}
	return pg, nil
}

// touched is every table of the group's source that the plan changes so far.
func (n *night) touched(p *plan, last PlanGroup) map[string]bool {
	touched := map[string]bool{}
	for _, g := range append(slices.Clone(p.Groups), last) {
		if g.Source == last.Source {
			for _, s := range g.Segments {
				touched[s.Table] = true
			}
		}
	}
	return touched
}

// sealFollowers writes the segments of the dependents and owned parents of a group's deleted rows.
func (n *night) sealFollowers(ctx context.Context, p *plan, to age.Recipient, g *group, pg *PlanGroup, position map[connectors.Key]int64, planned map[connectors.Key]*root, name func() string,
	action func(int64, string, audit.Ref, audit.Ref, change, reason.Code) audit.Action, tally func(string, change, reason.Code, calendar.Date)) error {
	write := func(s Segment, rows []follower) error {
		if len(rows) == 0 {
			return nil
		}
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].position < rows[j].position })
		w, err := newSegment(p.folder, name(), s, to)
		if err != nil {
			return err
		}
		for _, f := range rows {
			ref := audit.Ref(g.refs.Ref(g.store.System()+"\x1f"+f.table, []byte(f.key)))
			if err := w.add(plannedRow{root: f.position, key: f.key, change: f.change, fields: f.null}, action(f.position, f.table, ref, f.root.ref, f.change, f.root.code)); err != nil {
				return err
			}
			tally(f.table, f.change, f.root.code, f.root.due)
		}
		segment, err := w.close()
		pg.Segments = append(pg.Segments, segment)
		return err
	}
	byRank := g.store.erasure.followers(g, position, planned)
	for _, k := range slices.SortedFunc(maps.Keys(byRank), func(a, b rankedTable) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.table, b.table)
	}) {
		if err := write(Segment{Table: k.table, Kind: "dependent", Rank: k.rank}, byRank[k]); err != nil {
			return err
		}
	}
	owned, err := g.store.erasure.owned(ctx, g)
	if err != nil {
		return err
	}
	byTable := map[string][]follower{}
	for id, roots := range owned {
		last := int64(-1)
		var of *root
		for _, i := range roots {
			if pos, ok := position[g.roots[i].key]; ok && pos > last {
				last, of = pos, &g.roots[i]
			}
		}
		if of != nil {
			byTable[id.table] = append(byTable[id.table], follower{rowID: id, position: last, root: of, change: erase})
		}
	}
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		rows := byTable[table]
		sort.Slice(rows, func(i, j int) bool { return rows[i].key < rows[j].key })
		if err := write(Segment{Table: table, Kind: "owned"}, rows); err != nil {
			return err
		}
	}
	return nil
}

// finish completes a plan: percentages, questions, the standing orders' answer; then plan.json and the journal's row. A plan that is empty, or that orders were to
// answer and do not, leaves no trace.
func (n *night) finish(ctx context.Context, p *plan, counts map[PlanCount]*PlanCount, ordered bool) (*plan, error) {
	for _, c := range counts {
		if t := n.rowsOf(c.Source, c.Table); t > 0 {
			c.Percent = 100 * float64(c.Rows) / float64(t)
		}
		p.Counts = append(p.Counts, *c)
	}
	sort.Slice(p.Counts, func(i, j int) bool {
		a, b := p.Counts[i], p.Counts[j]
		return strings.Join([]string{a.Silo, a.Source, a.Table, a.Change, a.Reason}, "\x1f") < strings.Join([]string{b.Silo, b.Source, b.Table, b.Change, b.Reason}, "\x1f")
	})
	p.Questions = n.questions(p)
	if len(p.Groups) == 0 || ordered && !n.ordered(p) {
		_, err := n.Keys.Destroy("plan/"+p.PlanID, n.Now())
		return nil, errors.Join(err, os.RemoveAll(p.folder))
	}
	switch {
	case n.asOf.After(n.Now()) && !n.Simulated, !n.opts.Apply && p.Part == "reversible":
		p.state = journal.Lapsed // only says what would be
	case n.opts.Apply && (p.Part == "reversible" || ordered):
		p.state = journal.Approved
	}
	if err := p.write(); err != nil {
		return nil, err
	}
	if err := n.journal.PutPlan(ctx, journal.Plan{ID: p.PlanID, RunID: n.run.ID, Part: p.Part, Digest: p.digest, CreatedAt: n.Now(), ValidUntil: p.ValidUntil, State: p.state}); err != nil {
		return nil, err
	}
	if p.state == journal.Lapsed {
		if _, err := n.Keys.Destroy("plan/"+p.PlanID, n.Now()); err != nil {
			return nil, err
		}
	}
	n.reportPlan(p, p.state)
	return p, nil
}
