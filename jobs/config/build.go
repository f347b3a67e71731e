package config

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors/conformance"
	"lethe/jobs/schedule"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/letters"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

// Build checks the whole configuration, resolves its secrets and wires the pipeline. Errors of one kind are
// joined, so that a person sees all of them at once.
func (c *Config) Build(ctx context.Context, log *slog.Logger) (*setup.Setup, error) {
	p := &setup.Setup{
		Controller: c.Controller.Name, Language: c.Language, State: c.abs(c.State), Reports: c.abs(c.Reports), RegistryAge: c.Registry.MaxAge,
		Approvals: cmp.Or(c.Approvals, 2), Breakers: c.breakers(), Simulated: c.Clock == "simulated", Log: log,
		Now: time.Now, Suite: conformance.Suite(),
		Progress: func(string, string, int64, int64) {}, Crash: func(string) {}, People: map[string]setup.Person{},
	}
	var err error
	if p.Host, err = os.Hostname(); err != nil {
		p.Host = "unknown"
	}
	var zoneErr, digestErr, catalogueErr error
	p.Zone, zoneErr = c.zone()
	p.Policy, digestErr = c.policy()
	sum := sha256.Sum256(p.Policy)
	p.PolicyDigest = hex.EncodeToString(sum[:])
	p.Catalogue, catalogueErr = c.catalogue()
	_, noticeErr := c.NoticeTargets()
	var sinceErr error
	if c.Controller.Since != "" {
		if p.Since, sinceErr = calendar.ParseDate(c.Controller.Since); sinceErr != nil {
			sinceErr = fmt.Errorf("controller.since %q: %w", c.Controller.Since, sinceErr)
		}
	}
	_, languageErr := lang.In(c.Language)
	if languageErr != nil {
		languageErr = fmt.Errorf("language: %w", languageErr)
	}
	err = errors.Join(languageErr, zoneErr, c.checkPlain(), digestErr,
		c.buildSilos(p), c.buildPeople(p), c.buildOrders(p), c.buildSources(ctx, p), c.buildCopies(p), c.buildDiscovery(p),
		schedule.Check(c.Schedule, c.Controller.Timezone), noticeErr, catalogueErr, sinceErr, c.checkMetrics(), c.buildRegistry(p),
		c.buildTimestamps(p), c.buildTerms(p),
		c.buildAttestations(p), c.checkLetters())
	if err != nil {
		if errors.Is(err, setup.ErrConfig) {
			return nil, fmt.Errorf("%s: %w", c.path, err)
		}
		return nil, fmt.Errorf("%w: %s: %w", setup.ErrConfig, c.path, err)
	}
	path, identity := c.KeystoreFiles()
	if p.Keys, err = keystore.Open(ctx, path, identity); err != nil {
		return nil, fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	p.Registry.Keys = p.Keys
	c.nameAll(p)
	for _, w := range c.warnings {
		log.Warn(p.Names.Text(w))
	}
	return p, nil
}

// nameAll says how names are shown, and of all that the configuration names, so that they are known in errors.
func (c *Config) nameAll(p *setup.Setup) {
	var key func([]byte) []byte
	if runner, err := p.Keys.Runner(); err == nil { // without one nothing is published
		key = func(message []byte) []byte { return runner.Sign("name", message) }
	}
	p.Names = shown.New(p.Catalogue, key)
	for _, s := range c.Sources {
		p.Names.Of(c.abs(s.Path))
	}
	for _, s := range p.Sources {
		p.Names.Of(s.Name)
		p.Names.Of(s.Path)
	}
	for _, silo := range p.Silos {
		for _, r := range silo.Silo.Records {
			p.Names.Of(r.Table)
		}
	}
}

// zone is the controller's; UTC with an error where it names none, so that the rest is checked all the same.
func (c *Config) zone() (*time.Location, error) {
	zone, err := ZoneOf(c.Controller.Timezone)
	if err != nil {
		return zone, fmt.Errorf("controller.timezone: %w", err)
	}
	return zone, nil
}

// checkPlain checks the keys that stand for themselves.
func (c *Config) checkPlain() error {
	var errs []error
	for _, e := range []struct{ key, value string }{
		{"controller.name", c.Controller.Name}, {"state", c.State}, {"reports", c.Reports},
		{"keystore.path", c.Keystore.Path},
		{"keystore.identity", c.Keystore.Identity}, {"registry.dsn", string(c.Registry.DSN)},
	} {
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
	return errors.Join(errs...)
}

// LetterTemplates reads the company's own templates of letters.
func (c *Config) LetterTemplates() (letters.Templates, error) {
	t, err := letters.Read(c.abs(c.Letters))
	if err != nil {
		return nil, fmt.Errorf("%w: letters: %w", setup.ErrConfig, err)
	}
	return t, nil
}

func (c *Config) checkLetters() error {
	_, err := c.LetterTemplates()
	return err
}

// buildRegistry says where the registry is, which must not be one of the sources.
func (c *Config) buildRegistry(p *setup.Setup) error {
	dsn, err := c.resolve("registry.dsn", c.Registry.DSN)
	p.Registry = registry.Config{Driver: c.Registry.Driver, DSN: dsn, Plaintext: c.Registry.TLS == "waived",
		AllowEmpty: slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Alone() })}
	if !p.Registry.OnServer() {
		p.Registry.DSN = c.abs(dsn)
	}
	answer, statement, waitErr := c.Registry.times(p.Registry.OnServer())
	if waitErr != nil {
		waitErr = fmt.Errorf("registry: %w", waitErr)
	}
	p.Registry.AnswerWithin, p.Registry.StatementWithin = answer, statement
	var tlsErr error
	if c.Registry.TLS != "" && c.Registry.TLS != "waived" {
		tlsErr = fmt.Errorf("registry.tls: %q: leave it out, or write waived", c.Registry.TLS)
	}
	return errors.Join(err, tlsErr, waitErr, c.registryApart(p.Registry))
}

func (c *Config) catalogue() (*classifiers.Catalogue, error) {
	var custom []classifiers.Custom
	for _, d := range c.Detectors {
		custom = append(custom, classifiers.Custom{ID: d.ID, Pattern: d.Pattern, Header: d.Header, Words: d.Words,
			Category: classifiers.Category(d.Category)})
	}
	catalogue, err := classifiers.New(custom...)
	if err != nil {
		return nil, err
	}
	answers := make([]classifiers.Answer, len(c.Reviews))
	for i, r := range c.Reviews {
		dot := max(0, strings.LastIndexByte(r.Field, '.'))
		answers[i] = classifiers.Answer{Table: r.Field[:dot], Field: strings.TrimPrefix(r.Field[dot:], "."),
			Category: classifiers.Category(r.Category)}
	}
	return catalogue.Taught(answers), nil
}

func (c *Config) breakers() setup.Breakers {
	b := setup.Breakers{MaxRows: 1000, MaxPercent: 5, NoMatchPercent: 2, UnparseablePercent: 1, EmptyPercent: 50,
		Spike: 3, NewSourceRuns: 1, PauseDays: 40}
	set(&b.MaxRows, c.Breakers.MaxRows)
	set(&b.MaxPercent, c.Breakers.MaxPercent)
	set(&b.NoMatchPercent, c.Breakers.NoMatchPercent)
	set(&b.UnparseablePercent, c.Breakers.UnparseablePercent)
	set(&b.EmptyPercent, c.Breakers.EmptyPercent)
	set(&b.Spike, c.Breakers.Spike)
	set(&b.MaxRowsANight, c.Breakers.MaxRowsANight)
	set(&b.NewSourceRuns, c.Breakers.NewSourceRuns)
	set(&b.PauseDays, c.Breakers.PauseDays)
	return b
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
