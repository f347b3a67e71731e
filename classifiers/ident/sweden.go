package ident

func sweden() []Scheme {
	return []Scheme{
		{
			ID: "se.personnummer", Name: "Personnummer", Country: "SE", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999", "999999999999"}, Check: func(n Number) bool { return personnummer(n, 0) },
			Chance:  0.0035,
			Source:  "Skatteverket, personnummer (SKV 704); python-stdnum se.personnummer; Presidio SE_PERSONNUMMER",
			Valid:   []string{"880320-0016", "8803200016", "19880320-0016"},
			Invalid: []string{"880320-0018", "19001309-2393"},
		},
		{
			ID: "se.samordningsnummer", Name: "Samordningsnummer", Country: "SE",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999", "999999999999"}, Check: func(n Number) bool { return personnummer(n, 60) },
			Chance: 0.0037,
			Source: "Skatteverket, samordningsnummer (SKV 707): the day of birth plus 60; example of Wikipedia, " +
				"Samordningsnummer",
			Valid:   []string{"701063-2391"},
			Invalid: []string{"701063-2392"},
		},
		{
			ID: "se.organisationsnummer", Name: "Organisationsnummer", Country: "SE",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999", "169999999999"}, Check: digitsAfter(organisationsnummer, "16"),
			Chance:  0.064,
			Source:  "Skatteverket, organisationsnummer (SKV 709); Presidio SE_ORGANISATIONSNUMMER",
			Valid:   []string{"212000-0142", "556703-7485"},
			Invalid: []string{"212000-0143", "880320-0016"},
		},
		{
			ID: "se.moms", Name: "Momsregistreringsnummer", Country: "SE", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"SE999999999901"}, Check: on(func(c []byte) bool { return luhn(c[2:12]) }), Chance: 0.1,
			Source:  "Skatteverket, momsregistreringsnummer; python-stdnum se.vat",
			Valid:   []string{"SE 123456789701"},
			Invalid: []string{"SE123456789101"},
		},
	}
}

// personnummer checks day, separator and Luhn digit; shift is added to the day (60 in a samordningsnummer).
func personnummer(n Number, shift int) bool {
	c := n.Compact
	if !grouped(n.Raw, len(c)-4) {
		return false
	}
	short := c[len(c)-10:]
	month, day := number(short[2:4]), number(short[4:6])-shift
	if len(c) == 12 {
		if year := number(c[:4]); year < 1840 || !validDate(year, month, day) {
			return false
		}
	} else if !validDay(number(short[:2]), month, day) {
		return false
	}
	return luhn(short)
}

// organisationsnummer: the third digit is two or more, so that no month is mistaken for it.
func organisationsnummer(c []byte) bool {
	return c[0] != '0' && c[0] != '4' && c[2] >= '2' && luhn(c)
}
