package classifiers

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// format is a written form: '9' a digit, 'A' a letter, '?' either, anything else itself.
func fitsFormat(format string, b []byte) bool {
	if len(format) != len(b) {
		return false
	}
	for i := 0; i < len(b); i++ {
		switch format[i] {
		case '9':
			if !isDigit(b[i]) {
				return false
			}
		case 'A':
			if !isLetter(b[i]) {
				return false
			}
		case '?':
			if !isAlnum(b[i]) {
				return false
			}
		default:
			if format[i] != b[i] && (!isLetter(b[i]) || b[i]^0x20 != format[i]) {
				return false
			}
		}
	}
	return true
}

// postcode is the form of a country's postal codes.
type postcode struct {
	country string
	formats []string
	telling bool // few other codes look like it
}

// postcodes follow the Universal Postal Union's addressing systems.
var postcodes = []postcode{
	{"AD", []string{"AD999", "AD 999"}, true}, {"AT", []string{"9999"}, false}, {"AU", []string{"9999"}, false},
	{"AR", []string{"9999", "A9999AAA"}, false}, {"AZ", []string{"AZ9999", "AZ 9999"}, true},
	{"BA", []string{"99999"}, false}, {"BD", []string{"9999"}, false}, {"BE", []string{"9999"}, false},
	{"BG", []string{"9999"}, false}, {"BR", []string{"99999-999", "99999999"}, true}, {"BY", []string{"999999"}, false},
	{"CA", []string{"A9A 9A9", "A9A9A9", "A9A-9A9"}, true}, {"CH", []string{"9999"}, false},
	{"CN", []string{"999999"}, false}, {"CO", []string{"999999"}, false}, {"CY", []string{"9999"}, false},
	{"CZ", []string{"999 99", "99999"}, false}, {"DE", []string{"99999"}, false},
	{"DK", []string{"9999", "DK-9999"}, false}, {"DO", []string{"99999"}, false}, {"DZ", []string{"99999"}, false},
	{"EE", []string{"99999"}, false}, {"ES", []string{"99999"}, false}, {"FI", []string{"99999"}, false},
	{"FR", []string{"99999", "99 999"}, false},
	{"GB", []string{"A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA", "A99AA", "A999AA", "AA99AA",
		"AA999AA", "A9A9AA", "AA9A9AA", "GIR 0AA", "GIR0AA"}, true},
	{"GB", []string{"A9", "A99", "AA9", "AA99", "A9A", "AA9A"}, false}, {"GR", []string{"999 99", "99999"}, false},
	{"HR", []string{"99999"}, false}, {"HT", []string{"HT9999"}, true}, {"HU", []string{"9999"}, false},
	{"ID", []string{"99999"}, false}, {"IE", []string{"A99 ????", "A99????", "A9W ????", "A9W????"}, true},
	{"IL", []string{"9999999", "99999"}, false}, {"IN", []string{"999999", "999 999"}, false},
	{"IR", []string{"9999999999", "99999-99999"}, false}, {"IS", []string{"999"}, false},
	{"IT", []string{"99999"}, false}, {"JP", []string{"999-9999", "9999999"}, true}, {"KE", []string{"99999"}, false},
	{"KR", []string{"99999", "999-999", "999999"}, false}, {"LI", []string{"9999"}, false},
	{"LK", []string{"99999"}, false}, {"LT", []string{"LT-99999", "LT99999", "99999"}, true},
	{"LU", []string{"9999", "L-9999"}, false}, {"LV", []string{"LV-9999", "LV9999"}, true},
	{"MC", []string{"98099"}, false}, {"MG", []string{"999"}, false}, {"MT", []string{"AAA 9999", "AAA9999"}, true},
	{"MX", []string{"99999"}, false}, {"MY", []string{"99999"}, false}, {"NL", []string{"9999 AA", "9999AA"}, true},
	{"NO", []string{"9999"}, false}, {"NP", []string{"99999", "977"}, false}, {"NZ", []string{"9999"}, false},
	{"PK", []string{"99999"}, false}, {"PL", []string{"99-999"}, true},
	{"PR", []string{"99999", "99999-9999", "99999 9999"}, false}, {"PT", []string{"9999-999", "9999 999"}, true},
	{"RO", []string{"999999"}, false}, {"RS", []string{"99999"}, false}, {"RU", []string{"999999"}, false},
	{"SA", []string{"99999"}, false}, {"SE", []string{"999 99", "99999", "SE-999 99"}, false},
	{"SG", []string{"999999"}, false}, {"SI", []string{"9999", "SI-9999"}, false},
	{"SK", []string{"999 99", "99999"}, false}, {"TH", []string{"99999"}, false}, {"TN", []string{"9999"}, false},
	{"TR", []string{"99999"}, false}, {"TW", []string{"999", "99999", "999999", "999-99"}, false},
	{"UA", []string{"99999"}, false}, {"US", []string{"99999", "99999-9999"}, false},
	{"VN", []string{"999999", "99999"}, false}, {"ZA", []string{"9999"}, false}, {"ZM", []string{"99999"}, false},
	{"JO", []string{"99999"}, false}, {"CL", []string{"9999999", "999-9999"}, false}, {"PE", []string{"99999"}, false},
	{"KZ", []string{"999999"}, false}, {"MD", []string{"MD-9999", "MD9999"}, true},
}

// isPostcode reports whether b is a postal code of the country, or of any where the country is empty.
func isPostcode(b []byte, country string) bool {
	for i := range postcodes {
		p := &postcodes[i]
		if country != "" && p.country != country {
			continue
		}
		for _, f := range p.formats {
			if fitsFormat(f, b) && postcodeRange(p.country, b) {
				return true
			}
		}
	}
	return false
}

// interval is the first and the last of a run of numbers.
type interval struct{ first, last int }

// issuedPostcodes are the runs of the first five digits that a country has issued, where its form allows more.
var issuedPostcodes = map[string][]interval{
	"DE": {{1001, 99998}},
	"ES": {{1000, 52999}},
	"FR": {{1000, 95999}, {97100, 98999}},
	"FI": {{1, 99999}},
	"IT": {{1, 99999}},
	"US": {{1, 99999}},
	"MX": {{1, 99999}},
	"MC": {{98000, 98099}},
	"PR": {{600, 799}, {900, 999}},
	"NL": {{1000, 99999}},
	"LI": {{9485, 9497}},
	"BA": {{70000, 89999}},
	"HR": {{10000, 59999}},
	"NP": {{977, 977}, {10000, 99999}},
	"BY": {{21000, 24999}},
	// The first two of six digits are a circle of the post, and not all are given out.
	"IN": {{0, 9999}, {11000, 28999}, {30000, 34999}, {36000, 53999}, {56000, 64999}, {67000, 85999}, {90000, 99999}},
}

// postcodeRange refuses what a country has never issued and the form does not show.
func postcodeRange(country string, b []byte) bool {
	n, digits := 0, 0
	for _, c := range b {
		if isDigit(c) && digits < 5 {
			n, digits = n*10+int(c-'0'), digits+1
		}
	}
	if runs := issuedPostcodes[country]; runs != nil {
		issued := func(r interval) bool { return n >= r.first && n <= r.last }
		if !slices.ContainsFunc(runs, issued) {
			return false
		}
	}
	switch country {
	case "AT", "AU", "BE", "BG", "CH", "DK", "HU", "LU", "NO", "PT", "SI", "ZA", "NZ", "TN", "CY":
		return n >= 100 || digits > 4
	case "CN": // the first two digits are a province
		return isChinesePostRegion(n / 1000)
	}
	return postcodeLetters(country, b)
}

// postcodeLetters refuses letters and first digits that a country does not use.
func postcodeLetters(country string, b []byte) bool {
	switch country {
	case "AD", "AZ":
		return upper(b[0]) == country[0] && upper(b[1]) == country[1]
	case "NL":
		return !isForbiddenDutch(upper(b[len(b)-2]), upper(b[len(b)-1]))
	case "IE":
		return !bytes.ContainsAny(b, "oO")
	case "BR", "IR":
		return !allOf(b, func(c byte) bool { return c == b[0] })
	case "CA":
		return !isOneOf("DFIOQUWZ", b[0]) && !isOneOf("DFIOQU", b[2]) && !isOneOf("DFIOQU", b[len(b)-2])
	case "IN", "RU", "KZ":
		return b[0] != '0'
	}
	return true
}

// isOneOf reports whether a letter, in either case, is one of the capitals.
func isOneOf(capitals string, c byte) bool { return strings.IndexByte(capitals, upper(c)) >= 0 }

// isForbiddenDutch: the letters that PostNL never gives out for what they stood for.
func isForbiddenDutch(a, b byte) bool { return a == 'S' && (b == 'A' || b == 'D' || b == 'S') }

// isChinesePostRegion reports whether two digits begin the postal codes of a province, by the table of the
// State Post Bureau.
func isChinesePostRegion(p int) bool {
	switch p {
	case 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36, 40,
		41, 42, 43, 44, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 62, 63, 64, 65, 66, 67, 71, 72, 73, 74, 75, 81, 83,
		84, 85, 90, 99:
		return true
	}
	return false
}

// knowsPostcode reports whether the country is in the table.
func knowsPostcode(country string) bool {
	for i := range postcodes {
		if postcodes[i].country == country {
			return true
		}
	}
	return false
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 0x20
	}
	return c
}

func hasTellingPostcode(b []byte) bool {
	if len(b) < 5 || len(b) > 10 {
		return false
	}
	for i := range postcodes {
		if !postcodes[i].telling {
			continue
		}
		for _, f := range postcodes[i].formats {
			if !allDigits(f) && fitsFormat(f, b) && postcodeRange(postcodes[i].country, b) {
				return true
			}
		}
	}
	return false
}

// plates are forms of registration marks by country, compared after separators are dropped.
var plates = []postcode{
	{"GB", []string{"AA99AAA", "A999AAA", "A99AAA", "A9AAA", "AAA999A", "AAA99A", "AAA9A"}, true},
	{"IT", []string{"AA999AA"}, true}, {"FR", []string{"AA999AA"}, true}, {"ES", []string{"9999AAA"}, true},
	{"SE", []string{"AAA999", "AAA99A"}, true}, {"PT", []string{"AA9999", "9999AA", "99AA99", "AA99AA"}, true},
	{"HU", []string{"AAA999", "AAAA999", "AA9999", "M999999", "A99999"}, true},
	{"CZ", []string{"9A99999", "9AA9999", "9A9999"}, true}, {"BR", []string{"AAA9999", "AAA9A99"}, true},
	{"IN", []string{"AA99AA9999", "AA99A9999", "AA9A9999", "99BH9999AA", "99BH9999A"}, true},
	{"PL", []string{"AA99999", "AA9999A", "AAA99A9", "AAA9999", "AAA99AA"}, true},
	{"NL", []string{"AA9999", "9999AA", "99AA99", "AA99AA", "AAAA99", "99AAAA", "99AAA9", "9AAA99", "AA999A", "A999AA"},
		true},
	{"NG", []string{"AAA999AA"}, true},
	{"TR", []string{"99A9999", "99A99999", "99AA999", "99AA9999", "99AAA99", "99AAA999"}, true},
	{"DE", []string{"A9", "A99", "AA9", "AA99", "AA999", "AA9999", "AAA9", "AAA99", "AAA999", "AAA9999", "AAAA9",
		"AAAA99", "AAAA999", "AAAA9999", "AAAAA9", "AAAAA99", "AAAAA999", "AA9E", "AA99E", "AA999E", "AA9999E", "AAA9E",
		"AAA99E", "AAA999E", "AAA9999E", "AAAA9E", "AAAA99E", "AAAA999E", "AAAA9999E", "AA9H", "AA99H", "AA999H",
		"AA9999H", "AAA9H", "AAA99H", "AAA999H", "AAA9999H", "AAAA9H", "AAAA99H", "AAAA999H", "AAAA9999H"}, false},
	{"NO", []string{"AA99999"}, true}, {"DK", []string{"AA99999"}, true}, {"FI", []string{"AAA999"}, true},
	{"RO", []string{"AA99AAA", "A99AAA", "A999AAA"}, true}, {"BE", []string{"9AAA999", "AAA999"}, true},
	{"AT", []string{"A99999A", "AA999AA", "AA9999A"}, false}, {"RU", []string{"A999AA99", "A999AA999"}, true},
	{"UA", []string{"AA9999AA"}, true}, {"US", []string{"9AAA999", "AAA9999", "AAA999"}, false},
}

// passports are forms of passport numbers by country, compared after separators are dropped. They have no
// check digit of their own: a header or a country must speak for them. Source: the Council's PRADO register,
// and the forms that validator.js's isPassportNumber collects.
var passports = []postcode{
	{"AM", []string{"AA9999999"}, true}, {"AR", []string{"AAA999999"}, true}, {"AT", []string{"A9999999"}, true},
	{"AU", []string{"A9999999", "AA9999999"}, true}, {"AZ", []string{"A99999999", "AA9999999", "AAA9999999"}, true},
	{"BE", []string{"AA999999"}, true}, {"BG", []string{"999999999"}, false}, {"BR", []string{"AA999999"}, true},
	{"BY", []string{"AA9999999"}, true}, {"CA", []string{"AA999999", "A999999AA"}, true},
	{"CH", []string{"A9999999", "????????"}, true}, {"CN", []string{"G99999999", "E?9999999"}, true},
	{"CY", []string{"A999999", "A99999999"}, true}, {"CZ", []string{"99999999"}, false},
	{"DK", []string{"999999999"}, false}, {"DZ", []string{"999999999"}, false},
	{"EE", []string{"A9999999", "AA9999999"}, true},
	{"ES", []string{"AAA999999", "AA999999", "??999999", "???999999"}, true}, {"FI", []string{"AA9999999"}, true},
	{"FR", []string{"99AA99999"}, true}, {"GB", []string{"999999999"}, false}, {"GR", []string{"AA9999999"}, true},
	{"HR", []string{"999999999"}, false}, {"HU", []string{"AA999999", "AA9999999"}, true},
	{"ID", []string{"A9999999", "?9999999"}, true}, {"IE", []string{"??9999999"}, true},
	{"IN", []string{"A9999999"}, true}, {"IR", []string{"A99999999"}, true}, {"IS", []string{"A9999999"}, true},
	{"IT", []string{"??9999999"}, true}, {"JM", []string{"A9999999"}, true}, {"JP", []string{"AA9999999"}, true},
	{"KR", []string{"M99999999", "S99999999", "M999A9999"}, true}, {"KZ", []string{"A9999999"}, true},
	{"LI", []string{"A99999"}, true}, {"LT", []string{"????????"}, true}, {"LU", []string{"????????"}, true},
	{"LV", []string{"??9999999"}, true}, {"LY", []string{"????????"}, true}, {"MT", []string{"9999999"}, false},
	{"MX", []string{"A99999999"}, true}, {"MY", []string{"A99999999", "H99999999", "K99999999"}, true},
	{"MZ", []string{"AA9999999", "99AA99999"}, true}, {"NL", []string{"AA??????9"}, true},
	{"NO", []string{"AAA9999999", "99999999"}, true},
	{"NZ", []string{"LA999999", "LD999999", "LF999999", "LH999999", "EA999999", "EP999999", "N999999"}, true},
	{"PH", []string{"A999999", "A9999999A", "AA999999", "AA9999999"}, true}, {"PK", []string{"AA9999999"}, true},
	{"PL", []string{"AA9999999"}, true}, {"PT", []string{"A999999", "AA999999"}, true},
	{"RO", []string{"99999999", "999999999"}, false}, {"RU", []string{"999999999"}, false},
	{"SE", []string{"99999999"}, false}, {"SI", []string{"AA9999999"}, true},
	{"SK", []string{"??9999999", "?9999999"}, true}, {"SL", []string{"PA9999999"}, true},
	{"TH", []string{"A999999", "A9999999", "AA999999", "AA9999999"}, true}, {"TR", []string{"A99999999"}, true},
	{"UA", []string{"AA999999"}, true}, {"US", []string{"999999999", "A99999999"}, false},
	{"ZA", []string{"T99999999", "A99999999", "M99999999", "D99999999"}, true},
}

// isPassport reports whether b has the form of a passport number of the country.
func isPassport(b []byte, country string) bool {
	var buf [12]byte
	compact := buf[:0]
	for _, c := range b {
		switch {
		case c == ' ' || c == '-':
		case isAlnum(c) && len(compact) < len(buf):
			compact = append(compact, upper(c))
		default:
			return false
		}
	}
	for i := range passports {
		p := &passports[i]
		if p.country != country {
			continue
		}
		for _, f := range p.formats {
			if fitsFormat(f, compact) && passportRange(country, compact) {
				return true
			}
		}
	}
	return false
}

// passportRange refuses what a form allows and the country does not issue.
func passportRange(country string, b []byte) bool {
	switch country {
	case "ID":
		return b[0] >= 'A' && b[0] <= 'C' || b[0] == 'X' || b[0] == 'E'
	case "CN":
		return b[0] != 'E' || b[1] != 'I' && b[1] != 'O'
	}
	return true
}

// isPlate reports whether b has the form of a registration mark of the country, or of any.
func isPlate(b []byte, country string) bool {
	var buf [12]byte
	compact := buf[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == ' ' || c == '-' || c == 0xc2 && i+1 < len(b) && b[i+1] == 0xb7 || c == 0xb7:
		case isAlnum(c) && len(compact) < len(buf):
			compact = append(compact, upper(c))
		default:
			return false
		}
	}
	for i := range plates {
		if country != "" && plates[i].country != country || country == "" && !plates[i].telling {
			continue
		}
		for _, f := range plates[i].formats {
			if fitsFormat(f, compact) && plateRange(plates[i].country, b, compact) {
				return true
			}
		}
	}
	return false
}

// plateRange refuses what a form allows and the country does not issue.
func plateRange(country string, raw, b []byte) bool {
	switch country {
	case "TR":
		n := int(b[0]-'0')*10 + int(b[1]-'0')
		return n >= 1 && n <= 81
	case "DE": // the district is set off from the rest
		return bytes.IndexAny(raw[:min(4, len(raw))], " -") > 0 || bytes.Contains(raw, []byte("\u00b7"))
	case "HU":
		if len(b) == 6 && isLetter(b[1]) && isDigit(b[2]) {
			switch string(b[:2]) {
			case "CK", "DT", "CD", "HC", "MA", "OT", "SP":
				return true
			}
			return b[0] == 'R' || b[0] == 'H' && strings.IndexByte("ABEFIKLMNPRSTVX", b[1]) >= 0
		}
	case "SE":
		return !strings.ContainsAny(string(b[:3]), "IQV")
	}
	return true
}

// isPoint accepts WKT and EWKT points, GeoJSON points and geo URIs.
func isPoint(b []byte) bool {
	s := strings.ToUpper(string(b[:min(len(b), 200)]))
	if i := strings.IndexByte(s, ';'); i > 0 && strings.HasPrefix(s, "SRID=") {
		s = s[i+1:]
	}
	switch {
	case strings.HasPrefix(s, "POINT"):
		return strings.HasSuffix(s, ")") && strings.Contains(s, "(")
	case strings.HasPrefix(s, "GEO:"):
		return isLatLong([]byte(strings.SplitN(s[4:], ";", 2)[0]))
	case strings.HasPrefix(s, "{"):
		return strings.Contains(s, `"COORDINATES"`) && strings.Contains(s, `"POINT"`)
	}
	return false
}

// isLatLong accepts two decimal degrees with a comma between, in brackets or not, and degrees, minutes and
// seconds with N, S, E, W.
func isLatLong(b []byte) bool {
	s := strings.TrimSpace(string(b))
	if n := len(s); n > 2 && (s[0] == '(' && s[n-1] == ')') {
		s = s[1 : n-1]
	}
	lat, lon, ok := strings.Cut(s, ",")
	if !ok {
		return false
	}
	x, okLat := degrees(strings.TrimSpace(lat), "NS")
	y, okLon := degrees(strings.TrimSpace(lon), "EW")
	return okLat && okLon && x >= -90 && x <= 90 && y >= -180 && y <= 180 && (isFine(lat) || isFine(lon))
}

// isFine reports whether a coordinate has two decimals or the letter of a hemisphere: whole numbers with a comma between
// are a list, and numbers with a decimal comma.
func isFine(s string) bool {
	s = strings.TrimSpace(s)
	point := strings.IndexByte(s, '.')
	return point >= 0 && len(s)-point > 2 || s != "" && !isDigit(s[len(s)-1])
}

// degrees reads one coordinate: a decimal number with a sign, or up to three numbers of degrees, minutes and
// seconds before the letter of a hemisphere.
func degrees(s, hemispheres string) (float64, bool) {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' {
		return 0, false
	}
	if last := len(s) - 1; strings.IndexByte(hemispheres, s[last]) >= 0 {
		return sexagesimal(s[:last])
	}
	if !strings.Contains(s, ".") && len(s) > 4 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) && s[i] != '.' && (i > 0 || s[i] != '-' && s[i] != '+') {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// sexagesimal reads degrees, minutes and seconds.
func sexagesimal(s string) (float64, bool) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("°'\"′″ ", r) })
	var v, unit float64 = 0, 1
	for _, p := range parts {
		x, err := strconv.ParseFloat(p, 64)
		if err != nil || x < 0 {
			return 0, false
		}
		v += x / unit
		unit *= 60
	}
	return v, len(parts) > 0 && len(parts) < 4
}
