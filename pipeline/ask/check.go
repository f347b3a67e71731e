// Package ask answers what somebody asks of the pipeline, and changes nothing.
//
//   - Check says whether everything that a night needs is there and fits, and what would keep a source from what
//     the night will ask of it.
//   - Status says where the nights stand: WaitingPlan is a plan and for whom it waits, CopyStatus how far an
//     application's copy is behind.
//   - Explain says why records were, or would be, kept or deleted.
//
// Questions with more to them have packages of their own: allowed, whatif, lint, joins.
package ask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/ask/joins"
	"lethe/pipeline/ask/zones"
	"lethe/pipeline/copies"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/engines"
	"lethe/pipeline/orders"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// Check opens everything that a night needs and changes nothing: registry with its chains,
// sources, and the policy against every catalog. It returns one line for each thing that is
// right; the error joins what is not.
func Check(ctx context.Context, p *setup.Setup) (lines []string, err error) {
	tonight := setup.Asking(p, p.Now()).Written()
	silos := silos.New(p, tonight, nil)
	stores := stores.New(p, tonight, nil, silos)
	defer func() { err = errors.Join(err, stores.Close(), silos.Close()) }()
	var errs []error
	if err := silos.Open(ctx, nil); err != nil {
		errs = append(errs, err)
	} else {
		lines = append(lines, fmt.Sprintf("registry: %d silos, chains hold", len(silos.Heads)))
		errs = append(errs, silos.Unheard)
	}
	_, ready := report.Ready(p, tonight)
	ready = errors.Join(ready, state.WholeUnopened(ctx, p))
	if ready == nil {
		lines = append(lines, "evidence: the runner's key signs, and reports can be written")
	}
	for _, name := range p.Keys.Unread() {
		lines = append(lines, fmt.Sprintf("keys: the evidence that %s was destroyed cannot be read any more: put its "+
			"file back from a copy", name))
	}
	said, err := checkOrders(ctx, p)
	lines, errs = append(lines, said...), append(errs, ready, err)
	for _, silo := range p.Silos {
		for _, remark := range lint.Lint(silo, tonight.AsOf) {
			lines = append(lines, remark.String())
		}
	}
	for _, src := range p.Sources {
		said, err := checkSource(ctx, stores, src)
		lines, errs = append(lines, said...), append(errs, err)
	}
	for _, twin := range stores.Twins(ctx) {
		if !slices.Contains(errs, twin) { // it is said of both
			errs = append(errs, twin)
		}
	}
	copier := &copies.Keeper{Setup: p, Tonight: tonight, Silos: silos, Stores: stores}
	for _, c := range p.Grants {
		if c.Unadopted != "" {
			lines = append(lines, fmt.Sprintf("sync.%s: not all of it is sent: by the policy that people adopted %s",
				c.Target, c.Unadopted))
		}
		said, err := copier.CheckCopy(ctx, c)
		lines, errs = append(lines, said...), append(errs, err)
	}
	return lines, errors.Join(errs...)
}

// checkOrders says what keeps standing orders from being in force.
func checkOrders(ctx context.Context, p *setup.Setup) (lines []string, err error) {
	if len(p.Orders) == 0 {
		return nil, nil
	}
	all, err := orders.Now(ctx, p)
	for _, o := range ordersOf(all, p.Adopted == "" || p.Adopted == p.PolicyDigest) {
		lines = append(lines, fmt.Sprintf("order %s of silo %s %s", o.Order, o.Silo, o.Words))
	}
	if p.Adopted == "" {
		lines = append(lines, "orders: none counts before a policy is adopted: with `lethe policy adopt`, or by "+
			"approving the first plan")
	}
	return lines, err
}

// checkSource opens a source, resolves the policy against it and says what a night could do there.
func checkSource(ctx context.Context, set *stores.Set, src setup.Source) ([]string, error) {
	s := stores.NewStore(src)
	var err error
	if s.Conn, err = src.Open(ctx); err != nil {
		return nil, err
	}
	set.List = append(set.List, s)
	if err := set.Prepare(ctx, s); err != nil {
		return nil, err
	}
	can := "read only"
	if _, ok := s.Conn.(connectors.Mutator); ok {
		can = "may be changed"
	} else if _, ok := s.Conn.(connectors.Rewriter); ok && src.Rewrite != nil {
		can = "may be rewritten"
	}
	g := edges.Of(s)
	said, err := foresee(ctx, set, s, g)
	if _, barred := s.BarredFile(); barred {
		can = "may be rewritten, and cannot be as it is"
	}
	governed := fmt.Sprintf("%d governed", len(s.Governed))
	if len(set.Silos.Silos) == 0 && len(set.Setup.Silos) > 0 {
		governed = "which of them are governed was not looked at" // that takes the registry
	}
	lines := []string{fmt.Sprintf("source %s: %d tables, %s, %s", s.Name, len(s.Tables), governed, can)}
	if _, ok := s.Conn.(connectors.Mutator); ok {
		if err := engines.Changes(ctx, set.Setup, nil, src, s.Conn); err != nil {
			return lines, err
		}
	}
	lines = append(lines, unread(s)...)
	lines = append(lines, written(s)...)
	err = errors.Join(unreadable(s), err)
	for _, lack := range s.Lacks {
		lines = append(lines, fmt.Sprintf("source %s: %s", s.Name, lack))
	}
	if src.ReadOnly && len(s.Judges) > 0 && !s.Backup() {
		lines = append(lines, fmt.Sprintf("source %s: silos govern it, but it can only be read: "+
			"a night names the rows that would have to change in it, and leaves them", s.Name))
	}
	clues, wrong := checkZones(ctx, set.Setup, s)
	if lines = append(lines, clues...); wrong != nil {
		return lines, wrong
	}
	for _, looked := range s.Looked {
		if looked.Rows+looked.Unknown > 0 {
			lines = append(lines, fmt.Sprintf("source %s, of the rows looked at: %s", s.Name, looked.Said()))
		}
	}
	lines = append(lines, triggers(s, g.Uses())...)
	unsaid, failed := references(ctx, s, g)
	lines = append(lines, unsaid...)
	return append(lines, said...), errors.Join(err, failed)
}

// references names the fields of a live source that look like references to rows which nights may delete, and of which
// neither a foreign key nor the policy says so.
func references(ctx context.Context, s *stores.Store, g *edges.Set) (lines []string, err error) {
	if s.Backup() || s.Path != "" { // of files each look would be a pass
		return nil, nil
	}
	var gone []string
	for _, u := range g.Uses() {
		if u.Delete {
			gone = append(gone, u.Table)
		}
	}
	found, err := joins.Find(ctx, s.Conn, s.Tables, gone, func(table, field string) bool {
		name := table + "." + field
		_, unrelated := s.Unrelated[name]
		_, skipped := s.Skip[name]
		_, whole := s.Skip[table]
		return unrelated || skipped || whole || slices.ContainsFunc(g.List, func(e *edges.Edge) bool {
			return e.Child == table && slices.Contains(e.Fields, field)
		})
	})
	for _, r := range found {
		at := fmt.Sprintf("source %s: field %s.%s looks like a reference to %s", s.Name, r.Table, r.Field, r.To)
		lines = append(lines, fmt.Sprintf("%s, and no foreign key says so (%d of %d values looked at are keys there): "+
			"what it refers to may go, and its rows stay: add {table: %s, fk: [%s], references: %s, do: delete} under "+
			"`dependents:` of the records (or do: set_null), or `unrelated: {%[4]s.%[5]s: WHY}` to the source",
			at, r.Fit, r.Looked, r.Table, r.Field, r.To))
	}
	return lines, err
}

// unread says what a source holds beside its catalog.
func unread(s *stores.Store) (lines []string) {
	for _, u := range s.Unread {
		what := "not read: "
		if u.Read {
			what = ""
		}
		if u.Name != "" {
			what += u.Name + ": "
		}
		lines = append(lines, fmt.Sprintf("source %s: %s%s", s.Name, what, u.Reason))
	}
	return lines
}

// unreadable is what of a source cannot be read, and is not left out.
func unreadable(s *stores.Store) error {
	var errs []error
	for _, t := range s.Tables {
		if _, skip := s.Skip[t.Name]; t.Unreadable != nil && !skip {
			errs = append(errs, fmt.Errorf("%w: %w", setup.ErrSource, t.Unreadable))
		}
	}
	return errors.Join(errs...)
}

// written says how files are written, where nobody said it: those that are written alike in one line.
func written(s *stores.Store) (lines []string) {
	files := map[string][]string{}
	for _, a := range s.Assumed {
		files[a.Said()] = append(files[a.Said()], a.File)
	}
	for _, said := range slices.Sorted(maps.Keys(files)) {
		lines = append(lines, fmt.Sprintf("source %s: %s: read with %s, as nobody said how: write it under `options:` "+
			"or `files:` of the source, so that another file is not read otherwise", s.Name,
			strings.Join(files[said], ", "), said))
	}
	return lines
}

// triggers says which triggers the changes of nights run.
func triggers(s *stores.Store, uses []connectors.Use) (lines []string) {
	var changes []connectors.Written
	for _, u := range uses {
		if len(u.Update) > 0 {
			changes = append(changes, connectors.Written{Table: u.Table, Event: "UPDATE"})
		}
		if u.Delete {
			changes = append(changes, connectors.Written{Table: u.Table, Event: "DELETE"})
		}
	}
	for _, r := range s.Tables.Runs(changes...) {
		lines = append(lines, fmt.Sprintf("source %s: %s", s.Name, r.Said()))
	}
	for _, t := range s.Tables {
		if runs := s.BlockRuns(t.Name); len(runs) > 0 {
			var names []string
			for _, r := range runs {
				names = append(names, r.Name)
			}
			lines = append(lines, fmt.Sprintf("source %s: a block of rows of table %s runs trigger %s, and nobody is "+
				"asked before it: while that must not happen, leave `block:` out of the table's records", s.Name,
				t.Name, strings.Join(names, ", ")))
		}
	}
	return lines
}

// foresee asks a source what would keep it from what nights can do there. What it is in doubt of is a line; the
// error joins what it is sure of.
func foresee(ctx context.Context, set *stores.Set, s *stores.Store, g *edges.Set) (lines []string, err error) {
	found, err := g.Foresee(ctx)
	errs := []error{err}
	if _, ok := s.Conn.(connectors.Mutator); ok {
		found = slices.Concat(found, g.Cannot())
	}
	for _, o := range found {
		said := set.Setup.Names.Sentence(o.String()) // of accounts nobody knows the names before
		if o.Doubt {
			lines = append(lines, fmt.Sprintf("source %s: %s", s.Name, said))
		} else {
			errs = append(errs, fmt.Errorf("%w: source %s: %s (%w)", setup.ErrSource, s.Name, said, o.Kind))
		}
	}
	return lines, errors.Join(errs...)
}

// checkZones says what speaks against the zones in which the times of a live source are read, of those that decide.
func checkZones(ctx context.Context, p *setup.Setup, s *stores.Store) ([]string, error) {
	if s.Backup() {
		return nil, nil
	}
	var fields []zones.Field
	add := func(table, name string) {
		t, _ := s.Tables.Find(table)
		f, ok := t.Field(name)
		if !ok || slices.ContainsFunc(fields, func(o zones.Field) bool { return o.Table == table && o.Name == name }) {
			return
		}
		fields = append(fields, zones.Field{Table: table, Field: f, Writing: s.Writing(table, f, p.Zone)})
	}
	for _, silo := range p.Silos {
		for _, r := range silo.Silo.Records {
			if r.Source != s.Name {
				continue
			}
			add(r.Table, r.Collected)
			for _, rule := range silo.Silo.Rules {
				add(r.Table, rule.At)
			}
		}
		for _, m := range silo.Silo.Consents {
			if m.Source != s.Name {
				continue
			}
			add(m.Table, m.Created)
			for _, state := range m.States() {
				add(m.Table, state.At)
			}
		}
	}
	clues, err := zones.Look(ctx, s.Conn, fields, []*time.Location{time.UTC, p.Zone}, p.Now())
	if err != nil {
		return nil, err
	}
	return clues.Say(s.Name, s.Times.Zone != nil), nil
}
