package ident

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
			ID: "th.moa", Name: "เลขทะเบียนนิติบุคคล", Country: "TH",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"0999999999999"},
			Check:   on(func(c []byte) bool { return number(c[1:3]) >= 10 && thaiCheck(c) }), Chance: 0.1,
			Source:  "Department of Business Development; python-stdnum th.moa",
			Valid:   []string{"0994000617721", "0-99-4-000-61772-1"},
			Invalid: []string{"0-99-4-000-61772-3"},
		},
		{
			ID: "id.nik", Name: "Nomor Induk Kependudukan (NIK)", Country: "ID",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"9999999999999999"}, Chance: 0.062,
			Check: on(func(c []byte) bool {
				day, province := number(c[6:8]), number(c[:2])
				if day > 40 {
					day -= 40
				}
				return province >= 11 && province <= 97 && number(c[2:4]) > 0 && number(c[4:6]) > 0 &&
					number(c[12:]) > 0 &&
					validDay(number(c[10:12]), number(c[8:10]), day)
			}),
			Source: "Undang-Undang No. 23 Tahun 2006: region, day of birth (women plus 40), serial; " +
				"identique/idnumbers IDN",
			Valid:   []string{"1101010101900001", "7105100607610439"},
			Invalid: []string{"0950060607610439", "7105101613610439"},
		},
		{
			ID: "id.npwp", Name: "Nomor Pokok Wajib Pajak (NPWP)", Country: "ID",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"999999999999999"},
			Check:   on(func(c []byte) bool { return number(c[:9]) > 0 && luhn(c[:9]) }), Chance: 0.1,
			Source:  "Direktorat Jenderal Pajak, NPWP; python-stdnum id.npwp",
			Valid:   []string{"01.312.166.0-091.000", "016090524017000"},
			Invalid: []string{"016090525017000"},
		},
		{
			ID: "ph.tin", Name: "Taxpayer Identification Number", Country: "PH",
			Labels:  []string{"tax_id", "company_only"},
			Layouts: []string{"999999999", "999999999999", "99999999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 3, 6, 9) && !same(n.Compact) },
			Chance:  1, HeaderOnly: true,
			Source: "Bureau of Internal Revenue; Presidio PH_TIN",
			Valid:  []string{"000-123-456-000"},
		},
		{
			ID: "ph.psn", Name: "PhilSys Number", Country: "PH", Labels: []string{"national_id"},
			Layouts: []string{"999999999999", "9999999999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 4, 8, 11, 12) }, Chance: 1, HeaderOnly: true,
			Source: "Philippine Statistics Authority: PSN of twelve digits, card number of sixteen; " +
				"identique/idnumbers PHL",
			Valid: []string{"123456789012", "1234-5678912-3"},
		},
		{
			ID: "ph.sss", Name: "Social Security System number", Country: "PH", Labels: []string{"national_id"},
			Layouts: []string{"9999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 2, 9) && !same(n.Compact) }, Chance: 1,
			HeaderOnly: true,
			Source:     "Social Security System: 2-7-1 digits",
		},
		{
			ID: "vn.cccd", Name: "Căn cước công dân (CCCD)", Country: "VN", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"099999999999"}, HeaderOnly: true, Chance: 0.26,
			Check: on(func(c []byte) bool {
				year := 1900 + int(c[3]-'0')/2*100 + number(c[4:6])
				return number(c[:3]) >= 1 && number(c[:3]) <= 96 && c[3] <= '3' && year <= horizon
			}),
			Source: "Nghị định 137/2015/NĐ-CP: province, century and sex, year of birth, serial; " +
				"identique/idnumbers VNM",
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
			Layouts: []string{"999999999", "99999999"},
			Check:   on(func(c []byte) bool { return number(c) > 0 && luhn(c) }), Chance: 0.1,
			Source:  "רשות האוכלוסין וההגירה; python-stdnum il.idnr",
			Valid:   []string{"3933742-3", "39337423", "523656783"},
			Invalid: []string{"3933742-2", "490154203237518", "A1234567L", "523656782"},
		},
		{
			ID: "il.hp", Name: "מספר חברה (ח.פ.)", Country: "IL", Labels: []string{"company_only"},
			Company: true,
			Layouts: []string{"599999999"}, Check: on(luhn), Chance: 0.1,
			Source:  "רשות התאגידים; python-stdnum il.hp",
			Valid:   []string{"516179157"},
			Invalid: []string{"516179150"},
		},
		{
			ID: "ae.emirates_id", Name: "رقم الهوية الإماراتية", Country: "AE", Labels: []string{"national_id"},
			Layouts: []string{"784999999999999"}, Chance: 0.0015,
			Check: on(func(c []byte) bool {
				year := number(c[3:7])
				return year >= 1900 && year <= horizon &&
					luhn(c)
			}),
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
			Check: on(func(c []byte) bool { month := number(c[2:4]); return month >= 1 && month <= 12 }),
			Source: "Information & eGovernment Authority of Bahrain: year and month of birth, serial; " +
				"identique/idnumbers BHR",
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
			Layouts: []string{"999999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "Iraqi Ministry of Interior: twelve digits; identique/idnumbers IRQ",
			Valid:      []string{"123456789012"},
		},
		{
			ID: "om.vatin", Name: "رقم التعريف الضريبي (VATIN)", Country: "OM",
			Labels:  []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"OM9999999999", "OM999999999X"}, Chance: 0.01,
			Check:  on(func(c []byte) bool { return c[2] == '1' && mod112(c[4:]) }),
			Source: "Oman Tax Authority, VATIN: OM and ten characters; python-stdnum om.vat",
			Unverified: "the check character (ISO 7064 MOD 11-2 over the last eight), worked out from 22 published " +
				"numbers",
			Valid:   []string{"OM1100006083", "OM 1100 0060 83", "OM110000378X", "OM1200362117"},
			Invalid: []string{"OM1100006084"},
		},
		{
			ID: "kz.iin", Name: "Жеке сәйкестендіру нөмірі (ЖСН) / ИИН", Country: "KZ",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"999999999999"},
			Check:   on(func(c []byte) bool { return kazakhBirth(c) && kazakhCheck(c) }), Chance: 0.0016,
			Source: "Закон Республики Казахстан о национальных реестрах идентификационных номеров; " +
				"identique/idnumbers KAZ",
			Valid:   []string{"900101300017"},
			Invalid: []string{"900101300018"},
		},
		{
			ID: "kz.bin", Name: "Бизнес сәйкестендіру нөмірі (БСН) / БИН", Country: "KZ",
			Labels: []string{"company_only", "tax_id"}, Company: true,
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
				return c[0] >= '1' && c[0] <= '6' &&
					validDate(century+number(c[5:7]), number(c[3:5]), number(c[1:3])) &&
					lastIs(c, weighted(c, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7)%10)
			}),
			Source: "Cabinet of Ministers of Uzbekistan: century and sex, day of birth, district, serial, weights 7, " +
				"3, 1",
		},
	}
}

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
	case place == 0, place >= 17 && place <= 20, place == 69, place == 70, place == 73, place == 80, place == 81,
		place >= 94 && place <= 97:
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
	return validDate(year, number(c[3:5]), number(c[5:7])) &&
		lastIs(c, 11-weighted(c, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11)
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
