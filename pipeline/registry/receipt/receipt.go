// Package receipt makes the record that a person is given of a consent: a Receipt with its Processing,
// Purposes, Parties and Events, in the structure of ISO/IEC TS 27560, from a silo's events and from Terms,
// which are what the policy and the configuration say.
package receipt

import (
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/event"
)

// Receipt is a consent record with the structure of ISO/IEC TS 27560:2023, clause 6.3, in JSON with the
// standard's names for the fields. The standard fixes no encoding. What it makes mandatory is not omitted
// when empty; Missing lists what of it has no value.
type Receipt struct {
	SchemaVersion string     `json:"schema_version"`
	RecordID      string     `json:"record_id"`
	PrincipalID   string     `json:"pii_principal_id"`
	Processing    Processing `json:"pii_processing"`
	Parties       []Party    `json:"party_identification"`
	Events        []Event    `json:"events"`
}

// Processing says what the consent is about.
type Processing struct {
	Notice           string    `json:"privacy_notice"` // id or address of the notice that was shown
	Language         string    `json:"language"`       // ISO 639
	Purposes         []Purpose `json:"purposes"`
	Controllers      []string  `json:"pii_controllers"` // ids of parties
	CollectionMethod string    `json:"collection_method,omitempty"`
	StorageLocations []string  `json:"storage_locations"`
	RetentionPeriod  string    `json:"retention_period"` // ISO 8601
	Jurisdiction     string    `json:"jurisdiction"`
	Recipients       []string  `json:"recipient_third_parties"` // empty: none; null: nobody said
	WithdrawalMethod string    `json:"withdrawal_method"`
	Rights           string    `json:"privacy_rights,omitempty"`
}

// Purpose is one purpose with what it uses.
type Purpose struct {
	Purpose     string   `json:"purpose"`
	Type        string   `json:"purpose_type,omitempty"` // for instance an IRI of the Data Privacy Vocabulary
	LawfulBasis string   `json:"lawful_basis"`
	Information []string `json:"pii_information"` // categories or fields
}

// Party is who takes part.
type Party struct {
	ID      string `json:"party_id"`
	Name    string `json:"party_name"`
	Address string `json:"party_address"`
	Contact string `json:"party_contact"`
	Role    string `json:"party_role,omitempty"`
}

// Event is one event of the consent's life.
type Event struct {
	Time     string `json:"event_time"`        // ISO 8601, UTC
	Validity string `json:"validity_duration"` // of what grants: ISO 8601 period or instant, or Endless
	Entity   string `json:"entity_id"`         // who acted
	Type     string `json:"event_type"`
	State    string `json:"event_state"` // of the Data Privacy Vocabulary
	Purpose  string `json:"purpose,omitempty"`
}

// Schema is the schema_version of the records that Receipts makes.
const Schema = "ISO/IEC TS 27560:2023"

// Terms is what the policy file and the configuration know of a silo's consents, and the registry
// does not.
type Terms struct {
	Controller       Party
	Language         string
	Purposes         []policy.Rule // of the silo
	StorageLocations []string
	Jurisdiction     string
	Recipients       []string
	WithdrawalMethod string
	Rights           string
}

// Begin is a record without purposes and events.
func (t *Terms) Begin(id, principal string) Receipt {
	return Receipt{SchemaVersion: Schema, RecordID: id, PrincipalID: principal, Parties: []Party{t.Controller},
		Processing: Processing{Language: t.Language, Controllers: []string{t.Controller.ID},
			StorageLocations: t.StorageLocations, Jurisdiction: t.Jurisdiction,
			Recipients: t.Recipients, WithdrawalMethod: t.WithdrawalMethod, Rights: t.Rights}}
}

// receiptStates are the states of the Data Privacy Vocabulary; see consentStates for the way back.
var receiptStates = map[event.Type]string{event.Given: "dpv:ConsentGiven", event.Renewed: "dpv:RenewedConsentGiven",
	event.Refused: "dpv:ConsentRefused", event.Withdrawn: "dpv:ConsentWithdrawn",
	event.Expired: "dpv:ConsentExpired", event.Invalidated: "dpv:ConsentInvalidated"}

// The words of Receipts for who acted and how.
const (
	byPrincipal = "pii_principal"
	explicit    = "explicit"
	automatic   = "automatic"
)

// Past is what a receipt says of one event.
type Past struct {
	Type                    event.Type
	Purpose, Notice, Method string
	Occurred, From, Until   time.Time // Until zero: none
}

// Take takes up one event; those that are not about consent stand in no record of consent.
func (t *Terms) Take(r *Receipt, past Past) {
	state, ok := receiptStates[past.Type]
	if !ok {
		return
	}
	at := past.Occurred
	e := Event{State: state, Purpose: past.Purpose, Entity: byPrincipal, Type: explicit}
	if past.Type == event.Expired || past.Type == event.Invalidated {
		at, e.Entity, e.Type = past.From, t.Controller.ID, automatic
	}
	e.Time = at.Format(time.RFC3339)
	if past.Type.Kind().Grants {
		rule := t.rule(e.Purpose)
		switch {
		case !past.Until.IsZero():
			e.Validity = past.Until.Format(time.RFC3339)
		case rule != nil && !rule.MaxAge.IsZero():
			e.Validity = rule.MaxAge.String()
		default:
			e.Validity = "Endless"
		}
		r.Processing.Notice, r.Processing.CollectionMethod = past.Notice, past.Method
	}
	if e.Purpose != "" && !slices.ContainsFunc(r.Processing.Purposes,
		func(p Purpose) bool { return p.Purpose == e.Purpose }) {
		r.Processing.Purposes = append(r.Processing.Purposes, t.purpose(e.Purpose))
	}
	r.Events = append(r.Events, e)
}

// rule is the rule of consent for a purpose, nil for none.
func (t *Terms) rule(purpose string) *policy.Rule {
	i := slices.IndexFunc(t.Purposes, func(r policy.Rule) bool {
		return r.Purpose == purpose &&
			r.Basis == policy.Consent
	})
	if i < 0 {
		return nil
	}
	return &t.Purposes[i]
}

func (t *Terms) purpose(name string) Purpose {
	p := Purpose{Purpose: name, LawfulBasis: "eu-gdpr:A6-1-a"}
	if rule := t.rule(name); rule != nil {
		p.Information = rule.Fields
		if rule.Marketing {
			p.Type = "dpv:DirectMarketing"
		}
	}
	return p
}

// Finish fills in what depends on the purposes.
func (t *Terms) Finish(r *Receipt) {
	var periods []string
	for _, p := range r.Processing.Purposes {
		if rule := t.rule(p.Purpose); rule != nil {
			periods = append(periods, p.Purpose+": "+rule.MaxAge.String())
		}
	}
	if r.Processing.RetentionPeriod = strings.Join(periods, "; "); len(periods) == 1 {
		_, r.Processing.RetentionPeriod, _ = strings.Cut(periods[0], ": ")
	}
}

// Missing lists the fields that the standard makes mandatory and that have no value, in its order.
func (r *Receipt) Missing() []string {
	var missing []string
	need := func(name string, has bool) {
		if !has && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	p := &r.Processing
	need("schema_version", r.SchemaVersion != "")
	need("record_id", r.RecordID != "")
	need("pii_principal_id", r.PrincipalID != "")
	need("privacy_notice", p.Notice != "")
	need("language", p.Language != "")
	need("purposes", len(p.Purposes) > 0)
	for _, purpose := range p.Purposes {
		need("lawful_basis", purpose.LawfulBasis != "")
		need("pii_information", len(purpose.Information) > 0)
	}
	need("pii_controllers", len(p.Controllers) > 0 && p.Controllers[0] != "")
	need("storage_locations", len(p.StorageLocations) > 0)
	need("retention_period", p.RetentionPeriod != "")
	need("jurisdiction", p.Jurisdiction != "")
	need("recipient_third_parties", p.Recipients != nil)
	need("withdrawal_method", p.WithdrawalMethod != "")
	need("party_identification", len(r.Parties) > 0)
	for _, party := range r.Parties {
		need("party_id", party.ID != "")
		need("party_name", party.Name != "")
		need("party_address", party.Address != "")
		need("party_contact", party.Contact != "")
	}
	for _, e := range r.Events {
		need("event_time", e.Time != "")
		need("entity_id", e.Entity != "")
		need("event_type", e.Type != "")
		need("event_state", e.State != "")
	}
	return missing
}
