package copies

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// begin makes sure that the copy is there, and records that a delivery begins.
func (k *keeping) begin(ctx context.Context) error {
	n := k.Keeper
	if !n.Tonight.Apply {
		t, ok := k.store.Tables.Find(k.name())
		if k.Table && ok && stores.IsCopy(t) && len(t.Fields) == len(k.of.Key)+len(stores.CopyFields) {
			return k.opened(t)
		}
		return nil
	}

	for silo, d := range k.was {
		d.SentSeq, d.SentAt, d.Attempts = k.lines[silo].HeadSeq, n.Tonight.AsOf, d.Attempts+1
		if err := n.Silos.Registry.PutDelivery(ctx, silo, d); err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		k.was[silo], k.lines[silo].Attempts = d, d.Attempts
	}
	if !k.Table {
		return nil
	}

	keeper, err := k.keepable(ctx)
	if err != nil {
		return k.withoutTable(err)
	}
	k.keeper = keeper
	made := journal.Made{Target: k.Target, Source: k.store.Name, Table: k.name()}
	if err := n.Journal.PutMade(ctx, made); err != nil {
		return err
	}
	t, err := keeper.EnsureCopy(ctx, k.copy())
	if errors.Is(err, connectors.ErrOutdated) {
		// The application changed its key, or a copy had other fields before: nothing is in it
		// that is not known here.
		if err = keeper.DropCopy(ctx, k.name()); err == nil {
			t, err = keeper.EnsureCopy(ctx, k.copy())
		}
	}
	if err != nil {
		return k.withoutTable(err)
	}
	return k.opened(t)
}

// opened takes the copy's table as it is now.
func (k *keeping) opened(t connectors.Table) (err error) {
	k.table = t
	k.builder, err = connectors.NewBuilder(t, nil)
	return err
}

// withoutTable goes on with the files alone where the table could not be kept: what was withdrawn reaches
// them all the same. The failure is that of the delivery.
func (k *keeping) withoutTable(failure error) error {
	if k.files == nil {
		return failure
	}
	k.failed, k.keeper, k.table = failure, nil, connectors.Table{}
	return nil
}

// write puts rows into the copy's table and takes others out. What passes (a deadlock) is tried again.
func (k *keeping) write(ctx context.Context, put []copyRow, gone []connectors.Key) error {
	if k.keeper == nil || len(put)+len(gone) == 0 {
		return nil
	}
	k.Keeper.Setup.Crash("copy_page")
	for _, r := range put {
		if err := k.build(r); err != nil {
			return err
		}
	}

	rows := k.builder.Batch("").Rows
	for attempt := 1; ; attempt++ {
		err := k.keeper.WriteCopy(ctx, k.table, rows, gone)
		if !errors.Is(err, connectors.ErrTransient) || attempt == 5 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 100 * time.Millisecond):
		}
	}
}

// build adds a row to the next batch: the record's key, then what stores.CopyFields lists.
func (k *keeping) build(r copyRow) error {
	values, err := r.record.Values()
	if err != nil {
		return err
	}
	until := len(values) + 3
	values = append(values, []byte(r.silo), []byte(r.purpose), []byte(r.status), []byte(r.until), []byte(r.since),
		hex.AppendEncode(nil, r.seal[:]))
	for i, v := range values {
		if i == until && r.until == "" {
			k.builder.AppendNull(i)
			continue
		}
		k.builder.Append(i, v)
	}
	k.builder.EndRow()
	return nil
}

// read takes a batch of the copy apart.
func (k *keeping) read(b connectors.Batch) []copyRow {
	rows := make([]copyRow, b.Rows.NumRows())
	first := len(k.of.Key)
	record := make([]int, first)
	for i := range record {
		record[i] = i
	}
	text := func(column, row int) string {
		col := b.Rows.Column(first + column).(*array.Binary)
		if col.IsNull(row) {
			return ""
		}
		return string(col.Value(row))
	}
	for row := range rows {
		r := &rows[row]
		r.record, _ = connectors.KeyOf(b.Rows, record, row)
		r.silo, r.purpose, r.status = text(0, row), text(1, row), text(2, row)
		r.until, r.since = text(3, row), text(4, row)
		if seal, err := hex.DecodeString(text(5, row)); err == nil && len(seal) == len(r.seal) {
			r.seal = [16]byte(seal)
		}
	}
	return rows
}

// page reads one batch of a query and hands it over; next is "" when there was none. The scan is over
// when page returns, so that what was read may be written to.
func page(ctx context.Context, source connectors.Source, q connectors.Query,
	do func(connectors.Batch)) (next connectors.Cursor, err error) {
	for b, err := range source.Scan(ctx, q) {
		if err != nil {
			return "", err
		}
		if b.Rows.NumRows() == 0 {
			continue
		}
		do(b)
		return b.Next, nil
	}
	return "", nil
}
