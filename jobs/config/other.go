package config

import (
	"fmt"
	"maps"
	"slices"

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
