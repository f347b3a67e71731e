package allowed

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
)

func TestSaysNo(t *testing.T) {
	const today, before = calendar.Date(200), calendar.Date(100)
	tests := map[reason.Code]struct {
		end  calendar.Date
		want calendar.Date // 0: it is no no of the person's, nor a hold's
	}{
		reason.DConsentWithdrawn:   {end: before, want: before},
		reason.DConsentRefused:     {end: before, want: before},
		reason.DObjectionMarketing: {end: before, want: before},
		reason.DObjectionUpheld:    {end: before, want: before},
		reason.DErasureRequest:     {want: today}, // it has no day
		reason.KLegalHold:          {end: before, want: today},
		reason.KRestricted:         {want: today},
		reason.KObjectionPending:   {want: today},
		reason.DConsentExpired:     {end: before},
		reason.DNoConsent:          {},
		reason.XNoMatch:            {},
	}
	for code, tt := range tests {
		day, no := saysNo(policy.Decision{Reason: code, End: tt.end}, today)
		require.Equal(t, tt.want != 0, no, code)
		require.Equal(t, tt.want, day, code)
	}
}

func TestStateWords(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 23, 30, 0, 0, time.UTC) }
	zone := time.FixedZone("CET", 3600) // where it is the next day already
	tests := map[string]policy.PurposeStanding{
		"no consent, and no objection": {State: policy.NoConsent},
		"given on 2026-03-02, with proof": {State: policy.Given, Since: day(1),
			Proven: true},
		"renewed on 2026-03-02, without proof": {State: policy.Renewed, Since: day(1)},
		"given on 2026-03-02, with proof, until 2026-03-10 00:30:00": {State: policy.Given, Since: day(1),
			Proven: true, Until: day(9)},
		"withdrawn on 2026-03-02": {State: policy.Withdrawn,
			Since: day(1)},
		"only an event whose date cannot be right": {State: policy.NoConsent,
			ImpossibleClock: true},
		"only a consent that is not yet in force": {State: policy.NoConsent, Future: true},
		"withdrawn on 2026-03-02; objection to direct marketing on 2026-03-03": {State: policy.Withdrawn,
			Since: day(1), Objection: policy.ObjectionPending, Marketing: true, ObjectedAt: day(2)},
		"objection upheld on 2026-03-03": {State: policy.NoConsent, Objection: policy.ObjectionUpheld,
			ObjectedAt: day(2)},
		"began on 2026-03-02; ended on 2026-03-03": {State: policy.NoConsent, Started: day(1), Ended: day(2)},
	}
	for want, standing := range tests {
		require.Equal(t, want, stateWords(&standing, zone))
	}
}
