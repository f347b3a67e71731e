// Package allowed answers who may be used for one purpose of one silo: the purpose-bound view of what a
// company holds.
//
//   - View is opened for a silo, a purpose and an instant; it answers for a Person, and hands over the Rows that
//     may be used. Row is one of them.
//   - Show says what one silo knows of somebody: Known, with a KnownCollection for each act of collecting and in
//     it where each KnownPurpose stands.
package allowed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
	"lethe/pipeline/suppression"
)

// View answers who may be used for one purpose of one silo at an instant: the purpose-bound view of what
// a company holds. It is used by one goroutine.
type View struct {
	setup   *setup.Setup // with the one silo
	tonight setup.Tonight
	silos   *silos.Set
	silo    *policy.Compiled // with the rules of the purpose only
	purpose string
	list    *suppression.List // nil: there is none, or the purpose is no marketing
	key     *keystore.SiloKey

	found, next []int32
	standing    policy.Standing
	buf         []byte
	refs        []keystore.Ref
}

// Open opens the registry to read, checks its chains and its age, and loads what it says of the silo. The
// error names a purpose that is none.
func Open(ctx context.Context, p *setup.Setup, silo, purpose string, asOf time.Time) (*View, error) {
	one, err := forPurpose(p, silo, purpose)
	if err != nil {
		return nil, err
	}
	alone := *p
	alone.Silos, alone.Suppression = []*policy.Compiled{one}, policy.Silo{}
	tonight := setup.Asking(&alone, asOf)
	silos := silos.New(&alone, tonight, nil)
	a := &View{setup: &alone, tonight: tonight, silos: silos, silo: one, purpose: purpose}
	if a.key, err = p.Keys.SiloKey(silo); err != nil {
		return nil, err
	}
	if err := silos.Open(ctx, nil); err != nil {
		return nil, errors.Join(err, silos.Close())
	}
	if one.Silo.IsMarketing(purpose) {
		config := p.Registry
		config.ReadOnly = true
		if a.list, err = suppression.Open(ctx, p, config, asOf); err != nil {
			return nil, errors.Join(err, silos.Close())
		}
	}
	return a, nil
}

// forPurpose is a silo with the rules of one purpose only, so that what is decided is decided for it.
func forPurpose(p *setup.Setup, name, purpose string) (*policy.Compiled, error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: silo %q is not under silos, or is the suppression list", setup.ErrConfig, name)
	}
	silo := p.Silos[i].Silo
	silo.Consents = nil
	silo.Rules = slices.DeleteFunc(slices.Clone(silo.Rules), func(r policy.Rule) bool { return r.Purpose != purpose })
	if len(silo.Rules) == 0 {
		return nil, fmt.Errorf("%w: silo %s has no rule for the purpose %q: `lethe policy explain %[2]s` shows "+
			"its purposes", setup.ErrConfig, name, purpose)
	}
	return policy.Compile(silo, p.Zone, p.Silos[i].Jurisdiction.Code)
}

// Close closes what was opened.
func (a *View) Close() error { return errors.Join(a.list.Close(), a.silos.Close()) }

// AsOf is the instant of the answers.
func (a *View) AsOf() time.Time { return a.tonight.AsOf }

// suppressedCode says that only the suppression list keeps somebody out.
const suppressedCode = reason.Code(event.Suppressed)

// Person answers for somebody who is known by identifiers alone: "" if they may be used, else the reason. Of
// several collections of theirs, a later yes counts, unless there is a no of that day or later in another.
func (a *View) Person(subjects []event.Subject, country string) reason.Code {
	country = cmp.Or(country, a.silo.Jurisdiction.Code)
	a.found = a.found[:0]
	readable := false
	for _, s := range subjects {
		known := a.silos.Silos[a.silo.Silo.Name].Standings
		var err error
		if a.refs, err = known.Names(a.refs[:0], a.key, s.Kind, []byte(s.Value), country, &a.buf); err != nil {
			continue
		}
		readable = true
		for _, ref := range a.refs {
			a.next = append(a.next[:0], known.Lookup(ref)...)
			if len(a.found) > 0 && len(a.next) > 0 && !slices.Equal(a.found, a.next) {
				return reason.EIDConflict
			}
			if len(a.next) > 0 {
				a.found = append(a.found[:0], a.next...)
			}
		}
	}
	switch {
	case !readable:
		return reason.EIDUnparseable
	case len(a.found) == 0:
		return reason.XNoMatch
	}
	return a.collections(subjects, country)
}

// collections answers for the collections of one person.
func (a *View) collections(subjects []event.Subject, country string) reason.Code {
	var yes, no calendar.Date // the latest of each
	var why, refusal reason.Code
	allowed, proven := false, false
	var since time.Time
	for _, collection := range a.found {
		if !a.silos.Silos[a.silo.Silo.Name].Standings.At(collection, &a.standing) {
			continue
		}
		rec := policy.Record{Trust: a.silos.Silos[a.silo.Silo.Name].Trust, Standing: &a.standing,
			Starts: make([]calendar.Date, len(a.silo.Silo.Rules))}
		d := decide.Decide(a.silo, rec, a.tonight.AsOf)
		if a.usable(d, rec) {
			allowed = true
			if given, ok := suppression.ConsentTo(&a.standing, a.purpose); ok && given.Since.After(since) {
				since, proven = given.Since, given.Proven
				yes = calendar.DateOf(since, a.setup.Zone)
			}
			continue
		}
		why = cmp.Or(why, d.Reason)
		if day, ok := saysNo(d, a.tonight.Today); ok && day >= no {
			no, refusal = day, d.Reason
		}
	}
	switch {
	case !allowed:
		return cmp.Or(refusal, why, reason.DNoConsent)
	case refusal != "" && no >= yes:
		return refusal
	case !a.list.Outlives(a.list.Since(subjects, country), since, proven):
		return suppressedCode
	}
	return ""
}

// usable reports whether a decision of the purpose lets the record be used. A request for access changes
// no use.
func (a *View) usable(d policy.Decision, rec policy.Record) bool {
	if d.Reason == reason.KPendingAccess {
		return len(decide.Permits(a.silo, rec, a.tonight.AsOf, nil)) > 0
	}
	return d.Use == policy.Allowed || d.Use == policy.Limited
}

// saysNo reports whether a person's own act, or a hold, ended the use, and on which day. What
// has no day counts as today's.
func saysNo(d policy.Decision, today calendar.Date) (calendar.Date, bool) {
	switch d.Reason {
	case reason.DErasureRequest, reason.DObjectionMarketing, reason.DObjectionUpheld, reason.DConsentWithdrawn,
		reason.DConsentRefused:
		return cmp.Or(d.End, today), true
	case reason.KLegalHold, reason.KRestricted, reason.KObjectionPending:
		return today, true
	}
	return 0, false
}

// Rows reads the silo's tables and hands each row that may be used to do. It returns how many rows were
// left out, by reason. A source that cannot be read ends it.
func (a *View) Rows(ctx context.Context, do func(Row) error) (left map[reason.Code]int, err error) {
	left = map[reason.Code]int{}
	for _, src := range a.setup.Sources {
		governed := slices.ContainsFunc(a.silo.Silo.Records, func(r policy.Records) bool {
			return r.Source == src.Name
		})
		if !governed || src.Of != "" {
			continue
		}
		if err := a.source(ctx, src, left, do); err != nil {
			return left, err
		}
	}
	return left, nil
}

// source is Rows for one source.
func (a *View) source(ctx context.Context, src setup.Source, left map[reason.Code]int, do func(Row) error) (err error) {
	set := stores.New(a.setup, a.tonight, nil, a.silos)
	s := stores.NewStore(src)
	if s.Conn, err = src.Open(ctx); err != nil {
		return setup.SourceError(err)
	}
	defer func() { err = errors.Join(err, s.Conn.Close()) }()
	if err := set.Prepare(ctx, s); err != nil {
		return err
	}
	if err := s.ReadCarried(ctx, true); err != nil {
		return setup.SourceError(err)
	}
	for _, t := range s.Tables {
		if len(s.Governed[t.Name]) == 0 {
			continue
		}
		for b, err := range s.Conn.Scan(ctx, connectors.Query{Table: t.Name}) {
			if err != nil {
				return setup.SourceError(err)
			}
			for row := range int(b.Rows.NumRows()) {
				for _, g := range s.Governed[t.Name] {
					if !g.Mine(b.Rows, row) {
						continue
					}
					if code := a.row(g, b.Rows, row); code != "" {
						left[code]++
					} else if err := do(allowedRow(s, g, b.Rows, row)); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// row answers for one row.
func (a *View) row(g *judge.Judge, rows arrow.Record, row int) reason.Code {
	r := g.Rule(rows, row, a.tonight.AsOf)
	if !a.usable(r.Decision, g.Record) {
		return r.Reason
	}
	if a.list != nil && !a.list.Admits(g.People(rows, row, true), g.Silo.Jurisdiction.Code, g.Record.Standing,
		a.purpose) {
		return suppressedCode
	}
	return ""
}
