package registry

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/standings"
)

// oneYear is a proof_retention.
var oneYear = retention.Forget{Until: func(at time.Time) time.Time { return at.AddDate(1, 0, 0) }}

func TestForgetEnded(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		const text = header1 +
			"gone@example.org,given,news,2024-01-10,,n3,p\n" +
			"gone@example.org,withdrawn,news,2025-01-10,,,\n" +
			"fresh@example.org,given,news,2024-01-10,,n3,p\n" +
			"fresh@example.org,withdrawn,news,2026-06-10,,,\n" +
			"live@example.org,given,news,2020-01-10,,n3,p\n" +
			"held@example.org,withdrawn,news,2020-01-10,,,\n" +
			"asked@example.org,withdrawn,news,2020-01-10,,,\n" +
			"used@example.org,withdrawn,news,2020-01-10,,,\n" +
			"open@example.org,basis_started,contract,2020-01-10,,,\n" +
			"objects@example.org,objected,news,2020-01-10,,,\n" +
			"term@example.org,given,news,2022-01-10,2023-01-10,n3,p\n" +
			"corrects@example.org,withdrawn,news,2020-01-10,,,\n"
		f.importCSV("crm", text)
		f.importCSV("other", text)
		require.NoError(t, f.r.PlaceHold(t.Context(), "crm", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}, 4))
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r", Kind: cases.RequestAccess,
			Received: noon}, 5))
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm",
			cases.Request{ID: "r2", Kind: cases.RequestRectification, Received: noon}, 10))
		before, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		heads, err := f.r.Heads(t.Context())
		require.NoError(t, err)

		rule := oneYear
		rule.InUse = func(collection int32) bool { return collection == 6 }
		rule.Standings = before
		gone, err := f.r.ForgetEnded(t.Context(), "crm", noon, rule)
		require.NoError(t, err)
		require.Equal(t, retention.Forgotten{Collections: 2, Events: 3}, gone)

		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		for email, stays := range map[string]bool{"gone": false, "term": false, "fresh": true, "live": true,
			"held": true, "asked": true, "used": true, "open": true, "objects": true, "corrects": true} {
			want := policy.Unmatched
			if stays {
				want = policy.Matched
			}
			require.Equal(t, want, s.Match(standings.Row{Identifiers: []keystore.Ref{f.ref("crm", identifier.Email,
				email+"@example.org")}}).Identity, email)
		}
		require.NoError(t, f.r.Verify(t.Context(), "crm", heads[0]), "the chain holds, and the head of before is in it")
		touched, err := f.r.Refresh(t.Context(), before)
		require.NoError(t, err)
		require.NotEmpty(t, touched)
		require.Empty(t, before.Lookup(f.ref("crm", identifier.Email, "gone@example.org")),
			"standings in memory forget with it")
		require.Equal(t, s.Head(), before.Head())

		again, err := f.r.ForgetEnded(t.Context(), "crm", noon, rule)
		require.NoError(t, err)
		require.Zero(t, again)
		require.Equal(t, 12, f.importCSV("crm", text).Duplicates, "an old delivery brings nobody back")
		require.Equal(t, policy.Withdrawn, f.standing("other", "gone@example.org", noon).Purposes[0].State,
			"the other silo keeps its own time")

		f.superuser(`DELETE FROM event_payload WHERE silo = 1 AND seq = 5`)
		var tampered *chain.TamperedError
		require.ErrorAs(t, f.r.Verify(t.Context(), "crm", chain.Head{}), &tampered)
		require.EqualValues(t, 5, tampered.Seq, "a payload that no purge names is missed")
	})
}

// TestPurgedBytesAreGone looks for the references in the file itself.
func TestPurgedBytesAreGone(t *testing.T) {
	f := newSQLite(t)
	f.importCSV("crm", header1+"gone@example.org,withdrawn,news,2024-01-10,,,\n"+
		"live@example.org,given,news,2026-01-10,,n3,p\n")
	read := func() []byte {
		_, err := f.r.store.Exec(t.Context(), f.r.store.Scrub)
		require.NoError(t, err)
		var all []byte
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(f.path + suffix)
			require.NoError(t, err)
			all = append(all, data...)
		}
		return all
	}
	gone, live := f.ref("crm", identifier.Email, "gone@example.org"), f.ref("crm", identifier.Email, "live@example.org")
	require.True(t, bytes.Contains(read(), gone[:]))
	_, err := f.r.ForgetEnded(t.Context(), "crm", noon, oneYear)
	require.NoError(t, err)
	require.False(t, bytes.Contains(read(), gone[:]))
	require.True(t, bytes.Contains(read(), live[:]))
}

func TestRetire(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.fill("newsletter", 30)
		f.fill("customers", 3)
		key := f.key("newsletter")
		row := key.Record("crm", "people", []byte("1"))
		ref := f.ref("newsletter", identifier.Email, "person1@example.org")
		f.link("newsletter", row, 1)
		require.NoError(t, f.r.PlaceHold(t.Context(), "newsletter",
			cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna", PlacedAt: noon.Add(-time.Hour)}, 1))
		_, err := f.r.Retire(t.Context(), "newsletter", noon)
		require.ErrorContains(t, err, "legal hold")
		require.NoError(t, f.r.ReleaseHold(t.Context(), "newsletter", "h", "anna", "bo"))
		require.NoError(t, f.r.OpenRequest(t.Context(), "newsletter",
			cases.Request{ID: "r", Kind: cases.RequestAccess, Received: noon.Add(-time.Hour)}, 1))
		_, err = f.r.Retire(t.Context(), "newsletter", noon)
		require.ErrorContains(t, err, "request is open")
		require.NoError(t, f.r.CloseRequest(t.Context(), "newsletter", "r", cases.OutcomeCompleted, ""))
		require.NoError(t, f.r.PutTombstones(t.Context(), "newsletter",
			[]Tombstone{{Record: row, Subject: ref, DropAfter: noon.AddDate(0, 0, 1)}}))
		_, err = f.r.Retire(t.Context(), "newsletter", noon)
		require.ErrorIs(t, err, event.ErrRefused)
		require.ErrorContains(t, err, "backup")
		heads, err := f.r.Heads(t.Context())
		require.NoError(t, err)

		gone, err := f.r.Retire(t.Context(), "newsletter", noon.AddDate(0, 0, 2))
		require.NoError(t, err)
		require.Equal(t, retention.Forgotten{Collections: 30, Events: 34}, gone)
		_, err = f.keys.Destroy("silo/newsletter", noon, "a witness", "another")
		require.NoError(t, err)
		_, err = f.keys.SiloKey("newsletter")
		require.ErrorIs(t, err, keystore.ErrDestroyed)

		require.NoError(t, f.r.Verify(t.Context(), "newsletter", heads[1]), "the chain needs no key")
		s, err := f.r.Standings(t.Context(), "newsletter", noon, nil)
		require.NoError(t, err)
		require.Empty(t, s.Lookup(ref))
		require.Empty(t, s.Lookup(row))
		tombstones, err := f.r.Tombstones(t.Context(), "newsletter")
		require.NoError(t, err)
		require.Zero(t, tombstones.Len())
		require.Equal(t, policy.Given, f.standing("customers", "person1@example.org", noon).Purposes[0].State)
		require.NoError(t, f.r.Verify(t.Context(), "customers", heads[0]))
	})
}
