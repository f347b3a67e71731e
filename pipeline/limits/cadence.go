package limits

import (
	"context"
	"fmt"
	"os"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/calendar"
)

// Cadence says whether a backup is rewritten tonight: when its oldest pending erasure has waited long enough, not too often, and not when the
// file is gone before that: erasing everywhere in one night would take away the only way back from a wrong policy. Until then what should be gone is beyond use, and counted.
func (l *Limits) Cadence(ctx context.Context, s *plan.Draft) error {
	if !s.Backup() {
		return nil
	}
	b := audit.Backup{Source: s.Name, Application: s.Application, Path: s.Path, Engine: s.Connector, TakenAt: s.TakenAt, Strategy: "rewrite", Status: "ok"}
	if info, err := os.Stat(s.Path); err == nil {
		b.Size = info.Size()
	}
	if !s.Keep.IsZero() {
		b.ExpiresAt = calendar.EndOf(calendar.DateOf(s.TakenAt, l.Setup.Zone), s.Keep).Start(l.Setup.Zone)
	}
	oldest := calendar.Date(0)
	for _, g := range s.Judges {
		for _, r := range g.Roots {
			if r.Change == judge.None || r.Change.Reversible() {
				continue
			}
			b.Pending++
			if oldest == 0 || r.Due.Known() && r.Due < oldest {
				oldest = r.Due
			}
		}
	}
	b.Oldest = oldest.String()
	var err error
	if b.LastRewrite, _, err = l.Journal.LastRewrite(ctx, s.Path); err != nil {
		return err
	}
	b.Strategy, b.Why = "rewrite", "nothing in it is due"
	switch _, can := s.Conn.(connectors.Rewriter); {
	case !can || s.Rewrite == nil:
		b.Strategy, b.Why = "age_out", "rewriting is not configured: what is due is beyond use until the file expires"
		if b.ExpiresAt.IsZero() {
			b.Strategy = "beyond_use"
		}
	case b.Pending == 0:
	case l.Tonight.Today < calendar.EndOf(oldest, s.Rewrite.After) && oldest.Known() && !s.Rewrite.After.IsZero():
		b.Why = fmt.Sprintf("the oldest erasure is due since %s; the file is rewritten %s later", oldest, s.Rewrite.After)
	case !b.LastRewrite.IsZero() && !s.Rewrite.AtMostEvery.IsZero() && l.Tonight.Today < calendar.EndOf(calendar.DateOf(b.LastRewrite, l.Setup.Zone), s.Rewrite.AtMostEvery):
		b.Why = fmt.Sprintf("rewritten on %s, at most every %s", calendar.DateOf(b.LastRewrite, l.Setup.Zone), s.Rewrite.AtMostEvery)
	case !b.ExpiresAt.IsZero() && b.ExpiresAt.Before(l.Tonight.AsOf):
		b.Strategy, b.Why = "age_out", "the file is past its end and should be deleted, not rewritten"
	default:
		s.Due, b.Why = true, "erasures are due in it"
	}
	if b.Pending > 0 {
		b.Status = "waiting"
	}
	if s.Due {
		digest, err := audit.FileDigest(s.Path)
		if err != nil {
			return err
		}
		s.Digest, b.Before = digest, digest
	}
	l.Notes.Facts.Backups = append(l.Notes.Facts.Backups, b)
	return nil
}
