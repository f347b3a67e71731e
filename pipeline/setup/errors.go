package setup

import (
	"context"
	"errors"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// The errors that a caller acts upon. Each is wrapped with its place and the next step.
var (
	ErrUsage      = errors.New("usage")                     // a command line that cannot be understood
	ErrConfig     = errors.New("configuration")             // what the source cannot serve, a name that is not there
	ErrHeld       = errors.New("another run is at work")    // the lock is taken
	ErrUnapproved = errors.New("not approved")              // a question with nobody to answer it
	ErrChanged    = errors.New("changed since it was made") // plan edited, evidence edited
	ErrExpired    = errors.New("no longer valid")           // plan expired, schema changed since, clocks apart
	ErrSource     = errors.New("source failed")             // one or more sources could not be read or changed
	ErrStopped    = errors.New("stopped before the end")    // stop file, window
	ErrRegistry   = errors.New("registry not usable")       // missing, empty, unreachable, stale
	ErrTampered   = errors.New("evidence does not hold")    // chain broken, head missing, manifest edited, output gate
	ErrRestored   = errors.New("a source was put back from a copy")
	ErrWaiting    = errors.New("a plan waits for approval") // only reported with a detailed exit code
)

// ExitCode is the exit code of a command that ended with err: the first that fits. A night's own errors
// stand before those that arise in what it opens, and what is wrong with evidence or configuration
// before a source that does not answer: of several, the gravest is said.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	for _, c := range []struct {
		code int
		errs []error
	}{
		{2, []error{ErrConfig}},
		{11, []error{ErrHeld}},
		{12, []error{ErrTampered, ErrChanged, registry.ErrTampered, journal.ErrCorrupt, journal.ErrAltered,
			answers.ErrBroken}},
		{14, []error{ErrRestored}},
		{10, []error{ErrRegistry}},
		{13, []error{ErrExpired}},
		{5, []error{ErrUnapproved}},
		{3, []error{ErrSource, ErrStopped}},
		{130, []error{context.Canceled}},
		{2, []error{connectors.ErrConfig, connectors.ErrPlaintext, errors.ErrUnsupported}},
		{2, []error{keystore.ErrMissing, keystore.ErrReadable, keystore.ErrDamaged, keystore.ErrDestroyed}},
		{2, []error{answers.ErrClock, answers.ErrTaken}},
		{2, []error{registry.ErrConfig, registry.ErrRefused, registry.ErrDelivery}},
		{10, []error{registry.ErrKeyVersion, registry.ErrMissing, registry.ErrSchema, registry.ErrUnreachable,
			registry.ErrEmpty}},
		{11, []error{registry.ErrLocked}},
		{10, []error{registry.ErrUnknownSilo}},
		{13, []error{connectors.ErrSchemaChanged}},
		{3, []error{connectors.ErrUnreachable, connectors.ErrDenied, connectors.ErrDamaged, connectors.ErrTransient}},
		{2, []error{ErrUsage}},
		{4, []error{ErrWaiting}},
	} {
		for _, kind := range c.errs {
			if errors.Is(err, kind) {
				return c.code
			}
		}
	}
	return 1
}

// SourceError tells a source that does not serve the policy from one that cannot be read.
func SourceError(err error) error {
	if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrPlaintext) {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return fmt.Errorf("%w: %w", ErrSource, err)
}
