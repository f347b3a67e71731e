package ident

func smallStates() []Scheme {
	return []Scheme{
		{
			ID: "ad.nrt", Name: "Número de Registre Tributari (NRT) de persones físiques", Country: "AD",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"F999999A", "E999999A", "ADF999999A", "ADE999999A"}, HeaderOnly: true, Chance: 1,
			Check: digitsAfter(func(c []byte) bool { return c[0] == 'E' || number(c[1:7]) < 700000 }, "AD"),
			Source: "OECD, tax identification numbers, Andorra: F and the NIA for residents, E for others, a control " +
				"letter whose rule is not published; python-stdnum ad.nrt",
			Valid:   []string{"F-221117-V", "F-000429-F"},
			Invalid: []string{"F700000A", "X123456A"},
		},
		{
			ID: "ad.nrt_entitat", Name: "Número de Registre Tributari (NRT) d'entitats", Country: "AD",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"A999999A", "ADA999999A"}, HeaderOnly: true, Chance: 0.24,
			Check: digitsAfter(func(c []byte) bool {
				n := number(c[1:7])
				if c[0] == 'A' || c[0] == 'L' { // societat anònima, societat limitada
					return n >= 700000 && n < 800000
				}
				return oneOf(c[0], "CDGOPU")
			}, "AD"),
			Source:  "OECD, tax identification numbers, Andorra; python-stdnum ad.nrt",
			Valid:   []string{"U-132950-X", "U 132.950 X", "A-700555-R", "L709811-C", "ADC000000C"},
			Invalid: []string{"A699999X", "A800000X", "L699999X", "I 706193 G"},
		},
		{
			ID: "fo.p_tal", Name: "P-tal", Country: "FO", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999"}, HeaderOnly: true, Chance: 0.037,
			Check:  func(n Number) bool { return grouped(n.Raw, 6) && ddmmyy(n.Compact) },
			Source: "OECD, tax identification numbers, Faroe Islands: day of birth and three digits",
		},
		{
			ID: "fo.v_tal", Name: "V-tal", Country: "FO", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"999999", "FO999999"}, HeaderOnly: true, Chance: 1,
			Check:   on(func(c []byte) bool { return !same(c[len(c)-6:]) }),
			Source:  "OECD, tax identification numbers, Faroe Islands: six digits; python-stdnum fo.vn",
			Valid:   []string{"623857", "602 590", "FO384941"},
			Invalid: []string{"12345"},
		},
		{
			ID: "mc.tva", Name: "Numéro de TVA", Country: "MC", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"FR99000999999", "99000999999"}, Chance: 0.01,
			Check: digitsAfter(func(c []byte) bool { return (12+3*(number(c[2:])%97))%97 == number(c[:2]) }, "FR"),
			Source: "European Commission, VIES: the numbers of Monaco are French ones whose nine digits start with " +
				"three zeros; python-stdnum mc.tva",
			Valid:   []string{"53 0000 04605", "FR53000004605"},
			Invalid: []string{"54 0000 04605"},
		},
		{
			ID: "sm.iss", Name: "Codice ISS", Country: "SM", Labels: []string{"national_id", "health"},
			Layouts: []string{"999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "OECD, tax identification numbers, San Marino: nine digits; identique/idnumbers SMR",
			Valid:      []string{"123456789"},
		},
		{
			ID: "sm.coe", Name: "Codice operatore economico (COE)", Country: "SM",
			Labels:  []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99", "999", "9999", "99999", "999999", "SM99999"}, Check: shape, Chance: 1,
			HeaderOnly: true,
			Source:     "OECD, tax identification numbers, San Marino; python-stdnum sm.coe",
			Valid:      []string{"51", "024165", "SM 12345"},
		},
	}
}
