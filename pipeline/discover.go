package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
)

// Sampling says how tables that no silo governs are read. The others are always read whole: each of their rows is decided.
type Sampling struct {
	Rows      int             // about so many rows of a table; 0 reads every row
	FullEvery calendar.Period // a table is read whole if it was not for so long; zero: never
}

// reading is what the night reads of one table, and what it found there.
type reading struct {
	table   connectors.Table
	state   string // scanned, skipped, failed
	reason  string // why skipped or failed
	silos   []string
	sample  int               // rows asked for; 0 all
	sampled bool              // rows were left out
	rows    int64             // read
	left    map[string]string // fields that the configuration leaves out: the reason
	columns []int             // of the fields that are classified; nil: all
	scan    *classifiers.Scan
	life    *life
	verdict classifiers.TableVerdict
	kept    []audit.Inventory // of an unchanged file: what the last night said of the table
	next    connectors.Cursor // where the reading goes on after another table failed
}

// survey reads one source once: every row of every table, or a sample where no silo governs it. Rows go to the classifiers and, where a
// silo governs the table, to the judge. What is not read is said in the inventory.
func (n *night) survey(ctx context.Context, s *store) error {
	if err := n.look(s); err != nil {
		return err
	}
	rows := s.estimate()
	for queries := s.queries(); len(queries) > 0; queries = s.queries() {
		err := n.pass(ctx, s, queries, rows)
		if err == nil {
			break
		}
		if !n.failedTable(s, err) {
			return err
		}
	}
	n.facts.Run.RowsScanned += s.rows
	var scans []*classifiers.Scan
	var scanned []*reading
	for _, r := range s.readings {
		if r.state == "scanned" && r.scan != nil {
			scans, scanned = append(scans, r.scan), append(scanned, r)
		}
	}
	for i, v := range n.Catalogue.Verdicts(scans...) {
		scanned[i].verdict = v
	}
	if viewer, ok := s.open.(connectors.Viewer); ok {
		if s.views, s.viewsErr = viewer.Views(ctx); s.viewsErr != nil {
			n.Log.Warn("views not read", "run_id", n.run.ID, "source", s.Name, "error", s.viewsErr)
		}
	}
	s.surveyed = true
	return nil
}

// look decides what is read of each table.
func (n *night) look(s *store) error {
	unknown := map[string]bool{}
	for name := range s.Skip {
		unknown[name] = true
	}
	fingerprint, err := n.fingerprint(s)
	if err != nil {
		return err
	}
	s.fingerprint = fingerprint
	for _, t := range s.tables {
		r := &reading{table: t, state: "scanned", silos: s.silosOf(t.Name), left: map[string]string{}}
		s.readings = append(s.readings, r)
		if isCopy(t) {
			r.state, r.reason = "skipped", "kept by Lethe: what the registry says of the rows of another table"
			continue
		}
		if reason, skip := s.Skip[t.Name]; skip {
			delete(unknown, t.Name)
			r.state, r.reason = "skipped", reason
			continue
		}
		for _, f := range t.Fields {
			if reason, skip := s.Skip[t.Name+"."+f.Name]; skip {
				delete(unknown, t.Name+"."+f.Name)
				r.left[f.Name] = reason
			}
		}
		r.life = newLife(t, n.today.String())
		if r.kept = n.unchanged(s, t); r.kept != nil {
			continue
		}
		if len(r.left) > 0 {
			for i, f := range t.Fields {
				if _, left := r.left[f.Name]; !left {
					r.columns = append(r.columns, i)
				}
			}
		}
		r.sample = n.sampleOf(s, t)
		r.scan = n.Catalogue.Scan(r.describe())
	}
	for name := range unknown {
		n.Log.Warn("skip names nothing in the catalog", "run_id", n.run.ID, "source", s.Name, "name", name)
	}
	return nil
}

// sampleOf is how many rows are read of a table; 0 all.
func (n *night) sampleOf(s *store, t connectors.Table) int {
	if n.opts.Full || n.Sampling.Rows == 0 || len(s.silosOf(t.Name)) > 0 {
		return 0
	}
	if every := n.Sampling.FullEvery; !every.IsZero() {
		_, last := n.lastWhole(s.Name, t.Name)
		if !last.Known() || calendar.EndOf(last, every) < n.today {
			return 0
		}
	}
	return n.Sampling.Rows
}

// queries asks for what has not been read yet. A table of an unchanged file is read again only where its rows are decided.
func (s *store) queries() []connectors.Query {
	var queries []connectors.Query
	for _, r := range s.readings {
		if r.state != "scanned" || r.sampled || r.kept != nil && len(s.governed[r.table.Name]) == 0 {
			continue
		}
		q := connectors.Query{Table: r.table.Name, After: r.next}
		if r.next == "" {
			q.Sample = r.sample
		}
		queries = append(queries, q)
	}
	return queries
}

// pass scans the source once for all queries.
func (n *night) pass(ctx context.Context, s *store, queries []connectors.Query, rows int64) error {
	for batch, err := range s.open.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		r := s.reading(batch.Table)
		r.next, r.sampled = batch.Next, batch.Sampled
		r.observe(batch.Rows)
		for _, g := range s.governed[batch.Table] {
			if err := n.judge(g, batch); err != nil {
				return err
			}
		}
		s.rows += batch.Rows.NumRows()
		n.Progress("scan", s.Name, s.rows, rows)
	}
	return nil
}

func (s *store) reading(table string) *reading {
	i := slices.IndexFunc(s.readings, func(r *reading) bool { return r.table.Name == table })
	if i < 0 {
		return nil
	}
	return s.readings[i]
}

// observe hands rows to the classifiers, without the fields that are left out.
func (r *reading) observe(rows arrow.Record) {
	r.rows += rows.NumRows()
	r.life.observe(rows)
	if r.scan == nil {
		return
	}
	if r.columns != nil {
		fields, columns := make([]arrow.Field, len(r.columns)), make([]arrow.Array, len(r.columns))
		for i, c := range r.columns {
			fields[i], columns[i] = rows.Schema().Field(c), rows.Column(c)
		}
		rows = array.NewRecord(arrow.NewSchema(fields, nil), columns, rows.NumRows())
	}
	r.scan.Observe(rows)
}

// failedTable notes that one table could not be read, and reports whether the others may go on: not if the source itself failed, nor if the rows of
// the table were to be decided.
func (n *night) failedTable(s *store, err error) bool {
	var at *connectors.Error
	if !errors.As(err, &at) || len(s.governed[at.Table]) > 0 {
		return false
	}
	for _, whole := range []error{connectors.ErrUnreachable, connectors.ErrTransient, connectors.ErrDamaged, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, whole) {
			return false
		}
	}
	r := s.reading(at.Table)
	if r == nil || r.state != "scanned" {
		return false
	}
	r.state, r.reason = "failed", failure(err)
	n.find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Object: at.Table, Article: "Art. 5(2)", Words: "The table could not be read: nothing is known of it tonight (" + r.reason + ")."})
	n.problem(fmt.Errorf("%w: %w", ErrSource, err))
	n.Log.Error("table failed", "run_id", n.run.ID, "source", s.Name, "table", at.Table, "error", err)
	return true
}

// failure says in the words of a sentinel why something could not be read.
func failure(err error) string {
	for _, known := range []error{connectors.ErrUnreachable, connectors.ErrDenied, connectors.ErrDamaged, connectors.ErrSchemaChanged, connectors.ErrPlaintext, errors.ErrUnsupported} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "unreadable"
}

// failedSource says in the inventory that a source could not be read, and keeps the night going.
func (n *night) failedSource(s *store, err error) {
	s.err = err
	n.facts.Run.SourcesFailed++
	reason := failure(err)
	n.facts.Inventory = append(n.facts.Inventory, audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Category: "none", Class: "none", State: "failed", Reason: reason, FirstSeen: n.today.String()})
	n.find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Article: "Art. 5(2)", Words: "The source could not be read to the end: nothing is known of it tonight (" + reason + ")."})
	n.problem(fmt.Errorf("%w: %w", ErrSource, err))
	n.Log.Error("source failed", "run_id", n.run.ID, "source", s.Name, "error", err)
}

// describe tells the classifiers what the catalog says of a table.
func (r *reading) describe() classifiers.Table {
	single := map[string]bool{}
	for _, u := range r.table.Unique {
		if len(u) == 1 {
			single[u[0]] = true
		}
	}
	references := map[string]string{}
	for _, fk := range r.table.ForeignKeys {
		for i, f := range fk.Fields {
			references[f] = fk.RefTable + "." + fk.RefFields[i]
		}
	}
	ct := classifiers.Table{Database: r.table.Database, Name: r.table.Name}
	for i, f := range r.table.Fields {
		if r.columns != nil && !slices.Contains(r.columns, i) {
			continue
		}
		ct.Fields = append(ct.Fields, classifiers.Field{
			Name: f.Name, Type: f.Type, Kind: string(f.Kind), Nullable: f.Nullable, Length: f.Length,
			Key: len(r.table.Key) == 1 && r.table.Key[0] == f.Name, Unique: single[f.Name], References: references[f.Name],
		})
	}
	return ct
}

// MissedBelow is the share of rows below which a sample of n rows can have missed what is there, at 95 % confidence: 1 - 0.05^(1/n), about 3/n (the
// "rule of three"; Hanley and Lippman-Hand, JAMA 1983). It holds for what does not hang on the place of a row in the key order, for a sample is read in blocks.
func MissedBelow(n int64) float64 {
	if n <= 0 {
		return 1
	}
	return -math.Expm1(math.Log(0.05) / float64(n))
}

// Discover reads one source that no configuration names and returns what it holds, table by table.
func Discover(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue, progress func(rows, of int64)) ([]classifiers.TableVerdict, error) {
	verdicts, _, err := DiscoverSample(ctx, source, catalogue, 0, progress)
	return verdicts, err
}

// DiscoverSample is Discover that reads about so many rows of each table; 0 reads all. missed names the tables of which rows were left out, each with the
// share of rows below which something could have been missed (MissedBelow).
func DiscoverSample(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue, sample int, progress func(rows, of int64)) (verdicts []classifiers.TableVerdict, missed map[string]float64, err error) {
	tables, err := source.Tables(ctx)
	if err != nil || len(tables) == 0 {
		return nil, nil, err
	}
	queries := make([]connectors.Query, len(tables))
	scans := make([]*classifiers.Scan, len(tables))
	byName := map[string]*classifiers.Scan{}
	var total, read int64
	for i, t := range tables {
		queries[i] = connectors.Query{Table: t.Name, Sample: sample}
		scans[i] = catalogue.Scan((&reading{table: t}).describe())
		byName[t.Name] = scans[i]
		switch {
		case t.Rows < 0 || total < 0:
			total = -1
		case sample > 0:
			total += min(t.Rows, int64(sample))
		default:
			total += t.Rows
		}
	}
	left := map[string]bool{}
	for batch, err := range source.Scan(ctx, queries...) {
		if err != nil {
			return nil, nil, err
		}
		byName[batch.Table].Observe(batch.Rows)
		left[batch.Table] = batch.Sampled
		read += batch.Rows.NumRows()
		progress(read, total)
	}
	verdicts = catalogue.Verdicts(scans...)
	missed = map[string]float64{}
	for _, v := range verdicts {
		if left[v.Table] {
			missed[v.Table] = MissedBelow(v.Rows)
		}
	}
	return verdicts, missed, nil
}
