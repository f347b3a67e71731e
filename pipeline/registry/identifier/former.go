package identifier

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Former is the canonical form that version 1 gave, where it is another than the normal one; false where it is
// the same, or was none. A registry keeps references of canonical forms and nothing else, so those of version 1
// cannot be made anew: who reads one that may hold such references looks under both.
func Former(kind string, value []byte, country string, normal []byte) ([]byte, bool) {
	value = bytes.TrimSpace(value)
	if len(value) > longest && kind != Collection || plainly(kind, value, normal) {
		return nil, false
	}
	was, ok := formerly(kind, value, country)
	if !ok || bytes.Equal(was, normal) {
		return nil, false
	}
	return was, true
}

// plainly reports whether the normal form differs from an ASCII value in nothing but the case of letters, so that
// it is what version 1 gave.
func plainly(kind string, value, normal []byte) bool {
	if len(value) != len(normal) {
		return false
	}
	for i, c := range value {
		if c != normal[i] && (c >= utf8.RuneSelf || c|0x20 != normal[i]) {
			return false
		}
	}
	return true
}

// formerly is what Normalise gave in version 1. It stays as it was.
func formerly(kind string, value []byte, country string) ([]byte, bool) {
	switch kind {
	case Email:
		return formerAddress(value)
	case Phone:
		return formerNumber(value, country)
	case Customer, Collection, Username:
		if !utf8.Valid(value) || bytes.ContainsFunc(value, unicode.IsControl) {
			return nil, false
		}
		if kind == Username {
			return bytes.ToLower(norm.NFC.Bytes(value)), true
		}
		return value, true
	}
	return nil, false // what version 1 read of a national number is what version 2 does
}

func formerAddress(value []byte) ([]byte, bool) {
	at := bytes.LastIndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || at > longestLocal || !utf8.Valid(value) || bytes.ContainsFunc(value,
		func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, false
	}
	for i, c := range value {
		if c < utf8.RuneSelf && (i < at && addressBytes[c].local == 0 || i > at && addressBytes[c].domain == 0) {
			return nil, false
		}
	}
	name := strings.ToLower(string(value[at+1:]))
	if strings.Contains(name, "xn--") || strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		var err error
		if name, err = idna.Lookup.ToASCII(strings.ToLower(norm.NFC.String(name))); err != nil {
			return nil, false
		}
	}
	if !domainName([]byte(name)) {
		return nil, false
	}
	local := norm.NFC.Bytes(bytes.ToLower(norm.NFC.Bytes(value[:at])))
	return append(append(local, '@'), name...), true
}

func formerNumber(value []byte, country string) ([]byte, bool) {
	if value[0] == '+' && len(value) >= 9 && len(value) <= 16 && value[1] != '0' &&
		len(bytes.Trim(value[1:], "0123456789")) == 0 {
		return value, true
	}
	text := string(value)
	if text[0] != '+' && country == "" {
		if !strings.HasPrefix(text, "00") {
			return nil, false
		}
		text = "+" + text[2:]
	}
	number, err := phonenumbers.Parse(text, strings.ToUpper(country))
	if err != nil || !phonenumbers.IsPossibleNumber(number) || number.GetExtension() != "" {
		return nil, false
	}
	return []byte(phonenumbers.Format(number, phonenumbers.E164)), true
}
