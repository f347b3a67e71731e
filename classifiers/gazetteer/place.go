package gazetteer

import (
	"bytes"

	"lethe/classifiers/gazetteer/internal/fold"
)

// CityScore returns the log-odds that a cell is the name of a city or town, alone
// or with its postcode before it or its state after it ('20121 Milano', 'Austin,
// TX'). Towns that are also people ('Lincoln') score lower than those that are not.
func CityScore(value []byte) float64 {
	value = trim(value)
	if len(value) < 2 || len(value) > 60 {
		return impossible
	}
	name := withoutState(withoutPostcode(value))
	if len(name) < 2 || hasDigit(name) || bytes.ContainsAny(name, "@_&:;=+*#!?\\") {
		return impossible
	}
	w := phrase(name)
	var score float64
	switch {
	case w.kind&BigCity != 0:
		score = 3
	case w.kind&City != 0:
		score = 2.2
	default:
		score = townLike(name, w)
	}
	if w.kind&City != 0 {
		if bytes.IndexByte(name, ' ') > 0 || bytes.IndexByte(name, '-') > 0 {
			score++
		}
		if w.kind&(Given|Family|Name) != 0 && w.weight > 0.5 {
			score -= 1.2
		}
		if w.kind&Common != 0 {
			score -= 1.2
		}
		if w.kind&Country != 0 {
			score -= 1
		}
	}
	if len(name) < len(value) && w.kind&City != 0 {
		score++ // the postcode or the state that stood beside it
	}
	if capitals(name) == lower {
		score -= 0.5
	}
	return score
}

// townBegins and townEnds are parts of town names, in a dozen languages.
var (
	townBegins = [...]string{"san ", "santa ", "santo ", "sao ", "saint ", "sainte ", "st ", "sankt ", "bad ", "los ",
		"las ", "fort ", "port ", "new ", "mount ", "villa ", "vila ", "nova ", "novi ", "nowy ", "nowa ", "stary ",
		"castel", "monte", "villa", "borgo", "ciudad ", "puerto ", "la ", "le ", "el ", "den ", "gross", "klein",
		"ober", "unter", "nieder", "neu", "nieuw", "oud", "mesto ", "velke ", "dolni ", "horni "}
	townEnds = [...]string{"burg", "burgh", "berg", "dorf", "stadt", "hausen", "heim", "hofen", "furt", "ville",
		"bourg", "court", "ham", "ton", "ford", "bury", "mouth", "pool", "shire", "chester", "borough", "grad", "gorod",
		"polis", "abad", "pur", "nagar", "sk", "wice", "owo", "ow", "owice", "ice", "ovice", "any", "vik", "stad",
		"holm", "koping", "sund", "by", "borg", "havn", "hamn", "vaara", "joki", "jarvi", "lahti", "dijk", "drecht",
		"oord", "veen", "ano", "ate", "ago", "ona", "ello"}
)

// townLike scores a cell that is no town of the lists.
func townLike(name []byte, whole word) float64 {
	if whole.kind&(Given|Country|Calendar|Company|LegalForm|Honorific|Common) != 0 {
		return -3
	}
	var buf [MaxPhrase + 1]byte
	folded := fold.Append(buf[:0], name)
	score := -1.5
	for _, b := range townBegins {
		if len(folded) > len(b)+2 && string(folded[:len(b)]) == b {
			score += 0.7
			break
		}
	}
	for _, e := range townEnds {
		if len(folded) > len(e)+2 && string(folded[len(folded)-len(e):]) == e {
			score += 0.7
			break
		}
	}
	var p parts
	split(name, &p)
	if p.n > 5 {
		return improbable
	}
	for i := range p.list[:p.n] {
		switch k := p.list[i].word.kind; {
		case k&(Given|Family) != 0:
			score -= 0.7
		case k&City != 0:
			score += 0.5
		case k&(Company|LegalForm|Calendar|Thoroughfare) != 0 && k&Particle == 0:
			score -= 2
		case k&Common != 0 && k&Particle == 0:
			score -= 1
		}
	}
	return max(improbable, score)
}

// withoutPostcode drops leading chunks that hold a digit: 'D-10115 Berlin',
// '1011 AB Amsterdam' (two capitals after four digits are part of the code).
func withoutPostcode(value []byte) []byte {
	rest := value
	for {
		i := bytes.IndexByte(rest, ' ')
		if i <= 0 {
			return rest
		}
		chunk := rest[:i]
		after := len(rest) < len(value) && len(chunk) == 2 && capitals(chunk) == upper
		if !after && !hasDigit(chunk) || hasDigit(chunk) && i > 9 {
			return rest
		}
		rest = trim(rest[i:])
		if after {
			return rest
		}
	}
}

// withoutState drops a state in parentheses or after a comma.
func withoutState(value []byte) []byte {
	if i := bytes.IndexAny(value, ",("); i > 1 {
		tail := trim(bytes.Trim(value[i+1:], "()"))
		if hasCode(RegionCode, tail) || hasCode(CountryCode, tail) || phrase(tail).kind&(Region|Country) != 0 {
			return trim(value[:i])
		}
	}
	return value
}

func hasDigit(value []byte) bool {
	for _, c := range value {
		if c >= '0' && c <= '9' {
			return true
		}
	}
	return false
}

// CountryName reports whether a cell is a country: its name in any of some 75
// languages, or its ISO 3166-1 alpha-2 or alpha-3 code in capitals.
func CountryName(value []byte) bool {
	value = trim(value)
	if len(value) < 2 || len(value) > MaxPhrase {
		return false
	}
	if len(value) <= 3 && capitals(value) == upper {
		return hasCode(CountryCode, value) || phrase(value).kind&Country != 0
	}
	if len(value) == 2 {
		return false
	}
	if phrase(value).kind&Country != 0 {
		return true
	}
	if i := bytes.IndexAny(value, ",("); i > 3 { // 'Korea, Republic of', 'Netherlands (the)'
		return phrase(value[:i]).kind&Country != 0
	}
	return len(value) > 8 && bytes.EqualFold(value[:4], []byte("the ")) && phrase(value[4:]).kind&Country != 0
}

// regionWords are said before or after a region's name.
var regionWords = [...]string{"provincia di", "provincia de", "province of", "province de", "provincie", "state of",
	"county", "co", "province", "region", "oblast", "voivodeship", "wojewodztwo", "lan", "kraj", "judet", "judetul",
	"departement", "comunidad de", "comunidad autonoma de", "regione", "kanton", "canton of", "canton de", "land",
	"megye", "prefecture", "district", "parish"}

// RegionScore returns the log-odds that a cell is a state, province, county, Land,
// canton, voivodeship or the like, by name or by the capital-letter code that
// addresses use ('TX', 'NSW'). Codes are weak evidence: any two letters may be one.
func RegionScore(value []byte) float64 {
	value = trim(value)
	if len(value) < 2 || len(value) > 60 || hasDigit(value) {
		return impossible
	}
	if len(value) <= 3 {
		if hasCode(RegionCode, value) {
			return 1
		}
		if phrase(value).kind&Region == 0 {
			return -3
		}
	}
	w := phrase(value)
	if w.kind&Region != 0 {
		score := 2.5
		if w.kind&City != 0 {
			score -= 0.5
		}
		if w.kind&(Given|Family) != 0 && w.weight > 0.5 {
			score -= 0.8
		}
		if w.kind&Country != 0 {
			score -= 0.8
		}
		return score
	}
	var buf [MaxPhrase + 1]byte
	folded := fold.Append(buf[:0], value)
	for _, word := range regionWords {
		n := len(word)
		if len(folded) < n+4 {
			continue
		}
		if string(folded[:n]) == word && folded[n] == ' ' && find(folded[n+1:]).kind&(Region|City) != 0 {
			return 2
		}
		if m := len(folded) - n; string(folded[m:]) == word && folded[m-1] == ' ' {
			if find(folded[:m-1]).kind&(Region|City) != 0 {
				return 2
			}
			return 0.3
		}
	}
	return -2.5
}
