package ident

func nordics() []Scheme {
	return []Scheme{
		{
			ID: "dk.cpr", Name: "CPR-nummer", Country: "DK", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999"}, Check: func(n Number) bool { return grouped(n.Raw, 6) && cpr(n.Compact) },
			Chance: 0.033,
			Source: "CPR-kontoret, Personnummeret i CPR: mod 11 is not kept since 2007, so the day of birth is the " +
				"test; python-stdnum dk.cpr",
			Valid:   []string{"211062-5629", "2110625629", "0101110230"},
			Invalid: []string{"511062-5629", "061085-178"},
		},
		{
			ID: "dk.cvr", Name: "CVR-nummer", Country: "DK", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99999999", "DK99999999"}, Chance: 0.082,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] != '0' && weighted(c, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
			}, "DK"),
			Source:  "Erhvervsstyrelsen, CVR-nummer; python-stdnum dk.cvr",
			Valid:   []string{"DK 13585628"},
			Invalid: []string{"DK 13585627"},
		},
		{
			ID: "fi.hetu", Name: "Henkilötunnus", Country: "FI", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999", "999999999A", "999999A999A", "999999A9999"}, Check: hetu, Chance: 0.0003,
			Source:  "Digi- ja väestötietovirasto, henkilötunnus (new signs since 2023); python-stdnum fi.hetu",
			Valid:   []string{"131052-308T"},
			Invalid: []string{"131052-308U", "310252-308Y", "131052308T"},
		},
		{
			ID: "fi.ytunnus", Name: "Y-tunnus", Country: "FI", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99999999", "FI99999999"}, Chance: 0.09,
			Check: digitsAfter(func(c []byte) bool {
				return !same(c) && weighted(c, 7, 9, 10, 5, 8, 4, 2, 1)%11 == 0
			}, "FI"),
			Source:  "Patentti- ja rekisterihallitus, Y-tunnus; python-stdnum fi.ytunnus, fi.alv",
			Valid:   []string{"2077474-0", "FI 20774740"},
			Invalid: []string{"2077474-1", "FI 20774741"},
		},
		{
			ID: "no.fodselsnummer", Name: "Fødselsnummer", Country: "NO", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 6) && norwegian(n.Compact, 0) }, Chance: 0.00026,
			Source:  "Skatteetaten, fødselsnummer; python-stdnum no.fodselsnummer",
			Valid:   []string{"151086 95088", "17054026641", "29100207042"},
			Invalid: []string{"15108695077", "43022014103"},
		},
		{
			ID: "no.d_nummer", Name: "D-nummer", Country: "NO", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 6) && norwegian(n.Compact, 40) }, Chance: 0.00026,
			Source:  "Skatteetaten, D-nummer: the day of birth plus 40; example of the Nonin library",
			Valid:   []string{"43022014103"},
			Invalid: []string{"43022014104"},
		},
		{
			ID: "no.orgnr", Name: "Organisasjonsnummer", Country: "NO", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"999999999", "NO999999999", "999999999MVA", "NO999999999MVA"}, Chance: 0.018,
			Check: digitsAfter(func(c []byte) bool {
				return (c[0] == '8' || c[0] == '9') && weighted(c, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
			}, "NO"),
			Source: "Brønnøysundregistrene, organisasjonsnummer (they start with 8 or 9); python-stdnum no.orgnr, " +
				"no.mva",
			Valid:   []string{"988 077 917", "NO 995 525 828 MVA"},
			Invalid: []string{"988 077 918", "NO 995 525 829 MVA"},
		},
		{
			ID: "no.kontonummer", Name: "Kontonummer", Country: "NO", Labels: []string{"bank_account"},
			Layouts: []string{"99999999999"}, Chance: 0.091,
			Check: on(func(c []byte) bool {
				return !same(c) &&
					weighted(c, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
			}),
			Source:  "Finans Norge, kontonummer; python-stdnum no.kontonr",
			Valid:   []string{"8601 11 17947"},
			Invalid: []string{"8601 11 17949"},
		},
		{
			ID: "is.kennitala", Name: "Kennitala", Country: "IS", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999"}, Chance: 0.00084,
			Check: func(n Number) bool {
				return grouped(n.Raw, 6) && kennitala(n.Compact, 0) && kennitalaChecked(n.Compact)
			},
			Source:  "Þjóðskrá Íslands, kennitala; python-stdnum is_.kennitala",
			Valid:   []string{"120174-3399"},
			Invalid: []string{"320174-3399", "450401-3150"},
		},
		{
			ID: "is.kennitala_unchecked", Name: "Kennitala without check digit", Country: "IS",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999"}, HeaderOnly: true, Chance: 0.0089,
			Check:   func(n Number) bool { return grouped(n.Raw, 6) && kennitala(n.Compact, 0) },
			Source:  "Þjóðskrá Íslands: new numbers need not keep the check digit",
			Valid:   []string{"120174-3399"},
			Invalid: []string{"320174-3399"},
		},
		{
			ID: "is.kennitala_felaga", Name: "Kennitala lögaðila", Country: "IS",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999"}, Chance: 0.00085,
			Check: func(n Number) bool {
				return grouped(n.Raw, 6) && kennitala(n.Compact, 40) && kennitalaChecked(n.Compact)
			},
			Source:  "Ríkisskattstjóri, kennitala lögaðila: the day plus 40; python-stdnum is_.kennitala",
			Valid:   []string{"450401-3150"},
			Invalid: []string{"530575-0299", "120174-3399"},
		},
		{
			ID: "ee.isikukood", Name: "Isikukood", Country: "EE", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"}, Check: func(n Number) bool { return grouped(n.Raw) && baltic(n.Compact) },
			Chance:  0.0016,
			Source:  "Rahvastikuregistri seadus; EVS 585:2007; python-stdnum ee.ik",
			Valid:   []string{"36805280109", "37605030299"},
			Invalid: []string{"36805280108", "4-6304 28/0206"},
		},
		{
			ID: "ee.kmkr", Name: "Käibemaksukohustuslase number (KMKR)", Country: "EE",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"EE999999999", "999999999"}, Chance: 0.0011,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] == '1' && c[1] == '0' && weighted(c, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
			}, "EE"),
			Source:  "Maksu- ja Tolliamet, KMKR; python-stdnum ee.kmkr",
			Valid:   []string{"EE 100 931 558", "100594102"},
			Invalid: []string{"100594103"},
		},
		{
			ID: "ee.registrikood", Name: "Registrikood", Country: "EE", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999"}, Check: on(func(c []byte) bool { return oneOf(c[0], "1789") && twoStage(c) }),
			Chance:  0.04,
			Source:  "Äriregister, registrikood; python-stdnum ee.registrikood",
			Valid:   []string{"12345678"},
			Invalid: []string{"12345679", "32345674"},
		},
		{
			ID: "lt.asmens_kodas", Name: "Asmens kodas", Country: "LT", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"}, Check: func(n Number) bool { return grouped(n.Raw) && baltic(n.Compact) },
			Chance:  0.0019,
			Source:  "Gyventojų registro įstatymas; python-stdnum lt.asmens",
			Valid:   []string{"33309240064", "39001010077"},
			Invalid: []string{"33309240164"},
		},
		{
			ID: "lt.pvm", Name: "PVM mokėtojo kodas", Country: "LT", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"999999919", "LT999999919", "999999999919", "LT999999999919"},
			Check:   digitsAfter(twoStage, "LT"), Chance: 0.1,
			Source:  "Valstybinė mokesčių inspekcija, PVM kodas; python-stdnum lt.pvm",
			Valid:   []string{"119511515", "LT 100001919017", "100004801610"},
			Invalid: []string{"100001919018"},
		},
		{
			ID: "lv.personas_kods", Name: "Personas kods", Country: "LV", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999", "LV99999999999"}, Chance: 0.0011,
			Check:   func(n Number) bool { return personasKods(strip(n.Compact, "LV")) },
			Source:  "Fizisko personu reģistra likums; Presidio and validator.js isTaxID; python-stdnum lv.pvn",
			Valid:   []string{"161175-19997", "01011012344"},
			Invalid: []string{"161375-19997"},
		},
		{
			ID: "lv.personas_kods_2017", Name: "Personas kods since July 2017", Country: "LV",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"32999999999", "LV32999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 2, 6) }, Chance: 1, HeaderOnly: true,
			Source: "Fizisko personu reģistra likums: starts with 32, no date, no check digit; identique/idnumbers LVA",
			Valid:  []string{"323691-93794"},
		},
		{
			ID: "lv.pvn", Name: "PVN reģistrācijas numurs", Country: "LV", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99999999999", "LV99999999999"}, Chance: 0.055,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] > '3' && weighted(c, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)%11 == 3
			}, "LV"),
			Source:  "Valsts ieņēmumu dienests, PVN; python-stdnum lv.pvn",
			Valid:   []string{"LV 4000 3521 600"},
			Invalid: []string{"40003521601"},
		},
	}
}

// cpr checks the day of birth; the seventh digit and the year give the century.
func cpr(c []byte) bool {
	yy := number(c[4:6])
	year := 1900 + yy
	switch century := c[6] - '0'; {
	case century >= 5 && century <= 8 && yy >= 58:
		year = 1800 + yy
	case (century == 4 || century == 9) && yy <= 36, century >= 5 && century <= 8:
		year = 2000 + yy
	}
	return validDate(year, number(c[2:4]), number(c[:2]))
}

// hetu checks the day of birth, the century's sign between it and the serial, and the check character. A '-'
// or '+' is not part of the compact form, which is then ten characters long.
func hetu(n Number) bool {
	c := n.Compact
	if len(n.Raw) != 11 {
		return false
	}
	century := 0
	switch sign := n.Raw[6] &^ 0x20; {
	case n.Raw[6] == '+':
		century = 1800
	case n.Raw[6] == '-' || sign >= 'U' && sign <= 'Y':
		century = 1900
	case sign >= 'A' && sign <= 'F':
		century = 2000
	default:
		return false
	}
	serial := number(c[len(c)-4 : len(c)-1])
	if serial < 2 || !validDate(century+number(c[4:6]), number(c[2:4]), number(c[:2])) {
		return false
	}
	return c[len(c)-1] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[(number(c[:6])*1000+serial)%31]
}

// norwegian checks the day of birth, with shift added to its day, the individual number's century and both
// check digits.
func norwegian(c []byte, shift int) bool {
	yy, individual := number(c[4:6]), number(c[6:9])
	year := 0
	switch {
	case individual < 500 || individual >= 900 && yy >= 40:
		year = 1900 + yy
	case individual < 750 && yy >= 54:
		year = 1800 + yy
	case yy < 40:
		year = 2000 + yy
	}
	return validDate(year, number(c[2:4]), number(c[:2])-shift) &&
		weighted(c, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && weighted(c, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// kennitala checks the day, with shift added to it, and the century's digit at the end.
func kennitala(c []byte, shift int) bool {
	century := 2000
	switch c[9] {
	case '8':
		century = 1800
	case '9':
		century = 1900
	case '0':
	default:
		return false
	}
	return validDate(century+number(c[4:6]), number(c[2:4]), number(c[:2])-shift)
}

func kennitalaChecked(c []byte) bool { return weighted(c, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 }

// baltic checks an Estonian or Lithuanian personal code: century and sex, day of birth, serial, check digit
// in two stages.
func baltic(c []byte) bool {
	century := 1800 + int(c[0]-'1')/2*100
	return c[0] >= '1' && c[0] <= '6' && validDate(century+number(c[1:3]), number(c[3:5]), number(c[5:7])) &&
		twoStage(c)
}

// twoStage: weights 1 to 9 and round again, modulo eleven; where that gives ten, weights from 3 on, and
// where that gives ten too, zero.
func twoStage(c []byte) bool {
	r := rising(c[:len(c)-1], 0)
	if r == 10 {
		r = rising(c[:len(c)-1], 2)
	}
	return lastIs(c, r%10)
}

func rising(c []byte, from int) int {
	s := 0
	for i, b := range c {
		s += ((i+from)%9 + 1) * int(b-'0')
	}
	return s % 11
}

// personasKods checks the day of birth (month 00 where it is not known), the century's digit and the check
// digit of the old numbers.
func personasKods(c []byte) bool {
	if c[6] > '2' {
		return false
	}
	if month := number(c[2:4]); month != 0 && !validDate(1800+100*int(c[6]-'0')+number(c[4:6]), month, number(c[:2])) {
		return false
	}
	return lastIs(c, (1101-weighted(c, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))%11%10)
}
