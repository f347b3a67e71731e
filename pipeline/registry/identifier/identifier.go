// Package identifier says who a person is: by an e-mail address, a telephone, customer or national number
// or a user name, each in the one canonical form in which it is compared, whoever wrote it: Normalise. What
// cannot be seen never makes a second person, and what cannot be decided is refused: ErrInvalid,
// ErrAmbiguous. Former is the form of the version before, under which a registry may know a person.
//
// The rules follow Unicode's and the IETF's standards: PRECIS (RFC 8264 to 8266) for names and the local part
// of addresses, UTS #46 for domains, RFC 5321, 5322, 6068 and 6531 for addresses, E.164 and RFC 3966 for
// telephones, UTS #39 for what looks alike. jobs/docs/consents.md tells users of them.
package identifier

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"lethe/pipeline/registry/identifier/residue"
	"lethe/pipeline/registry/identifier/signs"
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

// Version is that of the canonical forms. A registry keeps the oldest one that its references may be of.
const Version = 2

// Why a value has no canonical form.
var (
	// ErrInvalid: it is empty, or not an identifier of its kind.
	ErrInvalid = errors.New("not an identifier of its kind")
	// ErrAmbiguous: it cannot be told whose it is.
	ErrAmbiguous = errors.New("it cannot be told whose it is")
)

// Ambiguity is an ErrAmbiguous that says why it is one, and what to do; it holds nothing of the value.
type Ambiguity string

// Error is the reason.
func (a Ambiguity) Error() string { return string(a) }

// Is makes errors.Is(err, ErrAmbiguous) true.
func (Ambiguity) Is(target error) bool { return target == ErrAmbiguous }

const (
	escaped Ambiguity = "an escape in it was not decoded (%2B, &amp;, \\u0027, =3D): deliver it decoded"
	misread Ambiguity = "it was read in a wrong encoding before it came here (JosÃ©): deliver it in the right one"
	// marks and signs
	unwritten Ambiguity = "a mark or a sign in it stands where no writing has one: deliver it as the person writes it"
)

// doubt is a fault of signs as an error.
func doubt(fault signs.Fault) error {
	if fault == "" {
		return nil
	}
	return Ambiguity(fault)
}

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

// Normalise appends to dst the canonical form of an identifier. The error is ErrInvalid for what is empty or
// not an identifier of its kind, ErrAmbiguous where it cannot be told whose it is; then dst is returned as it
// was. kind is one of the constants; country is the ISO 3166-1 alpha-2 code for phone numbers without a prefix,
// "" to refuse those. dst may be nil; what is plain ASCII, and a number that is E.164 already, cost no
// allocation when dst has room.
//
// Of every kind: invisible characters are left out, digits of any script are read as 0 to 9, full-width and
// presentation forms, typographic hyphens and apostrophes as the plain ones, and composed and decomposed
// letters are one (NFC). Other compatibility characters (superscript, circled and styled letters), U+FFFD,
// control and unassigned characters are refused.
//
//	email            what is around the address goes (display name, <>, mailto:, comments, quotes, a full stop or
//	                 comma behind it); lower-case, domain to A-labels; dots and +tags stay, as most providers
//	                 tell them apart
//	phone            E.164
//	national-id:CC   letters and digits, upper-case; check digits must be right where the scheme is known
//	customer-number  as it is written, upper and lower case apart; without what spreadsheets and people put around
//	                 numbers and behind them (.0); letters and digits at both ends, and between them the signs that
//	                 part groups
//	username         lower-case, without the @ before it; signs and spaces inside count, several spaces as one
//
// In all but numbers, letters of more scripts than are written together (UTS #39, highly restrictive) are
// refused, and so is what looks like ASCII from end to end and is not.
func Normalise(kind string, value []byte, country string, dst []byte) ([]byte, error) {
	if value = residue.Trim(value); len(value) == 0 || len(value) > maxLength && kind != Collection {
		return dst, ErrInvalid
	}
	if kind != Collection && residue.Begun(value) {
		return dst, escaped
	}
	switch {
	case kind == Email:
		return email(value, dst)
	case kind == Phone:
		return phone(value, country, dst)
	case kind == Collection:
		return append(dst, collection(value)...), nil
	case kind == Customer, kind == Username:
		return named(value, kind, dst)
	case strings.HasPrefix(kind, National):
		return national(kind, value, dst)
	}
	return dst, ErrInvalid
}

// named is a user name or a customer number.
func named(value []byte, kind string, dst []byte) ([]byte, error) {
	value = signs.Exported(value)
	if !plainName(value) || len(value) > longest {
		text, err := name(value, kind)
		return append(dst, text...), err
	}
	value, err := bare(value, kind)
	switch {
	case err != nil:
		return dst, err
	case kind == Username:
		return appendLower(dst, value), nil
	}
	return append(dst, value...), nil
}

// bare is a name or a number without what says that it is one: the @ before a user name, brackets around a number,
// the .0 behind it. The error says what else may not belong to it.
func bare(value []byte, kind string) ([]byte, error) {
	if inside, ok := signs.Unwrapped(value); ok && kind == Customer {
		value = signs.Exported(inside)
	}
	if kind == Username && len(value) > 1 && value[0] == '@' {
		value = signs.Exported(value[1:])
	}
	number, fault := signs.Whole(value)
	switch {
	case fault != "":
	case signs.Nothing(value):
		return nil, ErrInvalid
	case residue.Undecoded(value):
		return nil, escaped
	case kind == Customer:
		value, fault = number, signs.Number(number)
	case len(number) < len(value): // who chose 42.0 is another than who chose 42, and a program makes one of the other
		fault = signs.Float
	default:
		fault = signs.Name(value)
	}
	return value, doubt(fault)
}

// maxLength bounds the text in which an identifier stands, in bytes: a display name of 320 characters with an
// address of as many.
const maxLength = 2 * 320 * utf8.UTFMax

// longest bounds a canonical form, in bytes.
const longest = 320

// collection is a source's id without what cannot be seen. It names no person, so what cannot be read stays as it is.
func collection(value []byte) []byte {
	if plainName(value) {
		return value
	}
	text, _, err := clean(value, true)
	if err != nil || text == "" {
		return value
	}
	return []byte(text)
}

// plainName reports whether a name is of printable ASCII without two spaces in a row: nothing is hidden in it.
func plainName(value []byte) bool {
	before := byte(0)
	for _, c := range value {
		if c < ' ' || c >= 0x7f || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return true
}

func ascii(value []byte) bool {
	for ; len(value) >= 8; value = value[8:] {
		if binary.LittleEndian.Uint64(value)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range value {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendLower(dst, value []byte) []byte {
	for _, c := range value {
		if upper(c) {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
