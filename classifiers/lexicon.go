package classifiers

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

//go:embed lexicon.tsv
var lexiconTSV string

// lexicon holds the words of headers and table names in many languages. Words are compared as folded tokens.
type lexicon struct {
	phrases map[string][]meaning // tokens joined by a space
	longest int                  // tokens of the longest phrase
	vocab   map[string]bool      // single tokens, for the splitting of glued headers
}

// meaning is what one phrase says.
type meaning struct {
	kind     meaningKind
	category Category    // of a concept
	sub      string      // refinement of a concept, name of a generic word or of a role
	weak     bool        // counts only where nothing else stands beside it
	set      categorySet // of a concept
	class    Class       // differs from the category's only for Article 10 data
}

type meaningKind uint8

const (
	conceptWord meaningKind = iota
	genericWord             // name, title, text: the table decides
	roleWord                // what or who a table or a qualifier is about
	neutralWord             // adds nothing: home, billing, 2
	killWord                // turns the field into a fact about the concept: verified, count, type
)

// readLexicon parses the embedded table.
func readLexicon(tsv string) (*lexicon, error) {
	size := strings.Count(tsv, ",")
	lex := &lexicon{phrases: make(map[string][]meaning, size), vocab: make(map[string]bool, size)}
	for n, line := range strings.Split(tsv, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		cols := strings.Split(line, "\t")
		if len(cols) != 3 {
			return nil, fmt.Errorf("line %d: %d columns, want meaning, languages, phrases", n+1, len(cols))
		}
		m, err := parseMeaning(cols[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		for _, phrase := range strings.Split(cols[2], ",") {
			entry := m
			if strings.HasSuffix(phrase, "?") {
				entry.weak, phrase = true, strings.TrimSuffix(phrase, "?")
			}
			if err := lex.add(phrase, entry); err != nil {
				return nil, fmt.Errorf("line %d: phrase %q: %w", n+1, phrase, err)
			}
		}
	}
	return lex, nil
}

func parseMeaning(text string) (meaning, error) {
	head, sub, _ := strings.Cut(text, ":")
	switch head {
	case "generic":
		return meaning{kind: genericWord, sub: sub}, nil
	case "role":
		return meaning{kind: roleWord, sub: sub}, nil
	case "word":
		switch sub {
		case "neutral":
			return meaning{kind: neutralWord}, nil
		case "kill":
			return meaning{kind: killWord}, nil
		}
	case "criminal":
		return meaning{kind: conceptWord, category: OtherPersonal, sub: "criminal", class: Criminal,
			set: setOf(OtherPersonal)}, nil
	default:
		if c := Category(head); c.known() {
			return meaning{kind: conceptWord, category: c, sub: sub, class: c.Class(), set: setOf(c)}, nil
		}
	}
	return meaning{}, fmt.Errorf("unknown meaning %q", text)
}

// add enters a phrase under each of its customary spellings.
func (l *lexicon) add(phrase string, m meaning) error {
	for _, spelling := range spellings(phrase) {
		tokens := phraseTokens(spelling)
		if len(tokens) == 0 {
			return errors.New("no token is left of it")
		}
		key := strings.Join(tokens, " ")
		known := false
		for i, old := range l.phrases[key] {
			if old.kind == m.kind && old.category == m.category && old.sub == m.sub {
				l.phrases[key][i].weak = old.weak && m.weak
				known = true
			}
		}
		if !known {
			l.phrases[key] = append(l.phrases[key], m)
		}
		l.longest = max(l.longest, len(tokens))
		for _, t := range tokens {
			l.vocab[t] = true
		}
	}
	return nil
}

// phraseTokens cuts a phrase of the lexicon. Most are small letters and spaces, which need no folding.
func phraseTokens(phrase string) []string {
	for i := 0; i < len(phrase); i++ {
		if c := phrase[i]; c != ' ' && (c < 'a' || c > 'z') {
			return dropFillers(splitHeader(phrase))
		}
	}
	return dropFillers(strings.Fields(phrase))
}

// writtenOut is how umlauts and Nordic letters are written where a keyboard lacks them.
var writtenOut = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe", "å", "aa")

// spellings returns the phrase and, where it has umlauts or Nordic letters, the form in which they are written out.
func spellings(phrase string) []string {
	if isASCII(phrase) {
		return []string{phrase}
	}
	out := writtenOut.Replace(phrase)
	if out == phrase {
		return []string{phrase}
	}
	return []string{phrase, out}
}

// foldWord lower-cases a word and takes its accents off.
func foldWord(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		switch r {
		case 'ß':
			b.WriteString("ss")
		case 'ø':
			b.WriteByte('o')
		case 'ł':
			b.WriteByte('l')
		case 'đ', 'ð':
			b.WriteByte('d')
		case 'ı':
			b.WriteByte('i')
		case 'æ':
			b.WriteString("ae")
		case 'œ':
			b.WriteString("oe")
		case 'þ':
			b.WriteString("th")
		case 'ς':
			b.WriteRune('σ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// splitHeader cuts a header into folded tokens: at every sign that is no letter or digit, at camelCase
// humps, between letters and digits.
func splitHeader(header string) []string {
	var tokens []string
	runes := []rune(norm.NFC.String(header))
	start := -1
	flush := func(end int) {
		if start >= 0 {
			tokens = append(tokens, foldWord(string(runes[start:end])))
		}
		start = -1
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
			flush(i)
			continue
		}
		if start >= 0 && isHump(runes, i) {
			flush(i)
		}
		if start < 0 {
			start = i
		}
	}
	flush(len(runes))
	return tokens
}

// isHump reports whether a new token begins at i, which is not the start of a word.
func isHump(runes []rune, i int) bool {
	prev, r := runes[i-1], runes[i]
	if unicode.IsDigit(prev) != unicode.IsDigit(r) {
		return true
	}
	if !unicode.IsUpper(r) {
		return false
	}
	return unicode.IsLower(prev) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(prev)
}

// dropFillers removes articles and prepositions, which headers use or leave out as they like. The preposition
// that ends a header says by whom something was done (erstellt_von, skapad_av): it stays.
func dropFillers(tokens []string) []string {
	kept := tokens[:0]
	for i, t := range tokens {
		if !isFiller([]byte(t)) || i == len(tokens)-1 && isByWhom(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// isByWhom reports whether a filler means "by" where nothing follows it.
func isByWhom(t string) bool { return t == "von" || t == "av" || t == "af" || t == "da" }

// isFiller reports whether a token is an article or a preposition.
func isFiller(token []byte) bool {
	switch string(token) {
	case "of", "the", "di", "de", "da", "do", "del", "della", "dello", "dei", "degli", "dell", "d", "l", "du", "des",
		"von", "der", "die", "das", "den", "det", "for", "af", "av", "und", "and", "og", "och", "et", "la", "le", "les",
		"los", "las", "van", "het", "een", "dos", "das1", "al", "s":
		return true
	}
	return false
}

// shortPieces are the words of three letters or fewer that a glued header may contain. Any other would find
// "age" in "postage".
func shortPiece(s string) bool {
	switch s {
	case "zip", "tel", "fax", "gsm", "dob", "num", "cod", "emp", "usr", "pwd", "uid", "url", "tax", "vat", "nom", "mob", "ssn",
		"geo", "lng", "dni", "nif", "plz", "iva", "ip", "id", "no", "nr", "cap", "pec", "ime", "ad", "pin", "nip",
		"cpf", "geb", "fec", "nac", "lat", "lon":
		return true
	}
	return false
}

// segment cuts a glued token into words of the lexicon ("firstname", "kundentelefon"); nil if that cannot be
// done without rest.
func (l *lexicon) segment(token string) []string {
	if len(token) < 6 || len(token) > 40 {
		return nil
	}
	type cut struct{ pieces, shorts, prev int }
	best := make([]cut, len(token)+1)
	for i := 1; i <= len(token); i++ {
		best[i] = cut{pieces: 99}
		for j := max(0, i-20); j < i; j++ {
			piece := token[j:i]
			short := len(piece) < 4
			if best[j].pieces >= 4 || !l.vocab[piece] || short && !shortPiece(piece) {
				continue
			}
			c := cut{pieces: best[j].pieces + 1, shorts: best[j].shorts, prev: j}
			if short {
				c.shorts++
			}
			if c.shorts > 1 || c.pieces > best[i].pieces {
				continue
			}
			if c.pieces < best[i].pieces || c.shorts < best[i].shorts {
				best[i] = c
			}
		}
	}
	if best[len(token)].pieces > 4 {
		return nil
	}
	var pieces []string
	for i := len(token); i > 0; i = best[i].prev {
		pieces = append([]string{token[best[i].prev:i]}, pieces...)
	}
	// "ad" and "id" glued to something are too easily a part of another word, unless the rest is one whole word.
	if len(pieces) > 2 && shortPiece(pieces[len(pieces)-1]) {
		return nil
	}
	return pieces
}

// tokens cuts a header or a table's name into words of the lexicon where it can.
func (l *lexicon) tokens(text string) []string {
	var out []string
	for _, t := range dropFillers(splitHeader(text)) {
		if l.vocab[t] {
			out = append(out, t)
			continue
		}
		if pieces := l.segment(t); pieces != nil {
			out = append(out, pieces...)
			continue
		}
		out = append(out, l.misspelt(t))
	}
	return out
}

// hit is a phrase of the lexicon found in a header.
type hit struct {
	at, len  int
	text     string
	meanings []meaning
}

// match covers the tokens with the longest phrases, leftmost first; unknown tokens become hits without a meaning.
func (l *lexicon) match(tokens []string) []hit {
	var hits []hit
	for i := 0; i < len(tokens); {
		n := min(l.longest, len(tokens)-i)
		for ; n > 0; n-- {
			key := strings.Join(tokens[i:i+n], " ")
			if m, ok := l.phrases[key]; ok {
				hits = append(hits, hit{at: i, len: n, text: key, meanings: m})
				break
			}
		}
		if n == 0 {
			hits = append(hits, hit{at: i, len: 1, text: tokens[i]})
			n = 1
		}
		i += n
	}
	return hits
}

// roles says what a table or a header's qualifier is about.
type roles struct{ person, company, address, thing, place, record bool }

func (r *roles) add(sub string) {
	switch sub {
	case "person":
		r.person = true
	case "company":
		r.company = true
	case "address":
		r.address = true
	case "thing":
		r.thing = true
	case "place":
		r.place = true
	case "record":
		r.record = true
	}
}

// tableRoles reads a table's name without the schema that stands before it, which says little about one table.
func (l *lexicon) tableRoles(name string) roles {
	var r roles
	tokens := l.tokens(name[strings.LastIndexByte(name, '.')+1:])
	for i := range tokens {
		for j := i + 1; j <= min(len(tokens), i+3); j++ {
			for _, m := range l.phrases[strings.Join(tokens[i:j], " ")] {
				if m.kind == roleWord {
					r.add(m.sub)
				}
			}
		}
	}
	return r
}

// header is what the name of a field says.
type header struct {
	concepts []concept // best first; more than one where a word has several meanings
	generic  string    // name, title, text, number, code, location, contact: set where no concept is
	killed   string    // the word that makes the field a fact about the concept
	roles    roles     // of the qualifiers: customer in customer_name
	coded    bool      // a word for a code stands in it
	unknown  int       // tokens that the lexicon does not have
	opaque   bool      // nothing in it is known
	byPerson bool      // the last word is a person: comment_author
}

// concept is a category that the header names.
type concept struct {
	meaning
	text   string
	weight float64 // log-odds
}

const (
	strongHeader  = 7.0
	fuzzyHeader   = 5.5 // with tokens that nobody knows
	weakHeader    = 4.0
	rolePlusWord  = 6.0
	ambiguousLoss = 1.0 // per further meaning of the same word
)

// rank orders concepts that stand in one header: "indirizzo email" is an e-mail, "address city" a city,
// "contact name phone" a phone.
func rank(c Category, sub string) int {
	switch c {
	case CompanyOnly:
		return 1
	case PostalAddress:
		return 2
	case PersonName, Username, PersonalURL, FreeText:
		return 3
	case OtherPersonal:
		if sub == "handle" {
			return 3
		}
		return 4
	case Country, Region, City:
		return 5
	case Photo, Signature:
		return 7
	}
	return 6
}

// reading is the state of read between two phrases.
type reading struct {
	header
	found    []concept // of the highest rank so far
	weakOnly []concept
	best     int // rank of found
	known    int // phrases that the lexicon has
}

// read interprets a header, without the words that the fields of its table share.
func (l *lexicon) read(name string, shared sharedEnds) header {
	tokens := shared.drop(l.tokens(name))
	r := reading{best: -1}
	for _, x := range l.match(tokens) {
		switch {
		case len(x.meanings) > 0:
			r.phrase(x.text, x.meanings)
		case len([]rune(x.text)) > 1 && !allDigits(x.text):
			r.unknown++
		}
	}
	r.opaque = r.known == 0
	r.settle(r.found, r.weakOnly)
	return r.header
}

// phrase takes a known phrase in.
func (r *reading) phrase(text string, meanings []meaning) {
	r.known++
	r.byPerson = false
	strong, kills := false, false
	for _, m := range meanings {
		r.coded = r.coded || m.kind == genericWord && m.sub == "code"
		switch m.kind {
		case roleWord:
			r.roles.add(m.sub)
			r.byPerson = r.byPerson || m.sub == "person"
		case conceptWord:
			r.concept(concept{meaning: m, text: text})
			strong = strong || !m.weak
		case killWord:
			kills = true
		}
	}
	if strong {
		return
	}
	for _, m := range meanings {
		if m.kind == genericWord && r.generic == "" {
			r.generic = m.sub
		}
	}
	if kills {
		r.killed = text
	}
}

// concept keeps a concept if none of a higher rank stands in the header.
func (r *reading) concept(c concept) {
	if c.weak {
		r.weakOnly = append(r.weakOnly, c)
		return
	}
	place := rank(c.category, c.sub)
	if place < r.best {
		return
	}
	if place > r.best || len(r.found) > 0 && r.found[0].text != c.text {
		r.found = r.found[:0]
	}
	r.best = place
	r.found = append(r.found, c)
}

// settle weighs what was found.
func (h *header) settle(found, weak []concept) {
	if len(found) > 0 {
		h.settleStrong(found)
		return
	}
	if len(weak) > 0 && h.unknown == 0 && h.killed == "" {
		weight := weakHeader - ambiguousLoss*float64(min(2, len(weak)-1))*0.5
		for i := range weak {
			weak[i].weight = weight
		}
		h.concepts = weak
	}
	if h.killed != "" {
		return
	}
	switch {
	case h.generic == "name" && h.roles.person:
		h.addConcept(PersonName, "full", rolePlusWord)
	case h.generic == "name" && h.roles.company:
		h.addConcept(CompanyOnly, "", rolePlusWord)
	case h.generic == "number" && h.roles.person && h.unknown == 0:
		h.addConcept(OtherPersonal, "number", fuzzyHeader)
	case h.generic == "title" && h.roles.person:
		h.addConcept(OtherPersonal, "job", weakHeader)
	}
}

// settleStrong weighs concepts that have one meaning, or are the first of several.
func (h *header) settleStrong(found []concept) {
	if found[0].category == FreeText && h.byPerson {
		h.addConcept(PersonName, "full", fuzzyHeader)
		return
	}
	weight := strongHeader
	if h.unknown > 0 {
		weight = fuzzyHeader
	}
	weight -= ambiguousLoss * float64(len(found)-1)
	for i := range found {
		found[i].weight = weight
	}
	if h.coded && found[0].category == PostalAddress && h.killed == "" {
		h.killed = "code" // of a street in a list of them
	}
	if h.killed != "" && !survives(found[0], h.killed) {
		return
	}
	h.killed = ""
	h.concepts = found
	h.generic = ""
}

func (h *header) addConcept(c Category, sub string, weight float64) {
	h.concepts = append([]concept{{meaning: meaning{kind: conceptWord, category: c, sub: sub, class: c.Class()},
		weight: weight}}, h.concepts...)
}

// survives says whether a concept stays true beside a word that kills others: a flag or a date of a
// diagnosis is health data all the same, the path of a photo leads to the photo.
func survives(c concept, word string) bool {
	switch word {
	case "path", "file", "filename", "dir", "image", "source":
		return c.category == Photo || c.category == Signature
	case "flag", "is", "has", "status", "type", "kind", "code", "date", "class", "category", "level", "group", "typ",
		"tipo", "datum", "fecha", "active", "percent", "percentage", "score", "count", "days", "hours", "total":
		return c.class == Special || c.class == Criminal
	case "amount", "rate", "avg", "average", "limit", "grade", "month", "year":
		return c.category == Financial && word != "rate"
	case "serial", "number":
		return c.category == DeviceID
	}
	return false
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
