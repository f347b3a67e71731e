package pipeline

import (
	"context"
	"errors"
	"fmt"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"slices"
	"sort"
	"strings"
	"time"
)

// storeSet is the open sources of a run, live ones first, then backups.
type storeSet struct {
	setup   *setup.Setup
	tonight setup.Tonight
	notes   *notes.Notes
	silos   *siloSet
	list    []*store
}

// store is an open source with its catalog, and who governs what in it.
type store struct {
	setup.Source
	open     connectors.Source
	tables   connectors.Tables
	judges   []*Judge // of all tables, those that refer to others first
	governed map[string][]*Judge
	claims   map[string][]string // silos by table, also where the registry was not asked
	erased   bool                // rows were deleted tonight
	err      error
}

// newStores is a set that opens nothing yet.
func newStores(p *setup.Setup, tonight setup.Tonight, notes *notes.Notes, silos *siloSet) *storeSet {
	return &storeSet{setup: p, tonight: tonight, notes: notes, silos: silos}
}

// newStore is a source that is not open yet.
func newStore(src setup.Source) *store {
	return &store{Source: src, governed: map[string][]*Judge{}}
}

func (s *store) estimate() (rows int64) {
	for _, t := range s.tables {
		if t.Rows < 0 {
			return -1
		}
		rows += t.Rows
	}
	return rows
}

// judge is the judge of a silo's rows of a table, nil where the silo no longer governs it.
func (s *store) judge(silo, table string) *Judge {
	for _, g := range s.governed[table] {
		if g.silo.Silo.Name == silo {
			return g
		}
	}
	return nil
}

// claim says that a silo covers a table: by its records, or by what follows from them.
func (s *store) claim(table, silo string) {
	if !slices.Contains(s.claims[table], silo) {
		s.claims[table] = append(s.claims[table], silo)
	}
}

// silosOf names the silos that cover a table.
func (s *store) silosOf(table string) []string { return s.claims[table] }

func (set *storeSet) close() error {
	var errs []error
	for _, s := range set.list {
		if s.open != nil {
			errs = append(errs, s.open.Close())
		}
	}
	return errors.Join(errs...)
}

// find is the source of that name, nil where there is none.
func (set *storeSet) find(name string) *store {
	i := slices.IndexFunc(set.list, func(s *store) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return set.list[i]
}

// openStores opens the sources and resolves the policy against their catalogs, before the first row is read. One that cannot be opened fails
// alone; a policy that does not fit stops the night.
func (set *storeSet) openStores(ctx context.Context) error {
	var errs []error
	for _, src := range set.setup.Sources {
		s := newStore(src)
		set.list = append(set.list, s)
		if src.Plaintext {
			set.notes.Facts.Run.PlaintextWaived = strings.TrimPrefix(set.notes.Facts.Run.PlaintextWaived+";"+src.Name, ";")
		}
		open, err := src.Open(ctx)
		if err != nil {
			if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrPlaintext) {
				errs = append(errs, fmt.Errorf("%w: %w", setup.ErrConfig, err))
			} else {
				set.failedSource(s, err)
			}
			continue
		}
		s.open = open
		if err := set.sameTime(ctx, s); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := set.prepare(ctx, s); errors.Is(err, setup.ErrConfig) {
			errs = append(errs, err)
		} else if err != nil {
			set.failedSource(s, err)
		}
	}
	if len(errs) == 0 && set.silos.registry != nil {
		errs = append(errs, set.knownFields())
	}
	return errors.Join(errs...)
}

// maxSkew is how far the clocks of the host and of a database server may be apart (decisions.md, 30).
const maxSkew = 5 * time.Minute

// sameTime compares the host's clock with a server's: dates decide, so neither may be wrong.
func (set *storeSet) sameTime(ctx context.Context, s *store) error {
	clocked, ok := s.open.(connectors.Clocked)
	if !ok {
		return nil
	}
	theirs, err := clocked.Clock(ctx)
	if err != nil {
		return err
	}
	if skew := time.Until(theirs); skew.Abs() > maxSkew {
		return fmt.Errorf("%w: the clock of source %s is %s apart from this host's: set both by NTP", setup.ErrExpired, s.Name, skew.Round(time.Second))
	}
	return nil
}

// prepare reads a source's catalog, once a night, and resolves the policy against it.
func (set *storeSet) prepare(ctx context.Context, s *store) error {
	if s.tables != nil {
		return nil
	}
	tables, err := s.open.Tables(ctx)
	if err != nil {
		return err
	}
	s.tables = tables
	if err := noRegistry(s.Name, tables); err != nil {
		return err
	}
	return set.mapped(s)
}

// noRegistry refuses a source that is a registry, by its tables: so it is recognised by whatever name its server is reached.
func noRegistry(source string, tables connectors.Tables) error {
	for table, field := range map[string]string{"silo": "head_hash", "subject_alias": "alias_ref", "event": "commitment", "event_payload": "collection"} {
		t, _ := tables.Find(table)
		if _, ok := t.Field(field); !ok {
			return nil
		}
	}
	return fmt.Errorf("%w: E_REGISTRY_IN_SOURCE: source %s is a consent registry: the registry has a database of its own, and is no source", setup.ErrConfig, source)
}

// mapped resolves which silos govern which tables of a source, and checks that the source can do what they ask.
func (set *storeSet) mapped(s *store) error {
	var errs []error
	s.claims = map[string][]string{}
	for _, silo := range set.setup.Silos {
		for i := range silo.Silo.Consents {
			if m := &silo.Silo.Consents[i]; m.Source == s.Name && set.silos.registry != nil {
				_, err := intakeTable(silo, m, s.tables)
				errs = append(errs, err)
			}
		}
		for _, r := range silo.Silo.Records {
			if r.Source != s.System() {
				continue
			}
			s.claim(r.Table, silo.Silo.Name)
			for _, d := range r.Dependents {
				s.claim(d.Table, silo.Silo.Name)
			}
			for _, o := range r.Owns {
				s.claim(o.Table, silo.Silo.Name)
			}
			if set.silos.registry == nil { // only discovering
				continue
			}
			if _, ok := s.tables.Find(r.Table); !ok && s.Backup() {
				continue // an older or partial dump need not hold every table
			}
			if rule, lost := silo.SubjectLost(r, set.tonight.AsOf); lost && !s.Backup() {
				errs = append(errs, fmt.Errorf("%w: silo %s, source %s table %s: %s: %s", setup.ErrConfig, silo.Silo.Name,
					s.Name, r.Table, policy.LSubjectLost, policy.LostWords(rule)))
			}
			b, err := Bind(s.Source, s.tables, silo, r, set.silos.states[silo.Silo.Name], set.setup.Zone)
			if err == nil {
				err = b.Unlock(set.setup.Keys, set.tonight.Epoch)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			g := newJudge(b)
			s.judges = append(s.judges, g)
			s.governed[r.Table] = append(s.governed[r.Table], g)
		}
	}
	sortChildrenFirst(s)
	return errors.Join(errs...)
}

// knownFields refuses a policy that names a field which no table of its silo has: a misspelt field would silently stay as it is.
func (set *storeSet) knownFields() error {
	var errs []error
	for _, silo := range set.setup.Silos {
		has := map[string]bool{}
		whole := true
		for _, r := range silo.Silo.Records {
			s := set.find(r.Source)
			if s == nil || s.err != nil {
				whole = false
				continue
			}
			t, _ := s.tables.Find(r.Table)
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
					errs = append(errs, fmt.Errorf("%w: silo %s names field %s, which none of its tables has: correct the name", setup.ErrConfig, silo.Silo.Name, f))
					has[f] = true // said once
				}
			}
		}
	}
	return errors.Join(errs...)
}

// sortChildrenFirst orders the groups so that rows which refer to others are decided and changed before those.
func sortChildrenFirst(s *store) {
	depth := map[string]int{}
	for range s.tables { // as many rounds as tables: circles end there
		for _, t := range s.tables {
			for _, fk := range t.ForeignKeys {
				if fk.RefTable != t.Name {
					depth[t.Name] = min(max(depth[t.Name], depth[fk.RefTable]+1), len(s.tables))
				}
			}
		}
	}
	sort.SliceStable(s.judges, func(i, j int) bool { return depth[s.judges[i].table.Name] > depth[s.judges[j].table.Name] })
}

// failedSource says in the inventory that a source could not be read, and keeps the night going.
func (set *storeSet) failedSource(s *store, err error) {
	s.err = err
	set.notes.Facts.Run.SourcesFailed++
	reason := notes.Failure(err)
	set.notes.Facts.Inventory = append(set.notes.Facts.Inventory, audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Category: "none", Class: "none", State: "failed", Reason: reason, FirstSeen: set.tonight.Today.String()})
	set.notes.Find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Article: "Art. 5(2)", Words: "The source could not be read to the end: nothing is known of it tonight (" + reason + ")."})
	set.notes.Problem(fmt.Errorf("%w: %w", setup.ErrSource, err))
	set.setup.Log.Error("source failed", "run_id", set.tonight.RunID, "source", s.Name, "error", err)
}

func (set *storeSet) isBackup(source string) bool {
	s := set.find(source)
	return s != nil && s.Backup()
}

// governs reports whether a silo decides the rows of a table by themselves.
func (set *storeSet) governs(silo, source, table string) bool {
	s := set.find(source)
	return s != nil && slices.ContainsFunc(s.governed[table], func(g *Judge) bool { return g.silo.Silo.Name == silo })
}
