package intake

import (
	"context"
	"errors"
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
)

// Feed takes in the consents that applications keep in tables of their own.
type Feed struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	intake  *Intake
}

// Open makes the registry ready to take consents in. What has no date of its own happened at the instant of the
// night's decisions, so that they count it.
func (f *Feed) Open(ctx context.Context, r *registry.Registry, config registry.Config) (err error) {
	f.intake, err = newIntake(ctx, f.Setup, r, config, f.Tonight.AsOf)
	return err
}

// Close ends the taking in.
func (f *Feed) Close() error { return f.intake.Close() }

// TakeIn reads the tables in which applications keep a silo's consents. It reports whether the silo may
// still be relied on: one whose consents could not be read for longer than registry.max_age may not, for
// who said yes since is not known; nor may one whose consents the configuration reads otherwise than people adopted: of
// those nothing is taken in.
func (f *Feed) TakeIn(ctx context.Context, silo *policy.Compiled) (stale bool, err error) {
	if f.Setup.Misread[silo.Silo.Name] {
		f.Notes.Find(audit.Finding{Kind: "F_CONSENTS_UNADOPTED", Severity: "high", Object: "silo " + silo.Silo.Name,
			Count: 1, Article: "Art. 5(2), 7(1)",
			Words: "The configuration reads the consents of this silo otherwise than people adopted. None were " +
				"taken in, and its rows stay as they are: adopt it with `lethe policy adopt`, or put the " +
				"configuration back."})
		return true, nil
	}
	for i := range silo.Silo.Consents {
		m := &silo.Silo.Consents[i]
		t, err := f.intake.FromTable(ctx, silo, m, false)
		f.tookIn(silo, t)
		switch {
		case errors.Is(err, setup.ErrSource):
			stale = f.consentsUnread(m, err) || stale
		case err != nil:
			return stale, err
		}
	}
	return stale, nil
}

// tookIn reports what a table said.
func (f *Feed) tookIn(silo *policy.Compiled, t Taken) {
	f.Setup.Log.Info("consents read", "run_id", f.Tonight.RunID,
		"silo", t.Silo, "source", t.Source, "table", t.Table,
		"statements", t.Lines, "recorded", t.Events, "refused", t.Refused, "suppressed", t.Suppressed)
	owner := silo.Silo.Rules[0].Owner
	for reason, count := range t.Unproven {
		f.Notes.Except(audit.Exception{Silo: t.Silo, Source: t.Source, Object: t.Table, Code: string(reason),
			Count: int64(count), Owner: owner})
	}
	for refused, count := range t.Reasons {
		f.Notes.Except(audit.Exception{Silo: t.Silo, Source: t.Source, Object: t.Table,
			Code: notes.IntakeCode(refused.Reason), Count: int64(count), Owner: owner})
	}
}

// consentsUnread says that a table's consents could not be read, and since when; it reports whether that
// is too long.
func (f *Feed) consentsUnread(m *intake.Mapping, err error) bool {
	f.Notes.Find(audit.Finding{Kind: "F_CONSENTS_UNREAD", Severity: "high", Source: m.Source, Object: m.Table,
		Article: "Art. 7(3)",
		Words: "The consents that the application keeps in this table could not be read (" + notes.Failure(err) +
			"): who said yes or no since is not known."})
	f.Notes.Problem(fmt.Errorf("consents in %s.%s: %w", m.Source, m.Table, err))
	f.Setup.Log.Error("consents not read", "run_id", f.Tonight.RunID,
		"source", m.Source, "table", m.Table, "error", err)
	first, _ := calendar.ParseDate(f.Notes.Facts.Findings[len(f.Notes.Facts.Findings)-1].FirstSeen)
	return f.Setup.RegistryAge.IsZero() || calendar.EndOf(first, f.Setup.RegistryAge) < f.Tonight.Today
}
