package classifiers_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
)

// answers are so many of one kind about a name, each in a table of its own.
func answers(field string, category classifiers.Category, n int) (list []classifiers.Answer) {
	for i := range n {
		list = append(list, classifiers.Answer{Table: fmt.Sprintf("%s%d", category, i), Field: field, Category: category})
	}
	return list
}

func houseTerm(v classifiers.Verdict) (classifiers.Term, bool) {
	for _, t := range v.Terms {
		if t.Name == "house" {
			return t, true
		}
	}
	return classifiers.Term{}, false
}

func TestTheHouseTeachesItsWords(t *testing.T) {
	plain := []string{"q7", "q8", "q9", "r1", "r2", "r3", "r4", "r5", "r6", "r8"}
	email := []string{"a.b@posteo.de", "c.d@posteo.de", "e.f@posteo.de", "g.h@posteo.de", "i.j@posteo.de", "k@posteo.de",
		"l@posteo.de", "m@posteo.de", "n@posteo.de", "o@posteo.de"}
	none, person, other := classifiers.None, classifiers.PersonName, classifiers.OtherPersonal
	list := func(parts ...[]classifiers.Answer) (all []classifiers.Answer) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	twice := answers("zubrow", other, 1)
	for name, c := range map[string]struct {
		said   []classifiers.Answer
		field  string
		values []string
		want   classifiers.Category
		counts float64
	}{
		"nothing was said":                  {field: "zubrow", values: plain, want: none},
		"one answer is about its own field": {answers("zubrow", other, 1), "zubrow", plain, none, 0},
		"the same field twice is one":       {list(twice, twice, twice), "zubrow", plain, none, 0},
		"two agree":                         {answers("zubrow", other, 2), "zubrow", plain, none, 3},
		"four agree":                        {answers("zubrow", other, 4), "zubrow", plain, other, 6},
		"forty count as much as a header":   {answers("zubrow", other, 40), "ZUBROW", plain, other, 7},
		"as many say otherwise": {list(answers("zubrow", other, 3), answers("zubrow", none, 2),
			answers("zubrow", person, 1)), "zubrow", plain, none, 0},
		"more say so than otherwise": {list(answers("zubrow", other, 6), answers("zubrow", none, 2)),
			"zubrow", plain, other, 6},
		"inside a longer name it counts half":    {answers("zubrow", other, 40), "old_zubrow", plain, none, 3.5},
		"a part that the lexicon knows does not": {answers("code", other, 40), "zubrow_code", plain, none, 0},
		"nor beside a word that means a kind":    {answers("zubrow", other, 40), "zubrow_email", email, classifiers.Email, 0},
		"what a name is the table decides": {answers("name", none, 40), "name", []string{"Ada Rossi", "Bo Bianchi",
			"Carla Verdi", "Dario Neri", "Elena Ricci", "Fabio Greco", "Gina Costa", "Ivo Gallo", "Lia Romano", "Ugo Marino"},
			person, 0},
		"and what may mean much":                     {answers("title", other, 40), "title", plain, none, 0},
		"of a key inside documents":                  {answers("prefs.zubrow", other, 4), "zubrow", plain, other, 6},
		"a header that means nothing here":           {answers("nickname", none, 40), "nickname", plain, none, -7},
		"what values prove is found all the same":    {answers("email", none, 40), "email", email, classifiers.Email, -3.5},
		"and where the header was all, it is weaker": {answers("nickname", none, 3), "nickname", plain, none, -4.5},
	} {
		t.Run(name, func(t *testing.T) {
			base := catalogue(t)
			taught := base.Taught(c.said)
			v := classify(taught, "things", []classifiers.Field{{Name: c.field, Kind: "text"}}, c.values).Fields[0]
			require.Equal(t, c.want, v.Primary)
			term, counted := houseTerm(v)
			require.Equal(t, c.counts, term.LogOdds)
			require.Equal(t, c.counts != 0, counted)
			require.NotContains(t, classify(base, "things", []classifiers.Field{{Name: c.field, Kind: "text"}},
				c.values).Fields[0].Terms, term, "the catalogue that was taught is another")
			require.Equal(t, len(c.said) < 2 || c.counts == 0 && !strings.Contains(name, "beside"), base.Digest() == taught.Digest(), "what changes no verdict is no other rule")
			require.Equal(t, taught.Digest(), base.Taught(c.said).Digest())
		})
	}
}

var lengths = regexp.MustCompile(`\{\d+(,\d+)?\}`)

func TestShapes(t *testing.T) {
	repeat := func(n int, values ...string) (all []string) {
		for range n {
			all = append(all, values...)
		}
		return all
	}
	for name, c := range map[string]struct {
		field  string
		values []string
		want   []string
	}{
		"lengths are ranges":                    {"nick", repeat(4, "Ann", "Li", "Bo1", "Maria"), []string{"Aa{1,4}"}},
		"commonest first":                       {"nick", append(repeat(20, "x-1"), repeat(10, "ab")...), []string{"a-9", "a{2}"}},
		"nothing that fewer than ten rows have": {"nick", append(repeat(9, "a1"), repeat(10, "b")...), []string{"a"}},
		"other writings":                        {"nick", repeat(10, "東京 2"), []string{"x{2} 9"}},
		"an address":                            {"mail", repeat(10, "ann.lee@posteo.de"), []string{"a{3}.a{3}@a{6}.a{2}"}},
		"what parts shapes, and controls":       {"nick", repeat(10, "a;b\x1b"), []string{"a?a?"}},
		"long":                                  {"nick", repeat(10, "1a1a1a1a1a1a1a"), []string{"9a9a9a9a9a9a..."}},
		"national numbers":                      {"codice_fiscale", repeat(10, "RSSMRA85T10A562S"), nil},
		"free text":                             {"notes", repeat(10, "He called on Monday about the house."), nil},
		"special":                               {"religion", repeat(10, "catholic"), nil},
		"secrets":                               {"password", repeat(10, "hunter2"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := classify(catalogue(t), "customers", []classifiers.Field{{Name: c.field, Kind: "text"}}, c.values).Fields[0]
			require.Equal(t, c.want, v.Shapes, v.Primary)
		})
	}
}

func TestWhatCameNearestIsSaid(t *testing.T) {
	v := classify(catalogue(t), "things", textFields("name"), []string{"q7", "q8"}).Fields[0]
	require.Equal(t, classifiers.None, v.Primary)
	require.NotEmpty(t, v.Candidate)
	v = classify(catalogue(t), "customers", textFields("email"), []string{"a@posteo.de"}).Fields[0]
	require.Equal(t, classifiers.Email, v.Primary)
	require.Empty(t, v.Candidate)
}

func TestShapesHoldNoValue(t *testing.T) {
	c := catalogue(t)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.String(), 12, 40).Draw(t, "values")
		v := classify(c, "t", textFields("c1"), values)
		for _, s := range v.Fields[0].Shapes {
			for _, r := range lengths.ReplaceAllString(s, "") {
				require.True(t, strings.ContainsRune("Aax9", r) || !unicode.IsLetter(r) && !unicode.IsDigit(r), s)
			}
		}
	})
}
