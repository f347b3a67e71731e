package pipeline_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask"
	"lethe/pipeline/setup"
)

// TestOneDatabaseIsOneSource: what a silo keeps in one source would go with what refers to it in the other.
func TestOneDatabaseIsOneSource(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	before := w.Rows("people")
	twin := w.Setup.Sources[0]
	twin.Name, twin.Application = "shop", "shop"
	w.Setup.Sources = append(w.Setup.Sources, twin)
	_, err := ask.Check(t.Context(), w.Setup)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "sources crm and shop are the same database")
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrConfig)
	require.Equal(t, before, w.Rows("people"))

	other := setup.Source{Name: "log", Application: "log", Environment: "production", Connector: "mem",
		Open: func(context.Context) (connectors.Source, error) { return mem.New("log", contacts(3, -1)), nil }}
	w.Setup.Sources = append(w.Setup.Sources, other)
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrSource, "the other application's night goes on")
	require.NotErrorIs(t, err, setup.ErrConfig)
	require.Equal(t, before, w.Rows("people"))
}
