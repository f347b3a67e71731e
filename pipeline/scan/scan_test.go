package scan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

const rules = "digest of the rules"

// night is a run of a day that read one table: so many of its rows were missed below a share.
func night(day, digest string, missed float64, state string) audit.Facts {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return audit.Facts{Run: audit.Run{AsOf: at, RulesDigest: digest},
		Inventory: []audit.Inventory{{Source: "crm", Object: "people", State: state, MissedBelow: missed}}}
}

func TestSampleOf(t *testing.T) {
	month := calendar.Period{Months: 1}
	tests := map[string]struct {
		sampling setup.Sampling
		full     bool
		history  []audit.Facts // newest first
		want     int
	}{
		"no sampling":      {want: 0},
		"always":           {sampling: setup.Sampling{Rows: 100}, want: 100},
		"asked for all":    {sampling: setup.Sampling{Rows: 100}, full: true, want: 0},
		"never read whole": {sampling: setup.Sampling{Rows: 100, FullEvery: month}, want: 0},
		"read whole this month": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-05-01", rules, 0, "scanned")}, want: 100},
		"read whole a month ago to the day": {
			sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history:  []audit.Facts{night("2026-04-10", rules, 0, "scanned")}, want: 100,
		},
		"read whole longer ago": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-04-09", rules, 0, "scanned")}, want: 0},
		"a sample is not the whole": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-05-09", rules, 0.1, "scanned")}, want: 0},
		"behind samples, still whole": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-05-09", rules, 0.1, "scanned"), night("2026-05-01", rules, 0,
				"scanned")}, want: 100},
		"under other rules": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-05-01", "others", 0, "scanned")}, want: 0},
		"it failed": {sampling: setup.Sampling{Rows: 100, FullEvery: month},
			history: []audit.Facts{night("2026-05-01", rules, 0, "failed")}, want: 0},
	}
	today, err := calendar.ParseDate("2026-05-10")
	require.NoError(t, err)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc := &Scanner{Setup: &setup.Setup{Sampling: tt.sampling, Zone: time.UTC},
				Notes:   &notes.Notes{History: tt.history},
				Tonight: setup.Tonight{Today: today, Options: setup.Options{Full: tt.full}}}
			sc.Notes.Facts.Run.RulesDigest = rules
			s := &Source{Store: stores.NewStore(setup.Source{Name: "crm"})}
			require.Equal(t, tt.want, sc.sampleOf(s, connectors.Table{Name: "people"}))
		})
	}
}

func TestReviewStandsInPlaceOfTheVerdict(t *testing.T) {
	today, err := calendar.ParseDate("2026-05-10")
	require.NoError(t, err)
	by := func(source string, category classifiers.Category, until calendar.Date) setup.Review {
		return setup.Review{Source: source, Table: "people", Field: "code", Category: category, By: "anna",
			Because: "looked", Until: until}
	}
	saw := func(declared string, category classifiers.Category) setup.Review {
		r := by("crm", classifiers.Email, today)
		r.SawType, r.Saw = declared, category
		return r
	}
	tests := map[string]struct {
		review  setup.Review
		machine classifiers.Category
		also    string
		want    classifiers.Category
		by      string
		left    string // of also
		backup  bool
	}{
		"it holds while the field is what the person saw": {review: saw("TEXT", classifiers.Phone), machine: classifiers.Phone,
			want: classifiers.Email, by: "anna"},
		"and once the classifiers agree":  {review: saw("text", classifiers.Phone), machine: classifiers.Email, want: classifiers.Email, by: "anna"},
		"not of another kind":             {review: saw("text", classifiers.Phone), machine: classifiers.Health, want: classifiers.Health},
		"nor of another type":             {review: saw("integer", classifiers.Phone), machine: classifiers.Phone, want: classifiers.Phone},
		"which a backup writes otherwise": {review: saw("integer", classifiers.Phone), machine: classifiers.Phone, want: classifiers.Email, by: "anna", backup: true},
		"it holds to its last day": {review: by("crm", classifiers.Email, today), machine: classifiers.Phone,
			also: "name", want: classifiers.Email, by: "anna", left: "name"},
		"it ran out": {review: by("crm", classifiers.Email, today-1),
			machine: classifiers.Phone, also: "name", want: classifiers.Phone, left: "name"},
		"of another source": {review: by("shop", classifiers.Email, today), machine: classifiers.Phone,
			want: classifiers.Phone},
		"nothing personal, nothing beside": {review: by("crm", classifiers.None, today), machine: classifiers.Phone,
			also: "name", want: classifiers.None, by: "anna"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc := &Scanner{Setup: &setup.Setup{Reviews: []setup.Review{tt.review}},
				Tonight: setup.Tonight{Today: today}}
			source := setup.Source{Name: "crm"}
			if tt.backup {
				source = setup.Source{Name: "crm.sql", Of: "crm", Environment: "backup"}
			}
			s := &Source{Store: stores.NewStore(source)}
			row := audit.Inventory{Object: "people", Column: "code", Type: "text", State: "scanned", Category: string(tt.machine),
				Class: string(tt.machine.Class()), DPV: tt.machine.DPV(), Also: tt.also}
			before := row

			sc.review(s, &row)
			require.Equal(t, string(tt.want), row.Category)
			require.Equal(t, string(tt.want.Class()), row.Class)
			require.Equal(t, tt.by, row.ReviewedBy)
			require.Equal(t, tt.left, row.Also)
			require.Equal(t, tt.want.Personal(), Personal(row))

			unreview(&row) // the machine's verdict is still there
			require.Equal(t, before.Category, row.Category)
			require.Equal(t, before.Class, row.Class)
			require.Equal(t, before.DPV, row.DPV)
		})
	}
}

func TestMissedBelow(t *testing.T) {
	require.Equal(t, 1.0, MissedBelow(0))
	require.InDelta(t, 0.95, MissedBelow(1), 1e-9)
	require.InDelta(t, 3.0/1000, MissedBelow(1000), 1e-5) // the rule of three
}
