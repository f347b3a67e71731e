package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
)

// rewriter is a database file that is a backup, and is written anew beside itself.
type rewriter struct {
	*source
	path string
	hook func(anew.Point) error // of tests; nil
}

// immutable opens a file that nobody writes, without locks and without files beside it.
func immutable(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?immutable=1"
}

// logOf names the file beside a database in which a program left changes that are not in it, "" where there is none:
// https://sqlite.org/tempfiles.html, sections 2.1 and 2.2.
func logOf(path string) (string, error) {
	for _, suffix := range []string{"-wal", "-journal"} {
		info, err := os.Stat(path + suffix)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return "", err
		case info.Size() > 0:
			return path + suffix, nil
		}
	}
	return "", nil
}

// Snapshot copies the database as it stands at one moment, whoever writes it, to a file that is not there yet.
func (r *rewriter) Snapshot(ctx context.Context, path string) error {
	c, err := r.connect(ctx, r.path, sqlite3.OPEN_READONLY, "")
	if err == nil {
		err = errors.Join(into(c, path), c.Close())
	}
	if err != nil {
		return r.fail(ctx, "copy", "", err)
	}
	return nil
}

// Rewrite changes a copy of the database, copies that by VACUUM INTO, which takes over nothing of what deleted rows left,
// and reads the new file back before it takes the place of the original, as package anew says. The folder needs room for
// both.
//
// No foreign key acts, and no trigger but those that keep an index of texts or places in step: what goes with a row is
// said by edit. The full-text indexes of what changed are built anew, and what ANALYZE took of values is forgotten. A
// file beside which a program left changes (-wal, -journal) is refused.
func (r *rewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	log, err := logOf(r.path)
	if err == nil && log != "" {
		err = &connectors.Error{Err: fmt.Errorf("file %s holds changes that are not in the database yet: %w", log,
			connectors.ErrRefused), Hint: "open the copy once with sqlite3 and close it, or take backups by VACUUM INTO or .backup"}
	}
	if err != nil {
		return report, r.fail(ctx, "rewrite", "", err)
	}
	job, err := anew.Begin(nil, r.path, r.hook)
	if err != nil {
		return report, r.fail(ctx, "rewrite", "", &connectors.Error{Err: err, Hint: anew.Hint(err)})
	}
	defer job.Discard()
	w := &rewrite{rewriter: r, job: job, ctx: ctx, edit: edit, verify: verify}
	if err := errors.Join(w.run(q), w.close()); err != nil {
		var known *connectors.Error
		switch {
		case errors.As(err, &known) && known.Source != "", w.theirs != nil:
			return report, err
		case known == nil:
			err = &connectors.Error{Err: err, Hint: anew.Hint(err)}
		}
		return report, r.fail(ctx, "rewrite", w.table, err)
	}
	report.Before, report.After, report.Tables = job.Before, job.After, w.counts
	return report, nil
}

// rewrite is one rewrite of a file.
type rewrite struct {
	*rewriter
	job    *anew.Job
	ctx    context.Context
	edit   connectors.EditFunc
	verify func(connectors.Source) error
	theirs error  // an error of edit or verify
	table  string // at hand

	reader  *sqlite3.Conn
	draft   string        // a copy that is changed; "" as long as nothing is to be
	writer  *sqlite3.Conn // of it, within a transaction
	temp    string        // the new file
	queried []string
	held    []trigger        // of the queried tables, in their order
	fixed   map[string]error // why rows of a table cannot be changed
	changed map[string]bool
	counts  []connectors.RewriteCount
	late    []later
}

// trigger is one of the database.
type trigger struct {
	name, sql string
	fires     bool // it writes an index; the others are gone until the end
}

// later is a row of which a unique constraint said that another has what it is to get: that may be changed as well.
type later struct {
	ch  *change
	row int
}

func (w *rewrite) run(queries []connectors.Query) (err error) {
	before := w.job.Digest()
	if err := before.ReadFile(w.job.Target()); err != nil {
		return err
	}
	// A connection of an earlier scan may stand on a file that is no longer there.
	if w.reader, err = w.connect(w.ctx, w.dsn, sqlite3.OPEN_READONLY, ""); err != nil {
		return err
	}
	w.fixed, w.changed = map[string]error{}, map[string]bool{}
	for _, q := range queries {
		w.queried = append(w.queried, q.Table)
		if _, err := w.choose(w.reader, q); err != nil { // all of them, before the first row
			w.table = q.Table
			return err
		}
	}
	for _, q := range queries {
		w.table = q.Table
		if err := w.query(q); err != nil {
			return err
		}
	}
	slices.SortFunc(w.counts, func(a, b connectors.RewriteCount) int { return strings.Compare(a.Table, b.Table) })
	w.table = ""
	if w.draft == "" {
		return w.job.Same(before)
	}
	if err := w.end(); err != nil {
		return err
	}
	f, err := os.OpenFile(w.temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(w.keepMode(f), w.job.Wrote(f, before), f.Close()); err != nil {
		return err
	}
	after := w.job.Digest()
	if err := after.ReadFile(w.temp); err != nil {
		return err
	}
	w.job.Holds(after)
	return w.job.Finish(w.readBack)
}

// close ends what is open, also of earlier scans, which stand on the original.
func (w *rewrite) close() error {
	var errs []error
	for _, c := range append([]*sqlite3.Conn{w.writer, w.reader}, w.takeIdle()...) {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if w.draft != "" {
		errs = append(errs, os.Remove(w.draft))
	}
	return errors.Join(errs...)
}

// query hands the rows of one query to edit, and changes them in the copy.
func (w *rewrite) query(q connectors.Query) (err error) {
	sel, err := w.choose(w.reader, q)
	if err != nil {
		return err
	}
	at := len(sel.columns) // of the rowid, in the statement
	if q.Keys != nil {
		if _, err := sel.putKeys(w.reader); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = w.reader.Exec(dropKeys)
			}
		}()
		at++
	}
	var extra []string
	if sel.t.rowid != "" {
		extra = []string{"t." + sel.t.rowid}
	}
	stmt, _, err := w.reader.Prepare(sel.sql(false, false, extra...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, finish(stmt)) }()
	limit := q.MaxRows
	if limit <= 0 {
		limit = pageRows
	}
	w.counts = append(w.counts, connectors.RewriteCount{Table: sel.t.Name})
	ch := &change{sel: sel}
	for stmt.Step() {
		sel.appendRow(stmt)
		key, err := sel.lastKey()
		if err != nil {
			return err
		}
		ch.keys = append(ch.keys, key)
		if sel.t.rowid != "" {
			ch.rowids = append(ch.rowids, stmt.ColumnInt64(at))
		}
		if sel.builder.Full(limit) {
			if err := w.take(ch); err != nil {
				return err
			}
			ch = &change{sel: sel}
		}
	}
	if err := stmt.Err(); err != nil || len(ch.keys) == 0 {
		return err
	}
	return w.take(ch)
}

// take asks what becomes of a batch, and does it.
func (w *rewrite) take(ch *change) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	ch.batch = ch.sel.batch("")
	answer, err := w.edit(ch.batch)
	if err != nil {
		w.theirs = err
		return err
	}
	if err := ch.take(answer); err != nil {
		return err
	}
	count := &w.counts[len(w.counts)-1]
	for row, op := range ch.ops {
		count.Read++
		switch {
		case op == connectors.Delete:
			count.Deleted++
		case op == connectors.Update && len(ch.values[row]) > 0:
			count.Updated++
		default:
			count.Left++
		}
	}
	if count.Deleted+count.Updated == 0 {
		return nil
	}
	return w.change(ch)
}

// change changes the rows of a batch in the copy.
func (w *rewrite) change(ch *change) (err error) {
	if w.draft == "" {
		if err := w.begin(); err != nil {
			return err
		}
	}
	name := ch.sel.t.Name
	if err := w.fixed[name]; err != nil {
		return err
	}
	w.changed[name] = true
	to := ch.writing(w.writer)
	defer func() { err = errors.Join(err, to.close()) }()
	for row := range ch.ops {
		switch err := to.row(row); {
		case taken(err):
			w.late = append(w.late, later{ch, row})
		case err != nil:
			return err
		}
	}
	return nil
}

// taken reports whether a row was refused for what another has.
func taken(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// begin makes a copy to be changed.
func (w *rewrite) begin() error {
	f, err := os.CreateTemp(filepath.Dir(w.job.Target()), connectors.TemporaryPrefix(w.job.Target())+"*")
	if err != nil {
		return err
	}
	w.draft = f.Name()
	original, err := os.Open(w.job.Target())
	if err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = io.Copy(f, original)
	if err = errors.Join(err, original.Close(), setMode(f, [2]byte{1, 1}), f.Close()); err != nil {
		return err
	}
	// Who is killed leaves a draft that nobody takes for anything: it needs no log that outlives the process.
	w.writer, err = w.connect(w.ctx, "file:"+(&url.URL{Path: w.draft}).EscapedPath(), sqlite3.OPEN_READWRITE,
		"PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; BEGIN")
	if err != nil {
		return err
	}
	return w.quiet()
}

// into copies a database as it stands at one moment, without what deleted rows left. Rows keep their numbers (rowid), as
// indexes of texts refer to them by those.
func into(c *sqlite3.Conn, path string) error {
	return rows(c, "VACUUM main INTO ?", func(*sqlite3.Stmt) {}, path)
}

// quiet takes the triggers away that would act on what is changed, and keeps those that write an index. Of a table whose
// trigger does both, or needs what this build lacks, nothing can be changed.
func (w *rewrite) quiet() error {
	virtuals, err := loadVirtual(w.writer)
	if err != nil {
		return err
	}
	tables, err := loadTables(w.writer, w.database)
	if err != nil {
		return err
	}
	err = rows(w.writer, `SELECT t.name, g.name, g.sql FROM main.sqlite_schema g JOIN main.sqlite_schema t ON t.type = `+
		`'table' AND t.name = g.tbl_name COLLATE NOCASE WHERE g.type = 'trigger' ORDER BY g.rowid`, func(s *sqlite3.Stmt) {
		of, g := s.ColumnText(0), trigger{name: s.ColumnText(1), sql: s.ColumnText(2)}
		for i := range virtuals {
			v := &virtuals[i]
			if !named(v.name).MatchString(g.sql) {
				continue
			}
			g.fires = true
			if !v.here {
				w.fixed[of] = unchangeable("trigger %s writes %s, %s, which this build lacks", g.name, v.name, v.kind())
			}
		}
		if _, writes := readTrigger(g.sql); g.fires {
			for _, to := range writes {
				if slices.ContainsFunc(tables, func(t *table) bool {
					return !t.virtual && strings.EqualFold(t.Name, to.Table)
				}) {
					w.fixed[of] = unchangeable("trigger %s writes an index and table %s as well", g.name, to.Table)
				}
			}
		}
		if slices.ContainsFunc(w.queried, func(name string) bool { return strings.EqualFold(name, of) }) {
			w.held = append(w.held, g)
		}
	})
	if err != nil {
		return err
	}
	for _, g := range w.held {
		if g.fires {
			continue
		}
		if err := w.writer.Exec("DROP TRIGGER main." + sqlite3.QuoteIdentifier(g.name)); err != nil {
			return err
		}
	}
	return nil
}

func unchangeable(format string, args ...any) error {
	return &connectors.Error{Err: fmt.Errorf(format+": %w", append(args, errors.ErrUnsupported)...),
		Hint: "the backup is left as it is, and ends by `keep`; take backups without that trigger"}
}

// end does what is to be done once all rows were seen, and ends the transaction.
func (w *rewrite) end() error {
	for n := len(w.late) + 1; len(w.late) < n && len(w.late) > 0; {
		n = len(w.late)
		if err := w.again(); err != nil {
			return err
		}
	}
	if len(w.late) > 0 {
		w.table = w.late[0].ch.sel.t.Name
		return &connectors.RefusedError{Class: connectors.RefusedUnique, By: w.table}
	}
	if err := w.renew(); err != nil {
		return err
	}
	held := slices.ContainsFunc(w.held, func(g trigger) bool { return !g.fires })
	for _, g := range w.held {
		if held && g.fires { // they stand behind each other as they did
			if err := w.writer.Exec("DROP TRIGGER main." + sqlite3.QuoteIdentifier(g.name)); err != nil {
				return err
			}
		}
	}
	for _, g := range w.held {
		if held {
			if err := w.writer.Exec(g.sql); err != nil {
				return err
			}
		}
	}
	if err := w.writer.Exec("COMMIT"); err != nil {
		return err
	}
	f, err := w.job.Create()
	if err != nil {
		return err
	}
	w.temp = f.Name()
	return errors.Join(f.Close(), into(w.writer, w.temp))
}

// again changes the rows once more that others stood in the way of.
func (w *rewrite) again() error {
	left := w.late
	w.late = nil
	for _, l := range left {
		to := l.ch.writing(w.writer)
		err := to.row(l.row)
		if taken(err) {
			w.late = append(w.late, l)
			err = nil
		}
		if err := errors.Join(err, to.close()); err != nil {
			w.table = l.ch.sel.t.Name
			return err
		}
	}
	return nil
}

// renew builds the full-text indexes anew of what changed (section 6.12 of https://sqlite.org/fts5.html; one that keeps
// no texts is merged, section 6.9, so that nothing is left of what it was told to forget), and forgets the values that
// ANALYZE took as samples.
func (w *rewrite) renew() error {
	virtuals, err := loadVirtual(w.writer)
	if err != nil {
		return err
	}
	for i := range virtuals {
		v := &virtuals[i]
		touched := w.changed[v.name] || v.external() && v.option["content"] != "" && len(v.copies) == 0
		for _, of := range v.copies {
			touched = touched || !of.alike && w.changed[of.of]
		}
		if !touched || !v.here || v.module != "fts5" {
			continue
		}
		command := "rebuild"
		if v.external() && v.option["content"] == "" {
			command = "optimize"
		}
		name := sqlite3.QuoteIdentifier(v.name)
		if err := w.writer.Exec(fmt.Sprintf("INSERT INTO main.%s(%[1]s) VALUES('%s')", name, command)); err != nil {
			return fmt.Errorf("%s of the index %s: %w", command, v.name, err)
		}
	}
	var samples []string
	err = rows(w.writer, `SELECT name FROM main.sqlite_schema WHERE name IN ('sqlite_stat3', 'sqlite_stat4')`,
		func(s *sqlite3.Stmt) { samples = append(samples, s.ColumnText(0)) })
	for _, name := range samples {
		err = errors.Join(err, w.writer.Exec("DELETE FROM main."+name))
	}
	return err
}

// modeAt is where a database says its journal mode: bytes 18 and 19 of https://sqlite.org/fileformat2.html.
const modeAt = 18

// setMode sets the journal mode of a database that nobody has open: 1, 1 of a rollback journal, 2, 2 of a write-ahead log.
func setMode(f *os.File, mode [2]byte) error {
	_, err := f.WriteAt(mode[:], modeAt)
	return err
}

// keepMode gives the new file the journal mode of the original.
func (w *rewrite) keepMode(f *os.File) error {
	original, err := os.Open(w.job.Target())
	if err != nil {
		return err
	}
	var mode [2]byte
	_, err = original.ReadAt(mode[:], modeAt)
	if err = errors.Join(err, original.Close()); err != nil {
		return err
	}
	return setMode(f, mode)
}

// readBack reads the copy: it is whole, each queried table has as many rows as it should, and verify says the rest.
func (w *rewrite) readBack(temp string) error {
	now := &source{name: w.name, dsn: immutable(temp), database: w.database, busy: w.busy}
	err := w.whole(now)
	if err == nil {
		if err = w.verify(now); err != nil {
			w.theirs = err
		}
	}
	return errors.Join(err, now.Close())
}

// whole compares a copy with the original: what SQLite says of its structure, and the rows of each table.
func (w *rewrite) whole(now *source) error {
	c, err := now.acquire(w.ctx)
	if err != nil {
		return err
	}
	defer now.release(c, true)
	wrong, err := integrity(c)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		was, err := integrity(w.reader)
		if err != nil {
			return err
		}
		for _, line := range wrong {
			if !slices.Contains(was, line) {
				return fmt.Errorf("the new file is not whole: %w", connectors.ErrDamaged)
			}
		}
	}
	tables, err := loadTables(w.reader, w.database)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.virtual {
			continue
		}
		before, err := rowsOf(w.reader, t)
		if err != nil {
			return err
		}
		for _, n := range w.counts {
			if n.Table == t.Name {
				before -= n.Deleted
			}
		}
		if after, err := rowsOf(c, t); err != nil || after != before {
			return errors.Join(err, fmt.Errorf("table %s has %d rows in the new file instead of %d: %w", t.Name, after,
				before, connectors.ErrDamaged))
		}
	}
	return nil
}

func integrity(c *sqlite3.Conn) (wrong []string, err error) {
	err = rows(c, "PRAGMA integrity_check", func(s *sqlite3.Stmt) {
		if line := s.ColumnText(0); line != "ok" {
			wrong = append(wrong, line)
		}
	})
	return wrong, err
}

func rowsOf(c *sqlite3.Conn, t *table) (n int64, err error) {
	err = rows(c, "SELECT count(*) FROM main."+t.name, func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) })
	return n, err
}
