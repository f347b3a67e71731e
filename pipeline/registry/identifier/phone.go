package identifier

import (
	"net/url"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// phone is a telephone number as E.164 has it. Its digits are those that stand in the value, less the prefixes of
// calls: what is no digit, and no sign that people group them with, is never left out.
func phone(value []byte, country string, dst []byte) ([]byte, error) {
	if plainNumber(value) && !mayHaveTrunk(value) {
		return append(dst, value...), nil
	}
	text, err := string(value), error(nil)
	if strings.Trim(text, "0123456789 -.+()/") != "" { // more than digits as people group them
		if text, _, err = clean(value, true); err == nil {
			text, err = subscriber(text)
		}
	}
	if err != nil {
		return dst, err
	}
	number, err := numberIn(text)
	if err != nil {
		return dst, err
	}
	text, err = number.read(strings.ToUpper(country))
	return append(dst, text...), err
}

// plainNumber reports whether a number is E.164 already, as a validating system writes it: '+', then 8 to 15
// digits, without the prefix of calls inside the country. Its length by country is not looked at again; a wrong one
// matches nobody.
func plainNumber(value []byte) bool {
	if len(value) < 9 || len(value) > 16 || value[0] != '+' || value[1] == '0' {
		return false
	}
	for _, c := range value[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	prefixes := prefixes()
	code := int(value[1] - '0')
	for at := 2; at < 5; at++ {
		next := value[at] - '0'
		if begins := prefixes[code]; begins != 0 {
			return begins&(1<<next) == 0
		}
		code = 10*code + int(next)
	}
	return true
}

// schemes are what stands before a number that a program wrote.
var schemes = []string{"tel:", "callto:", "sms:", "whatsapp:", "p:"}

// subscriber takes the number out of a tel: URI (RFC 3966), and out of quotes. One with an extension is refused: it
// is one desk of a number that others share.
func subscriber(text string) (string, error) {
	text = strings.TrimLeft(strings.Trim(text, `'"`+"`<>,;. "), `="' `)
	for _, scheme := range schemes {
		if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
			continue
		}
		plain, err := url.PathUnescape(strings.TrimPrefix(text[len(scheme):], "//"))
		if err != nil {
			return "", ErrInvalid
		}
		if text, _, err = clean([]byte(plain), true); err != nil {
			return "", err
		}
		break
	}
	number, parameter, more := strings.Cut(text, ";")
	if !more {
		return text, nil
	}
	context, ok := strings.CutPrefix(strings.ToLower(parameter), "phone-context=+")
	if !ok || context == "" || strings.Trim(context, "0123456789-.()") != "" || strings.HasPrefix(number, "+") {
		return "", ErrAmbiguous
	}
	return "+" + context + " " + number, nil
}

func assigned(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	return err == nil && phonenumbers.IsValidNumber(n)
}

// e164 is a number read by the numbering plan of its country. What it yields is read again until nothing is taken off
// any more: a prefix may have been written twice.
func e164(text, country string) (string, error) {
	if text == "" {
		return "", ErrInvalid
	}
	if text[0] != '+' && country == "" {
		if !strings.HasPrefix(text, "00") {
			return "", ErrInvalid
		}
		text = "+" + text[2:]
	}
	for range 4 {
		number, err := phonenumbers.Parse(text, country)
		if err != nil || !phonenumbers.IsPossibleNumber(number) {
			return "", ErrInvalid
		}
		if number.GetExtension() != "" {
			return "", ErrAmbiguous
		}
		again := phonenumbers.Format(number, phonenumbers.E164)
		if again == text || plainNumber([]byte(again)) {
			return again, nil
		}
		text = again
	}
	return "", ErrInvalid
}

// assignedCode marks a calling code that some country has.
const assignedCode = 1 << 15

// prefixes are by calling code the digits, as bits, with which a national prefix may begin: a number that goes on
// with one of them is read by its plan.
var prefixes = sync.OnceValue(func() *[1000]uint16 {
	all := new([1000]uint16)
	plans, err := phonenumbers.MetadataCollection()
	if err != nil {
		return all
	}
	for _, plan := range plans.GetMetadata() {
		begins := uint16(0)
		if pattern := plan.GetNationalPrefixForParsing(); pattern != "" {
			begins = 1<<10 - 1
			if re, err := syntax.Parse(pattern, syntax.Perl); err == nil {
				if first, empty := firstDigits(re.Simplify()); !empty {
					begins = first
				}
			}
		}
		all[plan.GetCountryCode()] |= begins | assignedCode
	}
	return all
})

// firstDigits are the digits with which a match may begin, and whether it may be empty.
func firstDigits(re *syntax.Regexp) (digits uint16, empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return digitsIn(re.Rune[0], re.Rune[0]), false
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			digits |= digitsIn(re.Rune[i], re.Rune[i+1])
		}
		return digits, false
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return digitsIn('0', '9'), false
	case syntax.OpCapture, syntax.OpPlus, syntax.OpRepeat:
		digits, empty = firstDigits(re.Sub[0])
		return digits, empty || re.Op == syntax.OpRepeat && re.Min == 0
	case syntax.OpStar, syntax.OpQuest:
		digits, _ = firstDigits(re.Sub[0])
		return digits, true
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			first, empty := firstDigits(sub)
			if digits |= first; !empty {
				return digits, false
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			first, none := firstDigits(sub)
			digits, empty = digits|first, empty || none
		}
		return digits, empty
	}
	return digits, true
}

func digitsIn(from, to rune) (digits uint16) {
	for d := max(from, '0'); d <= min(to, '9'); d++ {
		digits |= 1 << (d - '0')
	}
	return digits
}
