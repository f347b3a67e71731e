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
			Layouts: []string{"9789999999999", "9799999999999", "9999999999", "999999999A"}, Check: on(isbn),
			Chance:  0.1,
			Source:  "ISO 2108; python-stdnum isbn",
			Valid:   []string{"978-9024538270", "1-85798-218-5", "080442957X"},
			Invalid: []string{"978-9024538271", "1-85798-218-6"},
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
		return ean(c)
	}
	s := weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	if c[9] == 'X' {
		return (s+10)%11 == 0
	}
	return !same(c) && isDigit(c[9]) && (s+value(c[9]))%11 == 0
}
