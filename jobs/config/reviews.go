package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// buildDiscovery checks how sources are read, and the verdicts that people gave on fields.
func (c *Config) buildDiscovery(p *setup.Setup) error {
	var errs []error
	if c.Discover.Sample < 0 {
		errs = append(errs, fmt.Errorf("discover.sample: %d: say how many rows of a table are read, or leave it out "+
			"to read all", c.Discover.Sample))
	}
	if c.Discover.Sample == 0 && !c.Discover.FullEvery.IsZero() {
		errs = append(errs,
			errors.New("discover.full_every has no meaning without discover.sample: every row is read anyway"))
	}
	p.Sampling = setup.Sampling{Rows: c.Discover.Sample, FullEvery: c.Discover.FullEvery}
	for i, r := range c.Reviews {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("reviews %d: "+format, append([]any{i + 1}, args...)...))
		}
		if _, ok := c.Sources[r.Source]; !ok {
			fail("source %q is not under sources", r.Source)
		}
		dot := strings.LastIndexByte(r.Field, '.')
		if dot < 1 || dot == len(r.Field)-1 {
			fail("field %q: write table.field", r.Field)
			continue
		}
		category := classifiers.Category(r.Category)
		if !slices.Contains(classifiers.Categories(), category) {
			fail("category %q: use a label of `lethe classifiers list`, or none", r.Category)
		}
		if _, ok := c.People[r.By]; !ok {
			fail("by: %q is not among people", r.By)
		}
		if r.Because == "" {
			fail("because is missing: say why the classifiers are wrong")
		}
		until, err := calendar.ParseDate(r.Until)
		if err != nil {
			fail("until: %w", err)
		}
		review := setup.Review{Source: r.Source, Table: r.Field[:dot], Field: r.Field[dot+1:],
			Category: category, By: r.By, Because: r.Because, Until: until}
		if _, err := calendar.ParseDate(r.On); r.On != "" && err != nil {
			fail("on: %w", err)
		}
		if r.Saw != nil {
			review.SawType, review.Saw = r.Saw.Type, classifiers.Category(r.Saw.Category)
			if !slices.Contains(classifiers.Categories(), review.Saw) {
				fail("saw: category %q: use a label of `lethe classifiers list`, or none", r.Saw.Category)
			}
		}
		p.Reviews = append(p.Reviews, review)
	}
	for _, name := range c.sourceOrder {
		for _, class := range c.Sources[name].ApprovedFor {
			if class != string(classifiers.Special) && class != string(classifiers.Criminal) {
				errs = append(errs,
					fmt.Errorf("source %s: approved_for %q: use special (Art. 9) or criminal (Art. 10)", name, class))
			}
		}
	}
	return errors.Join(errs...)
}
