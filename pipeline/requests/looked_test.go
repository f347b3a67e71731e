package requests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
)

// TestLooked counts what is the person's without doubt, and reads back what it wrote.
func TestLooked(t *testing.T) {
	kept := func(code reason.Code) *policy.Decision { return &policy.Decision{Reason: code} }
	s := &Section{Hits: []*Hit{{How: Own, Decision: kept(reason.KLegalHold)}, {How: Own, Decision: kept(reason.KContract)},
		{How: Own, Decision: kept(reason.KContract)}, {How: Dependent}, {How: Own, Change: "delete",
			Decision: kept(reason.DErasureRequest)}, {How: Names}, {How: Shared}, {How: Own, Backup: true,
			Decision: kept(reason.KContract)}}}
	l := s.Looked()
	require.Equal(t, "found:5 copies:1 kept:K_CONTRACT=2;K_LEGAL_HOLD=1", l.String())
	require.Equal(t, l, ParseLooked(l.String()))
	none := (&Section{}).Looked()
	require.Equal(t, "found:0 copies:0", none.String())
	require.Equal(t, none, ParseLooked(none.String()))
	require.Equal(t, none, ParseLooked("found:many rows"))
}
