// Package stores is the open sources of a run with their catalogs, and which silo governs which of their
// tables.
//
// A Set is all of them, a Store one. Each table that a silo governs has a judge.
package stores

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/judge/crowd"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// Set is the open sources of a run, live ones first, then backups.
type Set struct {
	Setup   *setup.Setup
	tonight setup.Tonight
	notes   *notes.Notes
	Silos   *silos.Set
	List    []*Store
	Without Without // nil where nobody is ended in fields that no silo governs
}

// New is a set that opens nothing yet.
func New(p *setup.Setup, tonight setup.Tonight, notes *notes.Notes, silos *silos.Set) *Set {
	return &Set{Setup: p, tonight: tonight, notes: notes, Silos: silos}
}

// Close closes the sources that were opened.
func (set *Set) Close() error {
	var errs []error
	for _, s := range set.List {
		if s.Conn != nil {
			errs = append(errs, s.Conn.Close())
		}
	}
	return errors.Join(errs...)
}

// Find is the source of that name, nil where there is none.
func (set *Set) Find(name string) *Store {
	i := slices.IndexFunc(set.List, func(s *Store) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return set.List[i]
}

// Open opens the sources and resolves the policy against their catalogs, before the first row is read.
// One that cannot be opened, or that the policy does not fit, fails alone.
func (set *Set) Open(ctx context.Context) error {
	var errs []error
	misfits := map[*Store]error{}
	for _, src := range set.Setup.Sources {
		if set.tonight.Phases == setup.ReapplyOnly && src.Name != set.tonight.Source {
			continue
		}
		s := NewStore(src)
		set.List = append(set.List, s)
		if src.Plaintext {
			run := &set.notes.Facts.Run
			run.PlaintextWaived = strings.TrimPrefix(run.PlaintextWaived+";"+src.Name, ";")
		}
		open, err := src.Open(ctx)
		if err != nil {
			if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrPlaintext) {
				misfits[s] = fmt.Errorf("%w: %w", setup.ErrConfig, err)
			} else {
				set.FailedSource(s, err)
			}
			continue
		}
		s.Conn = open
		switch err := set.sameTime(ctx, s); {
		case errors.Is(err, setup.ErrExpired):
			errs = append(errs, err)
			continue
		case err != nil: // it did not say its time
			set.FailedSource(s, err)
			continue
		}
		if err := set.Prepare(ctx, s); errors.Is(err, setup.ErrConfig) {
			misfits[s] = err
		} else if err != nil {
			set.FailedSource(s, err)
		}
	}
	for _, s := range set.List {
		s.live = set.Find(s.Of)
	}
	for s, err := range set.Twins(ctx) {
		if errors.Is(err, setup.ErrConfig) {
			misfits[s] = err
		} else {
			set.FailedSource(s, err)
		}
	}
	errs = append(errs, set.leaveOut(misfits))
	if errors.Join(errs...) != nil {
		return errors.Join(errs...)
	}
	if set.Silos.Registry != nil {
		return set.KnownFields()
	}
	return nil
}

// leaveOut lets sources fail that do not fit their configuration or the policy: a live one with all backups of what it
// holds, whose schema is not known then, a backup alone. One application's fault is no other's, and one file's neither.
// Where there is no other, it is the night's.
func (set *Set) leaveOut(misfits map[*Store]error) error {
	live := map[string]bool{}
	for s := range misfits {
		if !s.Backup() {
			live[s.Name] = true
		}
	}
	others := slices.ContainsFunc(set.List, func(s *Store) bool {
		return s.Err == nil && misfits[s] == nil && !live[s.System()]
	})
	var errs []error
	for _, s := range set.List {
		err, misfit := misfits[s]
		switch {
		case !others && misfit:
			if !slices.Contains(errs, err) { // that of two sources is said once
				errs = append(errs, err)
			}
		case misfit:
			set.FailedSource(s, errors.New(err.Error())) // its kind would end the night as a whole
		case others && live[s.System()] && s.Err == nil:
			set.FailedSource(s, fmt.Errorf("source %s: source %s, which it is a backup of, does not fit", s.Name,
				s.System()))
		}
	}
	return errors.Join(errs...)
}

// maxSkew is how far the clocks of the host and of a database server may be apart: more than NTP leaves,
// and less than could move many rows to another day.
const maxSkew = 5 * time.Minute

// sameTime compares the host's clock with a server's: dates decide, so neither may be wrong.
func (set *Set) sameTime(ctx context.Context, s *Store) error {
	clocked, ok := s.Conn.(connectors.Clocked)
	if !ok {
		return nil
	}
	theirs, err := clocked.Clock(ctx)
	if err != nil {
		return err
	}
	if skew := time.Until(theirs); skew.Abs() > maxSkew {
		return fmt.Errorf("%w: the clock of source %s is %s apart from this host's: set both by NTP",
			setup.ErrExpired, s.Name, skew.Round(time.Second))
	}
	return nil
}

// Prepare reads a source's catalog, once a night, and resolves the policy against it.
func (set *Set) Prepare(ctx context.Context, s *Store) error {
	if s.Tables != nil {
		return nil
	}
	tables, err := s.Conn.Tables(ctx)
	if err != nil {
		return err
	}
	if _, ok := s.Conn.(connectors.Mutator); !ok {
		tables = slices.Clone(tables)
		for i := range tables { // who cannot be changed, or is written anew, runs none
			tables[i].Triggers = nil
		}
	}
	targets.Named(set.Setup.Silos, s.System(), tables)
	set.unlike(s, tables)
	s.Tables = tables
	s.date(set.Setup.Zone)
	set.Setup.Names.Learn(tables)
	if s.Unread, err = UnreadOf(ctx, s.Conn); err != nil {
		return err
	}
	for _, u := range s.Unread {
		set.Setup.Names.Of(u.Name)
	}
	if s.Assumed, err = AssumedOf(ctx, s.Conn); err != nil {
		return err
	}
	for _, a := range s.Assumed {
		set.Setup.Log.Info("assumed how a file is written", "run_id", set.tonight.RunID, "source", s.Name,
			"table", a.Table, "as", a.Said())
	}
	if err := errors.Join(NoRegistry(s.Name, tables), s.CheckTimes(tables)); err != nil {
		return err
	}
	return set.Mapped(ctx, s)
}

// NoRegistry refuses a source that is a registry, by its tables: so it is recognised by whatever name
// its server is reached.
func NoRegistry(source string, tables connectors.Tables) error {
	for table, field := range map[string]string{
		"silo": "head_hash", "subject_alias": "alias_ref", "event": "commitment", "event_payload": "collection",
	} {
		t, _ := tables.Find(table)
		if _, ok := t.Field(field); !ok {
			return nil
		}
	}
	return fmt.Errorf("%w: E_REGISTRY_IN_SOURCE: source %s is a consent registry: "+
		"the registry has a database of its own, and is no source", setup.ErrConfig, source)
}

// Mapped resolves which silos govern which tables of a source, and checks that the source can do what
// they ask. Its error joins all that it cannot.
func (set *Set) Mapped(ctx context.Context, s *Store) error {
	var errs []error
	s.claims = map[string][]string{}
	for _, silo := range set.Setup.Silos {
		for i := range silo.Silo.Consents {
			if m := &silo.Silo.Consents[i]; m.Source == s.Name && set.Silos.Registry != nil {
				_, err := IntakeTable(silo, m, s.Tables)
				errs = append(errs, err)
			}
		}
		for _, r := range silo.Silo.Records {
			if r.Source != s.System() {
				continue
			}
			s.claimAll(r, silo.Silo.Name)
			if set.Silos.Registry != nil { // else only discovering
				errs = append(errs, set.govern(ctx, s, silo, r))
			}
		}
		if set.Silos.Registry != nil {
			errs = append(errs, set.endings(s, silo))
		}
	}
	sortChildrenFirst(s)
	return errors.Join(append(errs, set.rewrites(s))...)
}

// govern gives the records of a silo in a source a judge. An older or partial dump need not hold every table.
func (set *Set) govern(ctx context.Context, s *Store, silo *policy.Compiled, r policy.Records) error {
	if _, ok := s.Tables.Find(r.Table); !ok && s.Backup() {
		return nil
	}
	if s.Backup() {
		if set.anonymous(s, r) {
			return nil
		}
		var lacks []string
		r, lacks = set.older(s, r)
		set.lack(s, r.Table, lacks...)
	}
	if err := unreadable(s.Tables, r); err != nil {
		return err
	}
	var errs []error
	if rule, lost := lint.SubjectLost(silo, r, set.tonight.AsOf); lost && !s.Backup() {
		errs = append(errs, fmt.Errorf("%w: silo %s, source %s table %s: %s: %s",
			setup.ErrConfig, silo.Silo.Name, s.Name, r.Table, lint.LSubjectLost, lint.LostWords(rule)))
	}
	b, err := judge.Bind(s.Source, s.Tables, silo, r, set.Silos.Silos[silo.Silo.Name], set.Setup.Zone)
	if err == nil {
		err = b.Unlock(set.Setup.Keys, set.tonight.Epoch)
	}
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	looked := make([]starts.Spread, len(b.Starts))
	if !s.Backup() || !set.likeLive(s, b) {
		if looked, err = SurveyStarts(ctx, s.Conn, b); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	g := judge.NewJudge(b)
	if set.notes != nil && set.notes.Last != nil && !s.Backup() {
		g.Left = crowd.In(b.Table, s.Name, set.notes.Last.Inventory)
	}
	s.Looked = append(s.Looked, StartsOf(b, looked, set.Setup.Since)...)
	s.Judges = append(s.Judges, g)
	s.Governed[r.Table] = append(s.Governed[r.Table], g)
	return errors.Join(errs...)
}

// unreadable is why a table cannot be read that the records need.
func unreadable(tables connectors.Tables, r policy.Records) error {
	names := []string{r.Table}
	for _, d := range r.Dependents {
		names = append(names, d.Table)
	}
	for _, o := range r.Owns {
		names = append(names, o.Table)
	}
	for _, v := range r.Via {
		for _, hop := range v.Path {
			names = append(names, hop.Table)
		}
	}
	var errs []error
	for _, name := range names {
		t, _ := tables.Find(name)
		errs = append(errs, t.Unreadable)
	}
	return errors.Join(errs...)
}

// anonymous reports whether a backup lacks a table that says whose the rows of the records are: nothing is decided
// of them.
func (set *Set) anonymous(s *Store, r policy.Records) bool {
	for _, v := range r.Via {
		for _, h := range v.Path {
			if !s.has(h.Table, nil) {
				set.lack(s, r.Table, fmt.Sprintf("table %s is not in it, which says whose the rows of %s are: nothing "+
					"of them is decided; the file ends by `keep`", h.Table, r.Table))
				return true
			}
		}
	}
	return false
}

// KnownFields refuses a policy that names a field which no table of its silo has: a misspelt field would
// silently stay as it is.
func (set *Set) KnownFields() error {
	var errs []error
	for _, silo := range set.Setup.Silos {
		has := map[string]bool{}
		whole := true
		for _, r := range silo.Silo.Records {
			s := set.Find(r.Source)
			if s == nil || s.Err != nil {
				whole = false
				continue
			}
			t, _ := s.Tables.Find(r.Table)
			for _, f := range t.Fields {
				has[f.Name] = true
			}
		}
		if !whole {
			continue // a source did not answer: what it has is not known
		}
		for _, r := range silo.Silo.Records {
			for _, f := range silo.Fields(r) {
				if !has[f] {
					errs = append(errs, fmt.Errorf("%w: silo %s names field %s, which none of its tables has: "+
						"correct the name", setup.ErrConfig, silo.Silo.Name, f))
					has[f] = true // said once
				}
			}
		}
	}
	return errors.Join(errs...)
}

// sortChildrenFirst orders the judges so that rows which refer to others are decided and changed before
// those.
func sortChildrenFirst(s *Store) {
	depth := map[string]int{}
	for range s.Tables { // as many rounds as tables: circles end there
		for _, t := range s.Tables {
			for _, fk := range t.ForeignKeys {
				if fk.RefTable != t.Name {
					depth[t.Name] = min(max(depth[t.Name], depth[fk.RefTable]+1), len(s.Tables))
				}
			}
		}
	}
	slices.SortStableFunc(s.Judges, func(a, b *judge.Judge) int { return depth[b.Table.Name] - depth[a.Table.Name] })
}

// FailedSource says in the inventory that a source could not be read, and keeps the night going.
func (set *Set) FailedSource(s *Store, err error) {
	s.Err = err
	set.notes.Facts.Run.SourcesFailed++
	reason := notes.Failure(err)
	set.notes.Facts.Inventory = append(set.notes.Facts.Inventory, audit.Inventory{
		Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Processor: s.Processor, Encrypted: s.Encrypted, AuditLog: s.AuditLog, DeletePath: s.DeletePath(),
		Category: "none", Class: "none", State: "failed", Reason: reason, FirstSeen: set.tonight.Today.String(),
	})
	set.notes.Find(audit.Finding{
		Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Article: "Art. 5(2)",
		Words: "The source could not be read to the end: nothing is known of it tonight (" + reason + ").",
	})
	set.notes.Problem(fmt.Errorf("%w: %w", setup.ErrSource, err))
	set.Setup.Log.Error("source failed", "run_id", set.tonight.RunID, "source", s.Name, "error", err)
}

// IsBackup reports whether the source of that name is a backup; false also where there is none.
func (set *Set) IsBackup(source string) bool {
	s := set.Find(source)
	return s != nil && s.Backup()
}

// Governs reports whether a silo decides the rows of a table by themselves.
func (set *Set) Governs(silo, source, table string) bool {
	s := set.Find(source)
	return s != nil && s.Judge(silo, table, 0) != nil
}
