package scan

import (
	"context"
	"errors"
	"math"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/stores"
)

// MissedBelow is the share of rows below which a sample of n rows can have missed what is there, at 95 %
// confidence: 1 - 0.05^(1/n), about 3/n (the "rule of three"; Hanley and Lippman-Hand, JAMA 1983). It
// holds for what does not hang on the place of a row in the key order, for a sample is read in blocks.
func MissedBelow(n int64) float64 {
	if n <= 0 {
		return 1
	}
	return -math.Expm1(math.Log(0.05) / float64(n))
}

// Discovery is what a source that no configuration names holds.
type Discovery struct {
	Tables []classifiers.TableVerdict // those that were read
	Missed map[string]float64         // the tables of which rows were left out, with MissedBelow
	Unread []connectors.Unread        // what was not read, and why: what the source cannot read, and what failed
	Views  []string
	Failed error // of the tables that could not be read

	Assumed []connectors.Assumption // how tables are written, where the source had to find out
}

// Discover reads one source that no configuration names, about so many rows of each table; 0 reads all. A table
// that cannot be read is named, and the others are read on.
func Discover(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue, sample int,
	progress func(rows, of int64)) (*Discovery, error) {
	tables, err := source.Tables(ctx)
	if err != nil {
		return nil, err
	}
	d := &Discovery{Missed: map[string]float64{}}
	if d.Unread, err = stores.UnreadOf(ctx, source); err != nil {
		return nil, err
	}
	if d.Assumed, err = stores.AssumedOf(ctx, source); err != nil {
		return nil, err
	}
	if viewer, ok := source.(connectors.Viewer); ok {
		views, err := viewer.Views(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range views {
			d.Views = append(d.Views, v.Name)
		}
	}

	s := &Source{Store: &stores.Store{Conn: source}}
	if err := d.read(ctx, s, tables, catalogue, sample, progress); err != nil {
		return nil, err
	}
	var scans []*classifiers.Scan
	for _, r := range s.Readings {
		if r.State == "scanned" {
			scans = append(scans, r.scan)
		}
	}
	d.Tables = catalogue.Verdicts(scans...)
	for _, v := range d.Tables {
		if s.Reading(v.Table).Sampled {
			d.Missed[v.Table] = MissedBelow(v.Rows)
		}
	}
	return d, nil
}

// Inventory is what was found as rows of an inventory, of which no earlier night knows anything.
func (d *Discovery) Inventory() []audit.Inventory {
	var rows []audit.Inventory
	for _, t := range d.Tables {
		base := audit.Inventory{Database: t.Database, Object: t.Table, State: "scanned", Change: "new"}
		rows = append(rows, base)
		for _, v := range t.Fields {
			row := base
			row.Column = v.Field
			fill(&row, v)
			rows = append(rows, row)
		}
	}
	return rows
}

// read reads the tables, those after one that could not be read, too.
func (d *Discovery) read(ctx context.Context, s *Source, tables []connectors.Table, catalogue *classifiers.Catalogue,
	sample int, progress func(rows, of int64)) error {
	var total, read int64
	for _, t := range tables {
		r := &Reading{Table: t, State: "scanned", sample: sample}
		r.scan = catalogue.Scan(r.describe())
		s.Readings = append(s.Readings, r)
		switch {
		case t.Unreadable != nil:
			d.fail(r, t.Unreadable)
		case t.Rows < 0 || total < 0:
			total = -1
		case sample > 0:
			total += min(t.Rows, int64(sample))
		default:
			total += t.Rows
		}
	}
	for queries := s.queries(); len(queries) > 0; queries = s.queries() {
		err := d.pass(ctx, s, queries, func(rows int64) {
			read += rows
			progress(read, total)
		})
		if err == nil {
			return nil
		}
		r := s.failed(err, queries)
		if r == nil {
			return err
		}
		d.fail(r, err)
	}
	return nil
}

// fail notes that a table could not be read.
func (d *Discovery) fail(r *Reading, err error) {
	r.State = "failed"
	d.Failed = errors.Join(d.Failed, err)
	d.Unread = append(d.Unread, connectors.Unread{Name: r.Table.Name, Reason: notes.Failure(err), Unknown: true})
}

// pass scans the source once for all queries.
func (d *Discovery) pass(ctx context.Context, s *Source, queries []connectors.Query, read func(rows int64)) error {
	for batch, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		r := s.Reading(batch.Table)
		r.next, r.Sampled = batch.Next, batch.Sampled
		r.scan.Observe(batch.Rows)
		read(batch.Rows.NumRows())
	}
	return nil
}

// failed is the table that an error is of, where the others can be read all the same; nil where the source failed. What
// was read before it is not asked for again.
func (s *Source) failed(err error, queries []connectors.Query) *Reading {
	var at *connectors.Error
	if !errors.As(err, &at) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	for _, whole := range []error{connectors.ErrUnreachable, connectors.ErrTransient, connectors.ErrDamaged} {
		if errors.Is(err, whole) && !at.Alone {
			return nil
		}
	}
	r := s.Reading(at.Table)
	if r == nil || r.State != "scanned" {
		return nil
	}
	if at.Alone {
		for _, q := range queries {
			if q.Table == at.Table {
				break
			}
			s.Reading(q.Table).whole = true
		}
	}
	return r
}
