package classifiers

import (
	"bytes"
	"strings"

	"lethe/classifiers/gazetteer"
)

// value is one value under test.
type value struct {
	raw    []byte // trimmed
	census census
	cut    bool // raw is only the beginning
}

func newValue(raw []byte, size int) value {
	raw = bytes.TrimSpace(raw)
	return value{raw: raw, census: take(raw), cut: size > sampleBytes}
}

// builtin is a detector of the engine itself, as opposed to a number scheme or a declared one.
type builtin struct {
	detector Detector
	needs    func(census) bool
	match    func(*value) bool
}

// national returns the check of a built-in detector that knows countries, nil for the others.
func national(b int) func(value []byte, country string) bool {
	switch b {
	case bPassport:
		return isPassport
	case bPostcodeForm:
		return isPostcode
	case bPlate:
		return isPlate
	case bPhoneNational:
		return isPhone
	}
	return nil
}

// The built-in detectors, by place in the list.
const (
	bEmail = iota
	bPhoneInternational
	bPhoneNational
	bIPv4
	bIPv6
	bMAC
	bUUID
	bURL
	bProfile
	bPasswordHash
	bHexDigest
	bJWT
	bToken
	bBase64
	bPerson
	bStreet
	bCity
	bCountry
	bRegion
	bPostcode
	bDate
	bGender
	bPoint
	bLatLong
	bICD
	bBloodGroup
	bReligion
	bMarital
	bImage
	bImagePath
	bProse
	bJobTitle
	bPlate
	bPassport
	bPostcodeForm
	bParty
	bUnion
	bOrientation
	bEthnicity
	bATC
	bICPC
	bUserAgent
	bGeohash
	builtinCount
)

func builtins() []builtin {
	d := func(id, name string, c Category, chance float64, source string) Detector {
		return Detector{ID: id, Name: name, Category: c, Class: c.Class(), DPV: c.DPV(), Chance: chance, Source: source}
	}
	anyText := func(c census) bool { return c.letters() > 0 }
	list := make([]builtin, builtinCount)
	religions, maritals := newWordList(religionWords()...), newWordList(maritalWords()...)
	list[bEmail] = builtin{d("email", "e-mail address", Email, 1e-4, "RFC 5321, RFC 5322, RFC 6531"),
		func(c census) bool { return c.ats > 0 }, func(v *value) bool { return isEmail(v.raw) }}
	list[bPhoneInternational] = builtin{d("phone.international", "telephone number with country code", Phone, 1e-3, "ITU-T E.164; libphonenumber metadata"),
		func(c census) bool { return c.digits >= 7 && c.digits <= 17 && c.letters() < 6 },
		func(v *value) bool { s, ok := shapeOfPhone(v.raw); return ok && s.plus && isPhone(v.raw, "") }}
	list[bPhoneNational] = builtin{d("phone.national", "telephone number in a national form", Phone, 0.3, "libphonenumber metadata"),
		func(c census) bool { return c.digits >= 6 && c.digits <= 17 && c.letters() < 6 },
		func(v *value) bool { s, ok := shapeOfPhone(v.raw); return ok && s.digits <= 15 }}
	list[bIPv4] = builtin{d("ip.v4", "IPv4 address", IPAddress, 1e-2, "RFC 791; RFC 6943 section 3.1.1 (dotted decimal)"),
		func(c census) bool { return c.digits >= 4 && c.marks >= 3 && c.letters() == 0 }, func(v *value) bool { return isIPv4(v.raw) }}
	list[bIPv6] = builtin{d("ip.v6", "IPv6 address", IPAddress, 1e-4, "RFC 4291 section 2.2"),
		func(c census) bool { return c.marks >= 2 && c.spaces == 0 }, func(v *value) bool { return isIPv6(v.raw) }}
	list[bMAC] = builtin{d("mac", "EUI-48 or EUI-64 hardware address", MACAddress, 1e-4, "IEEE 802-2014 section 8"),
		func(c census) bool { return c.marks+c.spaces >= 2 }, func(v *value) bool { return isMAC(v.raw) }}
	list[bUUID] = builtin{d("uuid", "universally unique identifier", None, 1e-6, "RFC 9562"),
		func(c census) bool { return c.marks == 4 }, func(v *value) bool { return isUUID(v.raw) }}
	list[bURL] = builtin{d("url", "web address", PersonalURL, 1e-4, "RFC 3986"),
		func(c census) bool { return c.marks > 0 && c.letters() > 3 }, func(v *value) bool { return isURL(v.raw) }}
	list[bProfile] = builtin{d("url.profile", "address of a person's page in a social network", PersonalURL, 1e-6, "addresses as published by the networks"),
		func(c census) bool { return c.marks > 1 && c.letters() > 5 }, func(v *value) bool { return isProfileURL(v.raw) }}
	list[bPasswordHash] = builtin{d("password.hash", "password hash in a printed form", Secret, 1e-6, "crypt(5); PHC string format; RFC 2307"),
		func(c census) bool { return c.others > 0 && c.spaces == 0 || c.marks > 0 }, func(v *value) bool { return isPasswordHash(v.raw) }}
	list[bHexDigest] = builtin{d("digest.hex", "hexadecimal digest", None, 1e-6, "RFC 1321; FIPS 180-4"),
		func(c census) bool { return c.digits > 0 && c.marks == 0 && c.spaces == 0 }, func(v *value) bool { return isHexDigest(v.raw) }}
	list[bJWT] = builtin{d("token.jwt", "JSON web token", Secret, 1e-6, "RFC 7515"),
		func(c census) bool { return c.marks >= 2 && c.spaces == 0 }, func(v *value) bool { return isJWT(v.raw) }}
	list[bToken] = builtin{d("token.issuer", "access token or private key", Secret, 1e-6, "prefixes published by the issuers; RFC 7468"),
		anyText, func(v *value) bool { return isSecretToken(v.raw) }}
	list[bBase64] = builtin{d("digest.base64", "block of base64", None, 1e-2, "RFC 4648"),
		func(c census) bool { return c.spaces == 0 && c.upper > 0 && c.lower > 0 }, func(v *value) bool { return isBase64Block(v.raw) }}
	list[bPerson] = builtin{d("name.person", "name of a natural person", PersonName, 0.05, "gazetteer and character model, see gazetteer/NOTICE"),
		func(c census) bool { return c.letters() > 1 && c.digits == 0 && c.letters() < 80 },
		func(v *value) bool { _, _, s := gazetteer.PersonName(v.raw); return s > 1 }}
	list[bStreet] = builtin{d("address.street", "street address line", PostalAddress, 0.01, "thoroughfare words, see gazetteer/NOTICE"),
		func(c census) bool { return c.letters() > 2 }, func(v *value) bool { return gazetteer.Street(v.raw) > 1 }}
	list[bCity] = builtin{d("place.city", "city or town", City, 0.05, "gazetteer, see gazetteer/NOTICE"),
		func(c census) bool { return c.letters() > 1 && c.digits == 0 }, func(v *value) bool { return gazetteer.CityScore(v.raw) > 0.5 }}
	list[bCountry] = builtin{d("place.country", "country name or ISO 3166-1 code", Country, 0.02, "ISO 3166-1; see gazetteer/NOTICE"),
		func(c census) bool { return c.letters() > 1 && c.digits == 0 }, func(v *value) bool { return gazetteer.CountryName(v.raw) }}
	list[bRegion] = builtin{d("place.region", "state, province or county", Region, 0.05, "ISO 3166-2; see gazetteer/NOTICE"),
		func(c census) bool { return c.letters() > 1 && c.digits == 0 }, func(v *value) bool { return gazetteer.RegionScore(v.raw) > 0.5 }}
	list[bPostcode] = builtin{d("place.postcode", "postal code of a form that few other codes have", Postcode, 0.02, "UPU postal addressing systems"),
		func(c census) bool { return c.digits > 1 && c.digits < 10 }, func(v *value) bool { return hasTellingPostcode(v.raw) }}
	list[bDate] = builtin{d("date", "calendar date", None, 1e-3, "ISO 8601 and the customary national forms"),
		func(c census) bool { return c.digits >= 4 && c.marks >= 1 }, func(v *value) bool { _, ok := parseDate(v.raw); return ok }}
	list[bGender] = builtin{d("gender.word", "gender, as a word or letter", Gender, 0.02, "ISO/IEC 5218; words of 16 languages"),
		func(c census) bool { return c.letters() > 0 && c.letters() < 16 }, func(v *value) bool { return isGenderWord(v.raw) }}
	list[bPoint] = builtin{d("geo.point", "point in WKT, GeoJSON or as a geo URI", Coordinates, 1e-6, "OGC 06-103r4; RFC 7946; RFC 5870"),
		func(c census) bool { return c.digits > 1 && c.letters() >= 3 }, func(v *value) bool { return isPoint(v.raw) }}
	list[bLatLong] = builtin{d("geo.latlong", "latitude and longitude in one value", Coordinates, 1e-3, "ISO 6709"),
		func(c census) bool { return c.digits > 1 && c.digits < 44 }, func(v *value) bool { return isLatLong(v.raw) }}
	list[bICD] = builtin{d("health.icd10", "ICD-10 code with its point", Health, 0.02, "WHO ICD-10, volume 2, section 2.4"),
		func(c census) bool { return c.digits >= 2 && c.letters() >= 1 && c.letters() <= 2 }, func(v *value) bool { return isICD(v.raw) }}
	list[bBloodGroup] = builtin{d("health.blood", "blood group", Health, 0.02, "ISBT AB0 and Rh"),
		func(c census) bool { return c.letters() > 0 && c.letters() < 12 }, func(v *value) bool { return isBloodGroup(v.raw) }}
	list[bReligion] = builtin{d("religion.word", "religious affiliation", Religion, 0.01, "names of religions in 16 languages"),
		anyText, func(v *value) bool { return religions.has(v.raw) }}
	list[bMarital] = builtin{d("marital.word", "marital status", OtherPersonal, 0.01, "words of 16 languages"),
		anyText, func(v *value) bool { return maritals.has(v.raw) }}
	list[bImage] = builtin{d("image", "picture", Photo, 1e-6, "signatures of PNG, JPEG, GIF, WebP and BMP; RFC 2397"),
		func(c census) bool { return true }, func(v *value) bool { return isImage(v.raw) }}
	list[bImagePath] = builtin{d("image.path", "path or address of a picture", Photo, 1e-4, "RFC 3986"),
		func(c census) bool { return c.marks > 0 && c.letters() > 2 }, func(v *value) bool { return isImagePath(v.raw) }}
	list[bProse] = builtin{d("text.prose", "running text", FreeText, 0.05, "several words and a sentence's signs"),
		func(c census) bool { return c.spaces >= 3 }, func(v *value) bool { return isProse(v) }}
	list[bJobTitle] = builtin{d("job.title", "job title", OtherPersonal, 0.02, "ISCO-08 head words in English and others"),
		anyText, func(v *value) bool { return hasJobWord(v.raw) }}
	list[bPlate] = builtin{d("vehicle.plate", "vehicle registration mark", VehiclePlate, 0.05, "national formats, see plates"),
		func(c census) bool { return c.digits > 0 && c.letters() > 0 && c.letters() < 9 }, func(v *value) bool { return isPlate(v.raw, "") }}
	list[bPassport] = builtin{d("passport.form", "passport number of a country's form", Passport, 0.5, "PRADO, Council of the European Union"),
		func(c census) bool { return c.digits > 2 && c.digits < 11 && c.letters() < 9 }, func(v *value) bool { return false }}
	list[bPostcodeForm] = builtin{d("place.postcode.form", "postal code of a country's form", Postcode, 0.5, "UPU postal addressing systems"),
		func(c census) bool { return c.digits > 0 && c.digits < 11 && c.letters() < 8 }, func(v *value) bool { return isPostcode(v.raw, "") }}
	parties, unions, orientations, ethnicities := newWordList(strings.Split(partyWords, ",")...), newWordList(strings.Split(unionWords, ",")...), newWordList(strings.Split(orientationWords, ",")...), newWordList(strings.Split(ethnicityWords, ",")...)
	list[bParty] = builtin{d("political.party", "political party", Political, 0.01, "parties with seats in parliaments"), anyText, func(v *value) bool { return parties.has(v.raw) }}
	list[bUnion] = builtin{d("union.name", "trade union", Union, 0.01, "trade unions and their federations"), anyText, func(v *value) bool { return unions.has(v.raw) }}
	list[bOrientation] = builtin{d("sexual.word", "sexual orientation", Sexual, 0.005, "answers of forms in 12 languages"), anyText, func(v *value) bool { return orientations.has(v.raw) }}
	list[bEthnicity] = builtin{d("ethnicity.word", "ethnic origin", Ethnicity, 0.01, "answers of censuses"), anyText, func(v *value) bool { return ethnicities.has(v.raw) }}
	list[bATC] = builtin{d("health.atc", "ATC code of a medicine", Health, 0.002, "WHO Collaborating Centre for Drug Statistics Methodology, ATC classification"),
		func(c census) bool { return c.digits >= 2 && c.digits <= 4 && c.upper == 3 && c.lower == 0 }, func(v *value) bool { return isATC(v.raw) }}
	list[bICPC] = builtin{d("health.icpc", "ICPC-2 code", Health, 0.5, "WONCA, International Classification of Primary Care, second edition"),
		func(c census) bool { return c.digits == 2 && c.upper == 1 }, func(v *value) bool { return isICPC(v.raw) }}
	list[bUserAgent] = builtin{d("device.agent", "user agent of a browser", OtherPersonal, 1e-6, "RFC 9110, section 10.1.5"),
		func(c census) bool { return c.marks > 0 && c.digits > 0 && c.letters() > 3 }, func(v *value) bool { return isUserAgent(v.raw) }}
	list[bGeohash] = builtin{d("geo.hash", "geohash of a house or finer", Coordinates, 0.2, "G. Niemeyer, geohash.org; OGC 18-058 annex"),
		func(c census) bool { return c.digits > 0 && c.lower > 0 && c.upper == 0 && c.marks == 0 }, func(v *value) bool { return isGeohash(v.raw) }}
	list[bICPC].detector.HeaderOnly = true
	list[bGeohash].detector.HeaderOnly = true
	for _, e := range publishedExamples() {
		list[e.builtin].detector.Valid, list[e.builtin].detector.Invalid = e.valid, e.invalid
	}
	list[bPassport].detector.HeaderOnly = true
	list[bPostcodeForm].detector.HeaderOnly = true
	list[bPlate].detector.HeaderOnly = true
	list[bPhoneNational].detector.HeaderOnly = true
	return list
}

// example is what a reference publishes as right and wrong for a built-in detector.
type example struct {
	builtin        int
	valid, invalid []string
}

// publishedExamples come from the documents named as the detectors' sources, and from the tests of validator.js and Presidio.
func publishedExamples() []example {
	return []example{
		{bEmail, []string{"jdoe@machine.example", `"Joe.\\Blow"@example.com`, "customer/department=shipping@example.com", "Pelé@example.com", "用户@例子.广告"}, []string{"Abc.example.com", "john..doe@example.com", "a@b@", "email_verified"}},
		{bPhoneInternational, []string{"+41 44 668 18 00", "+1 650-253-0000", "0039 02 36618300"}, []string{"+41 44", "+999 123 456 789"}},
		{bPhoneNational, []string{"044 668 18 00", "(650) 253-0000"}, []string{"12", "12345678901234567890"}},
		{bIPv4, []string{"192.0.2.1", "198.51.100.255", "203.0.113.0/24"}, []string{"256.1.1.1", "1.2.3", "01.2.3.4"}},
		{bIPv6, []string{"2001:db8:0:0:8:800:200c:417a", "ff01::101", "::1", "::ffff:129.144.52.38", "2001:db8::/32"}, []string{"::", "2001:db8::1::2", "12:30:45"}},
		{bMAC, []string{"01-23-45-67-89-ab", "01:23:45:67:89:AB", "0123.4567.89ab"}, []string{"01:23:45:67:89", "01-23:45-67:89-ab"}},
		{bUUID, []string{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}, []string{"f81d4fae7dec11d0a76500a0c91e6bf6"}},
		{bURL, []string{"http://www.ietf.org/rfc/rfc2396.txt", "https://[2001:db8::7]/c=GB"}, []string{"www.microsoft", "mailto:John.Doe@example.com"}},
		{bProfile, []string{"https://www.linkedin.com/in/williamhgates", "https://github.com/torvalds"}, []string{"https://www.linkedin.com/jobs/view/1", "https://example.com/in/x"}},
		{bPasswordHash, []string{"$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"}, []string{"$100 and more for everybody who likes money"}},
		{bHexDigest, []string{"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, []string{"d41d8cd98f00b204e9800998ecf8427", "12345678901234567890123456789012"}},
		{bJWT, []string{"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, []string{"eyJ.eyJ", "www.example.com"}},
		{bToken, []string{"AKIAIOSFODNN7EXAMPLE"}, []string{"AKIA", "Bearer of bad news"}},
		{bPoint, []string{"POINT (30 10)", `{"type":"Point","coordinates":[100.0,0.0]}`, "geo:37.786971,-122.399677"}, []string{"LINESTRING (30 10, 10 30)", "pointless"}},
		{bLatLong, []string{"40.6892, -74.0445", "(-17.738223, 85.605469)", "40°26'46\"N, 79°58'56\"W"}, []string{"(-91, 181)", "1,234", "12.5"}},
		{bICD, []string{"A00.0", "J45.909", "E11.9"}, []string{"E11", "11.9", "ABC.1"}},
		{bATC, []string{"A10BA02", "N02BE01", "C07AB"}, []string{"A10BA2", "E10BA02", "A1OBA02"}},
		{bICPC, []string{"R74", "K86", "A03"}, []string{"C01", "R7", "R745"}},
		{bParty, []string{"SPD", "Partido Popular", "Vänsterpartiet"}, []string{"party", "Monday"}},
		{bUnion, []string{"CGIL", "ver.di", "UNISON"}, []string{"union", "none"}},
		{bOrientation, []string{"heterosexual", "omosessuale", "Lesbisch"}, []string{"other", "left"}},
		{bEthnicity, []string{"White British", "Black or African American", "Roma"}, []string{"green", "none"}},
		{bUserAgent, []string{"Mozilla/5.0 (X11; Linux x86_64; rv:12.0) Gecko/20100101 Firefox/12.0", "curl/7.64.1"}, []string{"Mozilla Firefox", "version 1.2"}},
		{bGeohash, []string{"u4pruydqqvj", "ezs42kk"}, []string{"ezs42", "abcdefgh", "1234567"}},
		{bBloodGroup, []string{"A+", "0 Rh-", "AB positive"}, []string{"A", "C+"}},
		{bDate, []string{"1985-04-12", "12.04.1985", "1985-04-12T23:20:50Z"}, []string{"1985-13-12", "12.4", "1.2.3.4"}},
		{bPostcode, []string{"SW1A 1AA", "1012 JS", "K1A 0B1", "00-950", "1000-205"}, []string{"12345", "A1"}},
		{bStreet, []string{"10 Downing Street", "Via del Corso 12", "221B Baker Street"}, []string{"Downing", "12"}},
		{bCountry, []string{"Italy", "Deutschland", "España", "FR"}, []string{"Atlantis", "Monday"}},
	}
}
