// Package setup is what a night is wired with, and the errors and exit codes by which it ends.
//
// A Setup has Sources, with RewriteTerms where one is a backup, Persons, standing Orders, Breakers, a
// Sampling, Reviews and Grants; Times say how a Source writes instants. Options are one start of the night, of
// which Phases say how much is run;
// Tonight is what then holds from its first moment to its last. A Witness vouches that a key was
// destroyed.
package setup

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/shown"
)

// Sampling says how tables that no silo governs are read. The others are always read whole: each of
// their rows is decided.
type Sampling struct {
	Rows      int             // about so many rows of a table; 0 reads every row
	FullEvery calendar.Period // a table is read whole if it was not for so long; zero: never
}

// Review is a person's verdict on a field. It stands in the place of the classifiers' until it runs out.
type Review struct {
	Source   string // a source's or a set's name; its backups follow
	Table    string
	Field    string
	Category classifiers.Category
	By       string
	Because  string
	Until    calendar.Date // the last day on which it holds

	// What the person saw, where that was noted: the declared type, and the classifiers' verdict.
	SawType string
	Saw     classifiers.Category // "" not noted
}

// At reports whether a review is of a field, or of a path inside the documents of one. Names of tables and paths may
// have points in them.
func (r Review) At(table, field string) bool { return r.Table+"."+r.Field == table+"."+field }

// Holds reports whether a review is of what a field is now: a declared type, and what the classifiers say. It holds
// also where they have come to say what the person said.
func (r Review) Holds(declared string, machine classifiers.Category) bool {
	return r.Saw == "" || strings.EqualFold(r.SawType, declared) && (machine == r.Saw || machine == r.Category)
}

// Of reports whether a review is of a source, or of what a source is a backup of.
func (r Review) Of(s Source) bool {
	return r.Source == s.Name || r.Source == s.System() || r.Source == s.Set
}

// Named reports whether a silo names the source.
func (p *Setup) Named(source string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return slices.ContainsFunc(s.Silo.Records, func(r policy.Records) bool { return r.Source == source }) ||
			slices.ContainsFunc(s.Silo.Consents, func(m intake.Mapping) bool { return m.Source == source })
	})
}

// EvidenceTerms are for how long reports are kept; zero: for ever.
type EvidenceTerms struct {
	RowLevel calendar.Period // tables with a line for each record
	Keep     calendar.Period // all of a night but its manifest
}

// Attestation is something that people do, which no program sees, and that somebody says again and again was done.
type Attestation struct {
	Name  string
	Kind  string // training, paper, access, other
	Owner string // who says so: a name under people
	Every calendar.Period
	Silos []string // whose people's data lie there, where no source reaches: each request of theirs has to be seen to
}

// MayAttest reports whether somebody may say so: its owner, or a data protection officer.
func (a Attestation) MayAttest(name string, person answers.Person) bool {
	return name == a.Owner || person.Is("dpo")
}

// Setup is the wiring of a night. A run does not change it.
type Setup struct {
	Controller   string
	Language     string         // of the page; "" English
	Zone         *time.Location // in which terms are counted
	Since        calendar.Date  // the company's first day; zero: not known
	Sources      []Source       // live ones first, then backups
	LeftOvers    []LeftOver     // beside the backups
	Strays       []Stray        // beside the backups, and no source's
	Silos        []*policy.Compiled
	Readers      map[string][]string // by silo: recipients of age, for whom the evidence of its rows is encrypted
	Suppression  policy.Silo         // the list of those who said no to marketing; without a name there is none
	Grants       []Grant             // by target
	Catalogue    *classifiers.Catalogue
	Names        *shown.Names // as they may be shown
	Registry     registry.Config
	RegistryAge  calendar.Period // the oldest registry that may be relied on
	Keys         *keystore.Keystore
	People       answers.People
	Approvals    int             // people who must approve a plan: 2, or 1 in a company of one
	Held         map[string]bool // roles that somebody has, by the configuration or the policy that people adopted
	Orders       []Order
	Breakers     Breakers
	Sampling     Sampling
	Reviews      []Review
	State        string          // folder
	Reports      string          // folder
	PolicyDigest string          // sha256 of the decision-relevant configuration, hex
	Policy       []byte          // the text of which that is the digest; nil: not known, and never adopted
	Adopted      string          // digest of the policy that people adopted, as package adopted has it; "" none yet
	Misread      map[string]bool // silos whose consents the configuration reads otherwise than people adopted
	Simulated    bool            // as_of may lie after the wall clock
	Evidence     EvidenceTerms
	Attestations []Attestation // that are asked for
	Timestamps   *Authority    // who stamps the log of nights; nil: nobody
	Version      string
	Suite        string // of the connectors' promises, as conformance.Suite names it
	Host         string
	Now          func() time.Time
	Log          *slog.Logger
	Progress     func(phase, source string, rows, of int64) // of is -1 where the total is not known
	Crash        func(point string)                         // nil but in crash tests: called at named points
}

// Authority is a time stamp authority (RFC 3161).
type Authority struct {
	URL   string
	Roots *x509.CertPool // whom its certificate must lead to
	Wait  time.Duration  // for the whole of an answer
}

// InForce reports whether the configuration's policy is the one that people adopted. While it is not, nothing is
// written or forgotten for good by it.
func (p *Setup) InForce() bool { return p.Policy == nil || p.Adopted == p.PolicyDigest }

// Journal opens the journal in the state folder. What is written to it is sealed with the keystore's key; where the
// keystore has none yet, nothing can have been done.
func (p *Setup) Journal(ctx context.Context) (*journal.Journal, error) {
	var sealer *keystore.Sealer
	if p.Keys != nil {
		var err error
		if sealer, err = p.Keys.Journal(); err != nil && !errors.Is(err, keystore.ErrMissing) {
			return nil, err
		}
	}
	return journal.Open(ctx, p.State, sealer)
}

// Source is one configured source, or one file of a set of backups.
type Source struct {
	Name        string
	Application string
	Environment string // production, test, development, backup
	Location    string // ISO 3166-1 alpha-2
	Processor   string // who holds it for the controller; "" the controller
	Agreement   string // where the contract with the processor is filed
	Transfer    string // what a transfer outside the EEA rests on
	Encrypted   string // at rest: yes, no; "" nobody said
	AuditLog    string // it keeps who read and changed what: yes, no; "" nobody said
	Connector   string
	Place       string // of a source on a server: the digest of which servers and databases it is read and changed at
	Of          string // backups: the live source whose records it holds
	Path        string // backups: the file
	Set         string // backups: the configured source that the file belongs to
	TakenAt     time.Time
	Keep        calendar.Period   // backups: how long the file lives
	Rewrite     *RewriteTerms     // backups: nil when the file may not be rewritten
	Skip        map[string]string // tables, and fields as table.field, left out by configuration: the reason
	Unrelated   map[string]string // fields, as table.field, that refer to no table though they seem to: the reason
	ApprovedFor []string          // classes of data that may be in it: special, criminal
	Plaintext   bool              // TLS waived
	ReadOnly    bool              // no apply_dsn: never changed
	// Shelf is where the file lies; nil: in a folder of this machine.
	Shelf connectors.Shelf
	// Version says that the file is a copy that the Shelf keeps of one that was replaced or deleted; "" it is none.
	Version string
	Ends    time.Time // when the Shelf deletes it by its own rules; zero: nothing says so
	// live sources: how old the newest backup may be for rows to be destroyed; zero, and nobody asks
	MaxBackupAge calendar.Period
	// backups: how long the newest trial may be over that one of its set can be put back; zero, and nobody asks
	VerifyEvery calendar.Period
	Times       Times
	Open        func(ctx context.Context) (connectors.Source, error)
	// Restore puts the opened backup back into a throwaway server, whose data lie in a folder that is made in parent;
	// "" where temporary files lie. What nothing here puts back is errors.ErrUnsupported. nil: of a live source.
	Restore func(ctx context.Context, backup connectors.Source, parent string) (*connectors.Restored, error)
}

// DeletePath is how what has to go from a source goes: row by row, with the file written anew, with the file at its end
// (expires); or not by Lethe (none).
func (s Source) DeletePath() string {
	switch {
	case s.Rewrite != nil:
		return "rewrite"
	case s.Backup() && !s.Keep.IsZero():
		return "expires"
	case s.Backup() || s.ReadOnly:
		return "none"
	}
	return "rows"
}

// RewriteTerms is the cadence of rewriting a backup.
type RewriteTerms struct {
	After       calendar.Period // rewritten when the oldest pending erasure is older than this
	AtMostEvery calendar.Period
}

// versionMark stands between the path of a file and what tells one of its earlier versions from the others.
const versionMark = "?versionId="

// VersionPath is the path of a version of a file that a Shelf keeps.
func VersionPath(path, id string) string { return path + versionMark + id }

// IsVersion reports whether a path is one of VersionPath.
func IsVersion(path string) bool { return strings.Contains(path, versionMark) }

// FileDigest is the sha256 of the bytes of a source's file, hex.
func (s Source) FileDigest() (string, error) {
	if s.Shelf == nil {
		return audit.FileDigest(s.Path)
	}
	was, err := s.Shelf.Stat(s.Path)
	if err != nil {
		return "", err
	}
	sum, err := s.Shelf.Sum(was)
	return hex.EncodeToString(sum[:]), err
}

// FileSize is how many bytes its file holds; 0 where that is not known.
func (s Source) FileSize() int64 {
	if s.Shelf == nil {
		return audit.FileSize(s.Path)
	}
	if s.Version != "" {
		return 0 // it is not looked at
	}
	was, _ := s.Shelf.Stat(s.Path) // reading it says what is wrong
	return was.Size
}

// LeftOver is a temporary file that a rewrite left beside a backup, since it was killed.
type LeftOver struct {
	Source string // the configured source beside whose files it lies
	Path   string
	Shelf  connectors.Shelf // where it lies; nil: in a folder of this machine
}

// Stands reports whether it is still there.
func (l LeftOver) Stands() bool {
	if l.Shelf != nil {
		_, err := l.Shelf.Stat(l.Path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	_, err := os.Lstat(l.Path)
	return err == nil
}

// Stray is a file or a folder that lies beside backups and is no source's.
type Stray struct {
	Source  string // the configured source beside whose files it lies
	Path    string
	TakenAt time.Time
	Shelf   connectors.Shelf // where it lies; nil: in a folder of this machine
}

// Backup reports whether s is no live store but a copy of one.
func (s Source) Backup() bool { return s.Of != "" || s.Environment == "backup" }

// System is the live source whose records s holds: itself, but for backups.
func (s Source) System() string {
	if s.Of != "" {
		return s.Of
	}
	return s.Name
}

// Next is what to do about what a source lacks. A policy is written for a live source, so that it is not to be changed
// for one of its backups.
func (s Source) Next(step string) string {
	if s.Backup() {
		return "the file is of another schema than the policy: nothing of it is decided until it ends by `keep`, so " +
			"remove it before, or take it out of the pattern of `path`"
	}
	return step
}

// Person may answer plans: a key with its end, and roles.
type Person = answers.Person

// Order is a standing order: a permission for unattended nights. What the configuration says is a proposal; package
// orders says whether people signed it.
type Order struct {
	Silo       string
	Reasons    []reason.Code
	MaxRows    int64
	MaxPercent float64 // 0: as the breakers say
	Until      calendar.Date
	Digest     string   // of the document that people sign, hex
	SignedBy   []string // whose signatures count
	Why        string   // it lets nothing go; "" it is in force
}

// Breakers are the limits that stop a run before it destroys. Zero values are replaced by the defaults
// of the configuration.
type Breakers struct {
	MaxRows            int64   // destructive changes of one table in a plan
	MaxPercent         float64 // of the table's rows
	NoMatchPercent     float64 // rows of a table that the registry does not know: a stop
	UnparseablePercent float64 // rows without a readable identifier: a stop
	EmptyPercent       float64 // a question when more of the table than this would go
	Spike              float64 // a question above so many times the median of the last 30 runs; of followers from 51 on
	MaxRowsANight      int64   // the ramp: oldest due first; 0 none
	NewSourceRuns      int     // finished runs a source must have been seen in before an order covers it
	PauseDays          int64   // a question when the clock went on by more days than this between two runs; 0 none
}

// TakenAt is when a backup file was written, as far as its own time says.
func TakenAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Grant grants a target, one application, what the registry says of that application's own rows: for the
// purposes of some silos, and only those. The target looks there instead of asking the registry.
type Grant struct {
	Target string
	Source string              // the live source whose rows it is about
	Grants map[string][]string // silo: purposes
	Table  bool                // kept as a table, with a view for each purpose, in the source itself
	Files  string              // folder of signed snapshots and what changed between them; "" none
	MaxLag calendar.Period     // a copy that was not brought up to date for longer is a finding; zero: P1D
	Page   int                 // rows of the source, and of the copy, that are compared at a time; 0: 10,000
	// Unadopted is what of it people did not adopt: that is not in Grants. "" nothing.
	Unadopted string
}
