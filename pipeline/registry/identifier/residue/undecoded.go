package residue

import (
	"bytes"
	"html"
)

// begun are what is left of escapes at the beginning of a value: a = of quoted-printable, and <, >, ", ', & or a space
// of JSON, without what introduced them; letters of ASCII in whatever case.
var begun = []string{"=3d", "u003e", "u003c", "u003d", "u0022", "u0027", "u0026", "u00a0", "u200b", "ufeff"}

// Begun reports whether a value begins with what is left of an escape. Nobody can say how much of what follows belongs
// to it.
func Begun(value []byte) bool {
	if len(value) == 0 || value[0] != '=' && value[0]|0x20 != 'u' {
		return false
	}
	for _, escape := range begun {
		if len(value) >= len(escape) && alike(value[:len(escape)], escape) {
			return true
		}
	}
	return false
}

// suspect are the bytes without which there is no escape.
var suspect = [256]bool{'%': true, ';': true, '\\': true, '_': true}

// Undecoded reports whether an escape stands in a value: of an address on the web (%2B), of HTML (&amp;, or the amp;
// that is left of one), of JSON and programs (\u00e9, \', \n at its end), of spreadsheets (_x000D_).
func Undecoded(value []byte) bool {
	for i, c := range value {
		if !suspect[c] {
			continue
		}
		rest := value[i+1:]
		switch {
		case c == '%' && len(rest) >= 2 && hexadecimal(rest[:2]),
			c == ';' && i >= 2 && entity(value[:i+1]),
			c == '\\' && escaped(rest),
			c == '_' && len(rest) >= 6 && rest[0]|0x20 == 'x' && hexadecimal(rest[1:5]) && rest[5] == '_':
			return true
		}
	}
	return false
}

func hexadecimal(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// longestEntity bounds the name of an entity that stands in names: CounterClockwiseContourIntegral does not.
const longestEntity = 10

// entity reports whether a text ends with an entity of HTML, or is what follows the & of one.
func entity(text []byte) bool {
	name := text[bytes.LastIndexByte(text, '&')+1:]
	if len(name) < len("lt;") || len(name) > longestEntity {
		return false
	}
	written := "&" + string(name)
	return html.UnescapeString(written) != written
}

// escaped reports whether what follows a backslash is an escape, and no name behind that of its Windows domain.
func escaped(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	switch c := rest[0]; {
	case c == '\'' || c == '"' || c == '\\' || c == '/':
		return true
	case c == 'u':
		return len(rest) >= 5 && hexadecimal(rest[1:5])
	}
	return len(rest) == 1 && bytes.IndexByte([]byte("nrt0"), rest[0]) >= 0
}
