package classifiers

import (
	"unicode"
	"unicode/utf8"

	"lethe/classifiers/gazetteer"
)

// names finds the names of persons: after titles and salutations, under a letter's closing, and a given name
// followed by a family name.
func (r *reader) names(dst []Span) []Span {
	t := r.text
	for i := 0; i < len(t); {
		start, end := nextWord(t, i)
		if start == end {
			return dst
		}
		i = end
		word := t[start:end]
		capital := isCapital(word)
		if !capital && word[0] >= utf8.RuneSelf && !beginsCapital(t[end:]) {
			continue
		}
		switch kind := r.catalogue.openers.find(word, capital || beginsCapital(t[end:])); {
		case kind != noOpener:
			if s, e, ok := r.nameAfter(end, kind == greeting); ok {
				dst = append(dst, Span{PersonName, [...]string{greeting: "name.salutation", title: "name.title"}[kind],
					s, e})
				i = e
			}
		case capital:
			if s, e, ok := bareName(t, start, end); ok {
				dst = append(dst, Span{PersonName, "name.person", s, e})
				i = e
			}
		}
	}
	return dst
}

// nextWord returns the next run of letters, with inner apostrophes and hyphens, from i on.
func nextWord(t []byte, i int) (start, end int) {
	for i < len(t) && !isWordByte(t[i]) {
		i++
	}
	start = i
	for i < len(t) && (isWordByte(t[i]) || (t[i] == '-' || t[i] == '\'') && i > start && i+1 < len(t) &&
		isWordByte(t[i+1])) {
		i++
	}
	return start, i
}

func isWordByte(b byte) bool { return isLetter(b) || b >= 0x80 }

func isCapital(word []byte) bool {
	if b := word[0]; b < utf8.RuneSelf {
		return b >= 'A' && b <= 'Z' && len(word) > 1
	}
	r, _ := utf8.DecodeRune(word)
	return unicode.IsUpper(r) && len(word) > 1
}

// greetingWords open a letter in one of the languages, folded.
func greetingWords() []string {
	return []string{"dear", "hi", "hello", "hey", "gentile", "gentilissimo", "gentilissima", "egregio", "egregia",
		"caro", "cara", "ciao", "spettabile", "liebe", "lieber", "hallo", "geehrte", "geehrter", "cher", "chere",
		"bonjour", "hola", "estimado", "estimada", "querido", "querida", "ola", "prezado", "prezada", "caros", "beste",
		"geachte", "hej", "hei", "kaere", "kjaere", "basta", "szanowny", "szanowna", "drogi", "droga", "czesc", "ahoj",
		"vazeny", "vazena", "mily", "mila", "kedves", "tisztelt", "draga", "stimate", "stimata", "postovani",
		"postovana", "dragi", "merhaba", "sayin", "sevgili", "hyva", "moi", "αγαπητε", "αγαπητη", "уважаемыи",
		"уважаемая", "здравствуите", "уважаеми", "уважаема", "скъпи"}
}

// titleWords are forms of address that stand before a name, folded.
func titleWords() []string {
	return []string{"mr", "mrs", "ms", "miss", "mister", "dr", "prof", "professor", "doctor", "sir", "lady", "lord",
		"sig", "signor", "signora", "signore", "signorina", "dott", "dottor", "dottoressa", "dottssa", "avv", "ing",
		"rag", "geom", "arch", "herr", "herrn", "frau", "hr", "fr", "monsieur", "madame", "mademoiselle", "mme", "mlle",
		"senor", "senora", "senorita", "sr", "sra", "srta", "don", "dona", "senhor", "senhora", "exmo", "exma", "dhr",
		"mevr", "mevrouw", "heer", "meneer", "pan", "pani", "panu", "fru", "froken", "herra", "rouva", "hra", "pana",
		"slecna", "domnul", "doamna", "dl", "dna", "gospodin", "gospodja", "gospoda", "gospa", "gosp", "bay", "bayan",
		"κυριε", "κυρια", "κ", "господин", "госпожа", "г", "доктор", "patient", "patientin", "paziente"}
}

// nameAfter reads the capitalised words after a title. Where only a greeting stands before them, the first
// must be known as a name.
func (r *reader) nameAfter(at int, greeted bool) (start, end int, ok bool) {
	t := r.text
	words, pos := 0, at
	for steps := 0; words < 4 && steps < 8; steps++ {
		s, e := nextWord(t, pos)
		if s == e || !gapOf(t[pos:s], words > 0) {
			break
		}
		w := t[s:e]
		kind := noOpener
		if words == 0 {
			kind = r.catalogue.openers.find(w, true)
		}
		switch {
		case words == 0 && (kind != noOpener || feminineSuffix(w)):
			greeted = greeted && kind != title
			pos = e
			continue
		case words > 0 && isParticle(w):
			pos = e
			continue
		case !isCapital(w):
			return start, end, words > 0
		case words == 0 && !couldBeName(w, greeted):
			return 0, 0, false
		case words > 0 && gazetteer.Lookup(w)&(gazetteer.Given|gazetteer.Family|gazetteer.Name) == 0 &&
			gazetteer.Lookup(w)&gazetteer.Common != 0:
			return start, end, true
		}
		if words == 0 {
			start = s
		}
		end, pos = e, e
		words++
	}
	return start, end, words > 0
}

// feminineSuffix is the second half of "Sig.ra", "Dott.ssa", "Sr.a".
func feminineSuffix(w []byte) bool {
	switch string(w) {
	case "ra", "ssa", "na", "a", "re", "to", "ta", "med", "rer", "nat", "phil", "ing", "h", "c":
		return true
	}
	return false
}

func isParticle(w []byte) bool { return gazetteer.Lookup(w)&gazetteer.Particle != 0 && !isCapital(w) }

// gapOf reports whether what stands between two words lets them be one name.
func gapOf(gap []byte, inName bool) bool {
	if len(gap) == 0 || len(gap) > 3 {
		return false
	}
	for _, b := range gap {
		if b != ' ' && b != '.' && (inName || b != ':' && b != ',') {
			return false
		}
	}
	return true
}

func couldBeName(w []byte, strict bool) bool {
	k := gazetteer.Lookup(w)
	if k&(gazetteer.Given|gazetteer.Family|gazetteer.Name) != 0 {
		return !strict || k&gazetteer.Common == 0 || k&gazetteer.Given != 0
	}
	if k&(gazetteer.Common|gazetteer.Calendar|gazetteer.Company) != 0 {
		return false
	}
	return !strict || gazetteer.NameScore(w) > 0.5
}

// bareName finds a given name followed by a family name, both known and neither an ordinary word.
func bareName(t []byte, start, end int) (int, int, bool) {
	const odd = gazetteer.Common | gazetteer.Calendar | gazetteer.Country | gazetteer.Company | gazetteer.Thoroughfare
	if k := gazetteer.Lookup(t[start:end]); k&gazetteer.Given == 0 || k&odd != 0 {
		return 0, 0, false
	}
	stop := 0
	pos := end
	for n := 0; n < 3; n++ {
		s, e := nextWord(t, pos)
		if s == e || s != pos+1 || t[pos] != ' ' {
			break
		}
		w := t[s:e]
		if isParticle(w) {
			pos = e
			continue
		}
		k := gazetteer.Lookup(w)
		if !isCapital(w) || k&odd != 0 || k&(gazetteer.Family|gazetteer.Given|gazetteer.Name) == 0 {
			break
		}
		if k&gazetteer.Family != 0 {
			stop = e
		}
		pos = e
	}
	return start, stop, stop > 0
}
