package instant

import (
	"bytes"
	"unicode/utf8"
)

// maxText is the longest text that is read; JavaScript's own is 70.
const maxText = 96

// noOffset stands for no offset.
const noOffset = 1 << 30

// tidy appends a text with one space for each run of spaces of any kind, and none around it, without marks
// that nobody sees. It is false for one that holds what no form has.
func tidy(to, text []byte) ([]byte, bool) {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		switch r {
		case '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
			continue
		case '\t', '\n', '\r', '\u00a0', '\u2007', '\u2009', '\u202f', '\u3000':
			r = ' '
		case '\u2212':
			r = '-'
		}
		switch {
		case r < ' ' || r > '~':
			return to, false
		case r == ' ' && (len(to) == 0 || to[len(to)-1] == ' '):
			continue
		case len(to) == maxText:
			return to, false
		}
		to = append(to, byte(r))
	}
	return bytes.TrimRight(to, " "), true
}

// countOf takes a text of digits apart: the whole of a number, and its fraction, nil where there is none.
func countOf(text []byte) (whole, fraction []byte, ok bool) {
	n := digitsOf(text)
	whole, rest := text[:n], text[n:]
	if n > 4 && len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && digitsOf(rest[1:]) == len(rest)-1 {
		return whole, rest[1:], true
	}
	return whole, nil, n > 0 && len(rest) == 0
}

// scientific reports whether a text is a number with an exponent.
func scientific(text []byte) bool {
	n := digitsOf(text)
	if rest := text[n:]; n > 0 && len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
		n += 1 + digitsOf(rest[1:])
	}
	rest := text[n:]
	if n == 0 || len(rest) < 2 || rest[0]|0x20 != 'e' {
		return false
	}
	if rest = rest[1:]; rest[0] == '+' || rest[0] == '-' {
		rest = rest[1:]
	}
	return len(rest) > 0 && digitsOf(rest) == len(rest)
}

// digitsOf is how many digits a text begins with.
func digitsOf(text []byte) (n int) {
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// lettersOf is how many letters a text begins with.
func lettersOf(text []byte) (n int) {
	for n < len(text) && (text[n]|0x20) >= 'a' && (text[n]|0x20) <= 'z' {
		n++
	}
	return n
}

// scanner finds the parts of a text.
type scanner struct {
	rest             []byte
	year, month, day int
	weekday          int  // 1 is Monday; 0 none
	compact          bool // the day is of eight digits
	timed            bool // there is a time of day
	seconds, nanos   int  // of the day
	offset           int  // seconds east of UTC, noOffset where there is none
	abbreviation     [5]byte
	abbreviated      int // letters of it
}

// all reads the whole text.
func (s *scanner) all(order Order) error {
	s.offset = noOffset
	s.weekday = s.name(weekdays[:])
	if s.weekday > 0 && !(s.skip(',') || len(s.rest) > 0 && s.rest[0] == ' ') {
		return NoInstant
	}
	s.skip(' ')
	if err := s.date(order); err != nil {
		return err
	}
	if s.year == 0 { // asctime: the year is last
		if err := s.clock(false); err != nil {
			return err
		}
		if err := s.zone(); err != nil {
			return err
		}
		if !s.skip(' ') || digitsOf(s.rest) != 4 {
			return NoInstant
		}
		s.year, _ = s.number(4)
	} else if len(s.rest) > 0 {
		basic := s.skip('T') || s.skip('t')
		if !basic && !s.gap() {
			return NoInstant
		}
		if err := s.clock(basic || s.compact); err != nil {
			return err
		}
		if err := s.zone(); err != nil {
			return err
		}
	}
	if len(s.rest) > 0 {
		return NoInstant
	}
	return nil
}

// skip passes one character.
func (s *scanner) skip(c byte) bool {
	if len(s.rest) > 0 && s.rest[0] == c {
		s.rest = s.rest[1:]
		return true
	}
	return false
}

// gap passes what stands between a day and a time: a space, a comma, or both; or the word at.
func (s *scanner) gap() bool {
	comma := s.skip(',')
	space := s.skip(' ')
	if space && len(s.rest) > 3 && s.rest[2] == ' ' && foldPrefix("at", s.rest[:2]) {
		s.rest = s.rest[3:]
	}
	return space || comma
}

// number reads the next n digits.
func (s *scanner) number(n int) (value int, ok bool) {
	if digitsOf(s.rest) < n || n == 0 {
		return 0, false
	}
	for _, c := range s.rest[:n] {
		value = value*10 + int(c-'0')
	}
	s.rest = s.rest[n:]
	return value, true
}

// short reads one digit or two.
func (s *scanner) short() (value int, ok bool) {
	n := digitsOf(s.rest)
	if n > 2 {
		return 0, false
	}
	return s.number(n)
}

var (
	weekdays = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	months   = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september",
		"october", "november", "december"}
)

// name reads a name of a list, whole or its first three letters, in any case, and returns its number from 1; 0
// where there is none.
func (s *scanner) name(list []string) int {
	n := lettersOf(s.rest)
	word := s.rest[:n]
	for i, name := range list {
		switch {
		case n == 3 || n == len(name): // whole, or short
		case n == 4 && name == "september": // Sept
		case n == 4 && name == "thursday", n == 4 && name == "tuesday": // Thur, Tues
		default:
			continue
		}
		if foldPrefix(name, word) {
			s.rest = s.rest[n:]
			return i + 1
		}
	}
	return 0
}

// foldPrefix reports whether a word begins with another, whatever the case of that.
func foldPrefix(name string, word []byte) bool {
	if len(word) > len(name) {
		return false
	}
	for i, c := range word {
		if c|0x20 != name[i] {
			return false
		}
	}
	return true
}

// date reads a day. Of one that begins with its month and has a time behind it, the year is left to be read.
func (s *scanner) date(order Order) error {
	switch digitsOf(s.rest) {
	case 0:
		return s.monthDay()
	case 1, 2:
		return s.dayMonthYear(order)
	case 4:
		return s.yearMonthDay()
	case 8:
		s.basicDate(s.rest[:8])
		s.rest, s.compact = s.rest[8:], true
		return s.filled()
	}
	return NoInstant
}

// basicDate reads eight digits.
func (s *scanner) basicDate(digits []byte) {
	d := scanner{rest: digits}
	s.year, _ = d.number(4)
	s.month, _ = d.number(2)
	s.day, _ = d.number(2)
}

// basicClock reads four or six digits, and is false for no time of day.
func (s *scanner) basicClock(digits []byte) bool {
	d := scanner{rest: digits}
	h, _ := d.number(2)
	m, _ := d.number(2)
	sec, _ := d.number(len(d.rest))
	return s.setClock(h, m, sec)
}

// yearMonthDay reads 2026-03-01, 2026/3/1, 2026.03.01, 2026-Mar-01, 2026 March 1.
func (s *scanner) yearMonthDay() error {
	s.year, _ = s.number(4)
	if len(s.rest) == 0 {
		return NoInstant
	}
	sep := s.rest[0]
	if sep|0x20 == 'w' {
		return WeekOrDay
	}
	if !s.skip('-') && !s.skip('/') && !s.skip('.') && !s.skip(' ') {
		return NoInstant
	}
	switch n := digitsOf(s.rest); {
	case n == 3:
		return WeekOrDay
	case n > 0 && sep != ' ':
		s.month, _ = s.short()
	case len(s.rest) > 1 && s.rest[0]|0x20 == 'w' && digitsOf(s.rest[1:]) > 0:
		return WeekOrDay
	default:
		s.month = s.name(months[:])
	}
	var ok bool
	if !s.skip(sep) {
		return NoInstant
	}
	if s.day, ok = s.short(); !ok {
		return NoInstant
	}
	return s.filled()
}

// filled refuses zeros, which stand for no year, month or day.
func (s *scanner) filled() error {
	if s.year == 0 || s.month == 0 || s.day == 0 {
		return NoSuchDay
	}
	return nil
}

// dayMonthYear reads 1 March 2026, 01-Mar-2026, and 01/03/2026 by the order.
func (s *scanner) dayMonthYear(order Order) error {
	first, _ := s.short()
	if len(s.rest) == 0 {
		return NoInstant
	}
	s.ordinal()
	sep := byte(' ')
	if len(s.rest) > 0 && (s.rest[0] == '/' || s.rest[0] == '.' || s.rest[0] == '-') {
		sep = s.rest[0]
		s.skip(sep)
	}
	s.skip(' ')
	if month := s.name(months[:]); month > 0 {
		s.day, s.month = first, month
		if !s.skip(sep) && !s.gap() {
			s.skip('.')
		}
		s.skip(' ')
		return s.yearOf()
	}
	if sep == ' ' {
		return NoInstant
	}
	second, ok := s.short()
	if !ok || !s.skip(sep) {
		return NoInstant
	}
	if sep == '.' {
		s.skip(' ') // 1. 3. 2026
	}
	if err := s.yearOf(); err != nil {
		return err
	}
	switch order {
	case DayFirst:
		s.day, s.month = first, second
	case MonthFirst:
		s.day, s.month = second, first
	default:
		return Undecided
	}
	if s.month > 12 && s.day <= 12 {
		return OtherOrder
	}
	return s.filled()
}

// yearOf reads a year that stands last.
func (s *scanner) yearOf() error {
	switch digitsOf(s.rest) {
	case 4:
		s.year, _ = s.number(4)
		if s.year == 0 {
			return NoSuchDay
		}
		return nil
	case 2:
		return ShortYear
	}
	return NoInstant
}

// ordinal passes the letters of 1st, 2nd, 3rd and 4th.
func (s *scanner) ordinal() {
	if lettersOf(s.rest) != 2 {
		return
	}
	for _, end := range []string{"st", "nd", "rd", "th"} {
		if foldPrefix(end, s.rest[:2]) {
			s.rest = s.rest[2:]
			return
		}
	}
}

// monthDay reads March 1, 2026, and Mar  1 of a text whose year is last.
func (s *scanner) monthDay() error {
	if s.month = s.name(months[:]); s.month == 0 {
		return NoInstant
	}
	if !s.skip('-') {
		s.skip('.')
		s.skip(' ')
	}
	var ok bool
	if s.day, ok = s.short(); !ok || s.day == 0 {
		return NoInstant
	}
	s.ordinal()
	if !s.skip('-') && !s.gap() {
		return NoInstant
	}
	if n := digitsOf(s.rest); n <= 2 && n < len(s.rest) && (s.rest[n] == ':' || s.rest[n] == '.') {
		return nil
	}
	return s.yearOf()
}
