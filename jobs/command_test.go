package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/setup"
)

func TestExplained(t *testing.T) {
	require.Empty(t, explained(nil))
	require.Equal(t, []string{"configuration: a", "configuration: b"},
		explained(errors.Join(fmt.Errorf("%w: a", setup.ErrConfig), fmt.Errorf("%w: b", setup.ErrConfig))))
	const interrupted = "interrupted: what was recorded or changed before stays; the same command goes on from there"
	require.Equal(t, []string{interrupted}, explained(fmt.Errorf("import consents into silo %q: %w", "newsletter",
		context.Canceled)))
	require.Equal(t, []string{"the disk is full", interrupted}, explained(errors.Join(context.Canceled,
		errors.New("the disk is full"))))
}
