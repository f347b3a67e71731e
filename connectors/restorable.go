package connectors

import (
	"context"
	"errors"
	"io"
	"slices"
)

// Restorable is a backup that is a text which the programs of its engine read, however it is packed.
type Restorable interface {
	// Text opens it as that text. The caller closes it. One that is a folder of several is errors.ErrUnsupported.
	Text(ctx context.Context) (io.ReadCloser, error)
}

// Restored is a backup that was put back into a throwaway server of its engine.
type Restored struct {
	Engine    string     // which program keeps it: MariaDB 11.8.3
	Databases []Database // in no order that means anything
	Left      []string   // what of the backup was not put back, in words: owners and rights of accounts that are not there
	Undo      []func() error
}

// Database is one of the databases that stand there. Its name is "" where the backup names none.
type Database struct {
	Name   string
	Source Source
}

// Close ends the server and removes what it held.
func (r *Restored) Close() error {
	var errs []error
	for _, d := range r.Databases {
		errs = append(errs, d.Source.Close())
	}
	for _, undo := range slices.Backward(r.Undo) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}
