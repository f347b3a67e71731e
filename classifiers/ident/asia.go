package ident

func eastAsia() []Scheme {
	return []Scheme{
		{
			ID: "cn.ric", Name: "居民身份证号码", Country: "CN", Labels: []string{"national_id"},
			Layouts: []string{"99999999999999999?"}, Chance: 2e-5,
			Check:   on(func(c []byte) bool { return chineseProvince(c) && yyyymmdd(c[6:14]) && mod112(c) }),
			Source:  "GB 11643-1999; python-stdnum cn.ric; validator.js isIdentityCard",
			Valid:   []string{"360426199101010071", "235407195106112745", "11010519491231002X"},
			Invalid: []string{"360426199101010072", "520323297806058856", "235407195106112742"},
		},
		{
			ID: "cn.ric_15", Name: "居民身份证号码 (fifteen digits)", Country: "CN", Labels: []string{"national_id"},
			Layouts: []string{"999999999999999"}, Chance: 0.014,
			Check: on(func(c []byte) bool {
				return chineseProvince(c) && validDate(1900+number(c[6:8]), number(c[8:10]), number(c[10:12]))
			}),
			Source:  "GB 11643-1989; validator.js isIdentityCard",
			Valid:   []string{"110101491001001"},
			Invalid: []string{"110101491041001", "110101940231001"},
		},
		{
			ID: "cn.uscc", Name: "统一社会信用代码", Country: "CN", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999??????????", "A9999999??????????"}, Check: on(uscc), Chance: 0.0022,
			Source:  "GB 32100-2015; python-stdnum cn.uscc",
			Valid:   []string{"91110000600037341L", "9 1 110000 600037341L"},
			Invalid: []string{"91110000600037342L", "A1110000600037341L"},
		},
		{
			ID: "hk.hkid", Name: "香港身份證號碼 / Hong Kong identity card number", Country: "HK",
			Labels: []string{"national_id"},
			Check:  hkid, Chance: 0.09,
			Source:  "Immigration Department of Hong Kong; stdnum-js hk.hkid; identique/idnumbers HKG",
			Valid:   []string{"G123456A", "A5555550", "C5678909", "AB9876543", "WX1234569", "A123456(3)", "a123456(3)"},
			Invalid: []string{"C5678908", "1234567", "A123456(4)", "A123456(3"},
		},
		{
			ID: "mo.bir", Name: "澳門居民身份證號碼", Country: "MO", Labels: []string{"national_id"},
			Layouts: []string{"99999999"}, Check: on(func(c []byte) bool { return oneOf(c[0], "157") }), Chance: 0.3,
			HeaderOnly: true,
			Source: "Direcção dos Serviços de Identificação, Macau: starts with 1, 5 or 7, the check digit's rule " +
				"is not published",
			Valid:   []string{"12281507"},
			Invalid: []string{"02281507", "22281507"},
		},
		{
			ID: "tw.nationalid", Name: "中華民國國民身分證統一編號", Country: "TW", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"A999999999"},
			Check:   on(func(c []byte) bool { return oneOf(c[1], "1289") && taiwanese(c) }), Chance: 0.04,
			Source:  "內政部戶政司; stdnum-js tw.natid; identique/idnumbers TWN",
			Valid:   []string{"A123456789", "A200501505", "m140051653"},
			Invalid: []string{"A1234567L", "A223456789"},
		},
		{
			ID: "tw.arc_old", Name: "外來人口統一證號 (舊式)", Country: "TW", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"AA99999999"}, Chance: 0.015,
			Check: on(func(c []byte) bool { return c[1] >= 'A' && c[1] <= 'D' && taiwanese(c) }),
			Source: "內政部移民署: before 2021 the second place is a letter from A to D, which counts as the last digit of " +
				"its number; stdnum-js tw.ui",
			Valid:   []string{"AB12345677", "CC00151114"},
			Invalid: []string{"AB12345678", "AE12345677"},
		},
		{
			ID: "tw.ubn", Name: "統一編號", Country: "TW", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99999999"}, Check: on(ubn), Chance: 0.22,
			Source:  "財政部, 營利事業統一編號檢查碼邏輯修正說明 (2023); python-stdnum tw.ubn",
			Valid:   []string{"00501503", "10000004", "10000171"},
			Invalid: []string{"00501502"},
		},
		{
			ID: "jp.my_number", Name: "個人番号 (マイナンバー)", Country: "JP", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999999"}, Check: on(myNumber), Chance: 0.1,
			Source:  "総務省令第85号 (平成26年); identique/idnumbers JPN",
			Valid:   []string{"765895492872"},
			Invalid: []string{"123456789012"},
		},
		{
			ID: "jp.hojin_bango", Name: "法人番号", Country: "JP", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"9999999999999"}, Chance: 0.1,
			Check: on(func(c []byte) bool {
				return !same(c) && value(c[0]) == 9-weighted(c, 0, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)%9
			}),
			Source:  "国税庁, 法人番号; python-stdnum jp.cn",
			Valid:   []string{"5-8356-7825-6246"},
			Invalid: []string{"2-8356-7825-6246"},
		},
		{
			ID: "kr.rrn", Name: "주민등록번호 / 외국인등록번호", Country: "KR", Labels: []string{"national_id"},
			Layouts: []string{"9999999999999"}, Chance: 0.0036,
			Check: func(n Number) bool {
				c := n.Compact
				return grouped(n.Raw, 6) && koreanBirth(c) && number(c[7:9]) <= 96 &&
					(lastIs(c, koreanCheck(c)) || c[6] >= '5' && c[6] <= '8' && lastIs(c, (koreanCheck(c)+2)%10))
			},
			Source:  "주민등록법 시행규칙; 출입국관리법 시행규칙 (foreigners: two more); python-stdnum kr.rrn; identique/idnumbers KOR",
			Valid:   []string{"971013-9019902", "8501266401473", "840609-5260291", "850408-5761193"},
			Invalid: []string{"971013-9019903", "001332-1234567", "960111-10214131", "760413-1212134"},
		},
		{
			ID: "kr.rrn_2020", Name: "주민등록번호 (임의번호, 2020년 10월부터)", Country: "KR", Labels: []string{"national_id"},
			Layouts: []string{"9999999999999"}, Chance: 0.0025,
			Check: func(n Number) bool {
				return grouped(n.Raw, 6) && oneOf(n.Compact[6], "3478") && number(n.Compact[:4]) >= 2010 &&
					koreanBirth(n.Compact)
			},
			HeaderOnly: true,
			Source:     "주민등록법 시행규칙 (2020): six random digits after the century's digit, no check digit",
			Invalid:    []string{"971013-9019903", "201340-3123456"},
		},
		{
			ID: "kr.brn", Name: "사업자등록번호", Country: "KR", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"9999999999"}, Check: on(brn), Chance: 0.088,
			Source:  "국세청, 사업자등록번호; python-stdnum kr.brn; Presidio KR_BRN",
			Valid:   []string{"116-82-00276", "104-82-13138"},
			Invalid: []string{"123456789", "116-82-00278"},
		},
		{
			ID: "kr.driver_license", Name: "운전면허번호", Country: "KR", Labels: []string{"other_personal"},
			Layouts: []string{"999999999999"}, HeaderOnly: true, Chance: 0.17,
			Check: func(n Number) bool {
				region := number(n.Compact[:2])
				return grouped(n.Raw, 2, 4, 10) && (region >= 11 && region <= 26 || region == 28)
			},
			Source:  "도로교통법 시행규칙: region, year, serial, check digits; Presidio KR_DRIVER_LICENSE",
			Invalid: []string{"11-22-123456-1"},
		},
		{
			ID: "mn.register", Name: "Регистрийн дугаар", Country: "MN", Labels: []string{"national_id"},
			Layouts: []string{"AA99999999"}, HeaderOnly: true, Chance: 0.05,
			Check: on(func(c []byte) bool { return yymmdd(c[2:8]) || number(c[4:6]) > 20 && yymmdd2000(c[2:8]) }),
			Source: "General Authority for State Registration of Mongolia: two letters, day of birth (month plus 20 " +
				"since 2000), serial",
		},
	}
}

func southAsia() []Scheme {
	return []Scheme{
		{
			ID: "in.aadhaar", Name: "Aadhaar", Country: "IN", Labels: []string{"national_id"},
			Layouts: []string{"999999999999"}, Chance: 0.08,
			Check:   on(func(c []byte) bool { return c[0] >= '2' && !palindrome(c) && verhoeff(c) }),
			Source:  "Unique Identification Authority of India; python-stdnum in_.aadhaar",
			Valid:   []string{"234123412346", "892473528038", "8924 7352 8038"},
			Invalid: []string{"234123412347", "123412341234", "643343121", "222222222222"},
		},
		{
			ID: "in.vid", Name: "Aadhaar Virtual ID", Country: "IN", Labels: []string{"national_id"},
			Layouts: []string{"9999999999999999"}, Chance: 0.08,
			Check: on(func(c []byte) bool { return c[0] >= '2' && !palindrome(c) && verhoeff(c) }),
			Source: "Unique Identification Authority of India, circular 1 of 2018: sixteen digits, Verhoeff; " +
				"python-stdnum in_.vid",
			Valid:   []string{"2341234123412341"},
			Invalid: []string{"2341234123412342", "1341234123412341"},
		},
		{
			ID: "in.pan", Name: "Permanent Account Number (PAN)", Country: "IN", Labels: []string{"tax_id"},
			Layouts: []string{"AAAAA9999A"}, Chance: 0.43,
			Check:   on(func(c []byte) bool { return oneOf(c[3], "ABCFGHJKLPT") && string(c[5:9]) != "0000" }),
			Source:  "Income Tax Department of India, rule 114; python-stdnum in_.pan",
			Valid:   []string{"ACUPA7085R"},
			Invalid: []string{"ABMPA32111", "ABMXA3211G", "ACUPA0000R", "AAAAA0000A", "ABCDEFGHIJ", "ABCD1234"},
		},
		{
			ID: "in.gstin", Name: "Goods and Services Tax Identification Number", Country: "IN",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99AAAAA9999A?Z?"}, Check: on(func(c []byte) bool { return indianState(c) && luhn36(c) }),
			Chance:  0.011,
			Source:  "Goods and Services Tax Network; python-stdnum in_.gstin",
			Valid:   []string{"27AAPFU0939F1ZV"},
			Invalid: []string{"27AAPFU0939F1Z", "369296450896540", "27AAPFU0939F1AA", "27AAPFU0939F1ZO"},
		},
		{
			ID: "in.gstin_shape", Name: "Goods and Services Tax Identification Number, any check character",
			Country: "IN", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99AAAAA9999A?Z?"}, Check: on(indianState), Chance: 0.39, HeaderOnly: true,
			Source:  "Goods and Services Tax Network; Presidio IN_GSTIN",
			Valid:   []string{"27ABCDE1234F1Z5"},
			Invalid: []string{"99ABCDE0000F1Z5"},
		},
		{
			ID: "in.voter", Name: "Electoral Photo Identity Card (EPIC)", Country: "IN",
			Labels:  []string{"other_personal"},
			Layouts: []string{"AAA9999999"}, Check: on(func(c []byte) bool { return luhn(c[3:]) }), Chance: 0.1,
			Source:  "Election Commission of India; python-stdnum in_.epic",
			Valid:   []string{"WKH1186253"},
			Invalid: []string{"WKH118624", "1231186253", "WKH1186263", "zxdf8923q1"},
		},
		{
			ID: "in.voter_shape", Name: "Electoral Photo Identity Card (EPIC), any check digit", Country: "IN",
			Labels:  []string{"other_personal"},
			Layouts: []string{"AAA9999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "Election Commission of India; Presidio IN_VOTER",
			Invalid: []string{"zxdf8923q1"},
		},
		{
			ID: "in.ifsc", Name: "Indian Financial System Code", Country: "IN", Labels: []string{"bank_account"},
			Layouts: []string{"AAAA0??????"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Reserve Bank of India: bank, zero, branch",
		},
		{
			ID: "pk.cnic", Name: "Computerised National Identity Card (CNIC)", Country: "PK",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999"}, HeaderOnly: true, Chance: 0.63,
			Check: func(n Number) bool {
				c := n.Compact
				return grouped(n.Raw, 5, 12) && c[0] >= '1' && c[0] <= '7' && c[12] != '0'
			},
			Source:  "National Database and Registration Authority; python-stdnum pk.cnic; validator.js isIdentityCard",
			Valid:   []string{"34201-0891231-8", "42201-0397640-8"},
			Invalid: []string{"11111", "54104-9890578"},
		},
		{
			ID: "pk.ntn", Name: "National Tax Number (NTN)", Country: "PK", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"9999999", "99999999"}, HeaderOnly: true, Chance: 1,
			Check:  func(n Number) bool { return grouped(n.Raw, 7) && !same(n.Compact) },
			Source: "Federal Board of Revenue: seven digits, and one more behind a dash; stdnum-js pk.ntn",
			Valid:  []string{"1234567"},
		},
		{
			ID: "lk.nic", Name: "National Identity Card number", Country: "LK", Labels: []string{"national_id"},
			Layouts: []string{"999999999A"}, Chance: 0.055,
			Check: on(func(c []byte) bool { return (c[9] == 'V' || c[9] == 'X') && lankanDay(number(c[2:5])) }),
			Source: "Department for Registration of Persons: year, day of the year (women plus 500), serial, V or " +
				"X; validator.js isIdentityCard",
			Valid:   []string{"935632124V", "942281632v"},
			Invalid: []string{"942281632b", "02135465462", "790930622A"},
		},
		{
			ID: "lk.nic_2016", Name: "National Identity Card number since 2016", Country: "LK",
			Labels:  []string{"national_id"},
			Layouts: []string{"999999999999"}, Chance: 0.01,
			Check: on(func(c []byte) bool {
				year := number(c[:4])
				return year >= 1900 && year <= horizon && lankanDay(number(c[4:7]))
			}),
			Source:  "Department for Registration of Persons; identique/idnumbers LKA",
			Valid:   []string{"197419202757", "198732403040"},
			Invalid: []string{"199041020275", "130001200041"},
		},
		{
			ID: "bd.nid", Name: "National ID (NID)", Country: "BD", Labels: []string{"national_id"},
			Layouts: []string{"9999999999", "9999999999999", "99999999999999999"},
			Check:   on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source:  "Bangladesh Election Commission; identique/idnumbers BGD",
			Valid:   []string{"1592824588424", "19841592824588424"},
			Invalid: []string{"159282458842"},
		},
		{
			ID: "np.nin", Name: "National identity number", Country: "NP", Labels: []string{"national_id"},
			Layouts: []string{"9999999999", "99999999999"}, Check: on(func(c []byte) bool { return !same(c) }),
			Chance: 1, HeaderOnly: true,
			Source: "Department of National ID and Civil Registration of Nepal; no published check digit",
		},
	}
}

// chineseProvince reports whether the first two digits are a division of GB/T 2260.
func chineseProvince(c []byte) bool {
	switch p := number(c[:2]); {
	case p >= 11 && p <= 15, p >= 21 && p <= 23, p >= 31 && p <= 37, p >= 41 && p <= 46, p >= 50 && p <= 54, p >= 61 &&
		p <= 65:
		return true
	default:
		return p == 71 || p == 81 || p == 82 || p == 83 || p == 91
	}
}

// uscc: 31 characters (no I, O, S, V, Z), weights the powers of three modulo 31.
func uscc(c []byte) bool {
	s, w := 0, 1
	for i, b := range c {
		v := value(b)
		switch {
		case oneOf(b, "IOSVZ"):
			return false
		case b > 'V':
			v -= 4
		case b > 'S':
			v -= 3
		case b > 'O':
			v -= 2
		case b > 'I':
			v--
		}
		if i == 17 {
			return (s+v)%31 == 0 && oneOf(c[0], "159ANY") && isDigits(c[2:8])
		}
		s += v * w
		w = w * 3 % 31
	}
	return false
}

// hkid reads one or two letters, six digits and a check character that customarily stands in brackets.
func hkid(n Number) bool {
	raw := n.Raw
	if len(raw) < 8 || len(raw) > 12 || !isLetter(raw[0]) || !bracketed(raw) {
		return false
	}
	var buf [9]byte
	c, ok := withoutBrackets(buf[:0], raw)
	letters := len(c) - 7
	if !ok || letters < 1 || letters > 2 || letters == 2 && !isUpper(c[1]) {
		return false
	}
	check := c[len(c)-1]
	if !isDigits(c[letters:len(c)-1]) || !isDigit(check) && check != 'A' {
		return false
	}
	s := 36 * 9 // a space before a single letter
	if letters == 2 {
		s = value(c[0]) * 9
	}
	for i, b := range c[letters-1:] {
		s += value(b) * (8 - i)
	}
	return s%11 == 0
}

// bracketed reports whether the last character stands in brackets, or there are none.
func bracketed(raw []byte) bool {
	n := len(raw)
	if raw[n-1] == ')' || raw[n-1] == ']' {
		return raw[n-3] == '(' || raw[n-3] == '['
	}
	return countByte(raw, '(')+countByte(raw, '[') == 0
}

// withoutBrackets appends the letters, as capitals, and digits to dst, which has room for all that may be there.
func withoutBrackets(dst, raw []byte) ([]byte, bool) {
	for _, b := range raw {
		switch {
		case b == '(' || b == ')' || b == '[' || b == ']' || b == '-' || b == ' ':
			continue
		case !isDigit(b) && !isLetter(b) || len(dst) == cap(dst):
			return dst, false
		case isLetter(b):
			b &^= 0x20
		}
		dst = append(dst, b)
	}
	return dst, true
}

func countByte(b []byte, c byte) int {
	n := 0
	for _, x := range b {
		if x == c {
			n++
		}
	}
	return n
}

// taiwanese: the letter stands for two digits by the order in which counties were numbered.
func taiwanese(c []byte) bool {
	letter := 10
	for _, b := range []byte("ABCDEFGHJKLMNPQRSTUVXYWZIO") {
		if b == c[0] {
			break
		}
		letter++
	}
	s := letter/10 + letter%10*9 + weighted(c[2:], 7, 6, 5, 4, 3, 2, 1, 1)
	if isDigit(c[1]) {
		return (s+8*value(c[1]))%10 == 0
	}
	return (s+8*int(c[1]-'A'))%10 == 0 // A is 10, B is 11, ...
}

// ubn: products' digits are added; a 7 at the seventh place may count as one or nought; divisible by five since
// 2023, when numbers began to run out, by ten before.
func ubn(c []byte) bool {
	s := 0
	for i, w := range [...]int{1, 2, 1, 2, 1, 2, 4, 1} {
		s += digitSum(w * int(c[i]-'0'))
	}
	return number(c) > 0 && (s%5 == 0 || c[6] == '7' && s%5 == 4)
}

func myNumber(c []byte) bool {
	r := weighted(c, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if r <= 1 {
		return !same(c) && lastIs(c, 0)
	}
	return lastIs(c, 11-r)
}

// koreanBirth: 9 and 0 are the nineteenth century, 1 2 5 6 the twentieth, 3 4 7 8 the twenty-first.
func koreanBirth(c []byte) bool {
	century := 1900
	switch c[6] {
	case '9', '0':
		century = 1800
	case '3', '4', '7', '8':
		century = 2000
	}
	return validDate(century+number(c[:2]), number(c[2:4]), number(c[4:6]))
}

func koreanCheck(c []byte) int {
	return (11 - weighted(c, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11) % 10
}

func brn(c []byte) bool {
	if number(c[:3]) < 101 || number(c[3:5]) == 0 || number(c[5:9]) == 0 {
		return false
	}
	return (weighted(c, 1, 3, 7, 1, 3, 7, 1, 3, 5, 1)+value(c[8])*5/10)%10 == 0
}

func yymmdd2000(c []byte) bool {
	return validDate(2000+number(c[:2]), number(c[2:4])-20, number(c[4:6]))
}

func palindrome(c []byte) bool {
	for i := range len(c) / 2 {
		if c[i] != c[len(c)-1-i] {
			return false
		}
	}
	return true
}

// indianState checks state, the account number's serial inside the GSTIN, and the registration's ordinal.
func indianState(c []byte) bool {
	state := number(c[:2])
	return (state >= 1 && state <= 38 || state == 97 || state == 99) && string(c[7:11]) != "0000" && c[12] != '0'
}

func lankanDay(d int) bool { return d >= 1 && d <= 366 || d >= 501 && d <= 866 }
