package month

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
)

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func input(language string) Input {
	night := func(day string, grace, deleted, closed, late int64) audit.Figures {
		return audit.Figures{Day: day, Nights: 1, People: 1000, PeopleUnground: grace, ErasedPeople: 7, Rows: 5000,
			Grace: grace, Deleted: deleted, Closed: closed, ClosedLate: late}
	}
	f := audit.Facts{Run: audit.Run{RunID: "01a2", Controller: "Lago <Blu> Srl ·", PolicyDigest: strings.Repeat("ab", 32)},
		Nights: []audit.Figures{night("2025-11-30", 90, 9000, 5, 5), night("2026-10-31", 61, 100, 3, 0),
			night("2026-11-29", 52, 11, 2, 0), night("2026-11-30", 43, 22, 1, 0)},
		Silos: []audit.Silo{{Silo: "news", People: 3, Rows: 1234, InGrace: 40, ErasedPeople: 7}},
		Hints: []audit.Hint{{HintID: "a", ClosedAt: november}},
		PolicyChanges: []audit.PolicyChange{{Place: "People.eve", After: "x", AdoptedBy: "anna"},
			{Place: "Silos.news.Rules.0.Grace", Before: "P30D", After: "P14D", Silo: "news", ToDigest: "d", EffectRows: "1234",
				AdoptedBy: "anna;bo"},
			{Place: "Silos.news.Rules.0.End", After: "delete", Silo: "news", ToDigest: "d", EffectRows: "1234", AdoptedBy: "bo"},
			{Place: "Silos.shop.NoMatch", After: "keep", Silo: "shop", ToDigest: "d", EffectRows: "3", AdoptedBy: "anna"},
			{AdoptedBy: "anna"}}}
	return Input{Month: november, Runs: []audit.Facts{f, f}, Newest: f, Language: language}
}

func TestAMonthIsTheSumOfItsNights(t *testing.T) {
	body, err := Render(input("en"))
	require.NoError(t, err)
	_, shown, _ := strings.Cut(string(body), "<main>")
	shown = html.UnescapeString(regexp.MustCompile("<[^>]*>").ReplaceAllString(shown, " "))
	all := regexp.MustCompile(" ([:.,])").ReplaceAllString(strings.Join(strings.Fields(shown), " "), "$1")
	for _, want := range []string{"Personal data in November 2026", "43 of 5,000 rows stand without a ground; 33 were ended",
		"3 requests were answered, 0 of them late.", "A month before: 61.", "A year before: 90.", "Lago <Blu> Srl",
		"Amber: something waits for people", "<5 1,234 40 7", "from P30D to P14D, adopted by anna, bo. 1,234 rows of the silo are decided otherwise. " +
			"Silos.news.Rules.0.End: from nothing to delete, adopted by bo. Silos.shop.NoMatch: from nothing to keep, " +
			"adopted by anna. Fewer than five rows of the silo are decided otherwise.",
		"The first policy was adopted by anna.", "30 Nov 5,000 43 22 7", "Hints of an incident: 1, of them 1 assessed."} {
		require.Contains(t, all, want)
	}
	require.NotContains(t, string(body), "Lago <Blu>", "it is escaped")
}

// TestSmallNumbersOfAMonth cannot be worked out from the sums above them.
func TestSmallNumbersOfAMonth(t *testing.T) {
	in := input("en")
	in.Runs[0].Silos = []audit.Silo{{Silo: "log", Nameless: true, Rows: 70}, {Silo: "a", People: 3, Rows: 4}, {Silo: "b", People: 90, Rows: 80, InGrace: 7},
		{Silo: "c", People: 60, Rows: 2, ErasedPeople: 1}}
	w, err := lang.In("en")
	require.NoError(t, err)
	require.Equal(t, []row{{"log", []string{"–", "70", "0", "–"}}, {"a", []string{"<5", "<5", "0", "0"}}, {"b", []string{"90", "80", "7", "0"}},
		{"c", []string{"…", "<5", "0", "<5"}}}, month{in: in, Words: w}.silos())
}

func TestAMonthInEachLanguage(t *testing.T) {
	for _, code := range lang.Languages() {
		body, err := Render(input(code))
		require.NoError(t, err)
		require.Contains(t, string(body), `<html lang="`+code+`">`)
		require.Less(t, len(body), 60_000)
		require.NotContains(t, string(body), ">month.")
	}
	_, err := Render(input("xx"))
	require.ErrorContains(t, err, "take one of en")
}

func TestWhatIsLateMakesAMonthRed(t *testing.T) {
	for name, change := range map[string]func(*Input){
		"an answer": func(in *Input) { in.Newest.Nights[3].ClosedLate = 1 },
		"a request": func(in *Input) { in.Newest.Nights[3].Open = 1 },
		"a hint":    func(in *Input) { in.Runs[0].Hints[0].ClosedAt = time.Time{} },
	} {
		in := input("en")
		change(&in)
		body, err := Render(in)
		require.NoError(t, err)
		require.Contains(t, string(body), "Red: something was late", name)
	}
	in := input("en")
	in.Newest.Nights[3].Grace = 0
	body, err := Render(in)
	require.NoError(t, err)
	require.Contains(t, string(body), "Green: nothing was late")
}

func TestAMonthOfWhichNothingIsKnown(t *testing.T) {
	in := input("en")
	in.Month = november.AddDate(0, 1, 0)
	_, err := Render(in)
	require.ErrorContains(t, err, "no night of 2026-12 is known")
}

// TestRowsInUsePastTheirEndMakeAMonthRed, as it does the night: rows in use past their end; and what is due in backups is copies,
// where no night ended anything.
func TestRowsInUsePastTheirEndMakeAMonthRed(t *testing.T) {
	in := input("en")
	last := &in.Newest.Nights[len(in.Newest.Nights)-1]
	last.InUse, last.ErasedPeople, last.Pending = 9, 0, 10
	body, err := Render(in)
	require.NoError(t, err)
	for _, want := range []string{"Red: something was late", "9 rows are in use past their end.",
		"What is due but still in backups?", "copies"} {
		require.Contains(t, string(body), want)
	}
	require.NotContains(t, string(body), "Who is erased but still in backups?")
}
