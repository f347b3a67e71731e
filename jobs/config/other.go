package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// LoadOther reads another version of the configuration, as if it stood in the place of this one: only the
// policy of the two may differ.
func (c *Config) LoadOther(path string) (*Config, error) {
	o, err := Load(path)
	if err != nil {
		return nil, err
	}
	o.dir = c.dir
	return o, o.sameData(c)
}

// Under is the configuration with another policy, of which only the text is there: as if it had been written in the
// place of this one's, about the same data. Where the sources, the registry and the keys are is said by this one.
func (c *Config) Under(text []byte) (*Config, error) {
	var d decisive
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("read the text of a policy: %w", err)
	}
	o := &Config{Controller: d.Controller, State: c.State, Reports: c.Reports, Language: c.Language, Keystore: c.Keystore,
		Registry: c.Registry, People: d.People, Approvals: d.Approvals, Clock: c.Clock, Sources: map[string]Source{},
		Silos: map[string]policy.Silo{}, Sync: d.Sync, Breakers: d.Breakers, Detectors: d.Detectors,
		Discover: c.Discover, Reviews: d.Reviews, path: "the policy in force", dir: c.dir}
	o.Registry.MaxAge = d.RegistryMaxAge
	o.Controller.Since, o.Controller.Holidays = c.Controller.Since, c.Controller.Holidays
	if d.Evidence != nil {
		o.Evidence = *d.Evidence
	}
	for name, s := range d.Silos {
		s.Name = name
		o.Silos[name] = s
	}
	for _, name := range slices.Sorted(maps.Keys(d.Sources)) {
		s, known := d.Sources[name], c.Sources[name]
		s.DSN, s.ApplyDSN, s.Path, s.Waits = known.DSN, known.ApplyDSN, known.Path, known.Waits
		o.Sources[name], o.sourceOrder = s, append(o.sourceOrder, name)
	}
	again, err := o.policy()
	if err == nil && !bytes.Equal(again, text) {
		err = errors.New("another version of Lethe wrote the text of the policy in force, and this one reads it otherwise")
	}
	return o, errors.Join(err, o.sameData(c))
}

// sameData refuses to compare two policies on different data.
func (c *Config) sameData(o *Config) error {
	differs := func(what string) error {
		return fmt.Errorf("%w: %s differs between %s and %s: a comparison needs the same data, only the policy may "+
			"differ", setup.ErrConfig, what, c.path, o.path)
	}
	if c.Registry.Driver != o.Registry.Driver || c.Registry.DSN != o.Registry.DSN {
		return differs("registry")
	}
	if c.Keystore != o.Keystore {
		return differs("keystore")
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(c.sourceOrder),
		o.sourceOrder...)))) {
		a, b := c.Sources[name], o.Sources[name]
		for _, e := range []struct {
			key  string
			same bool
		}{{"connector", a.Connector == b.Connector}, {"dsn", a.DSN == b.DSN}, {"path", a.Path == b.Path},
			{"of", a.Of == b.Of}, {"schema", a.Schema == b.Schema}, {"environment", a.Environment == b.Environment},
			{"options", maps.Equal(a.Options, b.Options)}, {"files", maps.EqualFunc(a.Files, b.Files, maps.Equal)}} {
			if !e.same {
				return differs("source " + name + ": " + e.key)
			}
		}
	}
	return nil
}
