package config

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/connectors/physical"
	"lethe/connectors/shelf"
	"lethe/connectors/shelf/s3"
	"lethe/connectors/shelf/sftp"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// shelves are the kinds of places beyond this machine in which files lie, by what their paths begin with.
var shelves = map[string]func(context.Context, connectors.ShelfOptions) (connectors.Shelf, error){
	s3.Scheme:   s3.Open,
	sftp.Scheme: sftp.Open,
}

// OnShelf reports whether a path is in such a place.
func OnShelf(path string) bool { return openerOf(path) != nil }

func openerOf(path string) func(context.Context, connectors.ShelfOptions) (connectors.Shelf, error) {
	for scheme, open := range shelves {
		if strings.HasPrefix(path, scheme) {
			return open
		}
	}
	return nil
}

// readable are the connectors that read a file wherever it lies.
var readable = []string{"mysqldump", "pgdump", "mssqldump", "sqlite", "physical"}

// shelfSources makes a source of each file that lies in a bucket or on another server. Where that does not answer, there is one
// source that says so: what lay there is then not known to be gone.
func (c *Config) shelfSources(ctx context.Context, d *sourceDraft) []setup.Source {
	s := d.of
	if s.Environment != "backup" || !slices.Contains(readable, s.Connector) {
		d.fail("path: only backups lie in buckets and on other servers, of the connectors %s: copy the file to a folder of this "+
			"machine, and give its path", strings.Join(readable, ", "))
		return nil
	}
	pattern, query, err := splitPath(s.Path)
	if err != nil {
		d.fail("path: %w", err)
		return nil
	}
	if known := query["known_hosts"]; known != "" {
		query["known_hosts"] = c.abs(known)
	}
	o := connectors.ShelfOptions{Name: d.name, URL: pattern, Query: query, Plaintext: d.base.Plaintext,
		AnswerWithin: d.options.AnswerWithin, DropReplaced: s.OldVersions == "delete"}
	if s.OldVersions != "" && s.OldVersions != "delete" && s.OldVersions != "keep" {
		d.fail("old_versions: %q: write delete, or keep", s.OldVersions)
	}
	if text := string(s.Credentials); text != "" && !strings.HasPrefix(text, "file:") && !envReference.MatchString(text) {
		d.fail("credentials: write file:PATH of a file that holds them: what stands in the configuration is read by many")
	} else if o.Credentials, err = c.resolve("source "+d.name+": credentials", s.Credentials); err != nil {
		d.errs = append(d.errs, err)
	}
	on, err := openerOf(pattern)(ctx, o)
	if err != nil {
		d.fail("path: %w", err)
		return nil
	}
	if len(d.errs) > 0 {
		return nil // nothing is asked of a place that is not configured
	}
	list, err := on.List(pattern)
	if err != nil {
		unknown := d.base
		unknown.Path, unknown.Shelf, unknown.Set = pattern, on, d.name
		unknown.Open = func(context.Context) (connectors.Source, error) {
			return nil, &connectors.Error{Op: "open", Source: d.name, Err: err}
		}
		return []setup.Source{unknown}
	}
	if len(list.Matching) == 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("source %s: no file matches %s", d.name, pattern))
	}
	for _, f := range list.Others {
		if connectors.IsTemporary(f.Path) {
			d.left = append(d.left, setup.LeftOver{Source: d.name, Path: f.Path, Shelf: on})
		} else {
			c.beside = append(c.beside, setup.Stray{Source: d.name, Path: f.Path, TakenAt: f.Time, Shelf: on})
		}
	}
	var files []setup.Source
	for _, f := range list.Matching {
		files = append(files, c.fileSource(d, on, f))
	}
	for _, e := range list.Earlier {
		files = append(files, versionSource(d, on, e))
	}
	if list.Unknown != "" {
		c.warnings = append(c.warnings, fmt.Sprintf("source %s: %s", d.name, list.Unknown))
	}
	return files
}

// versionSource makes a source of a version of a file that the store keeps, though another stands in its place, or none: it
// holds what was taken out of that, and nobody takes a row out of it.
func versionSource(d *sourceDraft, on connectors.Shelf, e connectors.Earlier) setup.Source {
	v := d.base
	v.Name, v.Path, v.Shelf, v.Set = d.name+"/"+shelf.Base(e.Path)+"@"+e.ID, setup.VersionPath(e.Path, e.ID), on, d.name
	v.TakenAt, v.Ends, v.Rewrite, v.ReadOnly, v.Keep = e.Written, e.Ends, nil, true, calendar.Period{}
	v.Version = "an earlier version that the store keeps of " + shelf.Base(e.Path)
	if !e.LockedUntil.IsZero() {
		v.Version += ", locked until " + e.LockedUntil.Format(time.DateOnly)
	}
	if e.Held {
		v.Version += ", under a legal hold"
		v.Ends = time.Time{} // until somebody lifts it
	}
	v.Open = func(context.Context) (connectors.Source, error) { return physical.Listed(v.Name, v.Version), nil }
	return v
}

// splitPath parts the pattern of a path from what stands behind its ?.
func splitPath(path string) (pattern string, query map[string]string, err error) {
	pattern, rest, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(rest)
	if err != nil {
		return "", nil, fmt.Errorf("what stands behind the ? is not KEY=VALUE&KEY=VALUE")
	}
	query = map[string]string{}
	for key, list := range values {
		query[key] = list[0]
	}
	return pattern, query, nil
}
