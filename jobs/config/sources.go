package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lethe/connectors"
	"lethe/connectors/shelf"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
)

// Environments of a source.
var environments = []string{"production", "test", "development", "backup"}

// sourceDraft is one entry under sources while it is checked: what is wrong with it is joined.
type sourceDraft struct {
	name      string
	of        Source
	connector connectors.Connector
	base      setup.Source
	options   connectors.Options
	left      []setup.LeftOver
	errs      []error
}

func (d *sourceDraft) fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("source %s: "+format, append([]any{d.name}, args...)...))
}

// buildSources checks the sources and says how each is opened: the live ones first, in the order of the file,
// then the backups.
func (c *Config) buildSources(ctx context.Context, p *setup.Setup) error {
	var errs []error
	var live, backups []setup.Source
	for _, name := range c.sourceOrder {
		d := &sourceDraft{name: name, of: c.Sources[name]}
		if i := slices.IndexFunc(Connectors(), func(k connectors.Connector) bool {
			return k.Name == d.of.Connector
		}); i < 0 {
			d.fail("connector %q: `lethe connectors` lists what there is", d.of.Connector)
		} else {
			d.connector = Connectors()[i]
			for _, s := range c.sourcesOf(ctx, d) {
				if s.Environment == "backup" && s.Path != "" {
					backups = append(backups, s)
				} else {
					live = append(live, s)
				}
			}
		}
		errs = append(errs, d.errs...)
		p.LeftOvers = append(p.LeftOvers, d.left...)
	}
	p.Sources = append(live, backups...)
	p.Strays = c.strays(backups)
	return errors.Join(errs...)
}

// sourcesOf checks an entry, and makes one source of it, or one of each file that its pattern matches.
func (c *Config) sourcesOf(ctx context.Context, d *sourceDraft) []setup.Source {
	s := d.of
	c.checkSource(d)
	times := c.timesOf(d)
	d.base = setup.Source{
		Name: d.name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Processor: s.Processor, Agreement: s.Agreement, Transfer: s.Transfer,
		Encrypted: yesNo(s.Encrypted), AuditLog: yesNo(s.AuditLog),
		Connector: s.Connector, Of: s.Of,
		Keep: s.Keep, Skip: s.Skip, Unrelated: s.Unrelated, ApprovedFor: s.ApprovedFor, Plaintext: s.TLS == "waived",
		MaxBackupAge: s.MaxBackupAge, VerifyEvery: s.VerifyEvery,
		ReadOnly: s.ApplyDSN == "" && s.Rewrite == nil, Times: times,
	}
	if s.Rewrite != nil {
		d.base.Rewrite = &setup.RewriteTerms{After: s.Rewrite.After, AtMostEvery: s.Rewrite.AtMostEvery}
	}
	d.options = connectors.Options{Name: d.name, Plaintext: d.base.Plaintext, Rewrite: s.Rewrite != nil,
		Unchecked: s.Complete == "unchecked", Extra: s.Options, Files: s.Files}
	var err error
	if d.options.AnswerWithin, d.options.StatementWithin, err = s.times(d.connector.Database != nil || OnShelf(s.Path)); err != nil {
		d.fail("%w", err)
	}
	switch {
	case s.Path != "" && s.DSN != "":
		d.fail("has both path and dsn: files have a path, servers a dsn")
		return nil
	case OnShelf(s.Path):
		return c.shelfSources(ctx, d)
	case s.Path != "":
		return c.fileSources(d)
	}
	return []setup.Source{c.dsnSource(d)}
}

// timesOf says how a source writes instants. A backup writes them as its live source does, but for what it says
// itself.
func (c *Config) timesOf(d *sourceDraft) setup.Times {
	own, live := d.of, c.Sources[d.of.Of]
	zone := func(key, name string) *time.Location {
		z, err := TimesZone(name)
		if err != nil {
			d.fail("%s: %w", key, err)
		}
		return z
	}
	t := setup.Times{Order: instant.Order(cmp.Or(own.Dates, live.Dates)), Zones: map[string]*time.Location{}}
	if !t.Order.Known() {
		d.fail("dates: %q: write dmy for 31/12/2026, or mdy for 12/31/2026", own.Dates)
	}
	if name := cmp.Or(own.Zone, live.Zone); name != "" {
		t.Zone = zone("zone", name)
	}
	zones := own.Zones
	if own.Zone == "" && zones == nil {
		zones = live.Zones
	}
	for name, of := range zones {
		t.Zones[name] = zone("zones: "+name, of)
	}
	return t
}

// yesNo is what somebody said of a source; "" nobody did.
func yesNo(said *bool) string {
	switch {
	case said == nil:
		return ""
	case *said:
		return "yes"
	}
	return "no"
}

// TimesZone is ZoneOf for times without an offset, which may also be of a fixed one: +02:00, or Z.
func TimesZone(name string) (*time.Location, error) {
	if zone, ok := instant.FixedZone(name); ok {
		return zone, nil
	}
	return ZoneOf(name)
}

// ZoneOf finds a zone by its name in the IANA list.
func ZoneOf(name string) (*time.Location, error) {
	if strings.HasPrefix(name, "Etc/GMT+") || strings.HasPrefix(name, "Etc/GMT-") {
		return time.UTC, fmt.Errorf("%q is counted westward, so that Etc/GMT+5 is -05:00: write the zone of a place, "+
			"for example Europe/Rome, or an offset where times are read", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return time.UTC, fmt.Errorf("%q is no zone: name an IANA zone, for example UTC or Europe/Rome", name)
	}
	if at := strays(zone); !at.IsZero() {
		return time.UTC, fmt.Errorf("%q: as this machine knows it, the zone is a day or more away from UTC on %s, which no "+
			"place is: look who wrote to its zoneinfo, and to the variable ZONEINFO", name, at.UTC().Format(time.DateOnly))
	}
	return zone, nil
}

// strays is a day between 1970 and 2100 on which a zone is a day or more away from UTC; none of a place's.
func strays(zone *time.Location) time.Time {
	const day = 24 * 60 * 60
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2100; at = at.AddDate(0, 0, 1) {
		if _, offset := at.In(zone).Zone(); offset <= -day || offset >= day {
			return at
		}
	}
	return time.Time{}
}

func (c *Config) checkSource(d *sourceDraft) {
	s := d.of
	if !slices.Contains(environments, s.Environment) {
		d.fail("environment %q: use %s", s.Environment, strings.Join(environments, ", "))
	}
	if s.Application == "" {
		d.fail("application is missing: say which of the company's systems owns it")
	}
	if of, ok := c.Sources[s.Of]; s.Of != "" && (!ok || of.Of != "") {
		d.fail("of: %q is not a live source", s.Of)
	}
	if s.TLS != "" && s.TLS != "waived" {
		d.fail("tls: %q: leave it out, or write waived", s.TLS)
	}
	switch {
	case s.MaxBackupAge.IsZero():
	case s.Of != "" || s.Environment == "backup":
		d.fail("max_backup_age is for the live source, whose rows are destroyed: write it there")
	case !slices.ContainsFunc(slices.Collect(maps.Values(c.Sources)), func(b Source) bool { return b.Of == d.name }):
		d.fail("max_backup_age: no source is a backup of it: configure one with `of: %s`, or leave it out", d.name)
	}
	if !s.VerifyEvery.IsZero() && (s.Environment != "backup" || s.Path == "") {
		d.fail("verify_every is of backups in files: write it under those, or leave it out")
	}
	if s.Complete != "" && s.Complete != "unchecked" {
		d.fail("complete: %q: leave it out, or write unchecked", s.Complete)
	}
	for _, field := range slices.Sorted(maps.Keys(s.Unrelated)) {
		if s.Unrelated[field] == "" || !strings.Contains(field, ".") {
			d.fail("unrelated%s: %q: write TABLE.FIELD, and why it refers to no table that it seems to refer to",
				c.placeOf("sources", d.name, "unrelated", field), field)
		}
	}
	if (s.Credentials != "" || s.OldVersions != "") && !OnShelf(s.Path) {
		d.fail("credentials and old_versions are of a path in a bucket or on another server: leave them out")
	}
	c.checkOptions(d, s.Options, "options")
	if len(s.Files) > 0 && !slices.Contains(d.connector.Suffix, "/") {
		d.fail("files%s: only a folder of files has them; what holds for the whole source stands under options",
			c.placeOf("sources", d.name, "files"))
		return
	}
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		if _, err := path.Match(file, ""); err != nil {
			d.fail("files%s: %q is no pattern of names: write for example export-*.csv",
				c.placeOf("sources", d.name, "files", file), file)
		}
		c.checkOptions(d, s.Files[file], "files", file)
	}
}

// checkOptions checks what stands at a place under a source for its connector.
func (c *Config) checkOptions(d *sourceDraft, options map[string]string, at ...string) {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if err := connectors.CheckOptions(d.connector.Options, map[string]string{name: options[name]}); err != nil {
			d.fail("%s%s: %w", strings.Join(at, ": "), c.placeOf(append([]string{"sources", d.name}, append(at, name)...)...),
				err)
		}
	}
}

// fileSources makes a source of each file.
func (c *Config) fileSources(d *sourceDraft) []setup.Source {
	s := d.of
	paths, err := filepath.Glob(c.abs(s.Path))
	if err != nil {
		d.fail("path: %w", err)
	}
	paths = slices.DeleteFunc(paths, connectors.IsTemporary)
	if s.Environment == "backup" {
		left, _ := filepath.Glob(connectors.TemporaryPattern(filepath.Dir(c.abs(s.Path)))) // as above
		for _, path := range left {
			d.left = append(d.left, setup.LeftOver{Source: d.name, Path: path})
		}
	}
	switch {
	case len(paths) > 0:
	case s.Environment == "backup": // there may be none yet
		c.warnings = append(c.warnings, fmt.Sprintf("source %s: no file matches %s", d.name, s.Path))
	default: // opening it says that it is not there
		paths = []string{c.abs(s.Path)}
	}
	var files []setup.Source
	for _, path := range paths {
		files = append(files, c.fileSource(d, nil, connectors.Stored{Path: path, Time: setup.TakenAt(path)}))
	}
	return files
}

// fileSource makes a source of one file.
func (c *Config) fileSource(d *sourceDraft, on connectors.Shelf, stored connectors.Stored) setup.Source {
	file, o := d.base, d.options
	file.Path, file.Shelf, file.Set, file.TakenAt = stored.Path, on, d.name, stored.Time
	if d.of.Environment == "backup" {
		file.Name = d.name + "/" + shelf.Base(stored.Path)
	}
	o.Name, o.DSN, o.Shelf = file.Name, stored.Path, on
	if d.of.ApplyDSN != "" {
		o.ApplyDSN = stored.Path
	}
	file.Open = c.opener(d.connector, o, d.of)
	if d.of.Environment == "backup" {
		file.Restore = func(ctx context.Context, backup connectors.Source, parent string) (*connectors.Restored, error) {
			return restored(ctx, d.connector, o, backup, parent)
		}
	}
	return file
}

// dsnSource makes a source of a server, or of a file that is named like one.
func (c *Config) dsnSource(d *sourceDraft) setup.Source {
	var err error
	if d.options.DSN, err = c.resolve("source "+d.name+": dsn", d.of.DSN); err != nil {
		d.errs = append(d.errs, err)
	} else if d.options.DSN == "" {
		d.fail("dsn is missing: write it as file:PATH of a file that holds it")
	}
	if d.options.ApplyDSN, err = c.resolve("source "+d.name+": apply_dsn", d.of.ApplyDSN); err != nil {
		d.errs = append(d.errs, err)
	}
	if !strings.Contains(d.options.DSN, "@") && len(d.connector.Suffix) > 0 { // a file
		d.options.DSN, d.options.ApplyDSN = c.abs(d.options.DSN), c.abs(d.options.ApplyDSN)
	}
	source := d.base
	source.Place = places(c.standing(d.options.DSN), c.standing(d.options.ApplyDSN))
	source.Open = c.opener(d.connector, d.options, d.of)
	return source
}

// unanswered remembers which sources were waited for in vain: what is opened again for each table of consents, or to
// read a backup beside it, would each time wait for as long.
type unanswered struct {
	mu   sync.Mutex
	said map[string]error
	at   map[string]time.Time
}

const (
	inVain      = time.Second      // a failure that comes sooner costs nothing to ask for again
	rememberFor = 10 * time.Minute // what a night opens is opened soon after
)

// open opens a source, unless it was waited for in vain a moment ago.
func (u *unanswered) open(ctx context.Context, k connectors.Connector, o connectors.Options) (connectors.Source, error) {
	u.mu.Lock()
	err, at := u.said[o.Name], u.at[o.Name]
	u.mu.Unlock()
	if err != nil && time.Since(at) < rememberFor {
		return nil, err
	}
	began := time.Now()
	source, err := k.Open(ctx, o)
	u.note(o.Name, began, err)
	return source, err
}

// note remembers an error if it is that of a wait.
func (u *unanswered) note(source string, began time.Time, err error) {
	if !errors.Is(err, connectors.ErrUnreachable) || time.Since(began) < inVain {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.said == nil {
		u.said, u.at = map[string]error{}, map[string]time.Time{}
	}
	u.said[source], u.at[source] = err, time.Now()
}

// opener opens a source; a file without CREATE TABLE gets its catalog from the schema file, or from the live
// source it is a backup of.
func (c *Config) opener(k connectors.Connector, o connectors.Options,
	s Source) func(context.Context) (connectors.Source, error) {
	return func(ctx context.Context) (connectors.Source, error) {
		from := s.Of
		o.Of = from
		if s.Schema != "" {
			schema, err := k.Open(ctx, connectors.Options{Name: o.Name + " schema", DSN: c.abs(s.Schema),
				Unchecked: true})
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
		if live, ok := c.Sources[from]; ok {
			o.Database = c.liveDatabase(from, live, s.Schema == "", o.Catalog)
		}
		return c.unanswered.open(ctx, k, o)
	}
}

// liveCatalog asks the live source of a backup for its tables; nil when it does not answer, and the backup's
// own CREATE TABLEs have to do.
func (c *Config) liveCatalog(ctx context.Context, name string, live Source) []connectors.Table {
	i := slices.IndexFunc(Connectors(), func(k connectors.Connector) bool { return k.Name == live.Connector })
	dsn, err := c.resolve(name, live.DSN)
	if i < 0 || err != nil {
		return nil
	}
	if !strings.Contains(dsn, "@") && len(Connectors()[i].Suffix) > 0 { // a file
		dsn = c.abs(dsn)
	}
	o := connectors.Options{Name: name, DSN: dsn, Plaintext: live.TLS == "waived", Extra: live.Options,
		Files: live.Files}
	o.AnswerWithin, o.StatementWithin, _ = live.times(true) // checked with the source
	source, err := c.unanswered.open(ctx, Connectors()[i], o)
	if err != nil {
		return nil
	}
	defer source.Close()
	began := time.Now()
	tables, err := source.Tables(ctx)
	if err != nil {
		c.unanswered.note(name, began, err)
		return nil
	}
	return tables
}

// liveDatabase is the name of the database that a live source reads, as its catalog has it, or else as its DSN
// does; "" where it is no database of a server, whose name a dump would hold.
func (c *Config) liveDatabase(name string, live Source, asked bool, catalog []connectors.Table) string {
	i := slices.IndexFunc(Connectors(), func(k connectors.Connector) bool { return k.Name == live.Connector })
	if i < 0 || Connectors()[i].Database == nil {
		return ""
	}
	if asked && len(catalog) > 0 {
		return catalog[0].Database
	}
	dsn, err := c.resolve(name, live.DSN)
	if err != nil {
		return ""
	}
	return Connectors()[i].Database(dsn)
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
			errs = append(errs, fmt.Errorf("E_REGISTRY_IN_SOURCE: source %s and the registry are the same database: "+
				"the registry has its own", name))
		}
	}
	return errors.Join(errs...)
}

// Backups are the sets of backups of each live source, as configured: also those of which there is no file today.
func (c *Config) Backups() map[string][]words.Backup {
	sets := map[string][]words.Backup{}
	for _, name := range c.sourceOrder {
		s := c.Sources[name]
		if s.Of == "" {
			continue
		}
		b := words.Backup{Name: name, Keep: s.Keep, Rewritten: s.Rewrite != nil}
		if s.Rewrite != nil {
			b.After, b.AtMostEvery = s.Rewrite.After, s.Rewrite.AtMostEvery
		}
		sets[s.Of] = append(sets[s.Of], b)
	}
	return sets
}
