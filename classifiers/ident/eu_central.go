package ident

func centralEurope() []Scheme {
	return []Scheme{
		{
			ID: "at.svnr", Name: "Sozialversicherungsnummer", Country: "AT", Labels: []string{"national_id", "health"},
			Layouts: []string{"9999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 4, 6, 8) && svnr(n.Compact) }, Chance: 0.0038,
			Source:  "Dachverband der Sozialversicherungsträger, Versicherungsnummer; python-stdnum at.vnr",
			Valid:   []string{"1237 010180"},
			Invalid: []string{"2237 010180"},
		},
		{
			ID: "at.abgabenkontonummer", Name: "Abgabenkontonummer (Steuernummer)", Country: "AT",
			Labels:  []string{"tax_id"},
			Layouts: []string{"999999999"}, Chance: 0.099,
			Check:   on(func(c []byte) bool { return number(c[:2]) >= 3 && number(c[2:]) > 0 && luhn(c) }),
			Source:  "Bundesministerium für Finanzen, Abgabenkontonummer; python-stdnum at.tin; validator.js isTaxID",
			Valid:   []string{"59-119/9013", "931736581"},
			Invalid: []string{"59-119/9012", "00-119/9012", "931736580"},
		},
		{
			ID: "at.uid", Name: "Umsatzsteuer-Identifikationsnummer (UID)", Country: "AT",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"ATU99999999", "U99999999"}, Chance: 0.1,
			Check: digitsAfter(func(c []byte) bool {
				s := weighted(c[1:], 1, 0, 1, 0, 1, 0, 1) + digitSum(2*value(c[2])) + digitSum(2*value(c[4])) +
					digitSum(2*value(c[6]))
				return c[0] == 'U' && lastIs(c, mod(6-s, 10))
			}, "AT"),
			Source:  "Bundesministerium für Finanzen, UID-Nummer; python-stdnum at.uid",
			Valid:   []string{"AT U13585627", "ATU 57194903"},
			Invalid: []string{"AT U13585626", "X13585626"},
		},
		{
			ID: "at.firmenbuch", Name: "Firmenbuchnummer", Country: "AT", Labels: []string{"company_only"},
			Company: true,
			Layouts: []string{"FN999999A", "FN99999A", "999999A", "99999A"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Firmenbuchgesetz; python-stdnum at.businessid",
			Valid:   []string{"FN 122119m", "122119m"},
			Invalid: []string{"m123123"},
		},
		{
			ID: "ch.ahv", Name: "AHV-Nummer / Numéro AVS", Country: "CH", Labels: []string{"national_id"},
			Layouts: []string{"7569999999999"}, Check: on(ean), Chance: 0.1,
			Source:  "Zentrale Ausgleichsstelle, AHVN13; python-stdnum ch.ssn",
			Valid:   []string{"7569217076985", "756.9217.0769.85", "756.1234.5678.97"},
			Invalid: []string{"756.9217.0769.84", "123.4567.8910.19"},
		},
		{
			ID: "ch.uid", Name: "Unternehmens-Identifikationsnummer (UID, MWST)", Country: "CH",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{
				"CHE999999999", "CHE999999999MWST", "CHE999999999TVA", "CHE999999999IVA", "CHE999999999TPV",
				"CHE999999999HR", "CHE999999999RC", "CH999999999",
			},
			Chance: 0.092,
			Check: digitsAfter(func(c []byte) bool {
				return number(c[:8]) > 0 && weighted(c, 5, 4, 3, 2, 7, 6, 5, 4, 1)%11 == 0
			}, "CHE", "CH"),
			Source:  "eCH-0097, Datenstandard Unternehmensidentifikation; python-stdnum ch.uid, ch.vat",
			Valid:   []string{"CHE-100.155.212", "CHE-107.787.577 IVA", "CHE 116 281 710 IVA"},
			Invalid: []string{"CHE-100.155.213", "CHE-107.787.578 IVA"},
		},
		{
			ID: "li.peid", Name: "Personenidentifikationsnummer (PEID)", Country: "LI",
			Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999",
				"99999999999", "999999999999"},
			Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Steuerverwaltung Liechtenstein, PEID; python-stdnum li.peid",
			Valid:   []string{"1234567", "00001234567"},
			Invalid: []string{"00001234568913454545"},
		},
		{
			ID: "li.ahv", Name: "AHV-Nummer", Country: "LI", Labels: []string{"national_id"},
			Layouts: []string{"7569999999999"}, Check: on(ean), Chance: 0.1,
			Source:  "Liechtensteinische AHV-IV-FAK: the Swiss scheme; python-stdnum ch.ssn",
			Valid:   []string{"756.9217.0769.85"},
			Invalid: []string{"756.9217.0769.84"},
		},
		{
			ID: "cz.rodne_cislo", Name: "Rodné číslo", Country: "CZ", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999", "999999999", "CZ9999999999", "CZ999999999"}, Check: rodneCislo,
			Chance:  0.04,
			Source:  "Zákon č. 133/2000 Sb., o evidenci obyvatel; python-stdnum cz.rc; validator.js isTaxID",
			Valid:   []string{"710319/2745", "7103192745", "5451219994"},
			Invalid: []string{"7103192746", "1103492745", "590312/123", "0472301754", "53-0121 999"},
		},
		{
			ID: "cz.ico", Name: "Identifikační číslo osoby (IČO, DIČ)", Country: "CZ",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99999999", "CZ99999999"}, Chance: 0.091,
			Check: digitsAfter(func(c []byte) bool {
				d := (11 - weighted(c, 8, 7, 6, 5, 4, 3, 2)%11) % 10
				return c[0] != '9' && number(c) > 0 && lastIs(c, d)
			}, "CZ"),
			Source:  "Český statistický úřad, IČO; python-stdnum cz.dic; stdnum-js cz.ico",
			Valid:   []string{"CZ 25123891", "25596641", "27082440", "45274649", "00023205"},
			Invalid: []string{"25123890", "12345678"},
		},
		{
			ID: "cz.cislo_uctu", Name: "Číslo bankovního účtu", Country: "CZ", Labels: []string{"bank_account"},
			Check: czechAccount, Chance: 0.008,
			Source:  "Vyhláška č. 169/2011 Sb.; python-stdnum cz.bankaccount",
			Valid:   []string{"34278-0727558021/0100"},
			Invalid: []string{"4278-727558021/0100", "34278-727558021/0000", "34278-0727558021"},
		},
		{
			ID: "sk.rodne_cislo", Name: "Rodné číslo", Country: "SK", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999", "999999999"}, Check: rodneCislo, Chance: 0.039,
			Source:  "Zákon č. 301/1995 Z. z. o rodnom čísle; python-stdnum sk.rc; validator.js isTaxID",
			Valid:   []string{"710319/2745", "031121999"},
			Invalid: []string{"7103192746", "1103492745", "53-0121 999", "990101999", "53012199999"},
		},
		{
			ID: "sk.ic_dph", Name: "IČ DPH / daňové identifikačné číslo (DIČ)", Country: "SK",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999", "SK9999999999"}, Chance: 0.05,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] != '0' && oneOf(c[2], "234789") && number(c)%11 == 0
			}, "SK"),
			Source:  "Finančná správa SR, IČ DPH; python-stdnum sk.dph",
			Valid:   []string{"SK 202 274 96 19"},
			Invalid: []string{"SK 202 274 96 18"},
		},
		{
			ID: "sk.ico", Name: "Identifikačné číslo organizácie (IČO)", Country: "SK",
			Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999"}, Chance: 0.1, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				return number(c) > 0 && lastIs(c, (11-weighted(c, 8, 7, 6, 5, 4, 3, 2)%11)%10)
			}),
			Source: "Štatistický úrad SR, IČO: the rule of the Czech IČO",
		},
		{
			ID: "hu.szemelyi_azonosito", Name: "Személyi azonosító", Country: "HU", Labels: []string{"national_id"},
			Layouts: []string{"99999999999"}, Check: on(szemelyi), Chance: 0.0016,
			Source:  "1996. évi XX. törvény; identique/idnumbers HUN",
			Valid:   []string{"3 110714 1231", "18001010016"},
			Invalid: []string{"3 110714 1230"},
		},
		{
			ID: "hu.taj", Name: "TAJ szám", Country: "HU", Labels: []string{"national_id", "health"},
			Layouts: []string{"999999999"}, Chance: 0.1, HeaderOnly: true,
			Check:  on(func(c []byte) bool { return !same(c) && lastIs(c, weighted(c, 3, 7, 3, 7, 3, 7, 3, 7)%10) }),
			Source: "1996. évi XX. törvény, 2. melléklet",
		},
		{
			ID: "hu.adoazonosito_jel", Name: "Adóazonosító jel", Country: "HU",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"8999999999"}, Chance: 0.056,
			Check: on(func(c []byte) bool {
				const latest = 61_727 // days from 1 January 1867 to the end of 2035
				return number(c[1:6]) <= latest && lastIs(c, weighted(c, 1, 2, 3, 4, 5, 6, 7, 8, 9)%11)
			}),
			Source: "1996. évi XX. törvény, annex, as hu.wikipedia, Adóazonosító jel, quotes it: 8, days from 1 " +
				"January " +
				"1867 to the birth, serial; worked example of muzso.hu; European Commission, TIN by country, Hungary",
			Valid:   []string{"8071592153", "8365670003"},
			Invalid: []string{"8071592154"},
		},
		{
			ID: "hu.adoszam", Name: "Adószám", Country: "HU", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"HU99999999", "99999999", "99999999999", "HU99999999999"}, Chance: 0.09,
			Check: digitsAfter(func(c []byte) bool {
				if len(c) == 11 && (c[8] < '1' || c[8] > '5') {
					return false
				}
				return c[0] != '0' && weighted(c, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0
			}, "HU"),
			Source:  "Nemzeti Adó- és Vámhivatal, adószám; python-stdnum hu.anum",
			Valid:   []string{"HU-12892312"},
			Invalid: []string{"HU-12892313"},
		},
		{
			ID: "hu.szemelyi_igazolvany", Name: "Személyazonosító igazolvány", Country: "HU",
			Labels:  []string{"national_id"},
			Layouts: []string{"999999AA", "AA999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Belügyminisztérium: six digits and two letters, two letters and six digits before 2016",
		},
	}
}

// svnr: serial, check digit at the fourth place, day of birth; months 13 to 15 stand for days that were used up.
func svnr(c []byte) bool {
	month := number(c[6:8])
	if month >= 13 && month <= 15 {
		month = 12
	}
	return c[0] != '0' && validDay(number(c[8:]), month, number(c[4:6])) &&
		value(c[3]) == weighted(c, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11
}

// rodneCislo: nine digits without a check before 1954, ten digits divisible by eleven since; the month is 50
// higher for women, 20 or 70 where a day's numbers were used up from 2004 on. Until 1985 a remainder of ten
// was written as a zero.
func rodneCislo(n Number) bool {
	c := strip(n.Compact, "CZ")
	if !grouped(n.Raw, 2, 6) || len(c) == len(n.Compact) && !grouped(n.Raw, 6) {
		return false
	}
	year, month := 1900+number(c[:2]), number(c[2:4])
	if len(c) == 10 && year < 1954 {
		year += 100
	}
	if month > 50 {
		month -= 50
	}
	if month > 20 && year >= 2004 {
		month -= 20
	}
	if !validDate(year, month, number(c[4:6])) {
		return false
	}
	if len(c) == 9 {
		return year < 1954 && number(c[6:]) > 0
	}
	r := number(c[:9]) % 11
	return lastIs(c, r) || r == 10 && year < 1986 && lastIs(c, 0)
}

// czechAccount reads [prefix-]number/bank; prefix and number are each divisible by eleven under their weights.
func czechAccount(n Number) bool {
	raw := n.Raw
	if len(raw) < 7 || len(raw) > 22 || raw[len(raw)-5] != '/' || !isDigits(raw[len(raw)-4:]) ||
		string(raw[len(raw)-4:]) == "0000" {
		return false
	}
	root := raw[:len(raw)-5]
	for i, b := range root {
		if b == '-' {
			prefix := root[:i]
			if root = root[i+1:]; len(prefix) > 6 || !elevenfold(prefix) {
				return false
			}
			break
		}
	}
	return len(root) >= 2 && len(root) <= 10 && elevenfold(root)
}

// elevenfold reports whether the digits, weighed from the right 1, 2, 4, 8, 5, 10, 9, 7, 3, 6, are divisible by eleven.
func elevenfold(c []byte) bool {
	s, w := 0, 1
	for i := len(c) - 1; i >= 0; i-- {
		if !isDigit(c[i]) {
			return false
		}
		s += w * int(c[i]-'0')
		w = w * 2 % 11
	}
	return s%11 == 0
}

// szemelyi: century and sex, day of birth, serial, check digit by weights 1 to 10; for births from 1997 on
// the law turns the weights round, but numbers made either way are found, so both are taken.
func szemelyi(c []byte) bool {
	yy := number(c[1:3])
	year := 1900 + yy
	switch c[0] {
	case '1', '2':
	case '3', '4':
		year = 2000 + yy
		if year > horizon {
			year = 1800 + yy
		}
	default:
		return false
	}
	if !validDate(year, number(c[3:5]), number(c[5:7])) {
		return false
	}
	if lastIs(c, weighted(c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)%11) {
		return true
	}
	return year >= 1997 && lastIs(c, weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11)
}
