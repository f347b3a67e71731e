package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The texts are read by people, so they are compared as they stand: to take a new one over, read it aloud
// and copy what the failing test prints.
func TestExplainReadsAloud(t *testing.T) {
	null, year := (*string)(nil), "year"
	newsletter := Silo{Name: "newsletter", Records: []Records{{Source: "crm", Table: "newsletter_signups", Subject: map[string]string{"email": "email"}, Collected: "created_at",
		Block:      &Block{Set: map[string]string{"status": "blocked"}, Unset: map[string]string{"status": "active"}},
		Dependents: []Dependent{{Table: "newsletter_clicks", FK: []string{"signup_id"}, Do: "delete"}}}},
		Rules: []Rule{consentRule(marketing, fields("email", "name"), grace(Period{Days: 30}), func(r *Rule) { r.MaxAge = Period{Months: 24} })}}
	customers := Silo{Name: "customers", Jurisdiction: "ES", ProofRetention: Period{Years: 5}, LinkScope: "silo", NoMatch: "expire", Records: []Records{{Source: "crm", Table: "customers", Where: map[string]string{"kind": "person"},
		Subject: map[string]string{"email": "email", "customer-number": "id"}, Owns: []Owned{{Table: "addresses", FK: []string{"address_id"}}},
		Dependents: []Dependent{{Table: "tickets", FK: []string{"customer_id"}, Do: "set_null"}}}},
		Rules: []Rule{
			termRule(Contract, "contract", fields("name", "email", "phone"), elseAnonymize, func(r *Rule) { r.Period = Period{Years: 5} }),
			termRule(LegalObligation, "invoices", fields("name"), func(r *Rule) { r.Start, r.At, r.Event, r.Period = AtEvent, "", "", Period{Years: 6} }),
			termRule(LegitimateInterest, "fraud", fields("name", "email"), func(r *Rule) { r.Start, r.At, r.Period = Collected, "", Period{Years: 1, Months: 6} }),
			termRule(LegalObligation, "minors", fields("name"), func(r *Rule) { r.Start, r.At, r.Age, r.Until = BirthPlusAge, "birth_date", 18, "2026-01-01" }),
			termRule(VitalInterest, "trial", fields("name", "birth_date"), anonymizes, func(r *Rule) {
				r.Start, r.At, r.Date, r.Period, r.Special = FixedDate, "", "2029-03-31", Period{}, "9(2)(i)"
			}),
		},
		Anonymize: map[string]*string{"name": null, "birth_date": &year}}
	backups := map[string][]Backup{"crm": {{Name: "crm-dumps", Keep: Period{Days: 90}, Rewritten: true, After: Period{Days: 7}, AtMostEvery: Period{Days: 30}}, {Name: "tapes"}}}
	for _, s := range []Silo{newsletter, customers} {
		t.Run(s.Name, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, compiled(t, s).Explain(at(t, now), backups).Write(&b))
			want, err := os.ReadFile(filepath.Join("testdata", "explain-"+s.Name+".txt"))
			if err != nil || string(want) != b.String() {
				t.Fatalf("reads now:\n%s", b.String())
			}
		})
	}
}

// What the explanation promises is what Decide does: the day before, the row stands; on that day it goes.
func TestExplainedDatesAreTheDecisions(t *testing.T) {
	s := silo(consentRule(grace(Period{Days: 30}), func(r *Rule) { r.MaxAge = Period{Months: 24} }))
	c := compiled(t, s)
	e := c.Explain(at(t, now), nil)
	require.Contains(t, e.Rules[0].Examples[0], "lasts through 2028-11-21 and ends at 00:00 on 2028-11-22 (Europe/Rome); the row is blocked until then and deleted in the night of 2028-12-22.")
	given := matched(standing(newsletter(t, Given, now)))
	require.Equal(t, "D1", c.Decide(given, at(t, "2028-11-21 23:59")).Row)
	require.Equal(t, "D8", c.Decide(given, at(t, "2028-11-22 00:00")).Row)
	require.Equal(t, "D8", c.Decide(given, at(t, "2028-12-21 23:59")).Row)
	require.Equal(t, "D9", c.Decide(given, at(t, "2028-12-22 00:00")).Row)

	require.Contains(t, e.Rules[0].Examples[1], "blocked until then and deleted in the night of 2026-12-22")
	withdrawn := matched(standing(newsletter(t, Withdrawn, now)))
	require.Equal(t, "D8", c.Decide(withdrawn, at(t, "2026-12-21 23:59")).Row)
	require.Equal(t, "D9", c.Decide(withdrawn, at(t, "2026-12-22 00:00")).Row)
}

func TestNoticeIsTheRetentionTable(t *testing.T) {
	s := silo(consentRule(grace(Period{Days: 30}), fields("email")), termRule(Contract, "contract", func(r *Rule) { r.Grace = Period{} }), termRule(LegalObligation, "later", func(r *Rule) { r.From = "2027-01-01" }))
	require.Equal(t, []NoticeLine{
		{Silo: "s", Purpose: "newsletter", Basis: "consent (Art. 6(1)(a))", Data: "email", Kept: "until you withdraw consent, at most 2 years", Then: "deleted within 30 days"},
		{Silo: "s", Purpose: "contract", Basis: "a contract with the person (Art. 6(1)(b))", Data: "all", Kept: "for as long as the relation lasts, and for 10 years after that, as the field closed_on has it", Then: "deleted"},
	}, compiled(t, s).Notice(at(t, now)))
	s.Jurisdiction = "ES"
	require.Equal(t, "blocked for 3 years, then deleted", compiled(t, s).Notice(at(t, now))[0].Then)
	s.Rules[1].End = Anonymize
	require.Equal(t, "anonymized", compiled(t, s).Notice(at(t, now))[1].Then)
}

func TestSpell(t *testing.T) {
	for text, want := range map[string]string{"P24M": "24 months", "P1Y": "1 year", "P1Y6M": "1 year and 6 months", "P1Y2M3W4D": "1 year, 2 months, 3 weeks and 4 days", "P0D": "0 days"} {
		require.Equal(t, want, spell(period(t, text)))
	}
}

func TestWrap(t *testing.T) {
	require.Equal(t, []string{"one two", "three", "incomprehensible", "x"}, wrap(" one two  three incomprehensible x", 7))
	require.Equal(t, []string{""}, wrap("", 7))
}
