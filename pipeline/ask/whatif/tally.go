package whatif

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// tallies count while the rows pass by. They grow with the verdicts that the policies can give, not with
// the rows.
type tallies struct {
	lines  map[comparedKey]*ComparedLine
	tables map[notes.Object]*ComparedTable
}

func newTallies() *tallies {
	return &tallies{lines: map[comparedKey]*ComparedLine{}, tables: map[notes.Object]*ComparedTable{}}
}

// count adds a row that one of the policies claims.
func (t *tallies) count(at notes.Object, was, is judged) {
	table := t.tables[at]
	if table == nil {
		table = &ComparedTable{Source: at.Source, Table: at.Table}
		t.tables[at] = table
	}
	table.Rows++
	if is.change != judge.None && !is.change.Reversible() {
		table.Goes++
	}
	if was.Verdict == is.Verdict && was.due == is.due {
		table.Same++
		return
	}
	k := comparedKey{at, was.Verdict, is.Verdict, effectOf(was, is)}
	l := t.lines[k]
	if l == nil {
		l = &ComparedLine{Source: at.Source, Table: at.Table, Old: was.Verdict, New: is.Verdict, Effect: k.effect}
		t.lines[k] = l
	}
	l.Rows++
	earliest(&l.OldDue, was.due)
	earliest(&l.NewDue, is.due)
}

// comparedKey is what rows of one line have in common.
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
	due    calendar.Date
}

// verdictOf decides a row by the silo that claims it; false when none does.
func verdictOf(groups []*judge.Judge, rows arrow.Record, row int, asOf time.Time) (judged, bool) {
	for _, g := range groups {
		if !g.Mine(rows, row) {
			continue
		}
		r := g.Rule(rows, row, asOf)
		v := judged{Verdict: Verdict{Silo: g.Silo.Silo.Name, Action: r.Action, Use: r.Use, Reason: r.Reason},
			change: r.Change, block: r.Block, due: r.Due}
		if r.Change == judge.Clear {
			v.Clear = strings.Join(r.Cleared, ";")
		}
		return v, true
	}
	return judged{}, false
}

// earliest keeps the earlier of two days; none is later than any.
func earliest(least *string, due calendar.Date) {
	if d := due.String(); d != "" && (*least == "" || d < *least) {
		*least = d
	}
}

// effectOf says what becomes of a row that a new policy decides otherwise. What destroys more is named by
// what it does, what destroys less by keeping.
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

// harmful are the effects by what harmOf ranks.
var harmful = []string{1: effectCleared, 2: effectAnonymized, 3: effectDeleted}

// harmOf ranks what a change takes away for good.
func harmOf(c judge.Change) int {
	return slices.Index([]judge.Change{judge.Clear, judge.Anonymize, judge.Delete}, c) + 1
}
