package classifiers

import (
	"fmt"
	"slices"
	"strings"
)

// needles counts, per category, the values of a field in which a detector with next to no chance of error
// found something.
type needles struct {
	email, phone, iban, card, ident, secret, address int64
}

func (n *needles) total() int64 {
	return n.email + n.phone + n.iban + n.card + n.ident + n.secret + n.address
}

func (n *needles) String() string {
	var parts []string
	for _, k := range n.kinds() {
		parts = append(parts, fmt.Sprintf("%d %s", k.count, k.category))
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
	return list
}

// needleFinder looks for personal values inside any value of a field, also those that the sample does not hold.
type needleFinder struct {
	reader reader
	spans  []Span
}

func newNeedleFinder(c *Catalogue) *needleFinder { return &needleFinder{reader: reader{catalogue: c}} }

// find counts what v holds and reports whether that is anything. Values of digits and signs alone are left
// to the sample: in a field of numbers a check digit proves nothing about a single one.
func (f *needleFinder) find(v []byte, n *needles) bool {
	if len(v) < 6 {
		return false // the shortest address is a@b.eu
	}
	c := take(v)
	few := c.digits < 7 && c.others == 0 && len(v) < 40
	if c.ats == 0 && (few || c.letters() == 0 && (c.marks == 0 || v[0] != '+')) {
		return false
	}
	f.reader.text, f.reader.run = v, numberRun{}
	f.spans = f.reader.numbers(f.spans[:0])
	f.reader.text = nil
	var seen needles
	for _, s := range f.spans {
		switch s.Category {
		case Email:
			if a := v[s.Start:s.End]; !isRoleAddress(a) && !isExampleAddress(a) {
				seen.email = 1
			}
		case Phone:
			seen.phone = 1
		case IBAN:
			seen.iban = 1
		case CreditCard:
			seen.card = 1
		case NationalID, TaxID:
			seen.ident = 1
		case Secret:
			seen.secret = 1
		case IPAddress:
			if c.letters() > 3 {
				seen.address = 1
			}
		}
	}
	n.email += seen.email
	n.phone += seen.phone
	n.iban += seen.iban
	n.card += seen.card
	n.ident += seen.ident
	n.secret += seen.secret
	n.address += seen.address
	return seen.total() > 0
}
