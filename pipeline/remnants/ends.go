package remnants

import (
	"github.com/apache/arrow/go/v15/arrow"

	"lethe/pipeline/judge"
	"lethe/pipeline/policy/calendar"
)

// end is a row in which people may have to be ended.
type end struct {
	of     *judge.Judge
	root   *judge.Root
	people []*person // who were met in its fields that are ended
}

// end takes up that somebody was met in a row, where the policy of a silo that knows the person ends people in the
// field.
func (s *Search) end(c *column, p *person, rows arrow.Record, row int) {
	for _, g := range s.Endings {
		if !g.Ends(c.field) || p.at(g) == nil {
			continue
		}
		byJudge := s.ending[int64(row)]
		if byJudge == nil {
			byJudge = map[*judge.Judge]*end{}
			s.ending[int64(row)] = byJudge
		}
		e := byJudge[g]
		if e == nil && len(s.ends) < most {
			e = &end{of: g, root: g.Ending(s.watch.RunID, rows, row)}
			byJudge[g] = e
			if e.root != nil {
				s.ends = append(s.ends, e)
			}
		}
		if e != nil {
			e.people = append(e.people, p)
		}
	}
}

// at is where a person is known in the silo of a judge; nil: there is no telling.
func (p *person) at(g *judge.Judge) *known {
	for i := range p.in {
		if p.in[i].of.silo == g.Silo {
			return &p.in[i]
		}
	}
	return nil
}

// Plan gives the judges of the fields in which people end the rows that are to be changed, once it is known whom nobody
// holds; waits says of a row that it stands in a plan already, or is set aside. A row is in one plan for one silo.
func (w *Watch) Plan(waits func(g *judge.Judge, r *judge.Root) bool) {
	for _, s := range w.searches {
		taken := map[string]bool{}
		for _, e := range s.ends {
			since, some, all := calendar.Date(0), false, true
			for _, p := range e.people {
				k := p.at(e.of)
				day, is := w.sinceOf(p, k.of, s.Follows)
				if is {
					since, some = earliest(since, day), true
				}
				all = all && (is || k.of.now(k.ref) != gone)
			}
			if key := string(e.of.KeyOf(e.root)); all && some && !taken[key] && !waits(e.of, e.root) {
				e.root.Due, taken[key] = since, true
				e.of.Roots = append(e.of.Roots, e.root)
			}
		}
		s.ends = nil
	}
}
