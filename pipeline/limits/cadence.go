package limits

import (
	"context"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/stores"
)

// Cadence says whether a backup is rewritten tonight: when its oldest pending erasure has waited long
// enough, not too often, and not when the file is gone before that: erasing everywhere in one night
// would take away the only way back from a wrong policy. Until then what should be gone is beyond use,
// and counted. Its errors are those of reading the journal, and the file.
func (l *Limits) Cadence(ctx context.Context, s *plan.Draft) error {
	if !s.Backup() {
		return nil
	}
	b := l.BackupRow(s.Store)
	var err error
	if b.LastRewrite, _, err = l.Journal.LastRewrite(ctx, s.Path); err != nil {
		return err
	}
	tonight, oldest := pending(s)
	b.Pending, b.Oldest = due(s, tonight, oldest)
	s.Due = l.rewrites(s, b, tonight, oldest)

	if b.Pending > 0 && b.After == "" { // a plan approved before may have had it rewritten just now
		b.Status = "waiting"
	}
	if s.Due {
		digest, err := s.FileDigest()
		if err != nil {
			return err
		}
		s.Digest = digest
		if b.After == "" {
			b.Before = digest
		}
	}
	return nil
}

// BackupRow is the row of a backup in the report, made when it is first asked for; it moves with the next one.
func (l *Limits) BackupRow(s *stores.Store) *audit.Backup {
	rows := &l.Notes.Facts.Backups
	i := slices.IndexFunc(*rows, func(b audit.Backup) bool { return b.Source == s.Name })
	if i < 0 {
		b := audit.Backup{Source: s.Name, Application: s.Application, Path: s.Path, Engine: s.Connector,
			TakenAt: s.TakenAt, Status: "ok", Size: s.FileSize()}
		b.ExpiresAt = s.Ends
		if !s.Keep.IsZero() {
			b.ExpiresAt = calendar.EndOf(calendar.DateOf(s.TakenAt, l.Setup.Zone), s.Keep).Start(l.Setup.Zone)
		}
		i = len(*rows)
		*rows = append(*rows, b)
	}
	return &(*rows)[i]
}

// due counts the rows of a backup that should be gone, with the day on which the first of them was due: those that are
// to be destroyed, and those that wait in a plan or for their next try.
func due(s *plan.Draft, tonight int64, first calendar.Date) (rows int64, oldest string) {
	oldest = first.String()
	for _, g := range s.Judges {
		for _, line := range g.Summary {
			if c := judge.Change(line.Change); c == judge.None || c.Reversible() {
				continue
			}
			rows += line.Rows
			if line.OldestDue != "" && (oldest == "" || line.OldestDue < oldest) {
				oldest = line.OldestDue
			}
		}
	}
	return max(rows, tonight), oldest
}

// pending counts the rows of a backup that are to be destroyed, with the day on which the first of them
// was due.
func pending(s *plan.Draft) (rows int64, oldest calendar.Date) {
	for _, g := range s.Judges {
		for _, r := range g.Roots {
			if !destroys(r) {
				continue
			}
			rows++
			if oldest == 0 || r.Due.Known() && r.Due < oldest {
				oldest = r.Due
			}
		}
	}
	return rows, oldest
}

// rewrites reports whether a backup is rewritten tonight, and says in the report what becomes of it, and why.
func (l *Limits) rewrites(s *plan.Draft, b *audit.Backup, tonight int64, oldest calendar.Date) bool {
	_, can := s.Conn.(connectors.Rewriter)
	if !can || s.Rewrite == nil {
		b.Strategy, b.Why = "age_out", "rewriting is not configured: what is due is beyond use until the file expires"
		if whole, is := s.Conn.(connectors.Whole); is {
			b.Why = whole.Whole() + ", kept or ended whole: what is due is beyond use until it expires"
		}
		if b.ExpiresAt.IsZero() {
			b.Strategy = "beyond_use"
			b.Why += ", which no keep says"
		}
		return false
	}
	after, every := s.Rewrite.After, s.Rewrite.AtMostEvery
	last := calendar.DateOf(b.LastRewrite, l.Setup.Zone)
	b.Strategy = "rewrite"
	o, barred := s.BarredFile()
	switch {
	case b.Pending == 0:
		b.Why = "nothing in it is due"
	case tonight == 0:
		b.Why = "what is due in it waits for people, or for its next try"
	case oldest.Known() && !after.IsZero() && l.Tonight.Today < calendar.EndOf(oldest, after):
		b.Why = fmt.Sprintf("the oldest erasure is due since %s; the file is rewritten %s later", oldest, after)
	case !b.LastRewrite.IsZero() && !every.IsZero() && l.Tonight.Today < calendar.EndOf(last, every):
		b.Why = fmt.Sprintf("rewritten on %s, at most every %s", last, every)
	case !b.ExpiresAt.IsZero() && b.ExpiresAt.Add(s.Written.Sub(s.TakenAt)).Before(l.Tonight.AsOf):
		b.Strategy, b.Why = "age_out", "the file is past its end and should be deleted, not rewritten"
	case barred:
		b.Why = fmt.Sprintf("erasures are due in it, and it cannot be rewritten: %s: %s", o.What, o.Mend)
	default:
		b.Why = "erasures are due in it"
		return true
	}
	return false
}
