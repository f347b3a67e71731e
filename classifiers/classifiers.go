// Package classifiers decides which fields of a table hold which kind of personal data, and says why.
//
// It knows no source, does no input or output and reads no clock. New compiles the catalogue of detectors. A
// caller opens one Scan a table, feeds it Arrow records, and asks for Verdicts when all tables are read:
// each field then has a category, a confidence and the terms whose log-odds were added up to reach it.
//
//	cat, err := classifiers.New()
//	scan := cat.Scan(classifiers.Table{Database: "crm", Name: "customers", Fields: fields})
//	for rec := range records {
//		scan.Observe(rec)
//	}
//	for _, v := range cat.Verdicts(scan) { ... }
//
// A Catalogue never changes and serves many goroutines. A Scan belongs to one. Memory is constant per field:
// a count, a census and a bounded sample of the distinct values chosen by hash, so the same rows in any
// order give the same verdict.
package classifiers

import (
	"fmt"
	"sort"
)

// Category is the kind of personal data that a field holds. The names are those of the product's reports.
type Category string

// The categories. CompanyOnly is data of legal persons, None is no personal data.
const (
	PersonName    Category = "person_name"
	Email         Category = "email"
	Phone         Category = "phone"
	PostalAddress Category = "postal_address"
	City          Category = "city"
	Postcode      Category = "postcode"
	Country       Category = "country"
	Region        Category = "location_coarse"
	DateOfBirth   Category = "date_of_birth"
	Gender        Category = "gender"
	NationalID    Category = "national_id"
	TaxID         Category = "tax_id"
	Passport      Category = "passport"
	IBAN          Category = "iban"
	BankAccount   Category = "bank_account"
	CreditCard    Category = "credit_card"
	IPAddress     Category = "ip_address"
	MACAddress    Category = "mac_address"
	DeviceID      Category = "device_id"
	Username      Category = "username"
	Secret        Category = "password_or_secret"
	Photo         Category = "photo_or_avatar"
	PersonalURL   Category = "url_personal"
	Coordinates   Category = "geo_coordinates"
	Health        Category = "health"
	Religion      Category = "religion"
	Political     Category = "political"
	Ethnicity     Category = "ethnicity"
	Union         Category = "union"
	Sexual        Category = "sexual"
	FreeText      Category = "free_text_possible_pii"
	Signature     Category = "signature"
	VehiclePlate  Category = "vehicle_plate"
	Financial     Category = "salary_or_financial"
	OtherPersonal Category = "other_personal"
	CompanyOnly   Category = "company_only"
	None          Category = "none"
)

// Class is the weight that the GDPR gives to a category.
type Class string

// The classes. Special is Article 9, Criminal is Article 10.
const (
	DirectIdentifier Class = "direct_identifier"
	QuasiIdentifier  Class = "quasi_identifier"
	Special          Class = "special"
	Criminal         Class = "criminal"
	Credential       Class = "credential"
	FinancialData    Class = "financial"
	Child            Class = "child"
	OtherData        Class = "other"
	NoClass          Class = "none"
)

// categoryFact is what is fixed about a category: its GDPR class and its term in the W3C Data Privacy
// Vocabulary, extension for personal data (https://w3id.org/dpv/pd).
type categoryFact struct {
	category Category
	class    Class
	dpv      string
}

var categoryFacts = []categoryFact{
	{PersonName, DirectIdentifier, "pd:Name"},
	{Email, DirectIdentifier, "pd:EmailAddress"},
	{Phone, DirectIdentifier, "pd:TelephoneNumber"},
	{PostalAddress, DirectIdentifier, "pd:PhysicalAddress"},
	{City, QuasiIdentifier, "pd:Location"},
	{Postcode, QuasiIdentifier, "pd:Location"},
	{Country, QuasiIdentifier, "pd:Country"},
	{Region, QuasiIdentifier, "pd:Location"},
	{DateOfBirth, QuasiIdentifier, "pd:BirthDate"},
	{Gender, QuasiIdentifier, "pd:Gender"},
	{NationalID, DirectIdentifier, "pd:OfficialID"},
	{TaxID, DirectIdentifier, "pd:OfficialID"},
	{Passport, DirectIdentifier, "pd:Passport"},
	{IBAN, FinancialData, "pd:BankAccount"},
	{BankAccount, FinancialData, "pd:BankAccount"},
	{CreditCard, FinancialData, "pd:CreditCardNumber"},
	{IPAddress, DirectIdentifier, "pd:IPAddress"},
	{MACAddress, DirectIdentifier, "pd:MACAddress"},
	{DeviceID, DirectIdentifier, "pd:DeviceBased"},
	{Username, DirectIdentifier, "pd:Username"},
	{Secret, Credential, "pd:Password"},
	{Photo, DirectIdentifier, "pd:Picture"},
	{PersonalURL, DirectIdentifier, "pd:SocialNetwork"},
	{Coordinates, QuasiIdentifier, "pd:GPSCoordinate"},
	{Health, Special, "pd:MedicalHealth"},
	{Religion, Special, "pd:Religion"},
	{Political, Special, "pd:PoliticalAffiliation"},
	{Ethnicity, Special, "pd:Ethnicity"},
	{Union, Special, "pd:TradeUnionMembership"},
	{Sexual, Special, "pd:Sexual"},
	{FreeText, OtherData, "pd:Communication"},
	{Signature, DirectIdentifier, "pd:Identifying"},
	{VehiclePlate, DirectIdentifier, "pd:VehicleLicenseRegistration"},
	{Financial, FinancialData, "pd:Financial"},
	{OtherPersonal, OtherData, "pd:PersonalData"},
	{CompanyOnly, NoClass, ""},
	{None, NoClass, ""},
}

// Categories returns every category in the order of the reports.
func Categories() []Category {
	list := make([]Category, len(categoryFacts))
	for i, f := range categoryFacts {
		list[i] = f.category
	}
	return list
}

// Personal reports whether data of the category belongs to a natural person: all but CompanyOnly and None.
func (c Category) Personal() bool { return c != CompanyOnly && c != None && c != "" }

// DPV is the category's term in the W3C Data Privacy Vocabulary; empty where the category is not personal.
func (c Category) DPV() string { return c.fact().dpv }

// Class is the category's GDPR class.
func (c Category) Class() Class { return c.fact().class }

func (c Category) fact() categoryFact {
	for i := range categoryFacts {
		if categoryFacts[i].category == c {
			return categoryFacts[i]
		}
	}
	return categoryFact{category: c, class: NoClass}
}

func (c Category) known() bool {
	return c.fact().category == c && (c.fact().class != NoClass || c == CompanyOnly || c == None)
}

// Detector is what the catalogue says about one of its rules.
type Detector struct {
	ID       string     // stable, lower case: "email", "it.codice_fiscale"
	Name     string     // authoritative name, in its own language where an authority gives one
	Country  string     // ISO 3166-1 alpha-2; empty where no country issues it
	Category Category   // what a field full of such values is
	Also     []Category // further categories that are true of the same values
	Class    Class
	DPV      string
	Source   string // where the rule is published
	// Unverified says what of the rule, or of what is reserved, no source that states it was found for.
	Unverified string
	Reserved   string  // numbers that the issuer has set aside for tests and print, and where that is said
	Chance     float64 // probability that a random string of the detector's shape passes; 1 where there is no check
	// HeaderOnly marks a detector whose check proves nothing unless the field's header names it.
	HeaderOnly bool
	Company    bool     // values are of legal persons
	Valid      []string // published examples that pass
	Invalid    []string // published examples that do not
}

// Custom is a detector declared in the configuration.
type Custom struct {
	ID       string
	Pattern  string   // regular expression (RE2) that the whole value matches; empty: header or words decide alone
	Header   []string // header phrases, matched as tokens
	Words    []string // value list, compared without regard to case and accents
	Category Category
}

// Catalogue is a compiled set of detectors. It never changes and is safe for concurrent use.
type Catalogue struct {
	detectors []Detector
	builtins  []builtin
	schemes   schemeIndex
	customs   []custom
	lexicon   *lexicon
	senses    *senses
	guesser   *guesser
	house     house
	weigher   *weigher
	openers   *openers
	sets      struct{ phone, passport, plate, birth, address categorySet } // that the reading of texts asks for
	digest    string
}

// New compiles the catalogue, with the detectors of the configuration added. The error names the detector
// and what is wrong.
func New(customs ...Custom) (*Catalogue, error) {
	lex, err := readLexicon(lexiconTSV)
	if err != nil {
		return nil, fmt.Errorf("lexicon: %w", err)
	}
	weights, err := readWeights(weightsTSV)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	c := &Catalogue{weigher: weights, builtins: builtins(), schemes: newSchemeIndex(), lexicon: lex, openers: newOpeners(),
		senses: readSenses(sensesTSV), guesser: newGuesser(lex)}
	c.sets.phone, c.sets.passport, c.sets.plate, c.sets.birth, c.sets.address = setOf(Phone), setOf(Passport),
		setOf(VehiclePlate), setOf(DateOfBirth), setOf(IPAddress)
	seen := map[string]bool{}
	for _, b := range c.builtins {
		c.detectors = append(c.detectors, b.detector)
		seen[b.detector.ID] = true
	}
	for i := range c.schemes.all {
		d := c.schemes.detector(i)
		if seen[d.ID] {
			return nil, fmt.Errorf("detector %s: declared twice", d.ID)
		}
		seen[d.ID] = true
		c.detectors = append(c.detectors, d)
	}
	for _, decl := range customs {
		cu, err := compileCustom(decl, lex)
		if err != nil {
			return nil, fmt.Errorf("detector %q: %w", decl.ID, err)
		}
		if seen[decl.ID] {
			return nil, fmt.Errorf("detector %q: this id is taken; choose another", decl.ID)
		}
		seen[decl.ID] = true
		c.customs = append(c.customs, cu)
		c.detectors = append(c.detectors, cu.detector)
	}
	sort.Slice(c.detectors, func(i, j int) bool { return c.detectors[i].ID < c.detectors[j].ID })
	c.digest = digest(c.detectors, customs)
	return c, nil
}

// Detectors lists the catalogue, sorted by ID. The caller owns the slice; what it points to is shared and
// must not be changed.
func (c *Catalogue) Detectors() []Detector { return append([]Detector(nil), c.detectors...) }

// Digest names this version of the rules: hexadecimal, equal for equal detectors, lexicon and declarations.
// Verdicts reached under another digest are to be reached again.
func (c *Catalogue) Digest() string { return c.digest }
