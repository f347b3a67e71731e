package ident

func poland() []Scheme {
	return []Scheme{
		{
			ID: "pl.pesel", Name: "PESEL", Country: "PL", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"}, Check: on(pesel), Chance: 0.0183,
			Source:  "Ustawa z dnia 24 września 2010 r. o ewidencji ludności, art. 15; python-stdnum pl.pesel",
			Valid:   []string{"44051401359"},
			Invalid: []string{"44051401358", "02381307589", "4405140145"},
		},
		{
			ID: "pl.nip", Name: "Numer identyfikacji podatkowej (NIP)", Country: "PL",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999", "PL9999999999"}, Check: digitsAfter(nip, "PL"), Chance: 0.082,
			Source:  "Ustawa o zasadach ewidencji i identyfikacji podatników; python-stdnum pl.nip",
			Valid:   []string{"PL 8567346215", "856-734-62-15"},
			Invalid: []string{"PL 8567346216"},
		},
		{
			ID: "pl.regon", Name: "REGON", Country: "PL", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"999999999", "99999999999999"}, Check: on(regon), Chance: 0.099,
			Source:  "Rozporządzenie Rady Ministrów w sprawie rejestru REGON; python-stdnum pl.regon",
			Valid:   []string{"192598184", "123456785", "12345678512347"},
			Invalid: []string{"192598183", "12345678612342", "12345678512348"},
		},
		{
			ID: "pl.krs", Name: "Numer KRS", Country: "PL", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"0000999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Krajowy Rejestr Sądowy: ten digits, the first four zero so far",
		},
		{
			ID: "pl.dowod_osobisty", Name: "Seria i numer dowodu osobistego", Country: "PL",
			Labels:  []string{"national_id"},
			Layouts: []string{"AAA999999"}, Chance: 0.1,
			Check:   on(func(c []byte) bool { return weighted(c, 7, 3, 1, 9, 7, 3, 1, 7, 3)%10 == 0 }),
			Source:  "Ministerstwo Spraw Wewnętrznych i Administracji, dowód osobisty; Wikipedia, Polish identity card",
			Valid:   []string{"ABA300000", "XGG765762"},
			Invalid: []string{"ABC123456", "ABA300001"},
		},
		{
			ID: "pl.paszport", Name: "Seria i numer paszportu", Country: "PL", Labels: []string{"passport"},
			Layouts: []string{"AA9999999"}, Chance: 0.1,
			Check: on(func(c []byte) bool { return weighted(c, 7, 3, 9, 1, 7, 3, 1, 7, 3)%10 == 0 }),
			Source: "PRADO and the specimen of the Ministerstwo Spraw Wewnętrznych: two letters and seven digits, " +
				"the first " +
				"of them the check digit",
			Unverified: "the weights of the check digit: no rule of the authority was found; the specimen keeps them",
			Valid:      []string{"ZS0000177"},
			Invalid:    []string{"ZS0000178"},
		},
	}
}

// pesel checks the day of birth, whose month carries the century, and the check digit.
func pesel(c []byte) bool {
	year, month := number(c[:2]), number(c[2:4])
	century := [...]int{1900, 2000, 2100, 2200, 1800}[month/20]
	return dayExists(century+year, month%20, number(c[4:6])) && weighted(c, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

func nip(c []byte) bool {
	return !same(c) && number(c[:3]) >= 100 && lastIs(c, weighted(c, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11)
}

func regon(c []byte) bool {
	if value(c[8]) != weighted(c, 8, 9, 2, 3, 4, 5, 6, 7)%11%10 {
		return false
	}
	return len(c) == 9 || lastIs(c, weighted(c, 2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)%11%10)
}
