package ident

// Fictitious reports whether n, which Match need not accept, is a number that the issuer of the scheme with
// this ID has set aside for tests and print: fine in a test environment, worth a finding in production. It
// knows:
//   - us.ssn, us.ssn_unformatted: 987-65-4320 to 4329, 078-05-1120 and 219-09-9999 (Social Security
//     Administration, advertising numbers);
//   - se.personnummer: serials 980 to 999 (Skatteverket, testpersonnummer);
//   - fi.hetu: individual numbers 900 to 999 (Digi- ja väestötietovirasto);
//   - no.fodselsnummer: months plus 80 (Skatteetaten, Tenor) or 40 (NAV);
//   - gb.nhs: 999 000 0000 to 999 999 9999 (NHS England);
//   - gb.nino: prefix QQ (HMRC, NIM39110) and TN;
//   - nl.bsn: 999990000 and above (RvIG, test numbers);
//   - x.card: the numbers that the networks and their gateways publish for tests.
func Fictitious(id string, n Number) bool {
	reserved := reservedNumbers[id]
	return reserved != nil && reserved(n.Compact)
}

// reservedNumbers are asked by the ID of the scheme.
var reservedNumbers = map[string]func(c []byte) bool{
	"us.ssn":             advertisedSSN,
	"us.ssn_unformatted": advertisedSSN,
	"se.personnummer": func(c []byte) bool {
		return (len(c) == 10 || len(c) == 12) && isDigits(c) && number(c[len(c)-4:len(c)-1]) >= 980
	},
	"fi.hetu":          func(c []byte) bool { return len(c) >= 10 && len(c) <= 11 && c[len(c)-4] == '9' },
	"no.fodselsnummer": func(c []byte) bool { return len(c) == 11 && isDigits(c) && oneOf(c[2], "4589") },
	"gb.nhs":           func(c []byte) bool { return len(c) == 10 && string(c[:3]) == "999" },
	"gb.nino": func(c []byte) bool {
		return len(c) >= 8 && len(c) <= 9 && (string(c[:2]) == "QQ" || string(c[:2]) == "TN")
	},
	"nl.bsn": func(c []byte) bool { return len(c) == 9 && string(c[:5]) == "99999" },
	"x.card": func(c []byte) bool { return testCard(string(c)) },
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
