package identifier

import (
	"bytes"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"lethe/pipeline/registry/identifier/residue"
	"lethe/pipeline/registry/identifier/scripts"
	"lethe/pipeline/registry/identifier/signs"
)

// localSpecials are the characters that the unquoted local part of an address may hold beside letters and
// digits (RFC 5322 atext, and the dot).
const localSpecials = ".!#$%&'*+-/=?^_`{|}~"

// addressByte is what becomes of an ASCII byte of an address: letters turn lower-case, 0 is what cannot
// stand there.
type addressByte struct {
	local, domain byte
	look          bool // at the whole local part
}

var addressBytes = func() (table [utf8.RuneSelf]addressByte) {
	for c := range byte(len(table)) {
		switch {
		case upper(c):
			table[c] = addressByte{local: c + 'a' - 'A', domain: c + 'a' - 'A'}
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-':
			table[c] = addressByte{local: c, domain: c}
		case strings.IndexByte(localSpecials, c) >= 0:
			table[c] = addressByte{local: c, look: strings.IndexByte("'=%&", c) >= 0}
		}
	}
	return table
}()

// longestLocal bounds a local part, in bytes.
const longestLocal = 64 * utf8.UTFMax

// email is the address in a value.
func email(value, dst []byte) ([]byte, error) {
	if value = bytes.TrimPrefix(value, []byte("email=")); bytes.HasPrefix(value, []byte(`="`)) {
		value = signs.Exported(value)
	}
	if dst, ok := plainAddress(value, dst); ok {
		return dst, nil
	}
	if !hasAt(value) {
		return dst, ErrInvalid
	}
	if residue.Misread(string(value[bytes.LastIndexByte(value, '<')+1:])) { // not of the name before
		return dst, misread
	}
	text, _, err := clean(value, false)
	if err != nil {
		return dst, err
	}
	if text, err = addressIn(text); err != nil {
		return dst, err
	}
	local, domain, err := parts(text)
	if err != nil {
		return dst, err
	}
	if local, err = localPart(local); err != nil {
		return dst, err
	}
	if domain, err = domainPart(domain); err != nil {
		return dst, err
	}
	if len(local)+1+len(domain) > longest {
		return dst, ErrInvalid
	}
	return append(append(append(dst, local...), '@'), domain...), nil
}

// plainAddress appends an address that is ASCII and nothing but the address, which nearly all are.
func plainAddress(value, dst []byte) ([]byte, bool) {
	at := bytes.LastIndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || at > longestLocal || len(value) > longest {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, value...)
	address, look := dst[start:], value[0]|0x20 < 'a' || value[0]|0x20 > 'z'
	for i, c := range address[:at] {
		if c >= utf8.RuneSelf {
			return dst[:start], false
		}
		look = look || addressBytes[c].look
		if address[i] = addressBytes[c].local; address[i] == 0 {
			return dst[:start], false
		}
	}
	if look && localFault(address[:at]) != nil {
		return dst[:start], false
	}
	domain, hyphen := address[at+1:], false
	for i, c := range domain {
		if c >= utf8.RuneSelf {
			return dst[:start], false
		}
		if domain[i] = addressBytes[c].domain; domain[i] == 0 {
			return dst[:start], false
		}
		hyphen = hyphen || c == '-'
	}
	// Punycode labels are checked by the slow path: two spellings of one label must not give two references.
	if hyphen && bytes.Contains(domain, []byte("xn--")) || !domainName(domain) {
		return dst[:start], false
	}
	return dst, true
}

// localFault says what of a local part, of characters that may stand in one, may not belong to it.
func localFault(local []byte) error {
	if residue.Undecoded(local) {
		return escaped
	}
	return doubt(signs.Local(local))
}

// hasAt reports whether there may be an address in a value, so that nothing is spent on what is none.
func hasAt(value []byte) bool {
	return bytes.IndexByte(value, '@') >= 0 || !ascii(value) ||
		bytes.IndexByte(value, '%') >= 0 && bytes.Contains(value, []byte("%40"))
}

// nested bounds how often something is taken off an address: quotes in brackets in a mailto:.
const nested = 8

// addressIn takes off what is around an address where it was copied or exported from: a display name, <>, quotes,
// brackets, mailto:, comments, a full stop or a comma behind it. A second address in the same value is refused.
func addressIn(text string) (string, error) {
	for range nested {
		before, err := text, error(nil)
		text = unwrapped(strings.Trim(text, ",; "))
		for _, take := range []func(string) (string, error){displayed, withoutComments, linked} {
			if text, err = take(text); err != nil {
				return "", err
			}
		}
		if text == before {
			return text, nil
		}
	}
	return "", ErrInvalid
}

// unwrapped is a text without punctuation behind it, and without the quotes or brackets that are around all of it.
func unwrapped(text string) string {
	text = strings.TrimRight(text, ".:! ")
	if len(text) < 2 {
		return text
	}
	first, last := text[0], text[len(text)-1]
	switch inside := text[1 : len(text)-1]; {
	case first == '\'' && last == first, first == '`' && last == first,
		first == '"' && last == first && !strings.Contains(inside, `"`),
		first == '[' && last == ']' && !strings.Contains(inside, "["),
		first == '{' && last == '}' && !strings.Contains(inside, "{"):
		return inside
	case first != last && strings.IndexByte("'`\"", last) >= 0:
		return text[:len(text)-1] // one that was left over
	}
	return text
}

// displayed takes the address out of "Anna Rossi <anna@example.org>", and of [] in the place of <>. A name that holds
// another address is refused: somebody wrote two.
func displayed(text string) (string, error) {
	if text == "" {
		return "", ErrInvalid
	}
	from := -1
	switch text[len(text)-1] {
	case '>':
		from = strings.LastIndexByte(text, '<')
	case ']':
		from = strings.LastIndexByte(text, '[')
		if from > 0 && text[from-1] == '@' || !strings.Contains(text[from+1:], "@") { // an address of a machine
			return text, nil
		}
	default:
		return text, nil
	}
	if from < 0 {
		return "", ErrInvalid
	}
	name, inside := []byte(text[:from]), text[from+1:len(text)-1]
	if !bytes.ContainsRune(name, '@') {
		return inside, nil
	}
	one, isOne := plainAddress(bytes.Trim(name, `"' `), nil)
	if other, isOther := plainAddress([]byte(inside), nil); !isOne || !isOther || !bytes.Equal(one, other) {
		return "", ErrAmbiguous
	}
	return inside, nil
}

// withoutComments leaves comments out (RFC 5322, 3.2.2), and takes the address out of "Anna Rossi
// (anna@example.org)".
func withoutComments(text string) (string, error) {
	var out, comment strings.Builder
	depth, quoted, escaped := 0, false, false
	for i := range len(text) {
		c, open := text[i], depth > 0
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
			open = true
		case c == ')' && !quoted:
			depth--
		}
		switch {
		case depth < 0:
			return "", ErrInvalid
		case open:
			comment.WriteByte(c)
		default:
			out.WriteByte(c)
		}
	}
	switch rest := out.String(); {
	case depth > 0:
		return "", ErrInvalid
	case !strings.Contains(comment.String(), "@"):
		return strings.TrimSpace(rest), nil
	case strings.Contains(rest, "@"):
		return "", ErrAmbiguous
	}
	inside := strings.TrimSuffix(strings.TrimPrefix(comment.String(), "("), ")")
	if strings.ContainsAny(inside, "()") {
		return "", ErrAmbiguous
	}
	return inside, nil
}

// linked takes the address out of a mailto: URI (RFC 6068). One that names further recipients is refused.
func linked(text string) (string, error) {
	const scheme = "mailto:"
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return text, nil
	}
	address, query, _ := strings.Cut(strings.TrimPrefix(text[len(scheme):], "//"), "?")
	for field := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(strings.TrimPrefix(field, "amp;"), "=")
		switch name, _ = url.PathUnescape(name); strings.ToLower(name) {
		case "to", "cc", "bcc":
			return "", ErrAmbiguous
		}
	}
	address, err := url.PathUnescape(address)
	if err != nil {
		return "", ErrInvalid
	}
	address, _, err = clean([]byte(address), false)
	return address, err
}

// parts splits an address; a local part in quotes that needs none is the same as without (RFC 5321, 4.1.2), and one
// that needs them is refused.
func parts(text string) (local, domain string, err error) {
	at := strings.LastIndexByte(text, '@')
	if at <= 0 {
		return "", "", ErrInvalid
	}
	local, domain = strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:])
	if !strings.HasPrefix(local, `"`) {
		return local, domain, nil
	}
	inside := strings.TrimSuffix(local[1:], `"`)
	if len(local) < 3 || len(inside) != len(local)-2 {
		return "", "", ErrInvalid
	}
	var plain strings.Builder
	for i := 0; i < len(inside); i++ {
		if inside[i] == '\\' {
			i++
		}
		if i == len(inside) || inside[i] == '\\' || inside[i] == '"' {
			return "", "", ErrInvalid
		}
		plain.WriteByte(inside[i])
	}
	return plain.String(), domain, nil
}

// localPart is the canonical form of a local part: lower-case, and where it is not ASCII a PRECIS identifier, as
// RFC 8265 has user names.
func localPart(local string) (string, error) {
	var digits scripts.Set
	if strings.ContainsFunc(local, func(r rune) bool { return r >= utf8.RuneSelf && unicode.IsDigit(r) }) {
		var err error
		if local, digits, err = clean([]byte(local), true); err != nil {
			return "", err
		}
	}
	if local == "" || len(local) > longestLocal {
		return "", ErrInvalid
	}
	for i := range len(local) {
		if c := local[i]; c < utf8.RuneSelf && addressBytes[c].local == 0 {
			return "", ErrInvalid
		}
	}
	if err := localFault([]byte(local)); err != nil {
		return "", err
	}
	if scripts.TurkishCapital(local) {
		return "", ErrAmbiguous
	}
	if local = twins.Replace(local); !digits.Readable(local) {
		return "", ErrAmbiguous
	}
	return checked(identifier, lower(local), digits)
}

// domainPart is the canonical form of a domain: its A-labels by UTS #46 (not transitional), or the address of a
// machine in brackets (RFC 5321, 4.1.3).
func domainPart(domain string) (string, error) {
	if inside, ok := strings.CutPrefix(domain, "["); ok {
		return literal(inside)
	}
	written := strings.TrimSuffix(strings.ReplaceAll(domain, "。", "."), ".")
	domain = strings.ToLower(written)
	if strings.IndexFunc(domain, func(r rune) bool { return r >= utf8.RuneSelf || addressBytes[r].domain == 0 }) < 0 &&
		!strings.Contains(domain, "xn--") && ascii([]byte(written)) {
		if !domainName([]byte(domain)) {
			return "", ErrInvalid
		}
		return domain, nil
	}
	if strings.Contains(written, "İ") || strings.Contains(domain, "i\u0307") || !scripts.ReadableDomain(written) {
		return "", ErrAmbiguous
	}
	name, err := idna.Lookup.ToASCII(domain)
	if err != nil || !domainName([]byte(name)) {
		return "", ErrInvalid
	}
	if shown, err := idna.Lookup.ToUnicode(name); err != nil || !scripts.ReadableDomain(shown) {
		return "", ErrAmbiguous
	}
	return name, nil
}

func literal(inside string) (string, error) {
	inside, closed := strings.CutSuffix(inside, "]")
	const tag = "ipv6:"
	six := len(inside) > len(tag) && strings.EqualFold(inside[:len(tag)], tag)
	if six {
		inside = inside[len(tag):]
	}
	ip, err := netip.ParseAddr(inside)
	switch {
	case err != nil, !closed, ip.Zone() != "", six != ip.Is6():
		return "", ErrInvalid
	case six:
		return "[" + tag + ip.String() + "]", nil
	}
	return "[" + ip.String() + "]", nil
}

// domainName holds for lower-case A-label domain names of at least two labels, of which the last is no number.
func domainName(d []byte) bool {
	if len(d) > 253 {
		return false
	}
	label, dots, digits := 0, 0, 0
	for i, c := range d {
		switch {
		case c == '.':
			if label == 0 || label > 63 || d[i-1] == '-' {
				return false
			}
			label, digits = 0, 0
			dots++
			continue
		case c == '-' && label == 0:
			return false
		case c <= '9' && c != '-':
			digits++
		}
		label++
	}
	return dots > 0 && label > 0 && label <= 63 && digits < label && d[len(d)-1] != '-'
}
