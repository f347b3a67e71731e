package census

import (
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
)

// Key tells the lines of a summary apart: rows decided alike share one.
type Key struct {
	Reason reason.Code
	Action policy.Action
	Use    policy.Use
	Change string
}

// Lines count rows by what was decided of them.
type Lines map[Key]*audit.Summary

// Of is the line of a key, begun when it is first asked for; kept: the rows stay as others that stay refer to them.
func (l Lines) Of(k Key, silo, source, object string, kept bool) *audit.Summary {
	s := l[k]
	if s == nil {
		s = &audit.Summary{
			Silo: silo, Source: source, Object: object,
			Reason: string(k.Reason), Words: k.Reason.Words(), Article: k.Reason.Article(),
			Action: string(k.Action), Use: string(k.Use), Change: k.Change,
		}
		if kept && k.Action == policy.Keep {
			s.Words += figures.HeldWords
		}
		l[k] = s
	}
	return s
}

// List returns the lines in a stable order.
func (l Lines) List() []audit.Summary {
	out := make([]audit.Summary, 0, len(l))
	for _, s := range l {
		out = append(out, *s)
	}
	order := func(s audit.Summary) string { return fmt.Sprint(s.Action, s.Reason, s.Use, s.Change) }
	slices.SortFunc(out, func(a, b audit.Summary) int { return strings.Compare(order(a), order(b)) })
	return out
}

// GroundOfLine says what lets the rows of a line stand.
func GroundOfLine(s audit.Summary) Ground {
	held := strings.HasSuffix(s.Words, figures.HeldWords)
	return GroundOf(reason.Code(s.Reason), policy.Action(s.Action), policy.Use(s.Use), held)
}
