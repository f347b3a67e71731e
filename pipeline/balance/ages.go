package balance

import (
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/reason"
)

// over is how much of a term is over that has ended, in tenths; none says that no term runs.
const (
	over = 10
	none = -1
)

// aged takes the rows off that were ended since they were counted, from those that were due. Which of them are past
// their term is not told apart by reason once they are counted: those whose consent or term was over are taken from the
// ones past it first, the others from those of which no term runs. An anonymized row is there still, and no term of it
// runs.
func aged(ages []audit.Age, settled []Settled) (left []audit.Age) {
	left = slices.Clone(ages)
	for _, l := range settled {
		if !l.Ended() {
			continue
		}
		order := []int32{none, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, over}
		switch reason.Code(l.Reason) {
		case reason.DRetentionElapsed, reason.DConsentExpired, reason.DConsentWithdrawn:
			order = []int32{over, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, none}
		}
		taken, rows, day := int64(0), l.Rows, ""
		for _, tenth := range order {
			for i := range left {
				a := &left[i]
				if a.Silo == l.Silo && a.Source == l.Source && a.Object == l.Object && a.Tenth == tenth {
					n := min(a.Due, rows)
					if n > 0 && tenth == over {
						a.DaysPast = 0 // of which rows it was is not known
					}
					a.Rows, a.Due, rows, taken, day = a.Rows-n, a.Due-n, rows-n, taken+n, a.ReadOn
				}
			}
		}
		if l.Change != "anonymize" || taken == 0 {
			continue
		}
		at := slices.IndexFunc(left, func(a audit.Age) bool {
			return a.Silo == l.Silo && a.Source == l.Source && a.Object == l.Object && a.Tenth == none
		})
		if at < 0 {
			at, left = len(left), append(left, audit.Age{Silo: l.Silo, Source: l.Source, Object: l.Object, Tenth: none,
				ReadOn: day})
		}
		left[at].Rows += taken
	}
	return slices.DeleteFunc(left, func(a audit.Age) bool { return a.Rows == 0 })
}
