// Package terms ends evidence whose term is over: the tables with a line for each record after row_level, all of a
// night but its manifest after keep.
//
//   - Keeper does so at the end of a night that applies. What is to go is signed first, as a purge, and entered in the
//     log of nights; then it is removed. A night that was cut off in between is finished by the next.
//
// Nothing goes by terms that people did not adopt, or while somebody may still need it: rows of a night whose plan
// waits, is approved or objected to; rows of a silo with a legal hold; rows since a request of the silo that is open.
package terms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// Keeper ends evidence.
type Keeper struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Said    *answers.Book
	Recent  int  // so many of the newest nights stay, whatever their term
	Unsure  bool // nobody has looked yet whether the clock is right: no term is over
}

// Purge finishes what an earlier night began, and removes what is over its term.
func (k *Keeper) Purge(ctx context.Context) error {
	if !k.Tonight.Apply || k.Unsure || k.Tonight.Phases != setup.WholeNight ||
		errors.Is(errors.Join(k.Notes.Problems...), setup.ErrTampered) { // what does not hold stays as it is
		return nil
	}
	signer, err := k.Setup.Keys.Runner()
	if err != nil {
		return err
	}
	done, err := k.finish(ctx, signer.PublicKey())
	if err != nil || k.Setup.Evidence == (setup.EvidenceTerms{}) {
		return err
	}
	needed, err := k.needed(ctx)
	if err != nil {
		return err
	}
	due, nights, err := k.due(ctx, done, needed, signer.PublicKey())
	if err != nil {
		return err
	}
	now, err := adopted.InForce(k.Setup, k.Said.Chain)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrTampered, err)
	}
	inForce := now != nil && now.Digest == k.Setup.PolicyDigest
	if inForce {
		if err := k.journal(ctx, needed); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	if !inForce {
		k.Notes.Find(audit.Finding{Kind: "F_EVIDENCE_TERM", Severity: "low", Object: "evidence", Count: int64(nights),
			Article: "Art. 5(1)(e)", Words: "Reports are over the term of `evidence:`, and stay: nobody adopted the " +
				"policy that has it. See it, and adopt it, with `lethe policy adopt`."})
		return nil
	}
	return k.purge(ctx, due, signer)
}

// done is what earlier purges did.
type done struct {
	purges []expiry.Purge
	gone   map[string]bool // by path
}

// finish makes what earlier purges began be so: each is in the log, and what it names is gone.
func (k *Keeper) finish(ctx context.Context, key keystore.PublicKey) (*done, error) {
	d := &done{gone: map[string]bool{}}
	runs, err := expiry.List(k.Setup.Reports)
	if err != nil {
		return nil, fmt.Errorf("look at purges: %w", err)
	}
	if err := k.clear(); err != nil {
		return nil, err
	}
	for _, run := range runs {
		p, err := expiry.Read(k.Setup.Reports, run, key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w: put it back from a copy of the reports", setup.ErrTampered, err)
		}
		for _, g := range p.Gone {
			d.gone[g.Path] = true
		}
		d.purges = append(d.purges, p)
		if err := k.carryOut(ctx, p); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// temporary is the folder in which a purge is made; a night that was cut off leaves it.
func (k *Keeper) temporary(runID string) string {
	return filepath.Join(k.Setup.Reports, ".tmp-purge-"+runID)
}

func (k *Keeper) clear() error {
	left, err := filepath.Glob(k.temporary("*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}

// carryOut enters a purge in the log, and removes what it names.
func (k *Keeper) carryOut(ctx context.Context, p expiry.Purge) error {
	e := tilelog.Entry{Kind: tilelog.Purge, Run: p.RunID, Date: p.Date, Manifest: p.SHA256}
	if _, err := chronicle.Append(ctx, k.Setup, k.Journal, e); err != nil {
		return err
	}
	k.Setup.Crash("purge_logged")
	removed, other, err := expiry.Remove(k.Setup.Reports, p)
	if err != nil {
		return err
	}
	if len(other) > 0 {
		k.Notes.Problem(fmt.Errorf("%w: %s is over its term and was to be removed, and is not what was published: "+
			"look who can write there, and remove it by hand", setup.ErrTampered, other[0]))
	}
	if removed > 0 {
		k.Setup.Log.Info("evidence is over its term", "run_id", k.Tonight.RunID, "purge", p.RunID, "files", removed)
		k.Notes.Find(audit.Finding{Kind: "F_EVIDENCE_PURGED", Severity: "low", Object: expiry.Place(p.RunID),
			Count: int64(removed), Article: "Art. 5(1)(e)",
			Words: "Files were over the term of `evidence:` and are removed: a signed document names each with its " +
				"digest. Rows of records stand there as counts (" + audit.RowRollupTable + "); the manifests stay."})
	}
	return nil
}

// due are the files that are over a term and that nobody may need any more, and of how many nights.
func (k *Keeper) due(ctx context.Context, d *done, needed need, key keystore.PublicKey) (due []expiry.Gone, nights int,
	err error) {
	stand, err := manifest.Stand(k.Setup.Reports)
	if err != nil {
		return nil, 0, err
	}
	old, err := k.Journal.Outdated(ctx, k.Recent, k.Tonight.RunID)
	if err != nil {
		return nil, 0, err
	}
	plans, err := k.Journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range stand {
		day, err := calendar.ParseDate(s.Date)
		if err != nil || !slices.Contains(old, s.RunID) ||
			slices.ContainsFunc(plans, func(p journal.Plan) bool { return p.RunID == s.RunID }) {
			continue
		}
		if !k.over(day, k.Setup.Evidence.RowLevel) && !k.over(day, k.Setup.Evidence.Keep) {
			continue
		}
		files, err := manifest.Files(k.Setup.Reports, s, key)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w: put the reports back from a copy", setup.ErrTampered, err)
		}
		before := len(due)
		for _, f := range files {
			g := expiry.Gone{File: f, RunID: s.RunID, Date: s.Date, Term: expiry.Keep}
			switch row := rowLevel(f.Path); {
			case d.gone[f.Path] || needed.by(f.Path, day, row) || path.Base(f.Path) == receipts.Name: // says nothing
				continue
			case k.over(day, k.Setup.Evidence.Keep):
			case row && k.over(day, k.Setup.Evidence.RowLevel):
				g.Term = expiry.RowLevel
			default:
				continue
			}
			due = append(due, g)
		}
		if len(due) > before {
			nights++
		}
	}
	return append(due, k.counts(d)...), nights, nil
}

// counts are those that earlier purges left, and that are over the term of all evidence themselves.
func (k *Keeper) counts(d *done) (due []expiry.Gone) {
	for _, p := range d.purges {
		day, err := calendar.ParseDate(p.Date)
		if err != nil || !k.over(day, k.Setup.Evidence.Keep) {
			continue
		}
		for _, f := range p.Made {
			if !d.gone[f.Path] {
				due = append(due, expiry.Gone{File: f, RunID: p.RunID, Date: p.Date, Term: expiry.Keep})
			}
		}
	}
	return due
}

// over says whether the term of what is of a day is over.
func (k *Keeper) over(day calendar.Date, term calendar.Period) bool {
	return !term.IsZero() && calendar.EndOf(day, term) < k.Tonight.Today
}

// rowLevel says whether a file has a line for each record.
func rowLevel(name string) bool {
	of, _, _ := strings.Cut(strings.TrimPrefix(name, "table="), "/")
	return slices.Contains(expiry.RowTables(), of)
}

// need is who may still need evidence.
type need struct {
	held  map[string]bool          // by silo, as files are named: a legal hold is on it
	since map[string]calendar.Date // when the oldest request was received that is open
}

// needed asks the registry for holds and requests.
func (k *Keeper) needed(ctx context.Context) (need, error) {
	n := need{held: map[string]bool{}, since: map[string]calendar.Date{}}
	for _, s := range k.Setup.Silos {
		name := parquet.SiloName(s.Silo.Name)
		holds, err := k.Silos.Registry.Holds(ctx, s.Silo.Name)
		if err != nil {
			return n, fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		for _, h := range holds {
			n.held[name] = n.held[name] || h.ReleasedAt.IsZero()
		}
		requests, err := k.Silos.Registry.Requests(ctx, s.Silo.Name)
		if err != nil {
			return n, fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		for _, q := range requests {
			day := calendar.DateOf(q.Received, k.Setup.Zone)
			if first, open := n.since[name]; q.Closed.IsZero() && (!open || day < first) {
				n.since[name] = day
			}
		}
	}
	return n, nil
}

// by says whether a file of a night may still be needed. What is of no one silo is, while any silo needs that night.
func (n need) by(name string, night calendar.Date, rows bool) bool {
	silo := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(path.Base(name), sealed.Ends), ".parquet"),
		"silo=")
	of := func(needed string) bool { return silo == needed || silo == parquet.SiloName("") || !rows }
	return n.any(night, of)
}

// night says whether anything of a night may still be needed.
func (n need) night(night calendar.Date) bool { return n.any(night, func(string) bool { return true }) }

// any says whether one of some silos may still need what is of a night.
func (n need) any(night calendar.Date, of func(silo string) bool) bool {
	for held, on := range n.held {
		if on && of(held) {
			return true
		}
	}
	for asked, since := range n.since {
		if night >= since && of(asked) {
			return true
		}
	}
	return false
}

// purge signs what goes, and removes it.
func (k *Keeper) purge(ctx context.Context, due []expiry.Gone, signer *keystore.Signer) error {
	roller := &expiry.Roller{}
	due, err := k.asPublished(ctx, due, roller)
	if err != nil || len(due) == 0 {
		return err
	}
	run := k.Notes.Facts.Run
	folder := k.temporary(run.RunID)
	made, err := roller.Write(ctx, folder, k.Tonight.Today.String(), run, report.Gate(k.Setup))
	if err != nil {
		return fmt.Errorf("count what is over its term: %w", err)
	}
	k.Setup.Crash("purge_counted")
	p, err := expiry.Write(k.Setup.Reports, folder, expiry.Purge{RunID: run.RunID, At: k.Setup.Now().UTC(),
		Date: k.Tonight.Today.String(), Policy: k.Setup.PolicyDigest, Answers: k.Said.Head().Length,
		RowLevel: k.Setup.Evidence.RowLevel.String(), Keep: k.Setup.Evidence.Keep.String(),
		Gone: due, Made: made}, signer)
	if err != nil {
		return err
	}
	k.Setup.Crash("purge_signed")
	return k.carryOut(ctx, p)
}

// asPublished are the files that stand as they were published; their rows are counted. The others are nobody's to
// remove: what is gone or was edited is found, and verifying the folder goes on to say it. So are encrypted rows
// without the counts that were published beside them: nothing would stand in their place.
func (k *Keeper) asPublished(ctx context.Context, due []expiry.Gone, roller *expiry.Roller) (whole []expiry.Gone,
	err error) {
	other := ""
	for _, g := range due {
		digest, err := audit.FileDigest(filepath.Join(k.Setup.Reports, filepath.FromSlash(g.Path)))
		lost := g.Path
		if err == nil && digest == g.SHA256 && rowLevel(g.Path) {
			err = roller.Take(ctx, k.Setup.Reports, g)
			if err != nil && !errors.Is(err, expiry.ErrUncounted) {
				return nil, err
			}
			lost = expiry.Beside(g.Path)
		}
		if err == nil && digest == g.SHA256 {
			whole = append(whole, g)
		} else {
			other = cmp.Or(other, lost)
		}
	}
	if n := len(due) - len(whole); n > 0 {
		k.Notes.Find(audit.Finding{Kind: "F_EVIDENCE_LOST", Severity: "high", Object: other, Count: int64(n),
			Article: "Art. 5(2)", Words: "Files of the evidence are missing or were edited, and no purge removed " +
				"them: put the reports back from a copy, and look who can write there. `lethe audit verify` names " +
				"each."})
	}
	return whole, nil
}
