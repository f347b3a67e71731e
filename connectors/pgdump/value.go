package pgdump

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"lethe/connectors/internal/dumpfile"
)

// dialect is what must be known to read a value.
type dialect struct {
	conform bool              // standard_conforming_strings
	copying bool              // rows are lines of COPY, not tuples of INSERT
	charset encoding.Encoding // nil: UTF-8
	unsaid  bool              // SQL_ASCII: bytes of any character set
}

// charsets are PostgreSQL's names of the single-byte character sets, besides UTF8.
var charsets = map[string]encoding.Encoding{
	"LATIN1": charmap.ISO8859_1, "LATIN2": charmap.ISO8859_2, "LATIN3": charmap.ISO8859_3, "LATIN4": charmap.ISO8859_4,
	"LATIN5": charmap.ISO8859_9,
	"LATIN6": charmap.ISO8859_10, "LATIN7": charmap.ISO8859_13, "LATIN8": charmap.ISO8859_14,
	"LATIN9": charmap.ISO8859_15, "LATIN10": charmap.ISO8859_16,
	"ISO88595": charmap.ISO8859_5, "ISO88596": charmap.ISO8859_6, "ISO88597": charmap.ISO8859_7,
	"ISO88598": charmap.ISO8859_8,
	"WIN1250":  charmap.Windows1250, "WIN1251": charmap.Windows1251, "WIN": charmap.Windows1251,
	"WIN1252": charmap.Windows1252, "WIN1253": charmap.Windows1253,
	"WIN1254": charmap.Windows1254, "WIN1255": charmap.Windows1255, "WIN1256": charmap.Windows1256,
	"WIN1257": charmap.Windows1257, "WIN1258": charmap.Windows1258,
	"WIN866": charmap.CodePage866, "WIN874": charmap.Windows874, "KOI8": charmap.KOI8R, "KOI8R": charmap.KOI8R,
	"KOI8U": charmap.KOI8U,
	"UTF8":  nil, "UNICODE": nil, "SQLASCII": nil,
}

// charsetNamed finds a character set; nil is UTF-8. As in PostgreSQL, case and punctuation do not matter.
func charsetNamed(name string) (encoding.Encoding, bool) {
	set, ok := charsets[canonicalName(name)]
	return set, ok
}

func canonicalName(charset string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", "_", "", " ", "").Replace(charset))
}

var (
	errExpression = errors.New("an expression stands where a value should")
	errLiteral    = errors.New("a literal cannot be read")
	errCharset    = errors.New("the character set is neither UTF-8 nor one of a byte a character")
)

// tuple finds the values of the tuple at the start of b and the index behind it: 0 if it is none, -1 if b
// ends before it does.
func (d dialect) tuple(b []byte, spans []span, eof bool) (values []span, n int) {
	values = spans[:0]
	if len(b) == 0 {
		return values, -1
	}
	if b[0] != '(' {
		return values, 0
	}
	i := 1
	for {
		if i = blank(b, i, eof); i < 0 {
			return values, -1
		}
		start := i
		if i = d.valueEnd(b, start, eof); i <= 0 {
			return values, i
		}
		end := i
		for end > start && isBlank(b[end-1]) {
			end--
		}
		if end == start || b[i] == ']' {
			return values, 0
		}
		values = append(values, span{start, end})
		i++
		if b[i-1] == ')' {
			return values, i
		}
	}
}

// valueEnd returns the index of what ends the value at b[start], a comma or a bracket: 0 if a semicolon
// does, -1 if b ends before.
func (d dialect) valueEnd(b []byte, start int, eof bool) int {
	depth := 0
	for i := start; ; {
		for i < len(b) && !special[b[i]] {
			i++
		}
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; c {
		case '\'':
			if i = closeQuote(b, i+1, c, d.escapes(b[start:i]), eof); i < 0 {
				return -1
			}
		case '"':
			if i = closeQuote(b, i+1, c, false, eof); i < 0 {
				return -1
			}
		case '$':
			end := closeDollar(b, i, eof)
			if end < 0 {
				return -1
			}
			i = max(end, i+1)
		case '(', '[':
			depth++
			i++
		case ')', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
		case ';':
			return 0
		case '-', '/':
			end := comment(b, i, eof)
			if end < 0 {
				return -1
			}
			i = max(end, i+1)
		}
	}
}

// special are the bytes at which more than a value's text may begin.
var special = [256]bool{'\'': true, '"': true, '$': true, '(': true, '[': true, ')': true, ']': true, ',': true,
	';': true,
	'-': true, '/': true}

// escapes reports whether backslashes escape in the quotes that open behind what stands of a value.
func (d dialect) escapes(before []byte) bool {
	n := len(before)
	return !d.conform || n > 0 && before[n-1]|0x20 == 'e' && (n == 1 || !inName(before[n-2]))
}

// literal returns the bytes of a value of a tuple, before they are made canonical: part of raw or of
// scratch, whose grown form is returned.
func (d dialect) literal(raw, scratch []byte) (v []byte, null bool, grown []byte, err error) {
	escapes := !d.conform
	quote := 0
	switch c := raw[0]; {
	case c == '\'':
	case isDigit(c), c == '-', c == '+', c == '.':
		for _, c := range raw {
			if !isDigit(c) && strings.IndexByte("+-.eE", c) < 0 {
				return d.unsigned(raw, scratch)
			}
		}
		return raw, false, scratch, nil
	case c == '$' && closeDollar(raw, 0, true) == len(raw):
		n := dollar(raw, true)
		return raw[n : len(raw)-n], false, scratch, nil
	case len(raw) > 1 && raw[1] == '\'' && strings.IndexByte("eEbBnN", c) >= 0:
		quote = 1
		escapes = escapes || c|0x20 == 'e'
	default:
		switch {
		case bytes.EqualFold(raw, []byte("NULL")), bytes.EqualFold(raw, []byte("DEFAULT")):
			return nil, true, scratch, nil
		case bytes.EqualFold(raw, []byte("TRUE")):
			return raw[:1], false, scratch, nil
		case bytes.EqualFold(raw, []byte("FALSE")):
			return raw[:1], false, scratch, nil
		}
		return d.unsigned(raw, scratch)
	}
	end := closeQuote(raw, quote+1, '\'', escapes, true)
	if end < 0 || !isCast(raw[end:]) {
		return nil, false, scratch, errExpression
	}
	v = raw[quote+1 : end-1]
	if bytes.IndexByte(v, '\'') < 0 && (!escapes || bytes.IndexByte(v, '\\') < 0) {
		return v, false, scratch, nil
	}
	scratch, err = unquote(scratch[:0], v, escapes)
	return scratch, false, scratch, err
}

// unsigned reads a value without quotes that has a cast behind it: NULL::text, 12::numeric.
func (d dialect) unsigned(raw, scratch []byte) (v []byte, null bool, grown []byte, err error) {
	if i := bytes.Index(raw, []byte("::")); i > 0 && isCast(raw[i:]) {
		return d.literal(bytes.TrimSpace(raw[:i]), scratch)
	}
	return d.conversion(raw, scratch)
}

// conversion reads what a function makes of a literal, where that is plain.
func (d dialect) conversion(raw, scratch []byte) (v []byte, null bool, grown []byte, err error) {
	c, ok := dumpfile.ReadConversion(raw)
	if !ok {
		return nil, false, scratch, errExpression
	}
	if v, null, grown, err = d.literal(c.Literal, scratch); err != nil || c.Format == nil {
		return v, null, grown, err
	}
	civil, ok := c.Civil(string(v), false)
	if !ok {
		return nil, false, grown, errExpression
	}
	grown = append(grown[:0], civil...)
	return grown, false, grown, nil
}

// isCast reports whether b is nothing, or a cast to a type: ::character varying(20)[].
func isCast(b []byte) bool {
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return true
	}
	if !bytes.HasPrefix(b, []byte("::")) {
		return false
	}
	for _, c := range b[2:] {
		if !inName(c) && strings.IndexByte(" .()[],\"", c) < 0 {
			return false
		}
	}
	return true
}

// unquote undoes the quoting of a string, whose doubled quotes and, with escapes, backslashes stand for others.
func unquote(to, v []byte, escapes bool) ([]byte, error) {
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '\'':
			i++ // doubled
			to = append(to, c)
		case c != '\\' || !escapes:
			to = append(to, c)
		case i+1 == len(v):
			return to, errLiteral
		default:
			i++
			switch c := v[i]; {
			case c == 'u' || c == 'U':
				digits := 4
				if c == 'U' {
					digits = 8
				}
				if i+digits >= len(v) {
					return to, errLiteral
				}
				r, err := strconv.ParseUint(string(v[i+1:i+1+digits]), 16, 32)
				if err != nil {
					return to, errLiteral
				}
				to = utf8.AppendRune(to, rune(r))
				i += digits
			default:
				var n int
				to, n = escaped(to, v[i:])
				i += n - 1
			}
		}
	}
	return to, nil
}

// uncopy undoes the escapes of a value of COPY.
func uncopy(to, v []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(v, '\\')
		if i < 0 {
			return append(to, v...), nil
		}
		to = append(to, v[:i]...)
		if v = v[i+1:]; len(v) == 0 {
			return to, errLiteral
		}
		var n int
		to, n = escaped(to, v)
		v = v[n:]
	}
}

// escaped appends what the characters behind a backslash stand for, and returns how many they are.
func escaped(to, v []byte) ([]byte, int) {
	switch c := v[0]; c {
	case 'b':
		return append(to, '\b'), 1
	case 'f':
		return append(to, '\f'), 1
	case 'n':
		return append(to, '\n'), 1
	case 'r':
		return append(to, '\r'), 1
	case 't':
		return append(to, '\t'), 1
	case 'v':
		return append(to, '\v'), 1
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n, x := 0, 0
		for n < len(v) && n < 3 && v[n] >= '0' && v[n] <= '7' {
			x = x<<3 | int(v[n]-'0')
			n++
		}
		return append(to, byte(x)), n
	case 'x':
		n, x := 1, 0
		for n < len(v) && n < 3 && hexDigit(v[n]) >= 0 {
			x = x<<4 | hexDigit(v[n])
			n++
		}
		if n == 1 {
			return append(to, c), 1
		}
		return append(to, byte(x)), n
	default:
		return append(to, c), 1
	}
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// canonical gives a value the form of its kind: v, part of it, or scratch, whose grown form is returned.
func (d dialect) canonical(v, scratch []byte, f form) (_, grown []byte, err error) {
	switch f {
	case boolean:
		if len(v) == 1 && (v[0] == 't' || v[0] == 'f') {
			return v, scratch, nil
		}
		switch strings.ToLower(string(v)) {
		case "t", "true", "y", "yes", "on", "1":
			scratch = append(scratch, 't')
			return scratch, scratch, nil
		case "f", "false", "n", "no", "off", "0":
			scratch = append(scratch, 'f')
			return scratch, scratch, nil
		}
	case octets:
		scratch, err = bytea(scratch, v)
		return scratch, scratch, err
	case zoned:
		offset, start := offsetOf(v)
		switch {
		case start == 0:
		case offset == 0:
			return v[:start], scratch, nil
		default:
			scratch = toUTC(scratch, v[:start], offset)
			return scratch, scratch, nil
		}
	case asText:
		if d.charset != nil && !ascii(v) {
			v, err = d.charset.NewDecoder().Bytes(v)
		}
	}
	return v, scratch, err
}

func ascii(v []byte) bool {
	for _, c := range v {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// bytea reads both formats of the server's bytea_output.
func bytea(to, v []byte) ([]byte, error) {
	if digits, ok := bytes.CutPrefix(v, []byte(`\x`)); ok {
		to, err := hex.AppendDecode(to, digits)
		if err != nil {
			return nil, errLiteral // the error of hex holds a byte
		}
		return to, nil
	}
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] != '\\':
			to = append(to, v[i])
		case i+1 < len(v) && v[i+1] == '\\':
			to = append(to, '\\')
			i++
		case i+3 < len(v) && v[i+1] >= '0' && v[i+1] <= '3' && v[i+2] >= '0' && v[i+2] <= '7' && v[i+3] >= '0' &&
			v[i+3] <= '7':
			to = append(to, (v[i+1]-'0')<<6|(v[i+2]-'0')<<3|(v[i+3]-'0'))
			i += 3
		default:
			return nil, errLiteral
		}
	}
	return to, nil
}

// offsetOf returns the seconds that a timestamp (2024-05-06 07:08:09.5+02, -03:30, +00:19:32) is ahead of
// UTC, and where that is said; 0 where the text is another (infinity, years BC or beyond 9999).
func offsetOf(v []byte) (offset, start int) {
	i := bytes.LastIndexAny(v, "+-")
	if i < len("2006-01-02 15:04:05") || v[4] != '-' || v[10] != ' ' || v[13] != ':' {
		return 0, 0
	}
	offset, ok := seconds(v[i+1:])
	if !ok {
		return 0, 0
	}
	if v[i] == '-' {
		offset = -offset
	}
	return offset, i
}

// toUTC appends a timestamp moved to UTC; one that is no date as it is.
func toUTC(to, v []byte, offset int) []byte {
	const day, hour, minutes, least = len("2006-01-"), len("2006-01-02 "), len("2006-01-02 15:04"),
		len("2006-01-02 15:04:05")
	clock, ok := seconds(v[hour:minutes])
	// the month stays, and nearly all do
	if date := int(v[day]-'0')*10 + int(v[day+1]-'0'); ok && offset%60 == 0 && date > 1 && date < 28 {
		clock -= offset
		switch {
		case clock < 0:
			clock += 24 * 3600
			date--
		case clock >= 24*3600:
			clock -= 24 * 3600
			date++
		}
		two := func(n int) { to = append(to, '0'+byte(n/10), '0'+byte(n%10)) }
		to = append(to, v[:day]...)
		two(date)
		to = append(to, ' ')
		two(clock / 3600)
		to = append(to, ':')
		two(clock % 3600 / 60)
		return append(to, v[minutes:]...)
	}
	local, err := time.Parse("2006-01-02 15:04:05", string(v[:least]))
	if err != nil {
		return append(to, v...)
	}
	to = local.Add(-time.Duration(offset)*time.Second).AppendFormat(to, "2006-01-02 15:04:05")
	return append(to, v[least:]...)
}

// seconds reads the hours, minutes and seconds of an offset.
func seconds(v []byte) (n int, ok bool) {
	unit := 3600
	for part := range bytes.SplitSeq(v, []byte{':'}) {
		if len(part) != 2 || !isDigit(part[0]) || !isDigit(part[1]) || unit == 0 {
			return 0, false
		}
		n += unit * (int(part[0]-'0')*10 + int(part[1]-'0'))
		unit /= 60
	}
	return n, true
}
