// Package sealed keeps the rows of a SQLite file from being believed when somebody else wrote them: Seals gives each
// row of its Tables a tag, with every statement of a connection that Connect was called of, and says in a box which
// rows there are.
package sealed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/pipeline/registry/keystore"
)

// ErrAltered says that somebody else than Lethe wrote to the journal: a row is not as it was written, or is gone, or
// was there before and is again.
var ErrAltered = errors.New("the journal was changed by somebody else")

// Table is one whose rows are sealed.
type Table struct {
	Name    string
	Columns []string // the key first
	Key     int      // how many columns that is
}

// Of lists the columns, each after a word: "NEW." for example.
func (t Table) Of(word string) string { return word + strings.Join(t.Columns, ", "+word) }

// Seals is what a file is sealed with. Each row has a tag over its table and content, by AES-CMAC under a key that
// derives from the runner's; and one box, which nobody can read or make without the key, holds the sum of the tags of
// each table, and how often anything was written. Triggers of the connection keep both with every change, so that no
// statement can forget it: they are temporary, and nothing of them stands in the file.
type Seals struct {
	Sealer *keystore.Sealer // nil: nobody has the key, and one that is sealed can only be read
	Schema string           // what makes its tables, if they are not there: seals too, of id and box
	Tables []Table          // in the order of their sums in the box: a new one comes last
}

// The functions that the triggers call.
const (
	FnTag    = "lethe_tag"    // the tag of a row: number of its table, columns
	fnChange = "lethe_change" // the box after a change: box, number of a table, the row's tag before, and after it
	noTag    = "x''"
)

// Connect teaches a connection the functions, makes the tables, and lets triggers follow what it writes.
func (s Seals) Connect(c *sqlite3.Conn) error {
	if err := s.tables(c); err != nil {
		return err
	}
	if s.Sealer == nil {
		n, err := number(c, `SELECT count(*) FROM seals`)
		if err == nil && n > 0 {
			err = c.Exec(`PRAGMA query_only = on`)
		}
		return err
	}
	err := c.CreateFunction(FnTag, -1, sqlite3.DETERMINISTIC, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
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
	for i, t := range s.Tables {
		if err != nil {
			return err
		}
		row := func(word string) string { return fmt.Sprintf("%s(%d, %s)", FnTag, i, t.Of(word)) }
		write := func(before, after string) string {
			return fmt.Sprintf("UPDATE seals SET box = %s(box, %d, %s, %s);", fnChange, i, before, after)
		}
		mark := fmt.Sprintf("UPDATE %s SET seal = %s WHERE rowid = NEW.rowid;", t.Name, row("NEW."))
		trigger := func(name, on, does string) string {
			return fmt.Sprintf("CREATE TEMP TRIGGER seal_%s_%s AFTER %s ON main.%s BEGIN %s END;", t.Name, name, on,
				t.Name, does)
		}
		err = c.Exec(trigger("new", "INSERT", mark+write(noTag, row("NEW."))) +
			trigger("other", "UPDATE OF "+t.Of(""), mark+write(row("OLD."), row("NEW."))) +
			trigger("gone", "DELETE", write(row("OLD."), noTag)))
	}
	if err == nil {
		err = s.born(c)
	}
	return err
}

// tables makes the tables that a file lacks, and the column of seals in those of an earlier build.
func (s Seals) tables(c *sqlite3.Conn) error {
	if err := c.Exec(s.Schema); err != nil {
		return err
	}
	for _, t := range s.Tables {
		n, err := number(c, `SELECT count(*) FROM pragma_table_info('`+t.Name+`') WHERE name = 'seal'`)
		if err == nil && n == 0 {
			err = c.Exec(`ALTER TABLE ` + t.Name + ` ADD COLUMN seal BLOB`)
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

// born seals a file that has nothing in it yet.
func (s Seals) born(c *sqlite3.Conn) error {
	var rows []string
	for _, t := range s.Tables {
		rows = append(rows, `EXISTS (SELECT 1 FROM `+t.Name+`)`)
	}
	n, err := number(c, `SELECT EXISTS (SELECT 1 FROM seals) OR `+strings.Join(rows, " OR "))
	if err != nil || n != 0 {
		return err
	}
	st, _, err := c.Prepare(`INSERT INTO seals (id, box) VALUES (1, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	sums := make([]keystore.Sum, len(s.Tables)+1)
	sums[len(sums)-1].Rows = 1
	err = st.BindBlob(1, s.Sealer.Box(sums, nil))
	return errors.Join(err, st.Exec(), st.Close())
}

// tag is that of a row: what it is, and how long, stands before each column.
func (s Seals) tag(row []sqlite3.Value) keystore.Tag {
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
	return s.Sealer.Clone().Row(text)
}

// Open opens a box: the sums of the tables, and after them how often anything was written. One of an earlier build,
// which had fewer tables, has fewer sums: the others' are of no rows.
func (s Seals) Open(box []byte) ([]keystore.Sum, error) {
	sums := make([]keystore.Sum, len(s.Tables)+1)
	for tables := len(s.Tables); tables > 0; tables-- {
		if s.Sealer.Open(box, sums[:tables+1], nil) == nil {
			if tables < len(s.Tables) {
				sums[len(sums)-1], sums[tables] = sums[tables], keystore.Sum{}
			}
			return sums, nil
		}
	}
	return nil, fmt.Errorf("%w: what it says of its rows is not as it was written, or was sealed with another "+
		"runner's key", ErrAltered)
}

// change is the box after a row was written, replaced or removed: an empty tag stands for no row.
func (s Seals) change(box []byte, table int, before, after []byte) ([]byte, error) {
	sums, err := s.Open(box)
	if err != nil {
		return nil, err
	}
	sealer := s.Sealer.Clone()
	if len(before) > 0 {
		sealer.Take(&sums[table], keystore.Tag(before))
	}
	if len(after) > 0 {
		sealer.Add(&sums[table], keystore.Tag(after))
	}
	sums[len(sums)-1].Rows++
	return sealer.Box(sums, nil), nil
}
