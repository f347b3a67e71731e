package review_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
)

func day(t testing.TB, text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

// field is a row of an inventory of which an earlier night knows: an address in a field called note, surely.
func field(change func(*audit.Inventory)) audit.Inventory {
	i := audit.Inventory{Source: "crm", Object: "people", Column: "note", Type: "text", State: "scanned", Change: "same",
		Rows: 100, NonEmpty: 100, Category: "email", Confidence: 0.99}
	change(&i)
	return i
}

func TestWhatIsAsked(t *testing.T) {
	today := day(t, "2026-11-29")
	same := field(func(i *audit.Inventory) { i.Column = "" })
	reviewed := func(until string, saw classifiers.Category) []setup.Review {
		return []setup.Review{{Source: "crm", Table: "people", Field: "note", Category: classifiers.None, By: "anna",
			Until: day(t, until), SawType: "text", Saw: saw}}
	}
	doubtful := func(i *audit.Inventory) { i.Confidence = 0.6 }
	for name, c := range map[string]struct {
		row     func(*audit.Inventory)
		reviews []setup.Review
		kind    classifiers.Category // "" it is not asked about
		again   string
		before  []audit.Inventory
	}{
		"what was another kind before": {row: func(i *audit.Inventory) { i.Change = "changed" }, kind: "email",
			before: []audit.Inventory{field(func(i *audit.Inventory) { i.Category = "none" })}},
		"what changed otherwise": {row: func(i *audit.Inventory) { i.Change = "changed" },
			before: []audit.Inventory{field(func(*audit.Inventory) {})}},
		"what was another kind until a person said so": {row: func(i *audit.Inventory) { i.Change = "changed" },
			before: []audit.Inventory{field(func(i *audit.Inventory) {
				i.Category, i.ReviewedBy, i.Machine = "none", "anna", "email"
			})}},
		"what is sure":                     {row: func(*audit.Inventory) {}},
		"what is in doubt":                 {row: doubtful, kind: "email"},
		"what is new, however sure":        {row: func(i *audit.Inventory) { i.Change = "new" }, kind: "email"},
		"new, and surely none":             {row: func(i *audit.Inventory) { i.Change, i.Category, i.Candidate = "new", "none", "email" }},
		"what is perhaps something":        {row: func(i *audit.Inventory) { i.Category, i.Candidate, i.Confidence = "none", "phone", 0.7 }, kind: "phone"},
		"what nothing speaks for":          {row: func(i *audit.Inventory) { i.Category, i.Confidence = "none", 0.7 }},
		"a company's":                      {row: func(i *audit.Inventory) { i.Company, i.Confidence = true, 0.7 }, kind: "company_only"},
		"an empty field":                   {row: func(i *audit.Inventory) { i.NonEmpty, i.Confidence = 0, 0.6 }},
		"a table":                          {row: func(i *audit.Inventory) { i.Column, i.Confidence = "", 0.6 }},
		"what was not read":                {row: func(i *audit.Inventory) { i.State, i.Confidence = "skipped", 0.6 }},
		"what is gone":                     {row: func(i *audit.Inventory) { i.Change, i.Confidence = "gone", 0.6 }},
		"what a review settled that night": {row: func(i *audit.Inventory) { doubtful(i); i.ReviewedBy, i.Machine, i.Category = "anna", "email", "none" }, reviews: reviewed("2027-01-01", "email")},
		"what a review settled since":      {row: doubtful, reviews: reviewed("2027-01-01", "email")},
		"a review that ran out":            {row: func(*audit.Inventory) {}, reviews: reviewed("2026-11-28", "email"), kind: "email", again: "ran out on 2026-11-28"},
		"a review of something else":       {row: func(*audit.Inventory) {}, reviews: reviewed("2027-01-01", "phone"), kind: "email", again: "no longer what anna saw: text, phone"},
		"a backup of a live source":        {row: func(i *audit.Inventory) { doubtful(i); i.Source = "crm.sql" }},
	} {
		t.Run(name, func(t *testing.T) {
			p := &setup.Setup{Reviews: c.reviews, Sources: []setup.Source{{Name: "crm"},
				{Name: "crm.sql", Of: "crm", Environment: "backup"}}}
			items := review.Asked(p, review.Nights{Last: []audit.Inventory{same, field(c.row)}, Before: c.before}, today)
			if c.kind == "" {
				require.Empty(t, items)
				return
			}
			require.Len(t, items, 1)
			require.Equal(t, c.kind, items[0].Kind)
			require.Contains(t, items[0].Again, c.again)
			require.Equal(t, c.again == "", items[0].Again == "")
		})
	}
}

func TestFilesOfASetAreAskedAboutOnce(t *testing.T) {
	p := &setup.Setup{Sources: []setup.Source{{Name: "old/1", Set: "old", Environment: "backup"},
		{Name: "old/2", Set: "old", Environment: "backup"}}}
	row := func(source string) audit.Inventory {
		return field(func(i *audit.Inventory) { i.Source, i.Confidence = source, 0.6 })
	}
	items := review.Asked(p, review.Nights{Last: []audit.Inventory{row("old/1"), row("old/2")}}, 0)
	require.Len(t, items, 1)
	require.Equal(t, "old.people.note", items[0].Place())
}

func TestTheFirstNightIsNoNews(t *testing.T) {
	all := []audit.Inventory{field(func(i *audit.Inventory) { i.Change, i.Column = "new", "" }),
		field(func(i *audit.Inventory) { i.Change = "new" })}
	require.Empty(t, review.Asked(&setup.Setup{}, review.Nights{Last: all}, 0))
	all = append(all, field(func(i *audit.Inventory) { i.Column = "other" }))
	require.Len(t, review.Asked(&setup.Setup{}, review.Nights{Last: all}, 0), 1)
}

// What comes first is new, or was seen otherwise, or has more doubt times rows than what comes after it.
func TestTheOrderIsByWhatAnAnswerIsWorth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := []audit.Inventory{field(func(i *audit.Inventory) { i.Column = "" })}
		for n := range rapid.IntRange(1, 20).Draw(t, "fields") {
			rows = append(rows, field(func(i *audit.Inventory) {
				i.Column = string(rune('a' + n))
				i.Confidence = rapid.Float64Range(0.5, 1).Draw(t, "confidence")
				i.NonEmpty = rapid.Int64Range(0, 1e6).Draw(t, "rows")
				i.Change = rapid.SampledFrom([]string{"same", "new", "changed"}).Draw(t, "change")
			}))
		}
		items := review.Asked(&setup.Setup{}, review.Nights{Last: rows}, 0)
		require.True(t, slices.IsSortedFunc(items, func(a, b review.Item) int {
			switch x, y := a.Doubt()*float64(a.Rows), b.Doubt()*float64(b.Rows); {
			case a.New && !b.New, a.New == b.New && x > y:
				return -1
			case a.New != b.New || x < y:
				return 1
			}
			return 0
		}))
		for _, i := range items {
			require.True(t, i.New || i.Doubt() >= 0.05)
			require.NotZero(t, i.Rows)
		}
	})
}
