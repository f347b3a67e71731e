package policy_test

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

func TestConfigurationDecodes(t *testing.T) {
	const text = `
link_scope: silo
records:
  - source: crm
    table: customers
    where: {kind: 1}
    subject: {email: email}
    block: {set: {restricted: 1}, unset: {restricted: 0}}
rules:
  - {purpose: newsletter, basis: consent, max_age: P24M, grace: P30D, end: delete,
     because: form, owner: anna, review_by: 2027-06-01}
anonymize: {email: null, birth_date: year}
orphan_grace: P2W
`
	var s policy.Silo
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict()))
	require.Equal(t, calendar.Period{Months: 24}, s.Rules[0].MaxAge)
	require.Equal(t, calendar.Period{Days: 30}, s.Rules[0].Grace)
	require.Equal(t, calendar.Period{Weeks: 2}, s.OrphanGrace)
	require.Equal(t, "2027-06-01", s.Rules[0].ReviewBy)
	require.Equal(t, map[string]string{"restricted": "1"}, s.Records[0].Block.Set)
	require.Nil(t, s.Anonymize["email"])
	require.Equal(t, "year", *s.Anonymize["birth_date"])
	s.Name = "customers"
	_, err := policy.Compile(s, time.UTC, "IT")
	require.NoError(t, err)
	require.ErrorContains(t, yaml.Unmarshal([]byte("rules: [{max_age: 2 years}]"), &s), "P24M")
	out, err := yaml.Marshal(policy.Rule{MaxAge: calendar.Period{Months: 24}})
	require.NoError(t, err)
	require.Contains(t, string(out), "max_age: P24M")
}
