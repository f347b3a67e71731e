// Package pipeline is the night: discover, plan, approve, apply, report. Run shows it on one screen. The package knows sources only by the
// interfaces of package connectors, and people and secrets only by what its caller resolved.
package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// The errors that a caller acts upon. Each is wrapped with its place and the next step.
var (
	ErrConfig     = errors.New("configuration")             // a policy that the source cannot serve, a table or field that is not there
	ErrHeld       = errors.New("another run is at work")    // the lock is taken
	ErrUnapproved = errors.New("not approved")              // a question with nobody to answer it
	ErrChanged    = errors.New("changed since it was made") // plan edited, evidence edited
	ErrExpired    = errors.New("no longer valid")           // plan expired, schema changed since, clocks apart
	ErrSource     = errors.New("source failed")             // one or more sources could not be read or changed
	ErrStopped    = errors.New("stopped before the end")    // stop file, window
	ErrRegistry   = errors.New("registry not usable")       // missing, empty, unreachable, stale
	ErrTampered   = errors.New("evidence does not hold")    // chain broken, head missing, registry shrunk, manifest edited, output gate
	ErrWaiting    = errors.New("a plan waits for approval") // only reported with a detailed exit code
)

// Pipeline is the wiring of a night. A run does not change it.
type Pipeline struct {
	Controller   string
	Zone         *time.Location // in which terms are counted
	Sources      []Source       // live ones first, then backups
	Silos        []*policy.Compiled
	Suppression  policy.Silo // the list of those who said no to marketing; without a name there is none
	Copies       []Copy      // by target
	Catalogue    *classifiers.Catalogue
	Registry     registry.Config
	RegistryAge  calendar.Period // the oldest registry that may be relied on
	Keys         *keystore.Keystore
	People       map[string]Person
	Approvals    int // people who must approve a plan: 2, or 1 in a company of one
	Orders       []Order
	Breakers     Breakers
	Sampling     Sampling
	Reviews      []Review
	State        string // folder
	Reports      string // folder
	PolicyDigest string // sha256 of the decision-relevant configuration, hex
	Simulated    bool   // as_of may lie after the wall clock
	Version      string
	Host         string
	Now          func() time.Time
	Log          *slog.Logger
	Progress     func(phase, source string, rows, of int64) // of is -1 where the total is not known
	Crash        func(point string)                         // nil but in crash tests: called at named points
}

// Source is one configured source, or one file of a set of backups.
type Source struct {
	Name        string
	Application string
	Environment string // production, test, development, backup
	Location    string // ISO 3166-1 alpha-2
	Connector   string
	Of          string // backups: the live source whose records it holds
	Path        string // backups: the file
	Set         string // backups: the configured source that the file belongs to
	TakenAt     time.Time
	Keep        calendar.Period   // backups: how long the file lives
	Rewrite     *RewriteTerms     // backups: nil when the file may not be rewritten
	Skip        map[string]string // tables, and fields as table.field, left out by configuration: the reason
	ApprovedFor []string          // classes of data that may be in it: special, criminal
	Plaintext   bool              // TLS waived
	ReadOnly    bool              // no apply_dsn: never changed
	Open        func(ctx context.Context) (connectors.Source, error)
}

// RewriteTerms is the cadence of rewriting a backup.
type RewriteTerms struct {
	After       calendar.Period // rewritten when the oldest pending erasure is older than this
	AtMostEvery calendar.Period
}

// System is the live source whose records s holds: itself, but for backups.
func (s Source) System() string {
	if s.Of != "" {
		return s.Of
	}
	return s.Name
}

// Person may approve plans.
type Person struct {
	Key   keystore.PublicKey
	Roles []string // owner:<silo>, custodian, dpo
}

// Order is a standing order: a permission for unattended nights, signed by its people through the configuration's digest.
type Order struct {
	Silo       string
	Reasons    []reason.Code
	MaxRows    int64
	MaxPercent float64 // 0: as the breakers say
	Until      calendar.Date
	SignedBy   []string
}

// Breakers are the limits that stop a run before it destroys. Zero values are replaced by the defaults of the configuration.
type Breakers struct {
	MaxRows            int64   // destructive changes of one table in a plan
	MaxPercent         float64 // of the table's rows
	NoMatchPercent     float64 // rows of a table that the registry does not know: a stop
	UnparseablePercent float64 // rows without a readable identifier: a stop
	EmptyPercent       float64 // a question when more of the table than this would go
	Spike              float64 // times the median of the last 30 runs
	MaxRowsANight      int64   // the ramp: oldest due first; 0 none
	NewSourceRuns      int     // finished runs a source must have been seen in before an order covers it
}

// Options is one start of the night.
type Options struct {
	Job    string
	AsOf   time.Time // zero: now
	Apply  bool      // without it nothing is written to a source, nor to the registry
	Again  bool      // also when this night is already done
	Until  time.Time // no new work after this; zero: no window
	Phases Phases
	Full   bool // read every row, whatever Sampling says
}

// Phases says how much of the night is run.
type Phases uint8

// The phases, each with what comes before it.
const (
	WholeNight Phases = iota
	DiscoverOnly
	PlanOnly
	ApplyOnly // plans approved earlier
	SyncOnly  // the applications' copies of their consents
)

// Result is how a run ended.
type Result struct {
	RunID       string
	AlreadyDone bool
	Report      string        // path of report.html; "" when none was published
	Manifest    string        // sha256 of the manifest, hex
	Waiting     []string      // plans that wait for approval
	Summary     []SummaryLine // what was decided
	Settled     []SettledLine // what was changed, or refused
	Copies      []*audit.ConsentSync
}

// SettledLine counts planned rows by what became of them.
type SettledLine struct {
	Silo, Source, Object, Change, Reason, Status string
	Rows                                         int64
}

// SummaryLine is one line of what a run prints at its end.
type SummaryLine struct {
	Silo, Source, Object, Reason, Words, Action, Change string
	Rows, Settled                                       int64
}
