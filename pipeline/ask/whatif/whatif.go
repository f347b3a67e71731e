// Package whatif compares a changed policy with the one in force on the same rows, on the same day, by
// the same registry.
//
//   - Comparison is the answer: ComparedLine counts the rows of a table that go from one Verdict to another, and
//     ComparedTable all rows of a table.
//   - weigher decides by one of the two policies; tallies count while the rows, read once, pass by.
package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/answers"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Comparison is what a changed policy would do with the same rows, on the same day, by the same registry.
type Comparison struct {
	AsOf    string          `json:"as_of"`
	Changes []string        `json:"changes"` // of the policy, in words
	Totals  map[string]int  `json:"totals"`  // rows by effect
	Lines   []ComparedLine  `json:"lines"`   // rows that are decided otherwise
	Tables  []ComparedTable `json:"tables"`
	Notes   []string        `json:"notes"` // what was not compared, and what the first night would ask

	// Effect counts the rows that are decided otherwise, of each silo that both policies could decide.
	Effect answers.Effect  `json:"effect"`
	unseen map[string]bool // silos of which a policy could decide no row
}

// ComparedLine counts the rows of a table that go from one verdict to another.
type ComparedLine struct {
	Source string  `json:"source"`
	Table  string  `json:"table"`
	Old    Verdict `json:"old"`
	New    Verdict `json:"new"`
	Effect string  `json:"effect"`
	Rows   int64   `json:"rows"`
	// The earliest day on which erasing one of the rows is due, civil dates.
	OldDue string `json:"old_oldest_due,omitempty"`
	NewDue string `json:"new_oldest_due,omitempty"`
}

// Verdict is what a policy says of a row; zero where no silo of it claims the row, or none can be decided.
type Verdict struct {
	Silo   string        `json:"silo,omitempty"`
	Action policy.Action `json:"action,omitempty"`
	Use    policy.Use    `json:"use,omitempty"`
	Reason reason.Code   `json:"reason,omitempty"`
	Clear  string        `json:"clear,omitempty"` // fields that are cleared in a row that stays, joined by ';'
}

// ComparedTable counts the rows of a table.
type ComparedTable struct {
	Source string `json:"source"`
	Table  string `json:"table"`
	Rows   int64  `json:"rows"` // that a silo of either policy claims
	Same   int64  `json:"same"` // decided alike
	Goes   int64  `json:"goes"` // that the new policy deletes, anonymizes or clears fields of
}

// The effects of a new policy on a row, compared with the old.
const (
	effectSame       = "the same, for another reason"
	effectLater      = "the same, on another day"
	effectDeleted    = "now deleted"
	effectAnonymized = "now anonymized"
	effectCleared    = "now loses fields"
	effectBlocked    = "now blocked"
	effectFreed      = "now free"
	effectKept       = "now kept"
	effectDecided    = "now decided"
	effectUndecided  = "no longer decided"
)

// effects are they all: what is taken away first.
var effects = []string{effectDeleted, effectAnonymized, effectCleared, effectBlocked, effectUndecided, effectKept,
	effectFreed, effectDecided, effectLater, effectSame}

// Compare decides every row of the live sources by p and by next, read once, and counts what differs. Both
// have the same sources, registry and keys. asOf zero is now. It writes nothing: no plan, no flag, no line in
// the journal. Rows that dependents or references hold back (row D10) are counted as the rule wants them.
func Compare(ctx context.Context, p *setup.Setup, next *setup.Setup, asOf time.Time) (c Comparison, err error) {
	if asOf.IsZero() {
		asOf = p.Now()
	}
	before, after := newWeigher(p, asOf), newWeigher(next, asOf)
	c = Comparison{
		AsOf: after.tonight.Today.String(), Totals: map[string]int{}, Notes: []string{}, unseen: map[string]bool{},
		Changes: append([]string{}, words.Differences(p.Silos, next.Silos)...),
	}
	config := next.Registry
	config.ReadOnly = true
	r, err := registry.Open(ctx, config)
	if err != nil {
		return c, fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	before.silos.Registry, after.silos.Registry = r, r
	c.Notes = append(c.Notes, longerConsents(p, next, asOf)...)
	if err := after.overlook(ctx, nil, &c); err != nil {
		return c, err
	}
	if err := before.overlook(ctx, after, &c); err != nil {
		return c, err
	}
	heads, err := r.Heads(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	if err := errors.Join(after.silos.Fresh(heads), before.silos.Fresh(heads)); err != nil {
		return c, err
	}
	tallies, err := c.open(ctx, before, after)
	defer func() {
		for _, s := range after.stores.List {
			if s.Conn != nil {
				err = errors.Join(err, s.Conn.Close())
			}
		}
	}()
	if err != nil {
		return c, err
	}
	for i, s := range after.stores.List {
		if s.Err == nil {
			s.Err = after.judgeTwice(ctx, before.stores.List[i], s, tallies)
		}
		if s.Err != nil {
			err = errors.Join(err, fmt.Errorf("%w: %s: %w", setup.ErrSource, s.Name, s.Err))
			c.Notes = append(c.Notes, fmt.Sprintf("source %s could not be read to the end (%s): its rows are "+
				"not all compared", s.Name, notes.Failure(s.Err)))
		}
	}
	c.sum(after, tallies)
	if err == nil {
		c.Effect = c.effect(p, next)
	}
	return c, err
}

// effect counts the rows of each silo of either policy that are decided otherwise.
func (c *Comparison) effect(p, next *setup.Setup) answers.Effect {
	e := answers.Effect{Silos: map[string]int64{}}
	for _, s := range slices.Concat(p.Silos, next.Silos) {
		if !c.unseen[s.Silo.Name] {
			e.Silos[s.Silo.Name] = 0
		}
	}
	all := int64(0)
	for _, l := range c.Lines {
		all += l.Rows
		for i, silo := range []string{l.Old.Silo, l.New.Silo} {
			if _, counted := e.Silos[silo]; counted && (i == 0 || silo != l.Old.Silo) {
				e.Silos[silo] += l.Rows
			}
		}
	}
	if len(c.unseen) == 0 {
		e.Rows = &all
	}
	return e
}

// Becomes says in words what becomes of the rows of a silo that are decided otherwise; "" there are none.
func (c *Comparison) Becomes(silo string) string {
	rows := map[string]int64{}
	for _, l := range c.Lines {
		if l.Old.Silo == silo || l.New.Silo == silo {
			rows[l.Effect] += l.Rows
		}
	}
	var parts []string
	for _, effect := range effects {
		if n := rows[effect]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, effect))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// longerConsents notes rules under which consents would live longer: those that a night has ended stay
// ended, for the registry holds their end.
func longerConsents(p, next *setup.Setup, asOf time.Time) (notes []string) {
	for _, silo := range next.Silos {
		i := slices.IndexFunc(p.Silos, func(o *policy.Compiled) bool { return o.Silo.Name == silo.Silo.Name })
		if i < 0 {
			continue
		}
		for id, rule := range silo.InForce(asOf) {
			for was, old := range p.Silos[i].InForce(asOf) {
				today := calendar.DateOf(asOf, next.Zone)
				if was == id && rule.Basis == policy.Consent && old.Basis == policy.Consent &&
					calendar.EndOf(today, rule.MaxAge) > calendar.EndOf(today, old.MaxAge) {
					notes = append(notes, fmt.Sprintf("silo %s, rule %s: consents would last %s, before %s; "+
						"those that a night has already ended stay ended, for the registry holds their end",
						silo.Silo.Name, id, rule.MaxAge, old.MaxAge))
				}
			}
		}
	}
	return notes
}

// weigher decides by one of the two policies. It has no run, no lock, no journal and no keys for evidence.
type weigher struct {
	setup   *setup.Setup
	tonight setup.Tonight
	silos   *silos.Set
	stores  *stores.Set
}

// newWeigher decides by a policy, with silos of its own.
func newWeigher(p *setup.Setup, asOf time.Time) *weigher {
	mine := *p
	mine.Silos = slices.Clone(p.Silos)
	w := &weigher{setup: &mine, tonight: setup.Asking(p, asOf)}
	w.silos = silos.New(w.setup, w.tonight, nil)
	w.stores = stores.New(w.setup, w.tonight, nil, w.silos)
	return w
}

// overlook loads what the registry knows of the night's silos; of one that other has loaded to the same
// end it takes what is there. Silos that registry or keystore do not know are left out, and noted.
func (w *weigher) overlook(ctx context.Context, other *weigher, c *Comparison) error {
	var known []*policy.Compiled
	for _, s := range w.setup.Silos {
		name := s.Silo.Name
		if other != nil {
			i := slices.IndexFunc(other.setup.Silos, func(o *policy.Compiled) bool { return o.Silo.Name == name })
			if i >= 0 && maps.Equal(silos.Endings(s), silos.Endings(other.setup.Silos[i])) {
				w.silos.Silos[name], known = other.silos.Silos[name], append(known, s)
				continue
			}
		}
		_, err := w.setup.Keys.SiloKey(name)
		if err == nil {
			err = w.silos.OpenSilo(ctx, s, nil)
		}
		switch {
		case errors.Is(err, registry.ErrUnknownSilo) || errors.Is(err, keystore.ErrMissing):
			note := fmt.Sprintf("silo %s has no key or is not in the registry, so none of its rows can be "+
				"decided: a night with it would refuse to begin until its consents are imported", name)
			c.unseen[name] = true
			if !slices.Contains(c.Notes, note) {
				c.Notes = append(c.Notes, note)
			}
		case err != nil:
			return fmt.Errorf("silo %s: %w", name, err)
		default:
			known = append(known, s)
		}
	}
	w.setup.Silos = known
	return nil
}

// open opens the live sources once for both nights and resolves both policies against their
// catalogs, before a row is read.
func (c *Comparison) open(ctx context.Context, before, after *weigher) (*tallies, error) {
	var errs []error
	for _, src := range after.setup.Sources {
		named := before.setup.Named(src.Name) || after.setup.Named(src.Name)
		if src.Of != "" || src.Environment == "backup" || !named {
			continue
		}
		old, s := stores.NewStore(src), stores.NewStore(src)
		before.stores.List, after.stores.List = append(before.stores.List, old), append(after.stores.List, s)
		if s.Conn, s.Err = src.Open(ctx); s.Err == nil {
			s.Tables, s.Err = s.Conn.Tables(ctx)
		}
		if old.Err = s.Err; s.Err != nil {
			continue
		}
		old.Conn, old.Tables = s.Conn, s.Tables
		if err := before.stores.Mapped(ctx, old); err != nil {
			errs = append(errs, fmt.Errorf("old policy: %w", err))
		}
		if err := after.stores.Mapped(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("new policy: %w", err))
		}
	}
	if len(errs) == 0 {
		if err := before.stores.KnownFields(); err != nil {
			errs = append(errs, fmt.Errorf("old policy: %w", err))
		}
		if err := after.stores.KnownFields(); err != nil {
			errs = append(errs, fmt.Errorf("new policy: %w", err))
		}
	}
	return newTallies(), errors.Join(errs...)
}

// judgeTwice reads the governed tables of a source once and decides each row by both policies.
func (w *weigher) judgeTwice(ctx context.Context, old, s *stores.Store, t *tallies) error {
	var queries []connectors.Query
	for _, table := range s.Tables {
		if len(old.Governed[table.Name])+len(s.Governed[table.Name]) > 0 {
			queries = append(queries, connectors.Query{Table: table.Name})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	if err := errors.Join(old.ReadCarried(ctx, false), s.ReadCarried(ctx, false)); err != nil {
		return err
	}
	var rows int64
	for batch, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		at := notes.Object{Source: s.Name, Table: batch.Table}
		for row := range int(batch.Rows.NumRows()) {
			was, wasClaimed := verdictOf(old.Governed[batch.Table], batch.Rows, row, w.tonight.AsOf)
			is, isClaimed := verdictOf(s.Governed[batch.Table], batch.Rows, row, w.tonight.AsOf)
			if wasClaimed || isClaimed {
				t.count(at, was, is)
			}
		}
		rows += batch.Rows.NumRows()
		w.setup.Progress("compare", s.Name, rows, s.Estimate())
	}
	return nil
}

// sum turns the counts into lines: what is taken away first, most rows first.
func (c *Comparison) sum(after *weigher, t *tallies) {
	c.Lines, c.Tables = []ComparedLine{}, []ComparedTable{}
	for _, l := range t.lines {
		c.Lines = append(c.Lines, *l)
		c.Totals[l.Effect] += int(l.Rows)
	}
	slices.SortFunc(c.Lines, func(a, b ComparedLine) int {
		return cmp.Or(slices.Index(effects, a.Effect)-slices.Index(effects, b.Effect), cmp.Compare(b.Rows, a.Rows),
			strings.Compare(a.Source, b.Source), strings.Compare(a.Table, b.Table),
			strings.Compare(fmt.Sprint(a.Old, a.New), fmt.Sprint(b.Old, b.New)))
	})

	most := after.setup.Breakers
	for _, table := range t.tables {
		c.Tables = append(c.Tables, *table)
		c.Totals["as before"] += int(table.Same)
		for _, ask := range []struct {
			asks  bool
			limit string
		}{
			{most.MaxRows > 0 && table.Goes > most.MaxRows, fmt.Sprintf("breakers.max_rows %d", most.MaxRows)},
			{table.Rows >= limits.StopRows && limits.Percent(table.Goes, table.Rows) > most.MaxPercent,
				fmt.Sprintf("breakers.max_percent %v", most.MaxPercent)},
		} {
			if ask.asks {
				c.Notes = append(c.Notes, fmt.Sprintf("%d of %d rows of %s.%s would go, more than %s allows "+
					"without a question: somebody has to approve the plan", table.Goes, table.Rows, table.Source,
					table.Table, ask.limit))
			}
		}
	}
	slices.SortFunc(c.Tables, func(a, b ComparedTable) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Table, b.Table))
	})
	slices.Sort(c.Notes)
}
