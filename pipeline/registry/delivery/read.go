package delivery

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"lethe/pipeline/registry/event"
)

// Read hands the events of a delivery to use one by one, and records nothing: it is for those who
// keep only a part of them. A line that cannot be read, or names nobody, is refused, as is one for which
// use returns a *RefusedError; another error of use ends the reading. The event is valid until use returns.
func Read(in Import, use func(*event.Event) error) (Report, error) {
	var report Report
	fail := func(err error) (Report, error) { return report, fmt.Errorf("read events: %w", err) }
	reader, err := NewReader(in)
	if err != nil {
		return fail(err)
	}
	var e event.Event
	scratch := make([]byte, 0, 512)
	for {
		line, err := reader.Next(&e)
		switch {
		case errors.Is(err, io.EOF):
			return report, nil
		case err != nil && !IsRefused(err):
			return fail(err)
		}
		report.Lines++
		if err == nil {
			err = named(&e, &scratch)
		}
		if err == nil {
			err = use(&e)
		}
		switch {
		case IsRefused(err):
			report.Refuse(&in, RejectOf(line, err))
		case err != nil:
			return fail(err)
		}
	}
}

// IsRefused says whether an error refuses one line, so that the next one can be read.
func IsRefused(err error) bool {
	var refused *event.RefusedError
	return errors.As(err, &refused)
}

// RejectOf is the line that an error refuses.
func RejectOf(line int, err error) Reject {
	var refused *event.RefusedError
	if !errors.As(err, &refused) {
		refused = &event.RefusedError{Reason: event.BadLine}
	}
	return Reject{Line: line, Reason: refused.Reason, Column: refused.Column, Why: refused.Why}
}

// Refuse counts a refused line, and tells who wants to know.
func (r *Report) Refuse(in *Import, line Reject) {
	r.Refused++
	if in.Rejected != nil {
		in.Rejected(line)
	}
	if len(r.Rejects) < MaxRejects {
		r.Rejects = append(r.Rejects, line)
	}
}

// Sort orders the refused lines as they stand in the delivery.
func (r *Report) Sort() { slices.SortFunc(r.Rejects, func(a, b Reject) int { return a.Line - b.Line }) }

// named refuses an event that names nobody, or not as its kind of identifier is written, or whose instant
// is missing.
func named(e *event.Event, scratch *[]byte) error {
	if len(e.Subjects) == 0 {
		return event.Refuse(event.NoIdentifier, "")
	}
	for _, s := range e.Subjects {
		var err error
		if *scratch, err = s.Normal(e.Country, (*scratch)[:0]); err != nil {
			return err
		}
	}
	if !event.Plausible(e.OccurredAt) {
		return event.Refuse(event.BadTime, "occurred_at")
	}
	return nil
}
