package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/csvdir"
	"lethe/connectors/mysql"
	"lethe/connectors/mysqldump"
	"lethe/connectors/pgdump"
	"lethe/connectors/sqlite"
	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
)

// Connectors is the explicit list of what Lethe can open. A new connector is one line here.
func Connectors() []connectors.Connector {
	return []connectors.Connector{mysql.Connector, pgdump.Connector, mysqldump.Connector, sqlite.Connector, csvdir.Connector}
}

// Environments of a source.
var environments = []string{"production", "test", "development", "backup"}

// Build checks the whole configuration, resolves its secrets and wires the pipeline. Errors of one kind are joined, so that a person sees all of them at once.
func (c *Config) Build(ctx context.Context, log *slog.Logger) (*pipeline.Pipeline, error) {
	var errs []error
	zone, err := time.LoadLocation(c.Controller.Timezone)
	if c.Controller.Timezone == "" || err != nil {
		zone, errs = time.UTC, append(errs, fmt.Errorf("controller.timezone %q: name an IANA zone, for example Europe/Rome", c.Controller.Timezone)) // the rest is checked all the same
	}
	p := &pipeline.Pipeline{Controller: c.Controller.Name, Zone: zone, State: c.abs(c.State), Reports: c.abs(c.Reports), RegistryAge: c.Registry.MaxAge,
		Approvals: cmp.Or(c.Approvals, 2), Breakers: c.breakers(), Version: version(), Now: time.Now, Log: log,
		Progress: func(string, string, int64, int64) {}, Crash: func(string) {}, People: map[string]pipeline.Person{}, Simulated: c.Clock == "simulated"}
	if p.Host, err = os.Hostname(); err != nil {
		p.Host = "unknown"
	}
	for _, e := range []struct{ key, value string }{{"controller.name", c.Controller.Name}, {"state", c.State}, {"reports", c.Reports}, {"keystore.path", c.Keystore.Path}, {"keystore.identity", c.Keystore.Identity}, {"registry.dsn", string(c.Registry.DSN)}} {
		if e.value == "" {
			errs = append(errs, fmt.Errorf("%s is missing", e.key))
		}
	}
	if c.Approvals < 0 || c.Approvals > 2 {
		errs = append(errs, fmt.Errorf("approvals: %d: use 2, or 1 in a company of one", c.Approvals))
	}
	if c.Clock != "" && c.Clock != "simulated" {
		errs = append(errs, fmt.Errorf("clock: %q: leave it out, or write simulated for demos and tests", c.Clock))
	}
	if p.PolicyDigest, err = c.digest(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.buildSilos(p), c.buildPeople(p), c.buildOrders(p), c.buildSources(p), c.buildCopies(p), c.buildDiscovery(p), c.checkSchedule())
	_, err = c.notifyTargets()
	errs = append(errs, err)
	if p.Catalogue, err = c.catalogue(); err != nil {
		errs = append(errs, err)
	}
	dsn, err := c.resolve("registry.dsn", c.Registry.DSN)
	errs = append(errs, err)
	p.Registry = registry.Config{Driver: c.Registry.Driver, DSN: dsn, Plaintext: c.Registry.TLS == "waived"}
	if c.Registry.Driver == "" || c.Registry.Driver == "sqlite" { // a file
		p.Registry.DSN = c.abs(dsn)
	}
	if c.Registry.TLS != "" && c.Registry.TLS != "waived" {
		errs = append(errs, fmt.Errorf("registry.tls: %q: leave it out, or write waived", c.Registry.TLS))
	}
	errs = append(errs, c.registryApart(p.Registry))
	if err := errors.Join(errs...); err != nil {
		if errors.Is(err, pipeline.ErrConfig) {
			return nil, fmt.Errorf("%s: %w", c.path, err)
		}
		return nil, fmt.Errorf("%w: %s: %w", pipeline.ErrConfig, c.path, err)
	}
	identity := strings.TrimPrefix(c.Keystore.Identity, "file:")
	if p.Keys, err = keystore.Open(ctx, c.abs(c.Keystore.Path), c.abs(identity)); err != nil {
		return nil, fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
	}
	p.Registry.Keys = p.Keys.Current()
	for _, w := range c.warnings {
		log.Warn(w)
	}
	return p, nil
}

func (c *Config) buildSilos(p *pipeline.Pipeline) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Silos)) {
		for _, r := range c.Silos[name].Rules {
			if _, ok := c.People[r.Owner]; !ok {
				errs = append(errs, fmt.Errorf("silo %s: owner %q is not among people", name, r.Owner))
			}
		}
		if c.Silos[name].Suppression {
			if p.Suppression.Name != "" {
				errs = append(errs, fmt.Errorf("silos %s and %s are both the suppression list: keep one", p.Suppression.Name, name))
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
				errs = append(errs, fmt.Errorf("silo %s: rule for %s: event %q is none that the registry knows: use one of %s", name, r.Purpose, r.Event, strings.Join(event.ImportedTypes(), ", ")))
			}
		}
		for _, r := range c.Silos[name].Records {
			if s, ok := c.Sources[r.Source]; !ok {
				errs = append(errs, fmt.Errorf("silo %s: source %q is not under sources", name, r.Source))
			} else if s.Of != "" {
				errs = append(errs, fmt.Errorf("silo %s: source %s is a backup: name the live source %s, its backups follow", name, r.Source, s.Of))
			}
		}
		for i, m := range c.Silos[name].Consents {
			errs = append(errs, c.checkIntake(fmt.Sprintf("silo %s, consents %d (%s.%s)", name, i+1, m.Source, m.Table), m))
		}
		p.Silos = append(p.Silos, silo)
	}
	if len(errs) == 0 {
		errs = append(errs, policy.CheckTables(p.Silos))
	}
	return errors.Join(errs...)
}

func (c *Config) buildPeople(p *pipeline.Pipeline) error {
	var errs []error
	keys := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.People)) {
		person := c.People[name]
		key, err := keystore.ParsePublic(person.Key)
		if err != nil {
			errs = append(errs, fmt.Errorf("people.%s: %w", name, err))
			continue
		}
		if other, taken := keys[person.Key]; taken {
			errs = append(errs, fmt.Errorf("people.%s has the key of %s: every person has a key of their own", name, other))
		}
		keys[person.Key] = name
		for _, role := range person.Roles {
			silo, owner := strings.CutPrefix(role, "owner:")
			if _, known := c.Silos[silo]; owner && !known || !owner && role != "custodian" && role != "dpo" {
				errs = append(errs, fmt.Errorf("people.%s: role %q: use owner:SILO, custodian or dpo", name, role))
			}
		}
		p.People[name] = pipeline.Person{Key: key, Roles: person.Roles}
	}
	return errors.Join(errs...)
}

func (c *Config) buildOrders(p *pipeline.Pipeline) error {
	var errs []error
	for i, o := range c.Orders {
		place := fmt.Sprintf("orders %d", i+1)
		until, err := calendar.ParseDate(o.Until)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: until: %w", place, err))
		}
		if _, ok := c.Silos[o.Silo]; !ok {
			errs = append(errs, fmt.Errorf("%s: silo %q is not under silos", place, o.Silo))
		}
		if o.MaxRows <= 0 {
			errs = append(errs, fmt.Errorf("%s: max_rows is missing: say how many rows a night it covers", place))
		}
		order := pipeline.Order{Silo: o.Silo, MaxRows: o.MaxRows, MaxPercent: o.MaxPercent, Until: until, SignedBy: o.SignedBy}
		for _, r := range o.Reasons {
			code := reason.Code(r)
			if !slices.Contains(reason.Codes(), code) || !strings.HasPrefix(r, "D_") && !strings.HasPrefix(r, "K_") {
				errs = append(errs, fmt.Errorf("%s: reason %q: use D_ codes, and K_ codes for rows that stay and lose fields, as `lethe policy codes` lists them", place, r))
			}
			order.Reasons = append(order.Reasons, code)
		}
		owner, custodian := false, false
		for _, name := range o.SignedBy {
			person, ok := c.People[name]
			if !ok {
				errs = append(errs, fmt.Errorf("%s: %q is not among people", place, name))
			}
			owner = owner || slices.Contains(person.Roles, "owner:"+o.Silo)
			custodian = custodian || slices.Contains(person.Roles, "custodian")
		}
		if p.Approvals == 2 && (!owner || !custodian || len(o.SignedBy) < 2) {
			errs = append(errs, fmt.Errorf("%s: signed_by needs an owner of %s and a custodian, two people", place, o.Silo))
		}
		p.Orders = append(p.Orders, order)
	}
	return errors.Join(errs...)
}

func (c *Config) buildSources(p *pipeline.Pipeline) error {
	var errs []error
	var live, backups []pipeline.Source
	for _, name := range c.sourceOrder {
		s := c.Sources[name]
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("source %s: "+format, append([]any{name}, args...)...))
		}
		i := slices.IndexFunc(Connectors(), func(k connectors.Connector) bool { return k.Name == s.Connector })
		if i < 0 {
			fail("connector %q: `lethe connectors` lists what there is", s.Connector)
			continue
		}
		if !slices.Contains(environments, s.Environment) {
			fail("environment %q: use %s", s.Environment, strings.Join(environments, ", "))
		}
		if s.Application == "" {
			fail("application is missing: say which of the company's systems owns it")
		}
		if of, ok := c.Sources[s.Of]; s.Of != "" && (!ok || of.Of != "") {
			fail("of: %q is not a live source", s.Of)
		}
		if s.TLS != "" && s.TLS != "waived" {
			fail("tls: %q: leave it out, or write waived", s.TLS)
		}
		if s.Complete != "" && s.Complete != "unchecked" {
			fail("complete: %q: leave it out, or write unchecked", s.Complete)
		}
		base := pipeline.Source{Name: name, Application: s.Application, Environment: s.Environment, Location: s.Location, Connector: s.Connector, Of: s.Of, Keep: s.Keep, Skip: s.Skip, ApprovedFor: s.ApprovedFor,
			Plaintext: s.TLS == "waived", ReadOnly: s.ApplyDSN == "" && s.Rewrite == nil}
		if s.Rewrite != nil {
			base.Rewrite = &pipeline.RewriteTerms{After: s.Rewrite.After, AtMostEvery: s.Rewrite.AtMostEvery}
		}
		connector := Connectors()[i]
		options := connectors.Options{Name: name, Plaintext: base.Plaintext, Rewrite: s.Rewrite != nil, Unchecked: s.Complete == "unchecked"}
		switch {
		case s.Path != "" && s.DSN != "":
			fail("has both path and dsn: files have a path, servers a dsn")
		case s.Path != "":
			paths, err := filepath.Glob(c.abs(s.Path))
			if err != nil {
				fail("path: %w", err)
			}
			switch {
			case len(paths) > 0:
			case s.Environment == "backup": // there may be none yet
				c.warnings = append(c.warnings, fmt.Sprintf("source %s: no file matches %s", name, s.Path))
			default: // opening it says that it is not there
				paths = []string{c.abs(s.Path)}
			}
			for _, path := range paths {
				file, o := base, options
				file.Path, file.Set, file.TakenAt = path, name, pipeline.TakenAt(path)
				if s.Environment == "backup" {
					file.Name = name + "/" + filepath.Base(path)
				}
				o.Name, o.DSN = file.Name, path
				if s.ApplyDSN != "" {
					o.ApplyDSN = path
				}
				file.Open = c.opener(connector, o, s)
				if s.Environment == "backup" {
					backups = append(backups, file)
				} else {
					live = append(live, file)
				}
			}
		default:
			var err error
			if options.DSN, err = c.resolve("source "+name+": dsn", s.DSN); err != nil {
				errs = append(errs, err)
			} else if options.DSN == "" {
				fail("dsn is missing: write it as file:PATH of a file that holds it")
			}
			if options.ApplyDSN, err = c.resolve("source "+name+": apply_dsn", s.ApplyDSN); err != nil {
				errs = append(errs, err)
			}
			if !strings.Contains(options.DSN, "@") && len(connector.Suffix) > 0 { // a file
				options.DSN, options.ApplyDSN = c.abs(options.DSN), c.abs(options.ApplyDSN)
			}
			base.Open = c.opener(connector, options, s)
			live = append(live, base)
		}
	}
	p.Sources = append(live, backups...)
	return errors.Join(errs...)
}

// opener opens a source; a file without CREATE TABLE gets its catalog from the schema file, or from the live source it is a backup of.
func (c *Config) opener(k connectors.Connector, o connectors.Options, s SourceConfig) func(context.Context) (connectors.Source, error) {
	return func(ctx context.Context) (connectors.Source, error) {
		from := s.Of
		if s.Schema != "" {
			schema, err := k.Open(ctx, connectors.Options{Name: o.Name + " schema", DSN: c.abs(s.Schema), Unchecked: true})
			if err != nil {
				return nil, err
			}
			defer schema.Close()
			if o.Catalog, err = schema.Tables(ctx); err != nil {
				return nil, err
			}
		} else if live, ok := c.Sources[from]; ok && len(k.Schemes) == 0 {
			o.Catalog = c.liveCatalog(ctx, from, live)
		}
		return k.Open(ctx, o)
	}
}

// liveCatalog asks the live source of a backup for its tables; nil when it does not answer, and the backup's own CREATE TABLEs have to do.
func (c *Config) liveCatalog(ctx context.Context, name string, live SourceConfig) []connectors.Table {
	i := slices.IndexFunc(Connectors(), func(k connectors.Connector) bool { return k.Name == live.Connector })
	dsn, err := c.resolve(name, live.DSN)
	if i < 0 || err != nil {
		return nil
	}
	if !strings.Contains(dsn, "@") && len(Connectors()[i].Suffix) > 0 { // a file
		dsn = c.abs(dsn)
	}
	source, err := Connectors()[i].Open(ctx, connectors.Options{Name: name, DSN: dsn, Plaintext: live.TLS == "waived"})
	if err != nil {
		return nil
	}
	defer source.Close()
	tables, err := source.Tables(ctx)
	if err != nil {
		return nil
	}
	return tables
}

func (c *Config) catalogue() (*classifiers.Catalogue, error) {
	var custom []classifiers.Custom
	for _, d := range c.Detectors {
		custom = append(custom, classifiers.Custom{ID: d.ID, Pattern: d.Pattern, Header: d.Header, Words: d.Words, Category: classifiers.Category(d.Category)})
	}
	return classifiers.New(custom...)
}

func (c *Config) breakers() pipeline.Breakers {
	b := pipeline.Breakers{MaxRows: 1000, MaxPercent: 5, NoMatchPercent: 2, UnparseablePercent: 1, EmptyPercent: 50, Spike: 3, NewSourceRuns: 1}
	set(&b.MaxRows, c.Breakers.MaxRows)
	set(&b.MaxPercent, c.Breakers.MaxPercent)
	set(&b.NoMatchPercent, c.Breakers.NoMatchPercent)
	set(&b.UnparseablePercent, c.Breakers.UnparseablePercent)
	set(&b.EmptyPercent, c.Breakers.EmptyPercent)
	set(&b.Spike, c.Breakers.Spike)
	set(&b.MaxRowsANight, c.Breakers.MaxRowsANight)
	set(&b.NewSourceRuns, c.Breakers.NewSourceRuns)
	return b
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
