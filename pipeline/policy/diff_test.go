package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDifferences(t *testing.T) {
	before := clean()
	before.Rules = append(before.Rules, termRule(Contract, "contract"), termRule(LegalObligation, "tax"))
	compile := func(change func(*Silo)) []*Compiled {
		s := before
		s.Rules = append([]Rule{}, before.Rules...)
		s.Records = append([]Records{}, before.Records...)
		change(&s)
		return []*Compiled{compiled(t, s)}
	}
	was := []*Compiled{compiled(t, before)}
	for _, c := range []struct {
		name   string
		change func(*Silo)
		want   []string
	}{
		{"nothing", func(*Silo) {}, nil},
		{"a shorter term", func(s *Silo) { s.Rules[1].Period = Period{Years: 5} }, []string{"silo s: rule contract/contract: period is P5Y, before P10Y"}},
		{"a grace, and other fields", func(s *Silo) { s.Rules[0].Grace, s.Rules[0].Fields = Period{Days: 30}, []string{"email", "name"} },
			[]string{"silo s: rule club/consent: grace is P30D, before P0D", "silo s: rule club/consent: fields is [email, name], before []"}},
		{"a rule gone, a rule new", func(s *Silo) {
			s.Rules[2] = termRule(PublicTask, "task", func(r *Rule) { r.Period = Period{Months: 18} })
		},
			[]string{"silo s: rule tax/legal_obligation is gone (relation ended + 10 years, then delete)", "silo s: rule task/public_task is new (relation ended + 18 months, then delete)"}},
		{"a second version of a rule", func(s *Silo) {
			s.Rules[1].Until = "2027-01-01"
			s.Rules = append(s.Rules, termRule(Contract, "contract", func(r *Rule) { r.From = "2027-01-01" }))
		}, []string{"silo s: rule contract/contract: valid_until is 2027-01-01, before not set", "silo s: rule contract/contract is new (relation ended + 10 years, then delete)"}},
		{"the silo's own", func(s *Silo) { s.Jurisdiction, s.NoMatch, s.Records[0].Collected = "ES", "expire", "made_at" },
			[]string{"silo s is under the law of Spain, before of Italy", "silo s: records changed", "silo s: no_match is expire, before not set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Differences(was, compile(c.change)))
		})
	}
	other := before
	other.Name = "other"
	require.Equal(t, []string{"silo other is new, with 3 rules", "silo s is gone: nothing decides its rows any more"}, Differences(was, []*Compiled{compiled(t, other)}))
	far, err := Compile(before, time.UTC, "IT")
	require.NoError(t, err)
	require.Equal(t, []string{"silo s counts its days in UTC, before in Europe/Rome"}, Differences(was, []*Compiled{far}))
}
