package classifiers

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// isEmail reports whether the whole value is one address as people and programs write it: an addr-spec of
// RFC 5322 with the lengths of RFC 5321, letters beyond ASCII as in RFC 6531, a domain of at least two
// labels, optionally "mailto:", a display name and angle brackets.
func isEmail(b []byte) bool {
	if len(b) > 7 && b[6] == ':' && bytes.EqualFold(b[:7], []byte("mailto:")) {
		b = b[7:]
	}
	if n := len(b); n > 2 && b[n-1] == '>' {
		if i := bytes.LastIndexByte(b, '<'); i >= 0 {
			b = b[i+1 : n-1]
		}
	}
	at := bytes.LastIndexByte(b, '@')
	if at < 1 || len(b) > 254 {
		return false
	}
	return isLocal(b[:at]) && isMailDomain(b[at+1:])
}

func isLocal(b []byte) bool {
	if len(b) > 64 {
		return false
	}
	if n := len(b); b[0] == '"' {
		return n > 2 && b[n-1] == '"' && isQuoted(b[1:n-1])
	}
	for i, c := range b {
		if c == '.' {
			if i == 0 || i == len(b)-1 || b[i-1] == '.' {
				return false
			}
		} else if !isAtom(c) {
			return false
		}
	}
	return plainWidth(b)
}

// isQuoted checks the inside of a quoted local part.
func isQuoted(b []byte) bool {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
			if i == len(b) {
				return false
			}
		case b[i] == '"' || b[i] < ' ' || b[i] == 0x7f:
			return false
		}
	}
	return true
}

func isAtom(c byte) bool {
	return isAlnum(c) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// plainWidth refuses the full-width and half-width forms, which no registry accepts in an address.
func plainWidth(b []byte) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || r >= 0xff00 && r <= 0xffef || r == 0xa0 || r >= 0x2000 && r <= 0x206f {
			return false
		}
		i += n
	}
	return true
}

// isMailDomain checks labels, lengths and that the last label can be a top-level domain: letters, or an
// A-label of an international one.
func isMailDomain(b []byte) bool {
	if len(b) < 4 || len(b) > 253 {
		return false
	}
	start, labels := 0, 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] != '.' {
			if c := b[i]; !isAlnum(c) && c != '-' && c < 0x80 {
				return false
			}
			continue
		}
		label := b[start:i]
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		labels++
		if i == len(b) {
			return labels > 1 && isTLD(label) && plainWidth(b)
		}
		start = i + 1
	}
	return false
}

func isTLD(label []byte) bool {
	if len(label) < 2 {
		return false
	}
	if len(label) > 4 && label[0]|0x20 == 'x' && label[1]|0x20 == 'n' && label[2] == '-' && label[3] == '-' {
		return true
	}
	if label[0] >= 0x80 {
		return true
	}
	if len(label) > 18 || !allOf(label, isLetter) { // the longest Latin TLD is "travelersinsurance"
		return false
	}
	var buf [18]byte
	for i, c := range label {
		buf[i] = c | 0x20
	}
	switch string(buf[:len(label)]) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "htm", "php", "xml", "pdf", "txt",
		"exe", "dll", "sql", "csv", "local", "internal", "localdomain", "lan":
		return false
	}
	return true
}

// emailAround finds the address in running text whose '@' stands at the given place. ok is false where there
// is none, and where what looks like one is the user and password of a URL.
func emailAround(b []byte, at int) (start, end int, ok bool) {
	start = at
	for start > 0 && at-start < 64 && localBytes[b[start-1]] {
		start--
	}
	for start < at && isBeforeLocal(b[start]) {
		start++
	}
	end = at + 1
	for end < len(b) && end-at < 254 && (isAlnum(b[end]) || b[end] == '-' || b[end] == '.' || b[end] >= 0x80) {
		end++
	}
	for end > at && (b[end-1] == '.' || b[end-1] == '-') {
		end--
	}
	if isUserOfURL(b, start) {
		return 0, 0, false
	}
	return start, end, start < at && end > at+1 && isEmail(b[start:end])
}

// localBytes are the bytes of a local part in running text.
var localBytes = func() (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = isAlnum(b) || b >= 0x80 || strings.IndexByte("._%+-'&=#$!~", b) >= 0
	}
	return t
}()

// isBeforeLocal reports whether a byte, which can stand in a local part, belongs to the text before it when
// it comes first.
func isBeforeLocal(c byte) bool { return c == '.' || c == '\'' || c == '-' || c == '=' || c == '&' }

// isUserOfURL reports whether the text before start says that a user name or password of a URL begins there.
func isUserOfURL(b []byte, start int) bool {
	if start > 1 && b[start-1] == '/' && b[start-2] == '/' {
		return true
	}
	return start > 0 && b[start-1] == ':' && bytes.LastIndex(b[max(0, start-40):start], []byte("://")) >= 0
}

// isRoleAddress reports whether an address belongs to a role by its local part. The names are those of RFC
// 2142 and of common use.
func isRoleAddress(b []byte) bool {
	at := bytes.LastIndexByte(b, '@')
	if at < 1 {
		return false
	}
	var buf [32]byte
	if at > len(buf) {
		return false
	}
	for i, c := range b[:at] {
		if buf[i] = c; c >= 'A' && c <= 'Z' {
			buf[i] = c + 0x20
		}
	}
	switch string(buf[:at]) {
	case "info", "contact", "contacts", "kontakt", "contatti", "contacto", "contato", "support", "sales", "admin",
		"administrator", "office", "hello", "help", "helpdesk", "service", "noreply", "no-reply", "no_reply",
		"donotreply", "do-not-reply", "postmaster", "hostmaster", "webmaster", "abuse", "security", "noc", "marketing",
		"billing", "accounts", "accounting", "invoice", "invoices", "orders", "order", "jobs", "careers", "hr", "press",
		"media", "news", "newsletter", "privacy", "dpo", "legal", "feedback", "team", "root", "mailer-daemon", "usenet",
		"news-admin", "enquiries", "inquiries", "reception", "booking", "bookings", "reservations", "vendite",
		"acquisti", "amministrazione", "segreteria", "ufficio", "commerciale", "vertrieb", "buchhaltung", "rechnung",
		"verkauf", "bewerbung", "personal", "datenschutz", "accueil", "comptabilite", "ventes", "rh", "ventas",
		"administracion", "facturacion", "soporte", "vendas", "financeiro", "suporte", "biuro", "sekretariat",
		"ksiegowosc", "sprzedaz", "verkoop", "administratie", "faktura", "salg", "myynti", "laskutus", "obchod",
		"fakturace", "iroda", "ertekesites", "prodaja", "shop", "store", "mail", "email", "web", "post", "office365",
		"test", "example":
		return true
	}
	return false
}

// isExampleAddress reports whether the domain is reserved for documentation or tests (RFC 2606, RFC 6761).
func isExampleAddress(b []byte) bool {
	d := b[bytes.LastIndexByte(b, '@')+1:]
	for _, reserved := range [...]string{"example.com", "example.net", "example.org", "example.edu"} {
		if n := len(d) - len(reserved); n == 0 && hasSuffixFold(d, reserved) || n > 0 && d[n-1] == '.' &&
			hasSuffixFold(d, reserved) {
			return true
		}
	}
	for _, tld := range [...]string{".test", ".example", ".invalid", ".localhost"} {
		if hasSuffixFold(d, tld) {
			return true
		}
	}
	return false
}

// hasSuffixFold reports whether b ends in the ASCII suffix, which is in lower case.
func hasSuffixFold(b []byte, suffix string) bool {
	if len(b) < len(suffix) {
		return false
	}
	for i, c := range b[len(b)-len(suffix):] {
		if c != suffix[i] && (!isLetter(c) || c|0x20 != suffix[i]) {
			return false
		}
	}
	return true
}

// phoneShape is the cheap gate in front of the numbering plans.
type phoneShape struct {
	digits int
	plus   bool // starts with + or 00
	formed bool // written with separators
	zero   bool // starts with a trunk 0
}

// isDocumentNumber reports whether b is a year and a serial number, as invoices and cases are numbered:
// 2026/000123, 2026-00123. Four digits behind a dash may be a local telephone number instead.
func isDocumentNumber(b []byte) bool {
	if len(b) < 6 || (b[4] != '/' && b[4] != '-') || string(b[:2]) != "19" && string(b[:2]) != "20" {
		return false
	}
	return allOf(b[2:4], isDigit) && allOf(b[5:], isDigit) && (b[4] == '/' || len(b) != 9)
}

// shapeOfPhone reads a value that could be a telephone number: 6 to 15 digits (ITU-T E.164) with separators, maybe an
// extension.
func shapeOfPhone(b []byte) (phoneShape, bool) {
	if isDocumentNumber(b) {
		return phoneShape{}, false
	}
	var s phoneShape
	b = bareNumber(b)
	if len(b) < 6 || len(b) > 32 {
		return s, false
	}
	last := byte(0)
	for i, c := range b {
		switch c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			s.digits++
		case '+':
			if i > 1 {
				return s, false
			}
			s.plus = true
		case ' ', '-', '.', '/', '(', ')':
			s.formed = s.formed || s.digits > 0 || c == '('
			if c == last && c != ' ' {
				return s, false
			}
		default:
			return s, false
		}
		last = c
	}
	s.zero = b[0] == '0' || b[0] == '(' && b[1] == '0'
	s.plus = s.plus || b[0] == '0' && b[1] == '0'
	return s, s.digits >= 6 && s.digits <= 17
}

// bareNumber takes the blanks, the extension and the scheme of a URI off a telephone number.
func bareNumber(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if i := bytes.IndexAny(b, "xX#;"); i > 6 { // "x123", "ext. 5", "#12"
		b = bytes.TrimRight(bytes.TrimSuffix(b[:i], []byte("e")), " ,")
	}
	if len(b) > 4 && b[3] == ':' && bytes.EqualFold(b[:4], []byte("tel:")) {
		b = b[4:]
	}
	return b
}

// isPhone asks the numbering plan (libphonenumber's metadata) of a region, or of the country code where there is one.
func isPhone(b []byte, region string) bool {
	if region == "" {
		region = "ZZ"
	}
	text := string(bytes.TrimSpace(b))
	if strings.HasPrefix(text, "00") {
		text = "+" + text[2:]
	}
	n, err := phonenumbers.Parse(text, region)
	return err == nil && phonenumbers.IsValidNumber(n)
}

// isInternational reports whether a value with a plus begins with an assigned country code (ITU-T E.164,
// list of assigned codes) and has as many digits behind it as the country's numbers have. It is the check
// for running text, where the numbering plans would cost too much.
func isInternational(b []byte) bool {
	var buf [16]byte
	d := buf[:0]
	for _, c := range b {
		if !isDigit(c) {
			continue
		}
		if len(d) == 15 {
			return false
		}
		d = append(d, c)
	}
	if len(d) < 8 || d[0] == '0' {
		return false
	}
	code, low, high := callingCode(d)
	return code > 0 && len(d)-code >= low && len(d)-code <= high
}

// callingCode returns the length of the country code, and the least and the most digits that follow it.
func callingCode(d []byte) (length, low, high int) {
	switch d[0] {
	case '1':
		if d[1] < '2' || d[4] < '2' {
			return 0, 0, 0
		}
		return 1, 10, 10
	case '7':
		return 1, 10, 10
	}
	switch string(d[:2]) {
	case "20", "27", "31", "32", "33", "34", "41", "45", "47", "48", "56", "57", "58", "60", "61", "63", "64", "65",
		"66", "84", "90", "92", "93", "94", "95", "98":
		return 2, 8, 10
	case "30", "36", "40", "44", "46", "51", "52", "53", "54", "55", "62", "81", "82", "86", "91":
		return 2, 8, 11
	case "39", "43", "49":
		return 2, 6, 12
	}
	if d[0] == '2' || d[0] == '3' || d[0] == '4' || d[0] == '5' || d[0] == '6' || d[0] == '8' || d[0] == '9' {
		return 3, 6, 11
	}
	return 0, 0, 0
}

// isPrintedPhone reports whether a value has a form in which hardly anything but a telephone number is
// printed, whatever the numbering plans say of its digits: E.164 with its plus, and the three groups of
// North America with dashes, dots or the area in brackets.
func isPrintedPhone(b []byte) bool {
	s, ok := shapeOfPhone(b)
	if !ok || len(b) == 0 {
		return false
	}
	if b[0] == '+' {
		return s.digits >= 7 && s.digits <= 15
	}
	for _, form := range [...]string{"999-999-9999", "(999) 999-9999", "(999)999-9999", "999.999.9999"} {
		if fitsFormat(form, b) {
			area := bytes.TrimLeft(b, "(")
			exchange := b[len(b)-8]
			return area[0] > '1' && exchange > '1'
		}
	}
	return false
}

// isFictitiousPhone knows the ranges kept free for drama: NANP 555-0100 to 555-0199, Ofcom's 01632 960xxx,
// 07700 900xxx and 020 7946 0xxx.
func isFictitiousPhone(b []byte) bool {
	var buf [20]byte
	d := buf[:0]
	for _, c := range b {
		if isDigit(c) && len(d) < len(buf) {
			d = append(d, c)
		}
	}
	s := string(d)
	if n := len(s); n == 10 || n == 11 && s[0] == '1' {
		if s[n-7:n-2] == "55501" {
			return true
		}
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "44"), "0")
	return strings.HasPrefix(s, "1632960") || strings.HasPrefix(s, "7700900") || strings.HasPrefix(s, "2079460")
}
