package silos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// TestCollectionsAreASet compares the bits with a map.
func TestCollectionsAreASet(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var c Collections
		want := map[int32]bool{}
		for _, add := range rapid.SliceOf(rapid.Int32Range(0, 300)).Draw(r, "added") {
			c.Add(add)
			want[add] = true
		}
		for i := range int32(400) {
			require.Equal(r, want[i], c.Has(i), i)
		}
	})
}

func compiled(t *testing.T, rules ...policy.Rule) *policy.Compiled {
	t.Helper()
	for i := range rules {
		rules[i].End, rules[i].Because, rules[i].Owner, rules[i].ReviewBy = policy.Delete, "b", "o", "2030-01-01"
	}
	c, err := policy.Compile(policy.Silo{Name: "crm", Records: []policy.Records{}, Rules: rules}, time.UTC, "IT")
	require.NoError(t, err)
	return c
}

// TestExpiryEnds grants a consent the longest life that a rule in force at the instant gives it.
func TestExpiryEnds(t *testing.T) {
	given := time.Date(2025, 3, 10, 15, 0, 0, 0, time.UTC)
	s := compiled(t,
		policy.Rule{ID: "short", Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Years: 1}},
		policy.Rule{ID: "long", Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Years: 2},
			Until: "2026-06-01"},
		policy.Rule{Purpose: "service", Basis: policy.Contract, Start: policy.Collected, At: "since",
			Period: calendar.Period{Years: 9}})
	for at, want := range map[string]string{"2026-05-31": "2027-03-11", "2026-06-01": "2026-03-11"} {
		instant, err := time.Parse(time.DateOnly, at)
		require.NoError(t, err)
		ends := expiryEnds(s, instant, time.UTC)
		require.Len(t, ends, 1, "no other basis than consent expires")
		require.Equal(t, want, ends["news"](given).Format(time.DateOnly), at)
	}
}

// TestEndings names the event for which a rule waits, and no purpose twice.
func TestEndings(t *testing.T) {
	s := compiled(t,
		policy.Rule{ID: "a", Purpose: "service", Basis: policy.Contract, Start: policy.AtEvent,
			Event: "contract_closed", Period: calendar.Period{Years: 1}},
		policy.Rule{ID: "b", Purpose: "service", Basis: policy.LegitimateInterest, Start: policy.Collected, At: "since",
			Period: calendar.Period{Years: 1}},
		policy.Rule{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Years: 1}})
	require.Equal(t, map[string]event.Type{"service": "contract_closed", "news": ""}, Endings(s))
}

var consented = policy.Rule{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Years: 1}}

// TestFresh refuses a registry that was not fed for longer than allowed.
func TestFresh(t *testing.T) {
	today := calendar.DateOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.UTC)
	heard := func(day int) time.Time { return time.Date(2026, 11, day, 23, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name  string
		age   calendar.Period
		silo  string
		heard time.Time
		stale bool
	}{
		{"on the last day", calendar.Period{Days: 3}, "crm", heard(17), false},
		{"a day later", calendar.Period{Days: 3}, "crm", heard(16), true},
		{"of a silo that nobody governs", calendar.Period{Days: 3}, "old", heard(1), false},
		{"whatever its age", calendar.Period{}, "crm", heard(1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &setup.Setup{Zone: time.UTC, RegistryAge: test.age, Silos: []*policy.Compiled{compiled(t, consented)}}
			set := New(p, setup.Tonight{Today: today}, nil)
			set.Silos["crm"] = &Silo{}
			err := set.Fresh([]chain.Head{{Silo: test.silo, HeardAt: test.heard}})
			if !test.stale {
				require.NoError(t, err)
				require.Equal(t, policy.Sound, set.Silos["crm"].Trust)
				return
			}
			require.ErrorIs(t, err, setup.ErrRegistry)
			require.Equal(t, policy.Stale, set.Silos["crm"].Trust)
		})
	}
}
