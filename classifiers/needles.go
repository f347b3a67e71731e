package classifiers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers/container"
)

// needles counts, per category, the values of a field in which a detector with next to no chance of error
// found something. A value counts once for each category, and once in all.
type needles struct {
	email, phone, iban, card, ident, secret, address int64

	rows     int64 // values that hold something
	whole    int64 // of those, the values that are nothing but the one thing
	doubtful int64 // further values, with an address of an example, or behind an encoding that may be none
	unsure   int64 // all values with such an address and no other
}

// found counts the values that hold something, in doubt or not.
func (n *needles) found() int64 { return n.rows + n.doubtful }

// of counts the values that hold something of a category, or seem to.
func (n *needles) of(c Category) int64 {
	count := int64(0)
	for _, k := range n.kinds() {
		if k.category == c || k.category == NationalID && c == TaxID {
			count += k.count
		}
	}
	if c == Email {
		count += n.unsure
	}
	return count
}

func (n *needles) String() string {
	var parts []string
	for _, k := range n.kinds() {
		parts = append(parts, fmt.Sprintf("%d %s", k.count, k.category))
	}
	if n.unsure > 0 {
		parts = append(parts, fmt.Sprintf("%d email of an example or in doubt", n.unsure))
	}
	return "rows with one inside: " + strings.Join(parts, ", ")
}

type needleKind struct {
	category Category
	count    int64
}

func (n *needles) kinds() []needleKind {
	all := []needleKind{{Email, n.email}, {Phone, n.phone}, {IBAN, n.iban}, {CreditCard, n.card}, {NationalID, n.ident},
		{Secret, n.secret}, {IPAddress, n.address}}
	return slices.DeleteFunc(all, func(k needleKind) bool { return k.count == 0 })
}

func (n *needles) categories() []Category {
	var list []Category
	for _, k := range n.kinds() {
		list = append(list, k.category)
	}
	if n.unsure > 0 && n.email == 0 {
		list = append(list, Email)
	}
	return list
}

// needleFinder looks for personal values inside any value of a field, also those that the sample does not hold.
type needleFinder struct {
	reader reader
	spans  []Span
}

func newNeedleFinder(c *Catalogue) *needleFinder { return &needleFinder{reader: reader{catalogue: c}} }

// inValue is what one value holds.
type inValue struct {
	email, phone, iban, card, ident, secret, address bool
	doubtful                                         bool
	whole                                            bool
}

// find counts what v holds and reports whether that is anything. Values of digits and signs alone are left
// to the sample: in a field of numbers a check digit proves nothing about a single one.
func (f *needleFinder) find(v []byte, n *needles) bool {
	if len(v) < 6 {
		return false // the shortest address is a@b.eu
	}
	c := take(v)
	few := c.digits < 7 && len(v) < 40
	if c.ats == 0 && c.others == 0 && (few || c.letters() == 0 && (c.marks == 0 || v[0] != '+')) {
		return false
	}
	var x inValue
	f.look(v, c, true, &x)
	if !x.email && c.others > 0 && container.Encoded(v) {
		text, sure := container.Decode(nil, v)
		f.look(text, take(text), sure, &x)
	}
	return n.count(&x)
}

// look notes what a text holds; sure is false where it may be none.
func (f *needleFinder) look(v []byte, c census, sure bool, x *inValue) {
	f.reader.text, f.reader.run = v, numberRun{}
	f.spans = f.reader.numbers(f.spans[:0])
	f.reader.text = nil
	for _, s := range f.spans {
		x.whole = x.whole || s.End-s.Start == len(bytes.TrimSpace(v))
		switch s.Category {
		case Email:
			if a := v[s.Start:s.End]; !isRoleAddress(a) {
				certain := sure && !isExampleAddress(a)
				x.email, x.doubtful = x.email || certain, x.doubtful || !certain
			}
		case Phone:
			x.phone = true
		case IBAN:
			x.iban = true
		case CreditCard:
			x.card = true
		case NationalID, TaxID:
			x.ident = true
		case Secret:
			x.secret = true
		case IPAddress:
			x.address = x.address || c.letters() > 3
		}
	}
}

// count adds what one value holds, and reports whether that is anything.
func (n *needles) count(x *inValue) bool {
	found := false
	for _, k := range [...]struct {
		held bool
		in   *int64
	}{{x.email, &n.email}, {x.phone, &n.phone}, {x.iban, &n.iban}, {x.card, &n.card}, {x.ident, &n.ident},
		{x.secret, &n.secret}, {x.address, &n.address}} {
		if k.held {
			*k.in++
			found = true
		}
	}
	if x.doubtful && !x.email {
		n.unsure++
	}
	switch {
	case found:
		n.rows++
	case x.doubtful:
		n.doubtful++
	default:
		return false
	}
	if x.whole {
		n.whole++
	}
	return true
}
