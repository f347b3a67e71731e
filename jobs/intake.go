package jobs

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/policy/intake"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

// checkIntake checks of a mapping of consents what the policy cannot: its source, kinds of identifier, and words for how people agreed.
func (c *Config) checkIntake(place string, m intake.Mapping) error {
	var errs []error
	switch s, ok := c.Sources[m.Source]; {
	case !ok:
		errs = append(errs, fmt.Errorf("%s: source %q is not under sources", place, m.Source))
	case s.Of != "" || s.Environment == "backup":
		errs = append(errs, fmt.Errorf("%s: source %s is a backup, which says what people agreed to once: name the live source", place, m.Source))
	}
	for kind := range m.Subject {
		if !identifier.Known(kind) {
			errs = append(errs, fmt.Errorf("%s: subject: %q is no kind of identifier: use email, phone, customer-number, username or national-id:CC", place, kind))
		}
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

// registryApart refuses a source that is the registry, however either is spelled.
func (c *Config) registryApart(r registry.Config) error {
	warnings := len(c.warnings)
	defer func() { c.warnings = c.warnings[:warnings] }() // they were given when the sources were built
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		s := c.Sources[name]
		places, _ := filepath.Glob(c.abs(s.Path)) // a pattern that is none was refused with the source
		for _, secret := range []Secret{s.DSN, s.ApplyDSN} {
			dsn, err := c.resolve(name, secret)
			if err != nil || dsn == "" {
				continue
			}
			places = append(places, dsn)
			if !strings.Contains(dsn, ":") { // a file
				places = append(places, c.abs(dsn))
			}
		}
		if slices.ContainsFunc(places, r.Same) {
			errs = append(errs, fmt.Errorf("E_REGISTRY_IN_SOURCE: source %s and the registry are the same database: the registry has its own", name))
		}
	}
	return errors.Join(errs...)
}
