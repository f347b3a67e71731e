package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

func TestGateLetsNoPersonalDataThrough(t *testing.T) {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	for value, says := range map[string]string{
		"ada@lago.it":                       "email",
		"rows of ada@lago.it stay":          "email",
		"IBAN DE89370400440532013000":       "iban",
		"card 4111111111111111":             "credit_card",
		"stra\xdfe":                         "not UTF-8",
		"Rossi":                             "", // the words of a catalog may look like a name
		"Rome":                              "",
		"D_CONSENT_WITHDRAWN":               "",
		"The oldest was due on 2026-10-01.": "",
		"sha256 of 3 files, 1250 rows of 200,000": "",
	} {
		err := gate{catalogue}.Check("plans", "words", []string{"fine", value})
		if says == "" {
			require.NoError(t, err, value)
			continue
		}
		require.ErrorContains(t, err, says, value)
		require.ErrorContains(t, err, "table plans column words")
		require.NotContains(t, err.Error(), value)
	}
}

// The id of a key may look like the number of a card, and is none. Nothing else may stand in its place.
func TestGateLetsIDsOfKeysThrough(t *testing.T) {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	g := gate{catalogue}
	require.NoError(t, g.Check("approvals", "key_id", []string{"4111111111111111", "41111111"}))
	require.Error(t, g.Check("approvals", "comment", []string{"4111111111111111"}))
	require.Error(t, g.Check("approvals", "key_id", []string{"ada@example.com", "4111 1111 1111 1111"}))
}
