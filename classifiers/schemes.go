package classifiers

import (
	"strings"

	"lethe/classifiers/ident"
)

// schemeIndex finds the number schemes that a value could belong to by the length of its compact form.
type schemeIndex struct {
	all      []ident.Scheme
	byLength [65][]uint16  // schemes with a layout of that length
	open     []uint16      // schemes without layouts, which look at every value
	strict   [65][]uint16  // schemes of byLength whose check proves a single number: see strictChance
	sets     []categorySet // the categories of each scheme
	inText   []bool        // schemes that a text is searched for without a word that names them
}

func newSchemeIndex() schemeIndex {
	x := schemeIndex{all: ident.All()}
	for i, s := range x.all {
		d := x.detector(i)
		x.sets = append(x.sets, setOf(append(d.Also, d.Category)...))
		x.inText = append(x.inText, !s.HeaderOnly && !s.Company && d.Category != None &&
			(s.Chance <= strictChance || d.Category == CreditCard))
		if len(s.Layouts) == 0 {
			x.open = append(x.open, uint16(i))
			continue
		}
		seen := map[int]bool{}
		for _, l := range s.Layouts {
			if n := len(l); n < len(x.byLength) && !seen[n] {
				seen[n] = true
				x.byLength[n] = append(x.byLength[n], uint16(i))
				if isStrict(&x.all[i]) {
					x.strict[n] = append(x.strict[n], uint16(i))
				}
			}
		}
	}
	return x
}

// isStrict says whether the check proves a number in the middle of a text: IBANs, payment cards of 15 digits
// and more, and numbers of persons with letters and a chance below strictChance.
func isStrict(s *ident.Scheme) bool {
	c := Category(s.Labels[0])
	if s.HeaderOnly || s.Company || c == None {
		return false
	}
	return c == CreditCard || c == IBAN || s.Chance <= strictChance && hasLetters(s)
}

// hasLetters reports whether each layout of a scheme has a place for a letter.
func hasLetters(s *ident.Scheme) bool {
	for _, l := range s.Layouts {
		if !strings.ContainsAny(l, "?ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			return false
		}
	}
	return true
}

// proved returns a strict scheme that the number passes. scratch has room for a compact form.
func (x *schemeIndex) proved(scratch, v []byte) (uint16, bool) {
	compact, ok := ident.Compact(scratch[:0], v)
	if !ok || len(compact) < 9 {
		return 0, false
	}
	n := ident.Number{Raw: v, Compact: compact}
	for _, i := range x.strict[len(compact)] {
		if s := &x.all[i]; (s.Labels[0] != string(CreditCard) || len(compact) >= 15) && ident.Match(s, n) {
			return i, true
		}
	}
	return 0, false
}

// covers reports whether schemes of the country say what a passport number or a plate of it looks like.
func (x *schemeIndex) covers(country string, c Category) bool {
	if c != Passport && c != VehiclePlate {
		return false
	}
	for i := range x.all {
		if x.all[i].Country == country && x.all[i].Labels[0] == string(c) {
			return true
		}
	}
	return false
}

// detector describes scheme i as a detector of the catalogue.
func (x *schemeIndex) detector(i int) Detector {
	s := &x.all[i]
	d := Detector{ID: s.ID, Name: s.Name, Country: s.Country, Source: s.Source, Chance: s.Chance,
		HeaderOnly: s.HeaderOnly, Company: s.Company, Valid: s.Valid, Invalid: s.Invalid}
	d.Unverified = s.Unverified
	if r, ok := ident.ReservedOf(s.ID); ok {
		d.Reserved = r.Says + " (" + r.Source + ")"
		if r.Unverified {
			d.Unverified = strings.TrimPrefix(d.Unverified+"; that "+r.Says+" are reserved for tests", "; ")
		}
	}
	for _, l := range s.Labels {
		if c := Category(l); d.Category == "" {
			d.Category = c
		} else {
			d.Also = append(d.Also, c)
		}
	}
	d.Class, d.DPV = d.Category.Class(), d.Category.DPV()
	return d
}

// match appends the schemes that a value passes to dst.
func (x *schemeIndex) match(dst []uint16, v []byte) []uint16 {
	var buf [64]byte
	n := ident.Number{Raw: v}
	compact, ok := ident.Compact(buf[:0], v)
	if ok {
		n.Compact = compact
		for _, i := range x.byLength[len(compact)] {
			if ident.Match(&x.all[i], n) {
				dst = append(dst, i)
			}
		}
	}
	if len(v) <= 100 {
		for _, i := range x.open {
			if ident.Match(&x.all[i], n) {
				dst = append(dst, i)
			}
		}
	}
	return dst
}

// rarity is the chance that a random string passes scheme i and has what its layout spells out as well: ISBNs start
// with 978. Separators that must be there make a number rarer too.
func (x *schemeIndex) rarity(i int, v []byte) float64 {
	s := &x.all[i]
	if s.HeaderOnly {
		return 1
	}
	rarity := s.Chance
	if len(s.Layouts) == 0 {
		return rarity / 100
	}
	var buf [64]byte
	compact, _ := ident.Compact(buf[:0], v)
	for _, l := range s.Layouts {
		if ident.Fits(l, compact) {
			for _, b := range []byte(l) {
				switch {
				case b == '9' || b == 'A' || b == '?': // a nine of "978" counts as any digit
				case isDigit(b):
					rarity /= 10
				default:
					rarity /= 26
				}
			}
			return rarity
		}
	}
	return rarity
}

// chance is the probability that decides about a column. Numbers that systems make are not random: they hold
// dates and run in sequences, so that a check that leans on a date or on a fixed prefix is worth its check
// digit only. digits says that the values have no letters, plain that they have no separators either.
func chance(s *ident.Scheme, digits, plain bool) float64 {
	switch {
	case !plain && !s.HeaderOnly && s.Chance > printedForm:
		return 0.05 // the scheme asks for its printed form, and the values have it
	case digits:
		return max(s.Chance, 0.05)
	}
	return max(s.Chance, 1e-3)
}

// printedForm is the chance from which on a scheme that can do without a header must be leaning on its
// separators (US social security numbers).
const printedForm = 0.5
