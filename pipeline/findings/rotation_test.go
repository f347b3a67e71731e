package findings

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// rotated are backups of these ages in days, and what is found of their rotation.
func rotated(t *testing.T, keep calendar.Period, at time.Time, ages ...float64) (kinds []string) {
	t.Helper()
	in := &Inspector{Setup: &setup.Setup{Zone: time.UTC}, Notes: &notes.Notes{},
		Tonight: setup.Tonight{AsOf: at, Today: calendar.DateOf(at, time.UTC)}}
	for i, age := range ages {
		in.Setup.Sources = append(in.Setup.Sources, setup.Source{Name: fmt.Sprint("dumps/", i), Set: "dumps", Path: fmt.Sprint(i),
			Environment: "backup", Of: "crm", Keep: keep, TakenAt: at.Add(-time.Duration(age * 24 * float64(time.Hour)))})
	}
	in.InspectRotation()
	for _, f := range in.Notes.Facts.Findings {
		kinds = append(kinds, fmt.Sprint(f.Kind, " ", f.Count))
	}
	return kinds
}

func TestTheRotationIsLookedAt(t *testing.T) {
	at := time.Date(2026, 5, 13, 1, 0, 0, 0, time.UTC) // a Wednesday
	none := calendar.Period{}
	for name, c := range map[string]struct {
		keep calendar.Period
		ages []float64
		want []string
	}{
		"each day":                       {none, []float64{.1, 1.1, 2.1, 3.1, 4.1, 5.1}, nil},
		"none":                           {none, nil, nil},
		"few":                            {none, []float64{.1, 9}, nil},
		"one is missing":                 {none, []float64{.1, 1.1, 3.1, 4.1, 5.1, 6.1}, []string{"F_BACKUP_GAP 1"}},
		"none came":                      {none, []float64{2.1, 3.1, 4.1, 5.1, 6.1}, []string{"F_BACKUP_GAP 1"}},
		"tonight's is to come":           {none, []float64{1.1, 2.1, 3.1, 4.1, 5.1}, nil},
		"each week":                      {none, []float64{3, 10, 17, 24, 31}, nil},
		"a week is missing":              {none, []float64{3, 17, 24, 31, 38}, []string{"F_BACKUP_GAP 1"}},
		"each hour, of a night none":     {none, []float64{.1, .14, .18, .6, .64, .68, .72}, nil},
		"each hour, of two days none":    {none, []float64{.1, .14, 2.2, 2.24, 2.28, 2.32}, []string{"F_BACKUP_GAP 1"}},
		"rarer as they age":              {none, []float64{.1, 1.1, 2.1, 3.1, 4.1, 5.1, 6.1, 10.1, 17.1, 24.1, 31.1, 45, 75, 106, 136}, nil},
		"weekends are free":              {none, []float64{.1, 1.1, 4.1, 5.1, 6.1, 7.1, 8.1, 11.1, 12.1}, nil},
		"past their keep":                {calendar.Period{Days: 3}, []float64{.1, 1.1, 2.1, 3.1, 4.1, 5.1, 6.1, 7.1}, []string{"F_BACKUP_KEPT 3"}},
		"a day late is not":              {calendar.Period{Days: 3}, []float64{.1, 1.1, 2.1, 3.1, 4.1}, nil},
		"the only one, long past":        {calendar.Period{Months: 1}, []float64{90}, []string{"F_BACKUP_KEPT 1"}},
		"two of one night, one by hand":  {none, []float64{.1, 1.1, 1.2, 2.1, 3.1, 4.1, 5.1}, nil},
		"one is missing, long ago":       {none, []float64{.1, 1.1, 2.1, 3.1, 4.1, 6.1, 7.1, 8.1, 9.1}, []string{"F_BACKUP_GAP 1"}},
		"too old a gap to compare it by": {none, []float64{.1, 1.1, 2.1, 3.1, 5.1, 6.1, 7.1}, nil},
	} {
		require.Equal(t, c.want, rotated(t, c.keep, at, c.ages...), name)
	}
}
