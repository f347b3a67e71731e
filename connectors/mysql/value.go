package mysql

import (
	"database/sql/driver"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

// tuple returns the values of some columns; ok is false if one is NULL.
func (r *reader) tuple(columns []int, values []driver.Value) (key connectors.Key, ok bool) {
	r.key = r.key[:0]
	for _, c := range columns {
		if values[c] == nil {
			return "", false
		}
		r.text = r.columns[c].appendValue(r.text[:0], values[c])
		r.key = keyset.Append(r.key, r.text)
	}
	return connectors.Key(r.key), true
}

// appendValue adds the canonical form of a value that is not NULL.
func (c column) appendValue(dst []byte, v driver.Value) []byte {
	raw, ok := v.([]byte)
	if !ok || c.kind != connectors.Bit {
		return appendText(dst, v)
	}
	for i := c.bits - 1; i >= 0; i-- {
		byteAt := len(raw) - 1 - i/8
		bit := byte('0')
		if byteAt >= 0 && raw[byteAt]>>(i%8)&1 == 1 {
			bit = '1'
		}
		dst = append(dst, bit)
	}
	return dst
}

// appendText adds the text of a value as the driver returns it: integers come parsed, all else as bytes.
func appendText(dst []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case []byte:
		return append(dst, v...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	}
	return dst
}
