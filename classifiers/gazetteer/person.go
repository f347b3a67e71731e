package gazetteer

import (
	"unicode"
	"unicode/utf8"
)

// The weights of PersonName, natural logarithms of odds. They were set by hand on
// the lists of gen and checked on lists that no package supplied; the tests hold
// the rates.
const (
	impossible    = -6.0 // digits, '@' and the like
	improbable    = -4.0 // '&', prose
	legalForm     = -8.0
	companyWord   = -3.0
	wholePlace    = -4.0 // the cell is a city of several words, a country, a region
	honorific     = 2.5
	givenThenName = 1.5  // a known given name, and something beside it that may be a surname
	noGiven       = -0.8 // several words, none a given name
	commaGiven    = 1.0  // 'Smith, John'
	allUnknown    = -0.4 // no word stands in any list of names
	unlisted      = 0.2  // a word in no list: ordinary words are listed more often than names
	longWord      = 12   // letters; longer words are compounds more often than names
	particle      = 0.6
	initial       = 0.4
	lowerCase     = -0.7
	oddCase       = -1.5
)

// PersonName judges one cell as the name of a natural person, in any of the usual
// orders: 'Mary', 'SMITH', 'Smith, John', 'Dr. Anna-Lena Müller', "O'Brien", 'van
// der Berg', 'J. R. R. Tolkien', 'María José García López', 'Иван Петров', '王小明'.
//
// given and family report that the cell holds a known given name and a known (or,
// beside a given name, likely) family name; for a single word both may hold
// ('Thomas'), or neither. score is the log-odds that the cell is a person's name:
// above 0 rather yes, strongly negative for digits, companies and places. It is
// meant to be averaged over the distinct values of a column.
func PersonName(value []byte) (given, family bool, score float64) {
	value = trim(value)
	if len(value) < 2 || len(value) > 100 {
		return false, false, impossible
	}
	if s := punctuation(value); s != 0 {
		return false, false, s
	}
	if r, _ := utf8.DecodeRune(value); isEastAsian(r) {
		return eastAsianName(value)
	}
	var p parts
	split(value, &p)
	if p.more || p.n == 0 || p.n > 8 {
		return false, false, improbable
	}
	if p.n > 1 && endsInLegalForm(value) {
		return false, false, legalForm
	}
	if p.n == 1 {
		return oneName(&p.list[0])
	}
	return fullName(value, p.list[:p.n])
}

// punctuation returns a verdict on bytes that names do not hold, 0 if there are none.
func punctuation(value []byte) float64 {
	commas := 0
	for _, c := range value {
		switch c {
		case '&', ';', '!', '?', ':', '"':
			return improbable
		case '@', '_', '/', '\\', '#', '+', '=', '<', '>', '{', '}', '[', ']', '|', '*', '%', '$', '~', '^',
			'0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return impossible
		case ',':
			commas++
		}
	}
	if commas > 2 {
		return improbable
	}
	return 0
}

// endsInLegalForm reports whether the last one to three chunks between spaces, or
// the first one, are a legal form. Two letters count only if written as one
// ('SA', 'S.A.', not 'Sá').
func endsInLegalForm(value []byte) bool {
	chunks := 0
	for i := len(value) - 1; i > 0 && chunks < 3; i-- {
		if value[i-1] != ' ' && value[i-1] != ',' || value[i] == ' ' {
			continue
		}
		chunks++
		if isLegalForm(value[i:]) {
			return true
		}
	}
	for i, c := range value {
		if c == ' ' {
			return isLegalForm(value[:i])
		}
	}
	return false
}

func isLegalForm(text []byte) bool {
	w := phrase(text)
	if w.kind&LegalForm == 0 || w.kind&(Given|Family) != 0 && w.weight > 0 {
		return false
	}
	large, dots := 0, 0
	for _, c := range text {
		if c >= 'A' && c <= 'Z' {
			large++
		}
		if c == '.' || c == '/' {
			dots++
		}
	}
	return large >= 2 || dots >= 1 || len(text) > 3 || len(text) == 3 && w.kind&(Given|Family) == 0
}

// oneName judges a cell of one word.
func oneName(t *part) (given, family bool, score float64) {
	w := t.word
	given, family = w.kind&Given != 0, w.kind&Family != 0
	score = evidence(t)
	switch {
	case len(t.raw) < 2:
		return false, false, improbable
	case w.kind&Country != 0 && w.weight < 2:
		score -= 3
	case w.kind&Country != 0:
		score -= 1.5
	case w.kind&Calendar != 0:
		score -= 2
	case w.kind&(Honorific|Particle|LegalForm|Thoroughfare) != 0 && !given && !family:
		score -= 2
	case w.kind&BigCity != 0:
		score -= 1.2
	case w.kind&(City|Region) != 0:
		score -= 0.6
	}
	switch t.letter {
	case lower:
		score += lowerCase
	case mixed:
		if !camelName(t.raw) {
			score += oddCase
		}
	}
	if len(t.raw) <= 3 && t.letter == upper {
		score -= 1 // codes
	}
	return given, family, max(legalForm, score)
}

// evidence is what one word says by itself: the lists it stands in, and its
// n-grams where these leave doubt.
func evidence(t *part) float64 {
	w := t.word
	switch {
	case w.kind&(Given|Family|Name) != 0 && w.weight >= 3:
		return 3
	case w.kind&(Given|Family|Name) != 0:
		return max(-2.5, min(3, 0.6*w.weight+0.3*NameScore(t.raw)))
	case w.kind&Company != 0:
		return companyWord
	case w.kind&Common != 0:
		return max(-3, min(-1, w.weight))
	case w.kind&(City|Country|Region) != 0:
		return max(-2, min(0.3, 0.3*NameScore(t.raw)-0.6))
	}
	long := max(0, utf8.RuneCount(t.raw)-longWord)
	return max(-2.5, min(2, 0.6*NameScore(t.raw)+unlisted-0.3*float64(long)))
}

// fullName judges a cell of several words.
func fullName(value []byte, list []part) (given, family bool, score float64) {
	y := nameTally{firstGiven: -1, beforeComma: -1}
	if w := phrase(value); w.kind&(City|Country|Region|Calendar|Company|LegalForm) != 0 {
		y.score += wholePlace
	}
	for i := range list {
		last := i == len(list)-1
		if list[i].comma && y.beforeComma < 0 && !last {
			y.beforeComma = i
		}
		if !y.aside(&list[i], i == 0, last) {
			y.add(&list[i], i)
		}
	}
	return y.judge()
}

// nameTally is what the words of a cell say together.
type nameTally struct {
	score       float64 // of what is no word of the name, and of the cell as a whole
	sum         float64 // of the words
	words       int
	known       int // words that stand in a list of names
	lowers      int // words without a large letter
	initials    int
	firstGiven  int // place of the first given name, -1 for none
	surnames    int
	likely      int // words in no list that may be names
	beforeComma int // place of the word before the first comma, -1 for none
}

// aside counts what stands beside the words of a name: initials, titles and particles. It reports whether t is one.
func (y *nameTally) aside(t *part, first, last bool) bool {
	k := t.word.kind
	isName := k&(Given|Family|Name) != 0
	switch {
	case utf8.RuneCount(t.raw) == 1:
		if t.letter == lower && k&Particle == 0 {
			y.score += oddCase
			return true
		}
		y.score += initial
		y.initials++
	case k&Honorific != 0 && (first || last || t.dot) && !(isName && t.word.weight > 1):
		y.score += honorific
		if last {
			y.score -= 1
		}
	case k&Particle != 0 && !last && (!isName || t.letter == lower):
		y.score += particle
	default:
		return false
	}
	return true
}

// add counts the word at place i.
func (y *nameTally) add(t *part, i int) {
	k := t.word.kind
	y.words++
	y.score += againstName(t)
	switch t.letter {
	case lower:
		y.lowers++
	case mixed:
		if !camelName(t.raw) {
			y.score += oddCase
		}
	}
	e := evidence(t)
	y.sum += e
	if k&(Given|Family|Name) != 0 {
		y.known++
	}
	switch {
	case y.firstGiven < 0 && k&Given != 0 && t.word.weight > -0.5:
		y.firstGiven = i
	case k&Family != 0:
		y.surnames++
	case e > -0.5:
		y.likely++
	}
}

// againstName is what a word of companies, streets or calendars takes from the whole cell.
func againstName(t *part) float64 {
	k := t.word.kind
	isName := k&(Given|Family|Name) != 0
	switch {
	case k&Company != 0 && isName && t.word.weight > -1:
		return min(0, (t.word.weight-1)/2)
	case k&Company != 0:
		return companyWord
	case k&Thoroughfare != 0 && !isName:
		return companyWord / 2
	case k&Calendar != 0 && !isName:
		return companyWord
	}
	return 0
}

// judge weighs the words that were counted.
func (y *nameTally) judge() (given, family bool, score float64) {
	if y.words == 0 {
		return false, false, max(legalForm, y.score-2)
	}
	if y.words > 2 {
		y.sum *= 2 / float64(y.words)
	}
	score = y.score + y.sum
	switch {
	case y.lowers == y.words:
		score += lowerCase
	case y.lowers > 0:
		score += oddCase * float64(y.lowers)
	}
	given = y.firstGiven >= 0
	family = y.surnames > 0 || y.likely > 0 && (given || y.initials > 0)
	switch {
	case given && family && y.words > 1:
		score += givenThenName
	case y.words > 1 && !given:
		score += noGiven
	}
	if y.beforeComma >= 0 && y.firstGiven > y.beforeComma {
		score += commaGiven
	}
	if y.known == 0 {
		score += allUnknown
	}
	return given, family, max(legalForm, min(-legalForm, score))
}

// camelName reports whether large letters inside a word are those of a name:
// after an apostrophe or a usual prefix.
func camelName(raw []byte) bool {
	for i, c := range raw {
		if c == '\'' || c == 0xE2 {
			return i > 0
		}
	}
	for _, prefix := range [...]string{"Mc", "Mac", "De", "Del", "Della", "Di", "Da", "Du", "La", "Le", "Lo", "Van",
		"Von", "Fitz", "St", "D", "O", "Ver", "Ten", "Ter", "El", "Al", "Ab", "San", "Jo", "Mary", "Anne"} {
		if n := len(prefix); len(raw) > n+1 && string(raw[:n]) == prefix && raw[n] >= 'A' && raw[n] <= 'Z' &&
			capitals(raw[n:]) == title {
			return true
		}
	}
	return false
}

func isEastAsian(r rune) bool {
	return unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hangul, r) || unicode.Is(unicode.Hiragana, r) ||
		unicode.Is(unicode.Katakana, r)
}

// eastAsianName judges a name written without spaces, the family name first.
func eastAsianName(value []byte) (given, family bool, score float64) {
	runes := 0
	var ends [8]int // byte offsets after each rune
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRune(value[i:])
		i += size
		if r == ' ' || r == 0x3000 {
			continue
		}
		if !isEastAsian(r) || runes == len(ends) {
			return false, false, improbable
		}
		ends[runes] = i
		runes++
	}
	if endsInLegalForm(value) {
		return false, false, legalForm
	}
	if whole := phrase(value).kind; whole&(City|Country|Region|Calendar|Common) != 0 && whole&(Given|Family) == 0 {
		return false, false, wholePlace
	}
	for n := min(3, runes); n >= 1; n-- {
		if phrase(value[:ends[n-1]]).kind&Family == 0 {
			continue
		}
		family = true
		rest := trim(value[ends[n-1]:])
		given = len(rest) > 0 && phrase(rest).kind&Given != 0
		switch {
		case given:
			return given, family, 4
		case len(rest) == 0 && n > 1:
			return given, family, 2
		case runes >= 2 && runes <= 4 && len(rest) > 0:
			return given, family, 1
		}
		return given, family, -1
	}
	if phrase(value).kind&Given != 0 {
		return true, false, 2
	}
	return false, false, -2
}
