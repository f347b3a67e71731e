package registry

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/receipt"
)

var receiptTerms = receipt.Terms{
	Controller: receipt.Party{ID: "lago-blu", Name: "Lago Blu Srl", Address: "Via del Lago 1, Como",
		Contact: "privacy@lago-blu.example", Role: "PII controller"},
	Language: "it", StorageLocations: []string{"IT"}, Jurisdiction: "IT", Recipients: []string{},
	WithdrawalMethod: "https://lago-blu.example/preferences",
	Purposes: []policy.Rule{{Purpose: "newsletter", Basis: policy.Consent, Marketing: true,
		MaxAge: calendar.Period{Months: 24}, Fields: []string{"email"}},
		{Purpose: "profiling", Basis: policy.Consent, MaxAge: calendar.Period{Months: 12},
			Fields: []string{"email", "clicks"}}},
}

func TestReceipts(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("newsletter", "email,collection,type,purpose,occurred_at,effective_until,notice,evidence,method\n"+
			"ada@example.org,c1,given,newsletter,2026-01-10T10:00:00Z,,privacy-v3,form 17,double_opt_in\n"+
			"ada@example.org,c1,given,profiling,2026-01-10T10:00:00Z,2026-06-01T00:00:00Z,privacy-v3,form "+
			"17,double_opt_in\n"+
			"ada@example.org,c1,withdrawn,newsletter,2026-02-10T10:00:00Z,,,,\n"+
			"ada@example.org,c2,basis_started,contract,2026-02-10T10:00:00Z,,,,\n"+
			"bob@example.org,c3,given,newsletter,2026-01-10T10:00:00Z,,privacy-v3,form 18,form\n")
		_, err := f.r.ExpireDue(t.Context(), "newsletter", noon, nil, nil)
		require.NoError(t, err)
		who := event.Subject{Kind: identifier.Email, Value: "Ada@example.org"}
		list, err := f.r.Receipts(t.Context(), f.key("newsletter"), who, "", receiptTerms)
		require.NoError(t, err)
		require.Len(t, list, 1, "a collection without consent needs no receipt")
		made := list[0]
		require.Empty(t, made.Missing())
		require.Equal(t, []receipt.Event{
			{Time: "2026-01-10T10:00:00Z", Validity: "P24M", Entity: "pii_principal", Type: "explicit",
				State: "dpv:ConsentGiven", Purpose: "newsletter"},
			{Time: "2026-01-10T10:00:00Z", Validity: "2026-06-01T00:00:00Z", Entity: "pii_principal",
				Type: "explicit", State: "dpv:ConsentGiven", Purpose: "profiling"},
			{Time: "2026-02-10T10:00:00Z", Validity: "", Entity: "pii_principal", Type: "explicit",
				State: "dpv:ConsentWithdrawn", Purpose: "newsletter"},
			{Time: "2026-06-01T00:00:00Z", Validity: "", Entity: "lago-blu", Type: "automatic",
				State: "dpv:ConsentExpired", Purpose: "profiling"},
		}, made.Events)
		require.Equal(t, "privacy-v3", made.Processing.Notice)
		require.Equal(t, "double_opt_in", made.Processing.CollectionMethod)
		require.Equal(t, "newsletter: P24M; profiling: P12M", made.Processing.RetentionPeriod)
		require.Len(t, made.RecordID, 32)
		again, err := f.r.Receipts(t.Context(), f.key("newsletter"), who, "", receiptTerms)
		require.NoError(t, err)
		require.Equal(t, list, again)

		t.Run("a receipt is read back as it was given", func(t *testing.T) {
			text, err := json.MarshalIndent(list, "", "  ")
			require.NoError(t, err)
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("copy"), Reader: bytes.NewReader(text),
				Format: delivery.ISO27560, Source: "receipts"})
			require.NoError(t, err)
			require.Equal(t, delivery.Report{Lines: 4, Events: 4}, report)
			require.Equal(t, policy.Withdrawn, f.standing("copy", "ada@example.org", noon).Purposes[0].State)
			require.Equal(t, policy.Expired, f.standing("copy", "ada@example.org", noon).Purposes[1].State)
		})
		for _, who := range []event.Subject{{Kind: identifier.Email, Value: "nobody@example.org"},
			{Kind: identifier.Email, Value: "no address"}} {
			_, err := f.r.Receipts(t.Context(), f.key("newsletter"), who, "", receiptTerms)
			require.ErrorIs(t, err, event.ErrRefused)
			require.NotContains(t, err.Error(), who.Value)
		}
	})
}
