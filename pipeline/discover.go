package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
)

// survey reads one source once: the catalog, then every row of every table, which goes to the classifiers and, where a silo governs the
// table, to the judge. What cannot be read is said in the inventory.
func (n *night) survey(ctx context.Context, s *store) error {
	var queries []connectors.Query
	scans := map[string]*classifiers.Scan{}
	for _, t := range s.tables {
		if reason, skip := s.Skip[t.Name]; skip {
			n.skipped(s, t, reason)
			continue
		}
		queries = append(queries, connectors.Query{Table: t.Name})
		scans[t.Name] = n.Catalogue.Scan(describe(t))
	}
	if len(queries) == 0 {
		return nil
	}
	rows := s.estimate()
	var read int64
	for batch, err := range s.open.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		scans[batch.Table].Observe(batch.Rows)
		for _, g := range s.governed[batch.Table] {
			if err := n.judge(g, batch); err != nil {
				return err
			}
		}
		read += batch.Rows.NumRows()
		n.Progress("scan", s.Name, read, rows)
	}
	s.rows = read
	n.facts.Run.RowsScanned += read
	ordered := make([]*classifiers.Scan, len(queries))
	for i, q := range queries {
		ordered[i] = scans[q.Table]
	}
	s.verdicts = n.Catalogue.Verdicts(ordered...)
	return nil
}

// describe tells the classifiers what the catalog says of a table.
func describe(t connectors.Table) classifiers.Table {
	single := map[string]bool{}
	for _, u := range t.Unique {
		if len(u) == 1 {
			single[u[0]] = true
		}
	}
	references := map[string]string{}
	for _, fk := range t.ForeignKeys {
		for i, f := range fk.Fields {
			references[f] = fk.RefTable + "." + fk.RefFields[i]
		}
	}
	ct := classifiers.Table{Database: t.Database, Name: t.Name}
	for _, f := range t.Fields {
		ct.Fields = append(ct.Fields, classifiers.Field{
			Name: f.Name, Type: f.Type, Kind: string(f.Kind), Nullable: f.Nullable, Length: f.Length,
			Key: len(t.Key) == 1 && t.Key[0] == f.Name, Unique: single[f.Name], References: references[f.Name],
		})
	}
	return ct
}

// Discover reads one source that no configuration names and returns what it holds, table by table.
func Discover(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue, progress func(rows, of int64)) ([]classifiers.TableVerdict, error) {
	tables, err := source.Tables(ctx)
	if err != nil {
		return nil, err
	}
	queries := make([]connectors.Query, len(tables))
	scans := make([]*classifiers.Scan, len(tables))
	byName := map[string]*classifiers.Scan{}
	var total int64
	for i, t := range tables {
		queries[i] = connectors.Query{Table: t.Name}
		scans[i] = catalogue.Scan(describe(t))
		byName[t.Name] = scans[i]
		if t.Rows < 0 || total < 0 {
			total = -1
		} else {
			total += t.Rows
		}
	}
	if len(tables) == 0 {
		return nil, nil
	}
	var read int64
	for batch, err := range source.Scan(ctx, queries...) {
		if err != nil {
			return nil, err
		}
		byName[batch.Table].Observe(batch.Rows)
		read += batch.Rows.NumRows()
		progress(read, total)
	}
	return catalogue.Verdicts(scans...), nil
}

// inventory turns the verdicts on a source into rows of the report, each compared with the last night's.
func (n *night) inventory(s *store) {
	base := audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location, State: "scanned", FirstSeen: n.today.String()}
	for _, v := range s.verdicts {
		silos := s.silosOf(v.Table)
		t := base
		t.Database, t.Object, t.Rows, t.Silo, t.Category, t.Class = v.Database, v.Table, v.Rows, strings.Join(silos, ";"), "none", "none"
		t.OldestRow, t.NewestRow = s.span(v.Table)
		personal := false
		var fields []audit.Inventory
		ct, _ := s.table(v.Table)
		for _, f := range v.Fields {
			r := base
			r.Database, r.Object, r.Column, r.Silo = v.Database, v.Table, f.Field, t.Silo
			if cf, ok := ct.Field(f.Field); ok {
				r.Type = cf.Type
			}
			r.Rows, r.NonEmpty, r.Distinct = f.Rows, f.NonEmpty, f.Distinct
			r.Category, r.Class, r.DPV, r.Company, r.Confidence = string(f.Primary), string(f.Class), f.Primary.DPV(), f.Company, f.Confidence
			also := make([]string, len(f.Also))
			for i, c := range f.Also {
				also[i] = string(c)
			}
			r.Also, r.Detectors = strings.Join(also, ";"), strings.Join(f.Detectors, ";")
			terms := make([]string, len(f.Terms))
			for i, t := range f.Terms {
				terms[i] = fmt.Sprintf("%s %+.1f", t.Name, t.LogOdds)
			}
			r.Terms = strings.Join(terms, ";")
			if isPersonal(f) {
				personal = true
			}
			fields = append(fields, r)
		}
		if personal {
			t.Category, t.Class = "personal", "personal"
		}
		if personal && len(silos) == 0 && s.Environment == "production" {
			n.find(audit.Finding{Kind: "F_UNMAPPED", Severity: "high", Source: s.Name, Object: v.Table, Count: v.Rows, Article: "Art. 5(1)(b)",
				Words: "The table holds personal data and no silo governs it, so nothing in it is ever checked against consent."})
			n.except(audit.Exception{Source: s.Name, Object: v.Table, Code: "E_NO_POLICY", Count: v.Rows})
		}
		if personal && (s.Environment == "test" || s.Environment == "development") {
			n.find(audit.Finding{Kind: "F_PII_IN_TEST", Severity: "high", Source: s.Name, Object: v.Table, Count: v.Rows, Article: "Art. 25",
				Words: "A source that is not production holds personal data of real people."})
		}
		n.facts.Inventory = append(append(n.facts.Inventory, t), fields...)
	}
}

// isPersonal reports whether a field's verdict counts as personal data.
func isPersonal(v classifiers.Verdict) bool {
	return v.Primary != "" && v.Primary != "none" && v.Primary != "company_only" && !v.Company
}

func (n *night) skipped(s *store, t connectors.Table, reason string) {
	n.facts.Inventory = append(n.facts.Inventory, audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Database: t.Database, Object: t.Name, Rows: t.Rows, Category: "none", Class: "none", State: "skipped", Reason: reason, FirstSeen: n.today.String()})
}

// compare marks what is new, changed or gone since the last finished run, and keeps the date at which each place was first seen.
func (n *night) compare(last *audit.Facts) {
	type place struct{ source, object, column string }
	was := map[place]audit.Inventory{}
	if last != nil {
		for _, i := range last.Inventory {
			if i.Change != "gone" {
				was[place{i.Source, i.Object, i.Column}] = i
			}
		}
	}
	for i := range n.facts.Inventory {
		now := &n.facts.Inventory[i]
		p := place{now.Source, now.Object, now.Column}
		old, known := was[p]
		delete(was, p)
		switch {
		case !known:
			now.Change = "new"
		case old.Category != now.Category || old.Also != now.Also || old.Type != now.Type || old.State != now.State || old.Silo != now.Silo:
			now.Change, now.FirstSeen = "changed", old.FirstSeen
		default:
			now.Change, now.FirstSeen = "same", old.FirstSeen
		}
	}
	failed := map[string]bool{}
	for _, s := range n.stores {
		failed[s.Name] = s.err != nil
	}
	for p, old := range was {
		if failed[p.source] {
			continue
		}
		old.Change, old.State = "gone", "gone"
		n.facts.Inventory = append(n.facts.Inventory, old)
	}
	sort.SliceStable(n.facts.Inventory, func(i, j int) bool {
		a, b := &n.facts.Inventory[i], &n.facts.Inventory[j]
		if a.Source != b.Source {
			return a.Source < b.Source
		}
		return a.Object < b.Object
	})
}

// failedSource says in the inventory that a source could not be read, and keeps the night going.
func (n *night) failedSource(s *store, err error) {
	s.err = err
	n.facts.Run.SourcesFailed++
	reason := "unreadable"
	for _, known := range []error{connectors.ErrUnreachable, connectors.ErrDenied, connectors.ErrDamaged, connectors.ErrSchemaChanged, connectors.ErrPlaintext} {
		if errors.Is(err, known) {
			reason = known.Error()
		}
	}
	n.facts.Inventory = append(n.facts.Inventory, audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Category: "none", Class: "none", State: "failed", Reason: reason, FirstSeen: n.today.String()})
	n.find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Article: "Art. 5(2)", Words: "The source could not be read to the end: nothing is known of it tonight (" + reason + ")."})
	n.problem(fmt.Errorf("%w: %w", ErrSource, err))
	n.Log.Error("source failed", "run_id", n.run.ID, "source", s.Name, "error", err)
}
