// Package notes is what one night notes for its report, and the words of every code that stands in one.
//
// Notes collect findings, exceptions and problems beside what earlier nights left; an Object is a table
// they are about, and a CodeMeaning says what a code means.
package notes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Failure says in the words of a sentinel why something could not be read.
func Failure(err error) string {
	for _, known := range []error{
		connectors.ErrUnreachable, connectors.ErrDenied, connectors.ErrDamaged, connectors.ErrSchemaChanged,
		connectors.ErrPlaintext, errors.ErrUnsupported,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "unreadable"
}

// Object is a table of a source.
type Object struct{ Source, Table string }

// ObjectRows returns a run's rows of one table: its own, then those of its fields.
func ObjectRows(f audit.Facts, o Object) (rows []audit.Inventory) {
	for _, i := range f.Inventory {
		if i.Source == o.Source && i.Object == o.Table {
			rows = append(rows, i)
		}
	}
	return rows
}

// Notes is what a run notes for its report.
type Notes struct {
	Tonight  setup.Tonight
	Facts    audit.Facts
	Last     *audit.Facts     // of the last finished run that decided
	Newest   *audit.Facts     // of the last one, or of one that applied since, and goes on from it
	History  []audit.Facts    // of the last 30 finished runs, newest first, each with its own alone
	Problems []error          // what went wrong and does not stop the night
	Back     map[string]int64 // rows of live sources that nights had ended, and that stand there again, by source
	// LeftAlone are the plans that could not be opened or may not be applied: each is among the problems already.
	LeftAlone map[string]bool
}

// Recall takes in what an earlier run left, the newest first.
func (n *Notes) Recall(f audit.Facts) {
	if n.Newest == nil && len(f.Summary) > 0 {
		n.Newest = &f
	}
	own := f.Own()
	if n.Last == nil && len(own.Summary) > 0 {
		n.Last = &own
	}
	if len(n.History) < 30 {
		n.History = append(n.History, own)
	}
}

// Place is where the last night that noted it read a source; "" none did.
func (n *Notes) Place(source string) string {
	for _, f := range n.History {
		if at := f.Places[source]; at != "" {
			return at
		}
	}
	return ""
}

// Problem remembers something that went wrong and does not stop the night.
func (n *Notes) Problem(err error) { n.Problems = append(n.Problems, err) }

// LeaveAlone remembers that a plan cannot be opened, or may not be applied, as a problem.
func (n *Notes) LeaveAlone(planID string, err error) {
	if n.LeftAlone == nil {
		n.LeftAlone = map[string]bool{}
	}
	n.LeftAlone[planID] = true
	n.Problem(err)
}

// Find records a finding, dated by the oldest of the last nights that found it. A run that only applied,
// or could not read the source, found nothing: so not only the newest is asked.
func (n *Notes) Find(f audit.Finding) {
	f.FindingID = FindingID(f)
	f.FirstSeen = n.Tonight.Today.String()
	for _, night := range slices.Backward(n.History) {
		for _, old := range night.Findings {
			if old.FindingID == f.FindingID {
				f.FirstSeen = old.FirstSeen
			}
		}
	}
	n.Facts.Findings = append(n.Facts.Findings, f)
}

// Except counts an exception: rows that need a person. It is as old as the last night says, of a source that it did not
// read as the night says whose figures it kept.
func (n *Notes) Except(e audit.Exception) {
	for i := range n.Facts.Exceptions {
		if o := &n.Facts.Exceptions[i]; same(*o, e) {
			o.Count += e.Count
			return
		}
	}
	e.Words, e.FirstSeen = WordsOf(e.Code), n.Tonight.Today.String()
	if n.Last != nil {
		before := slices.Clone(n.Last.Exceptions)
		for _, k := range n.Last.Kept {
			before = append(before, k.Exceptions...)
		}
		if i := slices.IndexFunc(before, func(old audit.Exception) bool { return same(old, e) }); i >= 0 {
			e.FirstSeen = before[i].FirstSeen
		}
	}
	if first, err := calendar.ParseDate(e.FirstSeen); err == nil {
		e.AgeDays = int64(n.Tonight.Today - first)
	}
	n.Facts.Exceptions = append(n.Facts.Exceptions, e)
}

// same reports whether two exceptions are of one kind in one place.
func same(a, b audit.Exception) bool {
	return a.Silo == b.Silo && a.Source == b.Source && a.Object == b.Object && a.Code == b.Code
}

// FindingID tells a finding from others, night after night: by its kind and place.
func FindingID(f audit.Finding) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Kind, f.Source, f.Object, f.Column}, "\x1f")))
	return hex.EncodeToString(sum[:8])
}
