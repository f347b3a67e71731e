package balance

import (
	"time"

	"lethe/pipeline/audit"
)

// rollUp sums the silos of the run, and what people asked for.
func (b *Book) rollUp() {
	f := &b.Notes.Facts
	r := audit.Rollup{RunID: f.Run.RunID, Phases: f.Run.Phases, Silos: int64(len(f.Silos))}
	for _, s := range f.Silos {
		if s.ReadOn != b.Tonight.Today.String() {
			r.Stale++
		}
		r.People, r.PeopleWithoutGround = r.People+s.People, r.PeopleWithoutGround+s.PeopleWithoutGround
		r.Rows, r.Copies, r.ErasedPeople = r.Rows+s.Rows, r.Copies+s.Copies, r.ErasedPeople+s.ErasedPeople
		r.InGrace, r.Waiting, r.NotDone = r.InGrace+s.InGrace, r.Waiting+s.Waiting, r.NotDone+s.NotDone
		r.Unknown, r.RowsEnded = r.Unknown+s.Unknown, r.RowsEnded+s.RowsEnded
	}
	since := time.Time{}
	if len(b.Notes.History) > 0 {
		since = b.Notes.History[0].Run.AsOf
	}
	for _, q := range f.Requests {
		late := q.OverdueDays > 0
		switch {
		case q.ClosedAt.IsZero():
			r.RequestsOpen++
			if late {
				r.RequestsOverdue++
			}
		case q.ClosedAt.After(since):
			r.RequestsClosed++
			if !late {
				r.RequestsInTerm++
			}
		}
	}
	f.Rollup = []audit.Rollup{r}
}
