package database

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strings"
)

// LookUpRows is how many keys one look-up names.
const LookUpRows = 500

// LookUp runs a query that ends with "silo = ? AND <key> " for each of the keys, in key order.
func (t *Txn) LookUp(ctx context.Context, silo int64, query string, keys [][]byte, each func(Row) error) error {
	slices.SortFunc(keys, bytes.Compare)
	if t.Direct {
		return t.lookUpDirect(ctx, silo, query+"= ?", keys, each)
	}
	for portion := range slices.Chunk(keys, LookUpRows) {
		args := make([]any, 0, 1+len(portion))
		args = append(args, silo)
		for _, key := range portion {
			args = append(args, key)
		}
		if err := t.Scanned(ctx, query+"IN ("+Placeholders(len(portion))+")", each, args...); err != nil {
			return err
		}
	}
	return nil
}

// Placeholders are n of ?, with commas between them.
func Placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// Cell is a value to insert.
type Cell struct {
	kind   byte
	number int64
	text   string
	blob   []byte // not changed until the next flush
}

const (
	cellNull = iota
	cellNumber
	cellText
	cellBlob
)

// Number is a cell with a number.
func Number(n int64) Cell { return Cell{kind: cellNumber, number: n} }

// Text is a cell with a text.
func Text(s string) Cell { return Cell{kind: cellText, text: s} }

// Blob is a cell with bytes, which must not change until they are written.
func Blob(b []byte) Cell { return Cell{kind: cellBlob, blob: b} }

// Bytes are those of a cell that Blob made.
func (c *Cell) Bytes() []byte { return c.blob }

func (c *Cell) value() any {
	switch c.kind {
	case cellNumber:
		return c.number
	case cellText:
		return c.text
	case cellBlob:
		return c.blob
	}
	return nil
}

// Bulk gathers rows of one table and inserts them together.
type Bulk struct {
	tx      *Txn
	insert  string // up to VALUES
	Clash   string // what becomes of a row whose key is there already; "" it ends the transaction
	columns int
	Cells   []Cell
	full    *sql.Stmt
	args    []any
}

// bulkRows is how many rows one INSERT names where a statement is a message to a server.
const bulkRows = 100

// NewBulk prepares for a table. A failure ends the whole transaction, so the statements need no journal of
// their own (in SQLite OR FAIL, and deferred foreign keys).
func NewBulk(tx *Txn, table, columns string) *Bulk {
	return &Bulk{tx: tx, insert: tx.insert + table + " (" + columns + ") VALUES ",
		columns: strings.Count(columns, ",") + 1}
}

// Add takes one row.
func (b *Bulk) Add(row ...Cell) { b.Cells = append(b.Cells, row...) }

// Fill sets a column of the last rows that it took, in their order.
func (b *Bulk) Fill(column, rows int, cell func(i int) Cell) {
	first := len(b.Cells) - rows*b.columns
	for i := range rows {
		b.Cells[first+i*b.columns+column] = cell(i)
	}
}

// Rows is how many it took.
func (b *Bulk) Rows() int { return len(b.Cells) / b.columns }

// SortBy orders the rows by a column of blobs: keys that come in order cost a tree less than keys that come
// as they are.
func (b *Bulk) SortBy(column int) {
	rows := slices.AppendSeq(make([][]Cell, 0, b.Rows()), slices.Chunk(b.Cells, b.columns))
	slices.SortFunc(rows, func(x, y []Cell) int { return bytes.Compare(x[column].blob, y[column].blob) })
	sorted := make([]Cell, 0, len(b.Cells))
	for _, row := range rows {
		sorted = append(sorted, row...)
	}
	b.Cells = sorted
}

// Flush writes what add took.
func (b *Bulk) Flush(ctx context.Context) error {
	err := b.write(ctx, b.Cells)
	clear(b.Cells)
	b.Cells = b.Cells[:0]
	return err
}

// text is the statement for so many rows.
func (b *Bulk) text(row string, rows int) string {
	return b.insert + row + strings.Repeat(","+row, rows-1) + b.Clash
}

func (b *Bulk) write(ctx context.Context, cells []Cell) error {
	row := "(" + Placeholders(b.columns) + ")"
	if b.tx.Direct {
		return b.tx.insertDirect(ctx, b, cells, row)
	}
	for portion := range slices.Chunk(cells, bulkRows*b.columns) {
		b.args = b.args[:0]
		for i := range portion {
			b.args = append(b.args, portion[i].value())
		}
		var err error
		switch rows := len(portion) / b.columns; {
		case rows < bulkRows:
			_, err = b.tx.Exec(ctx, b.text(row, rows), b.args...)
		case b.full == nil:
			if b.full, err = b.tx.Prepared(ctx, b.text(row, bulkRows)); err != nil {
				return err
			}
			fallthrough
		default:
			_, err = b.full.ExecContext(ctx, b.args...)
			err = b.tx.Failed(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// FlushRows is how many rows of a table are written together.
const FlushRows = 1000

// Output writes rows beside what makes them, because the database takes most of the time of an import.
// Until wait has returned, nothing else may be asked of the transaction.
type Output struct {
	rows  chan handedOver
	spare chan []Cell // for use again
	done  chan error  // the first error; what was handed over after it is dropped
}

type handedOver struct {
	to    *Bulk
	cells []Cell
}

// Beside begins an output.
func Beside(ctx context.Context) *Output {
	o := &Output{make(chan handedOver, 2), make(chan []Cell, 2), make(chan error)}
	go func() {
		var err error
		for given := range o.rows {
			if err == nil {
				err = given.to.write(ctx, given.cells)
			}
			clear(given.cells)
			select {
			case o.spare <- given.cells[:0]:
			default:
			}
		}
		o.done <- err
	}()
	return o
}

// Take takes the rows that a bulk has gathered.
func (o *Output) Take(b *Bulk) {
	if len(b.Cells) == 0 {
		return
	}
	o.rows <- handedOver{b, b.Cells}
	select {
	case b.Cells = <-o.spare:
	default:
		b.Cells = nil
	}
}

// Wait returns when all rows are written.
func (o *Output) Wait() error {
	close(o.rows)
	return <-o.done
}
