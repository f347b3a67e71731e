package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/ask/allowed"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// What ends a consent for good is the longest of the rules in force, wherever they stand: not the version
// of last year, and not the shorter of two.
func TestConsentEndsByTheLongestRuleInForce(t *testing.T) {
	short := func(r policy.Rule, change func(*policy.Rule)) policy.Rule {
		r.MaxAge = calendar.Period{Months: 3}
		change(&r)
		return r
	}
	for name, change := range map[string]func(*policy.Silo){
		"a version of last year, last": func(s *policy.Silo) {
			s.Rules = append(s.Rules, short(s.Rules[0], func(r *policy.Rule) { r.Until = "2026-06-01" }))
			s.Rules[0].From = "2026-06-01"
		},
		"a version of next year, last": func(s *policy.Silo) {
			s.Rules = append(s.Rules, short(s.Rules[0], func(r *policy.Rule) { r.From = "2027-06-01" }))
			s.Rules[0].Until = "2027-06-01"
		},
		"a shorter one for another field, last": func(s *policy.Silo) {
			s.Rules = append(s.Rules, short(s.Rules[0],
				func(r *policy.Rule) { r.ID, r.Fields = "short", []string{"name"} }))
		},
		"a shorter one for another field, first": func(s *policy.Silo) {
			s.Rules = append([]policy.Rule{short(s.Rules[0],
				func(r *policy.Rule) { r.ID, r.Fields = "short", []string{"name"} })}, s.Rules...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(func(s *policy.Silo) {
				change(s)
				null := "null"
				s.Anonymize = map[string]*string{"name": &null}
			}), people())
			w.UsualEvents()
			_, err := w.night()
			require.NoError(t, err)
			for email, want := range map[string]event.Type{"ada@lago.it": event.Given,
				"eve@lago.it": event.Expired} {
				known, err := allowed.Show(t.Context(), w.Setup, "news",
					event.Subject{Kind: "email", Value: email}, "", w.Now)
				require.NoError(t, err)
				require.Len(t, known.Collections, 1)
				events := known.Collections[0].Events
				require.Equal(t, want, events[len(events)-1].Type, email)
			}
		})
	}
}

// The event from which a period counts is seen wherever the rule stands that names it.
func TestTheEventOfARuleEndsItsPurpose(t *testing.T) {
	proof := policy.Rule{ID: "proof", Purpose: "news", Basis: policy.LegitimateInterest, Start: policy.AtEvent,
		Event: "withdrawn", Period: calendar.Period{Years: 5}, End: policy.Delete,
		Because: "claims", Owner: "anna", ReviewBy: "2027-01-01"}
	for _, first := range []bool{true, false} {
		w := newWorld(t, news(func(s *policy.Silo) {
			if s.Rules = append(s.Rules, proof); first {
				s.Rules[0], s.Rules[1] = s.Rules[1], s.Rules[0]
			}
		}), people())
		w.UsualEvents()
		known, err := allowed.Show(t.Context(), w.Setup, "news",
			event.Subject{Kind: "email", Value: "bob@lago.it"}, "", w.Now)
		require.NoError(t, err)
		require.Equal(t, "2031-10-01", known.Collections[0].Purposes[0].Until)
	}
}

// What is changed is decided as of now, whatever --as-of says: who has consented since is not erased for
// what was so before, nor shown to anybody as still consenting.
func TestNothingIsChangedAsOfThePast(t *testing.T) {
	w := granted(t, nil)
	w.Event(event.Given, "bob@lago.it", "news", w.Now.AddDate(0, 0, -3))
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now.Add(-time.Hour))
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "past", Apply: true, AsOf: w.Now.AddDate(0, 0, -5)})
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "lies in the past")
	require.Len(t, w.Rows("people"), 3)
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "past", AsOf: w.Now.AddDate(0, 0, -5)})
	require.NoError(t, err, "to look back is free")
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "today", Apply: true, AsOf: w.Now.Add(-time.Hour)})
	require.NoError(t, err)
	require.Contains(t, w.copied(), "1 news news blocked - 2026-11-20", "on the same day now is meant")
}
