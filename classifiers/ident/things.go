package ident

// things are numbers of goods, papers and securities: what passes one of them speaks against a person.
func things() []Scheme {
	return []Scheme{
		{
			ID: "x.isin", Name: "International Securities Identification Number", Labels: []string{"none"},
			Company: true,
			Layouts: []string{"AA?????????9"}, Check: on(isin), Chance: 0.037,
			Source:  "ISO 6166; python-stdnum isin; validator.js isISIN",
			Valid:   []string{"US0378331005"},
			Invalid: []string{"US0378331003", "DE000BAY0018"},
		},
		{
			ID: "x.gtin", Name: "Global Trade Item Number (EAN-8, UPC-A, EAN-13, GTIN-14)", Labels: []string{"none"},
			Company: true,
			Layouts: []string{"99999999", "999999999999", "9999999999999", "99999999999999"},
			Check:   on(func(c []byte) bool { return !same(c) && ean(c) }), Chance: 0.1,
			Source:  "GS1 General Specifications; python-stdnum ean",
			Valid:   []string{"73513537", "978-0-471-11709-4", "98412345678908"},
			Invalid: []string{"98412345678907"},
		},
		{
			ID: "x.isbn", Name: "International Standard Book Number", Labels: []string{"none"}, Company: true,
			Layouts: []string{"9789999999999", "9799999999999"}, Check: on(isbn), Chance: 0.01,
			Source:  "ISO 2108; python-stdnum isbn",
			Valid:   []string{"978-9024538270"},
			Invalid: []string{"978-9024538271", "1789024538278"},
		},
		{
			ID: "x.isbn_10", Name: "International Standard Book Number of ten digits, until 2007",
			Labels:  []string{"none"},
			Company: true,
			Layouts: []string{"9999999999", "999999999X"}, Check: on(isbn), Chance: 0.091,
			Source:  "ISO 2108; python-stdnum isbn",
			Valid:   []string{"1-85798-218-5", "080442957X"},
			Invalid: []string{"1-85798-218-6"},
		},
		{
			ID: "x.isbn_printed", Name: "International Standard Book Number in its groups", Labels: []string{"none"},
			Company: true,
			Check:   func(n Number) bool { return isbnGroups(n.Raw) && isbn(n.Compact) }, Chance: 0.09,
			Source: "ISO 2108; International ISBN Agency, ISBN Users' Manual: four groups, of which the last is the " +
				"check " +
				"digit, behind 978 or 979 five",
			Valid:   []string{"1-85798-218-5", "978-0-471-11709-4", "0 8044 2957 X"},
			Invalid: []string{"1-85798-218-6", "1857982185", "185-798-2185"},
		},
		{
			ID: "x.issn", Name: "International Standard Serial Number", Labels: []string{"none"}, Company: true,
			Check: func(n Number) bool { return len(n.Raw) == 9 && n.Raw[4] == '-' && issn(n.Compact) }, Chance: 0.09,
			Source:  "ISO 3297; python-stdnum issn",
			Valid:   []string{"0024-9319", "2434-561X"},
			Invalid: []string{"0032-1479", "00249319"},
		},
		{
			ID: "x.ismn", Name: "International Standard Music Number", Labels: []string{"none"}, Company: true,
			Layouts: []string{"9790999999999", "M999999999"}, Chance: 0.1,
			Check: on(func(c []byte) bool {
				if c[0] != 'M' {
					return string(c[:3]) == "979" && ean(c)
				}
				var d [13]byte
				copy(d[copy(d[:], "9790"):], c[1:])
				return ean(d[:])
			}),
			Source:  "ISO 10957; python-stdnum ismn",
			Valid:   []string{"M-2306-7118-7", "979-0-3452-4680-5"},
			Invalid: []string{"M-2306-7118-8"},
		},
		{
			ID: "x.cas", Name: "CAS Registry Number", Labels: []string{"none"}, Company: true,
			Check: func(n Number) bool { return casNumber(n.Raw, n.Compact) }, Chance: 0.1,
			Source: "Chemical Abstracts Service, Check Digit Verification of CAS Registry Numbers; python-stdnum casrn",
			Valid:  []string{"87-86-5", "7732-18-5", "329-65-7"}, Invalid: []string{"87-86-6", "87865", "7732-185"},
		},
		{
			ID: "x.ec_number", Name: "European Community number of a substance", Labels: []string{"none"},
			Company: true,
			Check: func(n Number) bool {
				c := n.Compact
				return len(n.Raw) == 9 && len(c) == 7 && n.Raw[3] == '-' && n.Raw[7] == '-' && isDigits(c) &&
					lastIs(c, weighted(c, 1, 2, 3, 4, 5, 6)%11)
			}, Chance: 0.09,
			Source:  "European Chemicals Agency, EC numbers; python-stdnum eu.ecnumber",
			Valid:   []string{"200-001-8"},
			Invalid: []string{"200-001-9", "2000018"},
		},
		{
			ID: "x.cusip", Name: "CUSIP", Labels: []string{"none"}, Company: true,
			Layouts: []string{"????????9"}, Check: on(cusip), Chance: 0.1,
			Source:  "ANSI X9.6; python-stdnum cusip",
			Valid:   []string{"DUS0421C5", "037833100"},
			Invalid: []string{"DUS0421C6", "037833101"},
		},
		{
			ID: "gb.sedol", Name: "Stock Exchange Daily Official List number (SEDOL)", Country: "GB",
			Labels: []string{"none"}, Company: true,
			Layouts: []string{"??????9"}, Chance: 0.04,
			Check: on(func(c []byte) bool {
				for _, b := range c[:6] {
					if oneOf(b, "AEIOU") {
						return false
					}
				}
				return weighted(c, 1, 3, 1, 7, 3, 9, 1)%10 == 0
			}),
			Source:  "London Stock Exchange, SEDOL Masterfile Technical Specification; python-stdnum gb.sedol",
			Valid:   []string{"B15KXQ8", "0263494"},
			Invalid: []string{"B15KXQ7", "0263495"},
		},
		{
			ID: "it.aic", Name: "Autorizzazione all'Immissione in Commercio (AIC)", Country: "IT",
			Labels:  []string{"none"},
			Company: true,
			Layouts: []string{"099999999", "A099999999"}, Chance: 0.1,
			Check: digitsAfter(func(c []byte) bool {
				s := weighted(c, 1, 0, 1, 0, 1, 0, 1)
				for i := 1; i < 8; i += 2 {
					s += digitSum(2 * value(c[i]))
				}
				return lastIs(c, s%10)
			}, "A"),
			Source:  "Agenzia Italiana del Farmaco, codice AIC; python-stdnum it.aic",
			Valid:   []string{"000307052", "A000307052"},
			Invalid: []string{"000307053"},
		},
		{
			ID: "x.creditor_reference", Name: "Structured Creditor Reference (RF)", Labels: []string{"none"},
			Company: true,
			Layouts: creditorReferences(), Chance: 0.011,
			Check:   on(func(c []byte) bool { return mod97From(mod97(c[4:]), c[:4]) == 1 }),
			Source:  "ISO 11649; python-stdnum iso11649",
			Valid:   []string{"RF18 5390 0754 7034"},
			Invalid: []string{"RF17 5390 0754 7034"},
		},
	}
}

func isin(c []byte) bool {
	if !isCountry(c[0], c[1]) && string(c[:2]) != "XS" && string(c[:2]) != "EU" {
		return false
	}
	var digits [24]byte
	n := 0
	for _, b := range c {
		v := value(b)
		if v > 9 {
			digits[n] = byte('0' + v/10)
			n++
		}
		digits[n] = byte('0' + v%10)
		n++
	}
	return luhn(digits[:n])
}

func isbn(c []byte) bool {
	if len(c) == 13 {
		return c[0] == '9' && ean(c)
	}
	s := weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	if c[9] == 'X' {
		return (s+10)%11 == 0
	}
	return !same(c) && isDigit(c[9]) && (s+value(c[9]))%11 == 0
}

// isbnGroups reports whether digits stand in the groups of a printed number: group, publisher, title and check
// digit, behind 978 or 979 or not, all parted by the same sign.
func isbnGroups(raw []byte) bool {
	gaps, sign := 0, byte(0)
	for i, b := range raw {
		switch {
		case isDigit(b) || b == 'X' || b == 'x':
		case (b != '-' && b != ' ') || sign != 0 && sign != b || i == 0 || !isDigit(raw[i-1]):
			return false
		default:
			gaps, sign = gaps+1, b
		}
	}
	n := len(raw)
	return n == 13 && gaps == 3 && raw[n-2] == sign || n == 17 && gaps == 4 && raw[n-2] == sign && raw[3] == sign &&
		string(raw[:2]) == "97"
}

func issn(c []byte) bool {
	if len(c) != 8 || !isDigits(c[:7]) || !isDigit(c[7]) && c[7] != 'X' {
		return false
	}
	s := weighted(c, 8, 7, 6, 5, 4, 3, 2)
	if c[7] == 'X' {
		return (s+10)%11 == 0
	}
	return (s+value(c[7]))%11 == 0
}

// casNumber: two to seven digits, two and one; the last is the sum of the others, each times its place from the right.
func casNumber(raw, c []byte) bool {
	n := len(raw)
	if len(c) < 5 || len(c) > 10 || n != len(c)+2 || raw[n-2] != '-' || raw[n-5] != '-' || !isDigits(c) || c[0] == '0' {
		return false
	}
	s := 0
	for i, b := range c[:len(c)-1] {
		s += int(b-'0') * (len(c) - 1 - i)
	}
	return lastIs(c, s%10)
}

// cusip: each second value doubled, digits added.
func cusip(c []byte) bool {
	s := 0
	for i, b := range c[:8] {
		s += digitSum(value(b) * (1 + i%2))
	}
	return !same(c) && lastIs(c, mod(-s, 10))
}

// creditorReferences are RF, two check digits and up to 21 letters and digits.
func creditorReferences() []string {
	var layouts []string
	for l := "RF99?"; len(l) <= 25; l += "?" {
		layouts = append(layouts, l)
	}
	return layouts
}
