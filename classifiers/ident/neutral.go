package ident

import "bytes"

func neutral() []Scheme {
	return []Scheme{
		{
			ID: "x.iban", Name: "International Bank Account Number", Labels: []string{"iban", "bank_account"},
			Layouts: ibanLayouts(), Check: on(iban), Chance: 0.011,
			Source: "ISO 13616; SWIFT IBAN Registry (structures and examples); IBAN structures announced by " +
				"countries outside it",
			Valid: []string{
				"GR16 0110 1050 0000 1054 7023 795", "BE31435411161155", "BG80 BNBG 9661 1020 3456 78",
				"GB29NWBK60161331926819", "XK05 1212 0123 4567 8906", "FR14 2004 1010 0505 0001 3M02 606",
				"IT60 X054 2811 1010 0000 0123 456", "PS92PALS00000000040012345670O", "MZ97123412341234123412341",
			},
			Invalid: []string{"CZ65 0800 A000 1920 0014 5399", "EE38 2200 2210  014 5686", "IE95TE8270900834048660",
				"BE3143541116115"},
		},
		{
			ID: "x.bic", Name: "Business Identifier Code", Labels: []string{"bank_account"},
			Layouts: []string{"AAAAAA??", "AAAAAA?????"},
			Check:   func(n Number) bool { return grouped(n.Raw, 4, 6, 8) && isCountry(n.Compact[4], n.Compact[5]) },
			Chance:  0.37, HeaderOnly: true,
			Source:  "ISO 9362; python-stdnum bic; validator.js isBIC",
			Valid:   []string{"AGRIFRPP882", "ABNA BE 2A", "agriFRPP", "SBICKEN1345"},
			Invalid: []string{"AGRIFRPP8", "AGRIF2PP", "AGRIZZPP"},
		},
		{
			ID: "x.card", Name: "Payment card number (PAN)", Labels: []string{"credit_card"},
			Layouts: []string{
				"9999999999999", "99999999999999", "999999999999999", "9999999999999999", "99999999999999999",
				"999999999999999999", "9999999999999999999", "999999999999",
			},
			Check: on(card), Chance: 0.041,
			Source: "ISO/IEC 7812; issuer ranges as the networks publish them; test numbers of the networks; " +
				"validator.js isCreditCard; pdscan; Presidio CREDIT_CARD",
			Valid: []string{"4242-4242-4242-4242", "378282246310005", "4111 1111 1111 1111", "5398228707871527",
				"6234698580215388", "4716989580001715211", "3566002020360505", "122000000000003"},
			Invalid: []string{"1748503543012", "0242424242424242", "4242-4242-4242-4241",
				"55555555-5555-5555-5555-555555555555"},
		},
		{
			ID: "x.vin", Name: "Vehicle identification number", Labels: []string{"vehicle_plate", "other_personal"},
			Layouts: []string{"?????????????????"},
			Check:   on(func(c []byte) bool { return vinShape(c) && vinCheck(c) }), Chance: 5e-5,
			Source:  "ISO 3779; 49 CFR 565 (check digit); example of Wikipedia, Vehicle identification number",
			Valid:   []string{"1M8GDM9AXKP042788"},
			Invalid: []string{"1M8GDM9A1KP042788", "1M8GDM9AXKP04278O"},
		},
		{
			ID: "x.vin_unchecked", Name: "Vehicle identification number without check digit",
			Labels:  []string{"vehicle_plate", "other_personal"},
			Layouts: []string{"?????????????????"}, Check: on(vinShape), Chance: 0.0018, HeaderOnly: true,
			Source: "ISO 3779: outside North America the ninth place is free; example of Wikipedia, Vehicle " +
				"identification number",
			Valid:   []string{"WP0ZZZ99ZTS392124"},
			Invalid: []string{"1M8GDM9AXKP04278O", "WP0ZZZ99ZTSABCDEF"},
		},
		{
			ID: "x.mrz_passport", Name: "Machine-readable zone of a passport (TD3)", Labels: []string{"passport"},
			Check: func(n Number) bool { return mrz(n.Raw, 44, 'P') }, Chance: 0.000001,
			Source: "ICAO Doc 9303 part 4, specimen",
			Valid: []string{
				"L898902C36UTO7408122F1204159ZE184226B<<<<<10", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
				"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
			},
			Invalid: []string{"L898902C36UTO7408122F1204159ZE184226B<<<<<11",
				"L898902C36UTO7408122F1204159ZE184226B<<<<<1", "P<UTOERIKSSON<ANNA<MARIA<<<"},
		},
		{
			ID: "x.mrz_td2", Name: "Machine-readable zone of an identity document (TD2)",
			Labels: []string{"national_id", "passport"},
			Check:  func(n Number) bool { return mrz(n.Raw, 36, 0) }, Chance: 0.000001,
			Source: "ICAO Doc 9303 part 6, specimen",
			Valid: []string{
				"D231458907UTO7408122F1204159<<<<<<<6",
				"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
			},
			Invalid: []string{"D231458907UTO7408122F1204159<<<<<<<7"},
		},
		{
			ID: "x.mrz_td1", Name: "Machine-readable zone of an identity card (TD1)",
			Labels: []string{"national_id", "passport"},
			Check:  func(n Number) bool { return mrzCard(n.Raw) }, Chance: 0.000001,
			Source: "ICAO Doc 9303 part 5, specimen",
			Valid: []string{"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\n" +
				"ERIKSSON<<ANNA<MARIA<<<<<<<<<<"},
			Invalid: []string{"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<7\n" +
				"ERIKSSON<<ANNA<MARIA<<<<<<<<<<"},
		},
		{
			ID: "x.bitcoin", Name: "Bitcoin address", Labels: []string{"bank_account"},
			Check: func(n Number) bool { return bitcoin(n.Raw) }, Chance: 0.000001,
			Source: "Bitcoin Core, base58check; BIP 173; BIP 350; python-stdnum bitcoin",
			Valid: []string{
				"1NEDqZPvTWRaoho48qXuLLsrYomMXPABfD", "BC1QARDV855YJNGSPVXUTTQ897AQCA3LXJU2Y69JCE",
				"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
				"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
			},
			Invalid: []string{"1NEDqZPvTWRaoho48qXuLLsrYomMXPABfX", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
				"bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		},
		{
			ID: "x.ethereum", Name: "Ethereum address", Labels: []string{"bank_account"},
			Check: func(n Number) bool { return ethereum(n.Raw) }, Chance: 0.00001,
			Source: "ERC-55, its test cases",
			Valid: []string{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
				"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "0x52908400098527886E0F7030069857D2E4169EE7",
				"0xde709f2102306220921060314715629080e2fb77"},
			Invalid: []string{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
				"8f953371d3e85eddb89b05ed6b9e680791055315c73e1025ab5dba7bb2aee189"},
		},
		{
			ID: "x.lei", Name: "Legal Entity Identifier", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"??????????????????99"}, Check: on(func(c []byte) bool { return mod97(c) == 1 }),
			Chance:  0.011,
			Source:  "ISO 17442; python-stdnum lei",
			Valid:   []string{"213800KUD8LAJWSQ9D15"},
			Invalid: []string{"213800KUD8LXJWSQ9D15"},
		},
	}
}

// countries are the codes of ISO 3166-1 alpha-2, and XK for Kosovo as banks use it.
const countries = "" +
	"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR" +
	"CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU" +
	"IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ" +
	"MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI" +
	"SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZWXK"

func isCountry(a, b byte) bool {
	for i := 0; i < len(countries); i += 2 {
		if countries[i] == a && countries[i+1] == b {
			return true
		}
	}
	return false
}

// ibanStructures are the country codes with the shape of what follows the two check digits.
var ibanStructures = [...]struct{ country, bban string }{
	{"AD", "99999999????????????"}, {"AE", "9999999999999999999"}, {"AL", "99999999????????????????"},
	{"AO", "999999999999999999999"}, {"AT", "9999999999999999"}, {"AZ", "AAAA????????????????????"},
	{"BA", "9999999999999999"}, {"BE", "999999999999"}, {"BF", "??9999999999999999999999"},
	{"BG", "AAAA999999????????"}, {"BH", "AAAA??????????????"}, {"BI", "99999999999999999999999"},
	{"BJ", "??9999999999999999999999"}, {"BR", "99999999999999999999999A?"}, {"BY", "????9999????????????????"},
	{"CF", "99999999999999999999999"}, {"CG", "99999999999999999999999"}, {"CH", "99999????????????"},
	{"CI", "??9999999999999999999999"}, {"CM", "99999999999999999999999"}, {"CR", "999999999999999999"},
	{"CV", "999999999999999999999"}, {"CY", "99999999????????????????"}, {"CZ", "99999999999999999999"},
	{"DE", "999999999999999999"}, {"DJ", "99999999999999999999999"}, {"DK", "99999999999999"},
	{"DO", "????99999999999999999999"}, {"DZ", "9999999999999999999999"}, {"EE", "9999999999999999"},
	{"EG", "9999999999999999999999999"}, {"ES", "99999999999999999999"}, {"FI", "99999999999999"},
	{"FK", "AA999999999999"}, {"FO", "99999999999999"}, {"FR", "9999999999???????????99"},
	{"GA", "99999999999999999999999"}, {"GB", "AAAA99999999999999"}, {"GE", "AA9999999999999999"},
	{"GI", "AAAA???????????????"}, {"GL", "99999999999999"}, {"GQ", "99999999999999999999999"},
	{"GR", "9999999????????????????"}, {"GT", "????????????????????????"}, {"GW", "??9999999999999999999"},
	{"HN", "AAAA99999999999999999999"}, {"HR", "99999999999999999"}, {"HU", "999999999999999999999999"},
	{"IE", "AAAA99999999999999"}, {"IL", "9999999999999999999"}, {"IQ", "AAAA999999999999999"},
	{"IR", "9999999999999999999999"}, {"IS", "9999999999999999999999"}, {"IT", "A9999999999????????????"},
	{"JO", "AAAA9999??????????????????"}, {"KM", "99999999999999999999999"}, {"KW", "AAAA??????????????????????"},
	{"KZ", "999?????????????"}, {"LB", "9999????????????????????"}, {"LC", "AAAA????????????????????????"},
	{"LI", "99999????????????"}, {"LT", "9999999999999999"}, {"LU", "999?????????????"}, {"LV", "AAAA?????????????"},
	{"LY", "999999999999999999999"}, {"MA", "999999999999999999999999"}, {"MC", "9999999999???????????99"},
	{"MD", "????????????????????"}, {"ME", "999999999999999999"}, {"MG", "99999999999999999999999"},
	{"MK", "999??????????99"}, {"ML", "??9999999999999999999999"}, {"MN", "9999999999999999"},
	{"MR", "99999999999999999999999"}, {"MT", "AAAA99999??????????????????"}, {"MU", "AAAA9999999999999999999AAA"},
	{"MZ", "999999999999999999999"}, {"NE", "??9999999999999999999999"}, {"NI", "AAAA99999999999999999999"},
	{"NL", "AAAA9999999999"}, {"NO", "99999999999"}, {"OM", "999????????????????"}, {"PK", "AAAA????????????????"},
	{"PL", "999999999999999999999999"}, {"PS", "AAAA?????????????????????"}, {"PT", "999999999999999999999"},
	{"QA", "AAAA?????????????????????"}, {"RO", "AAAA????????????????"}, {"RS", "999999999999999999"},
	{"RU", "99999999999999???????????????"}, {"SA", "99??????????????????"}, {"SC", "AAAA99999999999999999999AAA"},
	{"SD", "99999999999999"}, {"SE", "99999999999999999999"}, {"SI", "999999999999999"}, {"SK", "99999999999999999999"},
	{"SM", "A9999999999????????????"}, {"SN", "??9999999999999999999999"}, {"SO", "9999999999999999999"},
	{"ST", "999999999999999999999"}, {"SV", "AAAA99999999999999999999"}, {"TD", "99999999999999999999999"},
	{"TG", "??9999999999999999999999"}, {"TL", "9999999999999999999"}, {"TN", "99999999999999999999"},
	{"TR", "999999????????????????"}, {"UA", "999999???????????????????"}, {"VA", "999999999999999999"},
	{"VG", "AAAA9999999999999999"}, {"XK", "9999999999999999"}, {"YE", "AAAA9999??????????????????"},
}

func ibanLayouts() []string {
	layouts := make([]string, len(ibanStructures))
	for i, s := range ibanStructures {
		layouts[i] = s.country + "99" + s.bban
	}
	return layouts
}

// iban checks the country's structure and ISO 7064 MOD 97-10. National check digits inside the account are
// not asked for: they are often missing in test data, and one in 97 is selective enough.
func iban(c []byte) bool {
	for _, s := range ibanStructures {
		if s.country[0] == c[0] && s.country[1] == c[1] {
			return Fits(s.bban, c[4:]) && mod97From(mod97(c[4:]), c[:4]) == 1
		}
	}
	return false
}

// cardRanges are the first digits that networks issue with the lengths of their numbers.
var cardRanges = [...]struct{ low, high, shortest, longest int }{
	{100000, 199999, 15, 15}, // UATP
	{220000, 220499, 16, 19}, // Mir
	{222100, 272099, 16, 16}, // Mastercard
	{300000, 305999, 14, 19}, // Diners Club
	{309500, 309599, 14, 19},
	{340000, 349999, 15, 15}, // American Express
	{352800, 358999, 16, 19}, // JCB
	{360000, 369999, 14, 19}, // Diners Club
	{370000, 379999, 15, 15}, // American Express
	{380000, 399999, 14, 19}, // Diners Club
	{400000, 499999, 13, 13}, // Visa
	{400000, 499999, 16, 16},
	{400000, 499999, 19, 19},
	{500000, 509999, 12, 19}, // Maestro, Verve, Elo
	{510000, 559999, 16, 16}, // Mastercard
	{560000, 599999, 12, 19}, // Maestro
	{600000, 699999, 12, 19}, // Maestro, Discover, UnionPay, RuPay
	{810000, 829999, 16, 19}, // UnionPay, RuPay
	{860000, 860099, 16, 16}, // Uzcard
	{979200, 979289, 16, 16}, // Troy
	{986000, 986099, 16, 16}, // Humo
}

func card(c []byte) bool {
	issuer := number(c[:6])
	for _, r := range cardRanges {
		if issuer >= r.low && issuer <= r.high && len(c) >= r.shortest && len(c) <= r.longest {
			return !same(c) && luhn(c)
		}
	}
	return false
}

// vinShape: no I, O or Q, and digits at the last four places.
func vinShape(c []byte) bool {
	for _, b := range c {
		if oneOf(b, "IOQ") {
			return false
		}
	}
	return isDigits(c[13:])
}

// vinCheck: letters count 1 to 9 within their rows of the EBCDIC code page, the sum modulo eleven stands at
// the ninth place, ten as X.
func vinCheck(c []byte) bool {
	s := 0
	for i, w := range [...]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2} {
		v := value(c[i])
		switch {
		case v > 27: // S to Z
			v -= 26
		case v > 18: // J to R
			v -= 18
		case v > 9: // A to H
			v -= 9
		}
		s += w * v
	}
	return c[8] == "0123456789X"[s%11]
}

// mrz reads a zone of two lines of the given width, or one of its lines alone: the upper by its shape, the
// lower by its check digits. A first letter, where given, is that of the document's kind.
func mrz(raw []byte, width int, kind byte) bool {
	var buf [90]byte
	zone := mrzText(raw, &buf)
	switch len(zone) {
	case width:
		return mrzLower(zone, width) || mrzUpper(zone, kind)
	case 2 * width:
		return mrzUpper(zone[:width], kind) && mrzLower(zone[width:], width)
	}
	return false
}

// mrzText copies raw to buf without the space and line breaks between lines, or returns nil if it cannot be
// a machine-readable zone.
func mrzText(raw []byte, buf *[90]byte) []byte {
	if len(raw) < 36 || len(raw) > len(buf)+4 || bytes.IndexByte(raw, '<') < 0 {
		return nil
	}
	n := 0
	for _, b := range raw {
		switch {
		case b == ' ' || b == '\n' || b == '\r':
		case (isDigit(b) || isUpper(b) || b == '<') && n < len(buf):
			buf[n] = b
			n++
		default:
			return nil
		}
	}
	return buf[:n]
}

// mrzUpper: kind of document, issuing state, name with a double filler between surname and given names.
func mrzUpper(line []byte, kind byte) bool {
	if kind != 0 && line[0] != kind || kind == 0 && !oneOf(line[0], "ACIV") {
		return false
	}
	for _, b := range line {
		if isDigit(b) {
			return false
		}
	}
	at := bytes.Index(line[5:], []byte("<<"))
	return isUpper(line[2]) && isUpper(line[5]) && at > 0 && isUpper(line[5+at-1])
}

func mrzLower(line []byte, width int) bool {
	if !mrzDigit(line[:9], line[9]) || !mrzDates(line[13:]) {
		return false
	}
	last := width - 1
	var all [64]byte
	composite := append(append(append(all[:0], line[:10]...), line[13:20]...), line[21:last]...)
	if width == 44 && !mrzDigit(line[28:42], line[42]) {
		return false
	}
	return mrzDigit(composite, line[last])
}

// mrzDates checks day of birth, sex and day of expiry with their digits.
func mrzDates(b []byte) bool {
	return oneOf(b[7], "MFX<") && mrzDigit(b[:6], b[6]) && mrzDigit(b[8:14], b[14])
}

// mrzDigit: an optional field that is empty may have a filler for its digit.
func mrzDigit(field []byte, digit byte) bool {
	if digit == '<' {
		return icao731(field) == 0
	}
	return isDigit(digit) && icao731(field) == int(digit-'0')
}

// mrzCard reads the three lines of thirty of an identity card.
func mrzCard(raw []byte) bool {
	var buf [90]byte
	zone := mrzText(raw, &buf)
	if len(zone) != 90 || !oneOf(zone[0], "ACI") || !isUpper(zone[60]) || !mrzDigit(zone[5:14], zone[14]) &&
		zone[14] != '<' || !mrzDates(zone[30:]) {
		return false
	}
	var all [64]byte
	composite := append(append(append(append(all[:0], zone[5:30]...), zone[30:37]...), zone[38:45]...), zone[48:59]...)
	return mrzDigit(composite, zone[59])
}
