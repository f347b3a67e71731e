package ident

// Reserved is what the issuer of a scheme has set aside for tests and print.
type Reserved struct {
	Says       string // which numbers, in words
	Source     string // where that is published
	Unverified bool   // no source that states it was found
	is         func(c []byte) bool
}

// Fictitious reports whether n, which Match need not accept, is a number that the issuer of the scheme with
// this ID has set aside for tests and print: fine in a test environment, worth a finding in production.
func Fictitious(id string, n Number) bool {
	reserved := reservedNumbers[id]
	return reserved.is != nil && reserved.is(n.Compact)
}

// ReservedOf returns what is set aside of a scheme, and whether anything is.
func ReservedOf(id string) (Reserved, bool) {
	reserved, ok := reservedNumbers[id]
	return reserved, ok
}

// reservedNumbers are asked by the ID of the scheme.
var reservedNumbers = map[string]Reserved{
	"us.ssn":             advertised,
	"us.ssn_unformatted": advertised,
	"se.personnummer": {
		Says: "serials 980 to 999",
		Source: "Skatteverket, open data, test numbers (entryscape catalog 9, dataset 147), as ActiveLogin's tests " +
			"quote it",
		is: func(c []byte) bool {
			return (len(c) == 10 || len(c) == 12) && isDigits(c) && number(c[len(c)-4:len(c)-1]) >= 980
		},
	},
	"fi.hetu": {
		Says: "individual numbers 900 to 999, which the register never gives: test persons, and temporary numbers " +
			"that " +
			"others hand out",
		Source: "Digi- ja väestötietovirasto, made-up test persons, as dimarchi.net quotes them; CSC, oppijanumero: " +
			"temporary numbers start with 9",
		is: func(c []byte) bool { return len(c) >= 10 && len(c) <= 11 && c[len(c)-4] == '9' },
	},
	// Months plus 40 are not among them: hospitals give such numbers (H-nummer) to people whose own is not known.
	"no.fodselsnummer": {
		Says:   "months plus 80",
		Source: "Skatteetaten, Test-Norge, as the libraries of navikt read it",
		is:     func(c []byte) bool { return len(c) == 11 && isDigits(c) && oneOf(c[2], "89") },
	},
	"gb.nhs": {
		Says:   "999 000 0000 to 999 999 9999",
		Source: "GIG Cymru NHS Wales, nhs-number, ranges: valid for tests, and guaranteed to be never issued",
		is:     func(c []byte) bool { return len(c) == 10 && string(c[:3]) == "999" },
	},
	"gb.nino": {
		Says:   "prefix QQ",
		Source: "HMRC, NIM39110: an example that is not to be used as an actual number",
		is:     func(c []byte) bool { return len(c) >= 8 && len(c) <= 9 && string(c[:2]) == "QQ" },
	},
	"nl.bsn": {
		Says: "999990000 and above",
		Source: "Rijksdienst voor Identiteitsgegevens, Aansluiting testen en toetsen BSN: there is a set of " +
			"test numbers",
		Unverified: true,
		is:         func(c []byte) bool { return len(c) == 9 && string(c[:5]) == "99999" },
	},
	"x.card": {
		Says:   "the numbers that networks and gateways publish for tests",
		Source: "test card numbers of the payment gateways; validator.js isCreditCard",
		is:     func(c []byte) bool { return testCard(string(c)) },
	},
}

var advertised = Reserved{
	Says: "987-65-4320 to 4329, 078-05-1120 and 219-09-9999",
	Source: "Social Security Administration, Meaning of SSN numbers and the story of 078-05-1120; Wikipedia, Social " +
		"Security number",
	is: advertisedSSN,
}

func advertisedSSN(c []byte) bool {
	return len(c) == 9 && (string(c) == "078051120" || string(c) == "219099999" || string(c[:8]) == "98765432")
}

func testCard(c string) bool {
	switch c {
	case "4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556", "4222222222222",
		"5555555555554444", "5105105105105100", "5200828282828210", "2223003122003222", "378282246310005",
		"371449635398431", "378734493671000", "6011111111111117", "6011000990139424", "3056930009020004",
		"36227206271667", "30569309025904", "38520000023237", "3530111333300000", "3566002020360505",
		"6200000000000005", "5610591081018250", "122000000000003":
		return true
	}
	return false
}
