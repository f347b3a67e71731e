package lint

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/policytest"
	"lethe/pipeline/policy/words"
)

func codesOf(remarks []Remark) []string {
	var codes []string
	for _, r := range remarks {
		codes = append(codes, r.Code)
	}
	slices.Sort(codes)
	return codes
}

func TestLint(t *testing.T) {
	require.Empty(t, Lint(policytest.Compiled(t, policytest.Clean()), policytest.At(t, policytest.Now)))
	rule := func(change ...func(*policy.Rule)) func(*policy.Silo) {
		return func(s *policy.Silo) {
			for _, c := range change {
				c(&s.Rules[0])
			}
		}
	}
	term := func(change ...func(*policy.Rule)) func(*policy.Silo) {
		return func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.TermRule(policy.LegitimateInterest, "fraud", change...)}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*policy.Silo)
		codes  []string
		says   string
	}{
		{"review due", rule(func(r *policy.Rule) { r.ReviewBy = "2026-11-20" }), []string{LReviewDue},
			"silo s, rule 1 (club/consent): the review was due on 2026-11-20: anna looks at it"},
		{"review today", rule(func(r *policy.Rule) { r.ReviewBy = "2026-11-21" }), []string{LReviewSoon},
			"the review is due on 2026-11-21"},
		{"review in thirty days", rule(func(r *policy.Rule) { r.ReviewBy = "2026-12-21" }), []string{LReviewSoon},
			"the review is due on 2026-12-21"},
		{"review in thirty-one days", rule(func(r *policy.Rule) { r.ReviewBy = "2026-12-22" }), nil, ""},
		{"a rule that has ended is not reviewed", func(s *policy.Silo) {
			s.Rules[0].ReviewBy, s.Rules[0].Until = "2026-01-01", "2026-11-21"
			s.Rules = append(s.Rules, policytest.ConsentRule(func(r *policy.Rule) {
				r.Purpose, r.From = "club",
					"2026-11-21"
			}))
		}, nil, ""},
		{"proof for ever", func(s *policy.Silo) { s.ProofRetention = calendar.Period{} }, []string{LProofForEver},
			"no proof_retention: the registry keeps the proof of what ended for ever"},
		{"no block", func(s *policy.Silo) { s.Records[0].Block = nil }, []string{LNoBlock}, "no block"},
		{"block decides", func(s *policy.Silo) {
			s.Records[0].Block = &policy.Block{Set: map[string]string{"email": "-"},
				Unset: map[string]string{"email": "+"}}
		}, []string{LBlockDecides}, "block sets email"},
		{"block is the day of collecting", func(s *policy.Silo) {
			s.Records[0].Block = &policy.Block{Set: map[string]string{"created_at": "-"},
				Unset: map[string]string{"created_at": "+"}}
		}, []string{LBlockDecides}, "block sets created_at"},
		{"block is a discriminator", func(s *policy.Silo) {
			s.Records[0].Where = map[string]string{"blocked": "0"}
		}, []string{LBlockDecides}, "block sets blocked"},
		{"no collected", func(s *policy.Silo) { s.Records[0].Collected = "" }, []string{LNoCollected}, "no collected"},
		{"the subject can be cleared, of whoever has one identifier only", func(s *policy.Silo) {
			s.Records[0].Subject = map[string]string{"email": "email", "phone": "phone"}
			s.Rules[0].Fields = []string{"email"}
			s.Rules = append(s.Rules, policytest.TermRule(policy.Contract, "contract", policytest.Fields("phone")))
		}, []string{LSubjectLost}, "every identifier of the subject"},
		{"consents older than the authority says",
			rule(func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 25} }), []string{LConsentLong},
			"max_age P25M: loyalty cards: 24 months for marketing, 12 for profiling; because should say why " +
				"consents are relied on for longer, or shorten it (Garante, provv. of 24 February 2005 (loyalty " +
				"cards))"},
		{"consents as old as the authority says",
			rule(func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 24} }), nil, ""},
		{"old consents where no authority says anything",
			func(s *policy.Silo) { s.Jurisdiction, s.Rules[0].MaxAge = "SE", calendar.Period{Years: 5} },
			[]string{LConsentLong}, "refresh it at appropriate intervals"},
		{"three years where no authority says anything",
			func(s *policy.Silo) { s.Jurisdiction, s.Rules[0].MaxAge = "SE", calendar.Period{Years: 3} }, nil, ""},
		{"a long grace", term(policytest.Grace(calendar.Period{Days: 32})), []string{LGraceLong}, "grace P32D"},
		{"a month of grace", term(policytest.Grace(calendar.Period{Months: 1})), nil, ""},
		{"marketing that does not say so", rule(func(r *policy.Rule) { r.Purpose = "Newsletter" }),
			[]string{LMarketing}, "does not say marketing: true"},
		{"marketing that says so", rule(policytest.Marketing, func(r *policy.Rule) { r.Purpose = "newsletter" }), nil,
			""},
		{"marketing on a legitimate interest", term(policytest.Marketing), []string{LMarketing}, "similar products"},
		{"marketing on a legitimate interest that does not say so",
			term(func(r *policy.Rule) { r.Purpose = "promozione" }), []string{LMarketing, LMarketing},
			"does not say marketing: true"},
		{"a contract is no marketing by its name", func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "marketing-services")}
		}, nil, ""},
		{"the notice says otherwise", rule(func(r *policy.Rule) {
			r.Notice, r.MaxAge = calendar.Period{Months: 12},
				calendar.Period{Months: 24}
		}), []string{FNoticeMismatch}, "the notice says P12M, the rule P24M"},
		{"the notice says the same in other units",
			rule(func(r *policy.Rule) {
				r.Notice, r.MaxAge = calendar.Period{Years: 2},
					calendar.Period{Months: 24}
			}), nil, ""},
		{"two rules for one ground", func(s *policy.Silo) {
			s.Rules = append(s.Rules, policytest.ConsentRule(func(r *policy.Rule) {
				r.ID, r.Purpose,
					r.MaxAge = "longer", "club", calendar.Period{Months: 20}
			}))
		}, []string{LSameGround}, "rule 2 (longer): rule 1 has the same purpose and basis"},
		{"one ground, one version after the other", func(s *policy.Silo) {
			s.Rules[0].Until = "2027-01-01"
			s.Rules = append(s.Rules, policytest.ConsentRule(func(r *policy.Rule) {
				r.ID, r.Purpose, r.From = "later",
					"club", "2027-01-01"
			}))
		}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := policytest.Clean()
			c.change(&s)
			remarks := Lint(policytest.Compiled(t, s), policytest.At(t, policytest.Now))
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
	s := policytest.Clean()
	s.Rules[0].Fields = []string{"email"}
	s.Rules = append(s.Rules, policytest.TermRule(policy.Contract, "contract", policytest.Fields("name")))
	remarks := Lint(policytest.Compiled(t, s), policytest.At(t, policytest.Now))
	require.Equal(t, []string{LSubjectLost}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "rule contract/contract covers no identifier of the subject")
	require.True(t, remarks[0].Refused)
	s.Rules[1].Until = "2026-11-20"
	for _, r := range Lint(policytest.Compiled(t, s), policytest.At(t, policytest.Now)) {
		require.False(t, r.Refused, "%v", r)
	}
}

func TestLintCategories(t *testing.T) {
	s := policytest.Clean()
	s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract",
		policytest.Fields("name", "diagnosis", "iban"))}
	found := []Category{{"crm", "people", "name", "person_name", "direct_identifier"},
		{"crm", "people", "diagnosis", "health", "special"}, {"crm", "people", "hobby", "other_personal", "other"},
		{"crm", "staff", "secret", "health", "special"}}
	remarks := Categories(policytest.Compiled(t, s), policytest.At(t, policytest.Now), found)
	require.Equal(t, []string{FSurplusField, FUniformRetention, LSpecialBasis}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "silo s, crm.people.diagnosis: the field holds health, a special "+
		"category, and rule contract/contract keeps it on contract: name the exception of Art. 9(2)")
	require.Contains(t, remarks[1].String(), "silo s, crm.people.hobby: the field holds personal data (other "+
		"personal) that no rule needs")
	require.Contains(t, remarks[2].String(), "silo s: one period (relation ended + 10 years) for unlike data "+
		"(identity and contact, special categories)")

	t.Run("an exception of Art. 9(2) carries them", func(t *testing.T) {
		s.Rules[0].Special = "9(2)(b)"
		require.NotContains(t, codesOf(Categories(policytest.Compiled(t, s), policytest.At(t, policytest.Now),
			found)), LSpecialBasis)
	})
	t.Run("consent carries them", func(t *testing.T) {
		s.Rules = []policy.Rule{policytest.ConsentRule()}
		require.Equal(t, []string{FUniformRetention},
			codesOf(Categories(policytest.Compiled(t, s), policytest.At(t, policytest.Now), found)))
	})
	t.Run("a rule of their own", func(t *testing.T) {
		s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract", policytest.Fields("name", "hobby")),
			policytest.ConsentRule(policytest.Fields("diagnosis"))}
		require.Empty(t, Categories(policytest.Compiled(t, s), policytest.At(t, policytest.Now), found))
	})
	t.Run("what anonymizing leaves", func(t *testing.T) {
		hash, constant, year := "hash", "constant", "year"
		weak := policytest.Clean()
		weak.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract", policytest.Anonymizes)}
		weak.Anonymize = map[string]*string{"name": &constant, "email": &hash, "born": &year}
		people := func(field, class string) Category { return Category{"crm", "people", field, "x", class} }
		found := []Category{people("name", "direct_identifier"), people("email", "direct_identifier"),
			people("born", "quasi_identifier"), people("phone", "direct_identifier")}
		remarks := Categories(policytest.Compiled(t, weak), policytest.At(t, policytest.Now), found)
		require.Equal(t, []string{LAnonWeak, LAnonWeak}, codesOf(remarks))
		require.Contains(t, remarks[0].String(), "crm.people.email: anonymizing the field by hash leaves a pseudonym")
		require.Contains(t, remarks[1].String(), "crm.people.phone: the field holds personal data (x) and stays as "+
			"it is when the row is anonymized")
		weak.Rules[0].End = policy.Delete
		require.Empty(t, Categories(policytest.Compiled(t, weak), policytest.At(t, policytest.Now), found),
			"nothing is anonymized")
		weak.Rules[0].Else = policy.Anonymize
		require.Len(t, Categories(policytest.Compiled(t, weak), policytest.At(t, policytest.Now), found), 2)
	})
	t.Run("a rule that is not in force covers nothing", func(t *testing.T) {
		s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract", policytest.Fields("name", "hobby")),
			policytest.ConsentRule(policytest.Fields("diagnosis"), func(r *policy.Rule) { r.From = "2027-01-01" })}
		require.Equal(t, []string{FSurplusField},
			slices.DeleteFunc(codesOf(Categories(policytest.Compiled(t, s), policytest.At(t, policytest.Now), found)),
				func(c string) bool { return c == FUniformRetention }))
	})
}

func TestLintTogether(t *testing.T) {
	a, b := policytest.Clean(), policytest.Clean()
	b.Name, b.Records[0].Table = "other", "others"
	a.Rules[0].MaxAge, b.Rules[0].MaxAge = calendar.Period{Years: 2}, calendar.Period{Months: 24}
	both := func() []*policy.Compiled {
		return []*policy.Compiled{policytest.Compiled(t, a), policytest.Compiled(t, b)}
	}
	remarks := Together(both(), policytest.At(t, policytest.Now))
	require.Equal(t, []string{FUniformRetention}, codesOf(remarks))
	require.Contains(t, remarks[0].String(), "all silos: every silo has the same period and start (consent given + "+
		"24 months)")
	require.Empty(t, Together(both()[:1], policytest.At(t, policytest.Now)), "one silo is uniform with nobody")
	b.Rules[0].MaxAge = calendar.Period{Months: 23}
	require.Empty(t, Together(both(), policytest.At(t, policytest.Now)))
	b.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract",
		func(r *policy.Rule) { r.Period = calendar.Period{Months: 24} })}
	require.Empty(t, Together(both(), policytest.At(t, policytest.Now)), "the same period from another start")
}

func TestRemarksAreLines(t *testing.T) {
	require.Equal(t, "words", Remark{Words: "words"}.String())
	require.Equal(t, "silo s: words (Art. 5)", Remark{Place: "silo s", Words: "words", Law: "Art. 5"}.String())
	require.NotContains(t, words.Explain(policytest.Compiled(t, policytest.Clean()), time.Time{}, nil).AsOf, "-",
		"no day is no day")
}
