package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

var targetName = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

func (c *Config) buildCopies(p *setup.Setup) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sync)) {
		s := c.Sync[name]
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("sync.%s: "+format, append([]any{name}, args...)...))
		}
		c.checkCopy(name, s, fail)
		p.Grants = append(p.Grants, setup.Grant{Target: name, Source: s.Source, Grants: c.purposes(s, fail),
			Table: s.Table,
			Files: c.abs(s.Files), MaxLag: s.MaxLag})
	}
	return errors.Join(errs...)
}

// checkCopy checks whom the copy is for, and how it is kept.
func (c *Config) checkCopy(name string, s Grant, fail func(format string, args ...any)) {
	if !targetName.MatchString(name) {
		fail("the target's name becomes part of table names: use up to 20 small letters and digits, a letter first")
	}
	source, ok := c.Sources[s.Source]
	switch {
	case !ok || source.Of != "" || source.Environment == "backup":
		fail("source %q is not a live source", s.Source)
	case s.Table && source.ApplyDSN == "":
		fail("table: source %s is read-only: give it an apply_dsn, or grant files instead", s.Source)
	}
	if !s.Table && s.Files == "" {
		fail("say how the copy is kept: table: true, files: FOLDER, or both")
	}
	if s.Files == "" {
		return
	}
	for _, other := range slices.Sorted(maps.Keys(c.Sync)) {
		folder := c.Sync[other].Files
		if other < name && folder != "" && filepath.Clean(c.abs(folder)) == filepath.Clean(c.abs(s.Files)) {
			fail("files: the copies for %s are written to folder %s already: give each target a folder of its own",
				other, s.Files)
		}
	}
}

// purposes are those that the copy is granted of each silo, sorted.
func (c *Config) purposes(s Grant, fail func(format string, args ...any)) map[string][]string {
	if len(s.Grants) == 0 {
		fail("grants nothing: name silos with their purposes, as {newsletter: [newsletter]}")
	}
	grants := map[string][]string{}
	for _, silo := range slices.Sorted(maps.Keys(s.Grants)) {
		known, ok := c.Silos[silo]
		if !ok {
			fail("grants: silo %q is not under silos", silo)
			continue
		}
		if !slices.ContainsFunc(known.Records, func(r policy.Records) bool { return r.Source == s.Source }) {
			fail("grants: silo %s has no records in source %s: an application is told about its own rows only", silo,
				s.Source)
		}
		if len(s.Grants[silo]) == 0 {
			fail("grants: silo %s without a purpose grants nothing: name its purposes", silo)
		}
		for _, purpose := range s.Grants[silo] {
			if !slices.ContainsFunc(known.Rules, func(r policy.Rule) bool { return r.Purpose == purpose }) {
				fail("grants: silo %s has no rule for purpose %q", silo, purpose)
			}
			if len(silo) > 64 || len(purpose) > 64 {
				fail("grants: silo %s, purpose %s: a copy holds names of up to 64 bytes", silo, purpose)
			}
		}
		grants[silo] = slices.Compact(slices.Sorted(slices.Values(s.Grants[silo])))
	}
	return grants
}
