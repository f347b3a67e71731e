package mysqldump

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lethe/connectors"
)

// charset is a character set that texts are written in, as SET NAMES says, or as a field declares it.
type charset byte

// In none of them does a byte of a longer character look like a quote, a backslash or a comma.
const (
	utf8mb4 charset = iota
	own             // SET NAMES binary: a text is in the set of its field
	either          // the one or the other, which a file of --tab does not say
	unknown
	latin1 // the first of pages
)

// pages are the sets of one byte a character, whose first half is ASCII.
var pages = []struct {
	name string
	page *charmap.Charmap
}{
	{"latin1", charmap.Windows1252}, // MySQL's is that, with the five holes as control characters
	{"latin2", charmap.ISO8859_2},
	{"latin5", charmap.ISO8859_9},
	{"latin7", charmap.ISO8859_13},
	{"greek", charmap.ISO8859_7},
	{"hebrew", charmap.ISO8859_8},
	{"koi8r", charmap.KOI8R},
	{"koi8u", charmap.KOI8U},
	{"cp850", charmap.CodePage850},
	{"cp852", charmap.CodePage852},
	{"cp866", charmap.CodePage866},
	{"cp1250", charmap.Windows1250},
	{"cp1251", charmap.Windows1251},
	{"cp1256", charmap.Windows1256},
	{"cp1257", charmap.Windows1257},
	{"macroman", charmap.Macintosh},
}

var (
	errCharset = errors.New("the character set is not one of utf8, utf8mb4, ascii, binary, or one known here of one " +
		"byte a character")
	errCharacter = errors.New("a byte is no character of its set")
)

func charsetNamed(s string) charset {
	s = strings.ToLower(s)
	switch s {
	case "utf8", "utf8mb3", "utf8mb4", "ascii":
		return utf8mb4
	case "binary":
		return own
	}
	for i, p := range pages {
		if p.name == s {
			return latin1 + charset(i)
		}
	}
	return unknown
}

// setOf is the name of the set that a declaration gives a field, "" where it gives none.
func setOf(set, collation string) string {
	if set != "" || collation == asTable {
		return set
	}
	prefix, _, _ := strings.Cut(collation, "_")
	if strings.HasPrefix(prefix, "uca") {
		return "" // a collation of several sets
	}
	return prefix
}

// decode brings a text to UTF-8.
func (s charset) decode(b []byte) ([]byte, error) {
	switch {
	case s < unknown || ascii(b):
		return b, nil
	case s == unknown:
		return nil, errCharset
	}
	page := pages[s-latin1].page
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		r := page.DecodeByte(c)
		switch {
		case r != utf8.RuneError:
		case s == latin1:
			r = rune(c)
		default:
			return nil, errCharacter
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// encode brings a new value from UTF-8 to the set.
func (s charset) encode(b []byte) ([]byte, error) {
	switch {
	case s < unknown || ascii(b):
		return b, nil
	case s == unknown:
		return nil, fmt.Errorf("%w: %w", errCharset, connectors.ErrRefused)
	}
	page, name := pages[s-latin1].page, pages[s-latin1].name
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		c, ok := page.EncodeRune(r)
		if !ok {
			if s != latin1 || r < 0x80 || r > 0x9f || page.DecodeByte(byte(r)) != utf8.RuneError {
				return nil, fmt.Errorf("a new value has a character that %s lacks: %w", name, connectors.ErrRefused)
			}
			c = byte(r)
		}
		out = append(out, c)
	}
	return out, nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
