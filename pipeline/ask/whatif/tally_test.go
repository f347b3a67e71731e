package whatif

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
)

// The verdicts that a policy may give on one row.
var (
	nobody  = judged{}
	kept    = judged{Verdict: Verdict{Silo: "news", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KConsent}}
	blocked = judged{Verdict: Verdict{Silo: "news", Action: policy.Keep, Use: policy.Blocked,
		Reason: reason.KLegalHold}, block: true}
	cleared = judged{Verdict: Verdict{Silo: "news", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KConsent,
		Clear: "phone"}, change: judge.Clear}
	nulled = judged{Verdict: Verdict{Silo: "news", Action: policy.Anonymize, Use: policy.Allowed,
		Reason: reason.DConsentWithdrawn}, change: judge.Anonymize}
	deleted = judged{Verdict: Verdict{Silo: "news", Action: policy.Delete, Use: policy.Blocked,
		Reason: reason.DConsentWithdrawn}, change: judge.Delete}
)

// but is a verdict with something else in it.
func but(j judged, change func(*judged)) judged {
	change(&j)
	return j
}

func TestEffectOf(t *testing.T) {
	other := func(j *judged) { j.Reason = reason.DConsentExpired }
	tests := map[string]struct {
		was, is judged
		want    string
	}{
		"nobody claimed it, now it is deleted":    {nobody, deleted, effectDeleted},
		"nobody claimed it, now it is anonymized": {nobody, nulled, effectAnonymized},
		"nobody claimed it, now it loses a field": {nobody, cleared, effectCleared},
		"nobody claimed it, now it is kept":       {nobody, kept, effectDecided},
		"nobody claimed it, now it is blocked":    {nobody, blocked, effectDecided},
		"nobody claims it any more":               {deleted, nobody, effectUndecided},
		"kept, now deleted":                       {kept, deleted, effectDeleted},
		"anonymized, now deleted":                 {nulled, deleted, effectDeleted},
		"loses a field, now anonymized":           {cleared, nulled, effectAnonymized},
		"kept, now loses a field":                 {kept, cleared, effectCleared},
		"loses another field": {cleared, but(cleared, func(j *judged) {
			j.Clear = "email"
		}), effectCleared},
		"deleted, now anonymized":    {deleted, nulled, effectKept},
		"deleted, now kept":          {deleted, kept, effectKept},
		"loses a field, now whole":   {cleared, kept, effectKept},
		"kept, now blocked":          {kept, blocked, effectBlocked},
		"blocked, now free":          {blocked, kept, effectFreed},
		"deleted on another day":     {deleted, but(deleted, func(j *judged) { j.due++ }), effectLater},
		"deleted for another reason": {deleted, but(deleted, other), effectSame},
		"by another silo, otherwise alike": {kept, but(kept, func(j *judged) {
			j.Silo = "shop"
		}), effectSame},
		"what destroys more counts before the block": {blocked, deleted, effectDeleted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, effectOf(tt.was, tt.is)) })
	}
}

func TestTalliesCountRows(t *testing.T) {
	at := notes.Object{Source: "crm", Table: "people"}
	early, late := but(deleted, func(j *judged) { j.due = 100 }), but(deleted, func(j *judged) { j.due = 200 })
	tallies := newTallies()
	for range 3 {
		tallies.count(at, kept, kept)
	}
	tallies.count(at, kept, late)
	tallies.count(at, kept, early)
	tallies.count(at, blocked, kept)
	tallies.count(at, early, late)

	require.Equal(t, ComparedTable{Source: "crm", Table: "people", Rows: 7, Same: 3, Goes: 3}, *tallies.tables[at])
	require.Len(t, tallies.lines, 3)
	gone := tallies.lines[comparedKey{at, kept.Verdict, deleted.Verdict, effectDeleted}]
	require.EqualValues(t, 2, gone.Rows)
	require.Equal(t, calendar.Date(100).String(), gone.NewDue, "the earlier of the two days")
	require.Empty(t, gone.OldDue)
	require.EqualValues(t, 1, tallies.lines[comparedKey{at, deleted.Verdict, deleted.Verdict, effectLater}].Rows)
}
