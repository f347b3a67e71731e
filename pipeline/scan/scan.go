// Package scan reads every source of a night once: each row goes to the classifiers and, where a silo governs
// its table, to the judge.
//
//   - Scanner reads the sources of one night.
//   - Source is one source as it was read, and Reading one of its tables: what was asked for, how many rows
//     came, and what the classifiers found.
//   - The inventory says what each table and field holds, with a person's review in the place of the
//     machine's verdict; drift says how it differs from what earlier nights found.
//   - Discover reads a source that no configuration names.
package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/remnants"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// Scanner reads every source of a run once.
type Scanner struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Session *judge.Session
	// Remnants knows who should be gone; nil where nobody asks
	Remnants *remnants.Watch
	sources  []*Source
	rest     []*Source // as far as they could be read, of those that failed for a table
}

// Of is what was read of a source, nil where nothing was.
func (sc *Scanner) Of(source string) *Source {
	i := slices.IndexFunc(sc.sources, func(s *Source) bool { return s.Name == source })
	if i < 0 {
		return nil
	}
	return sc.sources[i]
}

// Whole lists the sources that were read to their end.
func (sc *Scanner) Whole() []*Source {
	return slices.DeleteFunc(slices.Clone(sc.sources), func(s *Source) bool { return s.Err != nil || !s.Surveyed })
}

// Survey reads one source once: every row of every table, or a sample where no silo governs it.
// Rows go to the classifiers and, where a silo governs the table, to the judge. What is not
// read is said in the inventory.
func (sc *Scanner) Survey(ctx context.Context, source *stores.Store) error {
	s := &Source{Store: source, carriers: source.Carriers(), carried: map[string]connectors.Cursor{}}
	sc.sources = append(sc.sources, s)
	if err := sc.look(s); err != nil {
		return err
	}
	s.Carry(false)
	if err := sc.survey(ctx, s); err != nil {
		return err
	}
	s.Surveyed = true
	return nil
}

// Rest reads what can be read of a source that failed for one of its tables, to say what it holds: no row of it is
// decided.
func (sc *Scanner) Rest(ctx context.Context, source *stores.Store) error {
	var at *connectors.Error
	if source.Tables == nil || !errors.As(source.Err, &at) || !at.Alone {
		return nil
	}
	inventory := *source
	inventory.Judges, inventory.Governed, inventory.Endings = nil, nil, nil
	s := &Source{Store: &inventory, carried: map[string]connectors.Cursor{}}
	if err := sc.look(s); err != nil {
		return err
	}
	if err := sc.survey(ctx, s); err != nil {
		return err
	}
	sc.rest = append(sc.rest, s)
	return nil
}

// Parts lists the sources that were read as far as they could be.
func (sc *Scanner) Parts() []*Source { return sc.rest }

// survey reads a source, whose tables were looked at.
func (sc *Scanner) survey(ctx context.Context, s *Source) error {
	rows := s.Estimate()
	if err := sc.read(ctx, s, rows, s.queries, true); err != nil {
		return err
	}
	s.Carried()
	if err := sc.read(ctx, s, rows, s.waiting, false); err != nil {
		return err
	}
	sc.Notes.Facts.Run.RowsScanned += s.rows

	var scans []*classifiers.Scan
	var scanned []*Reading
	for _, r := range s.Readings {
		if r.State == "scanned" && r.scan != nil {
			scans, scanned = append(scans, r.scan), append(scanned, r)
		}
	}
	for i, v := range sc.Setup.Catalogue.Verdicts(scans...) {
		scanned[i].verdict = v
	}

	if viewer, ok := s.Conn.(connectors.Viewer); ok {
		if s.Views, s.ViewsErr = viewer.Views(ctx); s.ViewsErr != nil {
			sc.Setup.Log.Warn("views not read", "run_id", sc.Tonight.RunID, "source", s.Name, "error", s.ViewsErr)
		}
	}
	return nil
}

// read scans the source for what queries ask for, again after a table that could not be read. carrying says that
// what is read may say whose the rows of other tables are.
func (sc *Scanner) read(ctx context.Context, s *Source, rows int64, queries func() []connectors.Query,
	carrying bool) error {
	for q := queries(); len(q) > 0; q = queries() {
		err := sc.pass(ctx, s, q, rows, carrying)
		if err == nil {
			return nil
		}
		if !sc.failedTable(s, err, q) {
			return err
		}
	}
	return nil
}

// look decides what is read of each table.
func (sc *Scanner) look(s *Source) error {
	unknown := map[string]bool{}
	for name := range s.Skip {
		unknown[name] = true
	}
	fingerprint, err := sc.fingerprint(s)
	if err != nil {
		return err
	}
	s.fingerprint = fingerprint

	for _, t := range s.Tables {
		r := &Reading{Table: t, State: "scanned", Silos: s.SilosOf(t.Name), left: map[string]string{}}
		s.Readings = append(s.Readings, r)
		if stores.IsCopy(t) {
			r.State, r.reason = "skipped", "kept by Lethe: what the registry says of the rows of another table"
			continue
		}
		if reason, skip := s.Skip[t.Name]; skip {
			delete(unknown, t.Name)
			r.State, r.reason = "skipped", reason
			continue
		}
		if t.Unreadable != nil { // where a silo governs it, the source failed
			sc.lost(s, r, t.Unreadable)
			continue
		}
		for _, f := range t.Fields {
			if reason, skip := s.Skip[t.Name+"."+f.Name]; skip {
				delete(unknown, t.Name+"."+f.Name)
				r.left[f.Name] = reason
			}
		}
		r.life = newLife(t, sc.Tonight.Today.String())
		r.kept = sc.unchanged(s, t)
		if r.search = sc.search(s, r); r.kept != nil {
			continue
		}
		if len(r.left) > 0 {
			for i, f := range t.Fields {
				if _, left := r.left[f.Name]; !left {
					r.columns = append(r.columns, i)
				}
			}
		}
		r.sample = sc.sampleOf(s, t)
		r.scan = sc.Setup.Catalogue.Scan(r.describe())
	}
	for name := range unknown {
		sc.Setup.Log.Warn("skip names nothing in the catalog", "run_id", sc.Tonight.RunID,
			"source", s.Name, "name", name)
	}
	return nil
}

// sampleOf is how many rows are read of a table; 0 all.
func (sc *Scanner) sampleOf(s *Source, t connectors.Table) int {
	if sc.Tonight.Full || sc.Setup.Sampling.Rows == 0 || len(s.SilosOf(t.Name)) > 0 || s.carries(t.Name) {
		return 0
	}
	if every := sc.Setup.Sampling.FullEvery; !every.IsZero() {
		_, last := sc.lastWhole(s.Name, t.Name)
		if !last.Known() || calendar.EndOf(last, every) < sc.Tonight.Today {
			return 0
		}
	}
	return sc.Setup.Sampling.Rows
}

// pass scans the source once for all queries.
func (sc *Scanner) pass(ctx context.Context, s *Source, queries []connectors.Query, rows int64, carrying bool) error {
	for batch, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		r := s.Reading(batch.Table)
		if carrying && s.carries(batch.Table) {
			s.Carrying(batch)
			s.carried[batch.Table] = batch.Next
		}
		if s.later(r) == carrying {
			continue // read for whose other rows are; its own turn comes, or it has none
		}
		r.next, r.Sampled = batch.Next, batch.Sampled
		r.observe(batch.Rows)
		if r.search != nil {
			r.search.Read(batch, s.Taken(batch))
		}
		for _, g := range s.Governed[batch.Table] {
			if err := sc.Session.Judge(g, batch); err != nil {
				return err
			}
		}
		s.rows += batch.Rows.NumRows()
		sc.Setup.Progress("scan", s.Name, s.rows, rows)
	}
	return nil
}

// failedTable notes that one table could not be read, and reports whether the others may go on: not if
// the source itself failed, nor if the rows of the table were to be decided, or say whose others are.
func (sc *Scanner) failedTable(s *Source, err error, queries []connectors.Query) bool {
	r := s.failed(err, queries)
	if r == nil || len(s.Governed[r.Table.Name]) > 0 || s.carries(r.Table.Name) {
		return false
	}
	sc.lost(s, r, err)
	return true
}

// lost notes that a table could not be read.
func (sc *Scanner) lost(s *Source, r *Reading, err error) {
	r.State, r.reason = "failed", notes.Failure(err)
	sc.Notes.Find(audit.Finding{
		Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Object: r.Table.Name, Article: "Art. 5(2)",
		Words: "The table could not be read: nothing is known of it tonight (" + r.reason + ").",
	})
	sc.Notes.Problem(fmt.Errorf("%w: %w", setup.ErrSource, err))
	sc.Setup.Log.Error("table failed", "run_id", sc.Tonight.RunID, "source", s.Name,
		"table", r.Table.Name, "error", err)
}

// RowsOf is the number of rows that the night counted in a table.
func (sc *Scanner) RowsOf(source, table string) int64 {
	if s := sc.Of(source); s != nil {
		if r := s.Reading(table); r != nil {
			return r.Rows
		}
	}
	return 0
}
