package via

import (
	"bytes"
	"strings"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/standings"
)

// signs are the characters that make an address of a text, and the forms of them that are read as such.
const signs = "@＠﹫"

// read reads the identifiers that a value holds: one, or the addresses of a list.
func (x *Index) read(kind string, value []byte, do func(name standings.Name, text []byte)) {
	if name, err := x.known.Name(x.key, kind, value, x.country, &x.buf); err == nil {
		do(name, value)
		return
	}
	x.readList(kind, value, do)
}

// readList reads the addresses of a list; a no may stand under any of them. withheld says that there is what may be an
// address and cannot be read.
func (x *Index) readList(kind string, value []byte, do func(name standings.Name, text []byte)) (withheld bool) {
	if kind != identifier.Email {
		return false
	}
	try := func(text []byte) bool {
		name, err := x.known.Name(x.key, kind, text, x.country, &x.buf)
		if err == nil {
			do(name, text)
		}
		return err == nil
	}
	for part := range bytes.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(",;|\r\n\t", r) }) {
		if !bytes.ContainsAny(part, signs) || try(bytes.TrimSpace(part)) {
			continue
		}
		for word := range bytes.FieldsFuncSeq(part, func(r rune) bool { return r == ' ' || r == '/' }) {
			withheld = bytes.ContainsAny(word, signs) && !try(word) || withheld
		}
	}
	return withheld
}
