package mysqldump

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// dialect is what must be known to read a literal.
type dialect struct {
	mode
	charset charset
	second  charset // of `either`: the set of the field
	layout  *layout // of a text that LOAD DATA reads; nil where values are SQL
}

var (
	errExpression = errors.New("an expression stands where a value should")
	errLiteral    = errors.New("a literal cannot be read")
)

// value returns the canonical form of a literal of the given kind; bits is the declared length of a BIT
// field. The result is part of raw or of scratch, whose grown form is returned.
func (d dialect) value(raw, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	if len(raw) == 0 {
		return nil, false, scratch, errExpression
	}
	switch c := raw[0]; {
	case c == '\'':
		return d.text(raw, scratch, kind, bits, d.charset)
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return d.number(raw, scratch, kind, bits)
	case bytes.EqualFold(raw, []byte("NULL")):
		return nil, true, scratch, nil
	case c == '"' && !d.ansiQuotes:
		return d.text(raw, scratch, kind, bits, d.charset)
	}
	return d.prefixed(raw, scratch, kind, bits)
}

// direct returns the part of raw that is its canonical form as it stands: that of a string without escapes
// and of a whole number. Most values are such.
func (d dialect) direct(raw []byte, kind connectors.Kind) (v []byte, ok bool) {
	if len(raw) == 0 || kind == connectors.Bit || d.charset != utf8mb4 {
		return nil, false
	}
	if last := len(raw) - 1; raw[0] == '\'' && last > 0 && raw[last] == '\'' {
		v = raw[1:last]
		return v, bytes.IndexByte(v, '\'') < 0 && (d.plainBackslash || bytes.IndexByte(v, '\\') < 0)
	}
	if raw[0] == '0' && len(raw) > 1 {
		return nil, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return nil, false
		}
	}
	return raw, true
}

// text reads a string in quotes.
func (d dialect) text(raw, scratch []byte, kind connectors.Kind, bits int,
	set charset) (v []byte, null bool, grown []byte, err error) {
	if len(raw) < 2 || raw[len(raw)-1] != raw[0] {
		return nil, false, scratch, errExpression
	}
	v = raw[1 : len(raw)-1]
	if bytes.IndexByte(v, raw[0]) >= 0 || !d.plainBackslash && bytes.IndexByte(v, '\\') >= 0 {
		scratch, err = unquote(scratch[:0], raw, d.mode)
		if err != nil {
			return nil, false, scratch, err
		}
		v = scratch
	}
	switch kind {
	case connectors.Binary:
		return v, false, scratch, nil
	case connectors.Bit:
		v = bitString(v, bits)
		return v, false, scratch, nil
	}
	v, err = set.decode(v)
	return v, false, scratch, err
}

// number reads what starts with a digit or a sign: a number, or a hexadecimal or binary literal.
func (d dialect) number(raw, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	if len(raw) > 2 && raw[0] == '0' {
		switch raw[1] {
		case 'x', 'X':
			return d.octets(raw[2:], scratch, kind, bits)
		case 'b', 'B':
			return binaryDigits(raw[2:], scratch, kind, bits)
		}
	}
	for _, c := range raw {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return nil, false, scratch, errExpression
		}
	}
	if kind == connectors.Bit {
		n, err := parseUint(raw)
		if err != nil {
			return nil, false, scratch, err
		}
		return uintBits(n, bits), false, scratch, nil
	}
	if kind == connectors.Integer {
		raw = withoutZeros(raw)
	}
	return raw, false, scratch, nil
}

// withoutZeros drops what ZEROFILL and YEAR put before an integer.
func withoutZeros(raw []byte) []byte {
	for len(raw) > 1 && raw[0] == '0' {
		raw = raw[1:]
	}
	return raw
}

// prefixed reads x'..', b'..', N'..', _charset'..', _charset 0x.., DEFAULT, TRUE, FALSE and plain conversions.
func (d dialect) prefixed(raw, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	n := 0
	for n < len(raw) && isWord(raw[n]) {
		n++
	}
	prefix, rest := string(raw[:n]), bytes.TrimLeft(raw[n:], " \t\r\n")
	if len(rest) == 0 {
		return d.bare(prefix, scratch, kind, bits)
	}
	q := rest[0]
	quoted := len(rest) >= 2 && (q == '\'' || q == '"' && !d.ansiQuotes) && rest[len(rest)-1] == q
	switch {
	case quoted && strings.EqualFold(prefix, "x"):
		return d.octets(rest[1:len(rest)-1], scratch, kind, bits)
	case quoted && strings.EqualFold(prefix, "b"):
		return binaryDigits(rest[1:len(rest)-1], scratch, kind, bits)
	case quoted && strings.EqualFold(prefix, "n"):
		return d.text(rest, scratch, kind, bits, d.charset)
	case n > 1 && prefix[0] == '_':
		set := charsetNamed(prefix[1:])
		if quoted {
			return d.text(rest, scratch, kind, bits, set)
		}
		v, _, grown, err = d.value(rest, scratch, connectors.Binary, bits)
		if err == nil && kind != connectors.Binary {
			v, err = set.decode(v)
		}
		return v, false, grown, err
	case strings.EqualFold(prefix, "CONVERT"):
		d.charset = utf8mb4
		return d.value(converted(rest), scratch, kind, bits)
	}
	return d.conversion(raw, scratch, kind, bits)
}

// conversion reads what a function makes of a literal, where that is plain.
func (d dialect) conversion(raw, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	c, ok := dumpfile.ReadConversion(raw)
	if !ok {
		return nil, false, scratch, errExpression
	}
	if v, null, grown, err = d.value(c.Literal, scratch, kind, bits); err != nil || c.Format == nil {
		return v, null, grown, err
	}
	civil, ok := c.Civil(string(v), kind == connectors.Date)
	if !ok {
		return nil, false, grown, errExpression
	}
	grown = append(grown[:0], civil...)
	return grown, false, grown, nil
}

// bare reads TRUE, FALSE and 0x..
func (d dialect) bare(s string, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	switch strings.ToUpper(s) {
	case "TRUE":
		return []byte("1"), false, scratch, nil
	case "FALSE":
		return []byte("0"), false, scratch, nil
	}
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		return d.octets([]byte(digits), scratch, kind, bits)
	}
	return nil, false, scratch, errExpression
}

// octets reads the digits of a hexadecimal literal.
func (d dialect) octets(digits, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	scratch = scratch[:0]
	if len(digits)%2 == 1 {
		digits = append([]byte{'0'}, digits...)
	}
	scratch, err = hex.AppendDecode(scratch, digits)
	if err != nil {
		return nil, false, scratch, errLiteral
	}
	switch kind {
	case connectors.Bit:
		return bitString(scratch, bits), false, scratch, nil
	case connectors.Text, connectors.JSON:
		v, err = d.charset.decode(scratch)
		return v, false, scratch, err
	}
	return scratch, false, scratch, nil
}

func binaryDigits(digits, scratch []byte, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	for _, c := range digits {
		if c != '0' && c != '1' {
			return nil, false, scratch, errLiteral
		}
	}
	if kind == connectors.Bit {
		return fit(digits, bits), false, scratch, nil
	}
	padded := fit(digits, (len(digits)+7)/8*8)
	scratch = scratch[:0]
	for i := 0; i < len(padded); i += 8 {
		var octet byte
		for _, c := range padded[i : i+8] {
			octet = octet<<1 | (c - '0')
		}
		scratch = append(scratch, octet)
	}
	return scratch, false, scratch, nil
}

// bitString writes the octets of a BIT value as 0 and 1.
func bitString(octets []byte, bits int) []byte {
	digits := make([]byte, 0, len(octets)*8)
	for _, o := range octets {
		for i := 7; i >= 0; i-- {
			digits = append(digits, '0'+(o>>i)&1)
		}
	}
	return fit(digits, bits)
}

func uintBits(n uint64, bits int) []byte {
	digits := make([]byte, bits)
	for i := range digits {
		digits[bits-1-i] = '0' + byte(n>>i&1)
	}
	return digits
}

// fit cuts or pads a string of binary digits, on its left, to n.
func fit(digits []byte, n int) []byte {
	if len(digits) >= n {
		return digits[len(digits)-n:]
	}
	return append(bytes.Repeat([]byte{'0'}, n-len(digits)), digits...)
}

func parseUint(b []byte) (n uint64, err error) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, errLiteral
		}
		n = n*10 + uint64(c-'0')
	}
	return n, nil
}

// unquote appends the text of a quoted string to dst. The escapes are those of the MySQL manual, "String
// Literals": \% and \_ keep their backslash.
func unquote(dst, raw []byte, m mode) ([]byte, error) {
	q, b := raw[0], raw[1:len(raw)-1]
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == q:
			if i+1 == len(b) || b[i+1] != q {
				return dst, errExpression
			}
			i++
			dst = append(dst, q)
		case c == '\\' && !m.plainBackslash:
			if i++; i == len(b) {
				return dst, errLiteral
			}
			switch b[i] {
			case '0':
				dst = append(dst, 0)
			case 'b':
				dst = append(dst, '\b')
			case 'n':
				dst = append(dst, '\n')
			case 'r':
				dst = append(dst, '\r')
			case 't':
				dst = append(dst, '\t')
			case 'Z':
				dst = append(dst, 26)
			case '%', '_':
				dst = append(dst, '\\', b[i])
			default:
				dst = append(dst, b[i])
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// converted is what stands in CONVERT(x USING UTF8MB4), as mydumper writes JSON; nil for any other conversion.
func converted(b []byte) []byte {
	inner, ok := bytes.CutPrefix(b, []byte{'('})
	n := len(inner) - len(usingUTF8)
	if !ok || n < 0 || !bytes.EqualFold(inner[n:], []byte(usingUTF8)) {
		return nil
	}
	return bytes.TrimSpace(inner[:n])
}

const usingUTF8 = " USING UTF8MB4)"
