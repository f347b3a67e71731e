package classifiers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestLettersThatAllNamesShareAreNoWords reads the names of fields behind letters that all of them begin with.
func TestLettersThatAllNamesShareAreNoWords(t *testing.T) {
	c := catalogue(t)
	values := [][]string{cycle(60, "1", "2", "3"), cycle(60, "Lindenweg", "Am Markt", "Goethestraße"),
		cycle(60, "12", "4", "77b"), cycle(60, "10115", "80331", "04103"), cycle(60, "030 4410", "089 221133"),
		cycle(60, "Bitte klingeln", "ruft Montag an", "")}
	want := []classifiers.Category{classifiers.None, classifiers.PostalAddress, classifiers.PostalAddress, classifiers.Postcode,
		classifiers.Phone, classifiers.FreeText}
	names := []string{"id", "street", "streetnr", "zip", "phone", "remark"}
	for _, prefix := range []string{"", "ox", "zzq", "kd_"} {
		var fields []classifiers.Field
		for i, n := range names {
			fields = append(fields, classifiers.Field{Name: prefix + n, Kind: "text", Key: i == 0})
		}
		v := classify(c, prefix+"customers", fields, values...)
		for i, f := range v.Fields {
			require.Equal(t, want[i], f.Primary, "%s: %v", f.Field, f.Terms)
		}
	}
}

// TestNamesThatShareAWordKeepIt sees that a word in front of all names, and two letters in front of some, are no prefix.
func TestNamesThatShareAWordKeepIt(t *testing.T) {
	c := catalogue(t)
	given := cycle(60, "Anna", "Marek", "Jürgen")
	for _, names := range [][]string{{"telefon", "telefax", "teltag", "telnacht", "telmobil", "telprivat"},
		{"street", "stairs", "storey", "given", "zip", "city"}} {
		var fields []classifiers.Field
		var columns [][]string
		for _, n := range names {
			fields = append(fields, classifiers.Field{Name: n, Kind: "text"})
			columns = append(columns, given)
		}
		require.NotPanics(t, func() { classify(c, "t", fields, columns...) })
	}
	phones := cycle(60, "030 4410", "089 221133", "+49 171 4412099")
	var fields []classifiers.Field
	var columns [][]string
	for _, n := range []string{"telefon", "telefax", "telmobil", "telbuero", "telprivat", "telzuhause"} {
		fields, columns = append(fields, classifiers.Field{Name: n, Kind: "text"}), append(columns, phones)
	}
	require.Equal(t, classifiers.Phone, classify(c, "kunden", fields, columns...).Fields[0].Primary)
}

// TestListsOfNumbersAreNoPlaces sees that whole numbers with a comma between are a list, and decimal commas an amount.
func TestListsOfNumbersAreNoPlaces(t *testing.T) {
	c := catalogue(t)
	var ids, amounts, points []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("%d,%d", i%80, i*7%90))
		amounts = append(amounts, fmt.Sprintf("%d,%02d", i%80, i*7%100))
		points = append(points, fmt.Sprintf("%d.%05d,%d.%05d", 41+i%9, 10007*i%99999, 7+i%5, 20011*i%99999))
	}
	v := classify(c, "albums", textFields("groups", "c2", "c3"), ids, amounts, points)
	require.Equal(t, classifiers.None, v.Fields[0].Primary, v.Fields[0].Terms)
	require.Equal(t, classifiers.None, v.Fields[1].Primary, v.Fields[1].Terms)
	require.Equal(t, classifiers.Coordinates, v.Fields[2].Primary, v.Fields[2].Terms)
}

// TestKeysAreNoLogins sees that a key of random letters and digits is no login whatever its header says, and that names
// under the header of a key are.
func TestKeysAreNoLogins(t *testing.T) {
	c := catalogue(t)
	var keys, logins []string
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("%016x%016x", uint64(i)*0x9e3779b97f4a7c15, uint64(i)*0xbf58476d1ce4e5b9))
		logins = append(logins, fmt.Sprintf("%s%d", []string{"otter", "finch", "kite", "maple"}[i%4], i%30))
	}
	v := classify(c, "ratings", textFields("userid", "score"), keys, cycle(200, "1", "2", "5"))
	require.Equal(t, classifiers.None, v.Fields[0].Primary, v.Fields[0].Terms)
	v = classify(c, "users", textFields("userid", "password", "real_name"), logins, cycle(200, "secret1", "hunter22"),
		cycle(200, "Anna Rossi", "Marek Kowalski"))
	require.Equal(t, classifiers.Username, v.Fields[0].Primary, v.Fields[0].Terms)
}

// TestAListOfPlacesIsNobodys tells a list of all places from the place of each person.
func TestAListOfPlacesIsNobodys(t *testing.T) {
	c := catalogue(t)
	all := []string{"Italy", "Germany", "France", "Spain", "Poland", "Norway", "Japan", "Switzerland", "Portugal", "Greece"}
	v := classify(c, "hr_country", textFields("code", "name"), []string{"IT", "DE", "FR", "ES", "PL", "NO", "JP", "CH", "PT", "GR"}, all)
	require.Equal(t, classifiers.None, v.Fields[1].Primary, v.Fields[1].Terms)
	v = classify(c, "customers", textFields("first_name", "last_name", "country"), cycle(40, "Anna", "Marek"),
		cycle(40, "Rossi", "Kowalski", "Schröder"), cycle(40, all...))
	require.Equal(t, classifiers.Country, v.Fields[2].Primary, v.Fields[2].Terms)
}

// TestListsOfMedicinesAreNobodys: words for health in tables that have no persons and refer to none are of a list, also in few
// rows, and a key into it says nothing by itself; beside a person they do.
func TestListsOfMedicinesAreNobodys(t *testing.T) {
	c := catalogue(t)
	scan := func(table string, fields []classifiers.Field, columns ...[]string) *classifiers.Scan {
		s := c.Scan(classifiers.Table{Database: "studio", Name: table, Fields: fields})
		s.Observe(record(columns...))
		return s
	}
	text := func(name, to string, key bool) classifiers.Field {
		return classifiers.Field{Name: name, Kind: "text", References: to, Key: key}
	}
	ids, drugs := []string{"324252", "342512", "412354", "542342"}, []string{"Aciclovir", "Sciroppo", "Xanax", "Aspirina"}
	people := []string{"BCCMRA89D57G288S", "NGSFLC96H15F106X", "RFFFNC80S25D086W", "SSSLNE71A46H558D"}
	verdicts := c.Verdicts(
		scan("farmaco", []classifiers.Field{text("codice_farmaco", "", true), text("nome_farmaco", "", false),
			text("tipologia_farmaco", "", false)}, ids, drugs, []string{"Antibiotico", "Antinfiammatorio", "Ansiolitico", "Antibiotico"}),
		scan("usato", []classifiers.Field{text("codice_cura_usata", "", true), text("codice_farmaco_usato", "farmaco.codice_farmaco", true),
			text("nome_farmaco_usato", "", false)}, []string{"132452", "412345", "452124", "241567"}, ids, drugs),
		scan("paziente", []classifiers.Field{text("codice_fiscale", "", true), text("nome", "", false), text("cognome", "", false),
			text("farmaco", "", false), text("numero_telefonico", "", false)}, people, []string{"Maria", "Felice", "Francesco", "Elena"},
			[]string{"Bucca", "Negus", "Ruffolo", "Sassi"}, drugs, []string{"3452198201", "3331190762", "3207263145", "3309078612"}))
	require.Empty(t, found(verdicts[0]))
	require.Empty(t, found(verdicts[1]))
	require.Contains(t, found(verdicts[2]), "farmaco health")
	require.Contains(t, found(verdicts[2]), "numero_telefonico phone")
}
