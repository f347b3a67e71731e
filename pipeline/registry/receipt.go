package registry

// Receipt is a consent record with the structure of ISO/IEC TS 27560:2023, clause 6.3, in JSON with the standard's names for the fields. The
// standard fixes no encoding. What it makes mandatory is not omitted when empty; Missing lists what of it has no value.
type Receipt struct {
	SchemaVersion string            `json:"schema_version"`
	RecordID      string            `json:"record_id"`
	PrincipalID   string            `json:"pii_principal_id"`
	Processing    ReceiptProcessing `json:"pii_processing"`
	Parties       []ReceiptParty    `json:"party_identification"`
	Events        []ReceiptEvent    `json:"events"`
}

// ReceiptProcessing says what the consent is about.
type ReceiptProcessing struct {
	Notice           string           `json:"privacy_notice"` // id or address of the notice that was shown
	Language         string           `json:"language"`       // ISO 639
	Purposes         []ReceiptPurpose `json:"purposes"`
	Controllers      []string         `json:"pii_controllers"` // ids of parties
	CollectionMethod string           `json:"collection_method,omitempty"`
	StorageLocations []string         `json:"storage_locations"`
	RetentionPeriod  string           `json:"retention_period"` // ISO 8601
	Jurisdiction     string           `json:"jurisdiction"`
	Recipients       []string         `json:"recipient_third_parties"` // empty: none
	WithdrawalMethod string           `json:"withdrawal_method"`
	Rights           string           `json:"privacy_rights,omitempty"`
}

// ReceiptPurpose is one purpose with what it uses.
type ReceiptPurpose struct {
	Purpose     string   `json:"purpose"`
	Type        string   `json:"purpose_type,omitempty"` // for instance an IRI of the Data Privacy Vocabulary
	LawfulBasis string   `json:"lawful_basis"`
	Information []string `json:"pii_information"` // categories or fields
}

// ReceiptParty is who takes part.
type ReceiptParty struct {
	ID      string `json:"party_id"`
	Name    string `json:"party_name"`
	Address string `json:"party_address"`
	Contact string `json:"party_contact"`
	Role    string `json:"party_role,omitempty"`
}

// ReceiptEvent is one event of the consent's life.
type ReceiptEvent struct {
	Time     string `json:"event_time"`        // ISO 8601, UTC
	Validity string `json:"validity_duration"` // ISO 8601 period or instant, or Endless
	Entity   string `json:"entity_id"`         // who acted
	Type     string `json:"event_type"`
	State    string `json:"event_state"` // of the Data Privacy Vocabulary
	Purpose  string `json:"purpose,omitempty"`
}
