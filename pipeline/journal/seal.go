package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/pipeline/registry/keystore"
)

// ErrAltered says that somebody else than Lethe wrote to the journal: a row is not as it was written, or is gone, or
// was there before and is again.
var ErrAltered = errors.New("the journal was changed by somebody else")

// sealedTable is one whose rows are sealed. The answers are not: they are a chain of their own, which people sign, and
// of which only the end is kept here; nor is the log, which stands in the reports with its signed checkpoints.
type sealedTable struct {
	name    string
	columns []string // the key first
	key     int      // how many columns that is
}

// sealedTables in the order of their sums in the box: a new one comes last.
var sealedTables = []sealedTable{
	{"run", []string{"run_id", "run_key", "apply", "as_of", "started_at", "ended_at", "exit_code", "facts",
		"manifest"}, 1},
	{"plan", []string{"plan_id", "run_id", "part", "digest", "created_at", "valid_until", "state", "run_settled"}, 1},
	{"chunk", []string{"plan_id", "grp", "first", "id", "run_id", "rows", "intent_at", "outcome", "settled_at"}, 3},
	{"refusal", []string{"plan_id", "grp", "row", "class", "by_name", "at", "source", "tbl", "record", "destroys",
		"policy", "next_try"}, 3},
	{"self", []string{"id"}, 1},
	{"rewrite", []string{"file", "rewritten_at", "sha256"}, 1},
	{"made", []string{"target", "source", "tbl", "folder"}, 4},
	{"answered", []string{"id", "seq", "hash"}, 1},
	{"tried", []string{"id", "key", "at", "fits"}, 1},
	{"head", []string{"silo", "seq", "hash", "writes"}, 1},
}

// of lists the columns, each after a word: "NEW." for example.
func (t sealedTable) of(word string) string { return word + strings.Join(t.columns, ", "+word) }

// seals is what a journal is sealed with. Each row has a tag over its table and content, by AES-CMAC under a key that
// derives from the runner's; and one box, which nobody can read or make without the key, holds the sum of the tags of
// each table, and how often anything was written. Triggers of the connection keep both with every change, so that no
// statement can forget it: they are temporary, and nothing of them stands in the file.
type seals struct{ sealer *keystore.Sealer }

// The functions that the triggers call.
const (
	fnTag    = "lethe_tag"    // the tag of a row: number of its table, columns
	fnChange = "lethe_change" // the box after a change: box, number of a table, the row's tag before, and after it
	noTag    = "x''"
)

// connect teaches a connection the functions, makes the tables, and lets triggers follow what it writes.
func (s seals) connect(c *sqlite3.Conn) error {
	if err := tables(c); err != nil {
		return err
	}
	if s.sealer == nil {
		n, err := number(c, `SELECT count(*) FROM seals`)
		if err == nil && n > 0 {
			err = c.Exec(`PRAGMA query_only = on`)
		}
		return err
	}
	err := c.CreateFunction(fnTag, -1, sqlite3.DETERMINISTIC, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		tag := s.tag(arg)
		ctx.ResultBlob(tag[:])
	})
	if err == nil {
		err = c.CreateFunction(fnChange, 4, 0, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
			box, err := s.change(arg[0].RawBlob(), arg[1].Int(), arg[2].RawBlob(), arg[3].RawBlob())
			if err != nil {
				ctx.ResultError(err)
				return
			}
			ctx.ResultBlob(box)
		})
	}
	for i, t := range sealedTables {
		if err != nil {
			return err
		}
		row := func(word string) string { return fmt.Sprintf("%s(%d, %s)", fnTag, i, t.of(word)) }
		write := func(before, after string) string {
			return fmt.Sprintf("UPDATE seals SET box = %s(box, %d, %s, %s);", fnChange, i, before, after)
		}
		mark := fmt.Sprintf("UPDATE %s SET seal = %s WHERE rowid = NEW.rowid;", t.name, row("NEW."))
		trigger := func(name, on, does string) string {
			return fmt.Sprintf("CREATE TEMP TRIGGER seal_%s_%s AFTER %s ON main.%s BEGIN %s END;", t.name, name, on,
				t.name, does)
		}
		err = c.Exec(trigger("new", "INSERT", mark+write(noTag, row("NEW."))) +
			trigger("other", "UPDATE OF "+t.of(""), mark+write(row("OLD."), row("NEW."))) +
			trigger("gone", "DELETE", write(row("OLD."), noTag)))
	}
	if err == nil {
		err = s.born(c)
	}
	return err
}

// tables makes the tables that a journal lacks, and the column of seals in those of an earlier build.
func tables(c *sqlite3.Conn) error {
	if err := c.Exec(schema); err != nil {
		return err
	}
	for _, t := range sealedTables {
		n, err := number(c, `SELECT count(*) FROM pragma_table_info('`+t.name+`') WHERE name = 'seal'`)
		if err == nil && n == 0 {
			err = c.Exec(`ALTER TABLE ` + t.name + ` ADD COLUMN seal BLOB`)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func number(c *sqlite3.Conn, query string) (n int64, err error) {
	st, _, err := c.Prepare(query)
	if err != nil {
		return 0, err
	}
	if st.Step() {
		n = st.ColumnInt64(0)
	}
	return n, errors.Join(st.Err(), st.Close())
}

// born seals a journal that has nothing in it yet.
func (s seals) born(c *sqlite3.Conn) error {
	var rows []string
	for _, t := range sealedTables {
		rows = append(rows, `EXISTS (SELECT 1 FROM `+t.name+`)`)
	}
	n, err := number(c, `SELECT EXISTS (SELECT 1 FROM seals) OR `+strings.Join(rows, " OR "))
	if err != nil || n != 0 {
		return err
	}
	st, _, err := c.Prepare(`INSERT INTO seals (id, box) VALUES (1, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	sums := make([]keystore.Sum, len(sealedTables)+1)
	sums[len(sums)-1].Rows = 1
	err = st.BindBlob(1, s.sealer.Box(sums, nil))
	return errors.Join(err, st.Exec(), st.Close())
}

// tag is that of a row: what it is, and how long, stands before each column.
func (s seals) tag(row []sqlite3.Value) keystore.Tag {
	text := make([]byte, 0, 512)
	for _, v := range row {
		kind := v.Type()
		text = append(text, byte(kind))
		switch kind {
		case sqlite3.INTEGER:
			text = binary.BigEndian.AppendUint64(text, uint64(v.Int64()))
		case sqlite3.NULL:
		default:
			b := v.RawBlob()
			text = append(binary.BigEndian.AppendUint64(text, uint64(len(b))), b...)
		}
	}
	return s.sealer.Clone().Row(text)
}

// open opens a box: the sums of the tables, and after them how often anything was written. One of an earlier build,
// which had fewer tables, has fewer sums: the others' are of no rows.
func (s seals) open(box []byte) ([]keystore.Sum, error) {
	sums := make([]keystore.Sum, len(sealedTables)+1)
	for tables := len(sealedTables); tables > 0; tables-- {
		if s.sealer.Open(box, sums[:tables+1], nil) == nil {
			if tables < len(sealedTables) {
				sums[len(sums)-1], sums[tables] = sums[tables], keystore.Sum{}
			}
			return sums, nil
		}
	}
	return nil, fmt.Errorf("%w: what it says of its rows is not as it was written, or was sealed with another "+
		"runner's key", ErrAltered)
}

// change is the box after a row was written, replaced or removed: an empty tag stands for no row.
func (s seals) change(box []byte, table int, before, after []byte) ([]byte, error) {
	sums, err := s.open(box)
	if err != nil {
		return nil, err
	}
	sealer := s.sealer.Clone()
	if len(before) > 0 {
		sealer.Take(&sums[table], keystore.Tag(before))
	}
	if len(after) > 0 {
		sealer.Add(&sums[table], keystore.Tag(after))
	}
	sums[len(sums)-1].Rows++
	return sealer.Box(sums, nil), nil
}

// Writes is how often anything was written to the journal: an older copy says less. 0 says that it is not sealed, which
// one of an earlier build is not.
func (j *Journal) Writes(ctx context.Context) (int64, error) {
	sums, err := j.sums(ctx)
	if err != nil || sums == nil {
		return 0, err
	}
	return sums[len(sums)-1].Rows, nil
}

// sums are those of the box; nil where there is none.
func (j *Journal) sums(ctx context.Context) ([]keystore.Sum, error) { return j.sumsIn(ctx, j.db) }

func (j *Journal) sumsIn(ctx context.Context, in interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) ([]keystore.Sum, error) {
	if j.seals.sealer == nil {
		return nil, nil
	}
	var box []byte
	err := in.QueryRowContext(ctx, `SELECT box FROM seals`).Scan(&box)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, j.wrap("read seals", err)
	}
	return j.seals.open(box)
}

// raise lets the journal say that it was written to so often, at the least.
func (j *Journal) raise(ctx context.Context, tx *sql.Tx, writes int64) error {
	sums, err := j.sumsIn(ctx, tx)
	if err != nil || sums == nil {
		return err
	}
	last := &sums[len(sums)-1]
	last.Rows = max(last.Rows, writes)
	_, err = tx.ExecContext(ctx, `UPDATE seals SET box = ?`, j.seals.sealer.Box(sums, nil))
	return err
}

// Whole makes sure that every row is as Lethe wrote it, that none is gone, and that the journal is not older than the
// one that had so many writes. It returns [ErrAltered], with the first row that is not.
func (j *Journal) Whole(ctx context.Context, writes int64) error {
	if j.seals.sealer == nil {
		return nil
	}
	tx, err := j.db.BeginTx(ctx, nil) // a night may be at work
	if err != nil {
		return j.wrap("read seals", err)
	}
	return errors.Join(j.whole(ctx, tx, writes), tx.Rollback())
}

func (j *Journal) whole(ctx context.Context, tx *sql.Tx, writes int64) error {
	var alien string
	err := tx.QueryRowContext(ctx,
		`SELECT name FROM main.sqlite_schema WHERE type IN ('trigger', 'view')`).Scan(&alien)
	if err == nil {
		return fmt.Errorf("%w: somebody let it act by itself (%s), which Lethe does not", ErrAltered, alien)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return j.wrap("read seals", err)
	}
	sums, err := j.sumsIn(ctx, tx)
	if err != nil {
		return err
	}
	switch {
	case sums == nil && writes > 0:
		return fmt.Errorf("%w: it is not sealed, and it was when the last report was made", ErrAltered)
	case sums == nil:
		return nil
	case sums[len(sums)-1].Rows < writes:
		return fmt.Errorf("%w: it is older than the last report: put back from a copy", ErrAltered)
	}
	for i := range sealedTables {
		if err := j.wholeTable(ctx, tx, i, sums[i]); err != nil {
			return err
		}
	}
	return nil
}

// wholeTable reads a table and holds it against its sum.
func (j *Journal) wholeTable(ctx context.Context, tx *sql.Tx, table int, want keystore.Sum) error {
	t := sealedTables[table]
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT %s, seal, %s(%d, %s) FROM %s ORDER BY rowid`,
		strings.Join(t.columns[:t.key], " || ' ' || "), fnTag, table, t.of(""), t.name))
	if err != nil {
		return j.wrap("read seals", err)
	}
	defer rows.Close()
	var sum keystore.Sum
	sealer := j.seals.sealer.Clone()
	for rows.Next() {
		var place string
		var stands, tag []byte
		if err := rows.Scan(&place, &stands, &tag); err != nil {
			return j.wrap("read seals", err)
		}
		if !bytes.Equal(stands, tag) {
			return fmt.Errorf("%w: table %s, row %s is not as it was written", ErrAltered, t.name, place)
		}
		sealer.Add(&sum, keystore.Tag(tag))
	}
	switch err := rows.Err(); {
	case err != nil:
		return j.wrap("read seals", err)
	case sum == want:
		return nil
	case sum.Rows < want.Rows:
		return fmt.Errorf("%w: table %s: %d of its rows are gone", ErrAltered, t.name, want.Rows-sum.Rows)
	case sum.Rows > want.Rows:
		return fmt.Errorf("%w: table %s has %d rows that were there before and were removed", ErrAltered, t.name,
			sum.Rows-want.Rows)
	}
	return fmt.Errorf("%w: table %s: rows of it are as they were before, and not as they were last written", ErrAltered,
		t.name)
}

// Seal seals the rows of a journal of an earlier build, which had no seals, as they stand. One that is sealed stays as
// it is.
func (j *Journal) Seal(ctx context.Context) error {
	sums, err := j.sums(ctx)
	if err != nil || sums != nil || j.seals.sealer == nil {
		return err
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("seal", err)
	}
	for i, t := range sealedTables {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE %s SET seal = %s(%d, %s)`, t.name, fnTag, i,
			t.of(""))); err != nil {
			return j.wrap("seal", errors.Join(err, tx.Rollback()))
		}
	}
	if err := j.count(ctx, tx); err != nil {
		return j.wrap("seal", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("seal", tx.Commit())
}

// count makes the box of the rows that stand.
func (j *Journal) count(ctx context.Context, tx *sql.Tx) error {
	sums := make([]keystore.Sum, len(sealedTables)+1)
	sums[len(sums)-1].Rows = 1
	sealer := j.seals.sealer.Clone()
	for i, t := range sealedTables {
		rows, err := tx.QueryContext(ctx, `SELECT seal FROM `+t.name)
		if err != nil {
			return err
		}
		for rows.Next() {
			var tag []byte
			if err := rows.Scan(&tag); err != nil {
				return errors.Join(err, rows.Close())
			}
			sealer.Add(&sums[i], keystore.Tag(slices.Clone(tag)))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO seals (id, box) VALUES (1, ?)`, sealer.Box(sums, nil))
	return err
}
