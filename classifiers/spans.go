package classifiers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Span is a place in a text that holds a value of a category.
type Span struct {
	Category   Category
	Detector   string
	Start, End int // byte offsets, End exclusive
}

// needles counts, per kind, values of a field in which a detector with next to no chance of error found something.
type needles struct {
	email, phone, iban, card, ident, secret int64
}

func (n *needles) total() int64 { return n.email + n.phone + n.iban + n.card + n.ident + n.secret }

func (n *needles) String() string {
	var parts []string
	for _, k := range n.kinds() {
		parts = append(parts, fmt.Sprintf("%d %s", k.count, k.category))
	}
	return "found inside values: " + strings.Join(parts, ", ")
}

type needleKind struct {
	category Category
	count    int64
}

func (n *needles) kinds() []needleKind {
	all := []needleKind{{Email, n.email}, {Phone, n.phone}, {IBAN, n.iban}, {CreditCard, n.card}, {NationalID, n.ident}, {Secret, n.secret}}
	return slices.DeleteFunc(all, func(k needleKind) bool { return k.count == 0 })
}

func (n *needles) categories() []Category {
	var list []Category
	for _, k := range n.kinds() {
		list = append(list, k.category)
	}
	return list
}

// needleFinder looks for personal values inside any value of a field, also those that the sample does not hold.
type needleFinder struct {
	catalogue *Catalogue
}

func newNeedleFinder(c *Catalogue) *needleFinder { return &needleFinder{catalogue: c} }

// find counts what v holds and reports whether that is anything.
func (f *needleFinder) find(v []byte, n *needles) bool {
	at := bytes.IndexByte(v, '@')
	if at < 0 {
		return false
	}
	if at > 0 && at < len(v)-3 {
		if start, end, ok := emailAround(v, at); ok && (start > 0 || end < len(v)) && !isRoleAddress(v[start:end]) && !isExampleAddress(v[start:end]) {
			n.email++
			return true
		}
	}
	return false
}

// Spans appends to dst the places in text that hold personal data, in order and without overlap.
func (c *Catalogue) Spans(dst []Span, text []byte) []Span {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '@')
		if i < 0 {
			return dst
		}
		if start, end, ok := emailAround(text, at+i); ok {
			dst = append(dst, Span{Email, "email", start, end})
		}
		at += i + 1
	}
}
