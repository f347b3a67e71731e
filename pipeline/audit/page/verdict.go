package page

import (
	"fmt"
	"strings"
)

// tiles gives the figures at the top.
func (p *page) tiles() {
	var decided, changed, verified, failed, exceptions int64
	for _, s := range p.facts.Summary {
		decided += s.Rows
	}
	for at, n := range p.totals {
		switch at.Status {
		case "done", "recovered":
			changed, verified = changed+n.Rows, verified+n.Verified
		case "skipped_drift":
		default:
			failed += n.Rows
		}
	}
	for _, e := range p.facts.Exceptions {
		exceptions += e.Count
	}
	done := tile{Value: number(changed), Label: "Rows changed tonight", Note: "nothing was changed"}
	if changed > 0 {
		done.Note = number(verified) + " read again and confirmed"
	}
	if failed > 0 {
		done.Note, done.Level = number(failed)+" more refused or failed", "bad"
	}
	waiting := tile{Value: number(p.waitingRows), Label: "Rows that wait for approval", Note: "no plan waits"}
	if p.waiting > 0 {
		waiting.Note, waiting.Level = in(int64(p.waiting), "plan", "plans"), "warn"
	}
	overdue := tile{Value: number(p.overdue), Label: "Rows past their term", Note: "when the night ended"}
	if p.overdue > 0 {
		overdue.Note, overdue.Level = "when the night ended; the oldest since "+shortDate(p.overdueFrom), "warn"
	}
	except := tile{Value: number(exceptions), Label: "Records that need a person", Note: "none"}
	if exceptions > 0 {
		except.Note, except.Level = in(int64(len(p.facts.Exceptions)), "exception", "exceptions"), "warn"
	}
	backups := tile{
		Value: number(p.pending),
		Label: "Erasures pending in backups",
		Note:  "no backup holds what should be gone",
	}
	switch {
	case len(p.facts.Backups) == 0:
		backups.Value, backups.Note = "–", "no backup is configured"
	case p.pending > 0 && !p.pendingTill.IsZero():
		backups.Note, backups.Level = "the last of these files expires on "+p.date(p.pendingTill), "warn"
	case p.pending > 0:
		backups.Note, backups.Level = "until those files are rewritten", "warn"
	}
	all := tile{Value: number(decided), Label: "Records decided on", Note: in(int64(len(p.Silos)), "silo", "silos")}
	if p.Unread != "" {
		unseen(&overdue, &except, &backups)
	}
	if len(p.facts.Summary) == 0 && (p.Undecided != "" || p.Unread != "") {
		all.Value, all.Note = "–", "this run decided nothing"
	}
	p.Tiles = []tile{all, done, waiting, overdue, except, backups}
}

// unseen are figures of a run that read no source, but for those that somebody has to see to.
func unseen(tiles ...*tile) {
	for _, t := range tiles {
		if t.Level == "" {
			t.Value, t.Note = "–", "this run did not look"
		}
	}
}

func in(n int64, one, many string) string { return fmt.Sprintf("in %d %s", n, plural(n, one, many)) }

// judge gives the verdict. Red: the night failed or its evidence is in doubt. Amber: it did its work,
// and people are needed. Green: neither.
func (p *page) judge() {
	red, amber := p.ended()
	amber = append(amber, p.open()...)
	for _, c := range p.Copies {
		switch {
		case c.Level == "red":
			red = append(red, c.Target+" works with consents that are out of date: its copy could not be reached.")
		case c.State == "repaired":
			amber = append(amber, "The copy of the consents at "+c.Target+" was altered by somebody, and repaired.")
		}
	}
	for _, b := range p.Backups {
		if b.Level == "red" {
			amber = append(amber, "Backup "+b.Name+": "+b.State+".")
		}
	}
	switch {
	case len(red) > 0:
		p.Verdict = verdict{"red", "Red: look at this today", red[0], append(red[1:], amber...)}
	case len(amber) == 1:
		p.Verdict = verdict{"amber", "Amber: people are needed", amber[0], nil}
	case len(amber) > 1:
		p.Verdict = verdict{"amber", "Amber: people are needed",
			"The night is recorded and signed, but something waits for people.", amber}
	case p.Undecided != "":
		p.Verdict = verdict{"green", "Green: in order", strings.TrimSuffix(runParts[p.Run.Phases].did, ".") +
			"; nothing waits for people.", nil}
	default:
		p.Verdict = verdict{"green", "Green: in order", "Every record of every silo was decided, " +
			"what was approved was carried out, and nothing waits for people.", nil}
	}
}

// ended says how the night ended, and which of its rows could not be changed.
func (p *page) ended() (red, amber []string) {
	switch code := p.Run.ExitCode; code {
	case 0:
	case 3, 5:
		amber = append(amber, "The night did not do all of its work: "+p.Reason+".")
	case 10:
		red = append(red, "The consent registry is missing, empty or too old: nothing was decided on it.")
	case 12:
		red = append(red, "The registry, a plan or the evidence is not what it was: somebody may have altered it.")
	case 13:
		red = append(red, "A plan lapsed before it was carried out.")
	default:
		red = append(red, fmt.Sprintf("The night ended with an error (exit code %d).", code))
	}
	failed := int64(0)
	for at, n := range p.totals {
		if at.Status == "failed" || at.Status == "refused" {
			failed += n.Rows
		}
	}
	if failed > 0 {
		rows := plural(failed, "row", "rows")
		red = append(red, fmt.Sprintf("%s planned %s could not be changed.", number(failed), rows))
	}
	return red, amber
}

// open says what waits for people.
func (p *page) open() (amber []string) {
	say := func(format string, args ...any) { amber = append(amber, fmt.Sprintf(format, args...)) }
	if n := int64(p.Run.SourcesFailed); n > 0 {
		say("%s %s could not be read, so nothing is known of %s tonight.",
			number(n), plural(n, "source", "sources"), plural(n, "it", "them"))
	}
	if n := int64(p.waiting); n > 0 {
		say("%d %s with %s %s %s for approval.", n, plural(n, "plan", "plans"),
			number(p.waitingRows), plural(p.waitingRows, "row", "rows"), plural(n, "waits", "wait"))
	}
	if n := p.weighty(); n > 0 {
		say("%s %s of high weight %s open.", number(n), plural(n, "finding", "findings"), plural(n, "is", "are"))
	}
	if n := int64(len(p.Exceptions)); n > 0 {
		say("%s %s %s a person.", number(n), plural(n, "exception", "exceptions"), plural(n, "needs", "need"))
	}
	return amber
}

// weighty counts the findings of high weight. A source that failed is said apart.
func (p *page) weighty() (n int64) {
	for _, f := range p.facts.Findings {
		if f.Severity == "high" && f.Kind != "F_SOURCE_FAILED" {
			n++
		}
	}
	return n
}
