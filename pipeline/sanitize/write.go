package sanitize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lethe/connectors"
)

// write makes the copy in a folder of its own, and moves it to its place.
func (c *copying) write(ctx context.Context) (err error) {
	if c.From != c.temp {
		if err := duplicate(c.From, c.temp); err != nil {
			return err
		}
	}
	copied, err := c.Open(ctx, c.temp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	update, done := c.Progress("write")
	defer done()
	written := int64(0)
	searched := false
	edit := func(b connectors.Batch) (connectors.Edit, error) {
		written += b.Rows.NumRows()
		update(written, c.report.Rows)
		return c.edit(b)
	}
	verify := func(now connectors.Source) error {
		searched = true
		return c.search(ctx, now)
	}
	if queries := c.edited(); len(queries) > 0 {
		if _, err := copied.(connectors.Rewriter).Rewrite(ctx, queries, edit, verify); err != nil {
			return err
		}
	}
	if !searched { // nothing differs, or nothing was to be replaced
		if err := c.search(ctx, copied); err != nil {
			return err
		}
	}
	if c.Into != nil {
		return c.put(ctx, copied)
	}
	return place(c.temp, c.To)
}

// put puts the copy into a database, and counts what stands there then.
func (c *copying) put(ctx context.Context, copied connectors.Source) (err error) {
	_, done := c.Progress("put")
	defer done()
	there, err := c.Into.Put(ctx, filepath.Dir(c.temp), c.temp, copied)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, there.Close()) }()
	tables, err := there.Tables(ctx)
	if err != nil {
		return err
	}
	var queries []connectors.Query
	for _, t := range tables {
		queries = append(queries, connectors.Query{Table: t.Name, Fields: []string{t.Fields[0].Name}})
	}
	rows := map[string]int64{}
	for b, err := range there.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		rows[b.Table] += b.Rows.NumRows()
	}
	for _, t := range c.tables {
		if rows[t.Name] != c.counts[t.Name] {
			return fmt.Errorf("%w: table %s has %d rows there, and %d in the copy: empty the target, and try again",
				ErrPartly, t.Name, rows[t.Name], c.counts[t.Name])
		}
	}
	return nil
}

// duplicate copies a file, or a folder of files.
func duplicate(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return copyTo(to, in)
}

func copyTo(path string, in io.Reader) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}

// place puts the copy where it is to be: beside that first, as the two may be on different disks.
func place(temp, to string) (err error) {
	beside := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".part")
	if err := duplicate(temp, beside); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(beside))
		}
	}()
	if info, err := os.Stat(beside); err == nil && info.IsDir() {
		return os.Rename(beside, to) // which a folder that holds anything refuses
	}
	if err := os.Link(beside, to); err != nil { // which a name that is there refuses
		return err
	}
	return os.Remove(beside)
}
