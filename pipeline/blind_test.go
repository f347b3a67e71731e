package pipeline_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
)

// blind is a source whose user of dsn does not see the field secret, as that of apply_dsn does.
type blind struct{ *mem.Store }

func (b blind) Tables(ctx context.Context) ([]connectors.Table, error) {
	tables, err := b.Store.Tables(ctx)
	for i := range tables {
		tables[i].Fields = slices.DeleteFunc(slices.Clone(tables[i].Fields),
			func(f connectors.Field) bool { return f.Name == "secret" })
	}
	return tables, err
}

func (b blind) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	tables, _ := b.Tables(ctx)
	queries = slices.Clone(queries)
	for i, q := range queries {
		if q.Fields == nil {
			t, _ := connectors.Tables(tables).Find(q.Table)
			for _, f := range t.Fields {
				queries[i].Fields = append(queries[i].Fields, f.Name)
			}
		}
	}
	return b.Store.Scan(ctx, queries...)
}

func TestWhatChangesSeesMoreFieldsThanWhatReads(t *testing.T) {
	hash := "hash"
	all := people()
	all.Def.Fields = slices.Insert(all.Def.Fields, 1, field("secret", connectors.Text, true))
	for i := range all.Rows {
		all.Rows[i] = slices.Insert(all.Rows[i], 1, any("s"))
	}
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Rules[0].End, s.Anonymize = policy.Anonymize, map[string]*string{"name": nil, "status": &hash}
	}), all)
	w.UsualEvents()
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return blind{w.Live}, nil }
	w.planned()
	require.Equal(t, map[string]int64{"people anonymize done": 2}, w.applied())
	require.Contains(t, w.Rows("people"), "1 s ada@lago.it Ada active 2026-01-01")
	require.NotContains(t, w.Rows("people")[1], "Bob")
}
