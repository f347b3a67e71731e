package gazetteer

import (
	"unicode"
	"unicode/utf8"

	"lethe/classifiers/gazetteer/internal/fold"
)

// maxParts bounds the words that are looked at in one cell; a cell with more is
// prose.
const maxParts = 12

// part is one word of a cell.
type part struct {
	raw    []byte // as written, in the caller's memory
	word   word   // what the table knows about it
	letter letters
	comma  bool // a comma follows
	dot    bool // a full stop follows
	digit  bool // begins with a digit
}

// letters is how a word is capitalised.
type letters uint8

const (
	uncased letters = iota // no cased letter: digits, other scripts
	lower
	title // first letter large
	upper // two letters or more, all large
	mixed // large letters inside: 'iPhone', 'McCoy'
)

// parts is the words of a cell. more is set if they did not all fit.
type parts struct {
	list [maxParts]part
	n    int
	more bool
}

// split cuts a cell at spaces, hyphens, full stops, commas and other punctuation;
// apostrophes stay inside words. Each word is looked up once.
func split(value []byte, p *parts) {
	start := -1
	for i := 0; i < len(value); {
		r, size := rune(value[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(value[i:])
		}
		switch {
		case isWordRune(r):
			if start < 0 {
				start = i
			}
		case start >= 0:
			p.add(value[start:i])
			start = -1
			fallthrough
		default:
			if p.n > 0 && r == ',' {
				p.list[p.n-1].comma = true
			}
			if p.n > 0 && r == '.' {
				p.list[p.n-1].dot = true
			}
		}
		i += size
	}
	if start >= 0 {
		p.add(value[start:])
	}
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '\'' || r == '`'
	}
	return r == 0x2019 || r == 0xB4 || unicode.IsLetter(r) || unicode.IsMark(r) || r == 0x200C || r == 0x200D
}

func (p *parts) add(raw []byte) {
	if p.n == maxParts {
		p.more = true
		return
	}
	var buf [MaxPhrase + 1]byte
	folded := fold.Append(buf[:0], raw)
	p.list[p.n] = part{raw: raw, word: find(folded), letter: capitals(raw), digit: raw[0] >= '0' && raw[0] <= '9'}
	p.n++
}

func capitals(raw []byte) letters {
	first, large, small, inside := true, 0, 0, false
	firstLarge := false
	for i := 0; i < len(raw); {
		r, size := rune(raw[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(raw[i:])
		}
		i += size
		switch {
		case r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf && unicode.IsUpper(r):
			large++
			if first {
				firstLarge = true
			}
			inside = inside || small > 0
			first = false
		case r >= 'a' && r <= 'z' || r >= utf8.RuneSelf && unicode.IsLower(r):
			small++
			first = false
		}
	}
	switch {
	case large+small == 0:
		return uncased
	case large == 0:
		return lower
	case inside || !firstLarge:
		return mixed
	case large == 1:
		return title
	case small == 0:
		return upper
	}
	return mixed
}

// phrase looks up a whole cell.
func phrase(value []byte) word {
	var buf [MaxPhrase + 1]byte
	return find(fold.Append(buf[:0], value))
}

// trim drops spaces and quotation marks around a cell.
func trim(value []byte) []byte {
	for len(value) > 0 && isBlank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && isBlank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '"' }
