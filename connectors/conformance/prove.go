package conformance

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"lethe/connectors"
)

// Ground is a server of the operator's on which the suite can be run. It makes databases of its own there, each as it is
// needed, and drops them.
type Ground struct {
	Engine connectors.Engine
	Ways   []Way
	// Not says what of the engine was not tried, and why.
	Not []string
	// Left are databases that look like those of an earlier run, which was killed. Nothing touches them.
	Left  []string
	Close func() error
}

// Way is a manner in which an engine compares texts: by one of its collations.
type Way struct {
	Name    string
	Harness Harness
}

// Result is what became of one case.
type Result struct {
	Way, Group, Name string
	Fault            string // "" it holds
	Took             time.Duration
}

// cleanupTime is how long what a case made may take to be removed, also once somebody stopped the run.
const cleanupTime = 15 * time.Second

// Prove runs the suite on a ground and tells each result as it comes. It ends early when the context ends, and then
// returns its error; what it made is dropped all the same. The error of a store that cannot be removed is returned, too.
func (g *Ground) Prove(ctx context.Context, tell func(Result)) error {
	for _, way := range g.Ways {
		var cases []Case
		began := time.Now()
		fault := attempt(ctx, func(t T) { cases = Cases(t, way.Harness) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fault != "" {
			tell(Result{Way: way.Name, Group: "source", Name: "a database of the suite's tables can be made and opened",
				Fault: fault, Took: time.Since(began)})
			continue
		}
		for _, c := range cases {
			began := time.Now()
			fault := attempt(ctx, c.Run)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			tell(Result{Way: way.Name, Group: c.Group, Name: c.Name, Fault: fault, Took: time.Since(began)})
		}
	}
	return nil
}

// After is a context for what is done when a case has ended, whose own context has ended then.
func After(t T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), cleanupTime)
}

// attempt runs a case to its end, and what it wants done afterwards, and says what did not hold.
func attempt(ctx context.Context, run func(t T)) string {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &trial{ctx: within}
	t.do(func() { run(t) })
	cancel()
	for _, f := range slices.Backward(t.cleanups) {
		t.do(f)
	}
	return strings.Join(t.faults, "; ")
}

// trial is the T of a case. A case may use several goroutines; it ends in its own.
type trial struct {
	ctx      context.Context
	mu       sync.Mutex
	faults   []string
	cleanups []func()
}

// do runs a function in a goroutine of its own, which may end anywhere in it.
func (t *trial) do(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("it broke: %v", r)
			}
		}()
		f()
	}()
	<-ended
}

func (t *trial) Helper()                  {}
func (t *trial) Context() context.Context { return t.ctx }
func (t *trial) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }
func (t *trial) FailNow()                 { runtime.Goexit() }
func (t *trial) Error(args ...any)        { t.Errorf("%s", fmt.Sprint(args...)) }

func (t *trial) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}
