package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// collectionsOf finds what the registry holds of people in a silo; nil when none are named. Somebody whom
// the silo does not know is refused, but where rows decide alone: there the registry gets to know them now.
func (in *Intake) collectionsOf(ctx context.Context, silo string, who []event.Subject, country string) ([]int32,
	error) {
	key, err := in.setup.Keys.SiloKey(silo)
	if err != nil {
		return nil, err
	}
	s := in.silo(silo)
	alone := s != nil && s.Alone()
	var found []int32
	for _, subject := range who {
		theirs, err := in.registry.CollectionsOf(ctx, key, subject, country)
		if err != nil && !(alone && errors.Is(err, registry.ErrUnknownSilo)) {
			return nil, err
		}
		if len(theirs) == 0 && alone {
			if _, err = in.registry.Append(ctx, key, event.Event{Type: event.IdentifierNoted,
				Subjects: []event.Subject{subject}, Country: country, OccurredAt: in.setup.Now()}); err == nil {
				theirs, err = in.registry.CollectionsOf(ctx, key, subject, country)
			}
			if err != nil {
				return nil, err
			}
		}
		if len(theirs) == 0 {
			return nil, fmt.Errorf("%w: silo %s knows nobody under this %s: look in the other silos, and with "+
				"`lethe explain` at rows that have no match", registry.ErrRefused, silo, subject.Kind)
		}
		found = append(found, theirs...)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// PlaceHold places a legal hold on people of a silo, on the whole of it when none are named, and returns
// how many collections it names. It is placed by sign, when the people are found.
func (in *Intake) PlaceHold(ctx context.Context, silo string, h cases.Hold, who []event.Subject, country string,
	sign func(place func() error) error) (int, error) {
	collections, err := in.collectionsOf(ctx, silo, who, country)
	if err != nil {
		return 0, err
	}
	return len(collections), sign(func() error { return in.registry.PlaceHold(ctx, silo, h, collections...) })
}

// OpenRequest records a person's request in a silo. Who objects to marketing by it, or withdraws from it,
// is put on the suppression list first: a list that says no once too often does no harm.
func (in *Intake) OpenRequest(ctx context.Context, silo string, q cases.Request, who []event.Subject,
	country string) error {
	s := in.silo(silo)
	if s == nil {
		return fmt.Errorf("%w: silo %q is not under silos", setup.ErrConfig, silo)
	}
	collections, err := in.collectionsOf(ctx, silo, who, country)
	if err != nil {
		return err
	}
	said := event.Event{Subjects: who, Country: country, OccurredAt: q.Received, Purpose: q.Purpose,
		Marketing: q.Marketing}
	switch q.Kind {
	case cases.RequestObjection:
		said.Type = event.Objected
	case cases.RequestWithdrawal:
		said.Type = event.Withdrawn
	}
	in.list.Note(s, &said)
	if _, err := in.list.Flush(ctx, false); err != nil {
		return err
	}
	if err := in.registry.OpenRequest(ctx, silo, q, collections...); err != nil || q.Kind != cases.RequestErasure {
		return err
	}
	key, err := in.setup.Keys.SiloKey(silo) // by these the receipt of an erasure is shown to be the person's
	if err != nil {
		return err
	}
	marks := receipts.CodeOf(key, q.ID).Marks(who, country)
	return in.registry.NoteRequest(ctx, silo, q.ID, cases.Step{Name: cases.StepMarked, How: strings.Join(marks, " ")})
}

// Asked lists the requests of a silo, with what was done with each.
func (in *Intake) Asked(ctx context.Context, silo string) ([]cases.Asked, error) {
	return in.registry.AskedOf(ctx, silo)
}

// NoteRequest records a step of an open request.
func (in *Intake) NoteRequest(ctx context.Context, silo, request string, s cases.Step) error {
	return in.registry.NoteRequest(ctx, silo, request, s)
}
