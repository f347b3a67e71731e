package policy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/reason"
)

func TestCompileRefuses(t *testing.T) {
	rule := func(change ...func(*Rule)) func(*Silo) {
		return func(s *Silo) { s.Rules = []Rule{consentRule(change...)} }
	}
	term := func(change ...func(*Rule)) func(*Silo) {
		return func(s *Silo) { s.Rules = []Rule{termRule(Contract, "contract", change...)} }
	}
	record := func(change func(*Records)) func(*Silo) {
		return func(s *Silo) { change(&s.Records[0]) }
	}
	for _, c := range []struct {
		name   string
		change func(*Silo)
		says   string
	}{
		{"jurisdiction", func(s *Silo) { s.Jurisdiction = "Italy" }, `jurisdiction "Italy"`},
		{"link scope", func(s *Silo) { s.LinkScope = "person" }, "link_scope"},
		{"no match", func(s *Silo) { s.NoMatch = "delete" }, "no_match"},
		{"no records", func(s *Silo) { s.Records = nil }, "no records"},
		{"no rules", func(s *Silo) { s.Rules = nil }, "no rules"},
		{"two ends of one purpose", func(s *Silo) {
			s.Rules = []Rule{consentRule(), termRule(Contract, "newsletter"),
				termRule(LegitimateInterest, "newsletter", func(r *Rule) {
					r.Start, r.At, r.Event = AtEvent, "",
						"withdrawn"
				})}
		}, "rule 2 of the same purpose ends with basis_ended, this one with withdrawn"},
		{"too many rules", func(s *Silo) {
			for i := range maxRules {
				s.Rules = append(s.Rules, consentRule(func(r *Rule) { r.Purpose = strings.Repeat("p", i+1) }))
			}
		}, "at most 64"},
		{"anonymize without field", func(s *Silo) { s.Anonymize[""] = nil }, "without a field name"},
		{"no table", record(func(r *Records) { r.Table = "" }), "source or table is missing"},
		{"no subject", record(func(r *Records) { r.Subject = nil }), "subject is missing"},
		{"empty subject", record(func(r *Records) { r.Subject = map[string]string{"email": ""} }),
			"without kind or field"},
		{"empty where", record(func(r *Records) { r.Where = map[string]string{"": "1"} }), "where has an entry"},
		{"collected is last-modified", record(func(r *Records) { r.Collected = "last_update" }), "last-modified"},
		{"block sets nothing", record(func(r *Records) { r.Block = &Block{} }), "block sets no field"},
		{"block is not undone", record(func(r *Records) { r.Block = &Block{Set: map[string]string{"blocked": "1"}} }),
			"reversible"},
		{"block changes nothing", record(func(r *Records) {
			r.Block = &Block{Set: map[string]string{"b": "1"}, Unset: map[string]string{"b": "1"}}
		}), "same value"},
		{"unset alone", record(func(r *Records) {
			r.Block = &Block{Set: map[string]string{"b": "1"}, Unset: map[string]string{"b": "0", "c": "0"}}
		}), "unsets c"},
		{"dependent without fk", record(func(r *Records) { r.Dependents = []Dependent{{Table: "x", Do: "delete"}} }),
			"lacks table or fk"},
		{"dependent without do", record(func(r *Records) {
			r.Dependents = []Dependent{{Table: "x",
				FK: []string{"y"}}}
		}), `dependent x: do is ""`},
		{"owned without fk", record(func(r *Records) { r.Owns = []Owned{{Table: "x"}} }), "owns lacks table or fk"},
		{"overlapping records", func(s *Silo) { s.Records = append(s.Records, s.Records[0]) },
			"records 1 and 2 both take rows of crm.people"},
		{"purpose", rule(func(r *Rule) { r.Purpose = "" }), "purpose is missing"},
		{"basis", rule(func(r *Rule) { r.Basis = "habit" }), `basis "habit"`},
		{"because", rule(func(r *Rule) { r.Because = "  " }), "because is missing"},
		{"owner", rule(func(r *Rule) { r.Owner = "" }), "owner is missing"},
		{"review", rule(func(r *Rule) { r.ReviewBy = "" }), "review_by is missing"},
		{"review date", rule(func(r *Rule) { r.ReviewBy = "1 June" }), `review_by "1 June"`},
		{"never in force", rule(func(r *Rule) { r.From, r.Until = "2026-01-01", "2026-01-01" }), "never in force"},
		{"end", rule(func(r *Rule) { r.End = "" }), "end is"},
		{"end keeps", rule(func(r *Rule) { r.End = Keep }), "end is"},
		{"else", rule(func(r *Rule) { r.Else = Delete }), "else is"},
		{"anonymize without fields", func(s *Silo) { s.Rules, s.Anonymize = []Rule{consentRule(anonymizes)}, nil },
			"no anonymize"},
		{"else beside anonymize", rule(anonymizes, elseAnonymize), "else is for rules that delete"},
		{"marketing under contract", term(marketing), "Art. 21(2)"},
		{"field twice", rule(fields("a", "a")), `fields names "a" twice`},
		{"consent without max_age", rule(func(r *Rule) { r.MaxAge = calendar.Period{} }), "max_age is missing"},
		{"consent with a period", rule(func(r *Rule) { r.Period = calendar.Period{Years: 1} }), "not for consent"},
		{"consent with a start", rule(func(r *Rule) { r.Start = Collected }), "not for consent"},
		{"consent with a long grace", rule(grace(calendar.Period{Days: 32})), "longer than a month"},
		{"max_age elsewhere", term(func(r *Rule) { r.MaxAge = calendar.Period{Years: 1} }), "max_age is for consent"},
		{"no start", term(func(r *Rule) { r.Start = "" }), "no starting point"},
		{"start is last-modified", term(func(r *Rule) { r.At = "ModifiedDate" }), "last-modified"},
		{"no period", term(func(r *Rule) { r.Period = calendar.Period{} }), "period is missing"},
		{"inactivated without at", term(func(r *Rule) { r.Start, r.At = Inactivated, "" }), "at is missing"},
		{"event with at", term(func(r *Rule) { r.Start = AtEvent }), "at does not go with"},
		{"fixed date without date", term(func(r *Rule) { r.Start, r.At = FixedDate, "" }), "date goes with"},
		{"date elsewhere", term(func(r *Rule) { r.Date = "2026-01-01" }), "date goes with"},
		{"bad date", term(func(r *Rule) { r.Start, r.At, r.Date = FixedDate, "", "2026-02-30" }), `date "2026-02-30"`},
		{"birth without age", term(func(r *Rule) { r.Start = BirthPlusAge }), "age goes with"},
		{"age elsewhere", term(func(r *Rule) { r.Age = 18 }), "age goes with"},
		{"event elsewhere", term(func(r *Rule) { r.Event = "closed" }), "event goes with"},
		{"vital without an end", func(s *Silo) {
			s.Rules = []Rule{termRule(VitalInterest, "v", func(r *Rule) { r.At = "" })}
		}, "explicit end"},
		{"same id twice", func(s *Silo) {
			s.Rules = []Rule{consentRule(),
				consentRule(func(r *Rule) { r.From = "2027-01-01" })}
		}, "same id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := silo(consentRule())
			c.change(&s)
			_, err := Compile(s, time.UTC, "IT")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "silo s")
			require.NotContains(t, err.Error(), "\n", "one mistake, one message")
		})
	}
}

func TestCompileJoinsErrorsWithTheirPlace(t *testing.T) {
	s := silo(consentRule(func(r *Rule) { r.Because, r.Owner = "", "" }))
	s.Records[0].Subject = nil
	_, err := Compile(s, nil, "it")
	require.EqualError(t, err, strings.Join([]string{
		"silo s: the controller has no timezone: set controller.timezone, for example Europe/Rome",
		`silo s: jurisdiction "it" is no country code: use two capital letters of ISO 3166-1, for example IT`,
		"silo s, records 1 (crm.people): subject is missing: say which field identifies the person, for example " +
			"subject: {email: email}",
		"silo s, rule 1 (newsletter/consent): because is missing: justify the rule in a sentence that an auditor " +
			"can check",
		"silo s, rule 1 (newsletter/consent): owner is missing: name the person who answers for the rule",
	}, "\n"))
}

func TestCheckTables(t *testing.T) {
	a, b := silo(consentRule()), silo(consentRule())
	b.Name = "other"
	compile := func() []*Compiled { return []*Compiled{compiled(t, a), compiled(t, b)} }
	require.EqualError(t, CheckTables(compile()), "silos s and other both take rows of crm.people: a row has one "+
		"silo, tell them apart with where")
	a.Records[0].Where = map[string]string{"kind": "1"}
	require.Error(t, CheckTables(compile()), "one discriminator alone leaves rows to both")
	b.Records[0].Where = map[string]string{"kind": "2"}
	require.NoError(t, CheckTables(compile()))
	b.Records[0].Where, b.Records[0].Table = nil, "clicks"
	require.NoError(t, CheckTables(compile()))
}

func TestFields(t *testing.T) {
	s := silo(termRule(Contract, "contract", fields("name", "phone")), consentRule(fields("email")))
	s.Records[0].Where = map[string]string{"kind": "1"}
	s.Records[0].Collection = "collection_id"
	s.Records[0].Block = &Block{Set: map[string]string{"blocked": "1"}, Unset: map[string]string{"blocked": "0"}}
	s.Records[0].Owns = []Owned{{Table: "addresses", FK: []string{"address_id"}}}
	s.Records[0].Dependents = []Dependent{{Table: "clicks", FK: []string{"person_id"}, Do: "delete"}}
	s.Anonymize = map[string]*string{"birth_date": nil}
	c := compiled(t, s)
	require.Equal(t, []string{"address_id", "birth_date", "blocked", "closed_on", "collection_id", "created_at",
		"email", "kind", "name", "phone"}, c.Fields(s.Records[0]))
}

func TestDeadReasonsNameTheirArticle(t *testing.T) {
	all := reason.Codes()
	for i, c := range deadReasons {
		require.Contains(t, all, c)
		require.True(t, c == reason.DErasureRequest ||
			regexp.MustCompile(`17\(1\)\([a-f]\)`).MatchString(c.Article()), "%s says by which point of Art. 17(1) "+
			"the data have to go", c)
		require.True(t, strings.HasPrefix(string(c), "D_"))
		require.Equal(t, i, slices.Index(deadReasons[:], c))
	}
	require.Equal(t, reason.DErasureRequest, deadReasons[erasureRequest])
	require.Equal(t, reason.DConsentWithdrawn, deadReasons[consentWithdrawn])
	require.Equal(t, reason.DConsentUnproven, deadReasons[consentUnproven])
	require.Equal(t, reason.DNoConsent, deadReasons[noConsent])
}

func TestJurisdictions(t *testing.T) {
	for code, age := range map[string]int{"IT": 14, "ES": 14, "FR": 15, "PL": 16, "NL": 16, "DE": 16, "SE": 13} {
		j, ok := law.Of(code)
		require.True(t, ok, code)
		require.Equal(t, age, j.ChildConsentAge, code)
		require.NotEmpty(t, j.About(law.ChildAge), code)
		require.NotEmpty(t, j.Authority, code)
		for _, l := range append(j.Laws, law.European()...) {
			require.NotEmpty(t, l.Law, "%s: %s", code, l.Says)
			require.Equal(t, l.Seen == "", l.Checked == "", "%s: %s: who looked says where and when", code, l.Says)
			_, err := calendar.ParseDate(l.Checked)
			require.True(t, l.Checked == "" || err == nil, code)
			require.True(t, l.Start == "" || startNeeds[Start(l.Start)].at || startNeeds[Start(l.Start)].event, code)
			require.NotRegexp(t, `\.$`, l.Says)
		}
		require.Equal(t, code == "ES", !j.Blocking.IsZero(), code)
	}
	require.Len(t, law.All(), 7)
	j, ok := law.Of("AT")
	require.False(t, ok)
	require.Equal(t, 16, j.ChildConsentAge)

	s := silo(consentRule())
	require.Equal(t, "IT", compiled(t, s).Jurisdiction.Code)
	s.Jurisdiction = "FR"
	require.Equal(t, "FR", compiled(t, s).Jurisdiction.Code, "the silo's own wins")
}
