package allowed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/suppression"
)

// Known is what one silo knows of somebody. It holds nothing of them but what was asked with.
type Known struct {
	Silo        string            `json:"silo"`
	AsOf        time.Time         `json:"as_of"`
	Suppressed  string            `json:"suppressed,omitempty"` // the day since which they are on the suppression list
	Collections []KnownCollection `json:"collections"`
}

// KnownCollection is one act of collecting: where each purpose stands, and what happened.
type KnownCollection struct {
	Number   int                  `json:"collection"`      // among the person's, from 1
	Flags    []string             `json:"flags,omitempty"` // what holds of all purposes, in words
	Purposes []KnownPurpose       `json:"purposes"`
	Events   []registry.PastEvent `json:"events"`
}

// KnownPurpose says where a purpose stands and whether a record without dates of its own might be used
// for it.
type KnownPurpose struct {
	Purpose string     `json:"purpose"`
	State   string     `json:"state"` // in words
	Use     policy.Use `json:"use"`
	Reason  string     `json:"reason"`
	Words   string     `json:"words"`
	Until   string     `json:"until,omitempty"` // the last day of the last live ground
	Due     string     `json:"due,omitempty"`   // of erasure
}

// Show says what one silo knows of somebody, and what is decided of it. It asks that silo only, and the
// suppression list.
func Show(ctx context.Context, p *setup.Setup, silo string, who event.Subject, country string,
	asOf time.Time) (known Known, err error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == silo })
	if i < 0 {
		return known, fmt.Errorf("%w: silo %q is not under silos, or is the suppression list", setup.ErrConfig, silo)
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
	list, err := suppression.Open(ctx, p, config, asOf)
	if err != nil {
		return known, err
	}
	defer func() { err = errors.Join(err, list.Close()) }()
	country = cmp.Or(country, s.Jurisdiction.Code)
	found, err := r.Person(ctx, key, who, country, asOf, silos.Endings(s))
	if err != nil {
		return known, err
	}
	known = Known{Silo: silo, AsOf: asOf, Suppressed: list.Since([]event.Subject{who}, country).String()}
	for i, f := range found {
		c := KnownCollection{Number: i + 1, Flags: flagWords(&f.Standing, p.Zone), Events: f.Events}
		var purposes []string
		for _, rule := range s.Silo.Rules {
			if !slices.Contains(purposes, rule.Purpose) {
				purposes = append(purposes, rule.Purpose)
			}
		}
		for _, purpose := range purposes {
			one, err := forPurpose(p, silo, purpose)
			if err != nil {
				return known, err
			}
			c.Purposes = append(c.Purposes, purposeOf(one, purpose, &f.Standing, asOf, p.Zone))
		}
		known.Collections = append(known.Collections, c)
	}
	return known, nil
}

// purposeOf says where a purpose stands, and what is decided of a record by its rules alone.
func purposeOf(one *policy.Compiled, purpose string, s *policy.Standing, asOf time.Time,
	zone *time.Location) KnownPurpose {
	d := decide.Decide(one, policy.Record{Standing: s, Starts: make([]calendar.Date, len(one.Silo.Rules))}, asOf)
	k := KnownPurpose{Purpose: purpose, State: "nothing is known of this purpose", Use: d.Use,
		Reason: string(d.Reason), Words: d.Reason.Words(), Until: d.Until.String(), Due: d.Due.String()}
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
	objections := map[policy.Objection]string{
		policy.ObjectionPending:    "objection",
		policy.ObjectionUpheld:     "objection upheld",
		policy.ObjectionOverridden: "objection overridden",
	}
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
		{s.Hold, "under a legal hold"},
		{s.Restricted, "processing is restricted (Art. 18)"},
		{s.PendingAccess, "a request for access or portability is open"},
		{!s.Erasure.IsZero(), "erasure was asked on " + calendar.DateOf(s.Erasure, zone).String()},
		{s.Minor && !s.Parental, "a child's, without the parents' authorisation for every purpose"},
		{s.Minor && s.Parental, "a child's, authorised by the parents"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return words
}
