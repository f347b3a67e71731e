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
func classify(c *classifiers.Catalogue, table string, fields []classifiers.Field, columns ...[]string) classifiers.TableVerdict {
	s := c.Scan(classifiers.Table{Database: "db", Name: table, Fields: fields})
	s.Observe(record(columns...))
	return c.Verdicts(s)[0]
}

func TestVerdictOnATableOfPersons(t *testing.T) {
	v := classify(catalogue(t), "customers",
		[]classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "FirstName", Kind: "text"}, {Name: "cognome", Kind: "text"}, {Name: "mail", Kind: "text"}, {Name: "email_verified", Kind: "integer"}},
		[]string{"1", "2", "3"}, []string{"Anna", "Marek", "Jürgen"}, []string{"Rossi", "Kowalski", "Schröder"},
		[]string{"anna.rossi@posta.it", "marek@firma.pl", "j.schroeder@post.de"}, []string{"0", "1", "1"})
	require.Equal(t, "person", v.Subject)
	var got []classifiers.Category
	for _, f := range v.Fields {
		got = append(got, f.Primary)
	}
	require.Equal(t, []classifiers.Category{classifiers.None, classifiers.PersonName, classifiers.PersonName, classifiers.Email, classifiers.None}, got)
	require.Equal(t, "email", v.Fields[3].SubjectKind)
	require.Equal(t, "family", v.Fields[2].Sub)
}
