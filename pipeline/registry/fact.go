package registry

import "fmt"

// fact is an event as the state needs it.
type fact struct {
	seq                             int64
	typ                             EventType
	purpose                         string
	occurred, from, until, recorded int64
	notice, proof, minor, marketing bool
	details                         details
}

// factReader scans rows of factQuery.
type factReader struct {
	types, purposes texts
}

func (t *factReader) read(row row) (int64, fact, error) {
	flags := row.ColumnInt64(10)
	f := fact{seq: row.ColumnInt64(1), typ: EventType(t.types.text(row.ColumnRawText(2))), purpose: t.purposes.text(row.ColumnRawText(3)), occurred: row.ColumnInt64(4),
		from: row.ColumnInt64(5), until: row.ColumnInt64(6), recorded: row.ColumnInt64(7), notice: row.ColumnInt64(8) != 0, proof: row.ColumnInt64(9) != 0,
		minor: flags&flagMinor != 0, marketing: flags&flagMarketing != 0}
	var err error
	if f.details, err = decodeDetails(row.ColumnRawText(11)); err != nil {
		return 0, fact{}, fmt.Errorf("event %d: its details cannot be read: %w", f.seq, err)
	}
	return row.ColumnInt64(0), f, nil
}
