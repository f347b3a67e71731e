// Package erased says what there is to say of an erasure that was done: which copies are left in backups (Copied),
// which reasons let a record stay (Lawful), and what the receipt of the request states (Statement, Stated), with its
// code.
package erased

import (
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// Lawful are the reasons for which a record may stay though somebody asked to have it erased: those that keep. All
// others are the company's to put right before it says no.
func Lawful() []reason.Code {
	return []reason.Code{reason.KLegalHold, reason.KRestricted, reason.KLegalObligation, reason.KContract,
		reason.KPublicTask, reason.KVitalInterest, reason.KLegitimateInterest, reason.KConsent}
}

// Copied is what one backup holds of the person and is to go.
type Copied struct {
	Source string
	Rows   int64
	Until  string // the civil day on which it is gone; "" when the backup is next rewritten
}

// Copies counts what backups hold of the person, but what no rewrite takes away: what stays, and what may go with it.
func Copies(p *setup.Setup, s *requests.Section) (list []Copied) {
	lawful := Lawful()
	stays := func(h *requests.Hit) bool {
		return h.Change == "" && h.Decision != nil && slices.Contains(lawful, h.Decision.Reason)
	}
	for _, h := range s.Certain() {
		if !h.Backup {
			continue
		}
		until, _ := requests.Ends(p, h.Source)
		beside := func(o *requests.Hit) bool { return o.Source == h.Source && stays(o) }
		if until == "" && (stays(h) || h.Decision == nil && slices.ContainsFunc(s.Certain(), beside)) {
			continue
		}
		i := slices.IndexFunc(list, func(c Copied) bool { return c.Source == h.Source && c.Until == until })
		if i < 0 {
			i, list = len(list), append(list, Copied{Source: h.Source, Until: until})
		}
		list[i].Rows++
	}
	return list
}

// CodeOf is the code of the receipt of a request.
func CodeOf(p *setup.Setup, silo, request string) (code receipts.Code, err error) {
	key, err := p.Keys.SiloKey(silo)
	if err != nil {
		return code, err
	}
	return receipts.CodeOf(key, request), nil
}

// Receipted reports whether a request that is closed so gets a receipt: an erasure that was done, at least in part.
func Receipted(kind, outcome string) bool {
	return kind == cases.RequestErasure && outcome != cases.OutcomeRefused
}

// Statement is what the receipt of an erasure says that is closed now with an outcome: of what was found when it was
// looked for.
func Statement(p *setup.Setup, outcome string, a *cases.Asked, s *requests.Section) receipts.Statement {
	looked := s.Looked()
	anonymous := looked.Kept[string(reason.KAnonymized)]
	delete(looked.Kept, string(reason.KAnonymized))
	day := func(t time.Time) string { return calendar.DateOf(t, p.Zone).String() }
	says := receipts.Statement{Received: day(a.Received), Closed: day(s.AsOf), Outcome: outcome,
		Left: looked.Found - anonymous, Kept: looked.Reasons()}
	for _, held := range Copies(p, s) {
		if held.Until == "" {
			says.Rewrites += held.Rows
			continue
		}
		says.Copies, says.LastCopy = says.Copies+held.Rows, max(says.LastCopy, held.Until)
	}
	for _, step := range a.StepsOf(cases.StepMarked) {
		says.Persons = append(says.Persons, strings.Fields(step.How)...)
	}
	return says
}

// Stated is what the receipt of a closed request says, as it was noted when it was closed; false where it gets none.
func Stated(a *cases.Asked) (says receipts.Statement, ok bool) {
	steps := a.StepsOf(cases.StepStated)
	if a.Closed.IsZero() || !Receipted(a.Kind, a.Outcome) || len(steps) == 0 {
		return says, false
	}
	says, err := receipts.ParseStatement(steps[len(steps)-1].How)
	return says, err == nil
}
