package classifiers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// primary is what each field of a table is judged to be.
func primary(c *classifiers.Catalogue, table string, names []string, values ...[]string) map[string]classifiers.Category {
	list := map[string]classifiers.Category{}
	for _, f := range classify(c, table, textFields(names...), values...).Fields {
		list[f.Field] = f.Primary
	}
	return list
}

// TestNamesThatBeginWithTheTable reads headers glued to the word that all of them begin with, whose first letters are no prefix.
func TestNamesThatBeginWithTheTable(t *testing.T) {
	c := catalogue(t)
	for _, word := range []string{"student", "teacher", "member"} {
		got := primary(c, word+"s", []string{word + "name", word + "phone", word + "gender", word + "birth", word + "address",
			word + "email"}, cycle(40, "Winifred Ashcroft", "Desmond Whitaker", "Imogen Holloway"),
			cycle(40, "+44 20 7946 0018", "+44 20 7946 0951"), cycle(40, "male", "female"), cycle(40, "1987-03-02", "1990-11-17"),
			cycle(40, "12 Mill Lane", "4 Park Road"), cycle(40, "w.ashcroft@mail.example", "d.whitaker@mail.example"))
		require.Equal(t, map[string]classifiers.Category{word + "name": classifiers.PersonName,
			word + "phone": classifiers.Phone, word + "gender": classifiers.Gender, word + "birth": classifiers.DateOfBirth,
			word + "address": classifiers.PostalAddress, word + "email": classifiers.Email}, got)
	}
}

// TestWordsWithALetterAmiss reads headers that somebody has misspelt, and leaves short and other words alone.
func TestWordsWithALetterAmiss(t *testing.T) {
	c := catalogue(t)
	for name, want := range map[string]classifiers.Category{"nacimento_paciente": classifiers.DateOfBirth,
		"telphone": classifiers.Phone, "emailadress": classifiers.Email, "geburtsdatm": classifiers.DateOfBirth,
		"fist_name": "", "contrast": "", "postage": ""} {
		h := c.Header(name)
		if want == "" {
			require.NotContains(t, h.Categories, classifiers.PostalAddress, name)
			continue
		}
		require.NotEmpty(t, h.Categories, name)
		require.Equal(t, want, h.Categories[0], name)
	}
}

// TestNumbersBehindStreets takes a number behind a street for the number of a house, and no other.
func TestNumbersBehindStreets(t *testing.T) {
	c := catalogue(t)
	streets, numbers := cycle(40, "Lindenweg", "Am Markt", "Goethestraße"), cycle(40, "12", "4", "77b")
	names, codes := cycle(40, "Ackermann", "Schlüter", "Hübner"), cycle(40, "10115", "80331", "04103")
	got := primary(c, "mitglied", []string{"nachname", "strasse", "nr", "plz"}, names, streets, numbers, codes)
	require.Equal(t, classifiers.PostalAddress, got["nr"])
	got = primary(c, "mitglied", []string{"nachname", "strasse", "kontaktnummer", "plz"}, names, streets,
		cycle(40, "030 4410", "089 221133", "040 88120"), codes)
	require.Equal(t, classifiers.Phone, got["kontaktnummer"])
	got = primary(c, "artikel", []string{"bezeichnung", "nr", "preis"}, cycle(40, "Schraube", "Mutter"), numbers, cycle(40, "2.50", "3.10"))
	require.Equal(t, classifiers.None, got["nr"])
}

// TestAnimalsAreNobody sees that names and births beside a species are an animal's, and those of its owner are not.
func TestAnimalsAreNobody(t *testing.T) {
	c := catalogue(t)
	got := primary(c, "mascotas", []string{"id", "nombre", "especie", "sexo", "fecha_nacimiento"}, cycle(40, "1", "2", "3"),
		cycle(40, "Luna", "Rocky", "Simón"), cycle(40, "perro", "gato"), cycle(40, "M", "H"), cycle(40, "2019-04-02", "2021-07-11"))
	for field, kind := range got {
		require.Equal(t, classifiers.None, kind, field)
	}
	got = primary(c, "clientes", []string{"id", "nombre", "apellidos", "telefono", "especie"}, cycle(40, "1", "2", "3"),
		cycle(40, "Almudena", "Iker", "Rocío"), cycle(40, "Echeverría", "Cabrera"), cycle(40, "+34 612 345 678", "+34 699 120 001"),
		cycle(40, "perro", "gato"))
	require.Equal(t, classifiers.PersonName, got["apellidos"])
	require.Equal(t, classifiers.Phone, got["telefono"])
}

// TestUsersBesidePasswords takes a user in front of a password for a login.
func TestUsersBesidePasswords(t *testing.T) {
	c := catalogue(t)
	got := primary(c, "access", []string{"user", "password"}, cycle(40, "otter7", "finch", "kite22"), cycle(40, "Xy7kkq21", "pp09zzt1"))
	require.Equal(t, classifiers.Username, got["user"])
}

// TestPostcodesOfManyLands keeps a header for postal codes over codes of many countries.
func TestPostcodesOfManyLands(t *testing.T) {
	c := catalogue(t)
	got := primary(c, "person", []string{"first_name", "last_name", "postcode"}, cycle(40, "Winifred", "Desmond"),
		cycle(40, "Ashcroft", "Whitaker"), cycle(40, "414009", "75778 CEDEX 16", "2605-150", "V9B", "L-8295", "427 35"))
	require.Equal(t, classifiers.Postcode, got["postcode"])
}
