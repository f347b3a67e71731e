package classifiers

import (
	"lethe/classifiers/ident"
)

// schemeIndex finds the number schemes that a value could belong to by the length of its compact form.
type schemeIndex struct {
	all      []ident.Scheme
	byLength [65][]uint16 // schemes with a layout of that length
	open     []uint16     // schemes without layouts, which look at every value
}

func newSchemeIndex() schemeIndex {
	x := schemeIndex{all: ident.All()}
	for i, s := range x.all {
		if len(s.Layouts) == 0 {
			x.open = append(x.open, uint16(i))
			continue
		}
		seen := map[int]bool{}
		for _, l := range s.Layouts {
			if n := len(l); n < len(x.byLength) && !seen[n] {
				seen[n] = true
				x.byLength[n] = append(x.byLength[n], uint16(i))
			}
		}
	}
	return x
}

// detector describes scheme i as a detector of the catalogue.
func (x *schemeIndex) detector(i int) Detector {
	s := &x.all[i]
	d := Detector{ID: s.ID, Name: s.Name, Country: s.Country, Source: s.Source, Chance: s.Chance, HeaderOnly: s.HeaderOnly, Company: s.Company, Valid: s.Valid, Invalid: s.Invalid}
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

// chance is the probability that decides about a column. Numbers that systems make are not random: they hold dates and run in sequences, so
// that a check that leans on a date or on a fixed prefix is worth its check digit only.
func chance(s *ident.Scheme, digits bool) float64 {
	if digits {
		return max(s.Chance, 0.05)
	}
	return max(s.Chance, 1e-3)
}
