package apply

import (
	"context"
	"errors"
	"time"

	"lethe/connectors"
)

// A transaction that failed for a passing reason, such as a deadlock, is tried so often again, each time
// after a longer pause.
const (
	maxRetries = 8
	pause      = 50 * time.Millisecond
)

// retry counts how often one change has been tried again.
type retry struct{ times int }

// after waits after an error that may pass, and returns nil to try again. Any other error, and the last of
// too many, comes back as it is; a context that ends meanwhile ends the waiting.
func (r *retry) after(ctx context.Context, err error) error {
	if !errors.Is(err, connectors.ErrTransient) || r.times == maxRetries {
		return err
	}
	r.times++
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(r.times) * pause):
		return nil
	}
}
