package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/setup"
)

func (c *Config) buildSilos(p *setup.Setup) error {
	var errs []error
	p.Readers = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Silos)) {
		for _, r := range c.Silos[name].Rules {
			if _, ok := c.People[r.Owner]; !ok {
				errs = append(errs, fmt.Errorf("silo %s: owner %q is not among people", name, r.Owner))
			}
		}
		if c.Silos[name].Suppression {
			if p.Suppression.Name != "" {
				errs = append(errs, fmt.Errorf("silos %s and %s are both the suppression list: keep one",
					p.Suppression.Name, name))
			}
			p.Suppression = c.Silos[name]
			errs = append(errs, policy.CheckSuppression(p.Suppression))
			continue
		}
		silo, err := policy.Compile(c.Silos[name], p.Zone, c.Controller.Jurisdiction)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, r := range c.Silos[name].Rules {
			if _, ok := event.ParseType(r.Event); r.Event != "" && !ok {
				errs = append(errs, fmt.Errorf("silo %s: rule for %s: event %q is none that the registry knows: use "+
					"one of %s", name, r.Purpose, r.Event, strings.Join(event.ImportedTypes(), ", ")))
			}
		}
		for i, r := range c.Silos[name].Records {
			for _, v := range r.Via {
				errs = append(errs, kindsKnown(fmt.Sprintf("silo %s, records %d (%s.%s)", name, i+1, r.Source, r.Table),
					v.Fields))
			}
			if s, ok := c.Sources[r.Source]; !ok {
				errs = append(errs, fmt.Errorf("silo %s: source %q is not under sources", name, r.Source))
			} else if s.Of != "" {
				errs = append(errs, fmt.Errorf("silo %s: source %s is a backup: name the live source %s, its backups "+
					"follow", name, r.Source, s.Of))
			}
		}
		for i, r := range c.Silos[name].Remnants {
			if s, ok := c.Sources[r.Source]; !ok || s.Of != "" {
				errs = append(errs, fmt.Errorf("silo %s, remnants %d (%s.%s.%s): source %q is no live source under "+
					"sources: name one, its backups follow", name, i+1, r.Source, r.Table, r.Field, r.Source))
			}
		}
		for i, m := range c.Silos[name].Consents {
			errs = append(errs, c.checkIntake(fmt.Sprintf("silo %s, consents %d (%s.%s)", name, i+1, m.Source,
				m.Table), m))
		}
		if _, err := sealed.Recipients(c.Silos[name].Readers); err != nil {
			errs = append(errs, fmt.Errorf("silo %s: readers: %w", name, err))
		}
		p.Silos = append(p.Silos, silo)
		p.Readers[name] = c.Silos[name].Readers
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return policy.CheckTables(p.Silos)
}

// checkIntake checks of a mapping of consents what the policy cannot: its source, kinds of identifier, and
// words for how people agreed.
func (c *Config) checkIntake(place string, m intake.Mapping) error {
	var errs []error
	switch s, ok := c.Sources[m.Source]; {
	case !ok:
		errs = append(errs, fmt.Errorf("%s: source %q is not under sources", place, m.Source))
	case s.Of != "" || s.Environment == "backup":
		errs = append(errs, fmt.Errorf("%s: source %s is a backup, which says what people agreed to once: name the "+
			"live source", place, m.Source))
	}
	errs = append(errs, kindsKnown(place, m.Subject))
	for _, v := range m.Via {
		errs = append(errs, kindsKnown(place, v.Fields))
	}
	if m.Method != nil {
		methods := slices.Sorted(maps.Values(m.Method.Words))
		if m.Method.Text != "" {
			methods = append(methods, m.Method.Text)
		}
		for _, method := range methods {
			if err := event.Affirmative(method); err != nil {
				errs = append(errs, fmt.Errorf("%s: method %q: %w", place, method, err))
			}
		}
	}
	return errors.Join(errs...)
}

// kindsKnown refuses kinds of identifiers that nobody can read.
func kindsKnown(place string, fields map[string]string) error {
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(fields)) {
		if !identifier.Known(kind) {
			errs = append(errs, fmt.Errorf("%s: subject: %q is no kind of identifier: use email, phone, "+
				"customer-number, username or national-id:CC", place, kind))
		}
	}
	return errors.Join(errs...)
}
