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
			Source:  "Ministry of Health, HISO 10046 Consumer Health Identity Standard: the examples of its annex",
			Valid:   []string{"ZZZ0016", "ZZZ0024"},
			Invalid: []string{"ZZZ0044", "ZZZ0017"},
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

func africa() []Scheme {
	return []Scheme{
		{
			ID: "za.id", Name: "South African identity number", Country: "ZA",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999"}, Chance: 0.0011,
			Check: on(func(c []byte) bool {
				return yymmdd(c[:6]) && c[10] <= '2' && luhn(c)
			}),
			Source: "Department of Home Affairs, Identification Act 68 of 1997; python-stdnum za.idnr; Presidio " +
				"ZA_ID_NUMBER",
			Valid:   []string{"7503305044089", "8001015009087"},
			Invalid: []string{"8503305044089", "9913326789285", "AB8001015009087CD"},
		},
		{
			ID: "za.tin", Name: "Income tax reference number", Country: "ZA",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"9999999999"},
			Check:   on(func(c []byte) bool { return oneOf(c[0], "01239") && !same(c) && luhn(c) }), Chance: 0.05,
			Source:  "South African Revenue Service; python-stdnum za.tin",
			Valid:   []string{"0001339050"},
			Invalid: []string{"2449/494/16/0"},
		},
		{
			ID: "ng.nin", Name: "National Identification Number", Country: "NG", Labels: []string{"national_id"},
			Layouts: []string{"99999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "National Identity Management Commission: eleven digits; identique/idnumbers NGA",
			Valid:      []string{"12345678901"},
			Invalid:    []string{"1234567890A"},
		},
		{
			ID: "ng.bvn", Name: "Bank Verification Number", Country: "NG",
			Labels:  []string{"bank_account", "national_id"},
			Layouts: []string{"22999999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Nigeria Inter-Bank Settlement System: eleven digits that start with 22",
		},
		{
			ID: "ke.pin", Name: "KRA PIN", Country: "KE", Labels: []string{"tax_id"},
			Layouts: []string{"A999999999A"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Kenya Revenue Authority: A for persons; python-stdnum ke.pin",
			Valid:   []string{"A004416331M"},
			Invalid: []string{"12345", "V1234567890"},
		},
		{
			ID: "ke.pin_company", Name: "KRA PIN of a company", Country: "KE",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"P999999999A"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Kenya Revenue Authority: P for others than persons; python-stdnum ke.pin",
			Valid:   []string{"P051365947M"},
			Invalid: []string{"12345"},
		},
		{
			ID: "gh.tin", Name: "Taxpayer Identification Number", Country: "GH",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"A009999999?"}, Check: on(ghanaian), Chance: 0.0051,
			Source:  "Ghana Revenue Authority; python-stdnum gh.tin",
			Valid:   []string{"C0000803561"},
			Invalid: []string{"C0000803562"},
		},
		{
			ID: "gh.card", Name: "Ghana Card personal identification number", Country: "GH",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"GHA9999999999"}, HeaderOnly: true, Chance: 0.038,
			Check:  on(func(c []byte) bool { return c[2] == 'A' }),
			Source: "National Identification Authority of Ghana: GHA, nine digits and one more",
		},
		{
			ID: "eg.national_id", Name: "الرقم القومي", Country: "EG", Labels: []string{"national_id"},
			Layouts: []string{"29999999999999", "39999999999999"}, Check: on(egyptian), Chance: 0.013, HeaderOnly: true,
			Source: "Egyptian Ministry of Interior: century, day of birth, governorate, serial, check digit whose " +
				"rule is not published",
		},
		{
			ID: "ma.ice", Name: "Identifiant Commun de l'Entreprise", Country: "MA",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"999999999999999"}, Check: on(func(c []byte) bool { return !same(c) && mod97(c) == 0 }),
			Chance:  0.01,
			Source:  "Direction Générale des Impôts du Maroc; python-stdnum ma.ice",
			Valid:   []string{"001561191000066", "00 21 36 09 30 00 040"},
			Invalid: []string{"001561191000065"},
		},
		{
			ID: "ma.cin", Name: "Carte nationale d'identité électronique", Country: "MA",
			Labels:  []string{"national_id"},
			Layouts: []string{"A999999", "AA999999", "AA99999", "A99999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Direction Générale de la Sûreté Nationale: one or two letters, five or six digits",
		},
		{
			ID: "tn.cin", Name: "Carte d'identité nationale", Country: "TN", Labels: []string{"national_id"},
			Layouts: []string{"99999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "Ministère de l'Intérieur de Tunisie: eight digits; validator.js isIdentityCard",
		},
		{
			ID: "tn.mf", Name: "Matricule fiscal", Country: "TN", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"9999999AAA999", "9999999A"}, Check: on(tunisian), Chance: 0.88,
			Source:  "Ministère des Finances de Tunisie; python-stdnum tn.mf",
			Valid:   []string{"1234567/M/A/E/001", "1282182 W"},
			Invalid: []string{"1219773U", "1234567/M/A/X/000"},
		},
		{
			ID: "ly.nin", Name: "الرقم الوطني", Country: "LY", Labels: []string{"national_id"},
			Layouts: []string{"199999999999", "299999999999"}, HeaderOnly: true, Chance: 0.014,
			Check:   on(func(c []byte) bool { year := number(c[1:5]); return year >= 1900 && year <= horizon }),
			Source:  "Civil Registration Authority of Libya: sex, year of birth, serial; validator.js isIdentityCard",
			Invalid: []string{"1234567890"},
		},
		{
			ID: "mz.bi", Name: "Bilhete de Identidade", Country: "MZ", Labels: []string{"national_id"},
			Layouts: []string{"999999999999A"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Direcção Nacional de Identificação Civil; stdnum-js mz.bi",
			Valid:   []string{"110504162779A", "1105 0416 2779A"},
			Invalid: []string{"1234567890123"},
		},
		{
			ID: "ao.bi", Name: "Bilhete de Identidade", Country: "AO", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999AA999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Ministério da Justiça de Angola; stdnum-js ao.bi",
			Valid:   []string{"007128828LA043"},
			Invalid: []string{"0000100441CA037"},
		},
		{
			ID: "mu.nid", Name: "National Identity Number", Country: "MU", Labels: []string{"national_id"},
			Layouts: []string{"A999999999999?"}, Check: on(mauritian), Chance: 0.00098,
			Source:  "Civil Status Division of Mauritius; stdnum-js mu.nid",
			Valid:   []string{"M090497290349B", "L2207971502833"},
			Invalid: []string{"M090497290348B"},
		},
		{
			ID: "zw.national_id", Name: "National Registration Number", Country: "ZW", Labels: []string{"national_id"},
			Layouts: []string{"99999999A99", "999999999A99"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Registrar General of Zimbabwe: district, serial, check letter, district of origin; " +
				"identique/idnumbers ZWE",
			Valid: []string{"63123456G02"},
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
// letter modulo 24.
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
	return isUpper(c[5]) && nhiValue(last) == 24-s%24
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

func ghanaian(c []byte) bool {
	d := weighted(c[1:], 1, 2, 3, 4, 5, 6, 7, 8, 9) % 11
	if d == 10 {
		return oneOf(c[0], "PCGQV") && c[10] == 'X'
	}
	return oneOf(c[0], "PCGQV") && lastIs(c, d)
}

func egyptian(c []byte) bool {
	governorate := number(c[7:9])
	return validDate(1700+100*int(c[0]-'0')+number(c[1:3]), number(c[3:5]), number(c[5:7])) &&
		(governorate >= 1 && governorate <= 35 || governorate == 88)
}

// tunisian: serial, control letter (not I, O, U), VAT code, category, establishment.
func tunisian(c []byte) bool {
	if oneOf(c[7], "IOU") {
		return false
	}
	return len(c) == 8 || oneOf(c[8], "ABPDN") && oneOf(c[9], "MPCNE") && (c[9] == 'E') == (number(c[10:]) > 0)
}

func mauritian(c []byte) bool {
	if !ddmmyy(c[1:7]) {
		return false
	}
	s := weighted(c, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	return value(c[13]) == mod(-s, 17)
}
