package ident

func netherlands() []Scheme {
	return []Scheme{
		{
			ID: "nl.bsn", Name: "Burgerservicenummer (BSN)", Country: "NL", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999", "99999999"}, Check: on(bsn), Chance: 0.091,
			Source:  "Logisch ontwerp BSN, elfproef; python-stdnum nl.bsn",
			Valid:   []string{"1112.22.333", "111222333"},
			Invalid: []string{"1112.52.333", "1112223334", "000000000"},
		},
		{
			ID: "nl.onderwijsnummer", Name: "Onderwijsnummer", Country: "NL", Labels: []string{"national_id"},
			Layouts: []string{"109999999"}, Check: on(func(c []byte) bool { return mod(elfproef(c), 11) == 5 }),
			Chance:  0.09,
			Source:  "Dienst Uitvoering Onderwijs, onderwijsnummer; python-stdnum nl.onderwijsnummer",
			Valid:   []string{"1012.22.331"},
			Invalid: []string{"100252333", "1012.22.3333", "2112.22.337"},
		},
		{
			ID: "nl.btw", Name: "Btw-identificatienummer", Country: "NL", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"NL999999999B99", "999999999B99"}, Check: digitsAfter(btw, "NL"), Chance: 0.099,
			Source:  "Belastingdienst, btw-identificatienummer (mod 97 since 2020); python-stdnum nl.btw",
			Valid:   []string{"NL004495445B01", "004495445B01", "NL002455799B11"},
			Invalid: []string{"123456789B90", "NL 123456789101", "NL123456789"},
		},
		{
			ID: "nl.documentnummer", Name: "Nummer van paspoort of identiteitskaart", Country: "NL",
			Labels:  []string{"passport", "national_id"},
			Layouts: []string{"AA??????9"}, Chance: 1, HeaderOnly: true,
			Check:   on(func(c []byte) bool { return within(c[:8], "ABCDEFGHIJKLMNPQRSTUVWXYZ0123456789") }),
			Source:  "Rijksdienst voor Identiteitsgegevens: letters without O",
			Invalid: []string{"XR1001R58A"},
		},
		{
			ID: "nl.kvk", Name: "KvK-nummer", Country: "NL", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Kamer van Koophandel: eight digits",
		},
	}
}

// elfproef is the weighted sum 9 to 2 and -1 that a BSN divides by eleven.
func elfproef(c []byte) int { return weighted(c, 9, 8, 7, 6, 5, 4, 3, 2, -1) }

func bsn(c []byte) bool {
	if len(c) == 8 {
		return !same(c) && weighted(c, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0
	}
	return !same(c) && elfproef(c)%11 == 0
}

// btw checks an RSIN or BSN before the B, or the number as a whole with NL before it under ISO 7064 MOD 97-10.
func btw(c []byte) bool {
	return number(c[:9]) > 0 && number(c[10:]) > 0 && (elfproef(c)%11 == 0 || mod97From(mod97([]byte("NL")), c) == 1)
}
