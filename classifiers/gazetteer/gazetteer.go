// Package gazetteer knows names: of people, cities, countries, regions, streets,
// and of what is none of these. It is pure: its lists are compiled in (see
// NOTICE for where they come from and gen for how they are made), nothing is
// loaded or built at start, and every function is safe for concurrent use, takes
// time linear in its argument and does not allocate.
//
// Words are compared folded: case, accents, apostrophes and full stops do not
// matter, and Cyrillic and Greek are read as their usual Latin transcription, so
// that 'Müller', 'MULLER' and 'Mueller' are one name, and so are 'Иванов' and
// 'Ivanov'.
//
// The scores are natural logarithms of odds for one cell. Single cells are weak
// evidence ('Rose', 'Paris'); a column is judged by many of them.
package gazetteer

import (
	_ "embed"

	"lethe/classifiers/gazetteer/internal/fold"
)

// Kind is a set of what a word or phrase is known to be. A word may be several:
// 'rose' is Given, Family and Common.
type Kind uint16

// The kinds of words. StreetFirst and StreetLast narrow Thoroughfare to words that
// stand before the street's name ('via', 'rue', 'ul.') and behind it ('Lane',
// 'utca'); BigCity narrows City to 100,000 people.
const (
	Given        Kind = 1 << iota // a given name
	Family                        // a family name
	Name                          // listed as a person's name, without saying which
	City                          // a city or town
	Country                       // a country, in any of some 75 languages
	Region                        // a state, province, county, Land, voivodeship ...
	Thoroughfare                  // a street word, written out or abbreviated
	Honorific                     // 'Mr', 'Dott.ssa', 'Herr', also suffixes such as 'Jr'
	Particle                      // 'van', 'de', 'bin': part of a name, none by itself
	LegalForm                     // 'GmbH', 'S.p.A.', 'sp. z o.o.'
	Company                       // a word of company names: 'Holding', 'Logistik'
	Calendar                      // a month or weekday
	Common                        // an ordinary word: colours, products, job titles, states of an order
	StreetFirst
	StreetLast
	BigCity
)

// MaxPhrase is the longest folded phrase, in bytes, that a lookup compares; what
// is longer is unknown.
const MaxPhrase = 64

// The layout of tokens.bin, shared with gen: a directory of 2^16+1 little-endian
// entry numbers by the first 16 of the 40 bits of a fingerprint, then entries of
// the other 24 bits, the kind (16 bits) and the weight (a signed byte in units of
// 1/WeightScale), sorted. Codes are stored with a prefix, apart from words.
const (
	WeightScale      = 32
	CountryCode byte = 1
	RegionCode  byte = 2

	buckets   = 1 << 16
	entrySize = 6
	entries   = 4 * (buckets + 1)
)

//go:embed tokens.bin
var tokens string

// Lookup returns what a word or a whole phrase is known to be ('New York', 'Côte
// d'Ivoire', 'Emilia-Romagna'), 0 if nothing. It folds the text itself; hyphens and
// spaces are the same.
func Lookup(token []byte) Kind {
	var buf [MaxPhrase + 1]byte
	return find(fold.Append(buf[:0], token)).kind
}

// word is a table entry. weight is the log-odds that the word, seen in a cell, is
// there as somebody's name, by the lists that hold it.
type word struct {
	kind   Kind
	weight float64
}

// find returns the entry of a folded word or phrase, zero if there is none.
func find(folded []byte) word {
	if len(folded) == 0 || len(folded) > MaxPhrase {
		return word{}
	}
	print := fold.Hash(folded)
	bucket := int(print >> 24)
	for i, end := number(4*bucket), number(4*bucket+4); i < end; i++ {
		e := tokens[entries+i*entrySize : entries+(i+1)*entrySize]
		if e[0] == byte(print) && e[1] == byte(print>>8) && e[2] == byte(print>>16) {
			return word{Kind(e[3]) | Kind(e[4])<<8, float64(int8(e[5])) / WeightScale}
		}
	}
	return word{}
}

func number(at int) int {
	return int(tokens[at]) | int(tokens[at+1])<<8 | int(tokens[at+2])<<16 | int(tokens[at+3])<<24
}

// hasCode reports whether text is a code as written, case and all.
func hasCode(prefix byte, text []byte) bool {
	if len(text) < 2 || len(text) > 3 {
		return false
	}
	var buf [4]byte
	return find(append(append(buf[:0], prefix), text...)).kind != 0
}
