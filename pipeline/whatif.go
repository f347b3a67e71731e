package pipeline

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
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/keystore"
)

// Comparison is what a changed policy would do with the same rows, on the same day, by the same registry.
type Comparison struct {
	AsOf    string          `json:"as_of"`
	Changes []string        `json:"changes"` // of the policy, in words
	Totals  map[string]int  `json:"totals"`  // rows by effect
	Lines   []ComparedLine  `json:"lines"`   // rows that are decided otherwise
	Tables  []ComparedTable `json:"tables"`
	Notes   []string        `json:"notes"` // what was not compared, and what the first night would ask
}

// ComparedLine counts the rows of a table that go from one verdict to another.
type ComparedLine struct {
	Source string  `json:"source"`
	Table  string  `json:"table"`
	Old    Verdict `json:"old"`
	New    Verdict `json:"new"`
	Effect string  `json:"effect"`
	Rows   int64   `json:"rows"`
	OldDue string  `json:"old_oldest_due,omitempty"` // civil dates: the earliest day on which erasing one of the rows is due
	NewDue string  `json:"new_oldest_due,omitempty"`
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

// Compare decides every row of the live sources by p and by next, read once, and counts what differs. Both have the same sources, registry and keys. asOf zero is now.
// It writes nothing: no plan, no flag, no line in the journal. Rows that dependents or references hold back (row D10) are counted as the rule wants them.
func (p *Pipeline) Compare(ctx context.Context, next *Pipeline, asOf time.Time) (c Comparison, err error) {
	if asOf.IsZero() {
		asOf = p.Now()
	}
	before, after := p.onlooker(asOf), next.onlooker(asOf)
	c = Comparison{AsOf: after.today.String(), Changes: append([]string{}, words.Differences(p.Silos, next.Silos)...), Totals: map[string]int{}, Notes: []string{}}
	config := next.Registry
	config.ReadOnly = true
	r, err := registry.Open(ctx, config)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	before.registry, after.registry = r, r
	c.Notes = append(c.Notes, longerConsents(p, next, asOf)...)
	if err := after.overlook(ctx, nil, &c); err != nil {
		return c, err
	}
	if err := before.overlook(ctx, after, &c); err != nil {
		return c, err
	}
	heads, err := r.Heads(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	if err := errors.Join(after.fresh(heads), before.fresh(heads)); err != nil {
		return c, err
	}
	tallies, err := c.open(ctx, before, after)
	defer func() {
		for _, s := range after.stores {
			if s.open != nil {
				err = errors.Join(err, s.open.Close())
			}
		}
	}()
	if err != nil {
		return c, err
	}
	for i, s := range after.stores {
		if s.err == nil {
			s.err = after.judgeTwice(ctx, before.stores[i], s, tallies)
		}
		if s.err != nil {
			err = errors.Join(err, fmt.Errorf("%w: %s: %w", ErrSource, s.Name, s.err))
			c.Notes = append(c.Notes, fmt.Sprintf("source %s could not be read to the end (%s): its rows are not all compared", s.Name, failure(s.err)))
		}
	}
	c.sum(after, tallies)
	return c, err
}

// longerConsents notes rules under which consents would live longer: those that a night has ended stay ended, for the registry holds their end.
func longerConsents(p, next *Pipeline, asOf time.Time) (notes []string) {
	for _, silo := range next.Silos {
		i := slices.IndexFunc(p.Silos, func(o *policy.Compiled) bool { return o.Silo.Name == silo.Silo.Name })
		if i < 0 {
			continue
		}
		for id, rule := range silo.InForce(asOf) {
			for was, old := range p.Silos[i].InForce(asOf) {
				today := calendar.DateOf(asOf, next.Zone)
				if was == id && rule.Basis == policy.Consent && old.Basis == policy.Consent && calendar.EndOf(today, rule.MaxAge) > calendar.EndOf(today, old.MaxAge) {
					notes = append(notes, fmt.Sprintf("silo %s, rule %s: consents would last %s, before %s; those that a night has already ended stay ended, for the registry holds their end", silo.Silo.Name, id, rule.MaxAge, old.MaxAge))
				}
			}
		}
	}
	return notes
}

// onlooker is a night that only looks: it has no run, no lock, no journal and no keys for evidence.
func (p *Pipeline) onlooker(asOf time.Time) *night {
	mine := *p
	mine.Silos = slices.Clone(p.Silos)
	return &night{Pipeline: &mine, asOf: asOf, today: calendar.DateOf(asOf, p.Zone), silos: map[string]*siloState{}, heads: map[string]chain.Head{}}
}

// overlook loads what the registry knows of the night's silos; of one that other has loaded to the same end it takes what is there. Silos that registry or keystore do not
// know are left out, and noted.
func (n *night) overlook(ctx context.Context, other *night, c *Comparison) error {
	var known []*policy.Compiled
	for _, s := range n.Silos {
		name := s.Silo.Name
		if other != nil {
			i := slices.IndexFunc(other.Silos, func(o *policy.Compiled) bool { return o.Silo.Name == name })
			if i >= 0 && maps.Equal(endings(s), endings(other.Silos[i])) {
				n.silos[name], known = other.silos[name], append(known, s)
				continue
			}
		}
		_, err := n.Keys.SiloKey(name)
		if err == nil {
			err = n.openSilo(ctx, s, chain.Head{}, nil)
		}
		switch {
		case errors.Is(err, registry.ErrUnknownSilo) || errors.Is(err, keystore.ErrMissing):
			note := fmt.Sprintf("silo %s has no key or is not in the registry, so none of its rows can be decided: a night with it would refuse to begin until its consents are imported", name)
			if !slices.Contains(c.Notes, note) {
				c.Notes = append(c.Notes, note)
			}
		case err != nil:
			return fmt.Errorf("silo %s: %w", name, err)
		default:
			known = append(known, s)
		}
	}
	n.Silos = known
	return nil
}

// open opens the live sources once for both nights and resolves both policies against their catalogs, before a row is read.
func (c *Comparison) open(ctx context.Context, before, after *night) (*tallies, error) {
	var errs []error
	for _, src := range after.Sources {
		if src.Of != "" || src.Environment == "backup" || !before.named(src.Name) && !after.named(src.Name) {
			continue
		}
		old, s := &store{Source: src, governed: map[string][]*group{}}, &store{Source: src, governed: map[string][]*group{}}
		before.stores, after.stores = append(before.stores, old), append(after.stores, s)
		if s.open, s.err = src.Open(ctx); s.err == nil {
			s.tables, s.err = s.open.Tables(ctx)
		}
		if old.err = s.err; s.err != nil {
			continue
		}
		old.open, old.tables = s.open, s.tables
		if err := before.mapped(old); err != nil {
			errs = append(errs, fmt.Errorf("old policy: %w", err))
		}
		if err := after.mapped(s); err != nil {
			errs = append(errs, fmt.Errorf("new policy: %w", err))
		}
	}
	if len(errs) == 0 {
		if err := before.knownFields(); err != nil {
			errs = append(errs, fmt.Errorf("old policy: %w", err))
		}
		if err := after.knownFields(); err != nil {
			errs = append(errs, fmt.Errorf("new policy: %w", err))
		}
	}
	return &tallies{lines: map[comparedKey]*ComparedLine{}, tables: map[object]*ComparedTable{}}, errors.Join(errs...)
}

// tallies count while the rows pass by. They grow with the verdicts that the policies can give, not with the rows.
type tallies struct {
	lines  map[comparedKey]*ComparedLine
	tables map[object]*ComparedTable
}

type comparedKey struct {
	object
	old, new Verdict
	effect   string
}

// judgeTwice reads the governed tables of a source once and decides each row by both policies.
func (n *night) judgeTwice(ctx context.Context, old, s *store, t *tallies) error {
	var queries []connectors.Query
	for _, table := range s.tables {
		if len(old.governed[table.Name])+len(s.governed[table.Name]) > 0 {
			queries = append(queries, connectors.Query{Table: table.Name})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	var rows int64
	for batch, err := range s.open.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		at := object{s.Name, batch.Table}
		for row := range int(batch.Rows.NumRows()) {
			was, wasClaimed := verdictOf(old.governed[batch.Table], batch.Rows, row, n.asOf)
			is, isClaimed := verdictOf(s.governed[batch.Table], batch.Rows, row, n.asOf)
			if wasClaimed || isClaimed {
				t.count(at, was, is)
			}
		}
		rows += batch.Rows.NumRows()
		n.Progress("compare", s.Name, rows, s.estimate())
	}
	return nil
}

// judged is the verdict on a row, with what its effect hangs on.
type judged struct {
	Verdict
	change change
	block  bool
	due    calendar.Date
}

// verdictOf decides a row by the silo that claims it; false when none does.
func verdictOf(groups []*group, rows arrowRecord, row int, asOf time.Time) (judged, bool) {
	for _, g := range groups {
		if !g.mine(rows, row) {
			continue
		}
		r := g.rule(rows, row, asOf)
		v := judged{Verdict: Verdict{Silo: g.silo.Silo.Name, Action: r.Action, Use: r.Use, Reason: r.Reason}, change: r.change, block: r.block, due: r.Due}
		if r.change == clearing {
			v.Clear = strings.Join(r.clear, ";")
		}
		return v, true
	}
	return judged{}, false
}

// count adds a row that one of the policies claims.
func (t *tallies) count(at object, was, is judged) {
	table := t.tables[at]
	if table == nil {
		table = &ComparedTable{Source: at.source, Table: at.table}
		t.tables[at] = table
	}
	table.Rows++
	if is.change != noChange && !is.change.reversible() {
		table.Goes++
	}
	if was.Verdict == is.Verdict && was.due == is.due {
		table.Same++
		return
	}
	k := comparedKey{at, was.Verdict, is.Verdict, effectOf(was, is)}
	l := t.lines[k]
	if l == nil {
		l = &ComparedLine{Source: at.source, Table: at.table, Old: was.Verdict, New: is.Verdict, Effect: k.effect}
		t.lines[k] = l
	}
	l.Rows++
	earliest(&l.OldDue, was.due)
	earliest(&l.NewDue, is.due)
}

func earliest(least *string, due calendar.Date) {
	if d := due.String(); d != "" && (*least == "" || d < *least) {
		*least = d
	}
}

// effectOf says what becomes of a row that a new policy decides otherwise. What destroys more is named by what it does, what destroys less by keeping.
func effectOf(was, is judged) string {
	switch {
	case was.Silo == "":
		if harm := harmOf(is.change); harm > 0 {
			return harmful[harm]
		}
		return effectDecided
	case is.Silo == "":
		return effectUndecided
	}
	w, i := harmOf(was.change), harmOf(is.change)
	switch {
	case i > w, i == w && i == 1 && was.Clear != is.Clear:
		return harmful[i]
	case i < w:
		return effectKept
	case was.Use != is.Use && is.Use == policy.Blocked:
		return effectBlocked
	case was.Use != is.Use:
		return effectFreed
	case was.Verdict == is.Verdict:
		return effectLater
	}
	return effectSame
}

var harmful = []string{1: effectCleared, 2: effectAnonymized, 3: effectDeleted}

// harmOf ranks what a change takes away for good.
func harmOf(c change) int {
	return slices.Index([]change{clearing, anonymise, erase}, c) + 1
}

// sum turns the counts into lines: what is taken away first, most rows first.
func (c *Comparison) sum(after *night, t *tallies) {
	c.Lines, c.Tables = []ComparedLine{}, []ComparedTable{}
	order := []string{effectDeleted, effectAnonymized, effectCleared, effectBlocked, effectUndecided, effectKept, effectFreed, effectDecided, effectLater, effectSame}
	for _, l := range t.lines {
		c.Lines = append(c.Lines, *l)
		c.Totals[l.Effect] += int(l.Rows)
	}
	slices.SortFunc(c.Lines, func(a, b ComparedLine) int {
		return cmp.Or(slices.Index(order, a.Effect)-slices.Index(order, b.Effect), cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Source, b.Source), strings.Compare(a.Table, b.Table),
			strings.Compare(fmt.Sprint(a.Old, a.New), fmt.Sprint(b.Old, b.New)))
	})
	for _, table := range t.tables {
		c.Tables = append(c.Tables, *table)
		c.Totals["as before"] += int(table.Same)
		for _, ask := range []struct {
			asks  bool
			limit string
		}{
			{after.Breakers.MaxRows > 0 && table.Goes > after.Breakers.MaxRows, fmt.Sprintf("breakers.max_rows %d", after.Breakers.MaxRows)},
			{table.Rows >= stopRows && percent(table.Goes, table.Rows) > after.Breakers.MaxPercent, fmt.Sprintf("breakers.max_percent %v", after.Breakers.MaxPercent)},
		} {
			if ask.asks {
				c.Notes = append(c.Notes, fmt.Sprintf("%d of %d rows of %s.%s would go, more than %s allows without a question: somebody has to approve the plan", table.Goes, table.Rows, table.Source, table.Table, ask.limit))
			}
		}
	}
	slices.SortFunc(c.Tables, func(a, b ComparedTable) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Table, b.Table))
	})
	slices.Sort(c.Notes)
}
