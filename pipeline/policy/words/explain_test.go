package words

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/policytest"
)

// The texts are read by people, so they are compared as they stand: to take a new one over, read it aloud
// and copy what the failing test prints.
func TestExplainReadsAloud(t *testing.T) {
	null, year := (*string)(nil), "year"
	newsletter := policy.Silo{Name: "newsletter",
		Records: []policy.Records{{Source: "crm", Table: "newsletter_signups",
			Subject: map[string]string{"email": "email"}, Collected: "created_at",
			Block: &policy.Block{Set: map[string]string{"status": "blocked"},
				Unset: map[string]string{"status": "active"}},
			Dependents: []policy.Dependent{{Table: "newsletter_clicks", FK: []string{"signup_id"}, Do: "delete"}}}},
		Rules: []policy.Rule{policytest.ConsentRule(policytest.Marketing, policytest.Fields("email", "name"),
			policytest.Grace(calendar.Period{Days: 30}),
			func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 24} })}}
	customers := policy.Silo{Name: "customers", Jurisdiction: "ES", ProofRetention: calendar.Period{Years: 5},
		LinkScope: "silo", NoMatch: "expire", Records: []policy.Records{{Source: "crm", Table: "customers",
			Where:      map[string]string{"kind": "person"},
			Subject:    map[string]string{"email": "email", "customer-number": "id"},
			Owns:       []policy.Owned{{Table: "addresses", FK: []string{"address_id"}}},
			Dependents: []policy.Dependent{{Table: "tickets", FK: []string{"customer_id"}, Do: "set_null"}}}},
		Rules: []policy.Rule{
			policytest.TermRule(policy.Contract, "contract", policytest.Fields("name", "email", "phone"),
				policytest.ElseAnonymize, func(r *policy.Rule) { r.Period = calendar.Period{Years: 5} }),
			policytest.TermRule(policy.LegalObligation, "invoices", policytest.Fields("name"), func(r *policy.Rule) {
				r.Start, r.At, r.Event, r.Period = policy.AtEvent, "", "", calendar.Period{Years: 6}
			}),
			policytest.TermRule(policy.LegitimateInterest, "fraud", policytest.Fields("name", "email"),
				func(r *policy.Rule) {
					r.Start, r.At, r.Period = policy.Collected, "", calendar.Period{Years: 1, Months: 6}
				}),
			policytest.TermRule(policy.LegalObligation, "minors", policytest.Fields("name"), func(r *policy.Rule) {
				r.Start, r.At, r.Age, r.Until = policy.BirthPlusAge, "birth_date", 18, "2026-01-01"
			}),
			policytest.TermRule(policy.VitalInterest, "trial", policytest.Fields("name", "birth_date"),
				policytest.Anonymizes, func(r *policy.Rule) {
					r.Start, r.At, r.Date, r.Period, r.Special = policy.FixedDate, "", "2029-03-31",
						calendar.Period{}, "9(2)(i)"
				}),
		},
		Anonymize: map[string]*string{"name": null, "birth_date": &year}}
	backups := map[string][]Backup{"crm": {{Name: "crm-dumps", Keep: calendar.Period{Days: 90}, Rewritten: true,
		After: calendar.Period{Days: 7}, AtMostEvery: calendar.Period{Days: 30}}, {Name: "tapes"}}}
	for _, s := range []policy.Silo{newsletter, customers} {
		t.Run(s.Name, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, Explain(policytest.Compiled(t, s), policytest.At(t, policytest.Now), backups).Write(&b))
			want, err := os.ReadFile(filepath.Join("testdata", "explain-"+s.Name+".txt"))
			if err != nil || string(want) != b.String() {
				t.Fatalf("reads now:\n%s", b.String())
			}
		})
	}
}

// What the explanation promises is what Decide does: the day before, the row stands; on that day it goes.
func TestExplainedDatesAreTheDecisions(t *testing.T) {
	s := policytest.Silo(policytest.ConsentRule(policytest.Grace(calendar.Period{Days: 30}),
		func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 24} }))
	c := policytest.Compiled(t, s)
	e := Explain(c, policytest.At(t, policytest.Now), nil)
	require.Contains(t, e.Rules[0].Examples[0], "lasts through 2028-11-21 and ends at 00:00 on 2028-11-22 "+
		"(Europe/Rome); the row is blocked until then and deleted in the night of 2028-12-22.")
	given := policytest.Matched(policytest.Standing(policytest.Newsletter(t, policy.Given, policytest.Now)))
	require.Equal(t, "D1", decide.Decide(c, given, policytest.At(t, "2028-11-21 23:59")).Row)
	require.Equal(t, "D8", decide.Decide(c, given, policytest.At(t, "2028-11-22 00:00")).Row)
	require.Equal(t, "D8", decide.Decide(c, given, policytest.At(t, "2028-12-21 23:59")).Row)
	require.Equal(t, "D9", decide.Decide(c, given, policytest.At(t, "2028-12-22 00:00")).Row)

	require.Contains(t, e.Rules[0].Examples[1], "blocked until then and deleted in the night of 2026-12-22")
	withdrawn := policytest.Matched(policytest.Standing(policytest.Newsletter(t, policy.Withdrawn, policytest.Now)))
	require.Equal(t, "D8", decide.Decide(c, withdrawn, policytest.At(t, "2026-12-21 23:59")).Row)
	require.Equal(t, "D9", decide.Decide(c, withdrawn, policytest.At(t, "2026-12-22 00:00")).Row)
}

func TestNoticeIsTheRetentionTable(t *testing.T) {
	s := policytest.Silo(policytest.ConsentRule(policytest.Grace(calendar.Period{Days: 30}),
		policytest.Fields("email")), policytest.TermRule(policy.Contract, "contract",
		func(r *policy.Rule) { r.Grace = calendar.Period{} }), policytest.TermRule(policy.LegalObligation, "later",
		func(r *policy.Rule) { r.From = "2027-01-01" }))
	require.Equal(t, []NoticeLine{
		{Silo: "s", Purpose: "newsletter", Basis: "consent (Art. 6(1)(a))", Data: "email",
			Kept: "until you withdraw consent, at most 2 years", Then: "deleted within 30 days",
			Term: "until consent is withdrawn, at most 2 years", Owner: "anna", ReviewBy: "2027-06-01"},
		{Silo: "s", Purpose: "contract", Basis: "a contract with the person (Art. 6(1)(b))", Data: "all",
			Kept: "for as long as the relation lasts, and for 10 years after that, as the field closed_on has it",
			Then: "deleted", Owner: "bo", ReviewBy: "2027-06-01",
			Term: "for as long as the relation lasts, and for 10 years after that, as the field closed_on has it"},
	}, Notice(policytest.Compiled(t, s), policytest.At(t, policytest.Now)))
	s.Jurisdiction = "ES"
	require.Equal(t, "blocked for 3 years, then deleted",
		Notice(policytest.Compiled(t, s), policytest.At(t, policytest.Now))[0].Then)
	s.Rules[1].End = policy.Anonymize
	require.Equal(t, "anonymized", Notice(policytest.Compiled(t, s), policytest.At(t, policytest.Now))[1].Then)
}

func TestSpell(t *testing.T) {
	for text, want := range map[string]string{"P24M": "24 months", "P1Y": "1 year", "P1Y6M": "1 year and 6 months",
		"P1Y2M3W4D": "1 year, 2 months, 3 weeks and 4 days", "P0D": "0 days"} {
		require.Equal(t, want, Spell(must(calendar.ParsePeriod(text))))
	}
}

func TestWrap(t *testing.T) {
	require.Equal(t, []string{"one two", "three", "incomprehensible", "x"},
		wrap(" one two  three incomprehensible x", 7))
	require.Equal(t, []string{""}, wrap("", 7))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDatesSayWhatTheyMean(t *testing.T) {
	ru := policy.CompiledRule{Rule: &policy.Rule{Dates: map[string]string{"2015-12-31": "real", "1970-01-01": "open",
		"2001-01-01": "unknown"}}}
	require.Equal(t, []string{"1970-01-01 in that field means: it has not ended.",
		"2001-01-01 in that field means: nobody knows the day.", "2015-12-31 in that field means: that very day."},
		datesWords(&ru))
	require.Empty(t, datesWords(&policy.CompiledRule{Rule: &policy.Rule{}}))
}
