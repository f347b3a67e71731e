package classifiers_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestOrdinaryNumbersHaveAConfidence judges columns of numbers that all, or three of four, fit schemes without a check:
// the confidence is a number, and such a scheme is not among the reasons.
func TestOrdinaryNumbersHaveAConfidence(t *testing.T) {
	c := catalogue(t)
	for _, k := range []struct {
		header string
		digits int
		want   classifiers.Category
	}{
		{"customer_no", 7, classifiers.OtherPersonal},
		{"customer_no", 8, classifiers.OtherPersonal},
		{"passport_no", 7, classifiers.Passport},
		{"passport_no", 8, classifiers.Passport},
		{"passport_no", 9, classifiers.Passport},
		{"vat_no", 8, classifiers.CompanyOnly},
		{"vat_no", 9, classifiers.CompanyOnly},
		{"tax_id", 8, classifiers.TaxID},
		{"personnummer", 10, classifiers.NationalID},
		{"personnummer", 11, classifiers.NationalID},
		{"account_no", 8, classifiers.BankAccount},
		{"license_plate", 6, classifiers.VehiclePlate},
	} {
		for _, kind := range []string{"text", "integer"} {
			for _, rows := range []int{1, 2, 3, 12, 400} {
				name := fmt.Sprintf("%s of %d digits, %s, %d rows", k.header, k.digits, kind, rows)
				r := rand.New(rand.NewSource(int64(rows)))
				var fits, mixed []string
				for i := range rows {
					number := fmt.Sprintf("%d%s", 1+r.Intn(9), digits(r, k.digits-1))
					fits = append(fits, number)
					if i%4 == 1 {
						number += digits(r, 19)
					}
					mixed = append(mixed, number)
				}
				fields := []classifiers.Field{{Name: k.header, Kind: kind}, {Name: "first_name", Kind: "text"}}
				v := classify(c, "customers", fields, fits, repeat("Anna,Marek,Ute", rows)).Fields[0]
				require.True(t, v.Confidence >= 0 && v.Confidence <= 1, "%s: %v %v", name, v.Confidence, v.Terms)
				if k.want == classifiers.CompanyOnly {
					require.False(t, v.Primary.Personal(), "%s: %v", name, v.Terms)
				} else {
					require.Equal(t, k.want, v.Primary, "%s: %v", name, v.Terms)
				}
				partly := classify(c, "customers", fields, mixed, repeat("Anna,Marek,Ute", rows)).Fields[0]
				require.True(t, partly.Confidence >= 0 && partly.Confidence <= 1, "%s: %v", name, partly.Terms)
				for _, term := range append(v.Terms, partly.Terms...) {
					require.NotContains(t, term.Detail, "chance 1,", "%s: what everything fits is no evidence", name)
				}
			}
		}
	}
}

// TestNoSchemeWithoutACheckIsEvidence: numbers that fit schemes without a check are not found for them in a field whose
// name says nothing, whichever scheme it is.
func TestNoSchemeWithoutACheckIsEvidence(t *testing.T) {
	c := catalogue(t)
	looked := 0
	for _, d := range c.Detectors() {
		if !d.HeaderOnly || d.Country == "" || len(d.Valid) == 0 {
			continue
		}
		looked++
		values := make([]string, 40)
		for i := range values {
			r := rand.New(rand.NewSource(int64(i)))
			values[i] = strings.Map(func(b rune) rune {
				if b >= '0' && b <= '9' && r.Intn(2) == 0 {
					return '0' + rune(r.Intn(10))
				}
				return b
			}, d.Valid[i%len(d.Valid)])
		}
		fields := []classifiers.Field{{Name: "c1", Kind: "text"}}
		v := classify(c, "t", fields, values).Fields[0]
		for _, term := range v.Terms {
			require.NotContains(t, term.Detail, d.ID+" passes", "%s: %v", d.ID, v.Terms)
		}
	}
	require.Greater(t, looked, 60)
}

// TestAddressesWithPortsAreNoVersions: what stands behind an address hides it no more than its header does.
func TestAddressesWithPortsAreNoVersions(t *testing.T) {
	c := catalogue(t)
	for _, form := range []string{"%s", "%s:8080", "%s/24", "%s/255.255.255.0", "%s 255.255.255.0", "%s-203.0.113.9"} {
		var addresses, versions []string
		for i := range 60 {
			addresses = append(addresses, fmt.Sprintf(form, fmt.Sprintf("%d.%d.%d.%d", 80+i, 3*i, 250-i, i)))
			versions = append(versions, fmt.Sprintf(form, fmt.Sprintf("%d.%d.%d.%d", 1+i%4, i%10, i%7, i%3)))
		}
		fields := []classifiers.Field{{Name: "c1", Kind: "text"}}
		v := classify(c, "t", fields, addresses).Fields[0]
		require.Equal(t, classifiers.IPAddress, v.Primary, "%s: %v", form, v.Terms)
		require.False(t, classify(c, "t", fields, versions).Fields[0].Personal(), form)
	}
}
