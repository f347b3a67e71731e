package classifiers

// example is what a reference publishes as right and wrong for a built-in detector.
type example struct {
	builtin        int
	valid, invalid []string
}

// publishedExamples come from the documents named as the detectors' sources, and from the tests of
// validator.js and Presidio.
func publishedExamples() []example {
	return []example{
		{bEmail, []string{"jdoe@machine.example", `"Joe.\\Blow"@example.com`,
			"customer/department=shipping@example.com", "Pelé@example.com", "用户@例子.广告"},
			[]string{"Abc.example.com", "john..doe@example.com", "a@b@", "email_verified"}},
		{bPhoneInternational, []string{"+41 44 668 18 00", "+1 650-253-0000", "0039 02 36618300"},
			[]string{"+41 44", "+999 123 456 789"}},
		{bPhoneNational, []string{"044 668 18 00", "(650) 253-0000"}, []string{"12", "12345678901234567890"}},
		{bIPv4, []string{"192.0.2.1", "198.51.100.255", "203.0.113.0/24", "192.0.2.1:8080", "0.0.0.0/0",
			"192.0.2.0/255.255.255.0", "192.0.2.0 255.255.255.128", "192.0.2.0 0.0.0.255", "192.0.2.10-192.0.2.20"},
			[]string{"256.1.1.1", "1.2.3", "01.2.3.4", "192.0.2.1/33", "192.0.2.1/01", "192.0.2.1/", "192.0.2.1:65536",
				"192.0.2.1/1/1", "192.0.2.1/255.0.255.0", "192.0.2.1-20"}},
		{bIPv6, []string{"2001:db8:0:0:8:800:200c:417a", "ff01::101", "::1", "::ffff:129.144.52.38", "2001:db8::/32",
			"::/0", "fe80::7:8%eth0", "fe80::1%eth0/64", "[2001:db8::1]:8080", "[2001:db8::1]"},
			[]string{"::", "2001:db8::1::2", "12:30:45", "2001:db8::/129", "2001:db8::/001", "fe80::1234%",
				"fe80::1234%1%3", "[2001:db8::1]8080", "[2001:db8::1"}},
		{bMAC, []string{"01-23-45-67-89-ab", "01:23:45:67:89:AB", "0123.4567.89ab"},
			[]string{"01:23:45:67:89", "01-23:45-67:89-ab"}},
		{bUUID, []string{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}, []string{"f81d4fae7dec11d0a76500a0c91e6bf6"}},
		{bURL, []string{"http://www.ietf.org/rfc/rfc2396.txt", "https://[2001:db8::7]/c=GB"},
			[]string{"www.microsoft", "mailto:John.Doe@example.com"}},
		{bProfile, []string{"https://www.linkedin.com/in/williamhgates", "https://github.com/torvalds"},
			[]string{"https://www.linkedin.com/jobs/view/1", "https://example.com/in/x"}},
		{bPasswordHash, []string{"$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
			"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
			"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"}, []string{"$100 and more for everybody who likes money"}},
		{bHexDigest, []string{"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
			[]string{"d41d8cd98f00b204e9800998ecf8427", "12345678901234567890123456789012"}},
		{bJWT, []string{"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." +
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo" +
			"gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
			"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, []string{"eyJ.eyJ", "www.example.com"}},
		{bToken, []string{"AKIAIOSFODNN7EXAMPLE"}, []string{"AKIA", "Bearer of bad news"}},
		{bPoint, []string{"POINT (30 10)", `{"type":"Point","coordinates":[100.0,0.0]}`, "geo:37.786971,-122.399677"},
			[]string{"LINESTRING (30 10, 10 30)", "pointless"}},
		{bLatLong, []string{"40.6892, -74.0445", "(-17.738223, 85.605469)", "40°26'46\"N, 79°58'56\"W"},
			[]string{"(-91, 181)", "1,234", "12.5"}},
		{bICD, []string{"A00.0", "J45.909", "E11.9"}, []string{"E11", "11.9", "ABC.1"}},
		{bATC, []string{"A10BA02", "N02BE01", "C07AB"}, []string{"A10BA2", "E10BA02", "A1OBA02"}},
		{bICPC, []string{"R74", "K86", "A03"}, []string{"C01", "R7", "R745"}},
		{bParty, []string{"SPD", "Partido Popular", "Vänsterpartiet"}, []string{"party", "Monday"}},
		{bUnion, []string{"CGIL", "ver.di", "UNISON"}, []string{"union", "none"}},
		{bOrientation, []string{"heterosexual", "omosessuale", "Lesbisch"}, []string{"other", "left"}},
		{bEthnicity, []string{"White British", "Black or African American", "Roma"}, []string{"green", "none"}},
		{bUserAgent, []string{"Mozilla/5.0 (X11; Linux x86_64; rv:12.0) Gecko/20100101 Firefox/12.0", "curl/7.64.1"},
			[]string{"Mozilla Firefox", "version 1.2"}},
		{bGeohash, []string{"u4pruydqqvj", "ezs42kk"}, []string{"ezs42", "abcdefgh", "1234567"}},
		{bBloodGroup, []string{"A+", "0 Rh-", "AB positive"}, []string{"A", "C+"}},
		{bDate, []string{"1985-04-12", "12.04.1985", "1985-04-12T23:20:50Z"},
			[]string{"1985-13-12", "12.4", "1.2.3.4"}},
		{bPostcode, []string{"SW1A 1AA", "1012 JS", "K1A 0B1", "00-950", "1000-205"}, []string{"12345", "A1"}},
		{bStreet, []string{"10 Downing Street", "Via del Corso 12", "221B Baker Street"}, []string{"Downing", "12"}},
		{bCountry, []string{"Italy", "Deutschland", "España", "FR"}, []string{"Atlantis", "Monday"}},
	}
}
