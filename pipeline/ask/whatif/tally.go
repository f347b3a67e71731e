package whatif

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
)

// tallies count while the rows pass by. They grow with the verdicts that the policies can give, not with the rows.
type tallies struct {
	lines  map[comparedKey]*ComparedLine
	tables map[notes.Object]*ComparedTable
}

type comparedKey struct {
	notes.Object
	old, new Verdict
	effect   string
}

// judged is the verdict on a row, with what its effect hangs on.
type judged struct {
	Verdict
	change judge.Change
	block  bool
	due    policy.Date
}

// verdictOf decides a row by the silo that claims it; false when none does.
func verdictOf(groups []*judge.Judge, rows arrow.Record, row int, asOf time.Time) (judged, bool) {
	for _, g := range groups {
		if !g.Mine(rows, row) {
			continue
		}
		r := g.Rule(rows, row, asOf)
		v := judged{Verdict: Verdict{Silo: g.Silo.Silo.Name, Action: r.Action, Use: r.Use, Reason: r.Reason}, change: r.Change, block: r.Block, due: r.Due}
		if r.Change == judge.Clear {
			v.Clear = strings.Join(r.Cleared, ";")
		}
		return v, true
	}
	return judged{}, false
}

func earliest(least *string, due policy.Date) {
	if d := due.String(); d != "" && (*least == "" || d < *least) {
		*least = d
	}
}

// effectOf says what becomes of a row that a new policy decides otherwise. What destroys more is named by what it does, what destroys less by keeping.
func effectOf(was, is judged) string {
	switch {
	case was.Silo == "":
		if harm := harmOf(is.change); harm > 0 {
			return harmful[harm]
		}
		return effectDecided
	case is.Silo == "":
		return effectUndecided
	}
	w, i := harmOf(was.change), harmOf(is.change)
	switch {
	case i > w, i == w && i == 1 && was.Clear != is.Clear:
		return harmful[i]
	case i < w:
		return effectKept
	case was.Use != is.Use && is.Use == policy.Blocked:
		return effectBlocked
	case was.Use != is.Use:
		return effectFreed
	case was.Verdict == is.Verdict:
		return effectLater
	}
	return effectSame
}

var harmful = []string{1: effectCleared, 2: effectAnonymized, 3: effectDeleted}

// harmOf ranks what a change takes away for good.
func harmOf(c judge.Change) int {
	return slices.Index([]judge.Change{judge.Clear, judge.Anonymize, judge.Delete}, c) + 1
}
