package proofs

import (
	"context"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/engines"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// soon is for how many days before it is due something is said to be.
const soon = 30

// What an attestation or a review is of, besides what the configuration says of an attestation.
const (
	ruleReview  = "rule review"
	fieldReview = "field review"
	engineProof = "engine proof"
)

// Attested are the attestations that the configuration asks for, as people last gave them, and the reviews that it has
// a day for: of rules, and of verdicts on fields. today is the civil day.
func Attested(p *setup.Setup, said answers.Chain, today calendar.Date) (rows []audit.Attestation) {
	asked := map[string]bool{}
	for _, a := range p.Attestations {
		asked[answers.AboutAttestation(a.Name)] = true
		row := audit.Attestation{Name: a.Name, Kind: a.Kind, Owner: a.Owner, Every: a.Every.String(), Status: "never"}
		if s, ok := last(p, said, a); ok {
			day := calendar.DateOf(s.SignedAt, p.Zone)
			due := calendar.EndOf(day, a.Every)
			row.LastOn, row.SaidBy, row.DueOn = day.String(), s.Actor, due.String()
			row.Status = status(due, today)
		}
		rows = append(rows, row)
	}
	for _, s := range said.All() { // what was asked for once and is no more, so that nobody drops it unseen
		about := s.Answer.About
		name, is := strings.CutPrefix(about, answers.AboutAttestation(""))
		if !is || s.Answer.Act != answers.Attest || asked[about] ||
			s.Answer.SignedAt.Before(today.Start(p.Zone).AddDate(-1, 0, 0)) {
			continue
		}
		asked[about] = true
		rows = append(rows, audit.Attestation{Name: name, Kind: "other", Status: "dropped", SaidBy: s.Answer.Actor,
			LastOn: calendar.DateOf(s.Answer.SignedAt, p.Zone).String()})
	}
	return append(rows, reviews(p, today)...)
}

// last is the last time that somebody who may gave an attestation.
func last(p *setup.Setup, said answers.Chain, of setup.Attestation) (found answers.Answer, ok bool) {
	for _, s := range said.All() {
		a := s.Answer
		person, known := p.People[a.Actor]
		if a.Act != answers.Attest || a.About != answers.AboutAttestation(of.Name) || !known ||
			person.Key.String() != a.Key || person.Ended(a.SignedAt) || person.Revoked ||
			said.Revoked(p.People, a.Key) || !of.MayAttest(a.Actor, person) {
			continue
		}
		found, ok = a, true
	}
	return found, ok
}

// status says how a day that something is due on stands to today.
func status(due, today calendar.Date) string {
	switch {
	case due < today:
		return "overdue"
	case due <= today+soon:
		return "due"
	}
	return "in_force"
}

// reviews are those of rules and of verdicts on fields that are due, or soon.
func reviews(p *setup.Setup, today calendar.Date) (rows []audit.Attestation) {
	add := func(kind, name, owner string, due calendar.Date) {
		if s := status(due, today); s != "in_force" {
			rows = append(rows, audit.Attestation{Name: name, Kind: kind, Owner: owner, DueOn: due.String(), Status: s})
		}
	}
	for _, silo := range p.Silos {
		for _, r := range silo.Silo.Rules {
			if due, err := calendar.ParseDate(r.ReviewBy); err == nil {
				add(ruleReview, silo.Silo.Name+": "+r.Purpose, r.Owner, due)
			}
		}
	}
	for _, r := range p.Reviews {
		place := p.Names.Of(r.Source) + "." + p.Names.Of(r.Table) + "." + p.Names.Of(r.Field)
		add(fieldReview, place, r.By, r.Until)
	}
	slices.SortStableFunc(rows, func(a, b audit.Attestation) int { return strings.Compare(a.DueOn, b.DueOn) })
	return rows
}

// engineProofs are the proofs of database servers that end soon, or have: then nothing is changed there any more.
func engineProofs(p *setup.Setup, found []engines.Found, today calendar.Date) (rows []audit.Attestation) {
	for _, f := range found {
		ended := !p.Now().Before(f.Until())
		if f.ProvedAt.IsZero() || f.Void != "" && !ended || engines.Ships(f.Connector, f.Engine()) {
			continue // what does not count for another reason is said where something is to be changed
		}
		due := calendar.DateOf(f.Until(), p.Zone) - 1 // the last day on which it holds
		if s := status(due, today); s != "in_force" {
			rows = append(rows, audit.Attestation{Name: f.Engine().String(), Kind: engineProof, Owner: f.Actor,
				LastOn: calendar.DateOf(f.ProvedAt, p.Zone).String(), SaidBy: f.Actor, DueOn: due.String(), Status: s})
		}
	}
	return rows
}

// attested puts them into the facts, with the proofs of database servers that end.
func (b *Book) attested(ctx context.Context, said answers.Chain) error {
	today := calendar.DateOf(b.Tonight.AsOf, b.Setup.Zone)
	found, err := engines.Read(ctx, b.Setup, b.Journal)
	if err != nil {
		return err
	}
	b.Notes.Facts.Attestations = append(Attested(b.Setup, said, today), engineProofs(b.Setup, found, today)...)
	return nil
}
