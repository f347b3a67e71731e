package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func codesOf(remarks []Remark) []string {
	var codes []string
	for _, r := range remarks {
		codes = append(codes, r.Code)
	}
	slices.Sort(codes)
	return codes
}

// clean is a silo that nothing can be remarked on.
func clean() Silo {
	s := silo(consentRule(func(r *Rule) { r.Purpose = "club" }))
	s.ProofRetention = Period{Years: 5}
	s.Records[0].Block = &Block{Set: map[string]string{"blocked": "1"}, Unset: map[string]string{"blocked": "0"}}
	return s
}

func TestLint(t *testing.T) {
	require.Empty(t, compiled(t, clean()).Lint(at(t, now)))
	rule := func(change ...func(*Rule)) func(*Silo) {
		return func(s *Silo) {
			for _, c := range change {
				c(&s.Rules[0])
			}
		}
	}
	term := func(change ...func(*Rule)) func(*Silo) {
		return func(s *Silo) { s.Rules = []Rule{termRule(LegitimateInterest, "fraud", change...)} }
	}
	for _, c := range []struct {
		name   string
		change func(*Silo)
		codes  []string
		says   string
	}{
		{"review due", rule(func(r *Rule) { r.ReviewBy = "2026-11-20" }), []string{LReviewDue}, "silo s, rule 1 (club/consent): the review was due on 2026-11-20: anna looks at it"},
		{"review today", rule(func(r *Rule) { r.ReviewBy = "2026-11-21" }), []string{LReviewSoon}, "the review is due on 2026-11-21"},
		{"review in thirty days", rule(func(r *Rule) { r.ReviewBy = "2026-12-21" }), []string{LReviewSoon}, "the review is due on 2026-12-21"},
		{"review in thirty-one days", rule(func(r *Rule) { r.ReviewBy = "2026-12-22" }), nil, ""},
		{"a rule that has ended is not reviewed", func(s *Silo) {
			s.Rules[0].ReviewBy, s.Rules[0].Until = "2026-01-01", "2026-11-21"
			s.Rules = append(s.Rules, consentRule(func(r *Rule) { r.Purpose, r.From = "club", "2026-11-21" }))
		}, nil, ""},
		{"proof for ever", func(s *Silo) { s.ProofRetention = Period{} }, []string{LProofForEver}, "no proof_retention: the registry keeps the proof of what ended for ever"},
		{"no block", func(s *Silo) { s.Records[0].Block = nil }, []string{LNoBlock}, "no block"},
		{"block decides", func(s *Silo) {
			s.Records[0].Block = &Block{Set: map[string]string{"email": "-"}, Unset: map[string]string{"email": "+"}}
		}, []string{LBlockDecides}, "block sets email"},
		{"block is the day of collecting", func(s *Silo) {
			s.Records[0].Block = &Block{Set: map[string]string{"created_at": "-"}, Unset: map[string]string{"created_at": "+"}}
		}, []string{LBlockDecides}, "block sets created_at"},
		{"block is a discriminator", func(s *Silo) {
			s.Records[0].Where = map[string]string{"blocked": "0"}
		}, []string{LBlockDecides}, "block sets blocked"},
		{"no collected", func(s *Silo) { s.Records[0].Collected = "" }, []string{LNoCollected}, "no collected"},
		{"the subject can be cleared, of whoever has one identifier only", func(s *Silo) {
			s.Records[0].Subject = map[string]string{"email": "email", "phone": "phone"}
			s.Rules[0].Fields = []string{"email"}
			s.Rules = append(s.Rules, termRule(Contract, "contract", fields("phone")))
		}, []string{LSubjectLost}, "every identifier of the subject"},
		{"consents older than the authority says", rule(func(r *Rule) { r.MaxAge = Period{Months: 25} }), []string{LConsentLong}, "max_age P25M: loyalty cards: 24 months for marketing, 12 for profiling; because should say why consents are relied on for longer, or shorten it (Garante, provv. of 24 February 2005 (loyalty cards); not checked)"},
		{"consents as old as the authority says", rule(func(r *Rule) { r.MaxAge = Period{Months: 24} }), nil, ""},
		{"old consents where no authority says anything", func(s *Silo) { s.Jurisdiction, s.Rules[0].MaxAge = "SE", Period{Years: 5} }, []string{LConsentLong}, "refresh it at appropriate intervals"},
		{"three years where no authority says anything", func(s *Silo) { s.Jurisdiction, s.Rules[0].MaxAge = "SE", Period{Years: 3} }, nil, ""},
		{"a long grace", term(grace(Period{Days: 32})), []string{LGraceLong}, "grace P32D"},
		{"a month of grace", term(grace(Period{Months: 1})), nil, ""},
		{"marketing that does not say so", rule(func(r *Rule) { r.Purpose = "Newsletter" }), []string{LMarketing}, "does not say marketing: true"},
		{"marketing that says so", rule(marketing, func(r *Rule) { r.Purpose = "newsletter" }), nil, ""},
		{"marketing on a legitimate interest", term(marketing), []string{LMarketing}, "similar products"},
		{"marketing on a legitimate interest that does not say so", term(func(r *Rule) { r.Purpose = "promozione" }), []string{LMarketing, LMarketing}, "does not say marketing: true"},
		{"a contract is no marketing by its name", func(s *Silo) { s.Rules = []Rule{termRule(Contract, "marketing-services")} }, nil, ""},
		{"the notice says otherwise", rule(func(r *Rule) { r.Notice, r.MaxAge = Period{Months: 12}, Period{Months: 24} }), []string{FNoticeMismatch}, "the notice says P12M, the rule P24M"},
		{"the notice says the same in other units", rule(func(r *Rule) { r.Notice, r.MaxAge = Period{Years: 2}, Period{Months: 24} }), nil, ""},
		{"two rules for one ground", func(s *Silo) {
			s.Rules = append(s.Rules, consentRule(func(r *Rule) { r.ID, r.Purpose, r.MaxAge = "longer", "club", Period{Months: 20} }))
		}, []string{LSameGround}, "rule 2 (longer): rule 1 has the same purpose and basis"},
		{"one ground, one version after the other", func(s *Silo) {
			s.Rules[0].Until = "2027-01-01"
			s.Rules = append(s.Rules, consentRule(func(r *Rule) { r.ID, r.Purpose, r.From = "later", "club", "2027-01-01" }))
		}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := clean()
			c.change(&s)
			remarks := compiled(t, s).Lint(at(t, now))
			require.Equal(t, c.codes, codesOf(remarks), "%v", remarks)
			if c.says != "" {
				require.Contains(t, remarks[0].String(), c.says)
				require.False(t, remarks[0].Refused)
			}
		})
	}
}

// A rule that clears every identifier when it is the last one alive is refused, unless it has ended.
func TestLintSubjectLost(t *testing.T) {
	s := clean()
	s.Rules[0].Fields = []string{"email"}
	s.Rules = append(s.Rules, termRule(Contract, "contract", fields("name")))
	remarks := compiled(t, s).Lint(at(t, now))
	require.Equal(t, []string{LSubjectLost}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "rule contract/contract covers no identifier of the subject")
	require.True(t, remarks[0].Refused)
	s.Rules[1].Until = "2026-11-20"
	for _, r := range compiled(t, s).Lint(at(t, now)) {
		require.False(t, r.Refused, "%v", r)
	}
}

func TestLintCategories(t *testing.T) {
	s := clean()
	s.Rules = []Rule{termRule(Contract, "contract", fields("name", "diagnosis", "iban"))}
	found := []Category{{"crm", "people", "name", "person_name", "direct_identifier"}, {"crm", "people", "diagnosis", "health", "special"}, {"crm", "people", "hobby", "other_personal", "other"},
		{"crm", "staff", "secret", "health", "special"}}
	remarks := compiled(t, s).LintCategories(at(t, now), found)
	require.Equal(t, []string{FSurplusField, FUniformRetention, LSpecialBasis}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "silo s, crm.people.diagnosis: the field holds health, a special category, and rule contract/contract keeps it on contract: name the exception of Art. 9(2)")
	require.Contains(t, remarks[1].String(), "silo s, crm.people.hobby: the field holds personal data (other personal) that no rule needs")
	require.Contains(t, remarks[2].String(), "silo s: one period (relation ended + 10 years) for unlike data (identity and contact, special categories)")

	t.Run("an exception of Art. 9(2) carries them", func(t *testing.T) {
		s.Rules[0].Special = "9(2)(b)"
		require.NotContains(t, codesOf(compiled(t, s).LintCategories(at(t, now), found)), LSpecialBasis)
	})
	t.Run("consent carries them", func(t *testing.T) {
		s.Rules = []Rule{consentRule()}
		require.Equal(t, []string{FUniformRetention}, codesOf(compiled(t, s).LintCategories(at(t, now), found)))
	})
	t.Run("a rule of their own", func(t *testing.T) {
		s.Rules = []Rule{termRule(Contract, "contract", fields("name", "hobby")), consentRule(fields("diagnosis"))}
		require.Empty(t, compiled(t, s).LintCategories(at(t, now), found))
	})
	t.Run("what anonymizing leaves", func(t *testing.T) {
		hash, constant, year := "hash", "constant", "year"
		weak := clean()
		weak.Rules = []Rule{termRule(Contract, "contract", anonymizes)}
		weak.Anonymize = map[string]*string{"name": &constant, "email": &hash, "born": &year}
		people := func(field, class string) Category { return Category{"crm", "people", field, "x", class} }
		found := []Category{people("name", "direct_identifier"), people("email", "direct_identifier"), people("born", "quasi_identifier"), people("phone", "direct_identifier")}
		remarks := compiled(t, weak).LintCategories(at(t, now), found)
		require.Equal(t, []string{LAnonWeak, LAnonWeak}, codesOf(remarks))
		require.Contains(t, remarks[0].String(), "crm.people.email: anonymizing the field by hash leaves a pseudonym")
		require.Contains(t, remarks[1].String(), "crm.people.phone: the field holds personal data (x) and stays as it is when the row is anonymized")
		weak.Rules[0].End = Delete
		require.Empty(t, compiled(t, weak).LintCategories(at(t, now), found), "nothing is anonymized")
		weak.Rules[0].Else = Anonymize
		require.Len(t, compiled(t, weak).LintCategories(at(t, now), found), 2)
	})
	t.Run("a rule that is not in force covers nothing", func(t *testing.T) {
		s.Rules = []Rule{termRule(Contract, "contract", fields("name", "hobby")), consentRule(fields("diagnosis"), func(r *Rule) { r.From = "2027-01-01" })}
		require.Equal(t, []string{FSurplusField}, slices.DeleteFunc(codesOf(compiled(t, s).LintCategories(at(t, now), found)), func(c string) bool { return c == FUniformRetention }))
	})
}

func TestLintTogether(t *testing.T) {
	a, b := clean(), clean()
	b.Name, b.Records[0].Table = "other", "others"
	a.Rules[0].MaxAge, b.Rules[0].MaxAge = Period{Years: 2}, Period{Months: 24}
	both := func() []*Compiled { return []*Compiled{compiled(t, a), compiled(t, b)} }
	remarks := LintTogether(both(), at(t, now))
	require.Equal(t, []string{FUniformRetention}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "all silos: every silo has the same period and start (consent given + 24 months)")
	require.Empty(t, LintTogether(both()[:1], at(t, now)), "one silo is uniform with nobody")
	b.Rules[0].MaxAge = Period{Months: 23}
	require.Empty(t, LintTogether(both(), at(t, now)))
	b.Rules = []Rule{termRule(Contract, "contract", func(r *Rule) { r.Period = Period{Months: 24} })}
	require.Empty(t, LintTogether(both(), at(t, now)), "the same period from another start")
}

func TestNearest(t *testing.T) {
	columns := []string{"id", "email", "created_at", "closed_on"}
	for name, want := range map[string]string{"created": "created_at", "create_at": "created_at", "emial": "email", "eMail": "email", "emal": "email", "closedon": "closed_on", "xyz": "", "": "", "ids": "id"} {
		require.Equal(t, want, Nearest(name, columns), name)
	}
	require.Equal(t, 3, edits([]rune("kitten"), []rune("sitting")))
	require.Equal(t, 2, edits(nil, []rune("ab")))
}

func TestRemarksAreLines(t *testing.T) {
	require.Equal(t, "words", Remark{Words: "words"}.String())
	require.Equal(t, "silo s: words (Art. 5)", Remark{Place: "silo s", Words: "words", Law: "Art. 5"}.String())
	require.NotContains(t, compiled(t, clean()).Explain(time.Time{}, nil).AsOf, "-", "no day is no day")
}
