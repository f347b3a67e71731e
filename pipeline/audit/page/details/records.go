package details

import (
	"cmp"
	"strings"

	"lethe/pipeline/audit/page/lang"
)

// backupLevels are how the states of backups look; amber where none is said.
var backupLevels = map[string]string{"ok": "green", "rewritten": "green", "overdue": "red", "unreadable": "red"}

// backups lists the backup files.
func (p *page) backups() {
	for _, b := range p.facts.Backups {
		words, note := "", ""
		if b.Pending != 0 && p.words.Has("details.strategy."+b.Strategy) {
			words = p.say("details.strategy." + b.Strategy)
		}
		if b.Status == "rewritten" {
			words = p.say("details.strategy.done")
		} else if b.Why != "" {
			note = upperFirst(b.Why) + "."
		}
		switch {
		case p.Lang == lang.English:
			words, note = strings.TrimSpace(words+" "+note), ""
		case b.Pending != 0 && b.GoesOn != "" && b.Status != "rewritten":
			words = strings.TrimSpace(words + " " + p.say("details.backup.goes", p.civil(b.GoesOn)))
		}
		p.Backups = append(p.Backups, backupView{
			Name:    cmp.Or(b.Source, b.Application),
			Path:    b.Path,
			Taken:   p.day(b.TakenAt),
			Expires: cmp.Or(p.day(b.ExpiresAt), p.say("details.unknown")),
			Pending: p.number(b.Pending),
			Oldest:  p.civil(b.Oldest),
			State:   p.said("details.backup.", b.Status),
			Level:   cmp.Or(backupLevels[b.Status], "amber"),
			Words:   words,
			Note:    note,
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
			Drift:   p.number(drift),
			State:   p.say("details.copies.current"),
			Level:   "green",
		}
		switch {
		case c.LagSeconds > c.MaxLagSeconds:
			v.State, v.Level = p.say("details.copies.lags"), "red"
			v.Words = p.say("details.copies.lags.words", p.number(c.AckedSeq), p.number(c.HeadSeq),
				p.say("days", c.LagSeconds/86400))
		case c.Error != "":
			v.State, v.Level, v.Words = p.say("details.copies.error"), "amber", p.say("details.copies.error.words")
		case p.Run.Mode != "apply":
			v.State, v.Level = p.say("details.copies.looked"), "amber"
		case drift > 0:
			v.State, v.Level = p.say("details.copies.repaired"), "amber"
			v.Words = p.say("details.copies.repaired.words")
		}
		p.Copies = append(p.Copies, v)
	}
}

// holdLevels are how the states of holds in force look.
var holdLevels = map[string]string{"in_force": "green", "unapproved": "amber", "review_due": "amber"}

// holds lists the holds in force.
func (p *page) holds() {
	for _, h := range p.facts.Holds {
		if level, ok := holdLevels[h.Status]; ok {
			p.Holds = append(p.Holds, holdView{
				Silo:     h.Silo,
				ID:       h.HoldID,
				Placed:   h.PlacedBy + ", " + p.day(h.PlacedAt),
				Approved: cmp.Or(h.ApprovedBy, p.say("details.holds.nobody")),
				Review:   p.civil(h.ReviewBy),
				State:    p.say("details.hold." + h.Status),
				Level:    level,
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
				Until:   p.civil(i.ReviewedUntil),
				Because: i.Because,
			})
		}
	}
}
