package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

func TestTermsOfEvidence(t *testing.T) {
	for name, c := range map[string]struct{ row, keep, want string }{
		"none":                        {"", "", ""},
		"both":                        {"P12M", "P5Y", ""},
		"rows alone":                  {"P12M", "", ""},
		"nights alone":                {"", "P10Y", ""},
		"the shortest":                {"P28D", "P4W", ""},
		"a February":                  {"P1M", "", ""},
		"too short for rows":          {"P27D", "", "evidence.row_level: P27D: evidence is kept for 28 days at the least"},
		"too short for nights":        {"", "P1D", "evidence.keep: P1D"},
		"nights shorter than rows":    {"P13M", "P1Y", "evidence.keep: P1Y is shorter than row_level: P13M"},
		"the same in other units":     {"P12M", "P1Y", ""},
		"nights a day less than rows": {"P400D", "P399D", "is shorter than row_level"},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{}
			for text, term := range map[*calendar.Period]string{
				&config.Evidence.RowLevel: c.row, &config.Evidence.Keep: c.keep} {
				if term != "" {
					require.NoError(t, text.UnmarshalText([]byte(term)))
				}
			}
			p := &setup.Setup{}
			err := config.buildTerms(p)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, config.Evidence.RowLevel, p.Evidence.RowLevel)
			require.Equal(t, config.Evidence.Keep, p.Evidence.Keep)
		})
	}
}

// TestTermsOfEvidenceArePartOfThePolicy: they are adopted with it; without them it is what it was.
func TestTermsOfEvidenceArePartOfThePolicy(t *testing.T) {
	without, err := (&Config{}).policy()
	require.NoError(t, err)
	require.NotContains(t, string(without), "Evidence")
	config := Config{}
	require.NoError(t, config.Evidence.Keep.UnmarshalText([]byte("P5Y")))
	with, err := config.policy()
	require.NoError(t, err)
	require.Contains(t, string(with), `"Evidence":{"RowLevel":"P0D","Keep":"P5Y"}`)
}
