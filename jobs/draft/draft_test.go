package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/setup"
)

var today = time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)

// shop is a source with customers, their orders and the lines of these, and a table without people.
func shop() *Draft {
	key := []string{"id"}
	id := connectors.Field{Name: "id", Kind: connectors.Integer}
	tables := []connectors.Table{
		{Name: "customers", Key: key, Fields: []connectors.Field{id,
			{Name: "email", Kind: connectors.Text, Nullable: true},
			{Name: "created_at", Kind: connectors.Timestamp},
			{Name: "updated_at", Kind: connectors.Timestamp},
			{Name: "is_active", Kind: connectors.Integer}}},
		{Name: "orders", Key: key, Fields: []connectors.Field{id, {Name: "customer", Kind: connectors.Integer}},
			ForeignKeys: []connectors.ForeignKey{{Fields: []string{"customer"}, RefTable: "customers",
				RefFields: key}}},
		{Name: "visits", Key: key, Fields: []connectors.Field{id, {Name: "customer", Kind: connectors.Integer,
			Nullable: true}},
			ForeignKeys: []connectors.ForeignKey{{Fields: []string{"customer"}, RefTable: "customers",
				RefFields: key}}},
		{Name: "carts", Key: key, Fields: []connectors.Field{id, {Name: "customer", Kind: connectors.Integer,
			Nullable: true}},
			ForeignKeys: []connectors.ForeignKey{{Fields: []string{"customer"}, RefTable: "customers",
				RefFields: key, OnDelete: "CASCADE"}}},
		{Name: "countries", Key: key, Fields: []connectors.Field{id}},
	}
	email := classifiers.Verdict{Field: "email", Primary: classifiers.Email, SubjectKind: "email", Confidence: 0.99}
	verdicts := []classifiers.TableVerdict{
		{Table: "customers", Rows: 10, Fields: []classifiers.Verdict{email}},
		{Table: "orders", Rows: 40}, {Table: "visits", Rows: 90}, {Table: "carts", Rows: 30},
		{Table: "countries", Rows: 200},
	}
	k := connectors.Connector{Name: "sqlite", Schemes: []string{"sqlite"}, Suffix: []string{".db"}}
	return New(k, connectors.Options{Name: "Shop 1.db", DSN: "Shop 1.db"}, tables, verdicts, today)
}

func TestDraftOfAShop(t *testing.T) {
	d := shop()
	require.Equal(t, 1, d.People())
	text := d.Text()
	for _, want := range []string{
		"on 2026-11-20: 5 tables, 1 of them with people",
		"  shop-1-db:\n", `dsn: "Shop 1.db"`,
		"# customers: 10 rows. Found: email (email, certain)",
		"subject: {email: email}",
		"collected: created_at   # decide: is this the day of collecting?",
		`# block: {set: {is_active: "0"}, unset: {is_active: "1"}}`,
		"- {table: orders, fk: [customer], do: delete}",
		"- {table: visits, fk: [customer], do: set_null}",
		"- {table: carts, fk: [customer], do: delete}",
		"anonymize: {email: null}",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "countries", "a table without people and without a reference is not spoken of")
}

func TestStepsNameTheFile(t *testing.T) {
	require.Contains(t, strings.Join(shop().Steps("lethe.yaml"), "\n"), "\nlethe check   #")
	require.Contains(t, strings.Join(shop().Steps("shop.yaml"), "\n"), "lethe check --config shop.yaml")
}

func TestWords(t *testing.T) {
	for name, want := range map[string]string{"email": "email", "null": `"null"`, "No": `"No"`, "a b": `"a b"`,
		"1st": `"1st"`, "": `""`} {
		require.Equal(t, want, word(name))
	}
	for confidence, want := range map[float64]string{0.95: "certain", 0.94: "probable", 0.8: "probable",
		0.79: "possible"} {
		require.Equal(t, want, Sure(confidence))
	}
}

func TestAFileIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lethe.yaml")
	require.NoError(t, Free(path))
	require.NoError(t, Write(path, "a: 1\n"))
	require.ErrorIs(t, Free(path), setup.ErrConfig)
	require.ErrorIs(t, Write(path, "b: 2\n"), setup.ErrConfig)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "a: 1\n", string(text))
}

// forum is a source in which rows are of two people: letters have a writer and a reader, answers their own writer in
// somebody else's topic, and a topic's marks only the topic.
func forum() *Draft {
	key := []string{"id"}
	of := func(name, table string) connectors.ForeignKey {
		return connectors.ForeignKey{Fields: []string{name}, RefTable: table, RefFields: key}
	}
	table := func(name string, refs ...connectors.ForeignKey) connectors.Table {
		t := connectors.Table{Name: name, Key: key, ForeignKeys: refs,
			Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}}}
		for _, r := range refs {
			t.Fields = append(t.Fields, connectors.Field{Name: r.Fields[0], Kind: connectors.Integer})
		}
		return t
	}
	members := table("members")
	members.Fields = append(members.Fields, connectors.Field{Name: "email", Kind: connectors.Text, Nullable: true})
	letters := table("letters", of("writer", "members"), of("reader", "members"), of("carrier", "members"))
	letters.Fields[3].Nullable = true
	tables := []connectors.Table{members, letters,
		table("topics", of("opened_by", "members")),
		table("answers", of("topic", "topics"), of("writer", "members")),
		table("marks", of("topic", "topics")),
	}
	email := classifiers.Verdict{Field: "email", Primary: classifiers.Email, SubjectKind: "email", Confidence: 0.99}
	verdicts := []classifiers.TableVerdict{{Table: "members", Rows: 10, Fields: []classifiers.Verdict{email}}}
	for i, t := range tables[1:] {
		verdicts = append(verdicts, classifiers.TableVerdict{Table: t.Name, Rows: 100 * int64(i+1)})
	}
	k := connectors.Connector{Name: "sqlite", Schemes: []string{"sqlite"}, Suffix: []string{".db"}}
	return New(k, connectors.Options{Name: "forum.db", DSN: "forum.db"}, tables, verdicts, today)
}

// What may be of somebody else of the same table is not proposed to go with the first of them.
func TestRowsOfTwoPeopleAreForPeopleToDecide(t *testing.T) {
	text := forum().Text()
	for _, want := range []string{
		"#       - {table: topics, fk: [opened_by], do: delete}\n",
		"#       - {table: answers, fk: [writer], do: delete}\n",
		"#       - {table: marks, fk: [topic], do: delete}\n",
		"#       - {table: letters, fk: [carrier], do: set_null}\n",
		"# - {table: letters, fk: [writer], do: delete}   # decide: its rows are others' of members too, by reader",
		"# - {table: letters, fk: [reader], do: delete}   # decide: its rows are others' of members too, by writer",
		"# - {table: answers, fk: [topic], do: delete}   # decide: its rows are others' of members too, by writer",
	} {
		require.Contains(t, strings.ReplaceAll(text, "#           ", "#       "), want)
	}
}
