package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("unforeseen"), 1},
		{setup.ErrUsage, 2},
		{setup.ErrWaiting, 4},
		{registry.ErrConfig, 2},
		{registry.ErrLocked, 11},
		{connectors.ErrTransient, 3},
		{context.Canceled, 130},
		{fmt.Errorf("read runs: %w", journal.ErrCorrupt), 12},
		{errors.Join(setup.ErrSource, setup.ErrTampered), 12},                              // the gravest
		{errors.Join(setup.ErrSource, setup.ErrConfig), 2},                                 // nothing was done at all
		{errors.Join(connectors.ErrUnreachable, context.Canceled), 130},                    // somebody stopped it
		{fmt.Errorf("%w: %w", setup.ErrRegistry, registry.ErrConfig), 10},                  // as a night says it
		{fmt.Errorf("create registry: %w", errors.Join(registry.ErrUnreachable, nil)), 10}, // as a command says it
	} {
		require.Equal(t, c.code, setup.ExitCode(c.err), "%v", c.err)
	}
}
