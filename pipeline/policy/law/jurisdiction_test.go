package law_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/policytest"
)

func TestJurisdictions(t *testing.T) {
	starts := []policy.Start{"", policy.ActivityEnded, policy.RelationEnded, policy.Inactivated, policy.AtEvent}
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
			require.Contains(t, starts, policy.Start(l.Start), code)
			require.NotRegexp(t, `\.$`, l.Says)
		}
		require.Equal(t, code == "ES", !j.Blocking.IsZero(), code)
	}
	unverified := 0
	for _, l := range append(law.European(), law.All()[1].Laws...) {
		require.Equal(t, l.Checked == "", strings.HasSuffix(l.Cite(), "; unverified"), l.Says)
		require.Equal(t, l.Checked == "", strings.Contains(l.Sentence(), "unverified"), l.Says)
		if l.Checked == "" {
			unverified++
		}
	}
	require.Equal(t, 2, unverified, "of European and Spanish law")
	require.Len(t, law.All(), 7)
	j, ok := law.Of("AT")
	require.False(t, ok)
	require.Equal(t, 16, j.ChildConsentAge)

	s := policytest.Silo(policytest.ConsentRule())
	require.Equal(t, "IT", policytest.Compiled(t, s).Jurisdiction.Code)
	s.Jurisdiction = "FR"
	require.Equal(t, "FR", policytest.Compiled(t, s).Jurisdiction.Code, "the silo's own wins")
}
