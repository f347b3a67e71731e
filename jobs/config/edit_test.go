package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// parsed is a configuration of a text.
func parsed(t require.TestingT, text string) *Config {
	c, err := read("lethe.yaml", []byte(text))
	require.NoError(t, err)
	return c
}

func answer(field, category string) Review {
	return Review{Source: "crm", Field: field, Category: category, By: "anna", On: "2026-11-29", Because: "a \"boat\": #1",
		Until: "2027-11-29", Saw: &Seen{"varchar(40)", "email"}}
}

const (
	written = `{source: crm, field: t.a, category: none, by: anna, on: 2026-11-29, because: "a \"boat\": #1", ` +
		`until: 2027-11-29, saw: {type: "varchar(40)", category: email}}`
	another = `{source: crm, field: t.b, category: phone, by: anna, on: 2026-11-29, because: "a \"boat\": #1", ` +
		`until: 2027-11-29, saw: {type: "varchar(40)", category: email}}`
)

func TestReviewsAreWrittenBesideWhatStands(t *testing.T) {
	old := func(field string) string {
		return "{source: crm, field: " + field + ", category: email, by: bo, because: ü, until: 2027-01-01}"
	}
	a, b := answer("t.a", "none"), answer("t.b", "phone")
	for name, c := range map[string]struct {
		text    string
		answers []Review
		want    string
	}{
		"there are none": {"# ours\nstate: var # here\n", []Review{a, b}, "# ours\nstate: var # here\n\n" +
			"# What people said of fields. `lethe review` writes here too.\nreviews:\n  - " + written + "\n  - " + another + "\n"},
		"no end of line": {"state: var", []Review{a}, "state: var\n\n" +
			"# What people said of fields. `lethe review` writes here too.\nreviews:\n  - " + written + "\n"},
		"the key alone":        {"reviews: # of fields\nstate: var\n", []Review{a}, "reviews: # of fields\n  - " + written + "\nstate: var\n"},
		"the key with nothing": {"reviews: null # of fields\nstate: var\n", []Review{a}, "reviews:  # of fields\n  - " + written + "\nstate: var\n"},
		"an empty list":        {"reviews: [] # of fields\nstate: var\n", []Review{a}, "reviews:  # of fields\n  - " + written + "\nstate: var\n"},
		"behind the last": {"reviews:\n  # head\n  - " + old("t.x") + " # trail\n  # foot\n\nstate: var\n", []Review{a},
			"reviews:\n  # head\n  - " + old("t.x") + " # trail\n  - " + written + "\n  # foot\n\nstate: var\n"},
		"at the end of the file": {"reviews:\n- " + old("t.x"), []Review{a}, "reviews:\n- " + old("t.x") + "\n- " + written},
		"in the place of an earlier one": {"reviews:\n  - " + old("t.x") + "\n  - " + old("t.a") + " # boats\n  - " + old("t.y") + "\n",
			[]Review{a}, "reviews:\n  - " + old("t.x") + "\n  - " + written + " # boats\n  - " + old("t.y") + "\n"},
		"of one that is written line by line": {"reviews:\n  - source: crm # live\n    # why?\n    field: t.a\n    category: email\n" +
			"    by: bo\n    because: |\n      two\n      lines\n    until: 2027-01-01\n  # of the next\n  - " + old("t.x") + "\nstate: v\n",
			[]Review{a, b}, "reviews:\n  # live\n  # why?\n  - " + written + "\n  # of the next\n  - " + old("t.x") + "\n  - " + another + "\nstate: v\n"},
		"of one that begins below its dash": {"reviews:\n-\n source: crm\n field: t.a\n category: email\n by: bo\n because: x\n" +
			" until: 2027-01-01\nstate: v\n", []Review{a}, "reviews:\n-\n " + written + "\nstate: v\n"},
		"in a list in brackets": {"reviews: [" + old("t.x") + ", " + old("t.a") + "] # all\nstate: v\n", []Review{a, b},
			"reviews: [" + old("t.x") + ", " + written + ",\n  " + another + "] # all\nstate: v\n"},
		"with the ends of lines of the file": {"reviews:\r\n  - " + old("t.x") + "\r\nstate: v\r\n", []Review{a},
			"reviews:\r\n  - " + old("t.x") + "\r\n  - " + written + "\r\nstate: v\r\n"},
		"the last answer of a field": {"state: v\nreviews:\n  - " + old("t.a") + "\n", []Review{answer("t.a", "phone"), a},
			"state: v\nreviews:\n  - " + written + "\n"},
		"nothing": {"state: v\n", nil, "state: v\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text, n, err := parsed(t, c.text).WithReviews(c.answers, "2026-11-29")
			require.NoError(t, err)
			require.Equal(t, c.want, string(text))
			require.Equal(t, len(c.answers) > 0, n > 0)
			again, n, err := parsed(t, string(text)).WithReviews(c.answers[max(0, len(c.answers)-2):], "2026-12-01")
			require.NoError(t, err)
			if name != "the last answer of a field" {
				require.Equal(t, string(text), string(again), "the same answers change nothing")
				require.Zero(t, n)
			}
		})
	}
}

func TestAnAnswerIsFreshWhereItSaysMoreThanTheLast(t *testing.T) {
	stands := answer("t.a", "none")
	for name, c := range map[string]struct {
		today  string
		change func(*Review)
		fresh  int
	}{
		"the same":                  {"2026-12-01", func(*Review) {}, 0},
		"another person, the same":  {"2026-12-01", func(r *Review) { r.By, r.On, r.Until = "bo", "2026-12-01", "2027-12-01" }, 0},
		"no reason":                 {"2026-12-01", func(r *Review) { r.Because = "" }, 0},
		"another kind":              {"2026-12-01", func(r *Review) { r.Category = "phone" }, 1},
		"another reason":            {"2026-12-01", func(r *Review) { r.Because = "a ship" }, 1},
		"of what it has become":     {"2026-12-01", func(r *Review) { r.Saw = &Seen{"text", "email"} }, 1},
		"on the last day":           {stands.Until, func(r *Review) { r.Until = "2028-12-01" }, 0},
		"after it ran out":          {"2027-11-30", func(r *Review) { r.Until = "2028-12-01" }, 1},
		"of another field":          {"2026-12-01", func(r *Review) { r.Field = "t.b" }, 1},
		"of that of another source": {"2026-12-01", func(r *Review) { r.Source = "shop" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := stands
			c.change(&r)
			text, fresh, err := parsed(t, "reviews:\n  - "+line(stands)+"\n").WithReviews([]Review{r}, c.today)
			require.NoError(t, err)
			require.Equal(t, c.fresh, fresh)
			if c.fresh > 0 {
				require.Contains(t, parsed(t, string(text)).Reviews, r)
			}
		})
	}
}

func TestWhatCannotBeWrittenInSaysSo(t *testing.T) {
	entry := "{source: crm, field: t.a, category: email, by: bo, because: x, until: 2027-01-01}"
	for name, text := range map[string]string{
		"in braces":  "{state: v}\n",
		"an alias":   "reviews:\n  - &a " + entry + "\n  - *a\n",
		"an anchor":  "reviews:\n  - &a " + entry + "\n",
		"documents":  "state: v\n---\nstate: w\n",
		"after ends": "state: v\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parsed(t, text).WithReviews([]Review{answer("t.a", "none")}, "2026-11-29")
			require.ErrorContains(t, err, "by hand")
			require.ErrorContains(t, err, "lethe.yaml")
		})
	}
}

// Whatever stands in a file, answers change their own entries only, and the same answers change nothing more.
func TestAnswersChangeTheirOwnEntriesOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "# a\nstate: v # b\n\n"}).Draw(t, "before") + "reviews:\n"
		indent := strings.Repeat(" ", rapid.IntRange(0, 4).Draw(t, "indent"))
		var fields []string
		for n := range rapid.IntRange(1, 5).Draw(t, "entries") {
			r := answer(fmt.Sprintf("t%d.f", n), rapid.SampledFrom([]string{"none", "phone"}).Draw(t, "category"))
			r.Because = rapid.SampledFrom([]string{"é", "# no comment", "a: b", "x\ny", "'"}).Draw(t, "because")
			fields = append(fields, r.Field)
			if rapid.Bool().Draw(t, "inline") {
				text += indent + "- " + line(r) + " # c" + r.Field + "\n"
			} else {
				text += indent + "- source: crm\n" + indent + "  field: " + r.Field + " # c" + r.Field + "\n" + indent +
					"  category: none\n" + indent + "  by: bo\n" + indent + "  because: " + quoted(r.Because) + "\n" + indent +
					"  until: 2027-01-01\n"
			}
			if rapid.Bool().Draw(t, "comment") {
				text += indent + "# between\n\n"
			}
		}
		text += rapid.SampledFrom([]string{"", "reports: w # d\n"}).Draw(t, "behind")
		c := parsed(t, text)
		var answers []Review
		for _, f := range append(fields, "t.new") {
			if rapid.Bool().Draw(t, "answered") {
				answers = append(answers, answer(f, rapid.SampledFrom([]string{"none", "phone"}).Draw(t, "answer")))
			}
		}
		out, _, err := c.WithReviews(answers, "2026-11-29")
		require.NoError(t, err)
		after := parsed(t, string(out))
		for _, r := range after.Reviews {
			for _, a := range answers {
				require.False(t, r.Field == a.Field && (r.Category != a.Category || r.Because != a.Because))
			}
		}
		for _, comment := range []string{"# a\n", "# b\n", "# between\n", "# d\n", "# ct0.f", "# ct1.f", "# ct4.f"} {
			require.Equal(t, strings.Count(text, comment), strings.Count(string(out), comment), "%s\n%s", text, out)
		}
		require.Equal(t, c.State+c.Reports, after.State+after.Reports)
		again, n, err := after.WithReviews(answers, "2026-11-29")
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, string(out), string(again))
	})
}

// Whatever a type, a name or a reason is, it is read as it was written.
func TestTextsAreReadAsTheyAreWritten(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"null", "~", "yes", "On", "1.0", "0x1f", "2026-01-01", "a: b",
		"a #b", "-", "{a}", "'", "\"", "é", "\u2028", "<b>", ""}))
	rapid.Check(t, func(t *rapid.T) {
		r := answer("t."+text.Draw(t, "field"), "none")
		r.Source, r.Because, r.Saw.Type = text.Draw(t, "source"), text.Draw(t, "because"), text.Draw(t, "type")
		out, _, err := parsed(t, "state: v\n").WithReviews([]Review{r}, "2026-11-29")
		require.NoError(t, err)
		require.Equal(t, []Review{r}, parsed(t, string(out)).Reviews)
	})
}

func TestTheFileIsReplacedAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "real.yaml")
	link := filepath.Join(t.TempDir(), "lethe.yaml")
	require.NoError(t, os.WriteFile(path, []byte("state: v\n"), 0o600))
	require.NoError(t, os.Chmod(path, 0o640)) // whatever the mask of who runs this
	require.NoError(t, os.Symlink(path, link))
	c, err := Load(link)
	require.NoError(t, err)
	require.NoError(t, c.Replace([]byte("state: w\n")))
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "state: w\n", string(body))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays one")
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	require.ErrorContains(t, c.Replace([]byte("state: x\n")), "changed in the meantime")
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}
