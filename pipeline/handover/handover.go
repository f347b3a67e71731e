// Package handover makes of what was found of a person the files that they are handed: all of it (access, Art. 15), or
// what they gave (portability, Art. 20).
//
//   - A Document is what a company holds of one person in one silo, in words and values: its Purposes, Records,
//     Consents, Copies, and what was Withheld. Its JSON is described by Schema.
//   - Options say what somebody decided: as what, in which language, which fields are withheld and why, and which rows
//     that may be others' are the person's.
//   - Files are the Document as JSON with its schema, as CSV, and as one page to read.
//
// Nothing here is written anywhere but into the files; of them there stays Digest.
package handover

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/setup"
)

// What a person is handed.
const (
	Access      = "access"
	Portability = "portability"
)

// Withholding is why a field is not handed over: a right of others (Art. 15(4)), or a law.
type Withholding string

// The reasons, each with its words under withheld. in the catalogue of messages.
const (
	ThirdParty  Withholding = "third_party"     // what it holds is about somebody else (too)
	TradeSecret Withholding = "trade_secret"    // recital 63
	Privilege   Withholding = "legal_privilege" // what lawyer and client say to each other
	Security    Withholding = "security"        // passwords and keys: nobody is told, lest somebody else is
)

// Withholdings are the reasons that somebody may give.
var Withholdings = []Withholding{ThirdParty, TradeSecret, Privilege, Security}

// Options are what somebody decided about an answer.
type Options struct {
	As         string                 // Access or Portability
	Language   string                 // of the page (ISO 639-1)
	Withheld   map[string]Withholding // by source.table.field, of a live source
	Include    []string               // rows that may be others' and are the person's: source.table:key
	Incomplete bool                   // hand over what was found though something could not be looked at
	Company    Company
}

// Company is who answers for the data, as far as the configuration says it.
type Company struct {
	Name       string   `json:"name"`
	Address    string   `json:"address,omitempty"`
	Contact    string   `json:"contact,omitempty"`
	DPO        string   `json:"data_protection_officer,omitempty"`
	Withdrawal string   `json:"withdrawal,omitempty"` // how consent is withdrawn
	Recipients []string `json:"recipients"`           // third parties; null: nobody said
}

// Document is what a company holds of one person in one silo.
type Document struct {
	Schema     string     `json:"schema"`
	As         string     `json:"as"`
	Language   string     `json:"language"`
	Controller Company    `json:"controller"`
	Silo       string     `json:"silo"`
	Request    string     `json:"request"`
	Received   string     `json:"received"` // civil days
	MadeOn     string     `json:"made_on"`
	Purposes   []Purpose  `json:"purposes"`
	Records    []Record   `json:"records"`
	Consents   []Consent  `json:"consents"`
	Holders    []Holder   `json:"holders"`
	Copies     []Copy     `json:"copies"`
	Withheld   []Withheld `json:"withheld"`
	Missing    []string   `json:"missing"` // sources that could not be looked at
	Rights     []Right    `json:"rights"`

	// Beside counts the person's live rows that portability leaves out: their ground is neither consent nor a contract.
	Beside int `json:"-"`
}

// Purpose is one ground of the silo.
type Purpose struct {
	Purpose string   `json:"purpose"`
	Basis   string   `json:"basis"`
	Article string   `json:"article"`
	Term    string   `json:"term"`           // ISO 8601; from the consent, or from Starts on
	Starts  string   `json:"starts"`         // where the term starts: as the policy names it
	Date    string   `json:"date,omitempty"` // of fixed_date, civil
	Age     int      `json:"age,omitempty"`  // of birth_plus_age, in years
	Because string   `json:"because"`
	Fields  []string `json:"fields"` // that it covers; none: all

	Words, Kept string `json:"-"`
}

// Record is one row.
type Record struct {
	Application string   `json:"application"`
	Source      string   `json:"source"`
	Table       string   `json:"table"`
	How         string   `json:"how"`               // as package requests has it; confirmed: somebody did
	Copy        bool     `json:"copy,omitempty"`    // it stands in a backup, and not so in the live source
	Grounds     []string `json:"grounds,omitempty"` // purposes of the grounds that keep it
	Until       string   `json:"until,omitempty"`   // the last day of the last of them, as far as it is known
	Reason      string   `json:"reason,omitempty"`  // code of the decision on it
	Fields      []Field  `json:"fields"`
}

// Field is one field of a row.
type Field struct {
	Name     string      `json:"name"`
	Category string      `json:"category,omitempty"` // what kind of data it is, as the classifiers or people said
	Value    *string     `json:"value"`              // null: nothing stands there, or it is withheld
	Encoding string      `json:"encoding,omitempty"` // base64: of bytes that are no text
	Withheld Withholding `json:"withheld,omitempty"`

	Words, Shown string `json:"-"`
}

// Consent is an event of one act of collecting.
type Consent struct {
	Collection int    `json:"collection"` // among the person's, from 1
	Type       string `json:"type"`
	Purpose    string `json:"purpose,omitempty"`
	At         string `json:"at"` // RFC 3339
	Until      string `json:"until,omitempty"`
	Notice     string `json:"notice,omitempty"`
	Method     string `json:"method,omitempty"`
	From       string `json:"from,omitempty"` // who delivered it
	Proof      bool   `json:"proof"`

	Words, On string `json:"-"`
}

// Holder is an application with the data: where, and who holds it for the company.
type Holder struct {
	Application string `json:"application"`
	Location    string `json:"location,omitempty"`  // ISO 3166-1
	Processor   string `json:"processor,omitempty"` // "" the company itself
	Transfer    string `json:"transfer,omitempty"`  // what a transfer outside the EEA rests on
}

// Copy is a backup in which rows of the person lie.
type Copy struct {
	Of      string `json:"of"` // the live source
	TakenOn string `json:"taken_on,omitempty"`
	Until   string `json:"until,omitempty"` // the day on which it is gone; "" nobody said
	Rows    int    `json:"rows"`

	Words string `json:"-"`
}

// Withheld is a field that is not handed over.
type Withheld struct {
	Source string      `json:"source"`
	Table  string      `json:"table"`
	Field  string      `json:"field"`
	Code   Withholding `json:"code"`

	Words string `json:"-"`
}

// Right is a right that remains.
type Right struct {
	Article string `json:"article"`
	Words   string `json:"words"`
}

var fieldRE = regexp.MustCompile(`^([^.]+)\.(.+)\.([^.]+)=([a-z_]+)$`)

// ParseWithheld reads source.table.field=reason. Its errors wrap setup.ErrUsage.
func ParseWithheld(p *setup.Setup, texts []string) (map[string]Withholding, error) {
	list := map[string]Withholding{}
	for _, text := range texts {
		m := fieldRE.FindStringSubmatch(text)
		if m == nil || !slices.Contains(Withholdings, Withholding(m[4])) {
			return nil, fmt.Errorf("%w: write what is withheld as source.table.field=REASON, with one of %s",
				setup.ErrUsage, reasons())
		}
		if !slices.ContainsFunc(p.Sources, func(s setup.Source) bool { return s.Name == m[1] && !s.Backup() }) {
			return nil, fmt.Errorf("%w: what is withheld: there is no live source %s", setup.ErrUsage, m[1])
		}
		list[m[1]+"."+m[2]+"."+m[3]] = Withholding(m[4])
	}
	return list, nil
}

func reasons() string {
	var names []string
	for _, w := range Withholdings {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}

// day is a civil day, "" for none.
func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.DateOnly)
}
