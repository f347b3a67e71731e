package via

import (
	"hash/maphash"
	"slices"
	"strconv"
	"unicode/utf8"

	"lethe/connectors"
)

// writeFolded writes what some engine takes for equal as one text: case, accents, width, spaces around and control
// characters go, ligatures are spelt out, numbers are one however they are written, and characters beyond the basic
// plane are one. It is coarser than any collation. mixed says that numbers are compared with texts: there engines take
// a text for the number that it begins with, and for 0 if it begins with none.
func writeFolded(h *maphash.Hash, value []byte, mixed bool) {
	for _, c := range value {
		if c >= utf8.RuneSelf || c < ' ' && !space(c) {
			value = []byte(connectors.Fold(string(value)))
			break
		}
	}
	n, rest := readNumber(value)
	if n.digits() > 0 && len(rest) == 0 || mixed {
		n.write(h)
		return
	}
	end := len(value)
	for end > 0 && value[end-1] == ' ' {
		end--
	}
	for _, c := range value[:end] {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h.WriteByte(c)
	}
}

// space reports what engines pass over before a number.
func space(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// number is a decimal number as it is written.
type number struct {
	negative        bool
	whole, fraction []byte
	power           int
}

// maxPower bounds the powers of ten that are read; what has a greater one is no key.
const maxPower = 9999

// readNumber reads the number at the beginning of a text, and returns what comes after it and is no space.
func readNumber(text []byte) (n number, rest []byte) {
	skip := func() {
		for len(text) > 0 && space(text[0]) {
			text = text[1:]
		}
	}
	digits := func() (d []byte) {
		i := slices.IndexFunc(text, func(c byte) bool { return c < '0' || c > '9' })
		if i < 0 {
			i = len(text)
		}
		d, text = text[:i], text[i:]
		return d
	}
	skip()
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		n.negative, text = text[0] == '-', text[1:]
	}
	n.whole = digits()
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
		n.fraction = digits()
	}
	if n.digits() > 0 && len(text) > 1 && text[0]|0x20 == 'e' {
		before, sign := text, byte('+')
		if text = text[1:]; text[0] == '+' || text[0] == '-' {
			sign, text = text[0], text[1:]
		}
		power, err := strconv.Atoi(string(sign) + string(digits()))
		if err != nil || power > maxPower || power < -maxPower {
			power, text = 0, before
		}
		n.power = power
	}
	skip()
	return n, text
}

func (n number) digits() int { return len(n.whole) + len(n.fraction) }

// write writes one text for all numbers of the same value.
func (n number) write(h *maphash.Hash) {
	digit := func(i int) byte {
		if i < len(n.whole) {
			return n.whole[i]
		}
		return n.fraction[i-len(n.whole)]
	}
	first, last := 0, n.digits()-1
	for first <= last && digit(first) == '0' {
		first++
	}
	if first > last {
		h.WriteByte('0')
		return
	}
	for digit(last) == '0' {
		last--
	}
	if n.negative {
		h.WriteByte('-')
	}
	for i := first; i <= last; i++ {
		h.WriteByte(digit(i))
	}
	var power [8]byte
	h.WriteByte('e')
	h.Write(strconv.AppendInt(power[:0], int64(n.power+len(n.whole)-1-last), 10))
}
