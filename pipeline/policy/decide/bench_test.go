package decide

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

func TestDecideDoesNotAllocateWhereRowsAreMany(t *testing.T) {
	c, cases := benchmarkCases(t)
	for name, r := range cases {
		require.Zero(t, testing.AllocsPerRun(100, func() { Decide(c, r, at0) }), name)
	}
}

var at0 = time.Date(2026, 11, 21, 0, 15, 0, 0, time.UTC)

func benchmarkCases(t require.TestingT) (*policy.Compiled, map[string]policy.Record) {
	c := compiled(t, silo(consentRule(fields("email", "name")),
		termRule(policy.Contract, "contract", fields("name", "phone")), termRule(policy.LegalObligation, "tax",
			fields("name"))))
	given := newsletter(t, policy.Given, "2026-01-01")
	closed := []calendar.Date{0, day(t, "2010-01-01"), day(t, "2010-01-01")}
	collected := at(t, "2026-01-01")
	return c, map[string]policy.Record{
		"allowed": {Standing: standing(given, policy.PurposeStanding{Purpose: "contract"}),
			Starts: make([]calendar.Date, 3), Collected: collected},
		"withdrawn": {Standing: standing(newsletter(t, policy.Withdrawn, "2026-01-01")), Starts: closed,
			Collected: collected},
		"no match": {Identity: policy.Unmatched, Starts: closed, Collected: collected},
	}
}

func BenchmarkDecide(b *testing.B) {
	c, cases := benchmarkCases(b)
	for _, name := range []string{"allowed", "withdrawn", "no match"} {
		b.Run(name, func(b *testing.B) {
			r := cases[name]
			b.ReportAllocs()
			for b.Loop() {
				Decide(c, r, at0)
			}
		})
	}
}
