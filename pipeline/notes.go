package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"slices"
	"strings"
)

// Notes is what a run notes for its report.
type Notes struct {
	tonight  setup.Tonight
	facts    audit.Facts
	last     *audit.Facts  // of the last finished run that decided
	history  []audit.Facts // of the last 30 finished runs, newest first
	problems []error       // what went wrong and does not stop the night
}

// recall takes in what an earlier run left, the newest first.
func (n *Notes) recall(f audit.Facts) {
	if n.last == nil && len(f.Summary) > 0 {
		n.last = &f
	}
	if len(n.history) < 30 {
		n.history = append(n.history, f)
	}
}

// problem remembers something that went wrong and does not stop the night.
func (n *Notes) problem(err error) { n.problems = append(n.problems, err) }

// find records a finding.
func (n *Notes) find(f audit.Finding) {
	f.FindingID = findingID(f)
	f.FirstSeen = n.tonight.Today.String()
	for _, night := range slices.Backward(n.history) { // a run that only applied, or could not read the source, found nothing
		for _, old := range night.Findings {
			if old.FindingID == f.FindingID {
				f.FirstSeen = old.FirstSeen
			}
		}
	}
	n.facts.Findings = append(n.facts.Findings, f)
}

// except counts an exception: rows that need a person.
func (n *Notes) except(e audit.Exception) {
	for i := range n.facts.Exceptions {
		if o := &n.facts.Exceptions[i]; o.Silo == e.Silo && o.Source == e.Source && o.Object == e.Object && o.Code == e.Code {
			o.Count += e.Count
			return
		}
	}
	e.Words, e.FirstSeen = wordsOf(e.Code), n.tonight.Today.String()
	if n.last != nil {
		for _, old := range n.last.Exceptions {
			if old.Silo == e.Silo && old.Source == e.Source && old.Object == e.Object && old.Code == e.Code {
				e.FirstSeen = old.FirstSeen
			}
		}
	}
	if first, err := policy.ParseDate(e.FirstSeen); err == nil {
		e.AgeDays = int64(n.tonight.Today - first)
	}
	n.facts.Exceptions = append(n.facts.Exceptions, e)
}

func findingID(f audit.Finding) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Kind, f.Source, f.Object, f.Column}, "\x1f")))
	return hex.EncodeToString(sum[:8])
}
