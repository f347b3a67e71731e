package ident

func unitedKingdom() []Scheme {
	return []Scheme{
		{
			ID: "gb.nhs", Name: "NHS number", Country: "GB", Labels: []string{"national_id", "health"},
			Layouts: []string{"9999999999"}, Chance: 0.092,
			Check:   on(func(c []byte) bool { return !same(c) && weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0 }),
			Source:  "NHS Data Dictionary, NHS number; python-stdnum gb.nhs; Presidio UK_NHS",
			Valid:   []string{"943-476-5870", "9434765870", "0032698674"},
			Invalid: []string{"9434765871"},
		},
		{
			ID: "gb.chi", Name: "Community Health Index number", Country: "GB",
			Labels:  []string{"national_id", "health"},
			Layouts: []string{"9999999999"}, Chance: 0.003,
			Check: on(func(c []byte) bool {
				return ddmmyy(c) && weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0
			}),
			Source: "Public Health Scotland, Community Health Index: day of birth and the check digit of the NHS " +
				"number; phsmethods chi_check",
			Valid:   []string{"0101011237"},
			Invalid: []string{"0101201234", "3201201234"},
		},
		{
			ID: "gb.nino", Name: "National Insurance number", Country: "GB", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"AA999999A"}, Check: on(nino), Chance: 0.086,
			Source:  "HMRC NIM39110; Presidio UK_NINO",
			Valid:   []string{"AA 12 34 56 B", "hh 01 02 03 d"},
			Invalid: []string{"BG123612A", "QQ123456C", "AA123456E"},
		},
		{
			ID: "gb.nino_no_suffix", Name: "National Insurance number without suffix", Country: "GB",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"AA999999"}, Check: on(ninoBody), Chance: 0.55, HeaderOnly: true,
			Source:  "HMRC NIM39110; OECD, tax identification numbers, United Kingdom: the suffix may be left out",
			Valid:   []string{"AA 12 34 56"},
			Invalid: []string{"BG123612"},
		},
		{
			ID: "gb.utr", Name: "Unique Taxpayer Reference", Country: "GB", Labels: []string{"tax_id"},
			Layouts: []string{"9999999999", "9999999999K"}, Chance: 0.1,
			Check: on(func(c []byte) bool {
				return !same(c[:10]) &&
					value(c[0]) == int("21987654321"[weighted(c[1:], 6, 7, 8, 9, 10, 5, 4, 3, 2)%11]-'0')
			}),
			Source:  "HMRC, Unique Taxpayer Reference; python-stdnum gb.utr",
			Valid:   []string{"1955839661"},
			Invalid: []string{"2955839661"},
		},
		{
			ID: "gb.upn", Name: "Unique Pupil Number", Country: "GB", Labels: []string{"national_id"},
			Layouts: []string{"A99999999999?"}, Check: on(upn), Chance: 0.026,
			Source:  "Department for Education, Unique Pupil Numbers; python-stdnum gb.upn",
			Valid:   []string{"B801200005001"},
			Invalid: []string{"A801200005001", "X80120000A001"},
		},
		{
			ID: "gb.driving_licence", Name: "Driver number", Country: "GB", Labels: []string{"other_personal"},
			Layouts: []string{"?????999999??9AA", "?????999999???AA"}, Check: on(drivingLicence), Chance: 0.0082,
			Source:  "DVLA, driver number; Wikipedia, Driving licence in the United Kingdom",
			Valid:   []string{"MORGA657054SM9IJ"},
			Invalid: []string{"MORGA677054SM9IJ"},
		},
		{
			ID: "gb.passport", Name: "Passport number", Country: "GB", Labels: []string{"passport"},
			Layouts: []string{"999999999", "AA9999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source: "HM Passport Office: nine digits; two letters and seven digits since 2015; Presidio " +
				"UK_PASSPORT",
			Valid: []string{"925665416"},
		},
		{
			ID: "gb.bank_account", Name: "Sort code and account number", Country: "GB",
			Labels:  []string{"bank_account"},
			Layouts: []string{"99999999999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "Pay.UK, Extended Industry Sort Code Directory: six digits and eight",
		},
		{
			ID: "gb.vat", Name: "VAT registration number", Country: "GB", Labels: []string{"company_only", "tax_id"},
			Company: true,
			Layouts: []string{"GB999999999", "GB999999999999", "999999999", "999999999999", "XI999999999",
				"XI999999999999"},
			Check: digitsAfter(britishVAT, "GB", "XI"), Chance: 0.031,
			Source:  "HMRC, VAT registration number, check digits of 1973 and 9755; python-stdnum gb.vat",
			Valid:   []string{"GB 980 7806 84", "980780684"},
			Invalid: []string{"802311781", "GB9999999999 999"},
		},
		{
			ID: "gb.vat_government", Name: "VAT registration number of a department or health authority", Country: "GB",
			Labels:  []string{"company_only"},
			Company: true, Layouts: []string{"GBGD999", "GBHA999", "GD999", "HA999"}, Chance: 0.5, HeaderOnly: true,
			Check: digitsAfter(func(c []byte) bool {
				return c[0] == 'G' && c[2] < '5' || c[0] == 'H' && c[2] >= '5'
			}, "GB"),
			Source: "HMRC, VATGPB9400: GD and three digits; European Commission, VIES FAQ, structure of VAT " +
				"numbers, as " +
				"vat-number-validation.eu quotes it: GD000 to 499, HA500 to 999",
			Valid:   []string{"GBGD001", "GBHA599", "GD100"},
			Invalid: []string{"GBGD500", "GBHA499"},
		},
		{
			ID: "gb.company_number", Name: "Company registration number", Country: "GB",
			Labels: []string{"company_only"}, Company: true,
			Layouts: []string{"99999999", "SC999999", "NI999999", "OC999999"}, Check: shape, Chance: 1,
			HeaderOnly: true,
			Source:     "Companies House, Uniform Resource Identifiers",
		},
	}
}

func nino(c []byte) bool { return c[8] <= 'D' && ninoBody(c) }

func ninoBody(c []byte) bool {
	switch string(c[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return !oneOf(c[0], "DFIQUV") && !oneOf(c[1], "DFIOQUV") && !same(c[2:8])
}

// upn: the first letter checks the twelve that follow, of which the last may be a letter.
func upn(c []byte) bool {
	const alphabet = "ABCDEFGHJKLMNPQRTUVWXYZ"
	last := value(c[12])
	if last > 9 {
		i := 0
		for i < len(alphabet) && alphabet[i] != c[12] {
			i++
		}
		if i == len(alphabet) {
			return false
		}
		last = i
	}
	authority := number(c[1:4])
	return authority >= 201 && authority <= 938 &&
		c[0] == alphabet[(weighted(c[1:], 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)+13*last)%23]
}

// drivingLicence: surname filled with 9, decade, month (women plus 50), day, year, initials filled with 9.
func drivingLicence(c []byte) bool {
	letters := 0
	for letters < 5 && isUpper(c[letters]) {
		letters++
	}
	for _, b := range c[letters:5] {
		if b != '9' {
			return false
		}
	}
	month, day := number(c[6:8]), number(c[8:10])
	if month > 50 {
		month -= 50
	}
	if letters == 0 || !validDay(value(c[5])*10+value(c[10]), month, day) {
		return false
	}
	return initial(c[11]) && initial(c[12]) && (isUpper(c[11]) || c[12] == '9')
}

func initial(c byte) bool { return isUpper(c) || c == '9' }

// britishVAT: nine digits (twelve with a branch) by either of the two rules in use.
func britishVAT(c []byte) bool {
	r := weighted(c, 8, 7, 6, 5, 4, 3, 2, 10, 1) % 97
	return !same(c) && (r == 0 || number(c[:3]) >= 100 && (r == 42 || r == 55))
}

func unitedStates() []Scheme {
	return []Scheme{
		{
			ID: "us.ssn", Name: "Social Security number", Country: "US", Labels: []string{"national_id", "tax_id"},
			Layouts: []string{"999999999"}, Chance: 0.89,
			Check: func(n Number) bool { return len(n.Raw) == 11 && grouped(n.Raw, 3, 5) && ssn(n.Compact) },
			Source: "Social Security Administration, SSN randomization and the numbers it never assigns; " +
				"python-stdnum us.ssn; pdscan",
			Valid:   []string{"536-90-4399", "123-45-6789", "123 45 6789"},
			Invalid: []string{"1112-23333", "666-00-0000", "078-05-1120", "078-05-0000", "0780511201", "000000000"},
		},
		{
			ID: "us.ssn_unformatted", Name: "Social Security number without dashes", Country: "US",
			Labels:  []string{"national_id", "tax_id"},
			Layouts: []string{"999999999"}, Check: func(n Number) bool { return len(n.Raw) == 9 && ssn(n.Compact) },
			Chance: 0.89, HeaderOnly: true,
			Source:  "Social Security Administration, SSN randomization; Presidio US_SSN",
			Valid:   []string{"536904399"},
			Invalid: []string{"000000000", "666123456", "078051120"},
		},
		{
			ID: "us.itin", Name: "Individual Taxpayer Identification Number", Country: "US",
			Labels:  []string{"tax_id", "national_id"},
			Layouts: []string{"999999999"},
			Check:   func(n Number) bool { return grouped(n.Raw, 3, 5) && itin(n.Compact) }, Chance: 0.044,
			Source:  "IRS, Internal Revenue Manual 3.21.263; python-stdnum us.itin; Presidio US_ITIN",
			Valid:   []string{"912-90-3456", "911-64-1234"},
			Invalid: []string{"9129-03456", "123-45-6789", "912-93-4567"},
		},
		{
			ID: "us.atin", Name: "Adoption Taxpayer Identification Number", Country: "US", Labels: []string{"tax_id"},
			Layouts: []string{"999999999"}, Chance: 0.00096,
			Check: func(n Number) bool {
				return grouped(n.Raw, 3, 5) && n.Compact[0] == '9' && number(n.Compact[3:5]) == 93
			},
			Source:  "IRS, Form W-7A: first digit 9, group 93",
			Valid:   []string{"912-93-4567"},
			Invalid: []string{"123-45-6789"},
		},
		{
			ID: "us.ein", Name: "Employer Identification Number", Country: "US",
			Labels: []string{"company_only", "tax_id"}, Company: true,
			Layouts: []string{"999999999"}, Check: func(n Number) bool { return grouped(n.Raw, 2) && ein(n.Compact) },
			Chance: 0.83, HeaderOnly: true,
			Source:  "IRS, How EINs are assigned and valid EIN prefixes; python-stdnum us.ein; validator.js isTaxID",
			Valid:   []string{"91-1144442", "011234567"},
			Invalid: []string{"911-14-4442", "07-1144442", "07-1234567"},
		},
		{
			ID: "us.ptin", Name: "Preparer Tax Identification Number", Country: "US", Labels: []string{"tax_id"},
			Layouts: []string{"P99999999"}, Check: shape, Chance: 1, HeaderOnly: true,
			Source:  "IRS, PTIN requirements; python-stdnum us.ptin",
			Valid:   []string{"P-00634642", "P01594846"},
			Invalid: []string{"00634642"},
		},
		{
			ID: "us.aba", Name: "ABA routing number", Country: "US", Labels: []string{"bank_account"},
			Layouts: []string{"999999999"}, Check: on(aba), Chance: 0.037,
			Source: "American Bankers Association, routing number policy; python-stdnum us.rtn; Presidio " +
				"ABA_ROUTING_NUMBER",
			Valid:   []string{"111000025", "121042882", "011103093"},
			Invalid: []string{"11100002", "112000025"},
		},
		{
			ID: "us.bank_account", Name: "Bank account number", Country: "US", Labels: []string{"bank_account"},
			Layouts: []string{
				"99999999", "999999999", "9999999999", "99999999999", "999999999999", "9999999999999", "99999999999999",
				"999999999999999", "9999999999999999", "99999999999999999",
			},
			Check: on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source:     "Presidio US_BANK_NUMBER: eight to seventeen digits",
			Unverified: "the lengths",
			Invalid:    []string{"1234567"},
		},
		{
			ID: "us.npi", Name: "National Provider Identifier", Country: "US", Labels: []string{"other_personal"},
			Layouts: []string{"9999999999"}, Check: on(npi), Chance: 0.02,
			Source:  "45 CFR 162.406; CMS, NPI check digit: Luhn with 80840 before the number; Presidio US_NPI",
			Valid:   []string{"1245319599", "1234 567 893"},
			Invalid: []string{"1245319598", "3245319599"},
		},
		{
			ID: "us.dea", Name: "DEA registration number", Country: "US", Labels: []string{"other_personal"},
			Layouts: []string{"AA9999999", "A99999999"}, Check: on(dea), Chance: 0.069,
			Source:  "Wikipedia, DEA number, with its example; worked example of takerx.com, Verify a DEA number",
			Valid:   []string{"F91234563", "AP5836727"},
			Invalid: []string{"FA1234564"},
		},
		{
			ID: "us.mbi", Name: "Medicare Beneficiary Identifier", Country: "US",
			Labels:  []string{"other_personal", "health"},
			Layouts: []string{"9A?9A?9AA99"}, Check: on(mbi), Chance: 0.22,
			Source:  "CMS, Understanding the Medicare Beneficiary Identifier format; Presidio US_MBI",
			Valid:   []string{"1eg4-te5-mk73"},
			Invalid: []string{"1SG4TE5MK73", "0EG4TE5MK73"},
		},
		{
			ID: "us.passport", Name: "Passport number", Country: "US", Labels: []string{"passport"},
			Layouts: []string{"999999999", "A99999999"}, Check: on(func(c []byte) bool { return !same(c) }), Chance: 1,
			HeaderOnly: true,
			Source:     "US Department of State: nine digits; a letter and eight since 2021",
			Invalid:    []string{"E000077341"},
		},
		{
			ID: "us.driver_license", Name: "Driver's license number", Country: "US", Labels: []string{"other_personal"},
			Layouts: []string{
				"A9999999", "A99999999", "A999999999999", "A99999999999999", "A999999999", "AA999999", "AA999999A",
				"9999999", "99999999", "999999999", "9999999999", "999999999999", "A9999999999999", "99AAA99999",
				"A99999",
			},
			Check: on(func(c []byte) bool { return !same(c) }), Chance: 1, HeaderOnly: true,
			Source: "AAMVA, driver license formats of the states",
		},
	}
}

// ssn refuses what the agency never assigns: area 000, 666 and 900 to 999, group 00, serial 0000, and the
// two numbers that advertising made famous.
func ssn(c []byte) bool {
	area := number(c[:3])
	if area == 0 || area == 666 || area >= 900 || number(c[3:5]) == 0 || number(c[5:]) == 0 {
		return false
	}
	n := string(c)
	return n != "078051120" && n != "219099999"
}

func itin(c []byte) bool {
	group := number(c[3:5])
	return c[0] == '9' && (group >= 50 && group <= 65 || group >= 70 && group <= 88 || group >= 90 && group <= 92 ||
		group >= 94)
}

// ein refuses the prefixes that no campus of the IRS hands out.
func ein(c []byte) bool {
	switch number(c[:2]) {
	case 0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97:
		return false
	}
	return true
}

// aba checks the Federal Reserve's prefixes and the weights 3, 7, 1.
func aba(c []byte) bool {
	district := number(c[:2])
	known := district <= 12 || district >= 21 && district <= 32 || district >= 61 && district <= 72 || district == 80
	return known && !same(c) && weighted(c, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}

// npi: 80840 before the number adds 24 to its Luhn sum.
func npi(c []byte) bool {
	return (c[0] == '1' || c[0] == '2') && mod(luhnDigit(c[:9])-24, 10) == value(c[9])
}

func dea(c []byte) bool {
	if !oneOf(c[0], "ABCDEFGHJKLMPRSTUX") || isDigit(c[1]) && c[1] != '9' || same(c[2:]) {
		return false
	}
	return lastIs(c, (weighted(c[2:], 1, 0, 1, 0, 1)+2*weighted(c[2:], 0, 1, 0, 1, 0, 1))%10)
}

// mbi: the letters leave out S, L, O, I, B and Z.
func mbi(c []byte) bool {
	return c[0] != '0' && within(c, "0123456789ACDEFGHJKMNPQRTUVWXY")
}
