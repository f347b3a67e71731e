package registry

import (
	"errors"
	"fmt"
	"io"
)

// ReadEvents hands the events of a delivery to use one by one, and records nothing: it is for those who keep only a part of
// them. A line that cannot be read, or names nobody, is refused, as is one for which use returns a *RefusedError; another error
// of use ends the reading. The event is valid until use returns.
func ReadEvents(in Import, use func(*Event) error) (ImportReport, error) {
	var report ImportReport
	fail := func(err error) (ImportReport, error) { return report, fmt.Errorf("read events: %w", err) }
	reader, err := NewReader(in)
	if err != nil {
		return fail(err)
	}
	var e Event
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
			err = e.named(&scratch)
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
	var refused *RefusedError
	return errors.As(err, &refused)
}

// RejectOf is the line that an error refuses.
func RejectOf(line int, err error) Reject {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		refused = &RefusedError{Reason: BadLine}
	}
	return Reject{Line: line, Reason: refused.Reason, Column: refused.Column}
}

// Refuse counts a refused line, and tells who wants to know.
func (r *ImportReport) Refuse(in *Import, line Reject) {
	r.Refused++
	if in.Rejected != nil {
		in.Rejected(line)
	}
	if len(r.Rejects) < MaxRejects {
		r.Rejects = append(r.Rejects, line)
	}
}

// named refuses an event that names nobody, or not as its kind of identifier is written, or whose instant is missing.
func (e *Event) named(scratch *[]byte) error {
	if len(e.Subjects) == 0 {
		return refuse(NoIdentifier, "")
	}
	for _, s := range e.Subjects {
		value, ok := Normalise(s.Kind, []byte(s.Value), e.Country, (*scratch)[:0])
		*scratch = value
		if !ok {
			return refuse(BadIdentifier, s.Kind)
		}
	}
	if !plausible(e.OccurredAt) {
		return refuse(BadTime, "occurred_at")
	}
	return nil
}
