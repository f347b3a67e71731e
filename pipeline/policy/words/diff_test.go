package words

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/policytest"
)

func TestDifferences(t *testing.T) {
	before := policytest.Clean()
	before.Rules = append(before.Rules, policytest.TermRule(policy.Contract, "contract"),
		policytest.TermRule(policy.LegalObligation, "tax"))
	compile := func(change func(*policy.Silo)) []*policy.Compiled {
		s := before
		s.Rules = append([]policy.Rule{}, before.Rules...)
		s.Records = append([]policy.Records{}, before.Records...)
		change(&s)
		return []*policy.Compiled{policytest.Compiled(t, s)}
	}
	was := []*policy.Compiled{policytest.Compiled(t, before)}
	for _, c := range []struct {
		name   string
		change func(*policy.Silo)
		want   []string
	}{
		{"nothing", func(*policy.Silo) {}, nil},
		{"a shorter term", func(s *policy.Silo) { s.Rules[1].Period = calendar.Period{Years: 5} },
			[]string{"silo s: rule contract/contract: period is P5Y, before P10Y"}},
		{"a grace, and other fields", func(s *policy.Silo) {
			s.Rules[0].Grace, s.Rules[0].Fields = calendar.Period{Days: 30}, []string{"email", "name"}
		},
			[]string{"silo s: rule club/consent: grace is P30D, before P0D", "silo s: rule club/consent: fields is " +
				"[email, name], before []"}},
		{"a rule gone, a rule new", func(s *policy.Silo) {
			s.Rules[2] = policytest.TermRule(policy.PublicTask, "task",
				func(r *policy.Rule) { r.Period = calendar.Period{Months: 18} })
		},
			[]string{"silo s: rule tax/legal_obligation is gone (relation ended + 10 years, then delete)",
				"silo s: rule task/public_task is new (relation ended + 18 months, then delete)"}},
		{"a second version of a rule", func(s *policy.Silo) {
			s.Rules[1].Until = "2027-01-01"
			s.Rules = append(s.Rules, policytest.TermRule(policy.Contract, "contract",
				func(r *policy.Rule) { r.From = "2027-01-01" }))
		}, []string{"silo s: rule contract/contract: valid_until is 2027-01-01, before not set",
			"silo s: rule contract/contract is new (relation ended + 10 years, then delete)"}},
		{"the silo's own", func(s *policy.Silo) {
			s.Jurisdiction, s.NoMatch, s.Records[0].Collected = "ES", "expire",
				"made_at"
		},
			[]string{"silo s is under the law of Spain, before of Italy", "silo s: records changed",
				"silo s: no_match is expire, before not set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Differences(was, compile(c.change)))
		})
	}
	other := before
	other.Name = "other"
	require.Equal(t, []string{"silo other is new, with 3 rules", "silo s is gone: nothing decides its rows any more"},
		Differences(was, []*policy.Compiled{policytest.Compiled(t, other)}))
	far, err := policy.Compile(before, time.UTC, "IT")
	require.NoError(t, err)
	require.Equal(t, []string{"silo s counts its days in UTC, before in Europe/Rome"},
		Differences(was, []*policy.Compiled{far}))
}
