package classifiers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lethe/classifiers/gazetteer"
	"lethe/classifiers/ident"
)

// Span is a place in a text that holds a value of a category.
type Span struct {
	Category   Category
	Detector   string
	Start, End int // byte offsets, End exclusive
}

// Spans appends to dst the places in text that hold personal data, in order and without overlap: addresses, numbers with a check, secrets, names that
// follow a title or a salutation, and numbers whose check is weak where the words before them say what they are. It is linear in the text.
func (c *Catalogue) Spans(dst []Span, text []byte) []Span { return c.spans(dst, text, "") }

// spans takes the numbers of a given country on their check alone.
func (c *Catalogue) spans(dst []Span, text []byte, country string) []Span {
	from := len(dst)
	r := reader{catalogue: c, text: text, context: true, country: country}
	dst = r.numbers(dst)
	dst = r.names(dst)
	found := dst[from:]
	slices.SortStableFunc(found, func(a, b Span) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	kept, end := found[:0], 0
	for _, s := range found {
		if s.Start >= end {
			kept = append(kept, s)
			end = s.End
		}
	}
	return dst[:from+len(kept)]
}

// reader walks over one text.
type reader struct {
	catalogue *Catalogue
	text      []byte
	context   bool // ask the words before a number what it is
	country   string
	scratch   [64]byte
	run       numberRun
}

// numberRun is the run of digit groups that is being read. It bounds the work: what the words around say is read once a run, and only
// so many places in it are tried.
type numberRun struct {
	start, end int
	tries      int
	asked      bool
	beside     categorySet // what the words beside the run name
}

// maxTries is how many candidates of one run of at most 48 bytes are looked at.
const maxTries = 24

// strictChance is the chance below which a check proves a number in the middle of a text.
const strictChance = 2e-3

// numbers finds everything that has digits or an '@' in it.
func (r *reader) numbers(dst []Span) []Span {
	t := r.text
	for i := 0; i < len(t); {
		var sum uint64
		end, stop := i, min(len(t), i+255)
		for end < stop && !breaks[t[end]] {
			sum += laneOf[t[end]]
			end++
		}
		if end == i {
			i++
			continue
		}
		for end < len(t) && !breaks[t[end]] {
			end++
		}
		c := unpack(sum)
		if c.digits == 0 && c.ats == 0 && (end-i < 20 || c.marks == 0) && (c.marks < 2 || !r.context) {
			i = end
			continue
		}
		dst, i = r.chunk(dst, i, end, c)
	}
	return dst
}

// breaks are the bytes that end a run of text without spaces.
var breaks = func() (t [256]bool) {
	for b := range t {
		t[b] = b <= ' ' || strings.IndexByte(",;\"<>[]|'", byte(b)) >= 0
	}
	return t
}()

// chunk looks at the run text[start:end], whose first 255 bytes have the census c, and returns where to go on.
func (r *reader) chunk(dst []Span, start, end int, c census) ([]Span, int) {
	if c.ats > 0 {
		return r.mails(dst, start, end)
	}
	begin, stop := trimRun(r.text, start, end)
	run := r.text[begin:stop]
	switch {
	case len(run) < 3:
		return dst, end
	case c.letters() > 5 && c.marks > 2 && bytes.Contains(run, []byte("://")):
		if r.context && isProfileURL(run) {
			dst = append(dst, Span{PersonalURL, "url.profile", begin, stop})
		}
		return dst, end
	case len(run) > 19 && c.letters() > 3 && (isJWT(run) || isPasswordHash(run) || isSecretToken(run)):
		return append(dst, Span{Secret, "secret", begin, stop}), end
	}
	if kind, id := network(run, c); id != "" {
		if id != "ip.v4" || r.isAddress(begin, run) {
			dst = append(dst, Span{kind, id, begin, stop})
		}
		return dst, end
	}
	if c.digits == 0 || isUUID(run) {
		return dst, end
	}
	return r.grouped(dst, begin, end)
}

// mails finds the addresses in a run with an '@'.
func (r *reader) mails(dst []Span, start, end int) ([]Span, int) {
	for at := start; at < end; at++ {
		if r.text[at] != '@' {
			continue
		}
		if s, e, ok := emailAround(r.text, at); ok {
			dst = append(dst, Span{Email, "email", s, e})
			end = max(end, e)
		}
	}
	return dst, end
}

// trimRun leaves out the signs of the sentence around the run t[start:end].
func trimRun(t []byte, start, end int) (int, int) {
	for end-start > 1 && (t[start] == '(' && !isDigit(t[start+1]) || t[start] == '=') {
		start++
	}
	for end > start && endsSentence(t[start:end]) {
		end--
	}
	return start, end
}

// endsSentence reports whether the last byte is a sign of the sentence. Two colons may end an IPv6 address.
func endsSentence(run []byte) bool {
	switch n := len(run); run[n-1] {
	case '.', '!', '?', ')':
		return true
	case ':':
		return n < 2 || run[n-2] != ':'
	}
	return false
}

// network recognizes the addresses of networks; the detector is empty where the run is none.
func network(run []byte, c census) (Category, string) {
	switch {
	case c.marks < 2:
	case isMAC(run):
		return MACAddress, "mac"
	case c.marks >= 3 && c.letters() == 0 && isIPv4(run):
		return IPAddress, "ip.v4"
	case isIPv6(run):
		return IPAddress, "ip.v6"
	}
	return "", ""
}

// isAddress tells an IPv4 address from a version: by its numbers, or by the word before it.
func (r *reader) isAddress(start int, b []byte) bool {
	o, _ := octets(b)
	if isSpread(o) {
		return true
	}
	if o[0] == 10 || o[0] == 127 || !r.context {
		return o[0] == 127
	}
	return r.catalogue.lexicon.besideSet(r.text, start, start+len(b))&r.catalogue.sets.address != 0
}

// isSpread reports whether one of four numbers is larger than those of versions are.
func isSpread(o [4]int) bool { return o[0] > 30 || o[1] > 60 || o[2] > 60 || o[3] > 60 }

// numberEnd is a place where the number that is being read could end, with the digits and letters up to there.
type numberEnd struct{ end, digits, letters int }

// maxEnds is how many groups a number has at most.
const maxEnds = 12

// grouped tries the number that starts at start in all the lengths that end with a group, the longest first:
// "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+39 02 1234 567".
func (r *reader) grouped(dst []Span, start, end int) ([]Span, int) {
	first := start
	for first < end && !isAlnum(r.text[first]) && r.text[first] != '+' && r.text[first] != '(' {
		first++
	}
	var ends [maxEnds]numberEnd
	n, digits := groupEnds(r.text, first, &ends)
	if n == 0 || digits < 6 && !r.context {
		return dst, end
	}
	if first >= r.run.end {
		r.run = numberRun{start: first, end: ends[n-1].end}
	}
	for k := n - 1; k >= 0; k-- {
		if r.run.tries++; r.run.tries > maxTries {
			return dst, max(end, r.run.end)
		}
		if s, ok := r.number(first, ends[k]); ok {
			return append(dst, s), ends[k].end
		}
	}
	return dst, end
}

// groupEnds finds the places where a number that starts at first can end, and counts the digits of all of it.
func groupEnds(t []byte, first int, ends *[maxEnds]numberEnd) (n, digits int) {
	letters := 0
	for i := first; i < len(t) && i-first < 48 && n < len(ends); i++ {
		switch b := t[i]; {
		case isDigit(b):
			digits++
		case isLetter(b):
			letters++
		case (b == '+' || b == '(') && i == first:
		case isJoiner(t, i):
			continue
		default:
			return n, digits
		}
		if i+1 == len(t) || !isAlnum(t[i+1]) {
			ends[n] = numberEnd{i + 1, digits, letters}
			n++
		}
	}
	return n, digits
}

// beside says what the words beside the run name.
func (r *reader) beside() categorySet {
	if !r.run.asked {
		r.run.asked, r.run.beside = true, r.catalogue.lexicon.besideSet(r.text, r.run.start, r.run.end)
	}
	return r.run.beside
}

// isJoiner reports whether the byte can stand between the groups of one number: a single separator, with a group of digits or capitals after it.
func isJoiner(t []byte, i int) bool {
	if i+1 >= len(t) || i == 0 {
		return false
	}
	next := t[i+1]
	switch t[i] {
	case ' ':
		return isDigit(next) || next == '(' || next >= 'A' && next <= 'Z' && i+2 < len(t) && (isDigit(t[i+2]) || t[i+2] >= 'A' && t[i+2] <= 'Z')
	case '-', '.', '/':
		return isAlnum(next) || next == ' '
	case '(', ')':
		return isDigit(next) || next == ' ' || next == '-'
	}
	return false
}

// number decides about one candidate.
func (r *reader) number(start int, c numberEnd) (Span, bool) {
	b := r.text[start:c.end]
	if len(b) > 44 || c.digits < 5 && (c.digits < 2 || c.letters == 0 || !r.context) {
		return Span{}, false
	}
	if !r.context {
		return r.proved(start, c)
	}
	beside := r.beside()
	if i, ok := r.scheme(b, c, beside); ok {
		s := &r.catalogue.schemes.all[i]
		return Span{Category(s.Labels[0]), s.ID, start, c.end}, true
	}
	if id := r.phone(b, c, beside); id != "" {
		return Span{Phone, id, start, c.end}, true
	}
	if kind, id := r.named(b, c, beside); id != "" {
		return Span{kind, id, start, c.end}, true
	}
	return Span{}, false
}

// phone returns the detector of a telephone number, empty where the candidate is none.
func (r *reader) phone(b []byte, c numberEnd, beside categorySet) string {
	shape, ok := shapeOfPhone(b)
	if !ok || c.letters > 0 {
		return ""
	}
	named := beside&r.catalogue.sets.phone != 0
	switch {
	case b[0] == '+' && isInternational(b):
		return "phone.international"
	case b[0] == '0' && shape.plus && named && shape.digits >= 9:
		return "phone.international"
	case shape.formed && shape.digits == 10 && isPrintedPhone(b):
		return "phone.national"
	case named && shape.digits >= 7 && shape.digits <= 15 && !isDated(b):
		return "phone.national"
	}
	return ""
}

// named returns what the words beside a candidate say that it is, where its form agrees.
func (r *reader) named(b []byte, c numberEnd, beside categorySet) (Category, string) {
	known := &r.catalogue.sets
	switch {
	case beside == 0:
	case r.country != "" && beside&known.passport != 0 && isPassport(b, r.country):
		return Passport, "passport.form"
	case beside&known.plate != 0 && isPlate(b, r.country):
		return VehiclePlate, "vehicle.plate"
	case c.digits >= 6 && beside&known.birth != 0:
		if _, ok := parseDate(b); ok {
			return DateOfBirth, "date"
		}
	}
	return "", ""
}

// isDated reports whether a candidate begins with a date.
func isDated(b []byte) bool {
	_, ok := parseDate(b[:min(10, len(b))])
	return ok
}

// scheme returns the number scheme of a candidate: one of the country asked for, one whose check proves a single number, or
// the one of the least chance among those that the words beside it name.
func (r *reader) scheme(b []byte, c numberEnd, beside categorySet) (found uint16, ok bool) {
	x := &r.catalogue.schemes
	n := ident.Number{Raw: b}
	var candidates []uint16
	if compact, fits := ident.Compact(r.scratch[:0], b); fits {
		n.Compact = compact
		candidates = x.byLength[len(compact)]
	}
	for part := range 2 {
		if part == 1 {
			candidates = x.open
		}
		for _, i := range candidates {
			if !r.passes(i, n, beside) {
				continue
			}
			if r.proves(&x.all[i], b, c) {
				return i, true
			}
			if beside&x.sets[i] != 0 && isOfPersons(&x.all[i]) && (!ok || x.all[i].Chance < x.all[found].Chance) {
				found, ok = i, true
			}
		}
	}
	return found, ok
}

// passes reports whether a candidate passes a scheme that may be looked for here: in every text, or because the words beside
// it or the country speak for it.
func (r *reader) passes(i uint16, n ident.Number, beside categorySet) bool {
	x := &r.catalogue.schemes
	s := &x.all[i]
	issued := r.issues(s)
	if !x.inText[i] && !issued && beside&x.sets[i] == 0 || r.country != "" && s.Country != "" && !issued {
		return false
	}
	if len(s.Layouts) == 0 {
		return s.Check(n)
	}
	return ident.Match(s, n)
}

// issues reports whether the country asked for issues the numbers of a scheme.
func (r *reader) issues(s *ident.Scheme) bool { return r.country != "" && s.Country == r.country }

func isOfPersons(s *ident.Scheme) bool { return !s.Company && s.Labels[0] != string(None) }

// proves reports whether a scheme that a candidate passes needs no word beside it.
func (r *reader) proves(s *ident.Scheme, b []byte, c numberEnd) bool {
	none := s.Labels[0] == string(None)
	if !none && s.Chance < 0.5 && r.issues(s) && (!s.HeaderOnly || len(b) > 11 && hasLetters(s)) {
		return true
	}
	if none || s.Company || s.HeaderOnly {
		return false
	}
	return chance(s, c.letters == 0, c.digits == len(b)) <= strictChance || s.Labels[0] == string(CreditCard) && c.digits >= 15
}

// proved decides by the strictest checks alone, without a look at the words around: the fast way, for every cell of a table.
func (r *reader) proved(start int, c numberEnd) (Span, bool) {
	end := c.end
	b := r.text[start:end]
	switch {
	case b[0] == '+':
		if s, ok := shapeOfPhone(b); ok && s.digits >= 9 && s.digits <= 15 && b[1] != '0' {
			return Span{Phone, "phone.international", start, end}, true
		}
	case c.letters > 0 && c.digits >= 6 || c.digits >= 15:
		if i, ok := r.catalogue.schemes.proved(r.scratch[:], b); ok {
			s := &r.catalogue.schemes.all[i]
			return Span{Category(s.Labels[0]), s.ID, start, end}, true
		}
	}
	return Span{}, false
}

// names finds the names of persons: after titles and salutations, under a letter's closing, and a given name followed by a family name.
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
				dst = append(dst, Span{PersonName, [...]string{greeting: "name.salutation", title: "name.title"}[kind], s, e})
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
	for i < len(t) && (isWordByte(t[i]) || (t[i] == '-' || t[i] == '\'') && i > start && i+1 < len(t) && isWordByte(t[i+1])) {
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
	return []string{"dear", "hi", "hello", "hey", "gentile", "gentilissimo", "gentilissima", "egregio", "egregia", "caro", "cara", "ciao", "spettabile", "liebe", "lieber", "hallo", "geehrte", "geehrter", "cher", "chere", "bonjour", "hola", "estimado", "estimada",
		"querido", "querida", "ola", "prezado", "prezada", "caros", "beste", "geachte", "hej", "hei", "kaere", "kjaere", "basta", "szanowny", "szanowna", "drogi", "droga", "czesc", "ahoj", "vazeny", "vazena", "mily", "mila",
		"kedves", "tisztelt", "draga", "stimate", "stimata", "postovani", "postovana", "dragi", "merhaba", "sayin", "sevgili", "hyva", "moi", "αγαπητε", "αγαπητη", "уважаемыи", "уважаемая", "здравствуите", "уважаеми", "уважаема", "скъпи"}
}

// titleWords are forms of address that stand before a name, folded.
func titleWords() []string {
	return []string{"mr", "mrs", "ms", "miss", "mister", "dr", "prof", "professor", "doctor", "sir", "lady", "lord", "sig", "signor", "signora", "signore", "signorina", "dott", "dottor", "dottoressa", "dottssa", "avv", "ing", "rag", "geom", "arch", "herr", "herrn", "frau", "hr", "fr", "monsieur", "madame", "mademoiselle", "mme", "mlle",
		"senor", "senora", "senorita", "sr", "sra", "srta", "don", "dona", "senhor", "senhora", "exmo", "exma", "dhr", "mevr", "mevrouw", "heer", "meneer", "pan", "pani", "panu", "fru", "froken", "herra", "rouva", "hra", "pana", "slecna", "domnul", "doamna", "dl", "dna", "gospodin", "gospodja", "gospoda", "gospa", "gosp", "bay", "bayan", "κυριε", "κυρια", "κ", "господин", "госпожа", "г", "доктор", "patient", "patientin", "paziente"}
}

// nameAfter reads the capitalised words after a title. Where only a greeting stands before them, the first must be known as a name.
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
		case words > 0 && gazetteer.Lookup(w)&(gazetteer.Given|gazetteer.Family|gazetteer.Name) == 0 && gazetteer.Lookup(w)&gazetteer.Common != 0:
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

// needles counts, per category, the values of a field in which a detector with next to no chance of error found something.
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
	all := []needleKind{{Email, n.email}, {Phone, n.phone}, {IBAN, n.iban}, {CreditCard, n.card}, {NationalID, n.ident}, {Secret, n.secret}, {IPAddress, n.address}}
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

// find counts what v holds and reports whether that is anything. Values of digits and signs alone are left to the sample: in a field of numbers a
// check digit proves nothing about a single one.
func (f *needleFinder) find(v []byte, n *needles) bool {
	if len(v) < 6 {
		return false // the shortest address is a@b.eu
	}
	c := take(v)
	if c.ats == 0 && (c.digits < 7 && c.others == 0 && len(v) < 40 || c.letters() == 0 && (c.marks == 0 || v[0] != '+')) {
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
