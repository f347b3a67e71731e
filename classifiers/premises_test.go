package classifiers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestPlacesOfWorkAreACompanys sees that the address of a branch is a company's, by the last word of the table's name, and that
// of a customer beside it is not.
func TestPlacesOfWorkAreACompanys(t *testing.T) {
	c := catalogue(t)
	streets, towns := cycle(40, "Lindenweg 4", "Am Markt 17", "Goethestraße 2"), cycle(40, "Kassel", "Jena", "Trier")
	phones := cycle(40, "0561 28 4410", "03641 22 1133", "0651 4 88120")
	for table, company := range map[string]bool{"mietstationen": true, "verkaufsstandorte": true, "branches": true, "warehouses": true,
		"kunden": false, "bestellungen": false} {
		v := classify(c, table, textFields("strasse", "stadt", "telefon"), streets, towns, phones)
		for _, f := range v.Fields {
			require.Equal(t, company, !f.Personal(), "%s.%s: %v", table, f.Field, f.Terms)
		}
	}
	v := classify(c, "branch_customers", textFields("nachname", "strasse", "telefon"), cycle(40, "Hübner", "Pfaff"), streets, phones)
	for _, f := range v.Fields {
		require.True(t, f.Personal(), "%s: %v", f.Field, f.Terms)
	}
}

// TestExtensionsAreTelephones holds a few digits under a header for an extension to be one, and nobody's identifier.
func TestExtensionsAreTelephones(t *testing.T) {
	f := classify(catalogue(t), "employees", textFields("last_name", "extension"), cycle(40, "Ashcroft", "Whitaker"),
		cycle(40, "4102", "4117", "209")).Fields[1]
	require.Equal(t, classifiers.Phone, f.Primary)
	require.Empty(t, f.SubjectKind)
}

// TestKeysOfMachinesAreNoDevices tells the key of a list of machines from the number of somebody's telephone.
func TestKeysOfMachinesAreNoDevices(t *testing.T) {
	var keys []string
	for i := range 40 {
		keys = append(keys, fmt.Sprint(100+i))
	}
	fields := []classifiers.Field{{Name: "sportgeraet_id", Kind: "decimal", Key: true}, {Name: "bezeichnung", Kind: "text"}}
	f := classify(catalogue(t), "sportgeraete", fields, keys, cycle(40, "Treadmill", "Bike")).Fields[0]
	require.Equal(t, classifiers.None, f.Primary, "%v", f.Terms)
}

// TestHousesOfAllNumbers keeps the numbers behind streets though many of them fill their range.
func TestHousesOfAllNumbers(t *testing.T) {
	var numbers, names []string
	for i := range 200 {
		numbers, names = append(numbers, fmt.Sprint(1+i*7%190)), append(names, []string{"Ackermann", "Hübner", "Pfaff"}[i%3])
	}
	fields := []classifiers.Field{{Name: "nachname", Kind: "text"}, {Name: "strasse", Kind: "text"}, {Name: "hausnr", Kind: "integer"}}
	f := classify(catalogue(t), "kunden", fields, names, cycle(200, "Lindenweg", "Am Markt"), numbers).Fields[2]
	require.Equal(t, classifiers.PostalAddress, f.Primary, "%v", f.Terms)
}

// TestCodesOfStreetsAreNoAddresses tells what numbers a street in a list from the street.
func TestCodesOfStreetsAreNoAddresses(t *testing.T) {
	f := classify(catalogue(t), "indirizzi", textFields("codice_indirizzo", "cap"), cycle(40, "IND001", "IND002", "IND003"),
		cycle(40, "10121", "24122")).Fields[0]
	require.NotEqual(t, classifiers.PostalAddress, f.Primary, "%v", f.Terms)
}

// TestTelephonesThatSomebodyTyped keeps a telephone that somebody typed to try, and no flag.
func TestTelephonesThatSomebodyTyped(t *testing.T) {
	tried := func(values ...string) classifiers.Category {
		return classify(catalogue(t), "users", textFields("first_name", "last_name", "phone"), cycle(11, "Anna", "Ben", "asd"),
			cycle(11, "Schmidt", "Weber"), cycle(11, values...)).Fields[2].Primary
	}
	require.Equal(t, classifiers.Phone, tried("1212", "1", "1111"))
	require.Equal(t, classifiers.None, tried("0", "1"))
}
