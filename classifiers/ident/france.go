package ident

func france() []Scheme {
	return []Scheme{
		{
			ID: "fr.nir", Name: "Numéro de sécurité sociale (NIR)", Country: "FR", Labels: []string{"national_id"},
			Layouts: []string{"999999999999999", "999992A99999999", "999992B99999999"}, Check: on(nir), Chance: 0.0051,
			Source:  "Décret n° 82-103 du 22 janvier 1982; INSEE; python-stdnum fr.nir",
			Valid:   []string{"2 95 10 99 126 111 93", "253072B07300470"},
			Invalid: []string{"295109912611199", "253072C07300443", "6546546546546703"},
		},
		{
			ID: "fr.nir_sans_cle", Name: "Numéro de sécurité sociale (NIR) sans clé", Country: "FR",
			Labels:  []string{"national_id"},
			Layouts: []string{"9999999999999", "999992A999999", "999992B999999"}, Check: on(nirBody), Chance: 0.51,
			HeaderOnly: true,
			Source:     "Décret n° 82-103 du 22 janvier 1982; python-stdnum fr.nir without its key",
			Valid:      []string{"2 95 10 99 126 111", "253072B073004"},
			Invalid:    []string{"9 95 10 99 126 111", "2 95 13 99 126 111"},
		},
		{
			ID: "fr.spi", Name: "Numéro fiscal de référence (SPI)", Country: "FR",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"9999999999999"}, Check: on(spi), Chance: 0.0004,
			Source: "Direction générale des Finances publiques, numéro fiscal; example of the European Commission's " +
				"TIN page for France",
			Valid:   []string{"30 23 217 600 053"},
			Invalid: []string{"30 23 217 600 054"},
		},
		{
			ID: "fr.cni", Name: "Numéro de carte nationale d'identité", Country: "FR", Labels: []string{"national_id"},
			Layouts: []string{"999999999999", "?????????"}, HeaderOnly: true, Chance: 1,
			Check:  on(func(c []byte) bool { return !same(c) && (len(c) == 12 || !isDigits(c)) }),
			Source: "Agence nationale des titres sécurisés: twelve digits before 2021, nine characters since",
		},
		{
			ID: "fr.siren", Name: "Numéro SIREN", Country: "FR", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"999999999"}, Check: on(func(c []byte) bool { return !same(c) && luhn(c) }), Chance: 0.1,
			Source:  "INSEE, répertoire Sirene; python-stdnum fr.siren",
			Valid:   []string{"552 008 443", "404833048"},
			Invalid: []string{"404833047"},
		},
		{
			ID: "fr.siret", Name: "Numéro SIRET", Country: "FR", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999999999"}, Check: on(siret), Chance: 0.01,
			Source:  "INSEE, répertoire Sirene; python-stdnum fr.siret",
			Valid:   []string{"73282932000074"},
			Invalid: []string{"73282932000079"},
		},
		{
			ID: "fr.tva", Name: "Numéro de TVA intracommunautaire", Country: "FR",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"FR??999999999", "??999999999"}, Check: digitsAfter(tva, "FR"), Chance: 0.0076,
			Source:  "Code général des impôts, art. 286 ter; python-stdnum fr.tva",
			Valid:   []string{"Fr 40 303 265 045", "23334175221", "K7399859412", "4Z123456782", "FR 61 954 506 077"},
			Invalid: []string{"84 323 140 391", "IO334175221"},
		},
		{
			ID: "fr.rib", Name: "Relevé d'identité bancaire (RIB)", Country: "FR", Labels: []string{"bank_account"},
			Layouts: []string{"9999999999???????????99"}, Check: on(rib), Chance: 0.01,
			Source: "Comité français d'organisation et de normalisation bancaires, clé RIB; the account of the " +
				"SWIFT registry's IBAN example for France",
			Valid:   []string{"20041 01005 0500013M026 06"},
			Invalid: []string{"20041 01005 0500013M026 07"},
		},
	}
}

// nir checks the body and the two digits that complete it to a multiple of 97.
func nir(c []byte) bool { return nirBody(c[:13]) && 97-nirNumber(c[:13])%97 == number(c[13:]) }

// nirBody checks sex, month and department; months above 20 stand for incomplete civil records.
func nirBody(c []byte) bool {
	month := number(c[3:5])
	if !oneOf(c[0], "123478") || !(month >= 1 && month <= 12 || month >= 20 && month <= 42 || month >= 50) {
		return false
	}
	if c[6] == 'A' || c[6] == 'B' {
		return true
	}
	return number(c[5:7]) > 0 && number(c[7:10]) > 0
}

// nirNumber reads thirteen places, Corsica's 2A as 19 and 2B as 18.
func nirNumber(c []byte) int {
	if c[6] == 'A' || c[6] == 'B' {
		return number(c[:5])*100_000_000 + int(19-(c[6]-'A'))*1_000_000 + number(c[7:])
	}
	return number(c)
}

func spi(c []byte) bool {
	return c[0] <= '3' && number(c[:10]) > 0 && number(c[:10])%511 == number(c[10:])
}

// siret: SIREN, establishment and a Luhn digit; the post office's establishments add up to a multiple of five instead.
func siret(c []byte) bool {
	if same(c) || !luhn(c[:9]) {
		return false
	}
	if string(c[:9]) == "356000000" && weighted(c, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%5 == 0 {
		return true
	}
	return luhn(c)
}

// tva checks the SIREN (Monaco's numbers have 000 instead) and the key before it: two digits, or the newer
// alphanumeric one.
func tva(c []byte) bool {
	if c[0] == 'I' || c[0] == 'O' || c[1] == 'I' || c[1] == 'O' {
		return false
	}
	siren := number(c[2:])
	if siren == 0 || number(c[2:5]) != 0 && !luhn(c[2:]) {
		return false
	}
	if isDigits(c[:2]) {
		return number(c[:2]) == (siren*100+12)%97
	}
	var key int
	if isDigit(c[0]) {
		key = tvaValue(c[0])*24 + tvaValue(c[1]) - 10
	} else {
		key = tvaValue(c[0])*34 + tvaValue(c[1]) - 100
	}
	return (siren+1+key/11)%11 == mod(key, 11)
}

// tvaValue counts digits and letters without I and O.
func tvaValue(c byte) int {
	v := value(c)
	if c > 'O' {
		v--
	}
	if c > 'I' {
		v--
	}
	return v
}

// rib: letters count A1 B2 ... J1 ... S2 ... Z9; bank, branch, account and key weigh 89, 15, 3 and 1 modulo 97.
func rib(c []byte) bool {
	account := 0
	for _, b := range c[10:21] {
		v := value(b)
		if v > 9 {
			v -= 9
			if b > 'I' {
				v -= 9
			}
			if b > 'R' {
				v -= 8
			}
		}
		account = account*10 + v
	}
	return account > 0 && (89*number(c[:5])+15*number(c[5:10])+3*account+number(c[21:]))%97 == 0
}
