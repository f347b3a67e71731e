package ident

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
			ID: "za.vat", Name: "VAT registration number", Country: "ZA", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"4999999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "South African Revenue Service: ten digits that start with 4; stdnum-js za.vat",
			Valid:   []string{"499 9999 999"},
			Invalid: []string{"399 9999 999"},
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
			ID: "eg.tax_number", Name: "رقم التسجيل الضريبي", Country: "EG", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"999999999"}, Chance: 1, HeaderOnly: true,
			Check: func(n Number) bool { return grouped(n.Raw, 3, 6) && !same(n.Compact) },
			Source: "Egyptian Tax Authority: nine digits in three groups, no published check digit; python-stdnum " +
				"eg.tn",
			Valid: []string{"100-531-385", "٣٣١-١٠٥-٢٦٨"},
		},
		{
			ID: "sn.ninea", Name: "Numéro d'Identification Nationale des Entreprises et Associations (NINEA)",
			Country: "SN", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"9999999", "99999999", "999999999", "99999999A9", "999999999A9", "9999999999A9"},
			Check:   on(ninea), Chance: 0.1,
			Source: "Décret n° 95-364 du 14 avril 1995 (also for natural persons); Direction Générale des Impôts et " +
				"des Domaines, COFI; python-stdnum sn.ninea",
			Unverified: "the check digit: weights 1 and 2 in turn, as in python-stdnum",
			Valid:      []string{"306 7221", "30672212G2", "3067221 2G2", "3067221/2/G/2"},
			Invalid:    []string{"3067222", "12345679A0", "12345670I0"},
		},
		{
			ID: "dz.nif", Name: "Numéro d'Identification Fiscale (NIF)", Country: "DZ",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"999999999999999", "99999999999999999999"},
			Check:   on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source: "Direction Générale des Impôts d'Algérie: fifteen digits, twenty with the establishment; " +
				"python-stdnum dz.nif",
			Valid:   []string{"416001000000007", "408 020 000 150 039", "000 216 001 808 337 13010"},
			Invalid: []string{"41600100000000"},
		},
		{
			ID: "gn.nifp", Name: "Numéro d'Identification Fiscale Permanent (NIFp)", Country: "GN",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"999999999"}, Check: on(func(c []byte) bool { return c[0] != '0' && luhn(c) }),
			Chance:     0.09,
			Source:     "Direction Nationale des Impôts de Guinée; python-stdnum gn.nifp",
			Unverified: "the check digit: Luhn, as in python-stdnum",
			Valid:      []string{"693770885", "693-770-885"},
			Invalid:    []string{"693770880"},
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
			Layouts: tunisianLayouts(), Check: on(func(c []byte) bool { return tunisian(c, true) }), Chance: 0.038,
			Source: "Ministère des Finances de Tunisie: serial, control letter, VAT code, category, establishment; " +
				"python-stdnum tn.mf",
			Unverified: "the control letter (weights 7 to 1 modulo 23), worked out from published numbers: 142 of " +
				"147 keep it",
			Valid:   []string{"1282182 W", "1182431M/A/M/000", "000 123 LAM 000", "868024/D/A/M/000", "1496298/T"},
			Invalid: []string{"1219773U", "1282182 V", "1182431M/A/X/000", "1182431M/A/M/001"},
		},
		{
			ID: "tn.mf_shape", Name: "Matricule fiscal, any control letter", Country: "TN",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: tunisianLayouts(), Check: on(func(c []byte) bool { return tunisian(c, false) }), Chance: 0.88,
			HeaderOnly: true,
			Source:     "Ministère des Finances de Tunisie; python-stdnum tn.mf",
			Valid:      []string{"1234567/M/A/E/001", "121/J"},
			Invalid:    []string{"1219773U", "1234567/M/A/X/000"},
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
			ID: "mz.nuit", Name: "Número Único de Identificação Tributária (NUIT)", Country: "MZ",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"999999999"}, Chance: 0.1,
			Check: on(func(c []byte) bool {
				r := weighted(c, 8, 9, 4, 5, 6, 7, 8, 9) % 11
				return number(c) > 0 && (lastIs(c, r) || r == 10 && lastIs(c, 1))
			}),
			Source:     "Autoridade Tributária de Moçambique, NUIT; python-stdnum mz.nuit",
			Unverified: "the weights of the check digit, worked out from published numbers: all of 81 keep them",
			Valid:      []string{"400339910", "400 005 834", "100.033.593"},
			Invalid:    []string{"101935626"},
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

// ninea: weights 1 and 2 over the number filled up to nine digits; behind it the fiscal regime (0 to 2), the
// letter of the tax office (no I or O) and the legal form.
func ninea(c []byte) bool {
	n := len(c)
	if n >= 10 || !isDigit(c[n-2]) {
		n -= 3
		if c[n] > '2' || oneOf(c[n+1], "IO") {
			return false
		}
	}
	s := 0
	for i := range n {
		s += int(c[n-1-i]-'0') * (1 + i%2)
	}
	return number(c[:n]) > 0 && s%10 == 0
}

// tunisianLayouts are serials of three to seven digits, zeros before them being left out, with the control
// letter alone and with all that may follow it.
func tunisianLayouts() []string {
	var layouts []string
	for digits := "999"; len(digits) <= 7; digits += "9" {
		layouts = append(layouts, digits+"A", digits+"AAA999")
	}
	return layouts
}

// tunisian checks the control letter if it is asked for (there is no I, O or U), VAT code, category, and that only a
// category E has an establishment.
func tunisian(c []byte, checked bool) bool {
	const alphabet = "ABCDEFGHJKLMNPQRSTVWXYZ"
	at, s := 0, 0
	for isDigit(c[at]) {
		at++
	}
	for i := range at {
		s += (at - i) * int(c[i]-'0')
	}
	if number(c[:at]) == 0 || oneOf(c[at], "IOU") || checked && c[at] != alphabet[s%23] {
		return false
	}
	rest := c[at+1:]
	return len(rest) == 0 ||
		oneOf(rest[0], "ABPDN") && oneOf(rest[1], "MPCNE") && (rest[1] == 'E') == (number(rest[2:]) > 0)
}

func mauritian(c []byte) bool {
	if !ddmmyy(c[1:7]) {
		return false
	}
	s := weighted(c, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	return value(c[13]) == mod(-s, 17)
}
