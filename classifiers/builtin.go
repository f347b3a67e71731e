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
	match    func([]byte) bool
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

// rule is a built-in detector at its place in the list. It is asked about values whose bytes are as it needs them.
type rule struct {
	at       int
	id, name string
	category Category
	chance   float64
	source   string
	needs    func(census) bool
	match    func([]byte) bool
}

// builtins lists the built-in detectors by place.
func builtins() []builtin {
	list := make([]builtin, builtinCount)
	for _, rules := range [...][]rule{
		contactRules(), networkRules(), secretRules(), placeRules(), personRules(), listRules(), healthRules(),
		contentRules(),
	} {
		for _, r := range rules {
			list[r.at] = builtin{needs: r.needs, match: r.match, detector: Detector{ID: r.id, Name: r.name,
				Category: r.category, Class: r.category.Class(), DPV: r.category.DPV(), Chance: r.chance,
				Source: r.source}}
		}
	}
	for _, e := range publishedExamples() {
		list[e.builtin].detector.Valid, list[e.builtin].detector.Invalid = e.valid, e.invalid
	}
	for _, b := range headerOnly {
		list[b].detector.HeaderOnly = true
	}
	return list
}

// headerOnly are the detectors whose form proves nothing where no header names it.
var headerOnly = [...]int{bPassport, bPostcodeForm, bPlate, bPhoneNational, bICPC, bGeohash}

func hasLetter(c census) bool { return c.letters() > 0 }

// hasWords needs two letters and no digit.
func hasWords(c census) bool { return c.letters() > 1 && c.digits == 0 }

// listed is a check against a list of words.
func listed(words ...string) func([]byte) bool {
	list := newWordList(words...)
	return func(v []byte) bool { return list.has(v) }
}

func contactRules() []rule {
	return []rule{
		{bEmail, "email", "e-mail address", Email, 1e-4, "RFC 5321, RFC 5322, RFC 6531",
			func(c census) bool { return c.ats > 0 }, isEmail},
		{bPhoneInternational, "phone.international", "telephone number with country code", Phone, 1e-3,
			"ITU-T E.164; libphonenumber metadata",
			func(c census) bool { return c.digits >= 7 && c.digits <= 17 && c.letters() < 6 },
			func(v []byte) bool { s, ok := shapeOfPhone(v); return ok && s.plus && isPhone(v, "") }},
		{bPhoneNational, "phone.national", "telephone number in a national form", Phone, 0.3, "libphonenumber metadata",
			func(c census) bool { return c.digits >= 6 && c.digits <= 17 && c.letters() < 6 },
			func(v []byte) bool { s, ok := shapeOfPhone(v); return ok && s.digits <= 15 }},
		{bURL, "url", "web address", PersonalURL, 1e-4, "RFC 3986",
			func(c census) bool { return c.marks > 0 && c.letters() > 3 }, isURL},
		{bProfile, "url.profile", "address of a person's page in a social network", PersonalURL, 1e-6,
			"addresses as published by the networks",
			func(c census) bool { return c.marks > 1 && c.letters() > 5 }, isProfileURL},
	}
}

func networkRules() []rule {
	return []rule{
		{bIPv4, "ip.v4", "IPv4 address", IPAddress, 1e-2, "RFC 791; RFC 6943 section 3.1.1 (dotted decimal)",
			func(c census) bool { return c.digits >= 4 && c.marks >= 3 && c.letters() == 0 }, isIPv4},
		{bIPv6, "ip.v6", "IPv6 address", IPAddress, 1e-4, "RFC 4291 section 2.2",
			func(c census) bool { return c.marks >= 2 && c.spaces == 0 }, isIPv6},
		{bMAC, "mac", "EUI-48 or EUI-64 hardware address", MACAddress, 1e-4, "IEEE 802-2014 section 8",
			func(c census) bool { return c.marks+c.spaces >= 2 }, isMAC},
		{bUserAgent, "device.agent", "user agent of a browser", OtherPersonal, 1e-6, "RFC 9110, section 10.1.5",
			func(c census) bool { return c.marks > 0 && c.digits > 0 && c.letters() > 3 }, isUserAgent},
	}
}

func secretRules() []rule {
	return []rule{
		{bUUID, "uuid", "universally unique identifier", None, 1e-6, "RFC 9562",
			func(c census) bool { return c.marks == 4 }, isUUID},
		{bPasswordHash, "password.hash", "password hash in a printed form", Secret, 1e-6,
			"crypt(5); PHC string format; RFC 2307",
			func(c census) bool { return c.others > 0 && c.spaces == 0 || c.marks > 0 }, isPasswordHash},
		{bHexDigest, "digest.hex", "hexadecimal digest", None, 1e-6, "RFC 1321; FIPS 180-4",
			func(c census) bool { return c.digits > 0 && c.marks == 0 && c.spaces == 0 }, isHexDigest},
		{bJWT, "token.jwt", "JSON web token", Secret, 1e-6, "RFC 7515",
			func(c census) bool { return c.marks >= 2 && c.spaces == 0 }, isJWT},
		{bToken, "token.issuer", "access token or private key", Secret, 1e-6,
			"prefixes published by the issuers; RFC 7468", hasLetter, isSecretToken},
		{bBase64, "digest.base64", "block of base64", None, 1e-2, "RFC 4648",
			func(c census) bool { return c.spaces == 0 && c.upper > 0 && c.lower > 0 }, isBase64Block},
	}
}

func placeRules() []rule {
	return []rule{
		{bStreet, "address.street", "street address line", PostalAddress, 0.01, "thoroughfare words, see " +
			"gazetteer/NOTICE",
			func(c census) bool { return c.letters() > 2 },
			func(v []byte) bool { return gazetteer.Street(v) > 1 }},
		{bCity, "place.city", "city or town", City, 0.05, "gazetteer, see gazetteer/NOTICE", hasWords,
			func(v []byte) bool { return gazetteer.CityScore(v) > 0.5 }},
		{bCountry, "place.country", "country name or ISO 3166-1 code", Country, 0.02,
			"ISO 3166-1; see gazetteer/NOTICE", hasWords, gazetteer.CountryName},
		{bRegion, "place.region", "state, province or county", Region, 0.05, "ISO 3166-2; see gazetteer/NOTICE",
			hasWords,
			func(v []byte) bool { return gazetteer.RegionScore(v) > 0.5 }},
		{bPostcode, "place.postcode", "postal code of a form that few other codes have", Postcode, 0.02,
			"UPU postal addressing systems",
			func(c census) bool { return c.digits > 1 && c.digits < 10 }, hasTellingPostcode},
		{bPostcodeForm, "place.postcode.form", "postal code of a country's form", Postcode, 0.5,
			"UPU postal addressing systems",
			func(c census) bool { return c.digits > 0 && c.digits < 11 && c.letters() < 8 },
			func(v []byte) bool { return isPostcode(v, "") }},
		{bPoint, "geo.point", "point in WKT, GeoJSON or as a geo URI", Coordinates, 1e-6,
			"OGC 06-103r4; RFC 7946; RFC 5870",
			func(c census) bool { return c.digits > 1 && c.letters() >= 3 }, isPoint},
		{bLatLong, "geo.latlong", "latitude and longitude in one value", Coordinates, 1e-3, "ISO 6709",
			func(c census) bool { return c.digits > 1 && c.digits < 44 }, isLatLong},
		{bGeohash, "geo.hash", "geohash of a house or finer", Coordinates, 0.2,
			"G. Niemeyer, geohash.org; OGC 18-058 annex",
			func(c census) bool { return c.digits > 0 && c.lower > 0 && c.upper == 0 && c.marks == 0 }, isGeohash},
	}
}

func personRules() []rule {
	return []rule{
		{bPerson, "name.person", "name of a natural person", PersonName, 0.05,
			"gazetteer and character model, see gazetteer/NOTICE",
			func(c census) bool { return hasWords(c) && c.letters() < 80 },
			func(v []byte) bool { _, _, s := gazetteer.PersonName(v); return s > 1 }},
		{bDate, "date", "calendar date", None, 1e-3, "ISO 8601 and the customary national forms",
			func(c census) bool { return c.digits >= 4 && c.marks >= 1 },
			func(v []byte) bool { _, ok := parseDate(v); return ok }},
		{bJobTitle, "job.title", "job title", OtherPersonal, 0.02, "ISCO-08 head words in English and others",
			hasLetter, hasJobWord},
		{bPlate, "vehicle.plate", "vehicle registration mark", VehiclePlate, 0.05, "national formats, see plates",
			func(c census) bool { return c.digits > 0 && c.letters() > 0 && c.letters() < 9 },
			func(v []byte) bool { return isPlate(v, "") }},
		{bPassport, "passport.form", "passport number of a country's form", Passport, 0.5,
			"PRADO, Council of the European Union",
			func(c census) bool { return c.digits > 2 && c.digits < 11 && c.letters() < 9 },
			func([]byte) bool { return false }}, // only where a country is given
	}
}

func listRules() []rule {
	return []rule{
		{bGender, "gender.word", "gender, as a word or letter", Gender, 0.02, "ISO/IEC 5218; words of 16 languages",
			func(c census) bool { return c.letters() > 0 && c.letters() < 16 }, isGenderWord},
		{bReligion, "religion.word", "religious affiliation", Religion, 0.01, "names of religions in 16 languages",
			hasLetter, listed(religionWords()...)},
		{bMarital, "marital.word", "marital status", OtherPersonal, 0.01, "words of 16 languages",
			hasLetter, listed(maritalWords()...)},
		{bParty, "political.party", "political party", Political, 0.01, "parties with seats in parliaments",
			hasLetter, listed(strings.Split(partyWords, ",")...)},
		{bUnion, "union.name", "trade union", Union, 0.01, "trade unions and their federations",
			hasLetter, listed(strings.Split(unionWords, ",")...)},
		{bOrientation, "sexual.word", "sexual orientation", Sexual, 0.005, "answers of forms in 12 languages",
			hasLetter, listed(strings.Split(orientationWords, ",")...)},
		{bEthnicity, "ethnicity.word", "ethnic origin", Ethnicity, 0.01, "answers of censuses",
			hasLetter, listed(strings.Split(ethnicityWords, ",")...)},
	}
}

func healthRules() []rule {
	return []rule{
		{bICD, "health.icd10", "ICD-10 code with its point", Health, 0.02, "WHO ICD-10, volume 2, section 2.4",
			func(c census) bool { return c.digits >= 2 && c.letters() >= 1 && c.letters() <= 2 }, isICD},
		{bBloodGroup, "health.blood", "blood group", Health, 0.02, "ISBT AB0 and Rh",
			func(c census) bool { return c.letters() > 0 && c.letters() < 12 }, isBloodGroup},
		{bATC, "health.atc", "ATC code of a medicine", Health, 0.002,
			"WHO Collaborating Centre for Drug Statistics Methodology, ATC classification",
			func(c census) bool { return c.digits >= 2 && c.digits <= 4 && c.upper == 3 && c.lower == 0 }, isATC},
		{bICPC, "health.icpc", "ICPC-2 code", Health, 0.5,
			"WONCA, International Classification of Primary Care, second edition",
			func(c census) bool { return c.digits == 2 && c.upper == 1 }, isICPC},
	}
}

func contentRules() []rule {
	return []rule{
		{bImage, "image", "picture", Photo, 1e-6, "signatures of PNG, JPEG, GIF, WebP and BMP; RFC 2397",
			func(census) bool { return true }, isImage},
		{bImagePath, "image.path", "path or address of a picture", Photo, 1e-4, "RFC 3986",
			func(c census) bool { return c.marks > 0 && c.letters() > 2 }, isImagePath},
		{bProse, "text.prose", "running text", FreeText, 0.05, "several words and a sentence's signs",
			func(c census) bool { return c.spaces >= 3 }, isProse},
	}
}
