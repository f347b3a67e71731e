package classifiers_test

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// catalogue compiles the detectors or fails the test.
func catalogue(t testing.TB, customs ...classifiers.Custom) *classifiers.Catalogue {
	t.Helper()
	c, err := classifiers.New(customs...)
	require.NoError(t, err)
	return c
}

// record builds a record of binary columns. All columns are of one length.
func record(columns ...[]string) arrow.Record {
	fields := make([]arrow.Field, len(columns))
	for i := range fields {
		fields[i] = arrow.Field{Type: arrow.BinaryTypes.Binary, Nullable: true}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for i, col := range columns {
		for _, v := range col {
			b.Field(i).(*array.BinaryBuilder).Append([]byte(v))
		}
	}
	return b.NewRecord()
}

// classify scans one table and returns its verdict.
func classify(c *classifiers.Catalogue, table string, fields []classifiers.Field,
	columns ...[]string) classifiers.TableVerdict {
	s := c.Scan(classifiers.Table{Database: "db", Name: table, Fields: fields})
	s.Observe(record(columns...))
	return c.Verdicts(s)[0]
}

func TestVerdictOnATableOfPersons(t *testing.T) {
	v := classify(catalogue(t), "customers",
		[]classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "FirstName", Kind: "text"},
			{Name: "cognome", Kind: "text"}, {Name: "mail", Kind: "text"}, {Name: "email_verified", Kind: "integer"}},
		[]string{"1", "2", "3"}, []string{"Anna", "Marek", "Jürgen"}, []string{"Rossi", "Kowalski", "Schröder"},
		[]string{"anna.rossi@posta.it", "marek@firma.pl", "j.schroeder@post.de"}, []string{"0", "1", "1"})
	require.Equal(t, "person", v.Subject)
	var got []classifiers.Category
	for _, f := range v.Fields {
		got = append(got, f.Primary)
	}
	require.Equal(t, []classifiers.Category{classifiers.None, classifiers.PersonName, classifiers.PersonName,
		classifiers.Email, classifiers.None}, got)
	require.Equal(t, "email", v.Fields[3].SubjectKind)
	require.Equal(t, "family", v.Fields[2].Sub)
}

func TestObserveCountsNullsSlicesAndEmptyRecords(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator,
		arrow.NewSchema([]arrow.Field{{Type: arrow.BinaryTypes.Binary, Nullable: true}}, nil))
	col := b.Field(0).(*array.BinaryBuilder)
	for _, v := range []string{"skipped@posteo.de", "", "anna@posteo.de"} {
		col.Append([]byte(v))
	}
	col.AppendNull()
	col.Append([]byte("bert@posteo.de"))
	rec := b.NewRecord()
	c := catalogue(t)
	s := c.Scan(classifiers.Table{Name: "t", Fields: textFields("c1")})
	s.Observe(b.NewRecord())
	s.Observe(rec.NewSlice(1, 5))
	v := c.Verdicts(s)[0]
	require.EqualValues(t, 4, v.Rows)
	require.EqualValues(t, 2, v.Fields[0].NonEmpty)
	require.EqualValues(t, 2, v.Fields[0].Distinct)
	require.Equal(t, classifiers.Email, v.Fields[0].Primary)
	require.Panics(t, func() { s.Observe(record([]string{"a"}, []string{"b"})) })
}

func TestForeignKeysCarryVerdicts(t *testing.T) {
	c := catalogue(t)
	people := c.Scan(classifiers.Table{Database: "db", Name: "members", Fields: textFields("login_name", "email")})
	people.Observe(record([]string{"anna7", "bert_x"}, []string{"anna@posteo.de", "bert@posteo.de"}))
	orders := c.Scan(classifiers.Table{Database: "db", Name: "loans",
		Fields: []classifiers.Field{{Name: "who", Kind: "text", References: "members.login_name"},
			{Name: "nr", Kind: "integer"}}})
	orders.Observe(record([]string{"anna7", "anna7"}, []string{"1", "2"}))
	v := c.Verdicts(people, orders)[1]
	require.Equal(t, classifiers.Username, v.Fields[0].Primary, "%v", v.Fields[0].Terms)
	require.Equal(t, classifiers.None, v.Fields[1].Primary)
}

func TestCompanyDataIsMarked(t *testing.T) {
	v := classify(catalogue(t), "suppliers", textFields("company_name", "contact_name", "phone", "city"),
		[]string{"Brenner GmbH", "Otto Farben AG", "Nordwind Logistik GmbH"},
		[]string{"Anna Brenner", "Karl Otto", "Ute Lang"},
		[]string{"+49 30 901820", "+49 89 233123", "+49 40 428280"}, []string{"Berlin", "Kassel", "Hamburg"})
	require.Equal(t, "company", v.Subject)
	require.Equal(t, classifiers.CompanyOnly, v.Fields[0].Primary)
	require.True(t, v.Fields[1].Personal())
	require.Equal(t, classifiers.Phone, v.Fields[2].Primary)
	require.True(t, v.Fields[2].Company)
	require.False(t, v.Fields[2].Personal())
}

func TestRoleAndFictitiousAddressesAreMarked(t *testing.T) {
	v := classify(catalogue(t), "t", textFields("mail", "contact_email"),
		[]string{"a@example.com", "b@example.org", "c@posteo.de"},
		[]string{"info@firma.de", "sales@shop.it", "noreply@x.org"})
	require.EqualValues(t, 2, v.Fields[0].Fictitious)
	require.False(t, v.Fields[0].RoleAddress)
	require.True(t, v.Fields[1].RoleAddress)
}
