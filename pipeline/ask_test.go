package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask"
)

// unclosable is a source that cannot be closed.
type unclosable struct{ *mem.Store }

var errClose = errors.New("the connection was lost")

func (unclosable) Close() error { return errClose }

func TestCheckSaysWhatCouldNotBeClosed(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := ask.Check(t.Context(), w.Setup)
	require.NoError(t, err)
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return unclosable{w.Live}, nil }
	lines, err := ask.Check(t.Context(), w.Setup)
	require.ErrorIs(t, err, errClose)
	require.NotEmpty(t, lines)
}
