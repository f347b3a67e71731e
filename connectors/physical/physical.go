// Package physical opens backups that are kept or ended whole: physical copies of servers, logs of changes, disk
// images, repositories of backup programs, archives and encrypted files that no other connector reads. They are told by
// what they begin with or hold (package signature), and are never read further, nor changed: no table is in their
// catalog.
package physical

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/connectors/signature"
)

// Connector opens files and folders by path.
var Connector = connectors.Connector{
	Name: "physical",
	About: "a backup that is kept or ended whole, and is only listed: a physical copy of a server, its log, a disk " +
		"image, a repository, an encrypted file",
	Open: Open,
}

type source struct {
	name string
	path string
	kind signature.Kind
}

// Listed is a source of which nothing is read: a copy that a store keeps of a file.
func Listed(name, what string) connectors.Source {
	return &source{name: name, kind: signature.Kind{Words: what}}
}

// readBy says which connector reads what is no physical copy, by the name of its kind.
var readBy = map[string]string{
	"mysqldump": "mysqldump", "phpmyadmin": "mysqldump", "adminer": "mysqldump", "heidisql": "mysqldump",
	"mydumper": "mysqldump", "pg_dump": "pgdump", "pg_dumpall": "pgdump", "pg_dump-custom": "pgdump",
	"pg_dump-tar": "pgdump", "pg_dump-directory": "pgdump", "sqlite": "sqlite",
	"ssms-script": "mssqldump",
}

// Open looks at the file or the folder at the path o.DSN.
func Open(_ context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name}
	if s.name == "" {
		s.name = filepath.Base(o.DSN)
	}
	fail := func(err error, hint string) error {
		return &connectors.Error{Op: "open", Source: s.name, Err: err, Hint: hint}
	}
	switch {
	case o.DSN == "":
		return nil, fail(fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a backup")
	case o.ApplyDSN != "" || o.Rewrite:
		return nil, fail(fmt.Errorf("what is kept whole is never changed: %w", connectors.ErrConfig),
			"leave out apply_dsn and rewrite")
	}
	if err := connectors.CheckOptions(nil, o.Extra); err != nil {
		return nil, fail(err, "")
	}
	kind, err := signature.On(o.Shelf, o.DSN)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Shelf == nil:
		return nil, fail(fmt.Errorf("no such file or folder: %w", connectors.ErrUnreachable),
			"give the path of a backup")
	case errors.Is(err, fs.ErrPermission):
		return nil, fail(fmt.Errorf("it may not be read: %w", connectors.ErrDenied), "let Lethe's user read it")
	case o.Shelf != nil && err != nil:
		return nil, fail(err, "")
	case err != nil:
		return nil, fail(fmt.Errorf("it cannot be read: %w", connectors.ErrUnreachable), "")
	}
	if by := readBy[kind.Name]; by != "" && readable(kind.Packed) {
		return nil, fail(fmt.Errorf("it is a %s, of which single records can be read: %w", kind, connectors.ErrConfig),
			"write connector: "+by)
	}
	s.path, s.kind = o.DSN, kind
	return s, nil
}

// readable reports whether what is packed so is read by the connectors of dumps.
func readable(packed []string) bool {
	return len(packed) == 0 || len(packed) == 1 && (packed[0] == "gzip" || packed[0] == "zstd")
}

func (s *source) Tables(context.Context) ([]connectors.Table, error) { return nil, nil }

func (s *source) Scan(ctx context.Context, q ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		if len(q) > 0 {
			yield(connectors.Batch{}, &connectors.Error{Op: "scan", Source: s.name, Table: q[0].Table,
				Err: connectors.ErrSchemaChanged})
		}
	}
}

func (s *source) Close() error { return nil }

// marks are the files of a physical copy that say when it was made, and how: what stands before the time in its line.
// backup_label is of PostgreSQL; the others are of xtrabackup and mariabackup, which name them after themselves.
var marks = []struct{ file, before, layout string }{
	{"backup_label", "START TIME: ", "2006-01-02 15:04:05 MST"},
	{"xtrabackup_info", "start_time = ", time.DateTime},
	{"mariadb_backup_info", "start_time = ", time.DateTime},
}

// Made is when a copy of a server was begun: what was erased later is in it. A log or a disk does not say.
func (s *source) Made() (m connectors.Made) {
	for _, mark := range marks {
		text, err := os.ReadFile(filepath.Join(s.path, mark.file))
		if err != nil || len(text) > 64<<10 {
			continue
		}
		for line := range strings.Lines(string(text)) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), mark.before)
			if !ok {
				continue
			}
			if at, err := time.Parse(mark.layout, rest); err == nil {
				zone, offset := at.Zone() // one that is not known here has no offset
				m = connectors.Made{At: at.UTC(), Civil: mark.layout == time.DateTime || offset == 0 && zone != "UTC"}
			}
		}
	}
	return m
}

// Whole says what it is.
func (s *source) Whole() string { return s.kind.String() }
