package details

import (
	"cmp"
	"fmt"
	"strings"
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
