package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/policy/calendar"
)

// problems collects what is wrong, each with its place.
type problems struct {
	place string
	found *[]error
}

func (p *problems) under(format string, args ...any) *problems {
	if p.found == nil {
		p.found = new([]error)
	}
	return &problems{place: p.place + ", " + fmt.Sprintf(format, args...), found: p.found}
}

func (p *problems) add(format string, args ...any) {
	if p.found == nil {
		p.found = new([]error)
	}
	text := fmt.Sprintf(format, args...)
	if p.place != "" {
		text = p.place + ": " + text
	}
	*p.found = append(*p.found, errors.New(text))
}

func (p *problems) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		words := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		p.add("%s is %q: use %s", key, value, strings.Join(words, " or "))
	}
}

// date reads an optional date of the configuration.
func (p *problems) date(key, value string, absent calendar.Date) calendar.Date {
	if value == "" {
		return absent
	}
	d, err := calendar.ParseDate(value)
	if err != nil {
		p.add("%s %q is %v", key, value, err)
		return absent
	}
	return d
}

func (p *problems) join() error {
	if p.found == nil {
		return nil
	}
	return errors.Join(*p.found...)
}
