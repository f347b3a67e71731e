package ident

func spain() []Scheme {
	return []Scheme{
		{
			ID: "es.dni", Name: "Documento nacional de identidad (NIF)", Country: "ES",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"99999999A", "9999999A", "999999A", "99999A", "ES99999999A"},
			Check:   digitsAfter(dni, "ES"), Chance: 0.039,
			Source:  "Real Decreto 1553/2005; python-stdnum es.dni; Presidio ES_NIF",
			Valid:   []string{"54362315-K", "54362315K", "1111111G"},
			Invalid: []string{"54362315Z", "54362315", "00054237U"},
		},
		{
			ID: "es.nie", Name: "Número de identidad de extranjero (NIE)", Country: "ES",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"?9999999A", "ES?9999999A"}, Check: digitsAfter(nie, "ES"), Chance: 0.0031,
			Source:  "Orden INT/2058/2008; python-stdnum es.nie; Presidio ES_NIE",
			Valid:   []string{"x-2482300w", "X-5253868-R", "Z8078221M"},
			Invalid: []string{"x-2482300a", "X2482300", "A1234567L"},
		},
		{
			ID: "es.nif_klm", Name: "NIF de menores y no residentes (K, L, M)", Country: "ES",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"K9999999A", "L9999999A", "M9999999A"}, Chance: 0.039,
			Check:   on(func(c []byte) bool { return c[8] == dniLetter(number(c[1:8])) }),
			Source:  "Real Decreto 1065/2007, art. 20; python-stdnum es.nif",
			Valid:   []string{"M-1234567-L"},
			Invalid: []string{"M-1234567-A"},
		},
		{
			ID: "es.cif", Name: "NIF de personas jurídicas (CIF)", Country: "ES",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"A9999999?", "ESA9999999?"}, Check: digitsAfter(cif, "ES"), Chance: 0.026,
			Source:  "Orden EHA/451/2008; python-stdnum es.cif",
			Valid:   []string{"J99216582", "ES B-58378431", "B64717838"},
			Invalid: []string{"J99216583", "J992165831", "M-1234567-L", "O-1234567-L", "B64717839"},
		},
		{
			ID: "es.naf", Name: "Número de afiliación a la Seguridad Social (NAF, NUSS)", Country: "ES",
			Labels:  []string{"national_id"},
			Layouts: []string{"999999999999"}, Check: on(naf), Chance: 0.0067,
			Source: "Tesorería General de la Seguridad Social; mvp-access.es, Cómo obtener el dígito de control de " +
				"un número " +
				"de Seguridad Social; stdnum-js es.nss",
			Valid:   []string{"28/1234567840", "281234567840"},
			Invalid: []string{"281234567841"},
		},
		{
			ID: "es.ccc", Name: "Código cuenta cliente (CCC)", Country: "ES", Labels: []string{"bank_account"},
			Layouts: []string{"99999999999999999999"}, Check: on(ccc), Chance: 0.01,
			Source:  "Consejo Superior Bancario, CCC; python-stdnum es.ccc",
			Valid:   []string{"1234-1234-16 1234567890", "12341234161234567890"},
			Invalid: []string{"1234-1234-00 1234567890", "134-1234-16 1234567890"},
		},
	}
}

// dniLetter is the check letter of a Spanish personal number.
func dniLetter(n int) byte { return "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] }

func dni(c []byte) bool {
	n := number(c[:len(c)-1])
	return n > 0 && c[len(c)-1] == dniLetter(n)
}

func nie(c []byte) bool {
	if c[0] < 'X' {
		return false
	}
	return c[8] == dniLetter(int(c[0]-'X')*10_000_000+number(c[1:8]))
}

// cif checks a legal person's number: the Luhn digit, or the letter that stands for it; some legal forms
// have only one of the two.
func cif(c []byte) bool {
	if !oneOf(c[0], "ABCDEFGHJNPQRSUVW") {
		return false
	}
	d, last := luhnDigit(c[1:8]), c[8]
	switch {
	case oneOf(c[0], "NPQRSW"):
		return last == "JABCDEFGHI"[d]
	case oneOf(c[0], "ABEH"):
		return value(last) == d
	}
	return value(last) == d || last == "JABCDEFGHI"[d]
}

// naf checks province, number and two check digits; below ten million the number counts without its leading zeros.
func naf(c []byte) bool {
	province, n := number(c[:2]), number(c[2:10])
	if province == 0 || province > 66 {
		return false
	}
	body := number(c[:10])
	if n < 10_000_000 {
		body = n + province*10_000_000
	}
	return body%97 == number(c[10:])
}

// ccc checks bank and branch by the first control digit, the account by the second.
func ccc(c []byte) bool {
	first := cccDigit(weighted(c, 4, 8, 5, 10, 9, 7, 3, 6))
	second := cccDigit(weighted(c[10:], 1, 2, 4, 8, 5, 10, 9, 7, 3, 6))
	return !same(c) && value(c[8]) == first && value(c[9]) == second
}

func cccDigit(sum int) int {
	d := 11 - sum%11
	if d > 9 {
		return 11 - d
	}
	return d
}
