package container

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// signs are the encodings that can hide an address: what each begins with, and what follows where it writes an '@', the
// '+' of a telephone number, or a whole word; also where it is written twice.
var signs = [...]struct {
	first byte
	then  []string
}{
	{'%', []string{"40", "2540", "2B", "2b"}},
	{'&', []string{"#64", "#x40", "#X40", "#0", "#x0", "#X0", "commat;", "amp;#", "amp;commat;"}},
	{'\\', []string{"u0040", "x40", "u{40}", "\\u0040", "\\x40"}},
	{'=', []string{"40", "?"}},
}

// Encoded reports whether a text may hide an address behind an encoding. It is cheap, and errs on the side of yes.
func Encoded(v []byte) bool {
	for i := range signs {
		s := &signs[i]
		for rest := v; ; {
			at := bytes.IndexByte(rest, s.first)
			if at < 0 {
				break
			}
			rest = rest[at+1:]
			for _, then := range s.then {
				if len(rest) >= len(then) && string(rest[:len(then)]) == then {
					return true
				}
			}
		}
	}
	return false
}

// rounds is how often encodings are taken off: what is written twice is read twice.
const rounds = 3

// Decode appends to dst the text without its encodings: percent (RFC 3986), entities of HTML, escapes of JSON and of
// programs, encoded words (RFC 2047), and quoted-printable (RFC 2045). sure is false where only a "=40", which may be
// anything's value, became an '@'.
func Decode(dst, v []byte) (text []byte, sure bool) {
	text = append(dst, v...)[len(dst):]
	for range rounds {
		next := words(nil, text)
		next = escapes(nil, entities(nil, percent(nil, next, false)))
		if bytes.Equal(next, text) {
			break
		}
		text = next
	}
	if bytes.IndexByte(text, '@') >= 0 || !bytes.Contains(text, []byte("=40")) {
		return text, true
	}
	sure = isQuotedPrintable(text)
	return quotedPrintable(nil, text), sure
}

// percent takes %XX off; in forms a plus is a blank.
func percent(dst, v []byte, form bool) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if b, ok := hexByte(v[i+1], v[i+2]); ok {
				dst = append(dst, b)
				i += 2
				continue
			}
		}
		if form && v[i] == '+' {
			dst = append(dst, ' ')
			continue
		}
		dst = append(dst, v[i])
	}
	return dst
}

// entities takes &#64; &#x40; and the named entities off that stand in addresses and around them.
func entities(dst, v []byte) []byte {
	for i := 0; i < len(v); {
		if v[i] == '&' {
			if r, n := entity(v[i+1 : min(len(v), i+12)]); n > 0 {
				dst = utf8.AppendRune(dst, r)
				i += 1 + n
				continue
			}
		}
		dst = append(dst, v[i])
		i++
	}
	return dst
}

// entity reads what follows an ampersand: the character and the length.
func entity(b []byte) (rune, int) {
	if len(b) > 1 && b[0] == '#' {
		digits, base := b[1:], 10
		if digits[0]|0x20 == 'x' {
			digits, base = digits[1:], 16
		}
		n := 0
		for n < len(digits) && n < 8 && (isDigit(digits[n]) || base == 16 && digits[n]|0x20 >= 'a' && digits[n]|0x20 <= 'f') {
			n++
		}
		x, err := strconv.ParseUint(string(digits[:n]), base, 21)
		if err != nil {
			return 0, 0
		}
		used := len(b) - len(digits) + n
		if used < len(b) && b[used] == ';' {
			used++
		}
		return rune(x), used
	}
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		return 0, 0
	}
	switch string(b[:end]) {
	case "commat":
		return '@', end + 1
	case "amp":
		return '&', end + 1
	case "period":
		return '.', end + 1
	case "lowbar":
		return '_', end + 1
	case "plus":
		return '+', end + 1
	case "hyphen", "dash":
		return '-', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "nbsp":
		return ' ', end + 1
	}
	return 0, 0
}

// escapes takes \u0040, \u{40} and \x40 off, and the backslash before a backslash.
func escapes(dst, v []byte) []byte {
	for i := 0; i < len(v); {
		if v[i] == '\\' && i+1 < len(v) {
			if r, n := escape(v[i+1 : min(len(v), i+12)]); n > 0 {
				dst = utf8.AppendRune(dst, r)
				i += 1 + n
				continue
			}
		}
		dst = append(dst, v[i])
		i++
	}
	return dst
}

func escape(b []byte) (rune, int) {
	number := func(from, to, used int) (rune, int) {
		if to > len(b) || from >= to {
			return 0, 0
		}
		x, err := strconv.ParseUint(string(b[from:to]), 16, 21)
		if err != nil {
			return 0, 0
		}
		return rune(x), used
	}
	switch {
	case b[0] == '\\':
		return '\\', 1
	case b[0] == 'x':
		return number(1, 3, 3)
	case b[0] == 'u' && len(b) > 1 && b[1] == '{':
		end := bytes.IndexByte(b, '}')
		return number(2, end, end+1)
	case b[0] == 'u':
		return number(1, 5, 5)
	}
	return 0, 0
}

// words takes encoded words off: =?charset?B?base64?= and =?charset?Q?quoted-printable?=.
func words(dst, v []byte) []byte {
	for {
		at := bytes.Index(v, []byte("=?"))
		if at < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:at]...)
		text, used := word(v[at:])
		if used == 0 {
			dst = append(dst, v[at:at+2]...)
			v = v[at+2:]
			continue
		}
		dst = append(dst, text...)
		v = v[at+used:]
	}
}

// word reads one encoded word; used is 0 where there is none.
func word(v []byte) (text []byte, used int) {
	const most = 512 // RFC 2047 says 75
	v = v[:min(len(v), most)]
	charset := bytes.IndexByte(v[2:], '?')
	if charset < 1 || charset > 40 || charset+6 > len(v) || v[charset+4] != '?' {
		return nil, 0
	}
	from := charset + 5
	end := bytes.Index(v[from:], []byte("?="))
	if end < 0 {
		return nil, 0
	}
	body := v[from : from+end]
	switch v[charset+3] | 0x20 {
	case 'b':
		text = make([]byte, base64.StdEncoding.DecodedLen(len(body)))
		n, err := base64.StdEncoding.Decode(text, body)
		if err != nil {
			return nil, 0
		}
		text = text[:n]
	case 'q':
		text = bytes.ReplaceAll(quotedPrintable(nil, body), []byte("_"), []byte(" "))
	default:
		return nil, 0
	}
	return text, from + end + 2
}

// quotedPrintable takes =XX and the soft ends of lines off.
func quotedPrintable(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] == '=' {
			if i+2 < len(v) {
				if b, ok := hexByte(v[i+1], v[i+2]); ok {
					dst = append(dst, b)
					i += 2
					continue
				}
			}
			if end := softEnd(v[i+1:]); end > 0 {
				i += end
				continue
			}
		}
		dst = append(dst, v[i])
	}
	return dst
}

// softEnd is the length of the end of a line, 0 where none is.
func softEnd(v []byte) int {
	switch {
	case len(v) > 0 && v[0] == '\n':
		return 1
	case len(v) > 1 && v[0] == '\r' && v[1] == '\n':
		return 2
	}
	return 0
}

// isQuotedPrintable reports whether a text has other signs of quoted-printable than the one asked about.
func isQuotedPrintable(v []byte) bool {
	for _, sign := range [...]string{"quoted-printable", "QUOTED-PRINTABLE", "=3D", "=20", "=C3", "=E2", "=\n", "=\r\n",
		"=2E", "=0A", "=0D"} {
		if bytes.Contains(v, []byte(sign)) {
			return true
		}
	}
	return false
}

func hexByte(a, b byte) (byte, bool) {
	x, ok := hexDigit(a)
	y, too := hexDigit(b)
	return x<<4 | y, ok && too
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case isDigit(b):
		return b - '0', true
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10, true
	}
	return 0, false
}
