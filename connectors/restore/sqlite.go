package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lethe/connectors"
	"lethe/connectors/sqlite"
)

// SQLite copies a file, with what is not yet written back into it, and lets SQLite look at every page and index of it.
func SQLite(ctx context.Context, f *Folder, o connectors.Options, backup connectors.Source) (_ *connectors.Restored, err error) {
	dir, err := os.MkdirTemp(f.Path, "")
	if err != nil {
		return nil, err
	}
	r := &connectors.Restored{Undo: []func() error{func() error { return os.RemoveAll(dir) }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	from, path := o.DSN, filepath.Join(dir, "restored.sqlite")
	if u, ok := backup.(interface{ File() string }); ok { // it was unpacked there
		from = u.File()
	}
	if err := copyFile(from, path); err != nil {
		return nil, err
	}
	if err := copyFile(from+"-wal", path+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	faults, version, err := sqlite.Whole(ctx, path)
	if err != nil {
		return nil, err
	}
	r.Engine = "SQLite " + version
	if faults > 0 {
		return nil, &RefusedError{Code: "PRAGMA integrity_check", Says: "pages or indexes of it are damaged"}
	}
	src, err := sqlite.Connector.Open(ctx, connectors.Options{Name: o.Name, DSN: path})
	if err != nil {
		return nil, fmt.Errorf("open what was put back: %w", err)
	}
	r.Databases = []connectors.Database{{Source: src}}
	return r, nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("%w: %w", err, connectors.ErrUnreachable)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
