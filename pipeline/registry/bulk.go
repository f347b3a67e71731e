package registry

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strings"
)

// lookUpRows is how many keys one look-up names.
const lookUpRows = 500

// lookUp runs a query that ends with "silo = ? AND <key> " for each of the keys, in key order.
func (t *txn) lookUp(ctx context.Context, silo int64, query string, keys [][]byte, each func(row) error) error {
	slices.SortFunc(keys, bytes.Compare)
	for portion := range slices.Chunk(keys, lookUpRows) {
		if err := t.lookUpSome(ctx, silo, query+"IN ("+placeholders(len(portion))+")", portion, each); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) lookUpSome(ctx context.Context, silo int64, query string, keys [][]byte, each func(row) error) error {
	if t.direct {
		args := make([]cell, 0, 1+len(keys))
		args = append(args, number(silo))
		for _, key := range keys {
			args = append(args, blob(key))
		}
		return t.eachDirectGiven(ctx, query, each, args)
	}
	args := make([]any, 0, 1+len(keys))
	args = append(args, silo)
	for _, key := range keys {
		args = append(args, key)
	}
	return t.scanned(ctx, query, each, args...)
}

func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// cell is a value to insert.
type cell struct {
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

func number(n int64) cell { return cell{kind: cellNumber, number: n} }
func text(s string) cell  { return cell{kind: cellText, text: s} }
func blob(b []byte) cell  { return cell{kind: cellBlob, blob: b} }

func (c *cell) value() any {
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

// bulk gathers rows of one table and inserts them together.
type bulk struct {
	tx      *txn
	insert  string // up to VALUES
	clash   string // what becomes of a row whose key is there already; "" it ends the transaction
	columns int
	cells   []cell
	full    *sql.Stmt
	args    []any
}

// bulkRows is how many rows one INSERT names where a statement is a message to a server.
const bulkRows = 100

// newBulk prepares for a table. A failure ends the whole transaction, so the statements need no journal of their own (in SQLite OR FAIL,
// and deferred foreign keys).
func newBulk(tx *txn, table, columns string) *bulk {
	return &bulk{tx: tx, insert: tx.insert + table + " (" + columns + ") VALUES ", columns: strings.Count(columns, ",") + 1}
}

// add takes one row.
func (b *bulk) add(row ...cell) { b.cells = append(b.cells, row...) }

// rows is how many it took.
func (b *bulk) rows() int { return len(b.cells) / b.columns }

// sortBy orders the rows by a column of blobs: keys that come in order cost a tree less than keys that come as they are.
func (b *bulk) sortBy(column int) {
	rows := slices.AppendSeq(make([][]cell, 0, b.rows()), slices.Chunk(b.cells, b.columns))
	slices.SortFunc(rows, func(x, y []cell) int { return bytes.Compare(x[column].blob, y[column].blob) })
	sorted := make([]cell, 0, len(b.cells))
	for _, row := range rows {
		sorted = append(sorted, row...)
	}
	b.cells = sorted
}

// flush writes what add took.
func (b *bulk) flush(ctx context.Context) error {
	err := b.write(ctx, b.cells)
	clear(b.cells)
	b.cells = b.cells[:0]
	return err
}

// text is the statement for so many rows.
func (b *bulk) text(row string, rows int) string {
	return b.insert + row + strings.Repeat(","+row, rows-1) + b.clash
}

func (b *bulk) write(ctx context.Context, cells []cell) error {
	row := "(" + placeholders(b.columns) + ")"
	if b.tx.direct {
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
			_, err = b.tx.exec(ctx, b.text(row, rows), b.args...)
		case b.full == nil:
			if b.full, err = b.tx.prepared(ctx, b.text(row, bulkRows)); err != nil {
				return err
			}
			fallthrough
		default:
			_, err = b.full.ExecContext(ctx, b.args...)
			err = b.tx.failed(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flushRows is how many rows of a table are written together.
const flushRows = 1000

// output writes rows beside what makes them, because the database takes most of the time of an import. Until wait has returned, nothing else may be
// asked of the transaction.
type output struct {
	rows  chan handedOver
	spare chan []cell // for use again
	done  chan error  // the first error; what was handed over after it is dropped
}

type handedOver struct {
	to    *bulk
	cells []cell
}

func beside(ctx context.Context) *output {
	o := &output{make(chan handedOver, 2), make(chan []cell, 2), make(chan error)}
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

// take takes the rows that a bulk has gathered.
func (o *output) take(b *bulk) {
	if len(b.cells) == 0 {
		return
	}
	o.rows <- handedOver{b, b.cells}
	select {
	case b.cells = <-o.spare:
	default:
		b.cells = nil
	}
}

// wait returns when all rows are written.
func (o *output) wait() error {
	close(o.rows)
	return <-o.done
}
