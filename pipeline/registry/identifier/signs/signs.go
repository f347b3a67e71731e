// Package signs says which signs may stand where in an address, a name or a number: Local, Name, Number. A sign at an
// end may be what is left of something else (a formula, a bullet, an escape, the full stop of a sentence), and whoever
// reads the rest takes it for the same. A Fault says so, and what to do.
package signs

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Fault is why it cannot be told what belongs to a value, and the way out; "" for none.
type Fault string

// What may be in doubt.
const (
	Edge Fault = "a sign before or behind it may be what is left of something else (a formula, a bullet, a quote, " +
		"the end of a sentence): deliver it without"
	Inside Fault = "a sign in it that identifiers of its kind do not have (a comma, a quote, an =): deliver it without"
	Groups Fault = "its digits are in groups, as programs show numbers: deliver it as text, with nothing between digits"
	Float  Fault = "a program took it for a fraction or rounded it: deliver it as text, as it was given"
	Letter Fault = "a letter between digits that reads as one (O, I, l): deliver it as it was given"
)

// What a character of ASCII may be.
const (
	word      uint8 = 1 << iota // a letter or a digit
	inNumber                    // stands between those of a number
	opensName                   // may begin a name
	endsName
	likeDigit // a letter that reads as a digit
)

var classes = func() (table [utf8.RuneSelf]uint8) {
	for c := range byte(len(table)) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z':
			table[c] = word | inNumber | opensName | endsName
		}
	}
	for class, list := range map[uint8]string{inNumber: " -./_:#+*@|&", opensName: "_-~*!$^([{",
		endsName: "_-~*!$^)]}#%+", likeDigit: "OoIl"} {
		for _, c := range list {
			table[c] |= class
		}
	}
	return table
}()

// class is what a character of any script may be.
func class(r rune) uint8 {
	switch {
	case r < utf8.RuneSelf:
		return classes[r]
	case unicode.In(r, unicode.L, unicode.M, unicode.N):
		return word | inNumber | opensName | endsName
	case r == '°', r == '\u200c', r == '\u200d': // N°42; joiners
		return inNumber | opensName | endsName
	}
	return opensName | endsName
}

// ends are the classes of the first and the last character.
func ends(value []byte) (first, last uint8) {
	if f, l := value[0], value[len(value)-1]; f|l < utf8.RuneSelf {
		return classes[f], classes[l]
	}
	r, _ := utf8.DecodeRune(value)
	l, _ := utf8.DecodeLastRune(value)
	return class(r), class(l)
}

// Nothing reports whether a value holds no letter, digit or symbol: it names nobody.
func Nothing(value []byte) bool {
	for _, c := range value {
		if c >= utf8.RuneSelf || classes[c]&word != 0 {
			return false
		}
	}
	return true
}

// Local looks at the local part of an address. It begins with a letter, a digit or _, and holds no = as what forms,
// bounced mail and quoted-printable text leave does, and no quote that was doubled.
func Local(local []byte) Fault {
	if c := local[0]; c < utf8.RuneSelf && classes[c]&word == 0 && c != '_' {
		return Edge
	}
	if bytes.IndexByte(local, '=') >= 0 || doubled(local) {
		return Inside
	}
	return ""
}

// Name looks at a user name. People choose signs for theirs, and so most stay; not those at an end that quotes,
// formulas, sentences and links leave, nor brackets around all of it.
func Name(name []byte) Fault {
	first, last := ends(name)
	plus := len(name) > 1 && name[0] == '+' && '0' <= name[1] && name[1] <= '9' // a telephone number
	_, wrapped := Unwrapped(name)
	switch {
	case first&opensName == 0 && !plus, last&endsName == 0 && !abbreviated(name), wrapped:
		return Edge
	case doubled(name):
		return Inside
	}
	return ""
}

// abbreviated reports whether the full stop behind a name may be that of its last word: Anna R., John Smith Jr.
func abbreviated(name []byte) bool {
	words, stop := bytes.CutSuffix(name, []byte("."))
	before := bytes.LastIndexByte(words, '.')
	return stop && (bytes.IndexByte(words, ' ') > 0 || before > 0 && before == len(words)-len(".R"))
}

// doubled reports whether a quote stands twice, as SQL and CSV write one inside a text.
func doubled(text []byte) bool {
	before := byte(0)
	for _, c := range text {
		if c == before && (c == '\'' || c == '"') {
			return true
		}
		before = c
	}
	return false
}

// Unwrapped is a value without the one pair of brackets that is around all of it; false where there is none.
func Unwrapped(value []byte) ([]byte, bool) {
	if len(value) < len("(x)") {
		return value, false
	}
	first, last, inside := value[0], value[len(value)-1], value[1:len(value)-1]
	pair := first == '(' && last == ')' || first == '[' && last == ']' || first == '{' && last == '}'
	return inside, pair && !bytes.ContainsAny(inside, "()[]{}")
}

// Number looks at a customer number: it begins and ends with a letter or a digit, and between those stand the signs
// that part the groups of numbers. The digits of one that has no letter are not parted by spaces, nor by points in
// thousands; and no fraction is made of a name.
func Number(number []byte) Fault {
	if first, last := ends(number); first&word == 0 || last&word == 0 {
		return Edge
	}
	var seen counts
	if !seen.read(number) {
		return Inside
	}
	switch {
	case seen.plain && seen.spaces > 0, seen.plain && seen.points > 0 && thousands(number):
		return Groups
	case seen.points == 1 && fractional(number):
		return Float
	case seen.like && misspelt(number):
		return Letter
	}
	return ""
}

// counts is what stands in a number.
type counts struct {
	spaces, points int
	plain          bool // nothing but digits, spaces and points
	like           bool // a letter that reads as a digit
}

// read is false for a number with a sign that no number has.
func (s *counts) read(number []byte) bool {
	s.plain = true
	for i, c := range number {
		switch is := classes[c&0x7f]; {
		case c >= utf8.RuneSelf:
			if r, _ := utf8.DecodeRune(number[i:]); utf8.RuneStart(c) && class(r)&inNumber == 0 {
				return false
			}
			s.plain = false
		case is&inNumber == 0:
			return false
		case c == ' ':
			s.spaces++
		case c == '.':
			s.points++
		case c < '0' || c > '9':
			s.plain, s.like = false, s.like || is&likeDigit != 0
		}
	}
	return true
}

// fractional reports whether a number ends with a point and zeros.
func fractional(number []byte) bool {
	short := bytes.TrimRight(number, "0")
	return len(short) < len(number) && short[len(short)-1] == '.'
}

// thousands reports whether points part the digits of a number in groups of three, from behind.
func thousands(number []byte) bool {
	first, rest, _ := bytes.Cut(number, []byte("."))
	for group := range bytes.SplitSeq(rest, []byte(".")) {
		if len(group) != 3 {
			return false
		}
	}
	return len(first) <= 3
}

// misspelt reports whether between signs of a number something begins and ends with a digit, and holds nothing but
// digits and letters that read as digits.
func misspelt(number []byte) bool {
	for group := range bytes.FieldsFuncSeq(number, func(r rune) bool { return class(r)&word == 0 }) {
		digits := group[0] <= '9' && group[len(group)-1] <= '9'
		if digits && bytes.IndexAny(group, "OoIl") > 0 && len(bytes.Trim(group, "0123456789OoIl")) == 0 {
			return true
		}
	}
	return false
}
