package pipeline

import (
	"context"
	"errors"
	"fmt"
	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

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

// scanner reads every source of a run once.
type scanner struct {
	setup   *setup.Setup
	tonight setup.Tonight
	notes   *notes.Notes
	session *judge.Session
	sources []*scanned
}

// scanned is a source as the night read it.
type scanned struct {
	*stores.Store
	readings    []*reading
	surveyed    bool // every table was read, or is known not to be
	rows        int64
	views       []connectors.View
	viewsErr    error
	fingerprint string // backups: of the file and the rules it was read by
}

// of is what was read of a source, nil where nothing was.
func (sc *scanner) of(source string) *scanned {
	i := slices.IndexFunc(sc.sources, func(s *scanned) bool { return s.Name == source })
	if i < 0 {
		return nil
	}
	return sc.sources[i]
}

// whole lists the sources that were read to their end.
func (sc *scanner) whole() []*scanned {
	return slices.DeleteFunc(slices.Clone(sc.sources), func(s *scanned) bool { return s.Err != nil || !s.surveyed })
}

// survey reads one source once: every row of every table, or a sample where no silo governs it. Rows go to the classifiers and, where a
// silo governs the table, to the judge. What is not read is said in the inventory.
func (sc *scanner) survey(ctx context.Context, source *stores.Store) error {
	s := &scanned{Store: source}
	sc.sources = append(sc.sources, s)
	if err := sc.look(s); err != nil {
		return err
	}
	rows := s.Estimate()
	for queries := s.queries(); len(queries) > 0; queries = s.queries() {
		err := sc.pass(ctx, s, queries, rows)
		if err == nil {
			break
		}
		if !sc.failedTable(s, err) {
			return err
		}
	}
	sc.notes.Facts.Run.RowsScanned += s.rows
	var scans []*classifiers.Scan
	var scanned []*reading
	for _, r := range s.readings {
		if r.state == "scanned" && r.scan != nil {
			scans, scanned = append(scans, r.scan), append(scanned, r)
		}
	}
	for i, v := range sc.setup.Catalogue.Verdicts(scans...) {
		scanned[i].verdict = v
	}
	if viewer, ok := s.Conn.(connectors.Viewer); ok {
		if s.views, s.viewsErr = viewer.Views(ctx); s.viewsErr != nil {
			sc.setup.Log.Warn("views not read", "run_id", sc.tonight.RunID, "source", s.Name, "error", s.viewsErr)
		}
	}
	s.surveyed = true
	return nil
}

// look decides what is read of each table.
func (sc *scanner) look(s *scanned) error {
	unknown := map[string]bool{}
	for name := range s.Skip {
		unknown[name] = true
	}
	fingerprint, err := sc.fingerprint(s)
	if err != nil {
		return err
	}
	s.fingerprint = fingerprint
	for _, t := range s.Tables {
		r := &reading{table: t, state: "scanned", silos: s.SilosOf(t.Name), left: map[string]string{}}
		s.readings = append(s.readings, r)
		if stores.IsCopy(t) {
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
		r.life = newLife(t, sc.tonight.Today.String())
		if r.kept = sc.unchanged(s, t); r.kept != nil {
			continue
		}
		if len(r.left) > 0 {
			for i, f := range t.Fields {
				if _, left := r.left[f.Name]; !left {
					r.columns = append(r.columns, i)
				}
			}
		}
		r.sample = sc.sampleOf(s, t)
		r.scan = sc.setup.Catalogue.Scan(r.describe())
	}
	for name := range unknown {
		sc.setup.Log.Warn("skip names nothing in the catalog", "run_id", sc.tonight.RunID, "source", s.Name, "name", name)
	}
	return nil
}

// sampleOf is how many rows are read of a table; 0 all.
func (sc *scanner) sampleOf(s *scanned, t connectors.Table) int {
	if sc.tonight.Full || sc.setup.Sampling.Rows == 0 || len(s.SilosOf(t.Name)) > 0 {
		return 0
	}
	if every := sc.setup.Sampling.FullEvery; !every.IsZero() {
		_, last := sc.lastWhole(s.Name, t.Name)
		if !last.Known() || policy.EndOf(last, every) < sc.tonight.Today {
			return 0
		}
	}
	return sc.setup.Sampling.Rows
}

// queries asks for what has not been read yet. A table of an unchanged file is read again only where its rows are decided.
func (s *scanned) queries() []connectors.Query {
	var queries []connectors.Query
	for _, r := range s.readings {
		if r.state != "scanned" || r.sampled || r.kept != nil && len(s.Governed[r.table.Name]) == 0 {
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
func (sc *scanner) pass(ctx context.Context, s *scanned, queries []connectors.Query, rows int64) error {
	for batch, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		r := s.reading(batch.Table)
		r.next, r.sampled = batch.Next, batch.Sampled
		r.observe(batch.Rows)
		for _, g := range s.Governed[batch.Table] {
			if err := sc.session.Judge(g, batch); err != nil {
				return err
			}
		}
		s.rows += batch.Rows.NumRows()
		sc.setup.Progress("scan", s.Name, s.rows, rows)
	}
	return nil
}

func (s *scanned) reading(table string) *reading {
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
func (sc *scanner) failedTable(s *scanned, err error) bool {
	var at *connectors.Error
	if !errors.As(err, &at) || len(s.Governed[at.Table]) > 0 {
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
	r.state, r.reason = "failed", notes.Failure(err)
	sc.notes.Find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Object: at.Table, Article: "Art. 5(2)", Words: "The table could not be read: nothing is known of it tonight (" + r.reason + ")."})
	sc.notes.Problem(fmt.Errorf("%w: %w", setup.ErrSource, err))
	sc.setup.Log.Error("table failed", "run_id", sc.tonight.RunID, "source", s.Name, "table", at.Table, "error", err)
	return true
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

// rowsOf is the number of rows that the night counted in a table.
func (sc *scanner) rowsOf(source, table string) int64 {
	if s := sc.of(source); s != nil {
		if r := s.reading(table); r != nil {
			return r.rows
		}
	}
	return 0
}
