package receipt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissing(t *testing.T) {
	require.Equal(t, []string{"schema_version", "record_id", "pii_principal_id", "privacy_notice", "language",
		"purposes", "pii_controllers", "storage_locations", "retention_period",
		"jurisdiction", "recipient_third_parties", "withdrawal_method", "party_identification"},
		(&Receipt{}).Missing())
	r := Receipt{Processing: Processing{Purposes: []Purpose{{}}},
		Parties: []Party{{}}, Events: []Event{{}}}
	for _, name := range []string{"lawful_basis", "pii_information", "party_id", "party_name", "party_address",
		"party_contact", "event_time", "entity_id", "event_type", "event_state"} {
		require.Contains(t, r.Missing(), name)
	}
}
