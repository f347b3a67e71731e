package requests

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

// Closing is how somebody wants to close a request.
type Closing struct {
	Outcome string // one of the outcomes of package cases
	// Others says that somebody looked at the rows that may be others', and none of them is the person's.
	Others bool
}

// Looked reports whether closing a request takes looking for the person: what was refused as a whole does not.
func (c Closing) Looked() bool { return c.Outcome != cases.OutcomeRefused }

// NeedsProof reports whether a request can be done only for somebody who has shown who they are: who says no to
// marketing, or withdraws, need not (Art. 11(1), 12(2)).
func NeedsProof(kind string) bool {
	return kind != cases.RequestObjection && kind != cases.RequestWithdrawal
}

// Left says what is left to do before a request can be closed so; none: it can be.
func (c Closing) Left(p *setup.Setup, a *cases.Asked, s *Section) (left []string) {
	for _, l := range s.Missing {
		left = append(left, fmt.Sprintf("%s was not looked at: the person may stand there", l))
	}
	left = append(left, elsewhere(p, a, s)...)
	switch a.Kind {
	case cases.RequestAccess, cases.RequestPortability:
		return append(left, c.handed(a)...)
	case cases.RequestErasure:
		left = append(left, c.erased(p, s)...)
	default:
		left = append(left, due(s)...)
	}
	for _, u := range s.untold {
		left = append(left, u.String()+": lethe consent sync --apply")
	}
	return left
}

// String says since when a copy does not know.
func (u Untold) String() string {
	if u.Last.IsZero() {
		return "the copy for " + u.Target + " was never delivered"
	}
	return fmt.Sprintf("the copy of %s for %s does not know of it: it was brought up to date on %s, before", u.Object,
		u.Target, u.Last.UTC().Format(time.RFC3339))
}

// Elsewhere are the places where a silo's people have data that no source reaches, and where somebody has to see to a
// request: of an objection and a withdrawal there is nothing to see to.
func Elsewhere(p *setup.Setup, silo, kind string) (places []setup.Attestation) {
	if !NeedsProof(kind) {
		return nil
	}
	for _, a := range p.Attestations {
		if slices.Contains(a.Silos, silo) {
			places = append(places, a)
		}
	}
	return places
}

// elsewhere says to which of these places nobody has seen.
func elsewhere(p *setup.Setup, a *cases.Asked, s *Section) (left []string) {
	for _, place := range Elsewhere(p, s.Silo, a.Kind) {
		if !slices.ContainsFunc(a.StepsOf(cases.StepManual), func(s cases.Step) bool { return s.How == place.Name }) {
			left = append(left, fmt.Sprintf("%s (%s): nobody has seen to it: lethe request done %s --silo %s "+
				"--at %[1]s", place.Name, place.Owner, a.ID, s.Silo))
		}
	}
	return left
}

// handed says what is left of an answer that is to be handed over.
func (c Closing) handed(a *cases.Asked) []string {
	if c.Outcome == cases.OutcomePartlyRefused { // all of it may be others'
		return nil
	}
	for _, step := range a.StepsOf(cases.StepExported) {
		if strings.HasPrefix(step.How, a.Kind+" ") {
			return nil
		}
	}
	return []string{fmt.Sprintf("nothing was handed over that is complete: lethe request export %s --to FOLDER", a.ID)}
}

// due says which changes of the person's rows are left to be made.
func due(s *Section) (left []string) {
	for _, place := range s.Places() {
		if place.Changes != "" && !place.Backup {
			left = append(left, fmt.Sprintf("%s.%s: %d rows, %s is due and was not done: lethe request fulfil %s",
				place.Source, place.Table, place.Rows, place.Changes, s.Request))
		}
	}
	return left
}

// erased says what stands of the person: in live sources that something is still due of, or all of it where the outcome
// says that it was done; and in backups that nobody says the end of.
func (c Closing) erased(p *setup.Setup, s *Section) (left []string) {
	left = due(s)
	for _, place := range s.Places() {
		rows := fmt.Sprintf("%s.%s: %d rows", place.Source, place.Table, place.Rows)
		switch {
		case place.Backup && place.How.Certain():
			if _, ends := Ends(p, place.Source); !ends {
				left = append(left, rows+" lie in a backup that neither ends by `keep` nor is rewritten")
			}
		case !place.How.Certain() && !place.Backup && !c.Others:
			left = append(left, rows+" may be the person's ("+string(place.How)+"): look at them, and say --others if "+
				"they are not")
		case place.How.Certain() && place.Changes == "" && !gone(s, place) && c.Outcome == cases.OutcomeCompleted:
			why := place.Why
			if why == "" && dueIn(s, place.Source) {
				continue // they go with the rows of which something is due, which keeps it open
			}
			if why == "" {
				why = "they go with a row that stays, or with none."
			}
			if place.Why == reason.KObjectionPending.Words() {
				left = append(left, rows+" stay: "+why+" "+Weigh(s))
				continue
			}
			left = append(left, rows+" stay: "+why+" Close it as partly_refused, with the exception, and tell the "+
				"person")
		}
	}
	return left
}

// Weigh says how an erasure is weighed against a ground that gives way to an objection.
func Weigh(s *Section) string {
	return fmt.Sprintf("Weigh it: lethe request weigh %s --silo %s --outcome upheld, or overridden.", s.Request, s.Silo)
}

// dueIn reports whether a change of rows of a live source is left to be made.
func dueIn(s *Section, source string) bool {
	return slices.ContainsFunc(s.Certain(), func(h *Hit) bool {
		return h.Source == source && h.Change != "" && !h.Backup
	})
}

// gone reports whether what stands in a place is nobody's any more.
func gone(s *Section, place *Place) bool {
	return !slices.ContainsFunc(s.Hits, func(h *Hit) bool {
		return h.Source == place.Source && h.Table == place.Table && h.How == place.How && h.Words == place.Why &&
			(h.Decision == nil || h.Decision.Reason != reason.KAnonymized)
	})
}

// Ends says when a backup is gone, or what was erased is gone from it: a civil day, "" with its next rewrite; false
// where neither is said.
func Ends(p *setup.Setup, backup string) (day string, ok bool) {
	i := slices.IndexFunc(p.Sources, func(s setup.Source) bool { return s.Name == backup })
	if i < 0 {
		return "", false
	}
	s := p.Sources[i]
	if !s.Keep.IsZero() && !s.TakenAt.IsZero() {
		return calendar.EndOf(calendar.DateOf(s.TakenAt, p.Zone), s.Keep).String(), true
	}
	return "", s.Rewrite != nil
}

// Kept are the reasons for which rows of the person stay in live sources, in words, sorted.
func (s *Section) Kept() (why []string) {
	for _, h := range s.Certain() {
		if !h.Backup && h.Decision != nil && h.Change == "" && h.Decision.Reason != reason.KAnonymized {
			why = append(why, h.Words)
		}
	}
	slices.Sort(why)
	return slices.Compact(why)
}
