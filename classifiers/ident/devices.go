package ident

func devices() []Scheme {
	return []Scheme{
		{
			ID: "x.imei", Name: "International Mobile Equipment Identity", Labels: []string{"device_id"},
			Layouts: []string{"999999999999999"}, Check: on(imei), Chance: 0.018,
			Source:  "3GPP TS 23.003; GSMA TS.06 (reporting bodies); python-stdnum imei",
			Valid:   []string{"354178036859789", "49-015420-323751-8"},
			Invalid: []string{"35-417803-685978-1", "49-015420-323751-7", "35-209900-1761482-3"},
		},
		{
			ID: "x.imei_unchecked", Name: "IMEI without check digit, IMEISV", Labels: []string{"device_id"},
			Layouts: []string{"99999999999999", "9999999999999999"}, HeaderOnly: true, Chance: 0.19,
			Check:   on(func(c []byte) bool { return reportingBody(c) && !same(c[2:]) }),
			Source:  "3GPP TS 23.003, 6.2.1 and 6.2.2: eight digits of type, six of serial, two of software version",
			Valid:   []string{"49-015420-323751", "35-209900-176148-23", "35686800-004141-20"},
			Invalid: []string{"79-015420-323751"},
		},
		{
			ID: "x.meid", Name: "Mobile Equipment Identifier", Labels: []string{"device_id"},
			Layouts: []string{"A??????????????"}, Check: on(meid), Chance: 4e-7,
			Source:  "3GPP2 S.R0048-A: fourteen hexadecimal digits of which the first is A to F, Luhn in base 16",
			Valid:   []string{"AF 01 23 45 0A BC DE C"},
			Invalid: []string{"AF 01 23 45 0A BC DE D", "GF 01 23 45 0A BC DE C"},
		},
		{
			ID: "x.meid_unchecked", Name: "MEID without check digit, and in decimal digits",
			Labels:  []string{"device_id"},
			Layouts: []string{"A?????????????", "999999999999999999", "9999999999999999999"},
			Check:   on(meidUnchecked), HeaderOnly: true, Chance: 0.027,
			Source: "3GPP2 S.R0048-A: the decimal form has ten digits for the first 32 bits, which are at least " +
				"A0000000, and eight for the other 24",
			Valid:   []string{"AF 01 23 45 0A BC DE", "29360 87365 0070 3710 0", "29360 87365 0070 3710"},
			Invalid: []string{"19360 87365 0070 3710", "29360 87365 9970 3710"},
		},
		{
			ID: "x.iccid", Name: "Integrated Circuit Card Identifier", Labels: []string{"device_id"},
			Layouts: []string{"8999999999999999999", "89999999999999999999"}, Check: on(luhn), Chance: 0.1,
			Source:  "ITU-T E.118: 89, issuer, account, Luhn",
			Valid:   []string{"8991101200003204514"},
			Invalid: []string{"8991101200003204510"},
		},
		{
			ID: "x.imsi", Name: "International Mobile Subscriber Identity", Labels: []string{"device_id"},
			Layouts: []string{"999999999999999"},
			Check:   on(func(c []byte) bool { return mobileCountry(number(c[:3])) }), Chance: 0.24, HeaderOnly: true,
			Source:  "ITU-T E.212, list of mobile country codes; python-stdnum imsi",
			Valid:   []string{"429011234567890"},
			Invalid: []string{"439011234567890"},
		},
	}
}

func imei(c []byte) bool { return reportingBody(c) && number(c) > 0 && luhn(c) }

// reportingBody reports whether the first two digits are of a body that assigns, or once assigned, type codes.
func reportingBody(c []byte) bool {
	switch number(c[:2]) {
	case 0, 1, 10, 30, 33, 35, 44, 45, 49, 50, 51, 52, 53, 54, 86, 91, 98, 99:
		return true
	}
	return false
}

// meid is Luhn in base 16.
func meid(c []byte) bool { return isMEID(c) && luhnIn(16, c) }

func isMEID(c []byte) bool { return !isDigit(c[0]) && within(c, "0123456789ABCDEF") }

func meidUnchecked(c []byte) bool {
	if len(c) == 14 {
		return isMEID(c)
	}
	const least, most = 0xa0000000, 0xffffffff // of the manufacturer
	manufacturer := number(c[:10])
	return manufacturer >= least && manufacturer <= most && number(c[10:18]) <= 0xffffff && (len(c) == 18 || luhn(c))
}

// mobileCountry reports whether the ITU has assigned the mobile country code.
func mobileCountry(mcc int) bool {
	switch mcc {
	case 202, 204, 206, 208, 212, 213, 214, 216, 218, 219, 220, 221, 222, 226, 228, 230, 231, 232, 234, 235, 238, 240,
		242, 244, 246, 247, 248, 250, 255, 257, 259, 260, 262, 266, 268, 270, 272, 274, 276, 278, 280, 282, 283, 284,
		286, 288, 289, 290, 292, 293, 294, 295, 297, 302, 308, 330, 332, 334, 338, 340, 342, 344, 346, 348, 350, 352,
		354, 356, 358, 360, 362, 363, 364, 365, 366, 368, 370, 372, 374, 376, 400, 401, 402, 404, 405, 406, 410, 434,
		436, 437, 438, 440, 441, 450, 452, 454, 455, 456, 457, 460, 461, 466, 467, 470, 472, 502, 505, 510, 514, 515,
		520, 525, 528, 530, 702, 704, 706, 708, 710, 712, 714, 716, 722, 724, 730, 732, 734, 736, 738, 740, 742, 744,
		746, 748, 750, 901, 995, 999:
		return true
	}
	return mcc >= 310 && mcc <= 316 || mcc >= 412 && mcc <= 432 && mcc != 423 || mcc >= 536 && mcc <= 555 ||
		mcc >= 602 && mcc <= 659 && mcc != 656
}
