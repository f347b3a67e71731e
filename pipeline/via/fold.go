package via

import (
	"hash/maphash"
	"unicode/utf8"

	"lethe/connectors"
)

// writeFolded writes what some engine takes for equal as one text: case, accents, width, trailing spaces and
// control characters go, ligatures are spelt out, numbers lose leading zeros, and characters beyond the basic
// plane are one. It is coarser than any collation.
func writeFolded(h *maphash.Hash, value []byte) {
	for _, c := range value {
		if c >= utf8.RuneSelf || c < ' ' {
			h.WriteString(connectors.Fold(string(value)))
			return
		}
	}
	end := len(value)
	for end > 0 && value[end-1] == ' ' {
		end--
	}
	value = value[:end]
	if digits(value) {
		for len(value) > 1 && value[0] == '0' {
			value = value[1:]
		}
	}
	for _, c := range value {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h.WriteByte(c)
	}
}

func digits(value []byte) bool {
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
