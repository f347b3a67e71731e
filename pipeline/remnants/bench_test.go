package remnants_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/remnants"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// BenchmarkSearch reads a history of whose people the registry knows half, and one in ten is out of consent.
func BenchmarkSearch(b *testing.B) {
	const known, rows = 20_000, 40_000
	mail := func(i int) string { return fmt.Sprintf("user%d.%d@mail%d.it", i, i*7919%1000, i%50) }
	w := pipelinetest.New(b, pipelinetest.News(nil), pipelinetest.People())
	r, err := registry.Open(b.Context(), func() registry.Config {
		c := w.Setup.Registry
		c.AllowEmpty = true
		return c
	}())
	require.NoError(b, err)
	key, err := w.Setup.Keys.SiloKey("news")
	require.NoError(b, err)
	next := 0
	_, err = r.Import(b.Context(), delivery.Import{Keys: key, Source: "form", Next: func(e *event.Event) error {
		if next++; next > known {
			return io.EOF
		}
		e.Type, e.Subjects = event.Given, append(e.Subjects, event.Subject{Kind: "email", Value: mail(next)})
		if next%10 == 0 {
			e.Type = event.Refused
		}
		e.Purpose, e.OccurredAt, e.Notice, e.Method, e.Evidence = "news", w.Now.AddDate(0, -1, 0), "v1", "form", "x"
		return nil
	}})
	require.NoError(b, err)
	set := silos.New(w.Setup, setup.Tonight{AsOf: w.Now}, nil)
	require.NoError(b, set.Open(b.Context(), nil))
	text := pipelinetest.Field("text", connectors.Text, true)
	t := pipelinetest.Table("log", []connectors.Field{pipelinetest.ID, text}, nil)
	size := 0
	for i := range rows {
		s := fmt.Sprintf(`{"id":%d,"email":"%s","phone":"+39333%07d","city":"Napoli","note":"changed by user on request"}`, i,
			mail(i*7919%(2*known)), i)
		size += len(s)
		t.Rows = append(t.Rows, mem.Row{fmt.Sprint(i), s})
	}
	store := mem.New("crm", t)
	b.SetBytes(int64(size))
	for b.Loop() {
		watch := &remnants.Watch{Setup: w.Setup, Silos: set}
		require.NoError(b, watch.Open())
		search := watch.Table(remnants.Place{Source: "crm", Table: t.Def, Fields: []string{"text"}})
		for batch, err := range store.Scan(b.Context(), connectors.Query{Table: "log"}) {
			require.NoError(b, err)
			search.Read(batch, nil)
		}
		require.NotEmpty(b, watch.Left())
	}
}
