package ident

func oceania() []Scheme {
	return []Scheme{
		{
			ID: "au.tfn", Name: "Tax File Number", Country: "AU", Labels: []string{"tax_id", "national_id"},
			Layouts: []string{"999999999", "99999999"}, Check: on(tfn), Chance: 0.091,
			Source:  "Australian Taxation Office, Tax File Number; python-stdnum au.tfn",
			Valid:   []string{"123 456 782"},
			Invalid: []string{"999 999 999"},
		},
		{
			ID: "au.medicare", Name: "Medicare card number", Country: "AU",
			Labels:  []string{"other_personal", "health"},
			Layouts: []string{"9999999999", "99999999999"}, Check: on(medicare), Chance: 0.045,
			Source:  "Services Australia, Medicare number; identique/idnumbers AUS",
			Valid:   []string{"2123 45670 1", "2428 77813 2-1"},
			Invalid: []string{"2429 77813 2-1", "123 456\n789"},
		},
		{
			ID: "au.ihi", Name: "Individual Healthcare Identifier", Country: "AU",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"8003609999999999"}, Check: on(luhn), Chance: 0.1, HeaderOnly: true,
			Source: "Healthcare Identifiers Act 2010; AS 5017: 800360 and Luhn",
		},
		{
			ID: "au.driver_licence", Name: "Driver licence number", Country: "AU", Labels: []string{"other_personal"},
			Layouts: []string{"99999999", "999999999", "9999999999", "999999", "9999999", "A99999", "A9999"},
			Check:   on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source: "Austroads, driver licence and card number by state: six to ten digits, Tasmania and the " +
				"Northern " +
				"Territory others; identique/idnumbers AUS",
			Valid: []string{"12 345 678", "123 456 789", "A12345"},
		},
		{
			ID: "au.abn", Name: "Australian Business Number", Country: "AU", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99999999999", "AU99999999999"}, Chance: 0.011,
			Check: func(n Number) bool {
				c := n.Compact
				if c[0] == 'A' { // AU
					c = c[2:]
				}
				return c[0] != '0' && (weighted(c, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0
			},
			Source:  "Australian Business Register, format of the ABN; python-stdnum au.abn; validator.js isVAT",
			Valid:   []string{"83 914 571 673", "51824753556"},
			Invalid: []string{"99 999 999 999", "AU55613309809", "AU 12345678901", "123 456\n789"},
		},
		{
			ID: "au.acn", Name: "Australian Company Number", Country: "AU", Labels: []string{"company_only"},
			Company: true,
			Layouts: []string{"999999999"}, Chance: 0.1,
			Check:   on(func(c []byte) bool { return number(c) > 0 && weighted(c, 8, 7, 6, 5, 4, 3, 2, 1, 1)%10 == 0 }),
			Source:  "Australian Securities and Investments Commission, ACN check digit; python-stdnum au.acn",
			Valid:   []string{"004 085 616", "010 499 966"},
			Invalid: []string{"999 999 999"},
		},
		{
			ID: "nz.ird", Name: "IRD number", Country: "NZ", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"999999999", "99999999", "NZ999999999", "NZ99999999"}, Check: digitsAfter(ird, "NZ"),
			Chance:  0.09,
			Source:  "Inland Revenue, IRD number validation; python-stdnum nz.ird",
			Valid:   []string{"4909185-0", "NZ 49-098-576"},
			Invalid: []string{"136410133", "9125568"},
		},
		{
			ID: "nz.nhi", Name: "National Health Index number", Country: "NZ",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"AAA9999", "AAA99AA"}, Check: on(nhi), Chance: 0.071,
			Source: "HISO 10046:2024, Consumer Health Identity Standard; Te Whatu Ora, NHI number format changes " +
				"(the new " +
				"form since July 2026, with examples); datacraft.nz, Check digit collisions in the new NHI",
			Unverified: "the modulus of the check letter: 23, worked out from Te Whatu Ora's six examples; numbers " +
				"by the " +
				"earlier draft's 24 pass too",
			Valid: []string{"ZZZ0016", "ZZZ0024", "ZAA0067", "ACA31FM", "ASE37QK", "ARE62RS", "BGJ06AS", "BGA44DT",
				"BWT41BY",
				"ZAD96LT"},
			Invalid: []string{"ZZZ0044", "ZZZ0017", "ACA31FN"},
		},
		{
			ID: "nz.driver_licence", Name: "Driver licence number", Country: "NZ", Labels: []string{"other_personal"},
			Layouts: []string{"AA999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Waka Kotahi NZ Transport Agency: two letters and six digits; identique/idnumbers NZL",
			Valid:  []string{"AA345678"},
		},
		{
			ID: "pg.nid", Name: "National identity number", Country: "PG", Labels: []string{"national_id"},
			Layouts: []string{"9999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "PNG Civil & Identity Registry: ten digits; identique/idnumbers PNG",
			Valid:      []string{"0211907202"},
		},
		{
			ID: "nz.bank_account", Name: "Bank account number", Country: "NZ", Labels: []string{"bank_account"},
			Layouts: []string{"999999999999999", "9999999999999999"}, Chance: 0.4, HeaderOnly: true,
			Check:  func(n Number) bool { return grouped(n.Raw, 2, 6, 13) && n.Compact[0] <= '3' && !same(n.Compact) },
			Source: "Payments NZ: bank, branch, account, suffix; python-stdnum nz.bankaccount",
			Valid:  []string{"01-0242-0100194-00"},
		},
	}
}

func tfn(c []byte) bool {
	if same(c) {
		return false
	}
	if len(c) == 8 {
		return weighted(c, 10, 7, 8, 4, 6, 3, 5, 1)%11 == 0
	}
	return weighted(c, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0
}

// medicare: first digit 2 to 6, check digit at the ninth place, then the issue and, if given, the person on the card.
func medicare(c []byte) bool {
	return c[0] >= '2' && c[0] <= '6' && c[9] != '0' && value(c[8]) == weighted(c, 1, 3, 7, 9, 1, 3, 7, 9)%10
}

func ird(c []byte) bool {
	if n := number(c); n <= 10_000_000 || n >= 150_000_000 {
		return false
	}
	body := c[:len(c)-1]
	var d [8]byte
	copy(d[:], "00000000")
	copy(d[8-len(body):], body)
	r := mod(-weighted(d[:], 3, 2, 7, 6, 5, 4, 3, 2), 11)
	if r == 10 {
		r = mod(-weighted(d[:], 7, 4, 3, 2, 5, 2, 7, 6), 11)
	}
	return lastIs(c, r)
}

// nhi: letters count 1 to 24 without I and O; the old form ends with a digit modulo eleven, the new with a
// letter modulo 23 (24 in the draft of 2019, whose numbers libraries have as examples).
func nhi(c []byte) bool {
	s := 0
	for i, b := range c[:6] {
		v := nhiValue(b)
		if v < 0 {
			return false
		}
		s += v * (7 - i)
	}
	last := c[6]
	if isDigit(last) {
		return isDigit(c[5]) && s%11 != 0 && int(last-'0') == (11-s%11)%10
	}
	return isUpper(c[5]) && (nhiValue(last) == 23-s%23 || nhiValue(last) == 24-s%24)
}

func nhiValue(b byte) int {
	switch {
	case isDigit(b):
		return int(b - '0')
	case b == 'I' || b == 'O':
		return -1
	}
	v := int(b-'A') + 1
	if b > 'O' {
		v--
	}
	if b > 'I' {
		v--
	}
	return v
}
