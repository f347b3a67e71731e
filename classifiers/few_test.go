package classifiers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestWordsThatStandForTheTableAreNoWords reads the names of fields before a word of their table, or behind one.
func TestWordsThatStandForTheTableAreNoWords(t *testing.T) {
	c := catalogue(t)
	names := []string{"nom", "tel", "sexe", "date_naissance", "photo"}
	values := [][]string{cycle(40, "Awa Ndiaye", "Luc Morel", "Inès Petit"), cycle(40, "0612345678", "0698765432"),
		cycle(40, "M", "F"), cycle(40, "1990-02-11", "1985-10-22", "2001-07-03"), cycle(40, "a1.jpg", "b2.png")}
	want := []classifiers.Category{classifiers.PersonName, classifiers.Phone, classifiers.Gender, classifiers.DateOfBirth,
		classifiers.Photo}
	for _, format := range []string{"%s", "%s_ens", "zzens_%s", "atr_%s"} {
		fields := []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "created_at", Kind: "timestamp"}}
		columns := [][]string{nil, nil}
		for i := range 40 {
			columns[0] = append(columns[0], fmt.Sprint(i+1))
			columns[1] = append(columns[1], "2024-06-19 11:28:25")
		}
		for i, n := range names {
			fields, columns = append(fields, classifiers.Field{Name: fmt.Sprintf(format, n), Kind: "text"}), append(columns, values[i])
		}
		for i, f := range classify(c, "enseignants", fields, columns...).Fields[2:] {
			require.Equal(t, want[i], f.Primary, "%s: %v", f.Field, f.Terms)
		}
	}
}

// TestBeginningsOfTheTablesNameAreNoWords reads names of fields of which a few alone have the beginning of their table's name
// in front or behind. A word that means something stays one.
func TestBeginningsOfTheTablesNameAreNoWords(t *testing.T) {
	c := catalogue(t)
	for table, names := range map[string][]string{"clienti": {"nome_cli", "cognomeCli"}, "clientes": {"nomCli", "apellidoCli"},
		"musteriler": {"mus_ad", "musSoyad"}} {
		v := classify(c, table, []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: names[0], Kind: "text"},
			{Name: names[1], Kind: "text"}, {Name: "email", Kind: "text"}, {Name: "status", Kind: "text"},
			{Name: "ts", Kind: "timestamp"}, {Name: "tipo", Kind: "integer"}},
			cycle(40, "1", "2", "3"), cycle(40, "Anna", "Marco", "Elena"), cycle(40, "Rossi", "Greco", "Bianchi"),
			cycle(40, "a@example.org", "m.g@example.org"), cycle(40, "new", "old"), cycle(40, "2024-06-19 11:28:25"),
			cycle(40, "1", "2"))
		require.Equal(t, classifiers.PersonName, v.Fields[1].Primary, "%s: %v", names[0], v.Fields[1].Terms)
		require.Equal(t, classifiers.PersonName, v.Fields[2].Primary, "%s: %v", names[1], v.Fields[2].Terms)
	}
	meds := c.Verdicts(c.Scan(classifiers.Table{Database: "db", Name: "patient_meds", Fields: []classifiers.Field{
		{Name: "id", Kind: "integer", Key: true}, {Name: "patient_id", Kind: "integer"}, {Name: "med_name", Kind: "text"}}}))
	require.Equal(t, classifiers.Health, meds[0].Fields[2].Primary, meds[0].Fields[2].Terms)
	v := classify(c, "telefoni", []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "tel", Kind: "text"},
		{Name: "tel_casa", Kind: "text"}}, cycle(40, "1", "2"), cycle(40, "06 4470 1234", "02 8839 4411"),
		cycle(40, "06 4470 1234", "02 8839 4411"))
	require.Equal(t, classifiers.Phone, v.Fields[2].Primary, v.Fields[2].Terms)
}

// TestNumbersOfBooksAreNoTelephones sees that numbers of things, and codes under a header that says so, are nobody's number.
func TestNumbersOfBooksAreNoTelephones(t *testing.T) {
	c := catalogue(t)
	var isbn, codes []string
	for i := range 60 {
		nine := fmt.Sprintf("3499%05d", 10000+i*131)
		sum := 0
		for k, d := range nine {
			sum += int(d-'0') * (10 - k)
		}
		check := fmt.Sprint((11 - sum%11) % 11)
		if check == "10" {
			check = "X"
		}
		isbn = append(isbn, nine[:1]+"-"+nine[1:4]+"-"+nine[4:]+"-"+check)
		codes = append(codes, fmt.Sprintf("10-%08d", 15572993+i*917261))
	}
	for _, table := range []string{"medium", "attribution_cours", "eleves"} {
		v := classify(c, table, []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "ISBN", Kind: "text"},
			{Name: "codeAt", Kind: "text"}}, cycle(60, "1", "2"), isbn, codes)
		require.Equal(t, classifiers.None, v.Fields[1].Primary, v.Fields[1].Terms)
		require.NotEqual(t, classifiers.Phone, v.Fields[2].Primary, v.Fields[2].Terms)
	}
}

// TestAFewOddValuesLeaveAPlainHeader reads a table into which somebody typed a few rows to try.
func TestAFewOddValuesLeaveAPlainHeader(t *testing.T) {
	c := catalogue(t)
	fields := []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "first_name", Kind: "text"},
		{Name: "last_name", Kind: "text"}, {Name: "mobile", Kind: "text"}, {Name: "date_of_birth", Kind: "text"},
		{Name: "postcode", Kind: "text"}, {Name: "comment", Kind: "text"}, {Name: "is_active", Kind: "integer"},
		{Name: "passport_expiry", Kind: "date"}, {Name: "dni_days", Kind: "text"}}
	v := classify(c, "customers", fields, []string{"1", "2", "3"}, []string{"asd", "Test", "xx"}, []string{"qwe", "test", "yy"},
		[]string{"asdasd", "lorem", "x12"}, []string{"asd", "soon", "dunno"}, []string{"abc", "ut enim", "q"},
		[]string{"aaa", "hahaha", "ok"}, []string{"1", "0", "1"}, []string{"2031-01-02", "2030-05-06", "2029-07-08"},
		[]string{"monday-wednesday-friday", "tuesday-thursday", "saturday and sunday"})
	want := []classifiers.Category{classifiers.None, classifiers.PersonName, classifiers.PersonName, classifiers.Phone,
		classifiers.DateOfBirth, classifiers.Postcode, classifiers.FreeText, classifiers.None, classifiers.None, classifiers.None}
	for i, f := range v.Fields {
		require.Equal(t, want[i], f.Primary, "%s: %v", f.Field, f.Terms)
	}
	// Where there are many rows, values that are all wrong contradict the header.
	many := classify(c, "customers", fields[:4], cycle(90, "1", "2"), cycle(90, "Anna", "Marek"), cycle(90, "Moser", "Novak"),
		cycle(90, "yes, please", "no", "perhaps", "by post", "never", "at night", "only in May", "ask", "left", "unknown"))
	require.Equal(t, classifiers.None, many.Fields[3].Primary, many.Fields[3].Terms)
}

// TestTextsOfTheProgramAreOfNobody sees that lists of kinds, templates and changes of the schema hold no texts of people.
func TestTextsOfTheProgramAreOfNobody(t *testing.T) {
	c := catalogue(t)
	text := cycle(40, "Sent when somebody asks for a day off, with the days and the reason.", "A person who helps another one.",
		"Adds an index to the table of visits, so that lists are faster.")
	for _, table := range []string{"relationship_type", "email_template", "liquibasechangelog", "leave_types"} {
		v := classify(c, table, []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "name", Kind: "text"},
			{Name: "description", Kind: "text"}, {Name: "author", Kind: "text"}}, cycle(40, "1", "2"), cycle(40, "Parent", "Sibling"),
			text, cycle(40, "admin", "root"))
		require.NotEqual(t, classifiers.FreeText, v.Fields[2].Primary, "%s: %v", table, v.Fields[2].Terms)
	}
}
