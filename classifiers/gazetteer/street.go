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
	{"strasse", false}, {"str", false}, {"gasse", false}, {"platz", false}, {"allee", false}, {"chaussee", false}, {"weg", false},
	{"damm", true}, {"ufer", true}, {"steig", true}, {"pfad", true}, {"ring", true}, {"graben", true}, {"markt", true}, {"steg", true}, {"hof", true},
	{"straat", false}, {"laan", false}, {"plein", false}, {"gracht", false}, {"kade", false}, {"singel", false}, {"dreef", false}, {"steenweg", false}, {"dijk", true}, {"pad", true}, {"baan", true}, {"kaai", false}, {"lei", true}, {"hof", true},
	{"gatan", false}, {"gata", false}, {"vagen", false}, {"vag", false}, {"grand", true}, {"torget", false}, {"torg", false}, {"stigen", true}, {"backen", true},
	{"gade", false}, {"vej", false}, {"vejen", false}, {"alle", true}, {"torv", false}, {"straede", false}, {"gate", true}, {"gaten", false}, {"vei", false}, {"veien", false}, {"veg", true}, {"vegen", false}, {"bakken", true},
	{"katu", false}, {"tie", true}, {"kuja", false}, {"polku", true}, {"utca", false},
}

// units are words for a part of a building, folded.
var units = [...]string{"apt", "apartment", "suite", "ste", "unit", "floor", "fl", "flat", "bldg", "building", "interno", "int", "scala", "piano", "piso", "puerta", "esc", "bloque", "planta", "andar", "bat", "batiment", "etage", "appt", "whg", "stock", "lok", "app", "bl", "sc", "et", "ap", "kv", "house", "level", "block"}

// boxes are ways to say post box, folded.
var boxes = [...]string{"po box", "p o box", "pobox", "post office box", "postfach", "casella postale", "boite postale", "apartado de correos", "apartado postal", "apartado", "caixa postal", "postbus", "skrytka pocztowa", "postboks", "postbox", "cassetta postale", "postilokero", "gpo box", "private bag", "bp", "cp", "pk"}

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
	list := p.list[:p.n]
	score, names, numbers, plain := streetPrior, 0, 0, 0
	best := 0.0
	for i := range list {
		t := &list[i]
		if t.digit {
			switch {
			case isOrdinal(t.raw), numbers > 0 && i+1 < len(list) && list[i+1].word.kind&StreetLast != 0:
				names++ // '801 4th Street', '5112 48 Street'
			case isHouseNumber(t.raw):
				numbers++
			default:
				score -= 0.5
			}
			continue
		}
		w := streetWordAt(list, i)
		if w > 0 {
			best = max(best, w)
			continue
		}
		if w = gluedStrength(t.raw); w > 0 {
			best = max(best, w)
			names++
			continue
		}
		if t.letter != uncased && utf8.RuneCount(t.raw) > 1 || i > 0 && i == len(list)-1 {
			names++
		}
		k := t.word.kind
		switch {
		case isUnit(t.raw) && numbers+names > 0:
			score += unitWord
		case k&Common != 0 && k&(Given|Family|Particle|City|Region|Thoroughfare) == 0:
			plain++
		case k&LegalForm != 0 && len(t.raw) > 2 && i == len(list)-1:
			score -= 2
		}
	}
	score += best
	switch {
	case numbers == 0:
	case numbers <= 4:
		score += houseNumber
	default:
		score -= 2
	}
	if names == 0 {
		score += noStreetName
	}
	if best == 0 && p.n > 0 && list[0].digit && len(list[0].raw) >= 4 {
		score-- // rather a postcode and its town
	}
	if best <= preposition && plain > 0 {
		score += plainWord
	}
	if best > 0 && numbers == 0 && plain > 1 {
		score -= 1
	}
	if p.more || bytes.IndexByte(value, ':') >= 0 {
		score -= 2
	}
	return max(impossible, score)
}

// streetWordAt returns how much the word at i says 'street' where it stands, 0 if
// it does not.
func streetWordAt(list []part, i int) float64 {
	t := &list[i]
	k := t.word.kind
	short := utf8.RuneCount(t.raw) <= 2
	marked := t.dot || i+1 < len(list) && list[i+1].digit
	if k&StreetFirst != 0 && i+1 < len(list) && (i == 0 || list[i-1].digit || list[i-1].comma || i == 1) && (!short || t.dot || anyDigit(list)) {
		if !list[i+1].digit || i+2 < len(list) {
			return strength(t)
		}
	}
	if i > 1 && i == len(list)-1 && list[0].digit && isStreetAbbreviation(t.raw) {
		return streetWord
	}
	if k&StreetLast != 0 && i > 0 && (!list[i-1].digit || isOrdinal(list[i-1].raw) || i > 1 && list[i-2].digit) && (!short || marked || i+1 >= len(list)-1 || t.comma) {
		return strength(t)
	}
	if i == 0 && t.letter == title && isPreposition(t.raw) && list[len(list)-1].digit {
		return preposition
	}
	return 0
}

// isStreetAbbreviation knows the abbreviations of the United States Postal Service (Publication 28, appendix C1) that are names or words as well.
func isStreetAbbreviation(raw []byte) bool {
	switch string(raw) {
	case "Ave", "ave", "AVE", "Dr", "DR", "Ct", "CT", "Pl", "PL", "Ln", "LN", "Rd", "RD", "Blvd", "BLVD", "Hwy", "HWY", "Pkwy", "PKWY", "Ter", "TER", "Cir", "CIR", "Sq", "SQ", "Trl", "TRL":
		return true
	}
	return false
}

func isPreposition(raw []byte) bool {
	switch string(raw) {
	case "Am", "An", "Im", "In", "Unter", "Zum", "Zur", "Auf", "Bei", "Beim", "Hinter", "Vor", "Op", "Aan", "Na", "Pod", "U", "Nad", "Pri":
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
	case "street", "road", "avenue", "lane", "drive", "boulevard", "court", "square", "terrace", "crescent", "close", "parkway", "highway", "loop", "broadway", "via", "viale", "piazza", "corso", "rue", "calle", "rua", "chemin", "avenida", "strada", "strasse", "ulica", "ulice", "utca", "place", "weg", "platz", "gasse", "straat", "impasse", "allee", "vicolo":
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
		if n := len(folded) - len(g.end); n >= 3 && folded[len(folded)-1] == g.end[len(g.end)-1] && string(folded[n:]) == g.end {
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
		if n := len(b); len(folded) > n+1 && string(folded[:n]) == b && folded[n] == ' ' && folded[n+1] >= '0' && folded[n+1] <= '9' {
			return true
		}
	}
	return false
}

// eastAsianStreet looks for at least two words of administrative units or streets
// and a number.
func eastAsianStreet(value []byte) float64 {
	marks := 0
	for _, m := range [...]string{"省", "市", "区", "區", "县", "縣", "路", "街", "道", "号", "號", "町", "丁目", "番地", "村", "镇", "동", "로 ", "길 ", "구 ", "시 ", "都", "府"} {
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
