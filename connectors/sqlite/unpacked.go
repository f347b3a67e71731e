package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/packed"
	"lethe/connectors/internal/scratch"
	"lethe/connectors/internal/textfile"
)

// magic is how a database begins (https://sqlite.org/fileformat2.html, 1.3).
const magic = "SQLite format 3\x00"

// unpacked is a database that is packed, or lies on a Shelf: SQLite reads no such file, so a copy of it stands in a private
// folder among temporary files as long as it is open. What a killed process leaves there the next one removes.
type unpacked struct {
	*source // over the copy
	room    *scratch.Folder
	of      connectors.Options // what is unpacked
}

// Place is that of the file that is unpacked.
func (u *unpacked) Place(ctx context.Context) (string, error) { return u.placed(ctx, u.of) }

// placed is where a file is.
func (s *source) placed(ctx context.Context, o connectors.Options) (string, error) {
	if o.Shelf != nil {
		return "file " + o.DSN, nil
	}
	place, err := placeOf(o.DSN)
	if err != nil {
		return "", s.fail(ctx, "open", "", err)
	}
	return place, nil
}

// File is the copy, which nobody may change.
func (u *unpacked) File() string { return filePath(u.dsn) }

// Close removes the copy.
func (u *unpacked) Close() error { return errors.Join(u.source.Close(), u.room.Close()) }

// isPacked reports whether a file is no database by itself, but one is in it, or it lies on a Shelf. What is there not to
// be read, or no database at all, is said by who opens it.
func isPacked(o connectors.Options) (bool, error) {
	if o.Shelf != nil {
		return true, nil
	}
	if _, err := textfile.StampOf(o.DSN); err != nil { // to open a pipe waits for who writes into it
		return false, nil
	}
	f, err := os.Open(o.DSN)
	if err != nil {
		return false, nil
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil || bytes.Equal(head, []byte(magic)) {
		return false, nil
	}
	opening, err := dumpfile.Opening(o)
	if err != nil {
		return false, err
	}
	opening.Begins = magic
	text, err := textfile.OpenWith(o.DSN, opening)
	if err == nil {
		defer text.Close()
		return !text.Packing.Plain(), nil
	}
	if errors.Is(err, connectors.ErrConfig) || packed.Hint(err) != "" {
		return false, &connectors.Error{Err: err, Hint: packed.Hint(err)}
	}
	return false, nil
}

// openUnpacked opens a copy of a database.
func openUnpacked(ctx context.Context, o connectors.Options) (_ connectors.Source, err error) {
	s := &source{name: o.Name, dsn: o.DSN}
	opening, err := dumpfile.Opening(o)
	if err != nil {
		return nil, s.fail(ctx, "open", "", err)
	}
	opening.Begins = magic
	room, err := scratch.New(os.TempDir(), "lethe-sqlite-")
	if err != nil {
		return nil, s.fail(ctx, "open", "", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, room.Close())
		}
	}()
	inner := connectors.Options{Name: o.Name, DSN: filepath.Join(room.Path, stem(o.DSN)), Rewrite: o.Rewrite,
		Extra: busyOf(o.Extra)}
	if _, err := unpack(ctx, o.DSN, opening, inner.DSN); err != nil {
		return nil, s.fail(ctx, "open", "", &connectors.Error{Err: err, Hint: packed.Hint(err)})
	}
	src, err := Open(ctx, inner)
	if err != nil {
		return nil, err
	}
	if r, ok := src.(*rewriter); ok {
		return &repacker{rewriter: r, room: room, options: inner, opening: opening, of: o}, nil
	}
	return &unpacked{source: src.(*source), room: room, of: o}, nil
}

// busyOf leaves of the options of a source what a plain file has.
func busyOf(extra map[string]string) map[string]string {
	if busy, ok := extra["busy_timeout"]; ok {
		return map[string]string{"busy_timeout": busy}
	}
	return nil
}

// stem is the name of a file without the endings that say how it is packed.
func stem(file string) string {
	name := path.Base(file)
	for _, suffix := range []string{".age", ".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, suffix)
	}
	if name = path.Base(name); name == "." || name == "/" || name == "" {
		return "database"
	}
	return name
}

// unpack writes what is in a file to another, and says how it was packed.
func unpack(ctx context.Context, file string, o textfile.Options, to string) (packing packed.Packing, err error) {
	text, err := textfile.OpenWith(file, o)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(out, cancelled{ctx, text})
	return text.Packing, errors.Join(err, out.Close())
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// repacker is a packed database that is a backup, or one on a Shelf, and is written anew.
type repacker struct {
	*rewriter // over the copy
	room      *scratch.Folder
	options   connectors.Options // of the copy
	of        connectors.Options // what is unpacked
	opening   textfile.Options
	again     func(anew.Point) error // of tests; nil
}

// Place is that of the file that is unpacked.
func (r *repacker) Place(ctx context.Context) (string, error) { return r.placed(ctx, r.of) }

// File is the copy, which nobody may change.
func (r *repacker) File() string { return r.path }

// Close removes the copy.
func (r *repacker) Close() error { return errors.Join(r.rewriter.Close(), r.room.Close()) }

// Rewrite unpacks the file once more, writes that database anew as Rewrite of a plain one does, packs it as it was, and reads
// the new file back: it has to hold that very database.
func (r *repacker) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	job, err := anew.Begin(r.of.Shelf, r.of.DSN, r.again)
	if err != nil {
		return report, r.broken(ctx, err)
	}
	defer job.Discard()
	fresh := filepath.Join(r.room.Path, "fresh")
	defer func() { err = errors.Join(err, removed(fresh)) }()
	before := job.Digest()
	var beside [32]byte
	o := r.opening
	o.Tee, o.Beside = before, &beside
	packing, err := unpack(ctx, job.Target(), o, fresh)
	if err != nil {
		return report, r.broken(ctx, err)
	}
	inner := r.options
	inner.DSN = fresh
	src, err := Open(ctx, inner)
	if err != nil {
		return report, err
	}
	src.(*rewriter).database = r.rewriter.database // what stands in its place has the same tables
	report, err = src.(*rewriter).Rewrite(ctx, q, edit, verify)
	if err = errors.Join(err, src.Close()); err != nil {
		return connectors.RewriteReport{}, err
	}
	if report.Before == report.After {
		err = job.Same(before)
	} else {
		err = r.pack(ctx, job, before, packing, fresh, beside)
	}
	if err != nil {
		return connectors.RewriteReport{}, r.broken(ctx, err)
	}
	report.Before, report.After = job.Before, job.After
	return report, r.renew(fresh)
}

// broken is an error of the file.
func (r *repacker) broken(ctx context.Context, err error) error {
	hint := anew.Hint(err)
	if hint == "" {
		hint = packed.Hint(err)
	}
	return r.fail(ctx, "rewrite", "", &connectors.Error{Err: err, Hint: hint})
}

// pack packs a database as the original was, and puts it in its place.
func (r *repacker) pack(ctx context.Context, job *anew.Job, before *anew.Digest, packing packed.Packing, fresh string,
	beside [32]byte) error {
	f, err := job.Create()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // Sync said that it is whole
	after, whole := job.Digest(), sha256.New()
	out, err := anew.NewWriter(io.MultiWriter(f, after), packing)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // once more, after an error
	in, err := os.Open(fresh)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	buf := make([]byte, 1<<20)
	for {
		n, err := in.Read(buf)
		whole.Write(buf[:n])
		if put := out.Put(buf[:n]); put != nil {
			return put
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := job.Wrote(f, before); err != nil {
		return err
	}
	job.Holds(after)
	return job.Finish(func(temp string) error {
		var still [32]byte
		o := r.opening
		o.Beside = &still
		text, err := textfile.OpenWith(temp, o)
		if err != nil {
			return err
		}
		defer text.Close()
		read := sha256.New()
		if _, err := io.Copy(read, cancelled{ctx, text}); err != nil {
			return err
		}
		switch {
		case !bytes.Equal(read.Sum(nil), whole.Sum(nil)):
			return fmt.Errorf("the new file does not hold the database that was written: %w", connectors.ErrDamaged)
		case still != beside:
			return dumpfile.ErrBeside
		}
		return nil
	})
}

// renew puts the database that the file holds now in the place of the copy.
func (r *repacker) renew(fresh string) error {
	var errs []error
	for _, c := range r.takeIdle() { // they stand on the old one
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, os.Rename(fresh, r.path))...)
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
