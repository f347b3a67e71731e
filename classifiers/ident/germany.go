package ident

func germany() []Scheme {
	return []Scheme{
		{
			ID: "de.idnr", Name: "Steuerliche Identifikationsnummer (IdNr)", Country: "DE",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"99999999999"}, Check: on(idnr), Chance: 0.0033,
			Source: "§ 139b AO; Bundeszentralamt für Steuern, Prüfziffernberechnung; python-stdnum de.idnr; " +
				"Presidio DE_TAX_ID",
			Valid:   []string{"36 574 261 809", "12345678903", "98765432106"},
			Invalid: []string{"36574261890", "36554266806", "65999970489"},
		},
		{
			ID: "de.rvnr", Name: "Rentenversicherungsnummer", Country: "DE", Labels: []string{"national_id"},
			Layouts: []string{"99999999A999"}, Check: on(rvnr), Chance: 0.0036,
			Source:  "§ 4 VKVV; Presidio DE_SOCIAL_SECURITY",
			Valid:   []string{"15070649C103", "20151090B023"},
			Invalid: []string{"15070649C104"},
		},
		{
			ID: "de.kvnr", Name: "Krankenversichertennummer", Country: "DE",
			Labels:  []string{"other_personal", "health"},
			Layouts: []string{"A999999999"}, Check: on(kvnr), Chance: 0.1,
			Source:  "§ 290 SGB V, Richtlinie Krankenversichertennummer; Presidio DE_HEALTH_INSURANCE",
			Valid:   []string{"Z000000005", "a123456780"},
			Invalid: []string{"A123456781"},
		},
		{
			ID: "de.personalausweis", Name: "Seriennummer des Personalausweises mit Prüfziffer", Country: "DE",
			Labels:  []string{"national_id"},
			Layouts: []string{"A????????9", "A????????9D"}, Chance: 0.0044,
			Check: on(func(c []byte) bool { return ausweis(c, "LMNPRTVWXYZ") }),
			Source: "Personalausweisverordnung, Anhang; specimen of the Bundesministerium des Innern; stdnum-js " +
				"de.pwnr, with " +
				"the D of the line for machines",
			Valid:   []string{"T220001293", "T220001293D"},
			Invalid: []string{"T220001294", "T220001294D"},
		},
		{
			ID: "de.personalausweis_alt", Name: "Seriennummer des Personalausweises bis 2010", Country: "DE",
			Labels:  []string{"national_id"},
			Layouts: []string{"9999999999D", "999999999999999999999999D9", "9999999999D999999999999999"}, Chance: 0.1,
			Check: on(oldAusweis),
			Source: "stdnum-js de.pwnr: authority, serial, check digit, D; or with the days of birth and expiry " +
				"behind them",
			Unverified: "the order of the parts of the long form",
			Valid: []string{"2406055684D", "240605568468102030705109D6", "2406055684-6810203-0705109-D-6",
				"1220001297D 6408125 1710319 8"},
			Invalid: []string{"2406055685D", "240605568468102030705109D7"},
		},
		{
			ID: "de.personalausweis_ohne_pruefziffer", Name: "Seriennummer des Personalausweises", Country: "DE",
			Labels:  []string{"national_id"},
			Layouts: []string{"A????????"}, Chance: 0.042, HeaderOnly: true,
			Check:  on(func(c []byte) bool { return oneOf(c[0], "LMNPRTVWXYZ") && within(c, ausweisAlphabet) }),
			Source: "Personalausweisverordnung, Anhang; Presidio DE_ID_CARD",
			Valid:  []string{"T00000000", "T22000129"},
		},
		{
			ID: "de.reisepass", Name: "Reisepassnummer mit Prüfziffer", Country: "DE", Labels: []string{"passport"},
			Layouts: []string{"A????????9", "A????????9D"}, Chance: 0.0025,
			Check:   on(func(c []byte) bool { return ausweis(c, "CFGHJK") }),
			Source:  "Passverordnung, Anlage; specimen of the Bundesministerium des Innern",
			Valid:   []string{"C01X00T478"},
			Invalid: []string{"C01X00T479"},
		},
		{
			ID: "de.reisepass_ohne_pruefziffer", Name: "Reisepassnummer", Country: "DE", Labels: []string{"passport"},
			Layouts: []string{"A????????", "999999999"}, Chance: 1, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				return isDigit(c[0]) || oneOf(c[0], "CFGHJK") &&
					within(c, ausweisAlphabet)
			}),
			Source: "Passverordnung, Anlage; Presidio DE_PASSPORT; nine digits before November 2007",
			Valid:  []string{"C01X00T47", "C01234565"},
		},
		{
			ID: "de.steuernummer", Name: "Steuernummer", Country: "DE", Labels: []string{"tax_id"},
			Layouts: []string{"9999999999", "99999999999", "9999999999999"}, Chance: 1, HeaderOnly: true,
			Check: func(n Number) bool {
				return (len(n.Compact) == 13 || len(n.Raw) > len(n.Compact)) && steuernummer(n.Compact)
			},
			Source:  "ELSTER, Prüfung der Steuernummer; python-stdnum de.stnr; Presidio DE_TAX_NUMBER",
			Valid:   []string{"181/815/0815 5", "201/123/12340", "4151081508156", "0181508150000"},
			Invalid: []string{"136695978", "65999970489"},
		},
		{
			ID: "de.fuehrerschein", Name: "Führerscheinnummer", Country: "DE", Labels: []string{"other_personal"},
			Layouts: []string{"?9???????9?", "?9???????X?"}, Chance: 0.093, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				d := fuehrerscheinDigit(c)
				return c[9] == 'X' && d == 10 || c[9] != 'X' && value(c[9]) == d
			}),
			Source: "Wikipedia, Führerscheinnummer, with the specimen's number worked out: authority, serial, check " +
				"digit, " +
				"issue",
			Valid:   []string{"B072RRE2I55"},
			Invalid: []string{"B072RRE2I45", "B12345678A"},
		},
		{
			ID: "de.lanr", Name: "Lebenslange Arztnummer (LANR)", Country: "DE", Labels: []string{"other_personal"},
			Layouts: []string{"999999999"}, Check: on(lanr), Chance: 0.1,
			Source: "Kassenärztliche Bundesvereinigung, Richtlinie nach § 75 Abs. 7 SGB V, Anlage 1: weights 4 and " +
				"9, pseudo numbers 5555557 and 9999999",
			Valid:   []string{"555555700"},
			Invalid: []string{"123456789"},
		},
		{
			ID: "de.bsnr", Name: "Betriebsstättennummer (BSNR)", Country: "DE", Labels: []string{"other_personal"},
			Layouts: []string{"999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "Kassenärztliche Bundesvereinigung, Richtlinie nach § 75 Abs. 7 SGB V; Presidio DE_BSNR",
			Valid:      []string{"991234567"},
			Invalid:    []string{"0212345689"},
		},
		{
			ID: "de.handelsregister", Name: "Handelsregisternummer", Country: "DE", Labels: []string{"company_only"},
			Company: true,
			Check:   handelsregister, Chance: 0.0003,
			Source:  "Handelsregisterverordnung; python-stdnum de.handelsregisternummer; Presidio DE_HANDELSREGISTER",
			Valid:   []string{"HRB 123456", "Aachen HRA 11223"},
			Invalid: []string{"Aachen HRC 44123", "HRB", "123456"},
		},
		{
			ID: "de.ust_idnr", Name: "Umsatzsteuer-Identifikationsnummer", Country: "DE",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"DE999999999", "999999999"},
			Check:   digitsAfter(func(c []byte) bool { return c[0] != '0' && mod1110(c) }, "DE"), Chance: 0.09,
			Source:  "Bundeszentralamt für Steuern, USt-IdNr.; python-stdnum de.vat; Presidio DE_VAT_ID",
			Valid:   []string{"DE136695976", "DE129273398"},
			Invalid: []string{"136695978", "DE1234567890"},
		},
	}
}

// ausweisAlphabet are the characters of German documents: no vowels, nothing that looks like a digit.
const ausweisAlphabet = "CFGHJKLMNPRTVWXYZ0123456789"

func ausweis(c []byte, first string) bool {
	return oneOf(c[0], first) && within(c[:9], ausweisAlphabet) && lastIs(c[:10], icao731(c[:9]))
}

// oldAusweis checks the number, and if they follow the day of birth, the day of expiry and the digit over all.
func oldAusweis(c []byte) bool {
	if !lastIs(c[:10], icao731(c[:9])) {
		return false
	}
	if len(c) == 11 {
		return true
	}
	var d [25]byte // without the D
	n := copy(d[:], c[:10])
	for _, b := range c[10:] {
		if b != 'D' {
			d[n] = b
			n++
		}
	}
	return yymmdd(d[10:16]) && lastIs(d[:17], icao731(d[10:16])) && yymmdd(d[17:23]) &&
		lastIs(d[:24], icao731(d[17:23])) && lastIs(d[:], icao731(d[:24]))
}

// idnr: among the first ten digits one occurs twice or thrice (thrice not in a row), the others at most once.
func idnr(c []byte) bool {
	var count [10]int
	for _, b := range c[:10] {
		count[b-'0']++
	}
	repeated := 0
	for _, k := range count {
		if k > 3 {
			return false
		}
		if k > 1 {
			repeated++
		}
	}
	for i := range 8 {
		if c[i] == c[i+1] && c[i] == c[i+2] {
			return false
		}
	}
	return c[0] != '0' && repeated <= 1 && mod1110(c)
}

// steuernummer: ten digits, eleven where the office has three (they start with 0 to 3), or thirteen, which
// begin with the number of the state in one of two countings.
func steuernummer(c []byte) bool {
	switch len(c) {
	case 11:
		return c[0] <= '3' && !same(c)
	case 13:
		state := number(c[:2])
		return state >= 1 && state <= 16 || state >= 21 && state <= 32 || state == 40 || state == 41 || c[0] == '5' ||
			c[0] == '9'
	}
	return !same(c)
}

// rvnr: area, day of birth, initial, serial; the initial counts as its place in the alphabet, products as
// the sum of their digits.
func rvnr(c []byte) bool {
	if number(c[:2]) < 2 || !ddmmyy(c[2:8]) {
		return false
	}
	letter := int(c[8]-'A') + 1
	weights := [12]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1}
	d := [12]int{0, 0, 0, 0, 0, 0, 0, 0, letter / 10, letter % 10, value(c[9]), value(c[10])}
	s := 0
	for i, w := range weights {
		if i < 8 {
			d[i] = value(c[i])
		}
		s += digitSum(w * d[i])
	}
	return lastIs(c, s%10)
}

// kvnr: the letter counts as its place in the alphabet in two digits, weights 1 and 2, products as the sum
// of their digits.
func kvnr(c []byte) bool {
	letter := int(c[0]-'A') + 1
	s := letter/10 + digitSum(2*(letter%10))
	for i, b := range c[1:9] {
		s += digitSum((1 + i%2) * int(b-'0'))
	}
	return lastIs(c, s%10)
}

// digitSum adds the two digits of a number below a hundred.
func digitSum(n int) int { return n/10 + n%10 }

// fuehrerscheinDigit weighs the nine characters before the check digit 9 to 1; ten is written X.
func fuehrerscheinDigit(c []byte) int { return weighted(c, 9, 8, 7, 6, 5, 4, 3, 2, 1) % 11 }

func lanr(c []byte) bool {
	if s := string(c[:7]); s == "5555557" || s == "9999999" {
		return true
	}
	return !same(c[:7]) && value(c[6]) == mod(-weighted(c, 4, 9, 4, 9, 4, 9), 10)
}

// handelsregister looks for the register's letters, a number of one to six digits and at most two letters
// (Berlin) at the end of the value, with or without the court before them.
func handelsregister(n Number) bool {
	b := n.Raw
	if len(b) < 4 || len(b) > maxLen {
		return false
	}
	for letters := 0; letters < 2 && len(b) > 1 && isUpper(b[len(b)-1]); letters++ {
		b = b[:len(b)-1]
	}
	b = trimRight(b)
	end := len(b)
	for len(b) > 0 && isDigit(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if digits := end - len(b); digits == 0 || digits > 6 {
		return false
	}
	b = trimRight(b)
	for _, register := range [...]string{"HRA", "HRB", "GnR", "GNR", "PR", "VR"} {
		if at := len(b) - len(register); at >= 0 && string(b[at:]) == register {
			return at == 0 || b[at-1] == ' '
		}
	}
	return false
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
