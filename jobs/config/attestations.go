package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Attestation is something that people do, which no program sees, and that its owner says again and again was done.
type Attestation struct {
	Name  string          `yaml:"name"`
	Kind  string          `yaml:"kind"`
	Owner string          `yaml:"owner"`
	Every calendar.Period `yaml:"every"`
	Silos []string        `yaml:"silos,omitempty"`
}

// attestationKinds are what one may be of.
var attestationKinds = []string{"training", "paper", "access", "other"}

var attestationName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (c *Config) buildAttestations(p *setup.Setup) error {
	var errs []error
	known := map[string]bool{}
	for i, a := range c.Attestations {
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("attestations %d: %s", i+1, fmt.Sprintf(format, args...)))
		}
		if !attestationName.MatchString(a.Name) {
			wrong("name %q: give one of small letters, digits and hyphens, such as staff-training", a.Name)
		}
		if known[a.Name] {
			wrong("name %q is there twice", a.Name)
		}
		known[a.Name] = true
		if !slices.Contains(attestationKinds, a.Kind) {
			wrong("kind %q: use one of %s", a.Kind, strings.Join(attestationKinds, ", "))
		}
		if _, ok := c.People[a.Owner]; !ok {
			wrong("owner %q is not among people", a.Owner)
		}
		if a.Every.IsZero() {
			wrong("every: say for how long one holds, such as P1Y")
		}
		for _, silo := range a.Silos {
			if s, ok := c.Silos[silo]; !ok || s.Suppression {
				wrong("silos: %q is not under silos, or is the list of those who said no", silo)
			}
		}
		p.Attestations = append(p.Attestations, setup.Attestation(a))
	}
	return errors.Join(errs...)
}
