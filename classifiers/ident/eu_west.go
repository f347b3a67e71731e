package ident

func westernEurope() []Scheme {
	return []Scheme{
		{
			ID: "be.nn", Name: "Rijksregisternummer / Numéro national", Country: "BE",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"}, Check: on(func(c []byte) bool { return belgian(c, 0) }), Chance: 0.00052,
			Source:  "Koninklijk besluit van 3 april 1984; IBZ, Rijksregisternummer; python-stdnum be.nn",
			Valid:   []string{"85.07.30-033 28", "85 07 30 033 28", "17 07 30 033 84", "93.05.18-223.61"},
			Invalid: []string{"12345678901", "000125111480"},
		},
		{
			ID: "be.bis", Name: "BIS-nummer / Numéro BIS", Country: "BE", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"},
			Check:   on(func(c []byte) bool { return belgian(c, 20) || belgian(c, 40) }), Chance: 0.0013,
			Source: "Kruispuntbank van de Sociale Zekerheid, Bis-register: the month plus 20 or 40; examples of " +
				"stdnum-js be.bis",
			Valid:   []string{"88222999936", "08222999934", "88422999979"},
			Invalid: []string{"08222999935", "96331699989"},
		},
		{
			ID: "be.ondernemingsnummer", Name: "Ondernemingsnummer / Numéro d'entreprise (BTW, TVA)", Country: "BE",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999", "BE9999999999", "BE999999999"}, Chance: 0.01,
			Check: digitsAfter(func(c []byte) bool {
				if len(c) == 10 && c[0] > '1' {
					return false
				}
				n := number(c)
				return n >= 10000000 && 97-n/100%97 == n%100
			}, "BE"),
			Source:  "FOD Economie, Kruispuntbank van Ondernemingen; python-stdnum be.vat",
			Valid:   []string{"BE403019261", "BE 428759497", "BE 0417497106", "BE697449992"},
			Invalid: []string{"BE431150351"},
		},
		{
			ID: "be.rekeningnummer", Name: "Rekeningnummer / Numéro de compte", Country: "BE",
			Labels:  []string{"bank_account"},
			Layouts: []string{"999999999999"}, Chance: 0.01,
			Check: on(func(c []byte) bool {
				n := number(c)
				return n/100 > 0 && (n/100+96)%97+1 == n%100
			}),
			Source: "bronso.nl, Rekeningnummer: bank, account, and the ten digits modulo 97; account of the SWIFT " +
				"registry's IBAN example for Belgium",
			Valid:   []string{"539-0075470-34"},
			Invalid: []string{"539-0075470-35"},
		},
		{
			ID: "lu.matricule", Name: "Numéro d'identification national (matricule)", Country: "LU",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999"}, Check: on(matricule), Chance: 8e-5,
			Source: "Loi du 19 juin 2013; European Commission, FS-TIN Algorithms, Luxembourg; lookuptax.com, " +
				"Luxembourg: Luhn " +
				"over eleven digits, Verhoeff over the same",
			Valid:   []string{"1893120105732"},
			Invalid: []string{"1893120105733", "189312010573"},
		},
		{
			ID: "lu.tva", Name: "Numéro d'identification TVA", Country: "LU",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"LU99999999", "99999999"}, Chance: 0.01,
			Check: digitsAfter(func(c []byte) bool { return number(c[:6]) > 0 && number(c[:6])%89 == number(c[6:]) },
				"LU"),
			Source:  "Administration de l'enregistrement, des domaines et de la TVA; python-stdnum lu.tva",
			Valid:   []string{"LU 150 274 42"},
			Invalid: []string{"150 274 43"},
		},
		{
			ID: "ie.pps", Name: "Personal Public Service Number", Country: "IE",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999A", "9999999AA"}, Check: on(pps), Chance: 0.038,
			Source:  "Department of Social Protection, PPS number; python-stdnum ie.pps",
			Valid:   []string{"6433435F", "6433435FT", "6433435FW", "6433435OA", "1234567T"},
			Invalid: []string{"6433435E", "6433435VH"},
		},
		{
			ID: "ie.vat", Name: "VAT number", Country: "IE", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"IE9999999A", "IE9999999AA", "IE9A99999A", "9A99999A"},
			Check:   digitsAfter(irishVAT, "IE"), Chance: 0.038,
			Source:  "Revenue, VAT registration number; python-stdnum ie.vat",
			Valid:   []string{"IE 6433435F", "IE 6433435OA", "8D79739I"},
			Invalid: []string{"IE6433435E", "IE 1234567"},
		},
		{
			ID: "pt.nif", Name: "Número de identificação fiscal (NIF)", Country: "PT",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"999999999", "PT999999999"}, Chance: 0.031,
			Check: func(n Number) bool {
				c := strip(n.Compact, "PT")
				person := c[0] >= '1' && c[0] <= '3' || c[0] == '4' && c[1] == '5'
				return person && oneSeparator(n.Raw) && nif(c)
			},
			Source:  "Decreto-Lei n.º 14/2013; Autoridade Tributária e Aduaneira; python-stdnum pt.nif",
			Valid:   []string{"123456789"},
			Invalid: []string{"29 999-999/8", "123456788", "501964843"},
		},
		{
			ID: "pt.nipc", Name: "Número de identificação de pessoa coletiva (NIPC)", Country: "PT",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"999999999", "PT999999999"}, Chance: 0.05,
			Check:   digitsAfter(func(c []byte) bool { return c[0] >= '5' && nif(c) }, "PT"),
			Source:  "Registo Nacional de Pessoas Coletivas; python-stdnum pt.nif",
			Valid:   []string{"PT 501 964 843", "507104560"},
			Invalid: []string{"PT 501 964 842", "000000001"},
		},
		{
			ID: "pt.cc", Name: "Número do Cartão de Cidadão", Country: "PT", Labels: []string{"national_id"},
			Layouts: []string{"999999999??9"}, Check: on(cartaoCidadao), Chance: 0.1,
			Source: "Agência para a Modernização Administrativa, validação de número de documento do Cartão de " +
				"Cidadão; python-stdnum pt.cc",
			Valid:   []string{"00000000 0 ZZ4", "10000000 0 ZZ2"},
			Invalid: []string{"00000000 0 ZZ3", "00000000 A ZZ4"},
		},
		{
			ID: "pt.niss", Name: "Número de Identificação da Segurança Social (NISS)", Country: "PT",
			Labels:  []string{"national_id"},
			Layouts: []string{"99999999999"}, Chance: 0.02, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				return (c[0] == '1' || c[0] == '2') && lastIs(c, 9-weighted(c, 29, 23, 19, 17, 13, 11, 7, 5, 3, 2)%10)
			}),
			Source: "Instituto da Segurança Social, NISS: primes from 29 down, nine minus the sum modulo ten",
		},
		{
			ID: "pt.utente", Name: "Número de utente do Serviço Nacional de Saúde", Country: "PT",
			Labels:  []string{"other_personal", "health"},
			Layouts: []string{"999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "Serviço Nacional de Saúde: nine digits, no published check digit",
		},
	}
}

func mediterranean() []Scheme {
	return []Scheme{
		{
			ID: "mt.identity_card", Name: "Identity card number", Country: "MT",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999A", "999999A", "99999A", "9999A", "999A"}, HeaderOnly: true, Chance: 0.31,
			Check:  on(maltese),
			Source: "European Commission, TIN by country, Malta; Identity Malta",
		},
		{
			ID: "mt.tin", Name: "Income tax number", Country: "MT", Labels: []string{"tax_id"},
			Layouts: []string{"999999999"}, HeaderOnly: true, Chance: 0.08,
			Check:   on(func(c []byte) bool { return c[0] == c[1] && c[0] >= '1' && c[0] <= '8' && !same(c) }),
			Source:  "European Commission, TIN by country, Malta: the first two digits are equal, 11 to 88",
			Invalid: []string{"123456789"},
		},
		{
			ID: "mt.vat", Name: "VAT number", Country: "MT", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"MT99999999", "99999999"}, Chance: 0.025,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] != '0' && weighted(c, 3, 4, 6, 7, 8, 9, 10, 1)%37 == 0
			}, "MT"),
			Source:  "Commissioner for Revenue; python-stdnum mt.vat",
			Valid:   []string{"MT 1167-9112"},
			Invalid: []string{"1167-9113"},
		},
		{
			ID: "cy.tic", Name: "Αριθμός Φορολογικού Μητρώου", Country: "CY", Labels: []string{"tax_id"},
			Layouts: []string{"99999999A"},
			Check:   on(func(c []byte) bool { return (c[0] == '0' || c[0] == '9') && cypriot(c) }), Chance: 0.0078,
			Source: "European Commission, TIN by country, Cyprus (persons start with 0 or 9); validator.js isTaxID; " +
				"identique/idnumbers CYP",
			Valid:   []string{"00123123T", "99652156X"},
			Invalid: []string{"001123123T", "00123123A", "99652156B"},
		},
		{
			ID: "cy.vat", Name: "Αριθμός Εγγραφής Φ.Π.Α.", Country: "CY", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99999999A", "CY99999999A"}, Chance: 0.038,
			Check:   digitsAfter(func(c []byte) bool { return string(c[:2]) != "12" && cypriot(c) }, "CY"),
			Source:  "Tax Department of Cyprus; python-stdnum cy.vat",
			Valid:   []string{"CY-10259033P"},
			Invalid: []string{"CY-10259033Z"},
		},
		{
			ID: "cy.identity_card", Name: "Δελτίο Ταυτότητας", Country: "CY", Labels: []string{"national_id"},
			Layouts: []string{"999999", "9999999", "9999999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Civil Registry and Migration Department: up to seven digits, ten with leading zeros, no check " +
				"digit",
		},
		{
			ID: "gr.amka", Name: "ΑΜΚΑ", Country: "GR", Labels: []string{"national_id", "health"},
			Layouts: []string{"99999999999"}, Check: on(func(c []byte) bool { return ddmmyy(c) && luhn(c) }),
			Chance:  0.0038,
			Source:  "ΗΔΙΚΑ, ΑΜΚΑ; python-stdnum gr.amka",
			Valid:   []string{"01013099997"},
			Invalid: []string{"01013099999"},
		},
		{
			ID: "gr.afm", Name: "ΑΦΜ", Country: "GR", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"999999999", "EL999999999", "GR999999999"}, Check: digitsAfter(afm, "EL", "GR"),
			Chance:  0.1,
			Source:  "Ανεξάρτητη Αρχή Δημοσίων Εσόδων, ΑΦΜ; python-stdnum gr.vat",
			Valid:   []string{"EL 094259216", "094259216"},
			Invalid: []string{"EL 123456781", "658426713", "558426713", "355827181"},
		},
		{
			ID: "gr.deltio_taftotitas", Name: "Αριθμός Δελτίου Ταυτότητας", Country: "GR",
			Labels:  []string{"national_id"},
			Layouts: []string{"AA999999", "A999999"}, HeaderOnly: true, Chance: 0.54,
			Check:  on(func(c []byte) bool { return within(c[:len(c)-6], "ABEZHIKMNOPTYX") }),
			Source: "Ελληνική Αστυνομία: letters common to the Greek and the Latin alphabet, six digits",
		},
	}
}

// belgian checks the day of birth (zero where it is not known), with shift added to the month, and the check
// number for both centuries.
func belgian(c []byte, monthShift int) bool {
	yy, month, day := number(c[:2]), number(c[2:4])-monthShift, number(c[4:6])
	body, check := number(c[:9]), number(c[9:])
	if check == 0 || check > 97 || number(c[6:9]) == 0 || month < 0 || month > 12 {
		return false
	}
	plausible := func(year int) bool {
		if month == 0 || day == 0 {
			return day <= 31 && year <= horizon
		}
		return validDate(year, month, day)
	}
	return 97-body%97 == check && plausible(1900+yy) || 97-(2_000_000_000+body)%97 == check && plausible(2000+yy)
}

// matricule checks the day of birth, the Luhn digit over it and the serial, and the Verhoeff digit over the
// same eleven.
func matricule(c []byte) bool {
	if !yyyymmdd(c) || !luhn(c[:12]) {
		return false
	}
	var v [12]byte
	copy(v[:], c[:11])
	v[11] = c[12]
	return verhoeff(v[:])
}

// pps: weights 8 to 2, and 9 for a second letter from A to I; W, T and X were suffixes of spouses and trusts
// and do not count.
func pps(c []byte) bool {
	s := weighted(c, 8, 7, 6, 5, 4, 3, 2)
	if len(c) == 9 {
		switch c[8] {
		case 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I':
			s += 9 * int(c[8]-'A'+1)
		case 'W', 'T', 'X':
		default:
			return false
		}
	}
	return c[7] == "WABCDEFGHIJKLMNOPQRSTUV"[s%23]
}

// irishVAT: the form of a PPS number, or the old one with a letter at the second place, whose first digit
// moves to the end.
func irishVAT(c []byte) bool {
	if isDigit(c[1]) {
		return pps(c) || len(c) == 9 && c[8] <= 'I' &&
			c[7] == "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(c, 8, 7, 6, 5, 4, 3, 2)+9*int(c[8]-'A'+1))%23]
	}
	return c[7] == "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(c[2:], 7, 6, 5, 4, 3)+2*value(c[0]))%23]
}

func nif(c []byte) bool {
	d := 11 - weighted(c, 9, 8, 7, 6, 5, 4, 3, 2)%11
	if d > 9 {
		d = 0
	}
	return lastIs(c, d)
}

// oneSeparator reports whether raw uses no more than one kind of separator.
func oneSeparator(raw []byte) bool {
	var seen byte
	for _, b := range raw {
		if isDigit(b) || isLetter(b) || b == seen {
			continue
		}
		if seen != 0 {
			return false
		}
		seen = b
	}
	return true
}

// cartaoCidadao is Luhn with letters as 10 to 35: each second value from the left doubled, nine taken off
// where it passes nine.
func cartaoCidadao(c []byte) bool {
	s := 0
	for i, b := range c {
		v := value(b)
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		s += v
	}
	return s%10 == 0
}

// maltese checks the letter of the register; all but the letters of foreigners have a serial up to 32000
// before the year.
func maltese(c []byte) bool {
	letter, n := c[len(c)-1], number(c[:len(c)-1])
	switch letter {
	case 'A', 'P':
		return n%100 > 0
	case 'M', 'G', 'L', 'H', 'B', 'Z':
		return n/100 > 0 && n/100 <= 32000
	}
	return false
}

// cypriot: digits at odd places go through a table, the sum modulo 26 is the letter.
func cypriot(c []byte) bool {
	table := [10]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}
	s := weighted(c, 0, 1, 0, 1, 0, 1, 0, 1)
	for i := 0; i < 8; i += 2 {
		s += table[value(c[i])]
	}
	return int(c[8]-'A') == s%26
}

func afm(c []byte) bool {
	return !same(c) && lastIs(c, weighted(c, 256, 128, 64, 32, 16, 8, 4, 2)%11%10)
}
