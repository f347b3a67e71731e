package classifiers

import (
	"lethe/classifiers/ident"
)

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

// isJoiner reports whether the byte can stand between the groups of one number: a single separator, with a
// group of digits or capitals after it.
func isJoiner(t []byte, i int) bool {
	if i+1 >= len(t) || i == 0 {
		return false
	}
	next := t[i+1]
	switch t[i] {
	case ' ':
		return isDigit(next) || next == '(' || next >= 'A' && next <= 'Z' && i+2 < len(t) &&
			(isDigit(t[i+2]) || t[i+2] >= 'A' && t[i+2] <= 'Z')
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

// scheme returns the number scheme of a candidate: one of the country asked for, one whose check proves a
// single number, or the one of the least chance among those that the words beside it name.
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
			if !x.inText[i] && beside&x.sets[i] == 0 && r.country == "" || !r.passes(i, n, beside) {
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

// passes reports whether a candidate passes a scheme that may be looked for here: in every text, or because
// the words beside it or the country speak for it.
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
	return chance(s, c.letters == 0, c.digits == len(b)) <= strictChance || s.Labels[0] == string(CreditCard) &&
		c.digits >= 15
}

// proved decides by the strictest checks alone, without a look at the words around: the fast way, for every
// cell of a table.
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
