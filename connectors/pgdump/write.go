package pgdump

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
)

// A value is only written where it is sure that the server takes it: one that it refuses would keep the whole file
// from being restored. Constraints (CHECK, EXCLUDE) are not looked at, as in a live store they have let it pass.

// refuse says why a new value is not written, without showing it.
func refuse(format string, args ...any) error {
	return fmt.Errorf("a new value is %s: %w", fmt.Sprintf(format, args...), connectors.ErrRefused)
}

// write appends a new value, as the row at hand writes values; raw is the old one.
func (d dialect) write(dst []byte, f *connectors.Field, t *typeInfo, v []byte, null bool, raw []byte) ([]byte, error) {
	if null {
		switch {
		case !f.Nullable || t.notNull:
			return nil, refuse("NULL in a field that is NOT NULL")
		case d.copying:
			return append(dst, `\N`...), nil
		}
		return append(dst, "NULL"...), nil
	}
	text, err := t.text(v)
	if err != nil {
		return nil, err
	}
	if text, err = d.encode(text); err != nil {
		return nil, err
	}
	if d.copying {
		return copyEscape(dst, text), nil
	}
	switch t.kind {
	case connectors.Integer, connectors.Decimal, connectors.Float:
		if decimal.Match(text) && (len(raw) == 0 || raw[0] != '\'') {
			return append(dst, text...), nil
		}
	case connectors.Bool:
		return strconv.AppendBool(dst, text[0] == 't'), nil
	case connectors.Bit:
		dst = append(dst, 'B')
	}
	return d.quote(dst, text), nil
}

// encode writes a text in the character set of the file.
func (d dialect) encode(v []byte) ([]byte, error) {
	switch {
	case bytes.IndexByte(v, 0) >= 0 || !utf8.Valid(v):
		return nil, refuse("no text")
	case ascii(v):
		return v, nil
	case d.unsaid:
		return nil, refuse("not of ASCII alone, and the file (SQL_ASCII) does not say its character set")
	case d.charset == nil:
		return v, nil
	}
	encoded, err := d.charset.NewEncoder().Bytes(v)
	if err != nil {
		return nil, refuse("not of the character set of the file") // the error of the encoder may hold a character
	}
	return encoded, nil
}

// copyEscape appends v as COPY writes it.
func copyEscape(dst, v []byte) []byte {
	for _, c := range v {
		switch c {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\v':
			dst = append(dst, '\\', 'v')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// quote appends v as a literal of a string.
func (d dialect) quote(dst, v []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range v {
		if c == '\'' || c == '\\' && !d.conform {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

// texts are the types that take any text, up to their length.
var texts = []string{"text", "citext", "character varying", "char varying", "varchar", "character", "char", "bpchar",
	"national character", "nchar", "national character varying"}

var (
	integer = regexp.MustCompile(`^-?[0-9]{1,19}$`)
	decimal = regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$`)
	day     = regexp.MustCompile(`^[0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])( BC)?$`)
	clock   = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$|^24:00:00$`)
	moment  = regexp.MustCompile(`^([0-9]{4,6}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9:.]+))?` +
		`([-+][0-9]{2}(?::[0-9]{2}){0,2})?( BC)?$`)
	universal = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// text is a value in canonical form as the server would write it, if the type takes it.
func (t *typeInfo) text(v []byte) ([]byte, error) {
	if t.array {
		if !isArray(v) {
			return nil, refuse("no array")
		}
		return v, nil
	}
	switch t.kind {
	case connectors.Integer:
		return v, t.checkInteger(v)
	case connectors.Decimal:
		return v, t.checkDecimal(v)
	case connectors.Float:
		if !decimal.Match(v) && !slices.Contains([]string{"NaN", "Infinity", "-Infinity"}, string(v)) {
			return nil, refuse("no number")
		}
		return v, nil
	case connectors.Bool:
		switch string(v) {
		case "t", "true", "1":
			return []byte("t"), nil
		case "f", "false", "0":
			return []byte("f"), nil
		}
		return nil, refuse("neither true nor false")
	case connectors.Binary:
		return hex.AppendEncode([]byte(`\x`), v), nil
	case connectors.Bit:
		return v, t.checkBits(v)
	case connectors.JSON:
		if !json.Valid(v) || bytes.Contains(v, []byte(`\u0000`)) {
			return nil, refuse("no JSON")
		}
		return v, nil
	case connectors.Date, connectors.Time, connectors.Timestamp:
		return t.time(v)
	}
	return v, t.checkText(v)
}

var integerBits = map[string]int{"smallint": 16, "int2": 16, "smallserial": 16, "serial2": 16, "bigint": 64, "int8": 64,
	"bigserial": 64, "serial8": 64}

func (t *typeInfo) checkInteger(v []byte) error {
	bits := 32
	if known, ok := integerBits[t.base]; ok {
		bits = known
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	switch {
	case !integer.Match(v) || err != nil:
		return refuse("no integer")
	case t.base == "oid" && (n < 0 || n >= 1<<32), t.base != "oid" && (n < -1<<(bits-1) || n > 1<<(bits-1)-1):
		return refuse("an integer out of the range of its type")
	}
	return nil
}

// checkDecimal looks whether a number has no more digits before its point than its type takes; those behind it are
// rounded.
func (t *typeInfo) checkDecimal(v []byte) error {
	if string(v) == "NaN" {
		return nil
	}
	n, ok := new(big.Rat).SetString(string(v))
	if !decimal.Match(v) || !ok {
		return refuse("no number")
	}
	precision, scale, limited := t.digits()
	if !limited {
		return nil
	}
	power := func(n int) *big.Rat {
		p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
		if n < 0 {
			p.Inv(p)
		}
		return p
	}
	half := new(big.Rat).Mul(big.NewRat(1, 2), power(-scale))
	if n.Abs(n).Add(n, half).Cmp(power(precision-scale)) >= 0 {
		return refuse("a number out of the range of its type")
	}
	return nil
}

// digits are what stands in the parentheses of a numeric(precision, scale).
func (t *typeInfo) digits() (precision, scale int, limited bool) {
	first, second, _ := strings.Cut(t.args, ",")
	precision, err := strconv.Atoi(strings.TrimSpace(first))
	scale, _ = strconv.Atoi(strings.TrimSpace(second))
	return precision, scale, err == nil
}

func (t *typeInfo) checkBits(v []byte) error {
	n, err := strconv.Atoi(t.args)
	fixed := t.base == "bit"
	if err != nil && fixed {
		n, err = 1, nil
	}
	if len(bytes.Trim(v, "01")) > 0 || err == nil && (fixed && len(v) != n || len(v) > n) {
		return refuse("not so many bits as its type takes")
	}
	return nil
}

// time writes days and times; instants, which are in UTC, with their offset.
func (t *typeInfo) time(v []byte) ([]byte, error) {
	if s := string(v); (s == "infinity" || s == "-infinity") && t.kind != connectors.Time {
		return v, nil
	}
	switch t.kind {
	case connectors.Date:
		if !day.Match(v) {
			return nil, refuse("no day")
		}
		return v, nil
	case connectors.Time:
		if !clock.Match(v) {
			return nil, refuse("no time")
		}
		return v, nil
	}
	m := moment.FindSubmatch(v)
	if m == nil || !day.Match(m[1]) || len(m[2]) > 0 && !clock.Match(m[2]) {
		return nil, refuse("no instant")
	}
	if !t.zoned {
		return v, nil
	}
	at, offset := "00:00:00", "+00"
	if len(m[2]) > 0 {
		at = string(m[2])
	}
	if len(m[3]) > 0 {
		offset = string(m[3])
	}
	return fmt.Appendf(nil, "%s %s%s%s", m[1], at, offset, m[4]), nil
}

func (t *typeInfo) checkText(v []byte) error {
	switch {
	case t.labels != nil:
		if !slices.Contains(t.labels, string(v)) {
			return refuse("none of those that its type lists")
		}
	case slices.Contains(texts, t.base):
		if t.length > 0 && utf8.RuneCount(v) > t.length {
			return refuse("longer than %d characters", t.length)
		}
	case t.base == "name":
		if len(v) > 63 {
			return refuse("longer than 63 bytes")
		}
	case t.base == "uuid":
		if !universal.Match(v) {
			return refuse("no UUID")
		}
	case t.base == "inet":
		_, err := netip.ParseAddr(string(v))
		if _, err2 := netip.ParsePrefix(string(v)); err != nil && err2 != nil || bytes.IndexByte(v, '%') >= 0 {
			return refuse("no address of a network")
		}
	case t.base == "cidr":
		p, err := netip.ParsePrefix(string(v))
		if err != nil || p.Masked() != p {
			return refuse("no network")
		}
	default:
		return refuse("of a type whose texts are not known here; only NULL can be written")
	}
	return nil
}

// isArray reports whether a text is written as an array is: '{}', '{1,2}', '{"a b",NULL}', arrays in arrays.
func isArray(v []byte) bool {
	i, ok := array(v, 0)
	return ok && i == len(v)
}

func array(v []byte, i int) (end int, ok bool) {
	if i >= len(v) || v[i] != '{' {
		return i, false
	}
	if i++; i < len(v) && v[i] == '}' {
		return i + 1, true
	}
	for i < len(v) {
		start := i
		switch v[i] {
		case '{':
			if i, ok = array(v, i); !ok {
				return i, false
			}
		case '"':
			for i++; i < len(v) && v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
			i++
		default:
			for i < len(v) && strings.IndexByte(`{},"\`, v[i]) < 0 {
				i++
			}
			if len(bytes.TrimSpace(v[start:min(i, len(v))])) == 0 {
				return i, false
			}
		}
		switch {
		case i >= len(v):
			return i, false
		case v[i] == '}':
			return i + 1, true
		case v[i] != ',':
			return i, false
		}
		i++
	}
	return i, false
}
