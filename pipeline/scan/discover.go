package scan

import (
	"context"
	"math"

	"lethe/classifiers"
	"lethe/connectors"
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

// Discover reads one source that no configuration names and returns what it holds, table by table.
func Discover(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue,
	progress func(rows, of int64)) ([]classifiers.TableVerdict, error) {
	verdicts, _, err := DiscoverSample(ctx, source, catalogue, 0, progress)
	return verdicts, err
}

// DiscoverSample is Discover that reads about so many rows of each table; 0 reads all. missed names
// the tables of which rows were left out, each with the share of rows below which something could
// have been missed (MissedBelow).
func DiscoverSample(ctx context.Context, source connectors.Source, catalogue *classifiers.Catalogue, sample int,
	progress func(rows, of int64)) (verdicts []classifiers.TableVerdict, missed map[string]float64, err error) {
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
		scans[i] = catalogue.Scan((&Reading{Table: t}).describe())
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
