// Package identifier says who a person is: by an e-mail address, a telephone, customer or national number
// or a user name, each in the one canonical form in which it is compared.
package identifier

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"lethe/classifiers/ident"
)

// The kinds of identifier. A national id names its country: "national-id:IT".
const (
	Email      = "email"
	Phone      = "phone"
	Customer   = "customer-number"
	Username   = "username"
	National   = "national-id"
	Collection = "collection" // the source's id of a collection; not an identifier of a person
)

// Known says whether Normalise can handle identifiers of this kind.
func Known(kind string) bool {
	switch kind {
	case Email, Phone, Customer, Username:
		return true
	}
	country, ok := strings.CutPrefix(kind, National)
	return ok && (country == "" || len(country) == 3 && country[0] == ':' && upper(country[1]) && upper(country[2]))
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

// Normalise appends to dst the canonical form of an identifier, version 1 (the version is part of every
// reference). It returns false for what is empty or not an identifier of its kind; then dst is returned as
// it was. kind is one of the Kind constants; country is the ISO 3166-1 alpha-2 code for phone numbers
// without a prefix, "" to refuse those. dst may be nil; an ASCII e-mail address and a number that is E.164
// already cost no allocation when dst has room.
//
//	email            trim, NFC, lower-case, domain to A-labels; dots and +tags stay, as most providers tell them apart
//	phone            E.164
//	national-id:CC   letters and digits, upper-case; check digits must be right where the scheme is known
//	customer-number  exact after trimming
//	username         trim, NFC, lower-case
func Normalise(kind string, value []byte, country string, dst []byte) ([]byte, bool) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || len(value) > 320 {
		return dst, false
	}
	switch {
	case kind == Email:
		return normaliseEmail(value, dst)
	case kind == Phone:
		return normalisePhone(value, country, dst)
	case kind == Customer || kind == Collection:
		if !utf8.Valid(value) || bytes.ContainsFunc(value, unicode.IsControl) {
			return dst, false
		}
		return append(dst, value...), true
	case kind == Username:
		if !utf8.Valid(value) || bytes.ContainsFunc(value, unicode.IsControl) {
			return dst, false
		}
		return append(dst, bytes.ToLower(norm.NFC.Bytes(value))...), true
	case strings.HasPrefix(kind, National):
		return normaliseNational(kind, value, dst)
	}
	return dst, false
}

// localSpecials are the characters that the unquoted local part of an address may hold beside letters and
// digits (RFC 5322 atext, and the dot).
const localSpecials = ".!#$%&'*+-/=?^_`{|}~"

// addressByte is what becomes of an ASCII byte of an address: letters turn lower-case, 0 is what cannot
// stand there.
type addressByte struct{ local, domain byte }

var addressBytes = func() (table [utf8.RuneSelf]addressByte) {
	for c := range byte(len(table)) {
		switch {
		case upper(c):
			table[c] = addressByte{c + 'a' - 'A', c + 'a' - 'A'}
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-':
			table[c] = addressByte{c, c}
		case strings.IndexByte(localSpecials, c) >= 0:
			table[c] = addressByte{local: c}
		}
	}
	return table
}()

func normaliseEmail(value, dst []byte) ([]byte, bool) {
	at := bytes.LastIndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || at > 64*utf8.UTFMax {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, value...)
	address := dst[start:]
	ascii, hyphen := true, false
	for i, c := range address[:at] {
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		if address[i] = addressBytes[c].local; address[i] == 0 {
			return dst[:start], false
		}
	}
	domain := address[at+1:]
	for i, c := range domain {
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		if domain[i] = addressBytes[c].domain; domain[i] == 0 {
			return dst[:start], false
		}
		hyphen = hyphen || c == '-'
	}
	// Punycode labels are checked by the slow path: two spellings of one label must not give two references.
	if ascii && !(hyphen && bytes.Contains(domain, []byte("xn--"))) {
		if !domainName(domain) {
			return dst[:start], false
		}
		return dst, true
	}
	dst = dst[:start]
	if !utf8.Valid(value) || bytes.ContainsFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) ||
			unicode.IsControl(r)
	}) {
		return dst, false
	}
	name, err := idna.Lookup.ToASCII(strings.ToLower(string(norm.NFC.Bytes(value[at+1:]))))
	if err != nil || !domainName([]byte(name)) {
		return dst, false
	}
	dst = append(dst, norm.NFC.Bytes(bytes.ToLower(norm.NFC.Bytes(value[:at])))...)
	dst = append(dst, '@')
	return append(dst, name...), true
}

// domainName holds for lower-case A-label domain names of at least two labels.
func domainName(d []byte) bool {
	if len(d) > 253 {
		return false
	}
	label, dots := 0, 0
	for i, c := range d {
		switch {
		case c == '.':
			if label == 0 || label > 63 || d[i-1] == '-' {
				return false
			}
			label = 0
			dots++
			continue
		case c == '-' && label == 0:
			return false
		}
		label++
	}
	return dots > 0 && label > 0 && label <= 63 && d[len(d)-1] != '-'
}

func normalisePhone(value []byte, country string, dst []byte) ([]byte, bool) {
	// A number that a validating system wrote is E.164 already: '+', then 8 to 15 digits. Its length by
	// country is not looked at again; a wrong one matches nobody.
	if value[0] == '+' && len(value) >= 9 && len(value) <= 16 && value[1] != '0' {
		digits := true
		for _, c := range value[1:] {
			if c < '0' || c > '9' {
				digits = false
				break
			}
		}
		if digits {
			return append(dst, value...), true
		}
	}
	if !utf8.Valid(value) {
		return dst, false
	}
	text := string(value)
	if text[0] != '+' && country == "" {
		if !strings.HasPrefix(text, "00") {
			return dst, false
		}
		text = "+" + text[2:]
	}
	number, err := phonenumbers.Parse(text, strings.ToUpper(country))
	if err != nil || !phonenumbers.IsPossibleNumber(number) || number.GetExtension() != "" {
		return dst, false
	}
	return append(dst, phonenumbers.Format(number, phonenumbers.E164)...), true
}

// nationalSchemes are the numbers of persons by country, each with its check digits.
var nationalSchemes = sync.OnceValue(func() map[string][]ident.Scheme {
	schemes := map[string][]ident.Scheme{}
	for _, s := range ident.All() {
		if !s.Company && (slices.Contains(s.Labels, "national_id") || slices.Contains(s.Labels, "tax_id")) {
			schemes[s.Country] = append(schemes[s.Country], s)
		}
	}
	return schemes
})

// normaliseNational refuses a number of which a check digit is wrong, where the country's scheme is known.
func normaliseNational(kind string, value, dst []byte) ([]byte, bool) {
	start := len(dst)
	for _, c := range value {
		switch {
		case '0' <= c && c <= '9' || upper(c):
			dst = append(dst, c)
		case 'a' <= c && c <= 'z':
			dst = append(dst, c-('a'-'A'))
		// the Swedish '+' of those over a hundred separates too
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '+':
		default:
			return dst[:start], false
		}
	}
	if n := len(dst) - start; n < 4 || n > 32 {
		return dst[:start], false
	}
	_, country, _ := strings.Cut(kind, ":")
	schemes := nationalSchemes()[country]
	if country == "" || len(schemes) == 0 {
		return dst, true
	}
	number := ident.Number{Raw: value, Compact: dst[start:]}
	for i := range schemes {
		if ident.Match(&schemes[i], number) {
			return dst, true
		}
	}
	return dst[:start], false
}
