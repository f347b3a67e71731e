package anonymize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	stdhash "hash"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

const (
	hashChars = 26 // 130 bits of base32
	hashBytes = sha256.Size
	// RFC 4648 base32 in lower case: equal under every collation or not at all
	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

// WithKey returns the technique with the key it hashes under. Values of the same silo and field name share
// a domain: the same value has the same pseudonym in all its tables, and another one in any other silo or
// field. Techniques that need no key are returned as they are.
func (t Technique) WithKey(key []byte, silo string) Technique {
	if t.form != hash {
		return t
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"lethe anonymize v1", silo, t.field.Name} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	t.key = mac.Sum(nil)
	return t
}

// Apply appends one value for each of values to dst: the new value where rows is true (nil: everywhere),
// NULL elsewhere, as a connectors.Assignment wants it. NULL stays NULL. A hash without a key is an error.
// Applying to values that are already anonymized changes nothing, except for a hash: there the caller knows
// from the tombstone that it was applied.
func (t Technique) Apply(dst *connectors.Column, values *array.Binary, rows []bool) error {
	switch {
	case t.form == 0:
		return fmt.Errorf("anonymize %s: no technique: make one with Parse", t.field.Name)
	case t.form == hash && t.key == nil:
		return fmt.Errorf("anonymize %s: a hash needs the silo's key: call WithKey first", t.field.Name)
	case rows != nil && len(rows) != values.Len():
		return fmt.Errorf("anonymize %s: %d rows are marked and %d have values", t.field.Name, len(rows), values.Len())
	}
	w := writer{Technique: t}
	if t.form == hash {
		w.mac = hmac.New(sha256.New, t.key)
	}
	for i := range values.Len() {
		if rows != nil && !rows[i] || values.IsNull(i) {
			dst.AppendNull()
			continue
		}
		if v, isNull := w.replace(values.Value(i)); isNull {
			dst.AppendNull()
		} else {
			dst.Append(v)
		}
	}
	return nil
}

// Holds reports whether a value (null: NULL, whatever value is) is a possible result of the technique. For
// everything but a hash it means that Apply would leave it as it is; for a hash, only that it has the form
// of one.
func (t Technique) Holds(value []byte, isNull bool) bool {
	switch {
	case isNull:
		return true
	case t.form == 0:
		return false
	case t.form == hash:
		return t.looksHashed(value)
	case t.told != nil:
		return t.told(value).Gone == 0
	}
	w := writer{Technique: t}
	v, becomesNull := w.replace(value)
	return !becomesNull && bytes.Equal(v, value)
}

// writer is a technique with the buffers of one call.
type writer struct {
	Technique
	mac stdhash.Hash
	sum [hashBytes]byte
	buf []byte
}

// replace returns the new value of one that is not NULL; it is valid until the next call.
func (w *writer) replace(v []byte) (out []byte, isNull bool) {
	switch w.form {
	case without:
		return w.told(v).Without, false
	case emptied:
		return v, w.told(v).Gone > 0
	case constant:
		return w.constant, false
	case hash:
		w.mac.Reset()
		w.mac.Write(v)
		w.mac.Sum(w.sum[:0])
		return w.format(), false
	case year, month:
		return w.generalise(v)
	case truncate:
		return truncated(v, w.n), false
	case mask:
		return w.masked(v), false
	}
	return nil, true
}

// format writes the hash as a value of the field.
func (w *writer) format() []byte {
	switch {
	case w.field.Kind == connectors.Integer:
		w.buf = strconv.AppendUint(w.buf[:0], binary.BigEndian.Uint64(w.sum[:])%uint64(w.n)+1, 10)
		return w.buf
	case w.field.Kind == connectors.Binary:
		return w.sum[:w.n]
	case w.uuid:
		return w.asUUID()
	}
	w.buf = w.buf[:0]
	for five := w.sum[:]; len(w.buf) < w.n; five = five[5:] {
		v := uint64(five[0])<<32 | uint64(five[1])<<24 | uint64(five[2])<<16 | uint64(five[3])<<8 | uint64(five[4])
		w.buf = append(w.buf, alphabet[v>>35&31], alphabet[v>>30&31], alphabet[v>>25&31], alphabet[v>>20&31],
			alphabet[v>>15&31], alphabet[v>>10&31], alphabet[v>>5&31], alphabet[v&31])
	}
	return w.buf[:w.n]
}

// asUUID writes the hash as a UUID of version 8 (RFC 9562, custom).
func (w *writer) asUUID() []byte {
	const hex = "0123456789abcdef"
	w.sum[6] = w.sum[6]&0x0f | 0x80
	w.sum[8] = w.sum[8]&0x3f | 0x80
	w.buf = w.buf[:0]
	for i, c := range w.sum[:16] {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			w.buf = append(w.buf, '-')
		}
		w.buf = append(w.buf, hex[c>>4], hex[c&15])
	}
	return w.buf
}

func (t Technique) looksHashed(v []byte) bool {
	switch {
	case t.field.Kind == connectors.Integer:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return err == nil && n >= 1 && n <= int64(t.n)
	case t.field.Kind == connectors.Binary:
		return len(v) == t.n
	case t.uuid:
		return len(v) == 36 && v[14] == '8'
	}
	return len(v) == t.n && len(bytes.Trim(v, alphabet)) == 0
}

// generalise puts a date on the first day of its year or month, in the layout it has. What holds no date
// becomes NULL, or where that is not allowed an old day; zero dates say nothing and stay.
func (w *writer) generalise(v []byte) (out []byte, isNull bool) {
	if bytes.HasPrefix(v, []byte("0000-00-00")) && zeroClock(v[10:]) {
		return v, false
	}
	if !isDay(v) || !dateTail(v[10:]) {
		return w.constant, w.constant == nil
	}
	w.buf = append(w.buf[:0], v...)
	if w.form == year {
		copy(w.buf[5:], "01")
	}
	copy(w.buf[8:], "01")
	for i := 10; i < len(w.buf); i++ {
		if c := w.buf[i]; c >= '0' && c <= '9' {
			w.buf[i] = '0'
		}
	}
	if bytes.HasPrefix(w.buf, []byte("1970-01-01")) && strings.HasPrefix(oldInstant(w.field.Type), "1970") {
		w.buf[9] = '2'
	}
	return w.buf, false
}

// dateTail reports whether what follows a date can be a time of day and an offset.
func dateTail(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	return (b[0] == ' ' || b[0] == 'T') && len(bytes.Trim(b[1:], "0123456789:.+-Z ")) == 0
}

func zeroClock(b []byte) bool { return len(bytes.Trim(b, " 0:.")) == 0 }

// truncated returns the first n characters, without spaces at the end, which some engines cut off.
func truncated(v []byte, n int) []byte {
	at := 0
	for ; n > 0 && at < len(v); n-- {
		_, size := utf8.DecodeRune(v[at:])
		at += size
	}
	return bytes.TrimRight(v[:at], " ")
}

// masked replaces letters by x and digits by 0, one character for one. What is neither ASCII nor a number
// becomes x.
func (w *writer) masked(v []byte) []byte {
	chars := utf8.RuneCount(v)
	kept := chars - min(w.n, chars/2)
	w.buf = w.buf[:0]
	for at, i := 0, 0; at < len(v); i++ {
		r, size := utf8.DecodeRune(v[at:])
		switch {
		case i >= kept && (r != utf8.RuneError || size > 1):
			w.buf = append(w.buf, v[at:at+size]...)
		case r >= '0' && r <= '9' || r > unicode.MaxASCII && unicode.IsNumber(r):
			w.buf = append(w.buf, '0')
		case r > unicode.MaxASCII || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			w.buf = append(w.buf, 'x')
		default:
			w.buf = append(w.buf, byte(r))
		}
		at += size
	}
	return w.buf
}
