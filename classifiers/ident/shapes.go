package ident

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The schemes of this file have a shape and nothing to compute: all are HeaderOnly.

// vatShapes are the numbers as national rules print them after the country's prefix. Where the check digit
// fails they still look like what the prefix says, which is what a header that names the scheme needs to
// know.
var vatShapes = [...]struct{ country, layouts string }{
	{"AL", "?99999999A"}, {"AR", "99999999999"}, {"AT", "U99999999"}, {"BE", "9999999999"},
	{"BG", "999999999 9999999999"}, {"BO", "9999999"}, {"BR", "99999999999999 99999999999"}, {"BY", "999999999"},
	{"CA", "999999999"}, {"CL", "999999999"}, {"CO", "9999999999"},
	{"CR", "999999999 9999999999 99999999999 999999999999"}, {"CY", "99999999A"},
	{"CZ", "99999999 999999999 9999999999"}, {"DE", "999999999"}, {"DK", "99999999"}, {"DO", "99999999999 999999999"},
	{"EC", "9999999999999"}, {"EE", "999999999"}, {"ES", "?9999999?"}, {"FI", "99999999"}, {"FR", "??999999999"},
	{"GR", "999999999"}, {"GT", "99999999"}, {"HR", "99999999999"}, {"HU", "99999999"}, {"ID", "999999999999999"},
	{"IE", "9?99999A 9?99999AA"}, {"IL", "999999999"}, {"IN", "999999999999999"}, {"IS", "99999 999999"},
	{"IT", "99999999999"}, {"KZ", "999999999999"}, {"LT", "999999999 999999999999"}, {"LU", "99999999"},
	{"LV", "99999999999"}, {"MK", "9999999999999"}, {"MT", "99999999"}, {"MX", "AAA999999??? AAAA999999???"},
	{"NG", "999999999999"}, {"NI", "9999999999999A"}, {"NL", "999999999B99"}, {"NO", "999999999MVA"},
	{"NZ", "999999999"}, {"PE", "99999999999"}, {"PH", "999999999999"}, {"PL", "9999999999"},
	{"PY", "999999999 99999999 9999999"}, {"RO", "9999999999 999999999 99999999 9999999 999999 99999 9999 999 99"},
	{"RS", "999999999"}, {"RU", "9999999999 999999999999"}, {"SA", "999999999999999"}, {"SE", "999999999999"},
	{"SI", "99999999"}, {"SK", "9999999999"}, {"SM", "99999"}, {"SV", "99999999999999"}, {"TR", "9999999999"},
	{"UA", "999999999999"}, {"UY", "999999999999"}, {"UZ", "999999999"},
	{"VE", "J999999999 G999999999 V999999999 E999999999"}, {"GB", "999999999 999999999999"},
}

func vatNumbers() []Scheme {
	schemes := make([]Scheme, 0, len(vatShapes))
	for _, v := range vatShapes {
		prefix := v.country
		if prefix == "GR" {
			prefix = "EL"
		}
		bare := strings.Fields(v.layouts)
		layouts := make([]string, 0, 2*len(bare))
		for _, l := range bare {
			layouts = append(layouts, l, prefix+l)
		}
		schemes = append(schemes, Scheme{
			ID: strings.ToLower(v.country) + ".vat_shape", Name: "VAT number, check digits not asked for",
			Country: v.country,
			Labels:  []string{"company_only"}, Company: true, Layouts: layouts, HeaderOnly: true, Chance: 1,
			Check: func(n Number) bool { return admits(bare, n.Compact) || attached(n.Raw, prefix) },
			Source: "European Commission, VIES FAQ, structure of VAT numbers; OECD, tax identification numbers; the " +
				"country's own print",
		})
	}
	return schemes
}

// attached reports whether raw starts with the prefix in capitals, and the number follows without a gap.
func attached(raw []byte, prefix string) bool {
	return len(raw) > len(prefix) && string(raw[:len(prefix)]) == prefix &&
		(isDigit(raw[len(prefix)]) || isUpper(raw[len(prefix)]))
}

// passportShapes are the numbers as the states print them; where a state used several forms, all that are still valid.
var passportShapes = [...]struct{ country, layouts string }{
	{"AD", "999999"}, {"AE", "A99999999 999999999 AA9999999"}, {"AL", "AA9999999"}, {"AM", "AA9999999"},
	{"AR", "AAA999999"}, {"AT", "A9999999 AA9999999"}, {"AU", "A9999999 AA9999999"}, {"AZ", "A99999999"},
	{"BE", "AA999999"}, {"BG", "999999999 AA9999999"}, {"BR", "AA999999"}, {"BY", "AA9999999"},
	{"CA", "AA999999 A999999AA"}, {"CH", "A9999999 ?999999?"}, {"CL", "A99999999 99999999"},
	{"CN", "G99999999 E99999999 EA9999999 D99999999"}, {"CO", "AA999999"}, {"CY", "A999999 A99999999"},
	{"CZ", "99999999"}, {"DK", "999999999"}, {"DZ", "999999999"}, {"EE", "A9999999 AA9999999"}, {"EG", "A99999999"},
	{"ES", "??999999 ???999999"}, {"FI", "AA9999999"}, {"FR", "99AA99999"}, {"GR", "AA9999999"},
	{"HK", "A99999999 AA9999999"}, {"HR", "999999999"}, {"HU", "AA999999 AA9999999"},
	{"ID", "A9999999 B9999999 C9999999 AA999999"}, {"IE", "??9999999"}, {"IL", "99999999"}, {"IN", "A9999999"},
	{"IR", "A99999999"}, {"IS", "A9999999"}, {"IT", "??9999999"}, {"JM", "A9999999"}, {"JP", "AA9999999"},
	{"KR", "M99999999 S99999999 M999A9999 G99999999"}, {"KZ", "A9999999 A99999999"}, {"LI", "A99999"},
	{"LT", "????????"}, {"LU", "????????"}, {"LV", "??9999999"}, {"LY", "????????"}, {"MA", "AA9999999"},
	{"MD", "A99999999 AA9999999"}, {"MT", "9999999"}, {"MX", "A99999999 AA9999999"},
	{"MY", "A99999999 H99999999 K99999999"}, {"MZ", "AA9999999 99AA99999"}, {"NG", "A99999999"},
	{"NO", "99999999 AAA999999"}, {"NZ", "AA999999 A999999"}, {"PH", "A9999999A AA999999 AA9999999 A999999"},
	{"PK", "AA9999999"}, {"PL", "AA9999999"}, {"PT", "A999999 AA999999"}, {"RO", "99999999 999999999"},
	{"RS", "999999999"}, {"RU", "999999999"}, {"SE", "99999999 AA9999999"}, {"SG", "A9999999A"}, {"SI", "PA9999999"},
	{"SK", "?9999999 AA9999999"}, {"SL", "PA9999999"}, {"TH", "A999999 A9999999 AA999999 AA9999999"},
	{"TR", "A99999999"}, {"TW", "999999999"}, {"UA", "AA999999"}, {"VN", "A9999999 A99999999"},
	{"ZA", "A99999999 M99999999 T99999999 D99999999"},
}

func passports() []Scheme {
	schemes := make([]Scheme, 0, len(passportShapes))
	for _, p := range passportShapes {
		chance := 1.0
		switch p.country {
		case "IS", "JM", "NZ":
			chance = 0.04 // one first letter in 26
		}
		schemes = append(schemes, Scheme{
			ID: strings.ToLower(p.country) + ".passport", Name: "Passport number", Country: p.country,
			Labels:  []string{"passport"},
			Layouts: strings.Fields(p.layouts), HeaderOnly: true, Chance: chance, Check: passportCheck(p.country),
			Source: "PRADO, the Council of the EU's register of documents; Microsoft Purview, sensitive information " +
				"types; validator.js isPassportNumber",
		})
	}
	return schemes
}

// passportCheck narrows the letters where a layout, in which A is any letter, cannot.
func passportCheck(country string) func(Number) bool {
	first := map[string]string{"ID": "ABCX", "IS": "A", "JM": "A", "MY": "AHK", "ZA": "TAMD"}[country]
	switch country {
	case "ID", "IS", "JM", "MY", "ZA":
		return on(func(c []byte) bool { return oneOf(c[0], first) })
	case "NZ":
		return on(func(c []byte) bool {
			if len(c) == 7 {
				return c[0] == 'N'
			}
			return c[0] == 'L' && oneOf(c[1], "ADFHKMN") || c[0] == 'E' && oneOf(c[1], "AP") || c[0] == 'R' &&
				c[1] == 'A'
		})
	case "CN":
		// the dash of "E-1234567" is nobody's print
		return func(n Number) bool {
			return len(n.Raw) == len(n.Compact) && !oneOf(n.Compact[1], "IO")
		}
	}
	return on(func(c []byte) bool { return !same(c) })
}

// plateShapes are number plates: the printed form in the classes of a layout, with '-' for a customary gap
// (space, dash, dot or nothing) and '_' for one that must be there.
var plateShapes = [...]struct{ country, shapes string }{
	{"AL", "AA-999-AA AA-999-T AA-R-999"}, {"AR", "AA-999-AA AAA-999"},
	{"AT", "A_99999A A_9999A A_999AA AA_999AA AA_99AAA AA_9999A"}, {"BE", "9-AAA-999 AAA-999 999-AAA"},
	{"BG", "A-9999-AA AA-9999-AA"}, {"BR", "AAA-9999 AAA-9A99"},
	{"CZ", "9A9-9999 9AA-9999 ???????? ??????? ?????? ?????"}, {"DK", "AA-99-999"}, {"EE", "999-AAA"},
	{"ES", "9999-AAA A-9999-AA AA-9999-AA"},
	{"FI",
		"A-999 999-A AAA-999 AA-999 AAA-99 AAA-9 AA-99 AA-9 999-AAA 99-AAA 9-AAA 999-AA 99-AA CD-9999 C-9999 C-99999"},
	{"FR", "AA-999-AA"}, {"GB", "AA99-AAA A999-AAA A99-AAA A9-AAA AAA-999A AAA-99A AAA-9A"}, {"GR", "AAA-9999"},
	{"HR", "AA_999-AA AA_9999-AA AA_9999-A AA_999-A"},
	{"HU",
		"AAA_999 AA-AA_999 M999999 AA_99_99 CD_999_999 C_C_9999 C_X_9999 X_A_9999 X_B_9999 X_C_9999 " +
			"E_99999 P_99999 V_99999 Z_99999 S_AAA_99"},
	{"IE", "99-A-9 99-A-99 99-A-999 99-A-9999 99-A-99999 999-A-9999 999-A-99999 99-AA-9999 99-AA-99999 999-AA-9999 " +
		"999-AA-99999"},
	{"IN", "AA-99-AA-9999 AA-99-AAA-9999 AA-9-AAA-9999 AA-99-A-9999 AA-9-AA-9999 AA-9-A-9999 99-BH-9999-AA " +
		"99-BH-9999-A"},
	{"IT", "AA-999-AA"},
	{"LI", "FL-9 FL-99 FL-999 FL-9999 FL-99999 FL-99U FL-999U FL-9999U FL-99999U FL-99Z FL-999Z FL-9999Z FL-99999Z"},
	{"LT", "AAA-999"}, {"LV", "AA-9999"}, {"NG", "AAA_999AA AAA999AA"},
	{"NL", "AA-999-A A-999-AA 99-AAA-9 9-AAA-99 AAA-99-A 99-AA-AA AA-AA-99 AA-99-AA"}, {"NO", "AA-99999"},
	{"PK", "AAA-999 AAA-9999 AA-999 AA-9999 A-9999 AAAA-999 AAAA-9999 AAA-999_99 AAA-9999_99 AA-999_99 AA-9999_99 " +
		"A-9999_99"},
	{"PL", "AA_99999 AA_9999A AAA_99999 AAA_A999 AAA_99AA AA_999AA AAA_9A99"},
	{"PT", "AA-99-99 99-99-AA 99-AA-99 AA-99-AA"}, {"RO", "AA-99-AAA B-99-AAA B-999-AAA"}, {"SE", "AAA-99?"},
	{"SG", "AAA-9999-A"}, {"SI", "AA-AA-999 AA-999-AA"}, {"SK", "AA-999AA AA-99999"},
	{"TR", "99_A_9999 99_A_99999 99_AA_999 99_AA_9999 99_AAA_99 99_AAA_999 99AAA999 99AA999 99A9999"},
}

// morePlateShapes are of countries whose own rules were not read.
var morePlateShapes = [...]struct{ country, shapes string }{
	{"AM", "99-AA-999"}, {"BA", "A99-A-999"}, {"BY", "9999-AA-9 AA-9999-9"},
	{"CH", "AA-99 AA-999 AA-9999 AA-99999 AA-999999"}, {"GE", "AA-999-AA"}, {"IS", "AA-999 AA-A99"},
	{"KZ", "999-AAA-99 999-AA-99"}, {"LU", "AA-9999"}, {"MD", "AAA-999"}, {"ME", "AA-AA999"},
	{"MK", "AA-9999-AA AA-999-AA"}, {"RS", "AA-999-AA AA-9999-AA"}, {"RU", "A-999-AA-99 A-999-AA-999"},
	{"UA", "AA-9999-AA"},
}

func plates() []Scheme {
	schemes := make([]Scheme, 0, len(plateShapes)+len(morePlateShapes)+2)
	for i, p := range slices.Concat(plateShapes[:], morePlateShapes[:]) {
		source, unverified := "National vehicle registration authorities, forms of current plates; validator.js "+
			"isLicensePlate; Presidio", ""
		if i >= len(plateShapes) {
			source, unverified = "Wikipedia, Vehicle registration plates of Europe",
				"the forms: no rule of the country was read"
		}
		shapes := strings.Fields(p.shapes)
		layouts := make([]string, len(shapes))
		for i, s := range shapes {
			layouts[i] = strings.NewReplacer("-", "", "_", "").Replace(s)
		}
		country := p.country
		schemes = append(schemes, Scheme{
			ID: strings.ToLower(country) + ".plate", Name: "Number plate", Country: country,
			Labels:  []string{"vehicle_plate"},
			Layouts: layouts, HeaderOnly: true, Chance: plateChance(country),
			Check: func(n Number) bool {
				if mixedCase(n.Raw) {
					return false
				}
				for _, s := range shapes {
					if printedAs(s, n) && plateRule(country, n.Compact) {
						return true
					}
				}
				return false
			},
			Source: source, Unverified: unverified,
		})
	}
	return append(schemes,
		Scheme{
			ID: "de.plate", Name: "Kfz-Kennzeichen", Country: "DE", Labels: []string{"vehicle_plate"}, HeaderOnly: true,
			Chance:  0.9,
			Check:   germanPlate,
			Source:  "Fahrzeug-Zulassungsverordnung, Anlage 1 and 2; validator.js isLicensePlate; Presidio DE_KFZ",
			Valid:   []string{"HH AB 1234", "FS A 1234", "FS-AB-1234", "FS AB 1234 E", "LRO-AB-123-E"},
			Invalid: []string{"BAB1234", "MZG-AB-123X", "ÖHR FA 123D", "FS ABC 123", "FS AB 0123", "YY AB 123"},
		},
		Scheme{
			ID: "se.plate_personal", Name: "Personlig skylt", Country: "SE", Labels: []string{"vehicle_plate"},
			HeaderOnly: true, Chance: 1,
			Check: func(n Number) bool { return personalPlate(n.Raw) },
			Source: "Transportstyrelsen, personliga skyltar: two to seven letters, digits and spaces; validator.js " +
				"isLicensePlate",
			Valid:   []string{"WORD", "CERISE"},
			Invalid: []string{"lower", "abc 12A", "TOOLONGWORD"},
		},
	)
}

// plateChance is what the letters that the country uses leave of its forms.
func plateChance(country string) float64 {
	switch country {
	case "CH":
		return 0.038
	case "RU":
		return 0.1
	}
	return 1
}

// printedAs reports whether n has the given printed form.
func printedAs(shape string, n Number) bool {
	raw := 0
	for i := range len(shape) {
		s := shape[i]
		if s == '-' || s == '_' {
			gap := gapLength(n.Raw[raw:])
			raw += gap
			if s == '_' && gap == 0 {
				return false
			}
			continue
		}
		if raw == len(n.Raw) {
			return false
		}
		b := n.Raw[raw]
		switch {
		case s == '9' && !isDigit(b), s == 'A' && !isLetter(b), s == '?' && !isDigit(b) && !isLetter(b):
			return false
		case s != '9' && s != 'A' && s != '?' && b&^0x20 != s && b != s:
			return false
		}
		raw++
	}
	return raw == len(n.Raw)
}

// gapLength is the length in bytes of one separator at the start of b: a sign, or a dash between two spaces.
func gapLength(b []byte) int {
	switch {
	case len(b) == 0 || isDigit(b[0]) || isLetter(b[0]):
		return 0
	case b[0] < utf8.RuneSelf:
		if len(b) > 2 && b[0] == ' ' && b[1] == '-' && b[2] == ' ' {
			return 3
		}
		return 1
	}
	_, n := utf8.DecodeRune(b)
	return n
}

// plateRule holds what a shape cannot say.
func plateRule(country string, c []byte) bool {
	switch country {
	case "TR":
		province := number(c[:2])
		return province >= 1 && province <= 81
	case "HU":
		switch {
		case len(c) == 6 && isUpper(c[1]) && isDigit(c[2]):
			return hungarianPair(string(c[:2]))
		case len(c) == 6 && c[0] == 'S' && isUpper(c[3]) && isDigit(c[4]): // test plates
			return c[1] == 'A'
		}
		return true
	case "RU":
		for _, b := range c {
			if isUpper(b) && !oneOf(b, "ABEKMHOPCTYX") {
				return false
			}
		}
		return true
	case "CH":
		return swissCanton(string(c[:2]))
	case "SE":
		return within(c[:3], "ABCDEFGHJKLMNOPRSTUWXYZ") && !oneOf(c[5], "IQVO")
	case "PT":
		return !isUpper(c[0]) || !isUpper(c[2])
	case "CZ":
		return !oneOf('G', string(c)) && !oneOf('O', string(c)) && !oneOf('Q', string(c)) && !oneOf('W', string(c))
	}
	return true
}

// swissCanton reports whether two letters are of a canton, of the army or of the administration.
func swissCanton(p string) bool {
	switch p {
	case "AG", "AI", "AR", "BE", "BL", "BS", "FR", "GE", "GL", "GR", "JU", "LU", "NE", "NW", "OW", "SG", "SH", "SO",
		"SZ",
		"TG", "TI", "UR", "VD", "VS", "ZG", "ZH":
		return true
	}
	return false
}

// hungarianPair reports whether two letters start the plates of special vehicles with twice two digits.
func hungarianPair(p string) bool {
	switch p {
	case "CC", "CD", "CK", "CX", "DT", "HC", "MA", "OT", "SP", "XA", "XB", "XC":
		return true
	}
	return p[0] == 'R' || p[0] == 'H' && oneOf(p[1], "ABEFIKLMNPRSTVX")
}

// mixedCase reports whether raw has letters of both cases, which no plate has.
func mixedCase(raw []byte) bool {
	upper, lower := false, false
	for _, b := range raw {
		upper = upper || isUpper(b)
		lower = lower || 'a' <= b && b <= 'z'
	}
	return upper && lower
}

// germanPlate: district of one to three letters, a gap, one or two letters, up to four digits without a
// leading zero, E or H; eight at most.
func germanPlate(n Number) bool {
	raw := n.Raw
	if len(raw) < 5 || len(raw) > 14 {
		return false
	}
	district, rest := germanLetters(raw, 3)
	if district == 0 || len(rest) == 0 || rest[0] != ' ' && rest[0] != '-' {
		return false
	}
	letters, rest := germanLetters(rest[1:], 2)
	if letters == 0 || len(rest) == 0 {
		return false
	}
	if rest[0] == ' ' || rest[0] == '-' {
		rest = rest[1:]
	}
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		digits++
	}
	if digits == 0 || digits > 4 || rest[0] == '0' || district+letters+digits > 8 {
		return false
	}
	switch string(rest[digits:]) {
	case "", "E", "H", " E", " H", "-E", "-H":
		return raw[0] != 'X' && raw[0] != 'Y' // of the army and of headquarters, which have no letters of their own
	}
	return false
}

// germanLetters counts up to max letters at the start of b, Ä, Ö and Ü among them, and returns what follows.
func germanLetters(b []byte, max int) (int, []byte) {
	n := 0
	for n < max && len(b) > 0 {
		switch {
		case isUpper(b[0]):
			b = b[1:]
		case len(b) > 1 && b[0] == 0xc3 && (b[1] == 0x84 || b[1] == 0x96 || b[1] == 0x9c):
			b = b[2:]
		default:
			return n, b
		}
		n++
	}
	return n, b
}

func personalPlate(raw []byte) bool {
	n := 0
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case isUpper(b) || b == ' ':
		case b == 0xc3 && i+1 < len(raw) && (raw[i+1] == 0x84 || raw[i+1] == 0x85 || raw[i+1] == 0x96):
			i++
		default:
			return false
		}
		n++
	}
	return n >= 2 && n <= 7
}
