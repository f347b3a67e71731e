package identifier

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What stands beside a number is no digit of it: who wrote it meant somebody, and the number with one digit more is
// somebody else's.
func TestRemarksMakeNoOtherNumber(t *testing.T) {
	for _, value := range []string{"06 1234567.0", "06 1234567,0", "06 1234567.00", "061234567.00", "06 1234567,00", "06 1234567 (2)",
		"06 1234567 [2]", "06 1234567 nr. 8", "06 1234567 e 8", "06 1234567*8", "06 1234567 n2", "06 1234567 2",
		"06 1234567-8", "06 1234567 - 8", "06.1234567.8", "06 1234567 24", "06 1234567 222", "1) 06 1234567",
		"1. 06 1234567", "1 06 1234567", "12. 06 1234567", "n.1 06 1234567", "2x 06 1234567", "06 1234567 24h",
		"06 1234567 h24", "061234567E0", "6.1234567E7", "6.1234567E+07", "06 1234567 abc", "06 1234567 a", "06 1234567 #3",
		"06 1234567,,3", "06 1234567 p2", "06 1234567/8", "06 1234567 / 8", "06 1234567 dopo le 18", "Roma 06 1234567",
		"06 1234567 (casa)", "(06 1234567", "06) 1234567", "06 1234567()", "(06) (12) 34567", "++39061234567",
		"06+1234567", "+39 [0] 347 1234567", "06 1234567~8", "06_1234567", "06\\1234567", "061234567'8",
		"061234567 / 061234568", "0612345 / 12346", "06 1234567 ²", "1.23457E+11", "+39 0 346 123456", "06 12345678)", "(06 1234567)",
		"tel:06-1234567;ext=2", "tel:+39061234567;phone-context=+39", "06--1234567-", "06 1234567 (", "00 (06 1234567"} {
		got, err := Normalise(Phone, []byte(value), "IT", nil)
		require.ErrorIs(t, err, ErrAmbiguous, "%q gave %s", value, got)
	}
	for value, want := range map[string]string{"3471234567.0": "+393471234567", "+393471234567,0": "+393471234567",
		"+39 0 347 1234567": "+393471234567", "+390347 1234567": "+393471234567", "+3903471234567": "+393471234567",
		"0347 1234567": "+393471234567", "(06) 1234567": "+39061234567", "+39 (06) 1234567": "+39061234567",
		"06/1234567": "+39061234567", "06 - 1234567": "+39061234567", "06 / 1234567": "+39061234567",
		"+39/347/1234567": "+393471234567", "+ 39 347 12 34 567": "+393471234567", "06.12.34.56.78": "+390612345678",
		"+49 30 12345-0": "+4930123450", "+49 711 123456-78": "+4971112345678", "06 1234567.": "+39061234567",
		"=" + `"06 1234567"`: "+39061234567", "p:+393471234567": "+393471234567", "(+39) (0)347 1234567": "+393471234567",
		"+39  347   1234567": "+393471234567", "0346 212345": "+390346212345", "+39 /0/ 347 1234567": "+393471234567", "+39034621234": "+39034621234"} {
		got, err := Normalise(Phone, []byte(value), "IT", nil)
		require.NoError(t, err, value)
		require.Equal(t, want, string(got), value)
	}
}

// The digits of a number are those that stand there, in their order, less what is dialled before it.
func TestDigitsAreThoseThatStandThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"IT", "DE", "FR", "GB", "US", ""}).Draw(t, "country")
		number := rapid.StringMatching(`(\+39|0039|\+49|\+1|\+44|)[ (]?\(?[0-9]{2,4}\)?[ ./-]?[0-9]{2,7}`).Draw(t, "number")
		beside := rapid.StringMatching(`([ -~]{0,3}[0-9]?[ -~]{0,2})`)
		value := beside.Draw(t, "before") + number + beside.Draw(t, "behind")
		got, err := Normalise(Phone, []byte(value), country, nil)
		if err != nil {
			return
		}
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, value)
		for _, code := range []string{"39", "49", "33", "44", "1"} {
			if own, ok := strings.CutPrefix(string(got), "+"+code); ok {
				require.True(t, strings.HasSuffix(digits, own) || strings.HasSuffix(strings.TrimSuffix(digits, "0"), own),
					"%q gave %s", value, got)
			}
		}
	})
}
