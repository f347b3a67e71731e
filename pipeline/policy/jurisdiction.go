package policy

// Jurisdiction is what national law adds to the GDPR and a decision needs. The table is a starting point, marked for legal review: a company has
// it confirmed before relying on it.
type Jurisdiction struct {
	Code            string // ISO 3166-1 alpha-2
	ChildConsentAge int    // years: below it, consent needs a holder of parental responsibility (Art. 8(1))
	// Blocking is how long data due for deletion are kept blocked first, for the authorities only. Zero: deleted outright.
	Blocking Period
	Source   string // law or authority
	AsOf     string // when the source was read: 2006-01-02
}

// jurisdictions: child ages as listed in the design's registry notes (section 4), each with its national law; marked for legal review.
var jurisdictions = []Jurisdiction{
	{Code: "DE", ChildConsentAge: 16, Source: "Art. 8(1) GDPR, no national derogation", AsOf: "2026-11-21"},
	{Code: "ES", ChildConsentAge: 14, Blocking: Period{Years: 3}, Source: "Ley Organica 3/2018 (LOPDGDD), art. 7 (age), art. 32 (blocking), art. 72 (three years: the longest limitation)", AsOf: "2026-11-21"},
	{Code: "FR", ChildConsentAge: 15, Source: "Loi 78-17 du 6 janvier 1978, art. 45", AsOf: "2026-11-21"},
	{Code: "IT", ChildConsentAge: 14, Source: "D.lgs. 196/2003, art. 2-quinquies", AsOf: "2026-11-21"},
	{Code: "NL", ChildConsentAge: 16, Source: "Art. 8(1) GDPR; Uitvoeringswet AVG, art. 5", AsOf: "2026-11-21"},
	{Code: "PL", ChildConsentAge: 16, Source: "Art. 8(1) GDPR, no national derogation", AsOf: "2026-11-21"},
	{Code: "SE", ChildConsentAge: 13, Source: "Lag (2018:218), 2 kap. 4 §", AsOf: "2026-11-21"},
}

// Jurisdictions returns the countries whose law is in the table, sorted by code.
func Jurisdictions() []Jurisdiction { return append([]Jurisdiction(nil), jurisdictions...) }

// JurisdictionOf returns a country's entry; for a country that has none, the GDPR's own default (16 years, no blocking) and false.
func JurisdictionOf(code string) (Jurisdiction, bool) {
	for _, j := range jurisdictions {
		if j.Code == code {
			return j, true
		}
	}
	return Jurisdiction{Code: code, ChildConsentAge: 16, Source: "Art. 8(1) GDPR"}, false
}
