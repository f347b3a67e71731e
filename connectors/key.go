package connectors

import (
	"encoding/binary"
	"errors"
	"hash"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Key is a tuple of values, each with its length before it, so that it can be compared, sorted and used in
// a map. It holds values of a record: it never goes to a log, an error or a report.
type Key string

// MakeKey returns the key of the given values.
func MakeKey(values ...[]byte) Key {
	n := 0
	for _, v := range values {
		n += len(v) + binary.MaxVarintLen32
	}
	b := make([]byte, 0, n)
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return Key(b)
}

// KeyOf returns the key made of the given columns of a row; ok is false if one of them is NULL.
func KeyOf(rows arrow.Record, columns []int, row int) (key Key, ok bool) {
	var buf [64]byte
	b, ok := AppendKey(buf[:0], rows, columns, row)
	if !ok {
		return "", false
	}
	return Key(b), true
}

// Numbered reports whether all fields of a key are whole numbers, which a source gives out rather than people.
func Numbered(t Table, columns []int) bool {
	for _, column := range columns {
		if t.Fields[column].Kind != Integer {
			return false
		}
	}
	return len(columns) > 0
}

// AppendKey is KeyOf into memory to use again.
func AppendKey(b []byte, rows arrow.Record, columns []int, row int) (key []byte, ok bool) {
	for _, c := range columns {
		col := rows.Column(c).(*array.Binary)
		if col.IsNull(row) {
			return b, false
		}
		v := col.Value(row)
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b, true
}

// DigestCell adds a cell, its length before it, so that no text can stand for another's; NULL is no text.
func DigestCell(m hash.Hash, rows arrow.Record, column, row int) {
	col := rows.Column(column).(*array.Binary)
	if col.IsNull(row) {
		m.Write([]byte{0})
		return
	}
	v := col.Value(row)
	var head [9]byte
	head[0] = 1
	for i, l := 1, len(v); i < len(head); i, l = i+1, l>>8 {
		head[i] = byte(l)
	}
	m.Write(head[:])
	m.Write(v)
}

var errKey = errors.New("damaged key")

// Values takes the key apart. The slices are copies.
func (k Key) Values() ([][]byte, error) {
	var values [][]byte
	for b := []byte(k); len(b) > 0; {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, errKey
		}
		values = append(values, b[w:w+int(n):w+int(n)])
		b = b[w+int(n):]
	}
	return values, nil
}
