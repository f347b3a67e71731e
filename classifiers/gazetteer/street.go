package gazetteer

import (
	"bytes"
	"unicode/utf8"

	"lethe/classifiers/gazetteer/internal/fold"
)

// The weights of Street, natural logarithms of odds, set by hand as those of
// PersonName.
const (
	streetPrior    = -2.5
	streetWord     = 3.0 // 'via' in front, 'Lane' behind, '...straße' glued on
	weakStreetWord = 1.5 // the same, but a word that stands for much else: 'Park', '...ring'
	preposition    = 1.0 // 'Am', 'Unter den' before a name and a number
	houseNumber    = 2.0
	postBox        = 6.0
	unitWord       = 0.7 // 'Apt', 'interno'
	noStreetName   = -2.0
	plainWord      = -1.5 // a number beside an ordinary word: 'Room 12', '3 boxes'
)

// glued are the ends of compound street names, folded; weak ones end other words too.
var glued = [...]struct {
	end  string
	weak bool
}{
	{"strasse", false}, {"str", false}, {"gasse", false}, {"platz", false}, {"allee", false}, {"chaussee", false},
	{"weg", false}, {"damm", true}, {"ufer", true}, {"steig", true}, {"pfad", true}, {"ring", true}, {"graben", true},
	{"markt", true}, {"steg", true}, {"hof", true}, {"straat", false}, {"laan", false}, {"plein", false},
	{"gracht", false}, {"kade", false}, {"singel", false}, {"dreef", false}, {"steenweg", false}, {"dijk", true},
	{"pad", true}, {"baan", true}, {"kaai", false}, {"lei", true}, {"hof", true}, {"gatan", false}, {"gata", false},
	{"vagen", false}, {"vag", false}, {"grand", true}, {"torget", false}, {"torg", false}, {"stigen", true},
	{"backen", true}, {"gade", false}, {"vej", false}, {"vejen", false}, {"alle", true}, {"torv", false},
	{"straede", false}, {"gate", true}, {"gaten", false}, {"vei", false}, {"veien", false}, {"veg", true},
	{"vegen", false}, {"bakken", true}, {"katu", false}, {"tie", true}, {"kuja", false}, {"polku", true},
	{"utca", false},
}

// units are words for a part of a building, folded.
var units = [...]string{"apt", "apartment", "suite", "ste", "unit", "floor", "fl", "flat", "bldg", "building",
	"interno", "int", "scala", "piano", "piso", "puerta", "esc", "bloque", "planta", "andar", "bat", "batiment",
	"etage", "appt", "whg", "stock", "lok", "app", "bl", "sc", "et", "ap", "kv", "house", "level", "block"}

// boxes are ways to say post box, folded.
var boxes = [...]string{"po box", "p o box", "pobox", "post office box", "postfach", "casella postale", "boite postale",
	"apartado de correos", "apartado postal", "apartado", "caixa postal", "postbus", "skrytka pocztowa", "postboks",
	"postbox", "cassetta postale", "postilokero", "gpo box", "private bag", "bp", "cp", "pk"}

// Street returns the log-odds that a cell is the street line of a postal address
// in any of the languages of the lists: a street word in its place, a house
// number, a name between them ('23 Workhaven Lane', 'Av. dos Lusíadas, 23', 'ul.
// Długa 5/7', '12, rue des Bouchers', 'Obere Str. 57'), or a post box.
func Street(value []byte) float64 {
	value = trim(value)
	if len(value) < 4 || len(value) > 160 {
		return impossible
	}
	if bytes.ContainsAny(value, "@=<>{}[]|*%$~^!?_\\€") {
		return impossible
	}
	if isPostBox(value) {
		return streetPrior + postBox
	}
	if r, _ := utf8.DecodeRune(value); isEastAsian(r) {
		return eastAsianStreet(value)
	}
	var p parts
	split(value, &p)
	y := streetTally{score: streetPrior}
	list := p.list[:p.n]
	for i := range list {
		if list[i].digit {
			y.number(list, i)
		} else {
			y.word(list, i)
		}
	}
	score := y.judge(list)
	if p.more || bytes.IndexByte(value, ':') >= 0 {
		score -= 2
	}
	return max(impossible, score)
}

// streetTally is what the words of a cell say together.
type streetTally struct {
	score   float64
	best    float64 // the strongest street word
	names   int
	numbers int
	plain   int // ordinary words
}

// number counts a word that begins with a digit.
func (y *streetTally) number(list []part, i int) {
	raw := list[i].raw
	switch {
	case isOrdinal(raw), y.numbers > 0 && i+1 < len(list) && list[i+1].word.kind&StreetLast != 0:
		y.names++ // '801 4th Street', '5112 48 Street'
	case isHouseNumber(raw):
		y.numbers++
	default:
		y.score -= 0.5
	}
}

// word counts any other word.
func (y *streetTally) word(list []part, i int) {
	t := &list[i]
	if w := streetWordAt(list, i); w > 0 {
		y.best = max(y.best, w)
		return
	}
	if w := gluedStrength(t.raw); w > 0 {
		y.best = max(y.best, w)
		y.names++
		return
	}
	last := i == len(list)-1
	if t.letter != uncased && utf8.RuneCount(t.raw) > 1 || i > 0 && last {
		y.names++
	}
	k := t.word.kind
	switch {
	case isUnit(t.raw) && y.numbers+y.names > 0:
		y.score += unitWord
	case k&Common != 0 && k&(Given|Family|Particle|City|Region|Thoroughfare) == 0:
		y.plain++
	case k&LegalForm != 0 && len(t.raw) > 2 && last:
		y.score -= 2
	}
}

// judge weighs the words that were counted.
func (y *streetTally) judge(list []part) float64 {
	score := y.score + y.best
	switch {
	case y.numbers == 0:
	case y.numbers <= 4:
		score += houseNumber
	default:
		score -= 2
	}
	if y.names == 0 {
		score += noStreetName
	}
	if y.best == 0 && len(list) > 0 && list[0].digit && len(list[0].raw) >= 4 {
		score-- // rather a postcode and its town
	}
	if y.best <= preposition && y.plain > 0 {
		score += plainWord
	}
	if y.best > 0 && y.numbers == 0 && y.plain > 1 {
		score -= 1
	}
	return score
}

// streetWordAt returns how much the word at i says 'street' where it stands, 0 if
// it does not.
func streetWordAt(list []part, i int) float64 {
	t := &list[i]
	k := t.word.kind
	last := i == len(list)-1
	switch {
	case k&StreetFirst != 0 && opensStreet(list, i):
		return strength(t)
	case i > 1 && last && list[0].digit && isStreetAbbreviation(t.raw):
		return streetWord
	case k&StreetLast != 0 && i > 0 && closesStreet(list, i):
		return strength(t)
	case i == 0 && t.letter == title && isPreposition(t.raw) && list[len(list)-1].digit:
		return preposition
	}
	return 0
}

// opensStreet reports whether a word at i that stands before names of streets has
// one behind it.
func opensStreet(list []part, i int) bool {
	if i+1 >= len(list) || list[i+1].digit && i+2 >= len(list) {
		return false
	}
	if i > 1 && !list[i-1].digit && !list[i-1].comma {
		return false
	}
	return !isShort(&list[i]) || list[i].dot || anyDigit(list)
}

// closesStreet reports whether a word at i that stands behind names of streets has
// one before it.
func closesStreet(list []part, i int) bool {
	t := &list[i]
	if list[i-1].digit && !isOrdinal(list[i-1].raw) && (i < 2 || !list[i-2].digit) {
		return false
	}
	if !isShort(t) || t.dot || t.comma || i+1 >= len(list)-1 {
		return true
	}
	return i+1 < len(list) && list[i+1].digit
}

// isShort reports whether a word has at most two letters, as many abbreviations
// and more ordinary words have.
func isShort(t *part) bool { return utf8.RuneCount(t.raw) <= 2 }

// isStreetAbbreviation knows the abbreviations of the United States Postal Service (Publication 28, appendix
// C1) that are names or words as well.
func isStreetAbbreviation(raw []byte) bool {
	switch string(raw) {
	case "Ave", "ave", "AVE", "Dr", "DR", "Ct", "CT", "Pl", "PL", "Ln", "LN", "Rd", "RD", "Blvd", "BLVD", "Hwy", "HWY",
		"Pkwy", "PKWY", "Ter", "TER", "Cir", "CIR", "Sq", "SQ", "Trl", "TRL":
		return true
	}
	return false
}

func isPreposition(raw []byte) bool {
	switch string(raw) {
	case "Am", "An", "Im", "In", "Unter", "Zum", "Zur", "Auf", "Bei", "Beim", "Hinter", "Vor", "Op", "Aan", "Na", "Pod",
		"U", "Nad", "Pri":
		return true
	}
	return false
}

func strength(t *part) float64 {
	if t.word.kind&Common != 0 && len(t.raw) > 2 && !isPlainStreet(t.raw) {
		return weakStreetWord
	}
	return streetWord
}

// isPlainStreet names street words that stand in lists of common words too, but in
// their place mean a street.
func isPlainStreet(raw []byte) bool {
	var buf [16]byte
	switch string(fold.Append(buf[:0], raw)) {
	case "street", "road", "avenue", "lane", "drive", "boulevard", "court", "square", "terrace", "crescent", "close",
		"parkway", "highway", "loop", "broadway", "via", "viale", "piazza", "corso", "rue", "calle", "rua", "chemin",
		"avenida", "strada", "strasse", "ulica", "ulice", "utca", "place", "weg", "platz", "gasse", "straat", "impasse",
		"allee", "vicolo":
		return true
	}
	return false
}

func anyDigit(list []part) bool {
	for i := range list {
		if list[i].digit {
			return true
		}
	}
	return false
}

// gluedStrength is the weight of a street word that ends a compound, 0 if none does.
func gluedStrength(raw []byte) float64 {
	if len(raw) < 6 { // three letters of a name and three of a street word
		return 0
	}
	var buf [MaxPhrase + 1]byte
	folded := fold.Append(buf[:0], raw)
	for i := range glued {
		g := &glued[i]
		if n := len(folded) - len(g.end); n >= 3 && folded[len(folded)-1] == g.end[len(g.end)-1] &&
			string(folded[n:]) == g.end {
			if g.weak {
				return weakStreetWord
			}
			return streetWord
		}
	}
	return 0
}

// isHouseNumber accepts 1 to 5 digits and at most three letters ('12', '12a',
// '12bis'), not ordinals or measures.
func isHouseNumber(raw []byte) bool {
	digits := 0
	for digits < len(raw) && raw[digits] >= '0' && raw[digits] <= '9' {
		digits++
	}
	rest := raw[digits:]
	if digits == 0 || digits > 5 || len(rest) > 3 {
		return false
	}
	return len(rest) <= 1 || string(rest) == "bis" || string(rest) == "ter"
}

func isOrdinal(raw []byte) bool {
	if len(raw) < 3 || raw[0] < '0' || raw[0] > '9' {
		return false
	}
	switch string(bytes.TrimLeft(raw, "0123456789")) {
	case "st", "nd", "rd", "th", "ST", "ND", "RD", "TH":
		return true
	}
	return false
}

func isUnit(raw []byte) bool {
	if len(raw) > 10 {
		return false
	}
	var buf [16]byte
	folded := fold.Append(buf[:0], raw)
	for _, u := range units {
		if string(folded) == u {
			return true
		}
	}
	return false
}

func isPostBox(value []byte) bool {
	if !hasDigit(value) {
		return false
	}
	var buf [MaxPhrase + 1]byte
	folded := fold.Append(buf[:0], value)
	for _, b := range boxes {
		if n := len(b); len(folded) > n+1 && string(folded[:n]) == b && folded[n] == ' ' && folded[n+1] >= '0' &&
			folded[n+1] <= '9' {
			return true
		}
	}
	return false
}

// eastAsianStreet looks for at least two words of administrative units or streets
// and a number.
func eastAsianStreet(value []byte) float64 {
	marks := 0
	for _, m := range [...]string{"省", "市", "区", "區", "县", "縣", "路", "街", "道", "号", "號", "町", "丁目", "番地", "村", "镇", "동",
		"로 ", "길 ", "구 ", "시 ", "都", "府"} {
		if bytes.Contains(value, []byte(m)) {
			marks++
		}
	}
	switch {
	case marks >= 2 && hasDigit(value):
		return 3
	case marks >= 3:
		return 2
	case marks >= 1 && hasDigit(value):
		return 0.5
	}
	return improbable
}
