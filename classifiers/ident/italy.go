package ident

func italy() []Scheme {
	return []Scheme{
		{
			ID: "it.codice_fiscale", Name: "Codice fiscale", Country: "IT", Labels: []string{"tax_id", "national_id"},
			Layouts: []string{"AAAAAA??A??A???A"}, Check: on(codiceFiscale), Chance: 2e-5,
			Source:  "Decreto ministeriale 23/12/1976; python-stdnum it.codicefiscale; validator.js isTaxID",
			Valid:   []string{"RCCMNL83S18D969H"},
			Invalid: []string{"RCCMNL83S18D969A", "RCCMNL83S18D969", "AAPPRY77D15H501F"},
		},
		{
			ID: "it.codice_fiscale_provvisorio", Name: "Codice fiscale provvisorio", Country: "IT",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"99999999999"}, Check: on(partitaIVA), Chance: 0.01, HeaderOnly: true,
			Source:  "Agenzia delle Entrate, codice fiscale provvisorio; python-stdnum it.codicefiscale",
			Valid:   []string{"00743110157"},
			Invalid: []string{"00743110158"},
		},
		{
			ID: "it.partita_iva", Name: "Partita IVA", Country: "IT", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"99999999999", "IT99999999999"}, Check: digitsAfter(partitaIVA, "IT"), Chance: 0.01,
			Source:  "Agenzia delle Entrate, partita IVA; python-stdnum it.iva",
			Valid:   []string{"IT 00743110157", "00743110157"},
			Invalid: []string{"00743110158"},
		},
		{
			ID: "it.carta_identita", Name: "Carta d'identità", Country: "IT", Labels: []string{"national_id"},
			Layouts: []string{"AA9999999", "9999999AA", "CA99999AA"}, HeaderOnly: true, Chance: 1,
			Check:   on(func(c []byte) bool { return string(c) != "CA00000AA" }),
			Source:  "Ministero dell'Interno, carta di identità elettronica: CA00000AA is the specimen",
			Invalid: []string{"CA00000AA", "CB2342TG", "C1236EC"},
		},
		{
			ID: "it.patente", Name: "Patente di guida", Country: "IT", Labels: []string{"other_personal"},
			Layouts: []string{"AA9999999A", "U1??????A"}, HeaderOnly: true, Chance: 1,
			Check: on(func(c []byte) bool {
				return len(c) == 10 || within(c[2:8], "BCDFGHLJKMNPRSTUWYXZ0123456789")
			}),
			Source:  "Direzione Generale per la Motorizzazione; Presidio IT_DRIVER_LICENSE",
			Invalid: []string{"U1H00A000B"},
		},
		{
			ID: "it.tessera_sanitaria", Name: "Tessera europea di assicurazione malattia", Country: "IT",
			Labels:  []string{"other_personal", "health"},
			Layouts: []string{"80380999999999999999"}, HeaderOnly: true, Chance: 1, Check: shape,
			Source: "Decreto 11/03/2004, tessera sanitaria: 80, Italy 380, then the region and the card",
		},
	}
}

// codiceFiscale checks the sixteen characters of a person's code: the rule that makes three letters of a
// name, the day of birth with the digits that omocodia turns to letters, the cadastral code's first letter,
// and the check letter.
func codiceFiscale(c []byte) bool {
	if !nameCode(c[:3]) || !nameCode(c[3:6]) {
		return false
	}
	var d [16]int
	for _, i := range [...]int{6, 7, 9, 10, 12, 13, 14} {
		if d[i] = omocode(c[i]); d[i] < 0 {
			return false
		}
	}
	month := 0
	for i, m := range []byte("ABCDEHLMPRST") {
		if c[8] == m {
			month = i + 1
		}
	}
	day := d[9]*10 + d[10]
	if day > 40 {
		day -= 40
	}
	if !validDay(d[6]*10+d[7], month, day) || c[11] > 'M' && c[11] != 'Z' {
		return false
	}
	s := 0
	for i, b := range c[:15] {
		v := value(b)
		if v > 9 {
			v -= 10
		}
		if i%2 == 0 {
			v = codiceFiscaleOdd[v]
		}
		s += v
	}
	return int(c[15]-'A') == s%26
}

// codiceFiscaleOdd are the values of 0 to 9 and A to Z at odd places.
var codiceFiscaleOdd = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
	23}

// omocode returns the digit that c stands for, -1 if it is neither a digit nor one of the letters that replace digits.
func omocode(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	for i, b := range []byte("LMNPQRSTUV") {
		if b == c {
			return i
		}
	}
	return -1
}

// nameCode reports whether three letters can be the code of a name: its consonants, then its vowels, then X.
func nameCode(c []byte) bool {
	const vowels = "AEIOU"
	stage := 0 // 0 consonants, 1 vowels, 2 filler
	for _, b := range c {
		switch {
		case oneOf(b, vowels):
			if stage == 2 {
				return false
			}
			stage = 1
		case stage > 0:
			if b != 'X' {
				return false
			}
			stage = 2
		}
	}
	return true
}

// partitaIVA checks seven digits of the taxpayer, three of the office and the Luhn digit.
func partitaIVA(c []byte) bool {
	office := number(c[7:10])
	issued := office >= 1 && office <= 100 || office == 120 || office == 121 || office == 888 || office == 999
	return issued && number(c[:7]) > 0 && luhn(c)
}
