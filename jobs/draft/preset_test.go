package draft

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/setup"
)

// board is a preset of an application whose installations choose a prefix.
const board = `# A forum.
name: Forum
versions: "3"
prefix: fo_
recognise: [fo_users, fo_posts]   # always there
silos:
  # Who may write.
  members:
    records:
      - source: SOURCE
        table: fo_users
        subject: {email: email}
        # stay: fo_topics, fo_audit
        dependents:
          - {table: fo_posts, fk: [user_id], do: delete}
          - {table: fo_posts, fk: [user_id, editor_id], do: set_null}
          - {table: fo_drafts, fk: [user_id], do: delete}
    rules:
      - {purpose: membership, basis: contract, period: "", review_by: REVIEW}

  # Who only reads.
  readers:
    records:
      - {source: SOURCE, table: fo_readers, subject: {email: email}}
`

// installation is a source with some tables, of which all but users refer to them.
func installation(names ...string) *Draft {
	key := []string{"id"}
	id := connectors.Field{Name: "id", Kind: connectors.Integer}
	var tables []connectors.Table
	var verdicts []classifiers.TableVerdict
	for _, name := range names {
		t := connectors.Table{Name: name, Key: key, Fields: []connectors.Field{id, {Name: "user_id", Kind: connectors.Integer}}}
		if users := strings.Split(name, "_")[0] + "_users"; name != users {
			t.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"user_id"}, RefTable: users, RefFields: key}}
		}
		tables = append(tables, t)
		verdicts = append(verdicts, classifiers.TableVerdict{Table: name, Rows: 1, Fields: []classifiers.Verdict{
			{Field: "email", Primary: classifiers.Email, SubjectKind: "email", Confidence: 0.99}}})
	}
	k := connectors.Connector{Name: "sqlite", Schemes: []string{"sqlite"}, Suffix: []string{".db"}}
	return New(k, connectors.Options{Name: "board.db", DSN: "board.db"}, tables, verdicts, today)
}

func parsed(t *testing.T, text string) Preset {
	t.Helper()
	p, err := ParsePreset("here/forum.yaml", text)
	require.NoError(t, err)
	require.Equal(t, "forum", p.ID)
	return p
}

// TestAnApplicationIsRecognised by its tables, whatever their prefix, and no other is.
func TestAnApplicationIsRecognised(t *testing.T) {
	p := parsed(t, board)
	small := parsed(t, strings.Replace(board, "[fo_users, fo_posts]", "[fo_users]", 1))
	for _, c := range []struct {
		tables []string
		want   string // the table of members; "" it is not recognised
	}{
		{[]string{"fo_users", "fo_posts"}, "fo_users"},
		{[]string{"xy_users", "xy_posts"}, "xy_users"},
		{[]string{"users", "posts"}, "users"},
		{[]string{"a_users", "b_users", "b_posts"}, "b_users"},
		{[]string{"a_users", "b_posts"}, ""},
		{[]string{"fo_user", "fo_posts"}, ""},
		{nil, ""},
	} {
		d := installation(c.tables...)
		got, ok := d.Recognise([]Preset{p})
		require.Equal(t, c.want != "", ok, c.tables)
		if ok {
			require.Equal(t, "Forum", got.Name)
			require.Contains(t, d.Text(), "table: "+c.want+"\n")
			require.NotContains(t, d.Text(), "# silos:")
			continue
		}
		require.NotContains(t, d.Text(), "Recognised")
		require.ErrorIs(t, d.Use(p), ErrOther)
		require.ErrorIs(t, d.Use(p), setup.ErrConfig)
	}
	got, ok := installation("fo_users", "fo_posts").Recognise([]Preset{small, p, small})
	require.True(t, ok)
	require.Len(t, got.Recognise, 2, "the one that asks for more")
}

// TestAPresetIsWrittenForThisInstallation leaves out what it has not, and asks of what the preset does not know.
func TestAPresetIsWrittenForThisInstallation(t *testing.T) {
	d := installation("xy_users", "xy_posts", "xy_topics", "xy_likes", "other")
	require.NoError(t, d.Use(parsed(t, board)))
	_, silos, ok := strings.Cut(d.Text(), "\nsilos:\n")
	require.True(t, ok)
	require.True(t, strings.HasPrefix(silos, "  # Who may write.\n  members:\n"), silos)
	for _, want := range []string{
		"      - source: board-db\n        table: xy_users\n", "          - {table: xy_posts, fk: [user_id], do: delete}\n",
		"review_by: 2027-11-20}", "    # xy_likes by [user_id]\n", "tables and fields that are not here: xy_drafts, xy_posts.editor_id, xy_readers.",
		"Also with personal data, and not in the preset: xy_likes, other.",
	} {
		require.Contains(t, silos, want)
	}
	for _, no := range []string{"fo_", "readers:", "Who only reads", "{table: xy_drafts", "stay:", "xy_topics by", "SOURCE", "REVIEW"} {
		require.NotContains(t, silos, no)
	}
	require.Contains(t, strings.Join(d.Steps("lethe.yaml"), "\n"), "fill in the terms, reasons and owners")
}

// TestAPresetThatIsNoneIsRefused names the line.
func TestAPresetThatIsNoneIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "line 1: name and recognise",
		"name: X\nrecognise: [a]\n":         "`silos:` is missing",
		"name: X\nrecognise: [a]\nsilos:\n": "`silos:` is missing",
		"name: X\nwho: me\nsilos:\n  a:\n":  "line 2: before `silos:`",
		"name: X\nprefix: p_\nrecognise: [a]\nsilos:\n  a:\n": "a does not begin with the prefix",
	} {
		_, err := ParsePreset("x.yaml", text)
		require.ErrorIs(t, err, setup.ErrConfig, text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestThePresetsAreRead reads each that Lethe has.
func TestThePresetsAreRead(t *testing.T) {
	list, err := Presets()
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, p := range list {
		require.NotEmpty(t, p.Versions, p.ID)
		require.GreaterOrEqual(t, len(p.Recognise), 3, p.ID)
	}
}
