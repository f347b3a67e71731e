// Package clock finds that a machine's clock stands where it cannot be right: before what was written down already, or
// far after it.
//
//   - Watch looks at it once a night: Leapt before anything is read, Back when the registry is open.
package clock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
)

// slack is how far the clock of a machine may stand before what another one, or an earlier night, wrote down.
const slack = time.Hour

// Watch looks at the clock of one night.
type Watch struct {
	Setup *setup.Setup
	Notes *notes.Notes
}

// Leapt finds that the clock went on by more days since the run before this one than the breakers allow: either nothing
// ran for so long, or somebody set it on, so that what is due much later would go now. That stands, through all runs,
// until people have approved a plan since, or two have signed that the clock is right.
func (w *Watch) Leapt(runs []journal.Run, said answers.Chain) (bool, error) {
	l, err := LeapOf(w.Setup, runs, said)
	if err != nil || l.From == "" && l.Words == "" {
		return false, err
	}
	w.Notes.Find(audit.Finding{Kind: clockAhead, Severity: "high", Object: l.From, Count: 1, Article: "Art. 5(1)(f)",
		Words: l.Words + eitherOr + "Until two people have approved a plan, or signed that the clock is right with " +
			"`lethe audit acknowledge --clock`, no standing order lets one go, and the registry forgets nothing."})
	return true, nil
}

// Leap is one of the clock, between two runs.
type Leap struct {
	From  string // when the run before it began, RFC 3339; "" an earlier build found it, and did not say
	Words string // "" there was none, or people have looked at it
	to    time.Time
	pause time.Duration
}

// LeapOf finds a leap that nobody has looked at yet.
func LeapOf(p *setup.Setup, runs []journal.Run, said answers.Chain) (l Leap, err error) {
	at, answered := p.Now(), int64(len(said.All()))
	pause := time.Duration(p.Breakers.PauseDays) * 24 * time.Hour
	for _, r := range runs { // those that were cut off, up to the newest that has something to say
		if pause > 0 && at.Sub(r.StartedAt) > pause && !p.Simulated {
			l.From = r.StartedAt.UTC().Format(time.RFC3339)
			l.to, l.pause = at, pause
			l.Words = fmt.Sprintf("The clock went on from %s to %s between two runs.", l.From,
				at.UTC().Format(time.RFC3339))
			break
		}
		at = r.StartedAt
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return l, err
		}
		if i := slices.IndexFunc(f.Findings, func(f audit.Finding) bool { return f.Kind == clockAhead }); i >= 0 {
			l.From = f.Findings[i].Object
			l.Words, _, _ = strings.Cut(f.Findings[i].Words, eitherOr)
			answered = f.Run.Answers
		}
		break
	}
	if l.Words == "" || said.Approved(answered, p.Approvals) || l.lookedAt(p, said) {
		return Leap{}, nil
	}
	return l, nil
}

const (
	clockAhead = "F_CLOCK_AHEAD"
	eitherOr   = " Either nothing ran in between, or somebody set it on. "
)

// About is what those sign about who have looked at the leap.
func (l Leap) About() string { return "clock:" + l.From }

// lookedAt reports whether two people who may have signed that the clock is right: at about the time that it says, not
// before it went on still further.
func (l Leap) lookedAt(p *setup.Setup, said answers.Chain) bool {
	var by []answers.Answer
	for _, s := range said.All() {
		a := s.Answer
		if a.Act != answers.Acknowledge || a.About != l.About() || l.From == "" ||
			l.to.Sub(a.SignedAt) > l.pause && !l.to.IsZero() || said.Voided(p.People, s, a.Digest, p.Now()) != "" {
			continue
		}
		if slices.ContainsFunc(by, func(b answers.Answer) bool {
			return b.Key != a.Key && state.MayAcknowledge(p.People[a.Actor], p.People[b.Actor]) == nil
		}) {
			return true
		}
		by = append(by, a)
	}
	return false
}

// Back finds that this machine's clock stands before a night that was, or before something that the registry recorded:
// what is due since then would stay, and nobody would notice. The night goes on, since it is right for the day that it
// knows, and is no night in order.
func (w *Watch) Back(registry *silos.Set, lastRun time.Time) {
	p := w.Setup
	latest, of := lastRun, "the night before began"
	for _, h := range registry.Heads {
		if h.RecordedAt.After(latest) {
			latest, of = h.RecordedAt, "the registry recorded something of silo "+h.Silo
		}
	}
	if p.Simulated || !p.Now().Add(slack).Before(latest) {
		return
	}
	words := fmt.Sprintf("The clock says %s, and at %s %s.", p.Now().UTC().Format(time.RFC3339),
		latest.UTC().Format(time.RFC3339), of)
	w.Notes.Find(audit.Finding{Kind: "F_CLOCK_BACK", Severity: "high", Count: 1, Article: "Art. 5(1)(e)",
		Words: words + " One of the two is wrong: rows that are due by the later one are still kept."})
	w.Notes.Problem(fmt.Errorf("%w: %s One of the two is wrong: set the clock of the machine right; if it is, this "+
		"ends by itself when that instant is over", setup.ErrExpired, words))
}
