package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/registry"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("unforeseen"), 1},
		{pipeline.ErrUsage, 2},
		{pipeline.ErrWaiting, 4},
		{registry.ErrConfig, 2},
		{registry.ErrLocked, 11},
		{connectors.ErrTransient, 3},
		{context.Canceled, 130},
		{errors.Join(pipeline.ErrSource, pipeline.ErrTampered), 12},                        // the gravest
		{errors.Join(pipeline.ErrSource, pipeline.ErrConfig), 2},                           // nothing was done at all
		{errors.Join(connectors.ErrUnreachable, context.Canceled), 130},                    // somebody stopped it
		{fmt.Errorf("%w: %w", pipeline.ErrRegistry, registry.ErrConfig), 10},               // as a night says it
		{fmt.Errorf("create registry: %w", errors.Join(registry.ErrUnreachable, nil)), 10}, // as a command says it
	} {
		require.Equal(t, c.code, pipeline.ExitCode(c.err), "%v", c.err)
	}
}
