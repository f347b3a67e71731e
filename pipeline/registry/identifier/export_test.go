package identifier

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What exports leave around an identifier is no part of it, of whatever kind it is.
func TestExported(t *testing.T) {
	for kind, plain := range map[string]string{Username: "anna", Customer: "0042", Email: "anna@example.org", "national-id:XX": "AB12",
		Phone: "+393331234567"} {
		for _, around := range [][2]string{{"\"", "\""}, {"=\"", "\""}, {"", ","}, {"", ";"}, {"<", ">"}, {"“", "”"}, {"ï»¿", ""}, {"", "Â\u00a0"},
			{"Â\u00a0", ""}, {"&nbsp;", ""}, {"", "&nbsp; "}, {"_x000D_", ""}, {"", "_x000D_"}, {"", "_x000d_\r\n"}, {"%20", ""}, {"", "%20%20"},
			{`\u200b`, ""}, {"", `\u00a0`}, {"", `\uFEFF`}, {"&#160;", ""}, {"", "&#xA0;"}, {"", "&#8203;"}, {"%C2%A0", ""}, {"", "%e2%80%8b"},
			{"%EF%BB%BF", "%0D%0A"}, {"", "&NBSP;"},
			{"â€‹", ""}, {" ï»¿\"", "\" "}, {"\ufeffï»¿", "Â\u00a0 \u200b"}} {
			got, err := Normalise(kind, []byte(around[0]+plain+around[1]), "", nil)
			require.NoError(t, err, "%s %+q", kind, around)
			require.Equal(t, plain, string(got), "%s %+q", kind, around)
		}
		got, err := Normalise(kind, []byte(plain+`\u20`), "", nil)
		require.NotEqual(t, plain, string(got), "%s: %v", kind, err)
		for _, before := range []string{"=3D", "u003e", "u003c", "u0022"} {
			got, err := Normalise(kind, []byte(before+plain), "", nil)
			require.Error(t, err, "%s %s gave %s", kind, before, got)
		}
	}
	for value, want := range map[string]string{"'anna": "anna", "’anna": "anna", "‘anna’": "anna", "o'neil": "o'neil", "@anna": "anna", " @ 'anna'": "anna", "'@anna": "anna",
		"+393331234567": "+393331234567", `corp\nina`: `corp\nina`} {
		got, err := Normalise(Username, []byte(value), "", nil)
		require.NoError(t, err, value)
		require.Equal(t, want, string(got), value)
	}
	got, err := Normalise(Email, []byte("email=anna@example.org"), "", nil)
	require.NoError(t, err)
	require.Equal(t, "anna@example.org", string(got))
	_, err = Normalise(Email, []byte("anna@example.orgÂ"), "", nil)
	require.ErrorIs(t, err, ErrAmbiguous, "half of a space that was read in a wrong encoding")
}

// A number that went through a fraction is the whole one if all its digits are still there, and else nobody's.
func TestFloats(t *testing.T) {
	for value, want := range map[string]string{"142043.0": "142043", "142044,0": "142044", "'142043.0": "142043", "0.0": "0", "12E5": "12E5",
		"1.5": "1.5", "v1.1": "v1.1", "1420430": "1420430", "1.2.0": "1.2.0"} {
		got, err := Normalise(Customer, []byte(value), "", nil)
		require.NoError(t, err, value)
		require.Equal(t, want, string(got), value)
	}
	for _, kind := range []string{Customer, "national-id", "national-id:XX"} {
		for _, value := range []string{"1.23457E+11", "1,23457E+11", "1.23457e11", "1E+21", "1.2e-05", "0042.0", "1234567890123456789.0",
			"142043.00", "142043,00", "１４２０４３．００"} {
			got, err := Normalise(kind, []byte(value), "", nil)
			require.ErrorIs(t, err, ErrAmbiguous, "%s %s gave %s", kind, value, got)
		}
	}
	got, err := Normalise("national-id:XX", []byte("142043.0"), "", nil)
	require.NoError(t, err)
	require.Equal(t, "142043", string(got))
}
