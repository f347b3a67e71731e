package registry

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// ReadEvents hands the events of a delivery to use one by one, and records nothing: it is for those who keep only a part of them. A line that cannot be
// read, or names nobody, is refused, as is one for which use returns a *RefusedError; another error of use ends the reading. The event is
// valid until use returns.
func ReadEvents(in Import, use func(*Event) error) (ImportReport, error) {
	var report ImportReport
	fail := func(err error) (ImportReport, error) { return report, fmt.Errorf("read events: %w", err) }
	lines, err := in.lines()
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrDelivery, err))
	}
	l := &load{in: &in, report: &report}
	var read portion
	scratch := make([]byte, 0, 512)
	for {
		p, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			l.count(&read)
			return report, nil
		case p == nil:
			return fail(err)
		}
		report.Lines++
		if err == nil {
			err = p.named(&scratch)
		}
		if err == nil {
			err = use(&p.Event)
		}
		var refused *RefusedError
		switch {
		case errors.As(err, &refused):
			read.rejects = append(read.rejects, rejectOf(p.line, err))
			if len(read.rejects) == defaultBatchRows {
				l.count(&read)
				read = portion{}
			}
		case err != nil:
			return fail(err)
		}
		in.spare = append(in.spare, p)
	}
}

// named refuses an event that names nobody, or not as its kind of identifier is written, or whose instant is missing.
func (p *pending) named(scratch *[]byte) error {
	if len(p.Subjects) == 0 {
		return refuse(NoIdentifier, "")
	}
	for _, s := range p.Subjects {
		value, ok := Normalise(s.Kind, []byte(s.Value), p.Country, (*scratch)[:0])
		*scratch = value
		if !ok {
			return refuse(BadIdentifier, s.Kind)
		}
	}
	if !plausible(p.OccurredAt) {
		return refuse(BadTime, "occurred_at")
	}
	return nil
}

// ImportedTypes lists the types of events that a source may deliver, sorted.
func ImportedTypes() []string {
	var list []string
	for typ, k := range kinds {
		if k.imported {
			list = append(list, string(typ))
		}
	}
	slices.Sort(list)
	return list
}
