package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

func TestHolds(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("hr", header1+"a@example.org,basis_started,contract,2020-01-10,,,\n"+
			"b@example.org,basis_started,contract,2020-01-10,,,\n")
		hold := cases.Hold{ID: "h1", CaseRef: "case 7", PlacedBy: "anna"}
		require.NoError(t, f.r.PlaceHold(t.Context(), "hr", hold, 1))
		require.True(t, f.standing("hr", "a@example.org", noon).Hold)
		require.False(t, f.standing("hr", "b@example.org", noon).Hold)
		require.ErrorIs(t, f.r.PlaceHold(t.Context(), "hr", hold, 1), event.ErrRefused)
		require.ErrorIs(t, f.r.PlaceHold(t.Context(), "hr", cases.Hold{ID: "h9", CaseRef: "c", PlacedBy: "x"}, 77),
			event.ErrRefused)
		require.ErrorIs(t, f.r.ApproveHold(t.Context(), "hr", "h1", "anna"), event.ErrRefused)
		require.NoError(t, f.r.ApproveHold(t.Context(), "hr", "h1", "bo"))
		require.ErrorIs(t, f.r.ReleaseHold(t.Context(), "hr", "h1", "bo", "bo"), event.ErrRefused)

		require.NoError(t, f.r.PlaceHold(t.Context(), "hr", cases.Hold{ID: "all", CaseRef: "case 8", PlacedBy: "anna"}))
		require.True(t, f.standing("hr", "b@example.org", noon).Hold, "a hold on the silo reaches every collection")
		f.now = noon.Add(time.Hour)
		require.NoError(t, f.r.ReleaseHold(t.Context(), "hr", "all", "anna", "bo"))
		require.False(t, f.standing("hr", "b@example.org", f.now).Hold)
		require.True(t, f.standing("hr", "a@example.org", f.now).Hold, "the other hold stays")
		require.NoError(t, f.r.ReleaseHold(t.Context(), "hr", "h1", "anna", "bo"))
		require.False(t, f.standing("hr", "a@example.org", f.now).Hold)

		holds, err := f.r.Holds(t.Context(), "hr")
		require.NoError(t, err)
		require.Len(t, holds, 2)
		require.Equal(t, "bo", holds[1].ApprovedBy)
		require.Equal(t, f.now, holds[1].ReleasedAt)
		require.NoError(t, f.r.Verify(t.Context(), "hr", chain.Head{}))
	})
}

func TestRequests(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\n")
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r1", Kind: cases.RequestAccess,
			Received: day("2026-11-01"), Due: day("2026-12-01")}, 1))
		require.True(t, f.standing("crm", "a@example.org", noon).PendingAccess)
		require.True(t, f.standing("crm", "a@example.org", day("2026-12-30")).PendingAccess)
		require.False(t, f.standing("crm", "a@example.org", day("2027-01-02")).PendingAccess,
			"past the due date and its margin")
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r1", cases.OutcomeCompleted, ""))
		require.False(t, f.standing("crm", "a@example.org", noon).PendingAccess)

		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r2", Kind: cases.RequestErasure,
			Received: day("2026-11-02")}, 1))
		require.Equal(t, day("2026-11-02"), f.standing("crm", "a@example.org", noon).Erasure)
		require.ErrorIs(t, f.r.CloseRequest(t.Context(), "crm", "r2", "done", ""), event.ErrRefused)
		require.ErrorIs(t, f.r.CloseRequest(t.Context(), "crm", "r2", cases.OutcomeRefused, ""), event.ErrRefused,
			"it takes an exception to refuse")
		require.NoError(t, f.r.PlaceHold(t.Context(), "crm", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}))
		require.ErrorContains(t, f.r.CloseRequest(t.Context(), "crm", "r2", cases.OutcomeCompleted, ""), "17(3)(e)")
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r2", cases.OutcomePartlyRefused, "17(3)(e)"))
		consumed := f.standing("crm", "a@example.org", noon)
		require.Zero(t, consumed.Erasure, "a closed request is consumed")
		require.Equal(t, policy.Withdrawn, consumed.Purposes[0].State, "and revives no earlier consent")
		require.Equal(t, day("2026-11-02"), consumed.Purposes[0].Since)
		require.NoError(t, f.r.ReleaseHold(t.Context(), "crm", "h", "anna", "bo"))
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r3", Kind: cases.RequestRestriction,
			Received: day("2026-11-02")}, 1))
		require.True(t, f.standing("crm", "a@example.org", noon).Restricted)

		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r5", Kind: cases.RequestObjection,
			Received: day("2026-11-03"), Purpose: "news"}, 1))
		require.Equal(t, policy.ObjectionPending, f.standing("crm", "a@example.org", noon).Purposes[0].Objection)
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r5", cases.OutcomeCompleted, ""))
		require.Equal(t, policy.ObjectionUpheld, f.standing("crm", "a@example.org", noon).Purposes[0].Objection)
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r6", Kind: cases.RequestErasure,
			Received: day("2026-11-04")}, 1))
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r6", cases.OutcomeRefused, "12(5)"))
		require.Zero(t, f.standing("crm", "a@example.org", noon).Erasure)
		collections, err := f.r.CollectionsOf(t.Context(), f.key("crm"),
			event.Subject{Kind: identifier.Email, Value: "A@example.org "}, "")
		require.NoError(t, err)
		require.Equal(t, []int32{1}, collections)

		require.ErrorContains(t, f.r.CloseRequest(t.Context(), "crm", "r2", cases.OutcomeCompleted, ""),
			"no such open request")
		require.ErrorIs(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: "r4", Kind: "complaint",
			Received: noon}, 1), event.ErrRefused)
		list, err := f.r.Requests(t.Context(), "crm")
		require.NoError(t, err)
		require.Len(t, list, 5)
		require.Equal(t, cases.OutcomeCompleted, list[0].Outcome)
		require.Equal(t, "17(3)(e)", list[1].Exception)
	})
}

// Who objects to direct marketing objects to nothing else, whatever the answer; and one request that is
// closed closes no other.
func TestAnswersReachWhatWasAsked(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\n"+
			"a@example.org,basis_started,fraud,2026-01-10,,,\n")
		purposes := map[string]event.Type{"news": "", "fraud": ""}
		now := func() policy.Standing {
			f.t.Helper()
			s, err := f.r.Standings(t.Context(), "crm", noon.Add(time.Hour), purposes)
			require.NoError(t, err)
			var v policy.Standing
			require.True(t, s.At(1, &v))
			return v
		}
		open := func(q cases.Request) { require.NoError(t, f.r.OpenRequest(t.Context(), "crm", q, 1)) }
		shut := func(id, outcome, exception string) {
			require.NoError(t, f.r.CloseRequest(t.Context(), "crm", id, outcome, exception))
		}
		for i, outcome := range []string{cases.OutcomeCompleted, cases.OutcomeRefused} {
			id, exception := "m"+outcome, []string{"", "21(1)"}[i]
			open(cases.Request{ID: id, Kind: cases.RequestObjection, Received: day("2026-11-03"), Marketing: true})
			shut(id, outcome, exception)
			v := now()
			require.Len(t, v.Purposes, 3)
			require.Equal(t, policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: day("2026-11-03"),
				Marketing: true}, v.Purposes[0], outcome)
			require.Equal(t, policy.PurposeStanding{Purpose: "fraud", Started: day("2026-01-10")},
				v.Purposes[1], outcome)
			require.Equal(t, policy.NoObjection, v.Purposes[2].Objection, outcome)
		}
		open(cases.Request{ID: "e1", Kind: cases.RequestErasure, Received: day("2026-11-04")})
		open(cases.Request{ID: "e2", Kind: cases.RequestErasure, Received: day("2026-11-05")})
		shut("e1", cases.OutcomePartlyRefused, "17(3)(b)")
		require.Equal(t, day("2026-11-05"), now().Erasure)
		shut("e2", cases.OutcomeRefused, "12(5)")
		require.Zero(t, now().Erasure)
	})
}

func TestParentsAuthoriseAPurpose(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", "email,type,purpose,occurred_at,notice,evidence,minor\n"+
			"a@example.org,given,news,2026-01-10,n,p,yes\na@example.org,given,profiling,2026-01-10,n,p,yes\n"+
			"a@example.org,parental_authorised,news,2026-01-11,,,\n")
		v := f.standing("crm", "a@example.org", noon)
		require.True(t, v.Minor)
		require.False(t, v.Parental)
		require.Equal(t, []bool{true, false}, []bool{v.Purposes[0].Parental, v.Purposes[1].Parental})
		f.importCSV("crm", "email,type,purpose,occurred_at,notice,evidence,minor\n"+
			"a@example.org,parental_authorised,,2026-01-12,,,\n")
		require.True(t, f.standing("crm", "a@example.org", noon).Parental)
	})
}
