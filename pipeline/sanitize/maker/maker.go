// Package maker makes values up, none of which is a real one: a [Maker] puts another in the place of each, in one of
// the ways ([How]).
package maker

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lethe/connectors"
)

// How is a way to make up a value in the place of a real one.
type How string

// The ways. What is made of a value hangs on nothing but the key of the copy, the way and the value, so that what was
// alike stays alike in all tables, and what refers to a value still does.
const (
	Words    How = "words"    // each word another of as many letters: names, streets, towns
	Shape    How = "shape"    // letters by letters, digits by digits, all else as it is: numbers of people and things
	Email    How = "email"    // an address in the domain example.invalid, which no mail reaches (RFC 2606)
	Phone    How = "phone"    // a number that no network gives out: after + the country code 999, else three zeros
	IBAN     How = "iban"     // of the same country, with right check digits and a bank of zeros, which there is not
	Card     How = "card"     // with a wrong check digit
	Address  How = "address"  // of the ranges for documentation (RFC 5737, RFC 3849), or a locally administered MAC
	URL      How = "url"      // below https://example.invalid/
	Day      How = "day"      // moved by whole weeks, 8 at the most: weekday and age stay nearly the same
	Near     How = "near"     // a number of the same size: its first digit stays
	Text     How = "text"     // made-up words, as long as the text
	Document How = "document" // an empty one
	Nothing  How = "nothing"  // NULL, or an empty value where a field takes no NULL
	Keep     How = "keep"     // as it is
)

// Ways are all of them.
var Ways = []How{Words, Shape, Email, Phone, IBAN, Card, Address, URL, Day, Near, Text, Document, Nothing, Keep}

// Attempts is how many values are made up for one before it is said that there are no more.
const Attempts = 1000

// Maker makes values up, none of which is a real one.
type Maker struct {
	Key   []byte
	Taken func(v []byte) bool // says whether a value is real; nil: nothing is known of that
	mac   hash.Hash
	known map[string][]byte // what words became
}

// stream is an endless row of numbers that hang on the key and what is written to it.
type stream struct{ numbers *rand.ChaCha8 }

func (m *Maker) stream(how How, value []byte, try int) stream {
	if m.mac == nil {
		m.mac = hmac.New(sha256.New, m.Key)
	}
	m.mac.Reset()
	m.mac.Write(binary.BigEndian.AppendUint32([]byte(how), uint32(try)))
	m.mac.Write(value)
	return stream{rand.NewChaCha8([32]byte(m.mac.Sum(nil)))}
}

// below is a number from 0 to n-1.
func (s stream) below(n int) int { return int(s.numbers.Uint64() >> 32 * uint64(n) >> 32) }

// Make makes a value of a field up. try tells attempts apart, where the first cannot be used.
func (m *Maker) Make(how How, v []byte, f connectors.Field, try int) (made []byte, null bool) {
	for again := range RealMost {
		made, null = m.once(how, v, f, try+again*Attempts)
		if null || how == Keep || m.Taken == nil || !m.Taken(made) {
			break
		}
	}
	return made, null
}

// RealMost is how often a value is made up anew that is a real one.
const RealMost = 50

func (m *Maker) once(how How, v []byte, f connectors.Field, try int) (made []byte, null bool) {
	if len(bytes.TrimSpace(v)) == 0 && how != Nothing {
		return v, false
	}
	switch how {
	case Keep:
		return v, false
	case Nothing:
		return nothing(f)
	case Document:
		return document(v, f), false
	}
	switch f.Kind {
	case connectors.Integer, connectors.Decimal, connectors.Float:
		if how != Near {
			how = Shape
		}
		return m.number(how, v, try), false
	case connectors.Date, connectors.Timestamp:
		return m.day(v, try), false
	case connectors.Bool, connectors.Bit, connectors.Time:
		return v, false // of so few values none tells anybody apart; a rule may empty the field
	case connectors.Binary:
		return m.octets(v, f, try), false
	case connectors.JSON:
		return document(v, f), false
	}
	return m.text(how, v, f, try), false
}

func (m *Maker) text(how How, v []byte, f connectors.Field, try int) []byte {
	switch how {
	case Words:
		return m.words(v, try)
	case Email:
		return m.email(v, f, try)
	case Phone:
		return m.phone(v, try)
	case IBAN:
		return m.iban(v, try)
	case Card:
		return m.card(v, try)
	case Address:
		return m.address(v, try)
	case URL:
		return fit([]byte("https://example.invalid/"+m.token(URL, v, try)), f, func() []byte { return m.shape(v, try) })
	case Day:
		return m.day(v, try)
	case Near:
		return m.number(Near, v, try)
	case Text:
		return m.prose(v, try)
	}
	return m.shape(v, try)
}

// nothing is what an emptied field holds.
func nothing(f connectors.Field) (v []byte, null bool) {
	switch {
	case f.Nullable:
		return nil, true
	case f.Kind == connectors.Integer, f.Kind == connectors.Decimal, f.Kind == connectors.Float,
		f.Kind == connectors.Bool:
		return []byte("0"), false
	case f.Kind == connectors.Date:
		return []byte("1970-01-01"), false
	case f.Kind == connectors.Timestamp:
		return []byte("1970-01-01 00:00:00"), false
	case f.Kind == connectors.JSON:
		return []byte("{}"), false
	}
	return []byte{}, false
}

// document is an empty one of the form that a value has.
func document(v []byte, f connectors.Field) []byte {
	v = bytes.TrimSpace(v)
	switch {
	case v[0] == '[':
		return []byte("[]")
	case v[0] == '{', f.Kind == connectors.JSON:
		return []byte("{}")
	case len(v) > 1 && v[0] == 'a' && v[1] == ':':
		return []byte("a:0:{}")
	}
	return []byte{}
}

// fit is a text that a field is long enough for, or else what instead makes.
func fit(made []byte, f connectors.Field, instead func() []byte) []byte {
	if f.Length > 0 && utf8.RuneCount(made) > f.Length {
		return instead()
	}
	return made
}

const tokenLetters = "abcdefghijkmnpqrstuvwxyz23456789"

// token is a name of twelve letters and digits.
func (m *Maker) token(how How, v []byte, try int) string {
	s := m.stream(how, bytes.ToLower(v), try)
	var b strings.Builder
	for range 12 {
		b.WriteByte(tokenLetters[s.below(len(tokenLetters))])
	}
	return b.String()
}

func (m *Maker) email(v []byte, f connectors.Field, try int) []byte {
	const domain = "@example.invalid"
	name := m.token(Email, v, try)
	if f.Length > 0 && f.Length < len(name)+len(domain) {
		return []byte(name + "@x.invalid")[:min(f.Length, len(name)+10)]
	}
	return []byte(name + domain)
}

// words puts another word in the place of each: the same one for the same word, wherever it stands.
func (m *Maker) words(v []byte, try int) []byte {
	var out []byte
	for len(v) > 0 {
		n := 0
		for n < len(v) {
			r, size := utf8.DecodeRune(v[n:])
			if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) {
				break
			}
			n += size
		}
		if n == 0 {
			r, size := utf8.DecodeRune(v)
			if r >= '0' && r <= '9' {
				n = 1
				for n < len(v) && v[n] >= '0' && v[n] <= '9' {
					n++
				}
				out = append(out, m.shape(v[:n], try)...)
			} else {
				n, out = size, append(out, v[:size]...)
			}
			v = v[n:]
			continue
		}
		out = append(out, m.word(v[:n], try)...)
		v = v[n:]
	}
	return out
}

var (
	latin      = []rune("abcdefghijklmnopqrstuvwxyz")
	consonants = []rune("bdfgklmnprstvz")
	vowels     = []rune("aeiou")
)

// word is another word of as many letters, that can be pronounced where letters are Latin. First names and the words of
// towns come again and again: some are remembered, as they are written.
func (m *Maker) word(v []byte, try int) (made []byte) {
	if try != 0 || m.Taken == nil {
		return m.anew(v, try)
	}
	if made, known := m.known[string(v)]; known {
		return made
	}
	made = m.anew(v, try)
	if m.known == nil || len(m.known) >= mostKnown {
		m.known = map[string][]byte{}
	}
	m.known[string(v)] = made
	return made
}

// mostKnown is how many words are remembered.
const mostKnown = 1 << 14

// anew is word of one that is not remembered.
func (m *Maker) anew(v []byte, try int) (made []byte) {
	for again := range RealMost {
		made = m.letters(m.stream(Words, bytes.ToLower(v), try+again*Attempts), v, true)
		if m.Taken == nil || !m.Taken(made) {
			break
		}
	}
	return made
}

// letters writes other letters and digits in the place of each; spoken alternates consonants and vowels.
func (m *Maker) letters(s stream, v []byte, spoken bool) []byte {
	out := make([]byte, 0, len(v))
	at, hex := s.below(2), !spoken && isHex(v)
	for _, r := range string(v) {
		switch {
		case r >= '0' && r <= '9':
			if hex {
				out = append(out, "0123456789"[s.below(10)])
			} else {
				out = append(out, byte('0'+s.below(10)))
			}
			continue
		case unicode.Is(unicode.Mn, r):
			continue // an accent of a letter that is gone
		case !unicode.IsLetter(r):
			out = utf8.AppendRune(out, r)
			continue
		}
		at++
		list := latin
		switch {
		case r > unicode.MaxLatin1 && len(lettersOf(r)) > 0:
			list = lettersOf(r)
		case hex:
			list = latin[:6]
		case spoken && at%2 == 0:
			list = vowels
		case spoken:
			list = consonants
		}
		made := list[s.below(len(list))]
		if unicode.IsUpper(r) {
			made = unicode.ToUpper(made)
		}
		out = utf8.AppendRune(out, made)
	}
	return out
}

// lettersOf are letters of the writing of a letter; none of Latin.
func lettersOf(r rune) []rune {
	for _, w := range writings {
		if unicode.Is(w.table, r) {
			return w.letters
		}
	}
	return nil
}

var writings = []struct {
	table   *unicode.RangeTable
	letters []rune
}{
	{unicode.Cyrillic, []rune("абвгдежзиклмнопрстуфхцчш")},
	{unicode.Greek, []rune("αβγδεζηθικλμνξοπρστυφχψω")},
	{unicode.Hebrew, []rune("אבגדהוזחטיכלמנסעפצקרשת")},
	{unicode.Arabic, []rune("ابتثجحدرزسشصطعفقكلمنهوي")},
	{unicode.Han, []rune("安白本成春大東方光海和江金林明平山水天文心雪月正中")},
	{unicode.Hiragana, []rune("あいうえおかきくけこさしすせそたちつてとなにぬねの")},
	{unicode.Katakana, []rune("アイウエオカキクケコサシスセソタチツテトナニヌネノ")},
	{unicode.Hangul, []rune("가나다라마바사아자차카타파하고노도로모보소오조초")},
	{unicode.Thai, []rune("กขคงจชซญดตถทธนบปผพมยรลวสหอ")},
	{unicode.Devanagari, []rune("कखगघचछजझटठडढतथदधनपफबभमयरलवसह")},
}

// isHex says whether a value is written in hexadecimal digits, as digests and identifiers are.
func isHex(v []byte) bool {
	digits := 0
	for _, b := range v {
		switch {
		case b >= '0' && b <= '9':
			digits++
		case b == '-', b|0x20 >= 'a' && b|0x20 <= 'f':
		default:
			return false
		}
	}
	return digits > 0 && len(v) >= 8
}

func (m *Maker) shape(v []byte, try int) []byte {
	return m.letters(m.stream(Shape, v, try), v, false)
}

// phone keeps the form, and begins with what no network gives out.
func (m *Maker) phone(v []byte, try int) []byte {
	made := m.shape(v, try)
	start := byte('0')
	if bytes.HasPrefix(bytes.TrimSpace(v), []byte("+")) {
		start = '9'
	}
	for i, n := 0, 0; i < len(made) && n < 3; i++ {
		if made[i] >= '0' && made[i] <= '9' {
			made[i] = start
			n++
		}
	}
	return made
}

// iban keeps the country and the form.
func (m *Maker) iban(v []byte, try int) []byte {
	var compact []byte
	for _, b := range v {
		if b != ' ' && b != '-' {
			compact = append(compact, b&^(b>>1&0x20)) // a capital letter
		}
	}
	strange := func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if len(compact) < 15 || bytes.ContainsFunc(compact, strange) {
		return m.shape(v, try) // none
	}
	made := m.shape(compact, try)
	copy(made, compact[:2])
	for i := 4; i < 12; i++ { // the bank
		made[i] = '0'
	}
	copy(made[2:], "00")
	var digits []byte
	for _, b := range append(bytes.Clone(made[4:]), made[:4]...) {
		if b >= 'A' {
			digits = fmt.Append(digits, int(b-'A')+10)
		} else {
			digits = append(digits, b)
		}
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return m.shape(v, try)
	}
	copy(made[2:], fmt.Sprintf("%02d", 98-n.Mod(n, big.NewInt(97)).Int64()))
	out := bytes.Clone(v)
	for i, at := 0, 0; i < len(v); i++ {
		if v[i] != ' ' && v[i] != '-' {
			out[i] = made[at]
			at++
		}
	}
	return out
}

// card makes the last digit wrong.
func (m *Maker) card(v []byte, try int) []byte {
	made := m.shape(v, try)
	last, sum, double := -1, 0, false
	for i := len(made) - 1; i >= 0; i-- {
		if made[i] < '0' || made[i] > '9' {
			continue
		}
		d := int(made[i] - '0')
		if last < 0 {
			last = i
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	if last >= 0 && sum%10 == 0 {
		made[last] = '0' + (made[last]-'0'+1)%10
	}
	return made
}

func (m *Maker) address(v []byte, try int) []byte {
	s := m.stream(Address, bytes.ToLower(v), try)
	at, err := netip.ParseAddr(string(bytes.TrimSpace(v)))
	switch {
	case err == nil && at.Is4():
		net := []string{"192.0.2", "198.51.100", "203.0.113"}[s.below(3)]
		return fmt.Appendf(nil, "%s.%d", net, 1+s.below(254))
	case err == nil:
		return fmt.Appendf(nil, "2001:db8::%x:%x:%x", 1+s.below(0xffff), s.below(0x10000), 1+s.below(0xffff))
	}
	made := m.shape(v, try)
	if len(made) > 1 && isHex(bytes.ReplaceAll(v, []byte(":"), nil)) {
		copy(made, "02") // locally administered
	}
	return made
}

// day moves a day, which may have a time behind it, by whole weeks.
func (m *Maker) day(v []byte, try int) []byte {
	text := string(v)
	for _, layout := range []string{"2006-01-02", "02.01.2006", "02/01/2006", "20060102"} {
		if len(text) < len(layout) {
			continue
		}
		day, err := time.Parse(layout, text[:len(layout)])
		if err != nil {
			continue
		}
		weeks := 1 + m.stream(Day, []byte(text[:len(layout)]), try).below(16) - 9
		if weeks >= 0 {
			weeks++
		}
		return []byte(day.AddDate(0, 0, 7*weeks).Format(layout) + text[len(layout):])
	}
	return m.shape(v, try)
}

// number writes other digits: all but the sign, and of near the first too.
func (m *Maker) number(how How, v []byte, try int) []byte {
	s := m.stream(how, v, try)
	made, first := bytes.Clone(v), true
	for i, b := range made {
		if b == 'e' || b == 'E' {
			break
		}
		if b < '0' || b > '9' {
			continue
		}
		switch {
		case first && how == Near:
		case first && b != '0':
			made[i] = byte('1' + s.below(int(b-'0'))) // no larger, so that the type still holds it
		case first:
		default:
			made[i] = byte('0' + s.below(10))
		}
		first = first && b == '0' && i+1 < len(made)
	}
	return bounded(made, v)
}

// bounded keeps a number below that in whose place it comes, where it has as many digits: its type holds it then.
func bounded(made, v []byte) []byte {
	if len(made) >= 9 && bytes.Compare(made, v) > 0 {
		for i := range made {
			if made[i] > v[i] {
				made[i] = v[i]
			}
		}
	}
	return made
}

// octets are made up to the same length; a picture becomes one of a single point.
func (m *Maker) octets(v []byte, f connectors.Field, try int) []byte {
	picture := strings.HasPrefix(http.DetectContentType(v), "image/")
	switch {
	case picture && (f.Length == 0 || f.Length >= len(point)):
		return []byte(point)
	case !picture && utf8.Valid(v):
		return m.shape(v, try)
	}
	s := m.stream(Shape, v, try)
	out := make([]byte, len(v))
	for i := range out {
		out[i] = byte(s.below(256))
	}
	return out
}

// point is the smallest picture: a GIF of one transparent point.
const point = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00," +
	"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

const loremWords = "dolor ipsum amet elit sed tempor labore magna aliqua enim minim quis nostrud ullamco laboris " +
	"nisi commodo consequat duis aute irure velit esse cillum fugiat nulla pariatur sint occaecat cupidatat non " +
	"proident"

// prose is made-up text that is as long.
func (m *Maker) prose(v []byte, try int) []byte {
	list := strings.Fields(loremWords)
	s := m.stream(Text, v, try)
	length := utf8.RuneCount(v)
	var b strings.Builder
	for b.Len() < length {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		word := list[s.below(len(list))]
		for range RealMost {
			if m.Taken == nil || !m.Taken([]byte(word)) {
				break
			}
			word = list[s.below(len(list))]
		}
		b.WriteString(word)
	}
	return []byte(strings.TrimSpace(b.String()[:length]))
}
