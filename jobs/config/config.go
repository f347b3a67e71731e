// Package config reads lethe.yaml and wires what it says. Its nouns: the Config with an entry type for each
// of its keys (Source, Person, Order, Grant, Review, ...), a Secret that stands for what must not be printed,
// a Holiday, and the list of connectors. Load decodes strictly, Build checks everything and makes the
// pipeline of it. Only this package knows which connectors there are.
package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"lethe/jobs/schedule"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Config is the configuration file, decoded strictly: an unknown key is an error with its line and column.
type Config struct {
	Controller Controller             `yaml:"controller"`
	State      string                 `yaml:"state"`
	Reports    string                 `yaml:"reports"`
	Language   string                 `yaml:"language,omitempty"` // of the page; English
	Keystore   Keystore               `yaml:"keystore"`
	Registry   Registry               `yaml:"registry"`
	People     map[string]Person      `yaml:"people,omitempty"`
	Approvals  int                    `yaml:"approvals,omitempty"` // 2, or 1 in a company of one
	Operator   Operator               `yaml:"operator,omitempty"`  // who runs nights that nobody starts
	Clock      string                 `yaml:"clock,omitempty"`     // simulated: --apply may use an as_of in the future
	Sources    map[string]Source      `yaml:"sources"`
	Silos      map[string]policy.Silo `yaml:"silos,omitempty"`
	Sync       map[string]Grant       `yaml:"sync,omitempty"` // by target
	Breakers   Breakers               `yaml:"breakers,omitempty"`
	Orders     []Order                `yaml:"orders,omitempty"`
	Detectors  []Detector             `yaml:"detectors,omitempty"`
	Discover   Discover               `yaml:"discover,omitempty"`
	Reviews    []Review               `yaml:"reviews,omitempty"`
	Evidence   Evidence               `yaml:"evidence,omitempty"`
	Schedule   []schedule.Job         `yaml:"schedule,omitempty"`
	Notify     []Secret               `yaml:"notify,omitempty"`
	Metrics    Metrics                `yaml:"metrics,omitempty"`
	Timestamps *Timestamps            `yaml:"timestamps,omitempty"`
	Letters    string                 `yaml:"letters,omitempty"` // folder of templates of letters

	Attestations []Attestation `yaml:"attestations,omitempty"`
	path, dir    string
	text         []byte   // of the file
	sourceOrder  []string // as written in the file
	warnings     []string
	beside       []setup.Stray // what lies in buckets and on other servers in the folders of backups
	unanswered   unanswered
}

// Controller is the controller of GDPR Art. 4(7).
type Controller struct {
	Name         string `yaml:"name"`
	Timezone     string `yaml:"timezone"`     // IANA name: terms are counted in it
	Jurisdiction string `yaml:"jurisdiction"` // ISO 3166-1 alpha-2

	// For consent receipts (ISO/IEC TS 27560), which cannot be complete without them.
	Address    string   `yaml:"address,omitempty"`
	Contact    string   `yaml:"contact,omitempty"`    // of who answers requests
	Withdrawal string   `yaml:"withdrawal,omitempty"` // how consent is withdrawn: an address or words
	Recipients []string `yaml:"recipients,omitempty"` // third parties; [] for none

	// Since is the first day on which the company can have collected anything; the days of records are compared
	// with it where people look at them. It decides nothing.
	Since string `yaml:"since,omitempty" json:"-"`

	// Public holidays, on which no answer to a request is due: 12-25 for every year, 2027-03-29 for one. They
	// decide nothing, so they are no part of the policy.
	Holidays []Holiday `yaml:"holidays,omitempty" json:"-"`

	// For the record of processing activities (Art. 30); they decide nothing.
	DPO      string   `yaml:"dpo,omitempty" json:"-"`      // contact of the data protection officer
	Measures []string `yaml:"measures,omitempty" json:"-"` // technical and organisational ones that Lethe cannot know
}

// Metrics says where how the nights stand is written down, and answered, for Prometheus. It decides nothing, so it is
// no part of the policy.
type Metrics struct {
	File   string `yaml:"file,omitempty"`   // in the node exporter's folder, ends in .prom
	Listen string `yaml:"listen,omitempty"` // host:port at which `lethe schedule` answers /metrics
}

// Timestamps says who vouches for the time of the log of nights: an authority of RFC 3161. It decides nothing, so it is no
// part of the policy.
type Timestamps struct {
	URL string `yaml:"url"` // http or https
	CA  string `yaml:"ca"`  // file with the certificates that are trusted, in PEM
}

// Evidence says for how long reports are kept; without a term, for ever. A term destroys evidence: it is part of the
// policy, which people adopt.
type Evidence struct {
	RowLevel calendar.Period `yaml:"row_level,omitempty"` // tables with a line for each record; then there are counts
	Keep     calendar.Period `yaml:"keep,omitempty"`      // all of a night but its manifest
}

// Keystore says where the keys are.
type Keystore struct {
	Path     string `yaml:"path"`
	Identity string `yaml:"identity"` // file: of the age identity
}

// Registry says where the consent registry is.
type Registry struct {
	Driver string          `yaml:"driver,omitempty"` // sqlite (default), postgres, mysql
	TLS    string          `yaml:"tls,omitempty"`    // waived, or empty
	DSN    Secret          `yaml:"dsn"`
	MaxAge calendar.Period `yaml:"max_age,omitempty"`
	Waits  `yaml:",inline"`
}

// Waits are how long a server is waited for, as 30s, 5m or 1h; without, as package wire has it. They decide nothing,
// so they are no part of the policy.
type Waits struct {
	AnswerWithin    string `yaml:"answer_within,omitempty" json:"-"`
	StatementWithin string `yaml:"statement_within,omitempty" json:"-"`
}

// Operator is who runs the nights that cron or a schedule starts. It decides nothing, so it is no part of the policy.
type Operator struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"` // the file of the signing key
}

// OperatorKey is the file of the operator's signing key.
func (c *Config) OperatorKey() string { return c.abs(strings.TrimPrefix(c.Operator.Key, "file:")) }

// Person is somebody who may answer plans.
type Person struct {
	Key   string `yaml:"key"`
	Roles Roles  `yaml:"roles"`
	Until string `yaml:"until,omitempty" json:",omitempty"` // the last day on which the key counts
}

// Roles are the roles of a person. Inside braces the YAML reader takes owner:newsletter for a mapping, so
// that form is read too.
type Roles []string

// UnmarshalYAML reads a list of texts.
func (r *Roles) UnmarshalYAML(unmarshal func(any) error) error {
	var list []any
	if err := unmarshal(&list); err != nil {
		return err
	}
	*r = nil
	for _, item := range list {
		switch v := item.(type) {
		case string:
			*r = append(*r, v)
		case map[string]any:
			for key, value := range v {
				*r = append(*r, fmt.Sprintf("%s:%v", key, value))
			}
		default:
			return fmt.Errorf("roles: %v is no role: use owner:SILO, %s", v, strings.Join(roles, ", "))
		}
	}
	return nil
}

// Source is one source, or a set of backup files.
type Source struct {
	Application string `yaml:"application"`
	Environment string `yaml:"environment"` // production, test, development, backup
	Connector   string `yaml:"connector"`
	DSN         Secret `yaml:"dsn,omitempty"`
	ApplyDSN    Secret `yaml:"apply_dsn,omitempty"`
	Path        string `yaml:"path,omitempty"` // files: a path, or a pattern for a set of backups
	// backups in a bucket or on another server: file:PATH of what lets Lethe in; what becomes of versions that it replaced
	Credentials Secret          `yaml:"credentials,omitempty" json:"-"`
	OldVersions string          `yaml:"old_versions,omitempty" json:",omitempty"`
	Of          string          `yaml:"of,omitempty"` // backups: the live source whose records they hold
	Schema      string          `yaml:"schema,omitempty"`
	Complete    string          `yaml:"complete,omitempty"` // unchecked: a dump without trailer is accepted
	Keep        calendar.Period `yaml:"keep,omitempty"`
	Rewrite     *Rewrite        `yaml:"rewrite,omitempty"`
	// backups: how long the newest trial may be over that one of these files can be put back; without, nobody asks
	VerifyEvery calendar.Period `yaml:"verify_every,omitempty" json:"-"`
	// live sources: how old its newest backup may be for rows to be destroyed; without, nobody asks
	MaxBackupAge calendar.Period   `yaml:"max_backup_age,omitempty" json:",omitzero"`
	Location     string            `yaml:"location,omitempty"`
	Processor    string            `yaml:"processor,omitempty" json:"-"`      // who holds it for the controller (Art. 28)
	Agreement    string            `yaml:"agreement,omitempty" json:"-"`      // where the contract with the processor is filed
	Transfer     string            `yaml:"transfer,omitempty" json:"-"`       // what a transfer outside the EEA rests on (Art. 45 to 49)
	Encrypted    *bool             `yaml:"encrypted,omitempty" json:"-"`      // is it at rest? without: nobody said
	AuditLog     *bool             `yaml:"audit_log,omitempty" json:"-"`      // does it keep who read and changed what?
	Zone         string            `yaml:"zone,omitempty" json:",omitempty"`  // of civil times without an offset
	Zones        map[string]string `yaml:"zones,omitempty" json:",omitempty"` // table, or table.field: where it is another
	Dates        string            `yaml:"dates,omitempty" json:",omitempty"` // dmy or mdy: days that do not begin with the year
	TLS          string            `yaml:"tls,omitempty"`                     // waived: the server may be reached in plain text
	Skip         map[string]string `yaml:"skip,omitempty"`                    // table, or table.field: why it is not read
	Unrelated    map[string]string `yaml:"unrelated,omitempty" json:"-"`      // table.field: why it refers to none that it seems to
	ApprovedFor  []string          `yaml:"approved_for,omitempty"`            // special (Art. 9), criminal (Art. 10)
	Waits        `yaml:",inline"`
	// what only the connector knows, by its names; without one, no part of the policy's digest
	Options map[string]string `yaml:"options,omitempty" json:",omitempty"`
	// the same for single files of a folder, by name or pattern
	Files map[string]map[string]string `yaml:"files,omitempty" json:",omitempty"`
}

// Rewrite is the cadence of rewriting backups.
type Rewrite struct {
	After       calendar.Period `yaml:"after,omitempty"`
	AtMostEvery calendar.Period `yaml:"at_most_every,omitempty"`
}

// Breakers are the limits that stop a run; what is not given has the default.
type Breakers struct {
	MaxRows            *int64   `yaml:"max_rows,omitempty"`
	MaxPercent         *float64 `yaml:"max_percent,omitempty"`
	NoMatchPercent     *float64 `yaml:"no_match_percent,omitempty"`
	UnparseablePercent *float64 `yaml:"unparseable_percent,omitempty"`
	EmptyPercent       *float64 `yaml:"empty_percent,omitempty"`
	Spike              *float64 `yaml:"spike,omitempty"`
	MaxRowsANight      *int64   `yaml:"max_rows_a_night,omitempty"`
	NewSourceRuns      *int     `yaml:"new_source_runs,omitempty"`
	PauseDays          *int64   `yaml:"pause_days,omitempty" json:",omitempty"` // as in policies of before there was one
}

// Order proposes a standing order. People sign it with `lethe order sign`.
type Order struct {
	Silo       string   `yaml:"silo"`
	Reasons    []string `yaml:"reasons"`
	MaxRows    int64    `yaml:"max_rows"`
	MaxPercent float64  `yaml:"max_percent,omitempty"`
	Until      string   `yaml:"until"`
}

// Detector is a detector of the company's own.
type Detector struct {
	ID       string   `yaml:"id"`
	Pattern  string   `yaml:"pattern,omitempty"`
	Header   []string `yaml:"header,omitempty"`
	Words    []string `yaml:"words,omitempty"`
	Category string   `yaml:"category"`
}

// Discover says how tables that no silo covers are read. The others are always read whole.
type Discover struct {
	Sample    int             `yaml:"sample,omitempty"`     // about so many rows of a table; 0 reads every row
	FullEvery calendar.Period `yaml:"full_every,omitempty"` // whole if it was not for so long; default never
}

// Review is a person's verdict on a field, in the place of the classifiers'.
type Review struct {
	Source   string `yaml:"source"`
	Field    string `yaml:"field"` // table.field
	Category string `yaml:"category"`
	By       string `yaml:"by"`
	Because  string `yaml:"because"`
	Until    string `yaml:"until"` // 2006-01-02, the last day on which it holds

	// What the person saw, and when: `lethe review` writes it. A field that is another by now is asked about again.
	On  string `yaml:"on,omitempty" json:",omitempty"`  // 2006-01-02
	Saw *Seen  `yaml:"saw,omitempty" json:",omitempty"` // nil: the review holds whatever the field becomes
}

// Seen is what a field was when a person looked at it.
type Seen struct {
	Type     string `yaml:"type"`     // as declared
	Category string `yaml:"category"` // what the classifiers said
}

// Grant grants an application a copy of what the registry says of its own rows. It stands under `sync:` by
// the target's name, which is part of the names of tables and views.
type Grant struct {
	Source string              `yaml:"source"`            // the live source whose rows it is about
	Grants map[string][]string `yaml:"grants"`            // silo: purposes
	Table  bool                `yaml:"table,omitempty"`   // a table with purpose-bound views in the source itself
	Files  string              `yaml:"files,omitempty"`   // folder of signed snapshots and deltas
	MaxLag calendar.Period     `yaml:"max_lag,omitempty"` // default P1D
}

// Path is where the configuration was read from, absolute.
func (c *Config) Path() (string, error) { return filepath.Abs(c.path) }

// KeystoreFiles are the folder of the keystore and the file of the identity that opens it.
func (c *Config) KeystoreFiles() (path, identity string) {
	return c.abs(c.Keystore.Path), c.abs(strings.TrimPrefix(c.Keystore.Identity, "file:"))
}

// Country is that of a silo's phone numbers without a prefix: its jurisdiction, or else the controller's.
func (c *Config) Country(silo string) string {
	return cmp.Or(c.Silos[silo].Jurisdiction, c.Controller.Jurisdiction)
}

// abs makes a path of the configuration absolute.
func (c *Config) abs(path string) string {
	path = strings.TrimPrefix(path, "file://")
	if path == "" || filepath.IsAbs(path) || OnShelf(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// decisive is what decides of a configuration.
type decisive struct {
	Controller Controller
	People     map[string]Person
	Approvals  int
	Sources    map[string]Source
	Silos      map[string]policy.Silo
	Breakers   Breakers
	Detectors  []Detector
	Reviews    []Review  // what a person said of a field decides whether it is personal data
	Evidence   *Evidence `json:",omitempty"`
	// who is given copies of consents, of which silos, and where
	Sync map[string]Grant `json:",omitempty"`
	// for how long a registry that nobody feeds is believed; zero: for ever
	RegistryMaxAge calendar.Period `json:",omitzero"`
}

// policy is the text of what decides: silos, rules, breakers, people, the controller's zone, and how old what is known
// may be. Paths and secrets are
// not in it, nor are standing orders, which are signed by themselves.
func (c *Config) policy() ([]byte, error) {
	sources := map[string]Source{}
	for name, s := range c.Sources {
		s.DSN, s.ApplyDSN, s.Path = "", "", ""
		sources[name] = s
	}
	body, err := json.Marshal(decisive{c.Controller, c.People, c.Approvals, sources, c.Silos, c.Breakers, c.Detectors,
		c.Reviews, c.terms(), c.Sync, c.Registry.MaxAge})
	if err != nil {
		return nil, fmt.Errorf("text of the policy: %w", err)
	}
	return body, nil
}

// terms are those of evidence; nil where there are none, so that a policy without them keeps its digest.
func (c *Config) terms() *Evidence {
	if c.Evidence == (Evidence{}) {
		return nil
	}
	return &c.Evidence
}

// shortestEvidence is the least term of evidence: a person has that long to see it, and to open a request about it.
const shortestEvidence = 28

// buildTerms checks the terms of evidence.
func (c *Config) buildTerms(p *setup.Setup) error {
	p.Evidence = setup.EvidenceTerms{RowLevel: c.Evidence.RowLevel, Keep: c.Evidence.Keep}
	day, err := calendar.ParseDate("2026-02-01") // months are shortest from here
	errs := []error{err}
	for _, t := range []struct {
		key  string
		term calendar.Period
	}{{"row_level", c.Evidence.RowLevel}, {"keep", c.Evidence.Keep}} {
		if !t.term.IsZero() && calendar.EndOf(day, t.term)-day < shortestEvidence {
			errs = append(errs, fmt.Errorf("evidence.%s: %s: evidence is kept for %d days at the least; write P12M, "+
				"or leave it out to keep it for ever", t.key, t.term, shortestEvidence))
		}
	}
	row, keep := c.Evidence.RowLevel, c.Evidence.Keep
	if !row.IsZero() && !keep.IsZero() && calendar.EndOf(day, keep) < calendar.EndOf(day, row) {
		errs = append(errs, fmt.Errorf("evidence.keep: %s is shorter than row_level: %s", keep, row))
	}
	return errors.Join(errs...)
}
