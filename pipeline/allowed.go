package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

// Allowed answers who may be used for one purpose of one silo at an instant: the purpose-bound view of what a company holds. It is used by one goroutine.
type Allowed struct {
	night   *night
	silo    *policy.Compiled // with the rules of the purpose only
	purpose string
	list    *suppression // nil: there is none, or the purpose is no marketing
	key     matcher

	found, next []int32
	standing    policy.Standing
	buf         []byte
}

// OpenAllowed opens the registry to read, checks its chains and its age, and loads what it says of the silo. The error names a purpose that is none.
func (p *Pipeline) OpenAllowed(ctx context.Context, silo, purpose string, asOf time.Time) (*Allowed, error) {
	one, err := p.forPurpose(silo, purpose)
	if err != nil {
		return nil, err
	}
	alone := *p
	alone.Silos, alone.Suppression = []*policy.Compiled{one}, policy.Silo{}
	n := newNight(&alone, asOf)
	a := &Allowed{night: n, silo: one, purpose: purpose}
	if a.key, err = p.Keys.SiloKey(silo); err != nil {
		return nil, err
	}
	if err := n.openRegistry(ctx); err != nil {
		if n.registry != nil {
			err = errors.Join(err, n.registry.Close())
		}
		return nil, err
	}
	if one.Silo.IsMarketing(purpose) {
		config := p.Registry
		config.ReadOnly = true
		if a.list, err = p.openSuppression(ctx, config, asOf); err != nil {
			return nil, errors.Join(err, n.registry.Close())
		}
	}
	return a, nil
}

// newNight is a night that only asks. Without an epoch nothing it decides is written down.
func newNight(p *Pipeline, asOf time.Time) *night {
	return &night{Pipeline: p, asOf: asOf, today: calendar.DateOf(asOf, p.Zone), silos: map[string]*siloState{}, heads: map[string]chain.Head{}}
}

// forPurpose is a silo with the rules of one purpose only, so that what is decided is decided for it.
func (p *Pipeline) forPurpose(name, purpose string) (*policy.Compiled, error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: silo %q is not under silos, or is the suppression list", ErrConfig, name)
	}
	silo := p.Silos[i].Silo
	silo.Consents, silo.Rules = nil, slices.DeleteFunc(slices.Clone(silo.Rules), func(r policy.Rule) bool { return r.Purpose != purpose })
	if len(silo.Rules) == 0 {
		return nil, fmt.Errorf("%w: silo %s has no rule for the purpose %q: `lethe policy explain %[2]s` shows its purposes", ErrConfig, name, purpose)
	}
	return policy.Compile(silo, p.Zone, p.Silos[i].Jurisdiction.Code)
}

// Close closes what was opened.
func (a *Allowed) Close() error { return errors.Join(a.list.close(), a.night.registry.Close()) }

// AsOf is the instant of the answers.
func (a *Allowed) AsOf() time.Time { return a.night.asOf }

// suppressedCode says that only the suppression list keeps somebody out.
const suppressedCode = reason.Code(event.Suppressed)

// Person answers for somebody who is known by identifiers alone: "" if they may be used, else the reason. Of several collections of theirs, a later yes
// counts, unless there is a no of that day or later in another.
func (a *Allowed) Person(subjects []event.Subject, country string) reason.Code {
	country = cmp.Or(country, a.silo.Jurisdiction.Code)
	a.found = a.found[:0]
	readable := false
	for _, s := range subjects {
		value, ok := identifier.Normalise(s.Kind, []byte(s.Value), country, a.buf[:0])
		if a.buf = value; !ok {
			continue
		}
		readable = true
		a.next = append(a.next[:0], a.night.silos[a.silo.Silo.Name].standings.Lookup(a.key.Match(s.Kind, value))...)
		if len(a.found) > 0 && len(a.next) > 0 && !slices.Equal(a.found, a.next) {
			return reason.EIDConflict
		}
		if len(a.next) > 0 {
			a.found = append(a.found[:0], a.next...)
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
func (a *Allowed) collections(subjects []event.Subject, country string) reason.Code {
	var yes, no calendar.Date // the latest of each
	var why, refusal reason.Code
	allowed, proven := false, false
	var since time.Time
	for _, collection := range a.found {
		if !a.night.silos[a.silo.Silo.Name].standings.At(collection, &a.standing) {
			continue
		}
		rec := policy.Record{Trust: a.night.silos[a.silo.Silo.Name].trust, Standing: &a.standing, Starts: make([]calendar.Date, len(a.silo.Silo.Rules))}
		d := decide.Decide(a.silo, rec, a.night.asOf)
		if a.usable(d, rec) {
			allowed = true
			if given, ok := consentTo(&a.standing, a.purpose); ok && given.Since.After(since) {
				since, proven = given.Since, given.Proven
				yes = calendar.DateOf(since, a.night.Zone)
			}
			continue
		}
		why = cmp.Or(why, d.Reason)
		if day, ok := saysNo(d, a.night.today); ok && day >= no {
			no, refusal = day, d.Reason
		}
	}
	switch {
	case !allowed:
		return cmp.Or(refusal, why, reason.DNoConsent)
	case refusal != "" && no >= yes:
		return refusal
	case !a.list.outlives(a.list.since(subjects, country), since, proven):
		return suppressedCode
	}
	return ""
}

// usable reports whether a decision of the purpose lets the record be used. A request for access changes no use.
func (a *Allowed) usable(d policy.Decision, rec policy.Record) bool {
	if d.Reason == reason.KPendingAccess {
		return len(decide.Permits(a.silo, rec, a.night.asOf, nil)) > 0
	}
	return d.Use == policy.Allowed || d.Use == policy.Limited
}

// consentTo is the consent of a standing for a purpose.
func consentTo(s *policy.Standing, purpose string) (policy.PurposeStanding, bool) {
	i := slices.IndexFunc(s.Purposes, func(p policy.PurposeStanding) bool { return p.Purpose == purpose })
	if i < 0 || s.Purposes[i].State != policy.Given && s.Purposes[i].State != policy.Renewed {
		return policy.PurposeStanding{}, false
	}
	return s.Purposes[i], true
}

// saysNo reports whether a person's own act, or a hold, ended the use, and on which day. What has no day counts as today's.
func saysNo(d policy.Decision, today calendar.Date) (calendar.Date, bool) {
	switch d.Reason {
	case reason.DErasureRequest, reason.DObjectionMarketing, reason.DObjectionUpheld, reason.DConsentWithdrawn, reason.DConsentRefused:
		return cmp.Or(d.End, today), true
	case reason.KLegalHold, reason.KRestricted, reason.KObjectionPending:
		return today, true
	}
	return 0, false
}

// AllowedRow is a row that may be used.
type AllowedRow struct {
	Source   string          `json:"source"`
	Table    string          `json:"table"`
	Key      []string        `json:"key"`
	Subjects []event.Subject `json:"subjects"`
}

// Rows reads the silo's tables and hands each row that may be used to do. It returns how many rows were left out, by reason. A source that cannot be
// read ends it.
func (a *Allowed) Rows(ctx context.Context, do func(AllowedRow) error) (left map[reason.Code]int, err error) {
	left = map[reason.Code]int{}
	for _, src := range a.night.Sources {
		if !slices.ContainsFunc(a.silo.Silo.Records, func(r policy.Records) bool { return r.Source == src.Name }) || src.Of != "" {
			continue
		}
		if err := a.source(ctx, src, left, do); err != nil {
			return left, err
		}
	}
	return left, nil
}

func (a *Allowed) source(ctx context.Context, src Source, left map[reason.Code]int, do func(AllowedRow) error) (err error) {
	s := &store{Source: src, governed: map[string][]*group{}}
	if s.open, err = src.Open(ctx); err != nil {
		return sourceError(err)
	}
	defer func() { err = errors.Join(err, s.open.Close()) }()
	if err := a.night.prepare(ctx, s); err != nil {
		return err
	}
	for _, t := range s.tables {
		if len(s.governed[t.Name]) == 0 {
			continue
		}
		for b, err := range s.open.Scan(ctx, connectors.Query{Table: t.Name}) {
			if err != nil {
				return sourceError(err)
			}
			for row := range int(b.Rows.NumRows()) {
				for _, g := range s.governed[t.Name] {
					if !g.mine(b.Rows, row) {
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
func (a *Allowed) row(g *group, rows arrowRecord, row int) reason.Code {
	r := g.rule(rows, row, a.night.asOf)
	if !a.usable(r.Decision, g.record) {
		return r.Reason
	}
	if !a.list.admits(g, rows, row, a.purpose) {
		return suppressedCode
	}
	return ""
}

// people are the identifiers of a row.
func (g *group) people(rows arrowRecord, row int) (list []event.Subject) {
	for _, s := range g.subjects {
		if col := rows.Column(s.column).(*array.Binary); col.IsValid(row) {
			list = append(list, event.Subject{Kind: s.kind, Value: string(col.Value(row))})
		}
	}
	return list
}

func allowedRow(s *store, g *group, rows arrowRecord, row int) AllowedRow {
	r := AllowedRow{Source: s.Name, Table: g.table.Name, Subjects: g.people(rows, row)}
	for _, c := range g.key {
		r.Key = append(r.Key, g.text(rows, row, c))
	}
	return r
}

// Known is what one silo knows of somebody. It holds nothing of them but what was asked with.
type Known struct {
	Silo        string            `json:"silo"`
	AsOf        time.Time         `json:"as_of"`
	Suppressed  string            `json:"suppressed,omitempty"` // the day since which they are on the suppression list
	Collections []KnownCollection `json:"collections"`
}

// KnownCollection is one act of collecting: where each purpose stands, and what happened.
type KnownCollection struct {
	Number   int32                `json:"collection"`
	Flags    []string             `json:"flags,omitempty"` // what holds of all purposes, in words
	Purposes []KnownPurpose       `json:"purposes"`
	Events   []registry.PastEvent `json:"events"`
}

// KnownPurpose says where a purpose stands and whether a record without dates of its own might be used for it.
type KnownPurpose struct {
	Purpose string     `json:"purpose"`
	State   string     `json:"state"` // in words
	Use     policy.Use `json:"use"`
	Reason  string     `json:"reason"`
	Words   string     `json:"words"`
	Until   string     `json:"until,omitempty"` // the last day of the last live ground
	Due     string     `json:"due,omitempty"`   // of erasure
}

// Show says what one silo knows of somebody, and what is decided of it. It asks that silo only, and the suppression list.
func (p *Pipeline) Show(ctx context.Context, silo string, who event.Subject, country string, asOf time.Time) (known Known, err error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == silo })
	if i < 0 {
		return known, fmt.Errorf("%w: silo %q is not under silos, or is the suppression list", ErrConfig, silo)
	}
	s := p.Silos[i]
	key, err := p.Keys.SiloKey(silo)
	if err != nil {
		return known, err
	}
	config := p.Registry
	config.ReadOnly, config.AllowEmpty = true, true
	r, err := registry.Open(ctx, config)
	if err != nil {
		return known, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	list, err := p.openSuppression(ctx, config, asOf)
	if err != nil {
		return known, err
	}
	defer func() { err = errors.Join(err, list.close()) }()
	country = cmp.Or(country, s.Jurisdiction.Code)
	found, err := r.Person(ctx, key, who, country, asOf, endings(s))
	if err != nil {
		return known, err
	}
	known = Known{Silo: silo, AsOf: asOf, Suppressed: list.since([]event.Subject{who}, country).String()}
	for _, f := range found {
		c := KnownCollection{Number: f.Number, Flags: flagWords(&f.Standing, p.Zone), Events: f.Events}
		var purposes []string
		for _, rule := range s.Silo.Rules {
			if !slices.Contains(purposes, rule.Purpose) {
				purposes = append(purposes, rule.Purpose)
			}
		}
		for _, purpose := range purposes {
			one, err := p.forPurpose(silo, purpose)
			if err != nil {
				return known, err
			}
			c.Purposes = append(c.Purposes, knownPurpose(one, purpose, &f.Standing, asOf, p.Zone))
		}
		known.Collections = append(known.Collections, c)
	}
	return known, nil
}

func knownPurpose(one *policy.Compiled, purpose string, s *policy.Standing, asOf time.Time, zone *time.Location) KnownPurpose {
	d := decide.Decide(one, policy.Record{Standing: s, Starts: make([]calendar.Date, len(one.Silo.Rules))}, asOf)
	k := KnownPurpose{Purpose: purpose, State: "nothing is known of this purpose", Use: d.Use, Reason: string(d.Reason), Words: d.Reason.Words(), Until: d.Until.String(), Due: d.Due.String()}
	if i := slices.IndexFunc(s.Purposes, func(p policy.PurposeStanding) bool { return p.Purpose == purpose }); i >= 0 {
		k.State = stateWords(&s.Purposes[i], zone)
	}
	return k
}

// stateWords says where a purpose stands, with dates in the controller's zone.
func stateWords(p *policy.PurposeStanding, zone *time.Location) string {
	on := func(t time.Time) string { return calendar.DateOf(t, zone).String() }
	var words []string
	switch {
	case p.State != policy.NoConsent:
		word := string(p.State) + " on " + on(p.Since)
		if p.State == policy.Given || p.State == policy.Renewed {
			if word += ", without proof"; p.Proven {
				word = string(p.State) + " on " + on(p.Since) + ", with proof"
			}
			if !p.Until.IsZero() {
				word += ", until " + p.Until.In(zone).Format(time.DateTime)
			}
		}
		words = append(words, word)
	case p.ImpossibleClock:
		words = append(words, "only an event whose date cannot be right")
	case p.Future:
		words = append(words, "only a consent that is not yet in force")
	}
	objections := map[policy.Objection]string{policy.ObjectionPending: "objection", policy.ObjectionUpheld: "objection upheld", policy.ObjectionOverridden: "objection overridden"}
	if word, ok := objections[p.Objection]; ok {
		if p.Marketing {
			word += " to direct marketing"
		}
		words = append(words, word+" on "+on(p.ObjectedAt))
	}
	if p.Parental {
		words = append(words, "authorised by the parents")
	}
	if !p.Started.IsZero() {
		words = append(words, "began on "+on(p.Started))
	}
	if !p.Ended.IsZero() {
		words = append(words, "ended on "+on(p.Ended))
	}
	if len(words) == 0 {
		return "no consent, and no objection"
	}
	return strings.Join(words, "; ")
}

// flagWords says what holds of a collection as a whole.
func flagWords(s *policy.Standing, zone *time.Location) []string {
	var words []string
	for _, f := range []struct {
		on   bool
		word string
	}{
		{s.Hold, "under a legal hold"}, {s.Restricted, "processing is restricted (Art. 18)"}, {s.PendingAccess, "a request for access or portability is open"},
		{!s.Erasure.IsZero(), "erasure was asked on " + calendar.DateOf(s.Erasure, zone).String()}, {s.Minor && !s.Parental, "a child's, without the parents' authorisation for every purpose"},
		{s.Minor && s.Parental, "a child's, authorised by the parents"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return words
}
