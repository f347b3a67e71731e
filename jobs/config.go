// Package jobs is everything around the night: the configuration, the wiring of the pipeline, the schedule, the command line and its exit
// codes. Only this package knows which connectors there are.
package jobs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/names"
)

// Config is the configuration file, decoded strictly: an unknown key is an error with its line and column.
type Config struct {
	Controller  Controller              `yaml:"controller"`
	State       string                  `yaml:"state"`
	Reports     string                  `yaml:"reports"`
	Keystore    KeystoreConfig          `yaml:"keystore"`
	Registry    RegistryConfig          `yaml:"registry"`
	People      map[string]PersonConfig `yaml:"people,omitempty"`
	Approvals   int                     `yaml:"approvals,omitempty"` // 2, or 1 in a company of one
	Clock       string                  `yaml:"clock,omitempty"`     // simulated: --apply may use an as_of in the future
	Sources     map[string]SourceConfig `yaml:"sources"`
	Silos       map[string]policy.Silo  `yaml:"silos,omitempty"`
	Sync        map[string]CopyConfig   `yaml:"sync,omitempty"` // by target
	Breakers    BreakerConfig           `yaml:"breakers,omitempty"`
	Orders      []OrderConfig           `yaml:"orders,omitempty"`
	Detectors   []DetectorConfig        `yaml:"detectors,omitempty"`
	Discover    DiscoverConfig          `yaml:"discover,omitempty"`
	Reviews     []ReviewConfig          `yaml:"reviews,omitempty"`
	Schedule    []JobConfig             `yaml:"schedule,omitempty"`
	Notify      []Secret                `yaml:"notify,omitempty"`
	path, dir   string
	sourceOrder []string // as written in the file
	warnings    []string
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

	// Public holidays, on which no answer to a request is due: 12-25 for every year, 2027-03-29 for one. They decide nothing, so they are no part of the policy.
	Holidays []Holiday `yaml:"holidays,omitempty" json:"-"`
}

// KeystoreConfig says where the keys are.
type KeystoreConfig struct {
	Path     string `yaml:"path"`
	Identity string `yaml:"identity"` // file: of the age identity
}

// RegistryConfig says where the consent registry is.
type RegistryConfig struct {
	Driver string          `yaml:"driver,omitempty"` // sqlite (default), postgres, mysql
	TLS    string          `yaml:"tls,omitempty"`    // waived, or empty
	DSN    Secret          `yaml:"dsn"`
	MaxAge calendar.Period `yaml:"max_age,omitempty"`
}

// PersonConfig is somebody who may answer plans.
type PersonConfig struct {
	Key   string `yaml:"key"`
	Roles Roles  `yaml:"roles"`
}

// Roles are the roles of a person. Inside braces the YAML reader takes owner:newsletter for a mapping, so that form is read too.
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
			return fmt.Errorf("roles: %v is no role: use owner:SILO, custodian or dpo", v)
		}
	}
	return nil
}

// SourceConfig is one source, or a set of backup files.
type SourceConfig struct {
	Application string            `yaml:"application"`
	Environment string            `yaml:"environment"` // production, test, development, backup
	Connector   string            `yaml:"connector"`
	DSN         Secret            `yaml:"dsn,omitempty"`
	ApplyDSN    Secret            `yaml:"apply_dsn,omitempty"`
	Path        string            `yaml:"path,omitempty"` // files: a path, or a pattern for a set of backups
	Of          string            `yaml:"of,omitempty"`   // backups: the live source whose records they hold
	Schema      string            `yaml:"schema,omitempty"`
	Complete    string            `yaml:"complete,omitempty"` // unchecked: a dump without trailer is accepted
	Keep        calendar.Period   `yaml:"keep,omitempty"`
	Rewrite     *RewriteConfig    `yaml:"rewrite,omitempty"`
	Location    string            `yaml:"location,omitempty"`
	TLS         string            `yaml:"tls,omitempty"`          // waived: the server may be reached in plain text
	Skip        map[string]string `yaml:"skip,omitempty"`         // table, or table.field: why it is not read
	ApprovedFor []string          `yaml:"approved_for,omitempty"` // special (Art. 9), criminal (Art. 10)
}

// RewriteConfig is the cadence of rewriting backups.
type RewriteConfig struct {
	After       calendar.Period `yaml:"after,omitempty"`
	AtMostEvery calendar.Period `yaml:"at_most_every,omitempty"`
}

// BreakerConfig are the limits that stop a run; what is not given has the default.
type BreakerConfig struct {
	MaxRows            *int64   `yaml:"max_rows,omitempty"`
	MaxPercent         *float64 `yaml:"max_percent,omitempty"`
	NoMatchPercent     *float64 `yaml:"no_match_percent,omitempty"`
	UnparseablePercent *float64 `yaml:"unparseable_percent,omitempty"`
	EmptyPercent       *float64 `yaml:"empty_percent,omitempty"`
	Spike              *float64 `yaml:"spike,omitempty"`
	MaxRowsANight      *int64   `yaml:"max_rows_a_night,omitempty"`
	NewSourceRuns      *int     `yaml:"new_source_runs,omitempty"`
}

// OrderConfig is a standing order.
type OrderConfig struct {
	Silo       string   `yaml:"silo"`
	Reasons    []string `yaml:"reasons"`
	MaxRows    int64    `yaml:"max_rows"`
	MaxPercent float64  `yaml:"max_percent,omitempty"`
	Until      string   `yaml:"until"`
	SignedBy   []string `yaml:"signed_by"`
}

// DetectorConfig is a detector of the company's own.
type DetectorConfig struct {
	ID       string   `yaml:"id"`
	Pattern  string   `yaml:"pattern,omitempty"`
	Header   []string `yaml:"header,omitempty"`
	Words    []string `yaml:"words,omitempty"`
	Category string   `yaml:"category"`
}

// DiscoverConfig says how tables that no silo covers are read. The others are always read whole.
type DiscoverConfig struct {
	Sample    int             `yaml:"sample,omitempty"`     // about so many rows of a table; 0 reads every row
	FullEvery calendar.Period `yaml:"full_every,omitempty"` // whole if it was not for so long; default never
}

// ReviewConfig is a person's verdict on a field, in the place of the classifiers'.
type ReviewConfig struct {
	Source   string `yaml:"source"`
	Field    string `yaml:"field"` // table.field
	Category string `yaml:"category"`
	By       string `yaml:"by"`
	Because  string `yaml:"because"`
	Until    string `yaml:"until"` // 2006-01-02, the last day on which it holds
}

// JobConfig is an entry of the schedule.
type JobConfig struct {
	Name  string `yaml:"name"`
	Cron  string `yaml:"cron"`           // five fields
	Zone  string `yaml:"zone,omitempty"` // default the controller's
	Until string `yaml:"until,omitempty"`
	Apply bool   `yaml:"apply,omitempty"`
}

// Secret is a text that is never printed: it stands for `file:PATH`, ${ENV} or itself.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// Load reads and checks a configuration file. Relative paths in it are relative to the folder it is in.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist: make one with `lethe init`, or name it with --config", pipeline.ErrConfig, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
	}
	c := &Config{path: path, dir: filepath.Dir(path)}
	switch err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(c); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: %s is empty: `lethe init -o FILE` writes one to begin with", pipeline.ErrConfig, path)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %s", pipeline.ErrConfig, path, yamlProblem(data, err))
	}
	var order struct {
		Sources yaml.MapSlice `yaml:"sources"`
	}
	if err := yaml.Unmarshal(data, &order); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", pipeline.ErrConfig, path, err)
	}
	for _, item := range order.Sources {
		c.sourceOrder = append(c.sourceOrder, fmt.Sprint(item.Key))
	}
	for name, s := range c.Silos {
		s.Name = name
		c.Silos[name] = s
	}
	return c, nil
}

// yamlProblem says in words, with line and column, what is wrong with a configuration. It never quotes the value, which may be a secret.
func yamlProblem(data []byte, err error) string {
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		text := yaml.FormatError(err, false, false)
		if like := names.Nearest(unknown.Token.Value, keysOf(reflect.TypeFor[Config]())); like != "" {
			text += ": did you mean " + like + "?"
		}
		return text
	}
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		if at := wrongPeriod(data); at != nil { // the decoder does not say where a text that would not be read stands
			return fmt.Sprintf("[%d:%d] %s is %s", at.Position.Line, at.Position.Column, at.Value, err)
		}
		return yaml.FormatError(err, false, false)
	}
	at := wrong.Token
	key := at.Prev
	for key != nil && key.Type != token.MappingValueType {
		key = key.Prev
	}
	name := "the value"
	if key != nil && key.Prev != nil {
		name = key.Prev.Value
	}
	return fmt.Sprintf("[%d:%d] %s wants %s", at.Position.Line, at.Position.Column, name, wanted(wrong.DstType))
}

// keysOf lists the keys that can stand in a configuration, sorted.
func keysOf(config reflect.Type) []string {
	keys, seen := map[string]bool{}, map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
					keys[name] = true
					walk(t.Field(i).Type)
				}
			}
		}
	}
	walk(config)
	return slices.Sorted(maps.Keys(keys))
}

// wrongPeriod finds the first value that should be a period and is none; nil where there is no such.
func wrongPeriod(data []byte) *token.Token {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil
	}
	find := &periodFinder{}
	for _, d := range file.Docs {
		if d.Body != nil {
			ast.Walk(find, d.Body)
		}
	}
	return find.wrong
}

type periodFinder struct{ wrong *token.Token }

// Visit looks at the values of keys that hold periods.
func (f *periodFinder) Visit(n ast.Node) ast.Visitor {
	pair, ok := n.(*ast.MappingValueNode)
	if !ok || f.wrong != nil {
		return f
	}
	switch pair.Key.GetToken().Value {
	case "max_age", "period", "grace", "notice_term", "orphan_grace", "proof_retention", "max_lag", "keep", "after", "at_most_every":
		if value := pair.Value.GetToken(); value.Type != token.MappingStartType {
			if _, err := calendar.ParsePeriod(value.Value); err != nil {
				f.wrong = value
			}
		}
	}
	return f
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list, as [a, b]"
	case reflect.Map, reflect.Struct:
		return "keys with values, as {key: value}"
	case reflect.Pointer:
		return wanted(t.Elem())
	}
	return "a text"
}

// abs makes a path of the configuration absolute.
func (c *Config) abs(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

var envReference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// resolve turns a reference into the secret itself. place names it in errors.
func (c *Config) resolve(place string, s Secret) (string, error) {
	text := string(s)
	if path, ok := strings.CutPrefix(text, "file:"); ok && !strings.ContainsAny(path, "?") {
		data, err := os.ReadFile(c.abs(path))
		if err != nil {
			return "", fmt.Errorf("%s: the secret file %s cannot be read: write the secret there, readable by the service account only", place, path)
		}
		if info, err := os.Stat(c.abs(path)); err != nil || info.Mode()&0o007 != 0 {
			return "", fmt.Errorf("%s: the secret file %s can be read by others: chmod 600 %[2]s", place, path)
		}
		if secret := strings.TrimSpace(string(data)); secret != "" {
			return secret, nil
		}
		return "", fmt.Errorf("%s: the secret file %s is empty: write the secret there", place, path)
	}
	var missing []string
	text = envReference.ReplaceAllStringFunc(text, func(ref string) string {
		name := envReference.FindStringSubmatch(ref)[1]
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s: the environment variable %s is not set", place, strings.Join(missing, ", "))
	}
	if text != string(s) {
		c.warnings = append(c.warnings, place+": the secret comes from the environment, which other processes of the account can read: prefer file:")
	}
	return text, nil
}

// digest is the sha256 of what decides: silos, rules, breakers, orders, people and the controller's zone. Paths and secrets are not in it.
func (c *Config) digest() (string, error) {
	sources := map[string]SourceConfig{}
	for name, s := range c.Sources {
		s.DSN, s.ApplyDSN, s.Path = "", "", ""
		sources[name] = s
	}
	body, err := json.Marshal(struct {
		Controller Controller
		People     map[string]PersonConfig
		Approvals  int
		Sources    map[string]SourceConfig
		Silos      map[string]policy.Silo
		Breakers   BreakerConfig
		Orders     []OrderConfig
		Detectors  []DetectorConfig
		Reviews    []ReviewConfig // what a person said of a field decides whether it is personal data
	}{c.Controller, c.People, c.Approvals, sources, c.Silos, c.Breakers, c.Orders, c.Detectors, c.Reviews})
	if err != nil {
		return "", fmt.Errorf("digest of the policy: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
