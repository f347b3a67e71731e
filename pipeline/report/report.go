// Package report makes the report of a run from what the journal holds of it, at the end of the run and
// whenever it is asked for again.
//
//   - [Actions] are the rows that a run settled, projected from the segments of its plans and the outcomes of
//     their chunks.
//   - [Plan] turns a sealed plan into lines of the report.
//   - Names of sources, files, tables and fields that hold what no report may are shown otherwise.
//   - A gate runs the product's own detectors over the report before it is published, so that it holds no
//     personal data.
//   - [Publish] puts them together, signs them, adds them to the log of nights, and records their manifest in the
//     journal.
package report

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Decisions is the file of a run's decisions, of which its report is made.
func Decisions(p *setup.Setup, runID string) string {
	return filepath.Join(p.State, "runs", runID, "decisions.arrow")
}

const notWritten = "F_NOT_WRITTEN"

// DecisionsCut finds that the file of a run's decisions could not be written to its end. The report is made of what
// is whole in it: waiting for the rest would be for ever.
func DecisionsCut(n *notes.Notes) {
	n.Facts.Run.DecisionsAfter = "" // what is missing is not over
	n.Find(audit.Finding{Kind: notWritten, Severity: "medium", Object: "decisions", Count: 1, Article: "Art. 5(2)",
		Words: "The table of decisions could not be written to its end and is missing here in part or in whole; " +
			"is the disk full? Nothing was changed by what is missing; the next night decides anew."})
}

// cut says that not all of a run's decisions could be written.
func cut(f audit.Facts) bool {
	return slices.ContainsFunc(f.Findings, func(f audit.Finding) bool {
		return f.Kind == notWritten && f.Object == "decisions"
	})
}

// ListAfter is the run from whose list of decisions that of tonight may go on: the newest that decided, whose facts are
// given and whose report stands. "" lets the list be whole: the first in a month (and so of a quarter, when references
// change), after a change of the policy, with its readers, or of the program, and where the last is not whole.
func ListAfter(p *setup.Setup, t setup.Tonight, last audit.Facts) string {
	if t.Phases != setup.WholeNight && t.Phases != setup.PlanOnly {
		return ""
	}
	month := func(d calendar.Date) string { return d.String()[:len("2006-01")] }
	if cut(last) || last.Run.PolicyDigest != p.PolicyDigest || last.Run.ToolVersion != p.Version ||
		month(calendar.DateOf(last.Run.AsOf, p.Zone)) != month(t.Today) ||
		!state.FileExists(Decisions(p, last.Run.RunID)) {
		return ""
	}
	return last.Run.RunID
}

// Listed lets tonight's list be whole after all, where a source could not be read that the last night read: nothing is
// over there.
func Listed(f *audit.Facts, last audit.Facts) {
	read := func(source string) bool {
		return slices.ContainsFunc(last.Sources, func(s audit.Source) bool {
			return s.Source == source && s.State == scanned
		})
	}
	if slices.ContainsFunc(f.Sources, func(s audit.Source) bool { return s.State != scanned && read(s.Source) }) {
		f.Run.DecisionsAfter = ""
	}
}

const scanned = "scanned" // the state of a source that was read to its end

// before reads the decisions of the run from whose list that of a run goes on.
func before(p *setup.Setup, f audit.Facts) iter.Seq2[[]audit.Decision, error] {
	if f.Run.DecisionsAfter == "" {
		return nil
	}
	return spool.Read[audit.Decision](Decisions(p, f.Run.DecisionsAfter), p.Keys)
}

// decisions reads a run's decisions, as far as they were written where the facts say that they were not to their end.
func decisions(p *setup.Setup, runID string, f audit.Facts) iter.Seq2[[]audit.Decision, error] {
	all := spool.Read[audit.Decision](Decisions(p, runID), p.Keys)
	if !cut(f) {
		return all
	}
	return func(yield func([]audit.Decision, error) bool) {
		for rows, err := range all {
			if err != nil || !yield(rows, nil) {
				return
			}
		}
	}
}

// Published is a report that stands.
type Published struct {
	publish.Published
	Checkpoint tilelog.Checkpoint // of the log of nights, with this one
}

// Publish makes the report of a run from its facts and its settled rows, adds it to the log of nights, and records the
// manifest in the journal. Made again from the same journal, it has the same bytes. A report that the gate does not let
// through is [publish.ErrGate].
func Publish(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string, f audit.Facts) (
	published Published, err error,
) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return published, err
	}
	if run, known, err := j.Find(ctx, runID); err == nil && known && run.Manifest == "" &&
		!state.FileExists(Decisions(p, f.Run.DecisionsAfter)) { // it is published late
		f.Run.DecisionsAfter = ""
	}
	date := calendar.DateOf(f.Run.AsOf, p.Zone).String()
	readers := p.Readers
	if said, err := answers.Open(ctx, j, p.Reports); err == nil { // what is wrong with it is said elsewhere
		readers = adopted.Readers(p, said.Chain)
	}
	published.Published, err = publish.Publish(ctx, publish.Publication{
		Facts:     named(f, p.Names),
		Root:      p.Reports,
		Date:      date,
		Language:  p.Language,
		Signer:    signer,
		Decisions: eachNamed(decisions(p, runID, f), p.Names),
		Before:    eachNamed(before(p, f), p.Names),
		Actions:   eachNamed(Actions(ctx, p, j, runID), p.Names),
		Gate:      gate{p.Catalogue},
		Readers:   readers,
		Private:   filepath.Join(p.State, "runs", runID, "private"),
		Aside:     func(key string) bool { return strings.Contains(key, journal.SyncOnly+"/") },
	})
	if err != nil {
		return published, err
	}
	p.Crash("report_stands")
	published.Checkpoint, err = chronicle.Append(ctx, p, j, tilelog.Entry{Kind: tilelog.Night, Run: runID, Date: date,
		Manifest: published.ManifestSHA256, Receipts: published.Receipts})
	if err != nil {
		return published, err
	}
	return published, j.Publish(ctx, runID, published.ManifestSHA256)
}
