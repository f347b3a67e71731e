package ident

func canada() []Scheme {
	return []Scheme{
		{
			ID: "ca.sin", Name: "Social Insurance Number", Country: "CA", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999"},
			Check:   on(func(c []byte) bool { return c[0] != '0' && c[0] != '8' && luhn(c) }), Chance: 0.08,
			Source:  "Employment and Social Development Canada, SIN; python-stdnum ca.sin; validator.js isTaxID",
			Valid:   []string{"123-456-782", "130692544"},
			Invalid: []string{"999-999-999", "657449110", "2675o0713", "130692545"},
		},
		{
			ID: "ca.bn", Name: "Business Number", Country: "CA", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"999999999", "999999999AA9999"},
			Check:   on(func(c []byte) bool { return !same(c[:9]) && luhn(c[:9]) }), Chance: 0.099,
			Source:  "Canada Revenue Agency, Business Number; python-stdnum ca.bn",
			Valid:   []string{"12302 6635", "12302 6635 RC 0001"},
			Invalid: []string{"123456783"},
		},
		{
			ID: "ca.bc_phn", Name: "British Columbia Personal Health Number", Country: "CA",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"9999999999"}, Chance: 0.0086,
			Check: on(func(c []byte) bool {
				return c[0] == '9' && lastIs(c, mod(-weighted(c, 0, 2, 4, 8, 5, 10, 9, 7, 3), 11))
			}),
			Source:  "BC Ministry of Health, Personal Health Number; stdnum-js ca.bc_bhn",
			Valid:   []string{"9698 658 215"},
			Invalid: []string{"5736504210", "9698648215"},
		},
		{
			ID: "ca.ohip", Name: "Ontario Health Insurance Plan number", Country: "CA",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"9999999999", "9999999999AA"},
			Check:   on(func(c []byte) bool { return c[0] != '0' && luhn(c[:10]) }), Chance: 0.091, HeaderOnly: true,
			Source: "Ontario Ministry of Health, Health Card Validation Reference Manual: ten digits, Luhn, version " +
				"code",
		},
	}
}

func brazilAndMexico() []Scheme {
	return []Scheme{
		{
			ID: "br.cpf", Name: "Cadastro de Pessoas Físicas (CPF)", Country: "BR",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999"}, Check: on(cpf), Chance: 0.011,
			Source:  "Receita Federal, CPF; python-stdnum br.cpf; validator.js isTaxID",
			Valid:   []string{"390.533.447-05", "35161990910", "111.444.777-35"},
			Invalid: []string{"231.002.999-00", "111111111111112", "111.111.111-11"},
		},
		{
			ID: "br.cnpj", Name: "Cadastro Nacional da Pessoa Jurídica (CNPJ)", Country: "BR",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99999999999999", "????????????99"}, Check: on(cnpj), Chance: 0.0099,
			Source: "Receita Federal, CNPJ; Instrução Normativa RFB nº 2.229/2024 (letters since 2026); " +
				"python-stdnum br.cnpj",
			Valid:   []string{"16.727.230/0001-97", "12.ABC.345/01DE-35"},
			Invalid: []string{"16.727.230.0001-98", "12.ABC.345/01DE-99"},
		},
		{
			ID: "br.rg", Name: "Registro Geral (RG)", Country: "BR", Labels: []string{"national_id"},
			Layouts: []string{"999999999", "99999999A", "99999999"}, Chance: 1, HeaderOnly: true,
			Check:  on(func(c []byte) bool { last := c[len(c)-1]; return !same(c) && (isDigit(last) || last == 'X') }),
			Source: "Secretarias de Segurança Pública of the states; no common check digit",
		},
		{
			ID: "mx.curp", Name: "Clave Única de Registro de Población (CURP)", Country: "MX",
			Labels:  []string{"national_id"},
			Layouts: []string{"AAAA999999AAAAAA?9"}, Check: on(curp), Chance: 1e-5,
			Source: "Diario Oficial de la Federación, Instructivo normativo para la asignación de la CURP; " +
				"python-stdnum mx.curp",
			Valid:   []string{"BOXW310820HNERXN09", "HELO990501HVZRPN09", "MASI050805MVZRLRA8"},
			Invalid: []string{"BOXW310820HNERXN08", "AUAM630703KGTGRR02"},
		},
		{
			ID: "mx.rfc", Name: "Registro Federal de Contribuyentes (RFC) de personas físicas", Country: "MX",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"AAAA999999???", "AAAA999999"}, Chance: 0.037,
			Check: on(func(c []byte) bool {
				return yymmdd(c[4:10]) &&
					(len(c) == 10 || isDigit(c[12]) || c[12] == 'A')
			}),
			Source: "Código Fiscal de la Federación, art. 27; python-stdnum mx.rfc: the check digit is often " +
				"missing or wrong in practice",
			Valid:   []string{"GODE 561231 GR8", "COMG-600703", "VACE-460910-SX6"},
			Invalid: []string{"GODE 561331 GR8"},
		},
		{
			ID: "mx.rfc_signo", Name: "Registro Federal de Contribuyentes (RFC) with Ñ or &", Country: "MX",
			Labels: []string{"tax_id", "company_only"},
			Check:  func(n Number) bool { return rfcWithSign(n.Raw) }, Chance: 0.037,
			Source: "Código Fiscal de la Federación, art. 27; Servicio de Administración Tributaria: letters are A " +
				"to Z, " +
				"Ñ and &; python-stdnum mx.rfc",
			Valid:   []string{"AÑE9902224Z4", "BAÑ-930616-R66", "Ñ&T130705MD6"},
			Invalid: []string{"AÑE9913324Z4", "AÑ990222"},
		},
		{
			ID: "mx.rfc_moral", Name: "Registro Federal de Contribuyentes (RFC) de personas morales", Country: "MX",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"AAA999999???"}, Chance: 0.011,
			Check:   on(func(c []byte) bool { return yymmdd(c[3:9]) && (isDigit(c[11]) || c[11] == 'A') }),
			Source:  "Código Fiscal de la Federación, art. 27; python-stdnum mx.rfc",
			Valid:   []string{"MAB-930714-8T4"},
			Invalid: []string{"MAB-931714-8T4"},
		},
		{
			ID: "mx.clabe", Name: "Clave Bancaria Estandarizada (CLABE)", Country: "MX",
			Labels:  []string{"bank_account"},
			Layouts: []string{"999999999999999999"}, Check: on(clabe), Chance: 0.099,
			Source:  "Asociación de Bancos de México, CLABE; stdnum-js mx.clabe",
			Valid:   []string{"002010077777777771", "032180000118359719", "014027000005555558"},
			Invalid: []string{"002010077777777779"},
		},
		{
			ID: "mx.nss", Name: "Número de Seguridad Social (NSS)", Country: "MX",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"99999999999"}, Check: on(func(c []byte) bool { return !same(c) && luhn(c) }),
			Chance: 0.1, HeaderOnly: true,
			Source: "Instituto Mexicano del Seguro Social, NSS: Luhn",
		},
	}
}

// cpf: two check digits, weights 10 to 2 and 11 to 2 modulo eleven; repeated digits pass the sums and are never issued.
func cpf(c []byte) bool {
	first := weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	second := weighted(c, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return !same(c) && value(c[9]) == first && value(c[10]) == second
}

// cnpj: two check digits; a letter counts as its ASCII code less 48, which for digits is their value.
func cnpj(c []byte) bool {
	sum := func(n int) int {
		s := 0
		for i := range n {
			s += int(c[i]-'0') * ((n-1-i)%8 + 2)
		}
		return s * 10 % 11 % 10
	}
	return !same(c) && value(c[12]) == sum(12) && value(c[13]) == sum(13)
}

// curp checks the day of birth, sex, state and the check digit over 37 characters, of which N with tilde comes after N.
func curp(c []byte) bool {
	century := 1900
	if isUpper(c[16]) {
		century = 2000
	}
	if !validDate(century+number(c[4:6]), number(c[6:8]), number(c[8:10])) || !oneOf(c[10], "HMX") ||
		!curpState(c[11], c[12]) {
		return false
	}
	s := 0
	for i, b := range c[:17] {
		v := value(b)
		if b > 'N' {
			v++
		}
		s += v * (18 - i)
	}
	return lastIs(c, mod(-s, 10))
}

func curpState(a, b byte) bool {
	const states = "ASBCBSCCCHCLCMCSDFDGGRGTHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS"
	for i := 0; i < len(states); i += 2 {
		if states[i] == a && states[i+1] == b {
			return true
		}
	}
	return false
}

// clabe: weights 3, 7, 1, each product modulo ten.
func clabe(c []byte) bool {
	s := 0
	for i, b := range c[:17] {
		s += int(b-'0') * [...]int{3, 7, 1}[i%3] % 10
	}
	return number(c[:3]) > 0 && lastIs(c, mod(-s, 10))
}

// rfcWithSign reads a number with a letter that is not in the compact form: three of a company or four of a person,
// a day, three characters.
func rfcWithSign(raw []byte) bool {
	if len(raw) < 12 || len(raw) > 18 {
		return false
	}
	signs, letters, rest := 0, 0, raw
	for len(rest) > 0 && !isDigit(rest[0]) && rest[0] != '-' && rest[0] != ' ' {
		switch {
		case isLetter(rest[0]):
			rest = rest[1:]
		case rest[0] == '&':
			rest = rest[1:]
			signs++
		case len(rest) > 1 && rest[0] == 0xc3 && (rest[1] == 0x91 || rest[1] == 0xb1): // Ñ, ñ
			rest = rest[2:]
			signs++
		default:
			return false
		}
		letters++
	}
	if signs == 0 || letters < 3 || letters > 4 {
		return false
	}
	var buf [10]byte
	c := buf[:0]
	for _, b := range rest {
		switch {
		case b == '-' || b == ' ':
		case len(c) < 9 && (isDigit(b) || isLetter(b)):
			c = append(c, b)
		default:
			return false
		}
	}
	return len(c) == 9 && isDigits(c[:6]) && yymmdd(c)
}
