// Package suppression is the list of those who said no to marketing. A List is all of it.
package suppression

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/setup"
)

// List is the list of those who said no to marketing, in any silo: a silo of its own, with a key of its
// own, that holds keyed references and nothing else. An identifier is looked up in it while it is at
// hand, in memory. Nothing that is stored leads from the list to another silo, or back: its events are
// dated by the day, carry no id, source, notice or evidence of where they came from, hold one identifier
// each, and are written in the order of their references once a delivery is through.
//
// A nil list is that of a company that keeps none.
type List struct {
	silo     string
	purpose  string
	key      *keystore.SiloKey
	zone     *time.Location
	today    calendar.Date
	registry *registry.Registry // whose clock strikes once a day
	names    *standings.Standings
	noted    map[keystore.Ref]no
	standing policy.Standing
	buf      []byte
	refs     []keystore.Ref
}

// no is an identifier to be put on the list.
type no struct {
	event.Subject
	country string
	day     calendar.Date // on which it was said
	from    calendar.Date // from which it counts
}

// Open opens the list as it stands at an instant; nil if the policy has none.
func Open(ctx context.Context, p *setup.Setup, config registry.Config, at time.Time) (*List, error) {
	if p.Suppression.Name == "" {
		return nil, nil
	}
	l := &List{
		silo: p.Suppression.Name, purpose: p.Suppression.Rules[0].Purpose, zone: p.Zone,
		today: calendar.DateOf(at, p.Zone), noted: map[keystore.Ref]no{},
	}
	var err error
	if l.key, err = p.Keys.SiloKey(l.silo); err != nil {
		return nil, err
	}
	day := l.today.Start(p.Zone)
	config.Now, config.AllowEmpty = func() time.Time { return day }, true
	if l.registry, err = registry.Open(ctx, config); err != nil {
		return nil, err
	}
	purposes := map[string]event.Type{l.purpose: ""}
	if l.names, err = l.registry.Standings(ctx, l.silo, at, purposes); err != nil {
		return nil, errors.Join(err, l.registry.Close())
	}
	return l, nil
}

// Close closes the registry of the list.
func (l *List) Close() error {
	if l == nil {
		return nil
	}
	return l.registry.Close()
}

// ref is the reference under the list's key, false for what is no identifier.
func (l *List) ref(s event.Subject, country string) (keystore.Ref, bool) {
	value, err := s.Normal(country, l.buf[:0])
	if l.buf = value; err != nil {
		return keystore.Ref{}, false
	}
	return l.key.Match(s.Kind, value), true
}

// Since is the latest day on which somebody with one of the identifiers said no; not known if nobody did.
func (l *List) Since(subjects []event.Subject, country string) (day calendar.Date) {
	if l == nil {
		return 0
	}
	for _, s := range subjects {
		l.refs, _ = l.names.Names(l.refs[:0], l.key, s.Kind, []byte(s.Value), country, &l.buf) // none says nothing
		for _, ref := range l.refs {
			day = max(day, l.day(ref))
		}
	}
	return day
}

// day is the latest day from which a reference is on the list.
func (l *List) day(ref keystore.Ref) (day calendar.Date) {
	for _, collection := range l.names.Lookup(ref) {
		if !l.names.At(collection, &l.standing) {
			continue
		}
		for i := range l.standing.Purposes {
			if p := &l.standing.Purposes[i]; p.Objection != policy.NoObjection {
				day = max(day, calendar.DateOf(p.ObjectedAt, l.zone))
			}
		}
	}
	return day
}

// Outlives reports whether a consent of an instant, proven or not, counts although somebody said no on a
// day: only a yes of a later day does, and only with evidence. (The list knows no hours; on one day the
// no wins.)
func (l *List) Outlives(said calendar.Date, given time.Time, proven bool) bool {
	if !said.Known() {
		return true
	}
	day := calendar.DateOf(given, l.zone)
	return proven && day > said && day <= l.today
}

// Admits reports whether a row may be used for a purpose that is marketing although one of its people may be on the
// list, by what the registry says of it; standing is nil where it says nothing.
func (l *List) Admits(people []event.Subject, country string, standing *policy.Standing, purpose string) bool {
	var consent policy.PurposeStanding
	if standing != nil {
		consent, _ = ConsentTo(standing, purpose)
	}
	return l.Outlives(l.Since(people, country), consent.Since, consent.Proven)
}

// Bar bars an event that would be a ground for marketing to somebody who said no.
func (l *List) Bar(silo *policy.Silo, e *event.Event) {
	if l == nil || e.Type != event.Given && e.Type != event.Renewed || !silo.IsMarketing(e.Purpose) {
		return
	}
	if !l.Outlives(l.Since(e.Subjects, e.Country), e.OccurredAt, e.Evidence != "") {
		e.Barred = event.Suppressed
	}
}

// Note remembers those of a silo's events that say no to marketing: withdrawals from it, and objections.
func (l *List) Note(silo *policy.Silo, e *event.Event) {
	if l == nil || e.Type != event.Withdrawn && e.Type != event.Objected {
		return
	}
	marketing := silo.IsMarketing(e.Purpose)
	if e.Purpose == "" {
		marketing = slices.ContainsFunc(silo.Rules, func(r policy.Rule) bool { return r.Marketing })
	}
	if marketing || e.Marketing {
		l.add(e)
	}
}

// add remembers an event's identifiers for the list, and reports whether one of them is new there, or
// its day is.
func (l *List) add(e *event.Event) (news bool) {
	said := min(calendar.DateOf(e.OccurredAt, l.zone), l.today)
	from := said
	if e.EffectiveFrom.After(e.OccurredAt) {
		from = max(from, calendar.DateOf(e.EffectiveFrom, l.zone))
	}
	for _, s := range e.Subjects {
		ref, ok := l.ref(s, e.Country)
		if listed := max(l.day(ref), l.noted[ref].from); !ok || from <= listed || e.Undated && listed.Known() {
			continue
		}
		subject := event.Subject{Kind: s.Kind, Value: strings.Clone(s.Value)}
		l.noted[ref] = no{Subject: subject, country: e.Country, day: said, from: from}
		news = true
	}
	return news
}

// Flush writes what was noted, and returns how many were not on the list, or not since that day. With
// dryRun nothing is written.
func (l *List) Flush(ctx context.Context, dryRun bool) (int, error) {
	if l == nil || len(l.noted) == 0 {
		return 0, nil
	}
	refs := make([]keystore.Ref, 0, len(l.noted))
	for ref := range l.noted {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b keystore.Ref) int { return bytes.Compare(a[:], b[:]) })
	next := func(e *event.Event) error {
		if len(refs) == 0 {
			return io.EOF
		}
		n := l.noted[refs[0]]
		refs = refs[1:]
		e.Type, e.Purpose, e.Marketing, e.Country = event.Objected, l.purpose, true, n.country
		e.OccurredAt, e.EffectiveFrom = n.day.Start(l.zone), n.from.Start(l.zone)
		e.Subjects = append(e.Subjects, n.Subject)
		return nil
	}
	report, err := l.registry.Import(ctx, delivery.Import{Keys: l.key, Source: l.silo, DryRun: dryRun, Next: next})
	clear(l.noted)
	if err == nil {
		_, err = l.registry.Refresh(ctx, l.names) // the next delivery is checked against it
	}
	if err != nil {
		return report.Events, fmt.Errorf("suppression list: %w", err)
	}
	return report.Events, nil
}

// Deliver puts the identifiers of a delivery on the list. What else its lines say is not kept. A line
// without a date says no since now, which is what its default is, and says nothing new of somebody on
// the list.
func (l *List) Deliver(ctx context.Context, in delivery.Import, now time.Time) (delivery.Report, error) {
	in.Default = maps.Clone(in.Default)
	if in.Default == nil {
		in.Default = map[string]string{}
	}
	for column, value := range map[string]string{
		"type": string(event.Objected), "occurred_at": now.Format(time.RFC3339),
	} {
		if in.Default[column] == "" {
			in.Default[column] = value
		}
	}
	known := 0
	report, err := delivery.Read(in, func(e *event.Event) error {
		if e.Type != event.Withdrawn && e.Type != event.Objected {
			return &event.RefusedError{Reason: event.BadType, Column: "type"}
		}
		e.Undated = e.OccurredAt.Equal(now.Truncate(time.Second))
		if !l.add(e) {
			known++
		}
		return nil
	})
	added, failed := l.Flush(ctx, in.DryRun)
	report.Events, report.Duplicates = added, known
	return report, errors.Join(err, failed)
}

// ConsentTo is the consent of a standing for a purpose.
func ConsentTo(s *policy.Standing, purpose string) (policy.PurposeStanding, bool) {
	i := slices.IndexFunc(s.Purposes, func(p policy.PurposeStanding) bool { return p.Purpose == purpose })
	if i < 0 || s.Purposes[i].State != policy.Given && s.Purposes[i].State != policy.Renewed {
		return policy.PurposeStanding{}, false
	}
	return s.Purposes[i], true
}
