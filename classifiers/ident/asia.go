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
			ID: "hk.hkid", Name: "香港身份證號碼 / Hong Kong identity card number", Country: "HK", Labels: []string{"national_id"},
			Check: hkid, Chance: 0.09,
			Source:  "Immigration Department of Hong Kong; stdnum-js hk.hkid; identique/idnumbers HKG",
			Valid:   []string{"G123456A", "A5555550", "C5678909", "AB9876543", "WX1234569", "A123456(3)", "a123456(3)"},
			Invalid: []string{"C5678908", "1234567", "A123456(4)", "A123456(3"},
		},
		{
			ID: "mo.bir", Name: "澳門居民身份證號碼", Country: "MO", Labels: []string{"national_id"},
			Layouts: []string{"99999999"}, Check: on(func(c []byte) bool { return oneOf(c[0], "157") }), Chance: 0.3, HeaderOnly: true,
			Source:  "Direcção dos Serviços de Identificação, Macau: starts with 1, 5 or 7, the check digit's rule is not published",
			Valid:   []string{"12281507"},
			Invalid: []string{"02281507", "22281507"},
		},
		{
			ID: "tw.nationalid", Name: "中華民國國民身分證統一編號", Country: "TW", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"A999999999"}, Check: on(func(c []byte) bool { return oneOf(c[1], "1289") && taiwanese(c) }), Chance: 0.04,
			Source:  "內政部戶政司; stdnum-js tw.natid; identique/idnumbers TWN",
			Valid:   []string{"A123456789", "A200501505", "m140051653"},
			Invalid: []string{"A1234567L", "A223456789"},
		},
		{
			ID: "tw.ubn", Name: "統一編號", Country: "TW", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99999999"}, Check: on(ubn), Chance: 0.11,
			Source:  "財政部, 統一編號; python-stdnum tw.ubn",
			Valid:   []string{"00501503"},
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
				return grouped(n.Raw, 6) && oneOf(n.Compact[6], "3478") && number(n.Compact[:4]) >= 2010 && koreanBirth(n.Compact)
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
			Check:  on(func(c []byte) bool { return yymmdd(c[2:8]) || number(c[4:6]) > 20 && yymmdd2000(c[2:8]) }),
			Source: "General Authority for State Registration of Mongolia: two letters, day of birth (month plus 20 since 2000), serial",
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
			ID: "in.pan", Name: "Permanent Account Number (PAN)", Country: "IN", Labels: []string{"tax_id"},
			Layouts: []string{"AAAAA9999A"}, Chance: 0.43,
			Check:   on(func(c []byte) bool { return oneOf(c[3], "ABCFGHJKLPT") && string(c[5:9]) != "0000" }),
			Source:  "Income Tax Department of India, rule 114; python-stdnum in_.pan",
			Valid:   []string{"ACUPA7085R"},
			Invalid: []string{"ABMPA32111", "ABMXA3211G", "ACUPA0000R", "AAAAA0000A", "ABCDEFGHIJ", "ABCD1234"},
		},
		{
			ID: "in.gstin", Name: "Goods and Services Tax Identification Number", Country: "IN", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"99AAAAA9999A?Z?"}, Check: on(func(c []byte) bool { return indianState(c) && luhn36(c) }), Chance: 0.011,
			Source:  "Goods and Services Tax Network; python-stdnum in_.gstin",
			Valid:   []string{"27AAPFU0939F1ZV"},
			Invalid: []string{"27AAPFU0939F1Z", "369296450896540", "27AAPFU0939F1AA", "27AAPFU0939F1ZO"},
		},
		{
			ID: "in.gstin_shape", Name: "Goods and Services Tax Identification Number, any check character", Country: "IN", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99AAAAA9999A?Z?"}, Check: on(indianState), Chance: 0.39, HeaderOnly: true,
			Source:  "Goods and Services Tax Network; Presidio IN_GSTIN",
			Valid:   []string{"27ABCDE1234F1Z5"},
			Invalid: []string{"99ABCDE0000F1Z5"},
		},
		{
			ID: "in.voter", Name: "Electoral Photo Identity Card (EPIC)", Country: "IN", Labels: []string{"other_personal"},
			Layouts: []string{"AAA9999999"}, Check: on(func(c []byte) bool { return luhn(c[3:]) }), Chance: 0.1,
			Source:  "Election Commission of India; python-stdnum in_.epic",
			Valid:   []string{"WKH1186253"},
			Invalid: []string{"WKH118624", "1231186253", "WKH1186263", "zxdf8923q1"},
		},
		{
			ID: "in.voter_shape", Name: "Electoral Photo Identity Card (EPIC), any check digit", Country: "IN", Labels: []string{"other_personal"},
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
			ID: "pk.cnic", Name: "Computerised National Identity Card (CNIC)", Country: "PK", Labels: []string{"national_id", "tax_id"},
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
			ID: "lk.nic", Name: "National Identity Card number", Country: "LK", Labels: []string{"national_id"},
			Layouts: []string{"999999999A"}, Chance: 0.055,
			Check:   on(func(c []byte) bool { return (c[9] == 'V' || c[9] == 'X') && lankanDay(number(c[2:5])) }),
			Source:  "Department for Registration of Persons: year, day of the year (women plus 500), serial, V or X; validator.js isIdentityCard",
			Valid:   []string{"935632124V", "942281632v"},
			Invalid: []string{"942281632b", "02135465462", "790930622A"},
		},
		{
			ID: "lk.nic_2016", Name: "National Identity Card number since 2016", Country: "LK", Labels: []string{"national_id"},
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
			Layouts: []string{"9999999999", "9999999999999", "99999999999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source:  "Bangladesh Election Commission; identique/idnumbers BGD",
			Valid:   []string{"1592824588424", "19841592824588424"},
			Invalid: []string{"159282458842"},
		},
		{
			ID: "np.nin", Name: "National identity number", Country: "NP", Labels: []string{"national_id"},
			Layouts: []string{"9999999999", "99999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source: "Department of National ID and Civil Registration of Nepal; no published check digit",
		},
	}
}

func southEastAsia() []Scheme {
	return []Scheme{
		{
			ID: "sg.nric", Name: "NRIC / FIN", Country: "SG", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"A9999999A"}, Check: on(nric), Chance: 0.0072,
			Source:  "Immigration and Checkpoints Authority; identique/idnumbers SGP",
			Valid:   []string{"S1234567D"},
			Invalid: []string{"S1234567E", "X1728872E"},
		},
		{
			ID: "sg.uen", Name: "Unique Entity Number", Country: "SG", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999A", "999999999A", "A99AA9999A"}, Check: on(uen), Chance: 0.038,
			Source:  "Accounting and Corporate Regulatory Authority, UEN; python-stdnum sg.uen",
			Valid:   []string{"00192200M", "197401143C", "S16FC0121D", "T01FC6132D"},
			Invalid: []string{"00192200N", "123456"},
		},
		{
			ID: "my.nric", Name: "MyKad (NRIC)", Country: "MY", Labels: []string{"national_id"},
			Layouts: []string{"999999999999"}, Chance: 0.032,
			Check:   func(n Number) bool { return grouped(n.Raw, 6, 8) && malaysian(n.Compact) },
			Source:  "Jabatan Pendaftaran Negara: day and place of birth, serial; python-stdnum my.nric",
			Valid:   []string{"770305-02-1234"},
			Invalid: []string{"771305-02-1234", "770305-17-1234"},
		},
		{
			ID: "th.pin", Name: "เลขประจำตัวประชาชน", Country: "TH", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999"}, Check: on(thai), Chance: 0.08,
			Source:  "Department of Provincial Administration; python-stdnum th.pin; Presidio TH_TNIN",
			Valid:   []string{"3100600445635", "1-2345-45678-78-1", "1234567890121", "4567890123459", "3801300141074"},
			Invalid: []string{"1-2345-45678-78-9", "0234567890124", "0034567890124", "1284567890124", "12345678901234"},
		},
		{
			ID: "th.moa", Name: "เลขทะเบียนนิติบุคคล", Country: "TH", Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"0999999999999"}, Check: on(func(c []byte) bool { return number(c[1:3]) >= 10 && thaiCheck(c) }), Chance: 0.1,
			Source:  "Department of Business Development; python-stdnum th.moa",
			Valid:   []string{"0994000617721", "0-99-4-000-61772-1"},
			Invalid: []string{"0-99-4-000-61772-3"},
		},
		{
			ID: "id.nik", Name: "Nomor Induk Kependudukan (NIK)", Country: "ID", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999999"}, Chance: 0.062,
			Check: on(func(c []byte) bool {
				day, province := number(c[6:8]), number(c[:2])
				if day > 40 {
					day -= 40
				}
				return province >= 11 && province <= 97 && number(c[2:4]) > 0 && number(c[4:6]) > 0 && number(c[12:]) > 0 &&
					validDay(number(c[10:12]), number(c[8:10]), day)
			}),
			Source:  "Undang-Undang No. 23 Tahun 2006: region, day of birth (women plus 40), serial; identique/idnumbers IDN",
			Valid:   []string{"1101010101900001", "7105100607610439"},
			Invalid: []string{"0950060607610439", "7105101613610439"},
		},
		{
			ID: "id.npwp", Name: "Nomor Pokok Wajib Pajak (NPWP)", Country: "ID", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"999999999999999"}, Check: on(func(c []byte) bool { return number(c[:9]) > 0 && luhn(c[:9]) }), Chance: 0.1,
			Source:  "Direktorat Jenderal Pajak, NPWP; python-stdnum id.npwp",
			Valid:   []string{"01.312.166.0-091.000", "016090524017000"},
			Invalid: []string{"016090525017000"},
		},
		{
			ID: "ph.tin", Name: "Taxpayer Identification Number", Country: "PH", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"999999999", "999999999999", "99999999999999"}, Check: func(n Number) bool { return grouped(n.Raw, 3, 6, 9) && !same(n.Compact) },
			Chance: 1, HeaderOnly: true,
			Source: "Bureau of Internal Revenue; Presidio PH_TIN",
			Valid:  []string{"000-123-456-000"},
		},
		{
			ID: "ph.psn", Name: "PhilSys Number", Country: "PH", Labels: []string{"national_id"},
			Layouts: []string{"999999999999", "9999999999999999"}, Check: func(n Number) bool { return grouped(n.Raw, 4, 8, 11, 12) }, Chance: 1, HeaderOnly: true,
			Source: "Philippine Statistics Authority: PSN of twelve digits, card number of sixteen; identique/idnumbers PHL",
			Valid:  []string{"123456789012", "1234-5678912-3"},
		},
		{
			ID: "ph.sss", Name: "Social Security System number", Country: "PH", Labels: []string{"national_id"},
			Layouts: []string{"9999999999"}, Check: func(n Number) bool { return grouped(n.Raw, 2, 9) && !same(n.Compact) }, Chance: 1, HeaderOnly: true,
			Source: "Social Security System: 2-7-1 digits",
		},
		{
			ID: "vn.cccd", Name: "Căn cước công dân (CCCD)", Country: "VN", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"099999999999"}, HeaderOnly: true, Chance: 0.26,
			Check: on(func(c []byte) bool {
				year := 1900 + int(c[3]-'0')/2*100 + number(c[4:6])
				return number(c[:3]) >= 1 && number(c[:3]) <= 96 && c[3] <= '3' && year <= horizon
			}),
			Source:  "Nghị định 137/2015/NĐ-CP: province, century and sex, year of birth, serial; identique/idnumbers VNM",
			Valid:   []string{"001089000123"},
			Invalid: []string{"02009316561"},
		},
		{
			ID: "vn.mst", Name: "Mã số thuế", Country: "VN", Labels: []string{"tax_id", "company_only"},
			Layouts: []string{"9999999999", "9999999999999"}, Chance: 0.092,
			Check: on(func(c []byte) bool {
				return number(c[2:9]) > 0 && value(c[9]) == 10-weighted(c, 31, 29, 23, 19, 17, 13, 7, 5, 3)%11
			}),
			Source:  "Tổng cục Thuế, mã số thuế; python-stdnum vn.mst",
			Valid:   []string{"0100233488", "0314409058-002"},
			Invalid: []string{"0100233480"},
		},
	}
}

func westAsia() []Scheme {
	return []Scheme{
		{
			ID: "il.teudat_zehut", Name: "מספר זהות", Country: "IL", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999", "99999999"}, Check: on(func(c []byte) bool { return number(c) > 0 && luhn(c) }), Chance: 0.1,
			Source:  "רשות האוכלוסין וההגירה; python-stdnum il.idnr",
			Valid:   []string{"3933742-3", "39337423", "523656783"},
			Invalid: []string{"3933742-2", "490154203237518", "A1234567L", "523656782"},
		},
		{
			ID: "il.hp", Name: "מספר חברה (ח.פ.)", Country: "IL", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"599999999"}, Check: on(luhn), Chance: 0.1,
			Source:  "רשות התאגידים; python-stdnum il.hp",
			Valid:   []string{"516179157"},
			Invalid: []string{"516179150"},
		},
		{
			ID: "ae.emirates_id", Name: "رقم الهوية الإماراتية", Country: "AE", Labels: []string{"national_id"},
			Layouts: []string{"784999999999999"}, Chance: 0.0015,
			Check:   on(func(c []byte) bool { year := number(c[3:7]); return year >= 1900 && year <= horizon && luhn(c) }),
			Source:  "Federal Authority for Identity, Citizenship, Customs and Port Security; identique/idnumbers ARE",
			Valid:   []string{"784198012345678"},
			Invalid: []string{"784-1979-1234567-2", "784000012345668"},
		},
		{
			ID: "sa.nid", Name: "رقم الهوية الوطنية / الإقامة", Country: "SA", Labels: []string{"national_id"},
			Layouts: []string{"1999999999", "2999999999"}, Check: on(luhn), Chance: 0.1,
			Source:  "Saudi Ministry of Interior: 1 for citizens, 2 for residents, Luhn; identique/idnumbers SAU",
			Valid:   []string{"1000000008"},
			Invalid: []string{"1000000009"},
		},
		{
			ID: "kw.civil", Name: "الرقم المدني", Country: "KW", Labels: []string{"national_id"},
			Layouts: []string{"299999999999", "399999999999"}, Check: on(kuwaiti), Chance: 0.0033,
			Source:  "Public Authority for Civil Information; identique/idnumbers KWT",
			Valid:   []string{"280010100004", "291030104196"},
			Invalid: []string{"291030104197"},
		},
		{
			ID: "bh.cpr", Name: "الرقم الشخصي", Country: "BH", Labels: []string{"national_id"},
			Layouts: []string{"999999999"}, HeaderOnly: true, Chance: 0.12,
			Check:   on(func(c []byte) bool { month := number(c[2:4]); return month >= 1 && month <= 12 }),
			Source:  "Information & eGovernment Authority of Bahrain: year and month of birth, serial; identique/idnumbers BHR",
			Valid:   []string{"800101001"},
			Invalid: []string{"801301001"},
		},
		{
			ID: "qa.qid", Name: "الرقم الشخصي", Country: "QA", Labels: []string{"national_id"},
			Layouts: []string{"29999999999", "39999999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source: "Ministry of Interior of Qatar: century, year of birth, country, serial",
		},
		{
			ID: "ir.code_melli", Name: "کد ملی", Country: "IR", Labels: []string{"national_id"},
			Layouts: []string{"9999999999"}, Chance: 0.099,
			Check: on(func(c []byte) bool {
				r := weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2) % 11
				if r > 1 {
					r = 11 - r
				}
				return !same(c) && number(c[3:9]) > 0 && lastIs(c, r)
			}),
			Source:  "سازمان ثبت احوال کشور; identique/idnumbers IRN; validator.js isIdentityCard",
			Valid:   []string{"0012345679", "472-171992-2"},
			Invalid: []string{"472-171992-1", "1111111111", "AAAAAAAAAA"},
		},
		{
			ID: "iq.nid", Name: "رقم البطاقة الوطنية", Country: "IQ", Labels: []string{"national_id"},
			Layouts: []string{"999999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source: "Iraqi Ministry of Interior: twelve digits; identique/idnumbers IRQ",
			Valid:  []string{"123456789012"},
		},
		{
			ID: "kz.iin", Name: "Жеке сәйкестендіру нөмірі (ЖСН) / ИИН", Country: "KZ", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999999"}, Check: on(func(c []byte) bool { return kazakhBirth(c) && kazakhCheck(c) }), Chance: 0.0016,
			Source:  "Закон Республики Казахстан о национальных реестрах идентификационных номеров; identique/idnumbers KAZ",
			Valid:   []string{"900101300017"},
			Invalid: []string{"900101300018"},
		},
		{
			ID: "kz.bin", Name: "Бизнес сәйкестендіру нөмірі (БСН) / БИН", Country: "KZ", Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"999999999999"}, Chance: 0.0036, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				month := number(c[2:4])
				return month >= 1 && month <= 12 && c[4] >= '4' && c[4] <= '6' && kazakhCheck(c)
			}),
			Source: "Закон Республики Казахстан о национальных реестрах идентификационных номеров",
		},
		{
			ID: "uz.pinfl", Name: "PINFL (JShShIR)", Country: "UZ", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"99999999999999"}, Chance: 0.0017, HeaderOnly: true,
			Check: on(func(c []byte) bool {
				century := 1800 + int(c[0]-'1')/2*100
				return c[0] >= '1' && c[0] <= '6' && validDate(century+number(c[5:7]), number(c[3:5]), number(c[1:3])) &&
					lastIs(c, weighted(c, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7)%10)
			}),
			Source: "Cabinet of Ministers of Uzbekistan: century and sex, day of birth, district, serial, weights 7, 3, 1",
		},
	}
}

// chineseProvince reports whether the first two digits are a division of GB/T 2260.
func chineseProvince(c []byte) bool {
	switch p := number(c[:2]); {
	case p >= 11 && p <= 15, p >= 21 && p <= 23, p >= 31 && p <= 37, p >= 41 && p <= 46, p >= 50 && p <= 54, p >= 61 && p <= 65:
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
	return (letter/10+letter%10*9+weighted(c[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

// ubn: products' digits are added; a 7 at the seventh place may count as one or nought; divisible by five since 2023.
func ubn(c []byte) bool {
	s := 0
	for i, w := range [...]int{1, 2, 1, 2, 1, 2, 4, 1} {
		s += digitSum(w * int(c[i]-'0'))
	}
	return number(c) > 0 && (s%10 == 0 || c[6] == '7' && s%10 == 9)
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

// nric: S and T are citizens of two centuries, F, G and M foreigners, each with letters of its own.
func nric(c []byte) bool {
	s := weighted(c[1:], 2, 7, 6, 5, 4, 3, 2)
	switch c[0] {
	case 'S':
		return c[8] == "JZIHGFEDCBA"[s%11]
	case 'T':
		return c[8] == "JZIHGFEDCBA"[(s+4)%11]
	case 'F':
		return c[8] == "XWUTRQPNMLK"[s%11]
	case 'G':
		return c[8] == "XWUTRQPNMLK"[(s+4)%11]
	case 'M':
		return c[8] == "KLJNPQRTUWX"[10-(s+3)%11]
	}
	return false
}

func uen(c []byte) bool {
	switch {
	case len(c) == 9:
		return c[8] == "XMKECAWLJDB"[weighted(c, 10, 4, 9, 3, 8, 2, 7, 1)%11]
	case isDigit(c[0]):
		year := number(c[:4])
		return year >= 1800 && year <= horizon && c[9] == "ZKCMDNERGWH"[weighted(c, 10, 8, 6, 4, 9, 7, 5, 3, 1)%11]
	}
	if !oneOf(c[0], "RST") {
		return false
	}
	s := 0
	for i, w := range [...]int{4, 3, 5, 3, 10, 2, 2, 5, 7} {
		at := 0
		for "ABCDEFGHJKLMNPQRSTUVWX0123456789"[at] != c[i] {
			if at++; at == 32 {
				return false
			}
		}
		s += w * at
	}
	return c[9] == "ABCDEFGHJKLMNPQRSTUVWX0123456789"[mod(s-5, 11)]
}

// malaysian checks the day of birth and that the place of birth is one that the register uses.
func malaysian(c []byte) bool {
	switch place := number(c[6:8]); {
	case place == 0, place >= 17 && place <= 20, place == 69, place == 70, place == 73, place == 80, place == 81, place >= 94 && place <= 97:
		return false
	}
	return yymmdd(c[:6])
}

func thai(c []byte) bool { return c[0] >= '1' && c[0] <= '8' && thaiCheck(c) }

func thaiCheck(c []byte) bool {
	return lastIs(c, (11-weighted(c, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10)
}

func kuwaiti(c []byte) bool {
	year := 1700 + 100*int(c[0]-'0') + number(c[1:3])
	return validDate(year, number(c[3:5]), number(c[5:7])) && lastIs(c, 11-weighted(c, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11)
}

func kazakhBirth(c []byte) bool {
	century := 1800 + int(c[6]-'1')/2*100
	return c[6] >= '1' && c[6] <= '6' && validDate(century+number(c[:2]), number(c[2:4]), number(c[4:6]))
}

func kazakhCheck(c []byte) bool {
	r := weighted(c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) % 11
	if r == 10 {
		r = weighted(c, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2) % 11
	}
	return lastIs(c, r)
}
