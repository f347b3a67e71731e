package plan

import (
	"slices"

	"lethe/pipeline/audit"
)

// Usual is the median of a plan line over the last finished runs; 0 where there is no history.
func Usual(history []audit.Facts, c Count) float64 {
	var rows []int64
	for _, f := range history {
		for _, p := range f.Plans {
			if p.Silo == c.Silo && p.Source == c.Source && p.Object == c.Table &&
				p.Change == c.Change && p.Reason == c.Reason {
				rows = append(rows, p.Rows)
			}
		}
	}
	if len(rows) == 0 {
		return 0
	}
	slices.Sort(rows)
	m := len(rows) / 2
	if len(rows)%2 == 1 {
		return float64(rows[m])
	}
	return float64(rows[m-1]+rows[m]) / 2
}
