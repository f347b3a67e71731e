package config

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
)

// TestUnderAnotherPolicy: a configuration under the policy whose text it is decides as that one; where its data are it
// keeps from itself; a text that says more than this program knows is refused, not read in part.
func TestUnderAnotherPolicy(t *testing.T) {
	body, err := os.ReadFile("example.yaml")
	require.NoError(t, err)
	one, err := read("one.yaml", body)
	require.NoError(t, err)
	other, err := read("other.yaml", body)
	require.NoError(t, err)
	one.Registry.MaxAge, other.Registry.MaxAge = calendar.Period{Days: 9}, calendar.Period{Days: 8}
	for name, s := range one.Sources {
		if s.Of == "" {
			s.MaxBackupAge = calendar.Period{Days: 7}
			one.Sources[name] = s
		}
	}
	text, err := one.policy()
	require.NoError(t, err)
	require.Contains(t, string(text), `"RegistryMaxAge":"P9D"`)
	require.Contains(t, string(text), `"MaxBackupAge":"P7D"`)
	other.Silos, other.Breakers, other.People = nil, Breakers{}, nil
	other.Controller.Timezone, other.Controller.DPO = "Asia/Tokyo", "dpo of the other"
	other.Language = "sv"

	under, err := other.Under(text)
	require.NoError(t, err)
	again, err := under.policy()
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	for name, s := range one.Silos {
		require.Equal(t, s.Rules, under.Silos[name].Rules)
		require.Equal(t, name, under.Silos[name].Name)
	}
	for name, s := range other.Sources {
		require.Equal(t, []Secret{s.DSN, s.ApplyDSN, Secret(s.Path)}, []Secret{under.Sources[name].DSN,
			under.Sources[name].ApplyDSN, Secret(under.Sources[name].Path)})
	}
	require.Equal(t, other.sourceOrder == nil, under.sourceOrder == nil)
	require.Equal(t, []string{"sv", other.State, other.dir}, []string{under.Language, under.State, under.dir})

	for _, wrong := range []string{"", "{", `{"Controller":{"Zzz":1}}`, string(text[:len(text)-1]) + `,"More":1}`} {
		_, err := other.Under([]byte(wrong))
		require.Error(t, err, wrong)
	}
	for name, s := range other.Sources {
		s.Connector = "csv"
		other.Sources[name] = s
		break
	}
	_, err = other.Under(text)
	require.ErrorContains(t, err, "connector")
}
