package census

import (
	"iter"
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
)

// Whole is a backup into which nobody can look: it has everybody who had rows when it was taken.
type Whole struct {
	Source string
	Taken  time.Time
}

// whole is such backups of one live source, the oldest first, and when somebody's rows there were last ended.
type whole struct {
	live   string
	copies []Whole
	erased map[Person]time.Time
}

// KeptWhole tells of the backups of a live source into which nobody can look, and whose rows nights ended there, when.
// A person who comes several times counts once.
func (n *Night) KeptWhole(silo, live string, copies []Whole, erased iter.Seq2[Person, time.Time]) {
	w := whole{live: live, copies: slices.Clone(copies), erased: map[Person]time.Time{}}
	slices.SortStableFunc(w.copies, func(a, b Whole) int { return a.Taken.Compare(b.Taken) })
	for p, at := range erased {
		if p != 0 && at.After(w.erased[p]) {
			w.erased[p] = at
		}
	}
	s := n.silo(silo)
	s.whole = append(s.whole, w)
}

// presume adds to copies whose rows were ended since a backup was taken: it has them. last is the backup that has
// somebody for the longest.
func (s *silo) presume(c *Copies, last map[Person]string, goes func(source string) calendar.Date) {
	for _, w := range s.whole {
		longest := make([]string, len(w.copies)) // of all up to one
		for i, copy := range w.copies {
			longest[i] = copy.Source
			if i > 0 && later(goes(longest[i-1]), longest[i-1], goes(copy.Source), copy.Source) {
				longest[i] = longest[i-1]
			}
		}
		upTo := make([]int64, len(w.copies)) // people who are in all up to one, and in no other
		add := func(p Person, n int) {
			if n == 0 || p == 0 { // nobody who can be told from others
				return
			}
			upTo[n-1]++
			was, known := last[p]
			if by := longest[n-1]; !known || later(goes(by), by, goes(was), was) {
				last[p] = by
			}
		}
		for p, at := range w.erased {
			if s.gone.of(p) > 0 && s.live[w.live] {
				continue
			}
			n, _ := slices.BinarySearchFunc(w.copies, at, func(c Whole, at time.Time) int {
				return c.Taken.Compare(at)
			})
			add(p, n)
		}
		if s.live[w.live] {
			for p := range s.gone.all() { // ended tonight
				add(p, len(w.copies))
			}
		}
		people := int64(0)
		for i := len(w.copies) - 1; i >= 0; i-- {
			people += upTo[i]
			c.InFile[w.copies[i].Source] += people
		}
	}
}
