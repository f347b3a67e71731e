package details

import (
	"cmp"
	"fmt"
	"strings"

	"lethe/pipeline/audit"
)

var backupStates = map[string]struct{ words, level string }{
	"ok":         {"in order", "green"},
	"rewritten":  {"rewritten tonight", "green"},
	"waiting":    {"waits", "amber"},
	"overdue":    {"overdue", "red"},
	"orphan":     {"belongs to nothing", "amber"},
	"unreadable": {"cannot be read", "red"},
}

var strategyWords = map[string]string{
	"rewrite":    "The file is rewritten without what should be gone.",
	"age_out":    "The file is left to expire.",
	"beyond_use": "The file has no end date: what should be gone stays beyond use.",
}

// backups lists the backup files.
func (p *page) backups() {
	for _, b := range p.facts.Backups {
		state := backupStates[b.Status]
		words := strategyWords[b.Strategy]
		if b.Pending == 0 {
			words = ""
		}
		if b.Status == "rewritten" {
			words = "A new file without what should be gone was read back and took the place of the old one."
		} else if b.Why != "" {
			words = strings.TrimSpace(words + " " + upperFirst(b.Why) + ".")
		}
		p.Backups = append(p.Backups, backupView{
			Name:    cmp.Or(b.Source, b.Application),
			Path:    b.Path,
			Taken:   p.date(b.TakenAt),
			Expires: cmp.Or(p.date(b.ExpiresAt), "not known"),
			Pending: number(b.Pending),
			Oldest:  shortDate(b.Oldest),
			State:   cmp.Or(state.words, b.Status),
			Level:   cmp.Or(state.level, "amber"),
			Words:   words,
		})
	}
}

// copies lists what the applications know of consents.
func (p *page) copies() {
	for _, c := range p.facts.ConsentSync {
		drift := c.DriftMissing + c.DriftExtra + c.DriftDifferent
		v := copyView{
			Target:  c.Target,
			Silo:    c.Silo,
			Place:   place(c.Source, c.Object, ""),
			Rows:    p.count(c.Silo, c.ExpectedRows),
			Changed: p.count(c.Silo, c.Changed),
			Drift:   number(drift),
			State:   "up to date",
			Level:   "green",
		}
		switch {
		case c.LagSeconds > c.MaxLagSeconds:
			v.State, v.Level = "lags", "red"
			v.Words = fmt.Sprintf("It is at event %s of %s, and was last up to date %s ago.",
				number(c.AckedSeq), number(c.HeadSeq), days(c.LagSeconds))
		case c.Error != "":
			v.State, v.Level, v.Words = "not reached", "amber", "The next night compares it in full again."
		case p.Run.Mode != "apply":
			v.State, v.Level = "looked at", "amber"
		case drift > 0:
			v.State, v.Level, v.Words = "repaired", "amber", "It was not as it was left; find out who writes to it."
		}
		p.Copies = append(p.Copies, v)
	}
}

var requestStates = map[string]struct{ words, level string }{
	"open":    {"open", "amber"},
	"paused":  {"paused", "amber"},
	"overdue": {"overdue", "red"},
	"closed":  {"closed", "green"},
}

// requests lists the open requests, and counts of the closed ones stay in the table.
func (p *page) requests() {
	for _, r := range p.facts.Requests {
		if r.Status == "closed" {
			continue
		}
		var words []string
		if r.ExtendedTo != "" {
			words = append(words, fmt.Sprintf("Extended by two months on %s (%s).", p.date(r.ToldAt),
				strings.Replace(r.Because, "number", "number of requests", 1)))
		}
		if r.PausedHours > 0 {
			words = append(words, fmt.Sprintf("The term rested for %s so far while it was checked who asks.",
				days(int64(r.PausedHours*3600))))
		}
		if r.OverdueDays > 0 {
			words = append(words, "Late by "+days(r.OverdueDays*86400)+".")
		}
		words = append(words, p.soFar(r)...)
		due := shortDate(cmp.Or(r.ExtendedTo, r.DueOn))
		if r.Status == "paused" {
			due = "rests"
		}
		p.Requests = append(p.Requests, requestView{
			Silo:     r.Silo,
			ID:       r.RequestID,
			Kind:     r.Kind,
			Received: p.date(r.ReceivedAt),
			Due:      due,
			State:    requestStates[r.Status].words,
			Level:    requestStates[r.Status].level,
			Words:    strings.Join(words, " "),
		})
	}
}

// soFar says what was done with a request.
func (p *page) soFar(r audit.Request) (words []string) {
	if r.VerifiedAt.IsZero() {
		return []string{"Nobody has noted yet that the person has shown who they are."}
	}
	if !r.HandedAt.IsZero() {
		words = append(words, fmt.Sprintf("Handed over on %s: %s.", p.date(r.HandedAt), rows(r.HandedRows)))
	}
	if !r.FulfilledAt.IsZero() {
		words = append(words, fmt.Sprintf("What was due was last planned or done for it on %s.", p.date(r.FulfilledAt)))
	}
	if !r.LookedAt.IsZero() {
		left := fmt.Sprintf("On %s, %s of the person stood in live sources and %s in backups", p.date(r.LookedAt),
			rows(r.FoundRows), rows(r.CopyRows))
		if r.Kept != "" {
			left += ", kept by " + strings.NewReplacer("=", " (", ";", "), ").Replace(r.Kept) + ")"
		}
		words = append(words, left+".")
	}
	if r.Letter != "" {
		words = append(words, fmt.Sprintf("The letter %s was written on %s.", strings.ReplaceAll(r.Letter, "_", " "),
			p.date(r.LetterAt)))
	}
	return words
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

var holdStates = map[string]struct{ words, level string }{
	"in_force":   {"in force", "green"},
	"unapproved": {"nobody approved it", "amber"},
	"review_due": {"review is due", "amber"},
}

// holds lists the holds in force.
func (p *page) holds() {
	for _, h := range p.facts.Holds {
		if state, ok := holdStates[h.Status]; ok {
			p.Holds = append(p.Holds, holdView{
				Silo:     h.Silo,
				ID:       h.HoldID,
				Placed:   h.PlacedBy + ", " + p.date(h.PlacedAt),
				Approved: cmp.Or(h.ApprovedBy, "nobody yet"),
				Review:   shortDate(h.ReviewBy),
				State:    state.words,
				Level:    state.level,
			})
		}
	}
}

// reviews lists the fields of which a person and not the classifiers said what they hold.
func (p *page) reviews() {
	for _, i := range p.facts.Inventory {
		if i.ReviewedBy != "" && i.Change != "gone" {
			p.Reviews = append(p.Reviews, reviewView{
				Place:   place(i.Source, i.Object, i.Column),
				Machine: strings.ReplaceAll(cmp.Or(i.Machine, "none"), "_", " "),
				Now:     strings.ReplaceAll(i.Category, "_", " "),
				By:      i.ReviewedBy,
				Until:   shortDate(i.ReviewedUntil),
				Because: i.Because,
			})
		}
	}
}
