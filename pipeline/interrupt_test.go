package pipeline_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/setup"
)

// impatient is a context that is cancelled when it has been looked at so many times.
type impatient struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (c *impatient) look() {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
}

func (c *impatient) Done() <-chan struct{} { c.look(); return c.Context.Done() }

func (c *impatient) Err() error { c.look(); return c.Context.Err() }

// A night that somebody interrupts, wherever it is, has not found that its evidence does not hold.
func TestInterruptionIsNoTampering(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	interrupted := 0
	for looks, ended := int64(1), false; !ended; looks += 1 + looks/8 {
		ctx, cancel := context.WithCancel(t.Context())
		c := &impatient{Context: ctx, cancel: cancel}
		c.left.Store(looks)
		_, err := pipeline.Run(c, w.Setup, setup.Options{Job: "nightly", Apply: true, Again: true})
		ended = c.left.Load() > 0
		cancel()
		if err != nil {
			interrupted++
			require.Equal(t, 130, setup.ExitCode(err), "after %d looks: %v", looks, err)
		}
	}
	require.Greater(t, interrupted, 5)
}

// What a night that somebody stops says it did is what it did.
func TestAStoppedNightCountsWhatIsGone(t *testing.T) {
	counted, ended := map[int64]int{}, false
	for looks := int64(1); !ended; looks += 1 + looks/5 {
		w := newWorld(t, news(nil), people())
		w.UsualEvents()
		w.planned()
		ctx, cancel := context.WithCancel(t.Context())
		c := &impatient{Context: ctx, cancel: cancel}
		c.left.Store(looks)
		r, err := pipeline.Run(c, w.Setup, setup.Options{Job: "nightly", Apply: true, Phases: setup.ApplyOnly})
		ended = c.left.Load() > 0
		cancel()
		said := int64(0)
		for _, l := range r.Settled {
			if l.Change == "delete" && l.Status == "done" {
				said += l.Rows
			}
		}
		require.Equal(t, int64(3-len(w.Rows("people"))), said, "after %d looks: %v", looks, err)
		counted[said]++
	}
	require.Positive(t, counted[0])
	require.Positive(t, counted[2])
}
