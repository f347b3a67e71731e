package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/policytest"
	"lethe/pipeline/policy/subject"
)

func TestCompileRefuses(t *testing.T) {
	rule := func(change ...func(*policy.Rule)) func(*policy.Silo) {
		return func(s *policy.Silo) { s.Rules = []policy.Rule{policytest.ConsentRule(change...)} }
	}
	term := func(change ...func(*policy.Rule)) func(*policy.Silo) {
		return func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "contract", change...)}
		}
	}
	record := func(change func(*policy.Records)) func(*policy.Silo) {
		return func(s *policy.Silo) { change(&s.Records[0]) }
	}
	for _, c := range []struct {
		name   string
		change func(*policy.Silo)
		says   string
	}{
		{"jurisdiction", func(s *policy.Silo) { s.Jurisdiction = "Italy" }, `jurisdiction "Italy"`},
		{"link scope", func(s *policy.Silo) { s.LinkScope = "person" }, "link_scope"},
		{"no match", func(s *policy.Silo) { s.NoMatch = "delete" }, "no_match"},
		{"no records", func(s *policy.Silo) { s.Records = nil }, "no records"},
		{"no rules", func(s *policy.Silo) { s.Rules = nil }, "no rules"},
		{"two ends of one purpose", func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.ConsentRule(), policytest.TermRule(policy.Contract, "newsletter"),
				policytest.TermRule(policy.LegitimateInterest, "newsletter", func(r *policy.Rule) {
					r.Start, r.At, r.Event = policy.AtEvent, "",
						"withdrawn"
				})}
		}, "rule 2 of the same purpose ends with basis_ended, this one with withdrawn"},
		{"too many rules", func(s *policy.Silo) {
			for i := range 64 {
				s.Rules = append(s.Rules,
					policytest.ConsentRule(func(r *policy.Rule) { r.Purpose = strings.Repeat("p", i+1) }))
			}
		}, "at most 64"},
		{"anonymize without field", func(s *policy.Silo) { s.Anonymize[""] = nil }, "without a field name"},
		{"no table", record(func(r *policy.Records) { r.Table = "" }), "source or table is missing"},
		{"no subject", record(func(r *policy.Records) { r.Subject = nil }), "subject is missing"},
		{"empty subject", record(func(r *policy.Records) { r.Subject = map[string]string{"email": ""} }),
			"without kind or field"},
		{"empty where", record(func(r *policy.Records) { r.Where = map[string]string{"": "1"} }), "where has an entry"},
		{"collected is last-modified", record(func(r *policy.Records) { r.Collected = "last_update" }),
			"last-modified"},
		{"block sets nothing", record(func(r *policy.Records) { r.Block = &policy.Block{} }), "block sets no field"},
		{"block is not undone", record(func(r *policy.Records) {
			r.Block = &policy.Block{Set: map[string]string{"blocked": "1"}}
		}),
			"reversible"},
		{"block changes nothing", record(func(r *policy.Records) {
			r.Block = &policy.Block{Set: map[string]string{"b": "1"}, Unset: map[string]string{"b": "1"}}
		}), "same value"},
		{"unset alone", record(func(r *policy.Records) {
			r.Block = &policy.Block{Set: map[string]string{"b": "1"}, Unset: map[string]string{"b": "0", "c": "0"}}
		}), "unsets c"},
		{"dependent without fk", record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "x",
				Do: "delete"}}
		}),
			"lacks table or fk"},
		{"dependent without do", record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "x",
				FK: []string{"y"}}}
		}), `dependent x: do is ""`},
		{"owned without fk", record(func(r *policy.Records) { r.Owns = []policy.Owned{{Table: "x"}} }),
			"owns lacks table or fk"},
		{"overlapping records", func(s *policy.Silo) { s.Records = append(s.Records, s.Records[0]) },
			"records 1 and 2 both take rows of crm.people"},
		{"what says whose rows are is governed itself", func(s *policy.Silo) {
			s.Records = append(s.Records, s.Records[0], s.Records[0])
			s.Records[1].Table, s.Records[2].Table = "emails", "chats"
			s.Records[0].Via = []subject.Via{{Path: []subject.Hop{{Table: "emails", Field: "person"}},
				Fields: map[string]string{"email": "email"}}}
		}, "records 1 (crm.people): rows of emails say whose a row is (via), and records 2 let them go"},
		{"purpose", rule(func(r *policy.Rule) { r.Purpose = "" }), "purpose is missing"},
		{"basis", rule(func(r *policy.Rule) { r.Basis = "habit" }), `basis "habit"`},
		{"because", rule(func(r *policy.Rule) { r.Because = "  " }), "because is missing"},
		{"owner", rule(func(r *policy.Rule) { r.Owner = "" }), "owner is missing"},
		{"review", rule(func(r *policy.Rule) { r.ReviewBy = "" }), "review_by is missing"},
		{"review date", rule(func(r *policy.Rule) { r.ReviewBy = "1 June" }), `review_by "1 June"`},
		{"never in force", rule(func(r *policy.Rule) { r.From, r.Until = "2026-01-01", "2026-01-01" }),
			"never in force"},
		{"end", rule(func(r *policy.Rule) { r.End = "" }), "end is"},
		{"end keeps", rule(func(r *policy.Rule) { r.End = policy.Keep }), "end is"},
		{"else", rule(func(r *policy.Rule) { r.Else = policy.Delete }), "else is"},
		{"anonymize without fields", func(s *policy.Silo) {
			s.Rules, s.Anonymize = []policy.Rule{policytest.ConsentRule(policytest.Anonymizes)}, nil
		},
			"no anonymize"},
		{"else beside anonymize", rule(policytest.Anonymizes, policytest.ElseAnonymize),
			"else is for rules that delete"},
		{"marketing under contract", term(policytest.Marketing), "Art. 21(2)"},
		{"field twice", rule(policytest.Fields("a", "a")), `fields names "a" twice`},
		{"consent without max_age", rule(func(r *policy.Rule) { r.MaxAge = calendar.Period{} }), "max_age is missing"},
		{"consent with a period", rule(func(r *policy.Rule) { r.Period = calendar.Period{Years: 1} }),
			"not for consent"},
		{"consent with a start", rule(func(r *policy.Rule) { r.Start = policy.Collected }), "not for consent"},
		{"consent with a long grace", rule(policytest.Grace(calendar.Period{Days: 32})), "longer than a month"},
		{"max_age elsewhere", term(func(r *policy.Rule) { r.MaxAge = calendar.Period{Years: 1} }),
			"max_age is for consent"},
		{"no start", term(func(r *policy.Rule) { r.Start = "" }), "no starting point"},
		{"start is last-modified", term(func(r *policy.Rule) { r.At = "ModifiedDate" }), "last-modified"},
		{"no period", term(func(r *policy.Rule) { r.Period = calendar.Period{} }), "period is missing"},
		{"inactivated without at", term(func(r *policy.Rule) { r.Start, r.At = policy.Inactivated, "" }),
			"at is missing"},
		{"event with at", term(func(r *policy.Rule) { r.Start = policy.AtEvent }), "at does not go with"},
		{"event with dates", term(func(r *policy.Rule) {
			r.Start, r.At, r.Dates = policy.AtEvent, "", map[string]string{"1970-01-01": "open"}
		}), "nor do dates"},
		{"consent with dates", rule(func(r *policy.Rule) { r.Dates = map[string]string{"1970-01-01": "open"} }),
			"consent has none"},
		{"dates that are none", term(func(r *policy.Rule) { r.Dates = map[string]string{"1970": "open"} }), `dates "1970"`},
		{"dates that mean nothing", term(func(r *policy.Rule) { r.Dates = map[string]string{"1970-01-01": "never"} }),
			`dates: what 1970-01-01 means is "never"`},
		{"collecting that is open", term(func(r *policy.Rule) {
			r.Start, r.Dates = policy.Collected, map[string]string{"1970-01-01": "open"}
		}), "cannot mean open"},
		{"fixed date without date", term(func(r *policy.Rule) { r.Start, r.At = policy.FixedDate, "" }),
			"date goes with"},
		{"date elsewhere", term(func(r *policy.Rule) { r.Date = "2026-01-01" }), "date goes with"},
		{"bad date", term(func(r *policy.Rule) { r.Start, r.At, r.Date = policy.FixedDate, "", "2026-02-30" }),
			`date "2026-02-30"`},
		{"birth without age", term(func(r *policy.Rule) { r.Start = policy.BirthPlusAge }), "age goes with"},
		{"age elsewhere", term(func(r *policy.Rule) { r.Age = 18 }), "age goes with"},
		{"event elsewhere", term(func(r *policy.Rule) { r.Event = "closed" }), "event goes with"},
		{"vital without an end", func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.TermRule(policy.VitalInterest, "v", func(r *policy.Rule) { r.At = "" })}
		}, "explicit end"},
		{"same id twice", func(s *policy.Silo) {
			s.Rules = []policy.Rule{policytest.ConsentRule(),
				policytest.ConsentRule(func(r *policy.Rule) { r.From = "2027-01-01" })}
		}, "same id"},
		{"rows decide alone on consent", alone(func(r *policy.Rule) { *r = policytest.ConsentRule(article) }),
			"consent is what only the registry knows"},
		{"rows decide alone by an event", alone(func(r *policy.Rule) { r.Start, r.At = policy.AtEvent, "" }),
			"start: event waits for the registry"},
		{"rows decide alone without an article", alone(func(r *policy.Rule) { r.Article = " " }), "article is missing"},
		{"rows decide alone, and do not say when", alone(func(r *policy.Rule) { r.At = "" }), "at is missing: where rows"},
		{"rows decide alone, not collected", func(s *policy.Silo) {
			alone(func(r *policy.Rule) { r.Start, r.At = policy.Collected, "" })(s)
			s.Records[0].Collected = ""
		}, "records 1 (crm.people) do not say when that was"},
		{"touched by updates, perhaps", term(func(r *policy.Rule) { r.Touched = "maybe" }), `touched_by_updates is "maybe"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := policytest.Silo(policytest.ConsentRule())
			c.change(&s)
			_, err := policy.Compile(s, time.UTC, "IT")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "silo s")
			require.NotContains(t, err.Error(), "\n", "one mistake, one message")
		})
	}
}

// TestRowsCanDecideAlone compiles a silo without a subject whose rows decide alone.
func TestRowsCanDecideAlone(t *testing.T) {
	s := policytest.Silo(policytest.ConsentRule())
	alone(func(r *policy.Rule) { r.At, r.Touched = "updated_at", "known" })(&s)
	s.Records[0].Subject = nil
	_, err := policy.Compile(s, time.UTC, "IT")
	require.NoError(t, err)
}

func article(r *policy.Rule) { r.Article = "a law" }

// alone makes a silo whose rows decide alone, with one rule of a contract that is changed.
func alone(change func(*policy.Rule)) func(*policy.Silo) {
	return func(s *policy.Silo) {
		s.NoMatch = policy.DecideAlone
		s.Rules = []policy.Rule{policytest.TermRule(policy.Contract, "support", article, change)}
	}
}

func TestCompileJoinsErrorsWithTheirPlace(t *testing.T) {
	s := policytest.Silo(policytest.ConsentRule(func(r *policy.Rule) { r.Because, r.Owner = "", "" }))
	s.Records[0].Subject = nil
	_, err := policy.Compile(s, nil, "it")
	require.EqualError(t, err, strings.Join([]string{
		"silo s: the controller has no timezone: set controller.timezone, for example Europe/Rome",
		`silo s: jurisdiction "it" is no country code: use two capital letters of ISO 3166-1, for example IT`,
		"silo s, records 1 (crm.people): subject is missing: say which field identifies the person, for example " +
			"subject: {email: email}; a silo whose rows end by their own dates needs none (no_match: decide)",
		"silo s, rule 1 (newsletter/consent): because is missing: justify the rule in a sentence that an auditor " +
			"can check",
		"silo s, rule 1 (newsletter/consent): owner is missing: name the person who answers for the rule",
	}, "\n"))
}

func TestCheckTables(t *testing.T) {
	a, b := policytest.Silo(policytest.ConsentRule()), policytest.Silo(policytest.ConsentRule())
	b.Name = "other"
	compile := func() []*policy.Compiled {
		return []*policy.Compiled{policytest.Compiled(t, a), policytest.Compiled(t, b)}
	}
	require.EqualError(t, policy.CheckTables(compile()),
		"silos s and other both take rows of crm.people: a row has one "+
			"silo, tell them apart with where")
	a.Records[0].Where = map[string]string{"kind": "1"}
	require.Error(t, policy.CheckTables(compile()), "one discriminator alone leaves rows to both")
	b.Records[0].Where = map[string]string{"kind": "2"}
	require.NoError(t, policy.CheckTables(compile()))
	a.Records[0].Where["kind"], b.Records[0].Where["kind"] = "true", "1"
	require.Error(t, policy.CheckTables(compile()), "a row may hold both")
	b.Records[0].Where["kind"] = "False"
	require.NoError(t, policy.CheckTables(compile()))
	b.Records[0].Where, b.Records[0].Table = nil, "clicks"
	require.NoError(t, policy.CheckTables(compile()))
}

func TestFields(t *testing.T) {
	s := policytest.Silo(policytest.TermRule(policy.Contract, "contract", policytest.Fields("name", "phone")),
		policytest.ConsentRule(policytest.Fields("email")))
	s.Records[0].Where = map[string]string{"kind": "1"}
	s.Records[0].Collection = "collection_id"
	s.Records[0].Block = &policy.Block{Set: map[string]string{"blocked": "1"}, Unset: map[string]string{"blocked": "0"}}
	s.Records[0].Owns = []policy.Owned{{Table: "addresses", FK: []string{"address_id"}}}
	s.Records[0].Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"person_id"}, Do: "delete"}}
	s.Anonymize = map[string]*string{"birth_date": nil}
	c := policytest.Compiled(t, s)
	require.Equal(t, []string{"address_id", "birth_date", "blocked", "closed_on", "collection_id", "created_at",
		"email", "kind", "name", "phone"}, c.Fields(s.Records[0]))
}
