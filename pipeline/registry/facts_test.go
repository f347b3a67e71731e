package registry

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

func twoYears(since time.Time) time.Time { return since.AddDate(2, 0, 0) }

func TestExpireDue(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("newsletter", header1+
			"old@example.org,given,newsletter,2024-01-10,,n3,p\n"+ // ends by max_age
			"term@example.org,given,newsletter,2026-01-10,2026-10-01,n3,p\n"+ // ends by its own term
			"gone@example.org,given,newsletter,2024-01-10,,n3,p\n"+
			"gone@example.org,withdrawn,newsletter,2025-01-10,,,\n"+
			"live@example.org,given,newsletter,2026-01-10,,n3,p\n"+
			"other@example.org,given,profiling,2020-01-10,,n3,p\n") // no max_age given for this purpose
		ends := ExpiryEnds{"newsletter": twoYears}
		n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
		require.NoError(t, err)
		require.Zero(t, n)
		old := f.standing("newsletter", "old@example.org", noon).Purposes[0]
		require.Equal(t, policy.Expired, old.State)
		require.Equal(t, day("2026-01-10"), old.Since)
		require.Equal(t, day("2026-10-01"), f.standing("newsletter", "term@example.org", noon).Purposes[0].Since)
		require.Equal(t, policy.Given, f.standing("newsletter", "live@example.org", noon).Purposes[0].State)
		require.Equal(t, policy.Withdrawn, f.standing("newsletter", "gone@example.org", noon).Purposes[0].State)
		require.Equal(t, policy.Given, f.standing("newsletter", "other@example.org", noon).Purposes[0].State)

		t.Run("what nobody could prove stays unproven", func(t *testing.T) {
			f.importCSV("newsletter", header1+"bare@example.org,given,newsletter,2023-05-05,,n3,\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.True(t, f.standing("newsletter", "old@example.org", noon).Purposes[0].Proven)
			bare := f.standing("newsletter", "bare@example.org", noon).Purposes[0]
			require.Equal(t, policy.Expired, bare.State)
			require.False(t, bare.Proven)
		})
		t.Run("what is recorded late is seen by the next pass", func(t *testing.T) {
			f.importCSV("newsletter", header1+"late@example.org,given,newsletter,2023-05-05,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		t.Run("a renewal recorded late outlives the expiry of what it renewed", func(t *testing.T) {
			f.importCSV("newsletter", header1+"old@example.org,renewed,newsletter,2025-06-01,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Zero(t, n)
			require.Equal(t, policy.Renewed, f.standing("newsletter", "old@example.org", noon).Purposes[0].State)
		})
		t.Run("the live one ends on its day", func(t *testing.T) {
			n, err := f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10").Add(-time.Microsecond), ends)
			require.NoError(t, err)
			require.Equal(t, 1, n) // the renewal of 2025-06-01
			n, err = f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10"), ends)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		t.Run("expiry is no delivery", func(t *testing.T) {
			heads, err := f.r.Heads(t.Context())
			require.NoError(t, err)
			require.Equal(t, noon, heads[0].HeardAt)
			require.Equal(t, day("2028-01-10"), heads[0].RecordedAt)
		})
		require.NoError(t, f.r.Verify(t.Context(), "newsletter", Head{}))
	})
}

func TestExpiryReadsIndexes(t *testing.T) {
	f := newSQLite(t)
	db := f.raw()
	for _, query := range []string{
		`e.effective_until > 0 AND e.effective_until > 1 AND e.effective_until <= 2`,
		`e.purpose = 'p' AND e.type IN ('given', 'renewed') AND e.effective_from > 1 AND e.effective_from <= 2`,
		`e.seq > 7 AND e.type IN ('given', 'renewed')`,
	} {
		var id, parent, unused int
		var plan string
		rows, err := db.Query(`EXPLAIN QUERY PLAN SELECT p.collection FROM event e JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq WHERE e.silo = 1 AND ` + query)
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.NoError(t, rows.Scan(&id, &parent, &unused, &plan))
		require.NoError(t, rows.Close())
		require.Regexp(t, `SEARCH (e USING .*(effective_until>|effective_from>|seq>)|p USING .*seq>)`, plan)
	}
}

// TestLatestEnded checks the search against the definition.
func TestLatestEnded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(1, 4000).Draw(t, "days")
		end := func(since time.Time) time.Time { return since.AddDate(0, 0, days) }
		asOf := noon.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "s")) * time.Second)
		got := latestEnded(end, asOf)
		require.False(t, end(got.Truncate(time.Second)).After(asOf))
		require.True(t, end(got.Add(time.Second)).After(asOf))
	})
}

func TestHolds(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("hr", header1+"a@example.org,basis_started,contract,2020-01-10,,,\nb@example.org,basis_started,contract,2020-01-10,,,\n")
		hold := Hold{ID: "h1", CaseRef: "case 7", PlacedBy: "anna"}
		require.NoError(t, f.r.PlaceHold(t.Context(), "hr", hold, 1))
		require.True(t, f.standing("hr", "a@example.org", noon).Hold)
		require.False(t, f.standing("hr", "b@example.org", noon).Hold)
		require.ErrorIs(t, f.r.PlaceHold(t.Context(), "hr", hold, 1), ErrRefused)
		require.ErrorIs(t, f.r.PlaceHold(t.Context(), "hr", Hold{ID: "h9", CaseRef: "c", PlacedBy: "x"}, 77), ErrRefused)
		require.ErrorIs(t, f.r.ApproveHold(t.Context(), "hr", "h1", "anna"), ErrRefused)
		require.NoError(t, f.r.ApproveHold(t.Context(), "hr", "h1", "bo"))
		require.ErrorIs(t, f.r.ReleaseHold(t.Context(), "hr", "h1", "bo", "bo"), ErrRefused)

		require.NoError(t, f.r.PlaceHold(t.Context(), "hr", Hold{ID: "all", CaseRef: "case 8", PlacedBy: "anna"}))
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
		require.NoError(t, f.r.Verify(t.Context(), "hr", Head{}))
	})
}

func TestRequests(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\n")
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r1", Kind: RequestAccess, Received: day("2026-11-01"), Due: day("2026-12-01")}, 1))
		require.True(t, f.standing("crm", "a@example.org", noon).PendingAccess)
		require.True(t, f.standing("crm", "a@example.org", day("2026-12-30")).PendingAccess)
		require.False(t, f.standing("crm", "a@example.org", day("2027-01-02")).PendingAccess, "past the due date and its margin")
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r1", OutcomeCompleted, ""))
		require.False(t, f.standing("crm", "a@example.org", noon).PendingAccess)

		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r2", Kind: RequestErasure, Received: day("2026-11-02")}, 1))
		require.Equal(t, day("2026-11-02"), f.standing("crm", "a@example.org", noon).Erasure)
		require.ErrorIs(t, f.r.CloseRequest(t.Context(), "crm", "r2", "done", ""), ErrRefused)
		require.ErrorIs(t, f.r.CloseRequest(t.Context(), "crm", "r2", OutcomeRefused, ""), ErrRefused, "it takes an exception to refuse")
		require.NoError(t, f.r.PlaceHold(t.Context(), "crm", Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}))
		require.ErrorContains(t, f.r.CloseRequest(t.Context(), "crm", "r2", OutcomeCompleted, ""), "17(3)(e)")
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r2", OutcomePartlyRefused, "17(3)(e)"))
		consumed := f.standing("crm", "a@example.org", noon)
		require.Zero(t, consumed.Erasure, "a closed request is consumed")
		require.Equal(t, policy.Withdrawn, consumed.Purposes[0].State, "and revives no earlier consent")
		require.Equal(t, day("2026-11-02"), consumed.Purposes[0].Since)
		require.NoError(t, f.r.ReleaseHold(t.Context(), "crm", "h", "anna", "bo"))
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r3", Kind: RequestRestriction, Received: day("2026-11-02")}, 1))
		require.True(t, f.standing("crm", "a@example.org", noon).Restricted)

		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r5", Kind: RequestObjection, Received: day("2026-11-03"), Purpose: "news"}, 1))
		require.Equal(t, policy.ObjectionPending, f.standing("crm", "a@example.org", noon).Purposes[0].Objection)
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r5", OutcomeCompleted, ""))
		require.Equal(t, policy.ObjectionUpheld, f.standing("crm", "a@example.org", noon).Purposes[0].Objection)
		require.NoError(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r6", Kind: RequestErasure, Received: day("2026-11-04")}, 1))
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r6", OutcomeRefused, "12(5)"))
		require.Zero(t, f.standing("crm", "a@example.org", noon).Erasure)
		collections, err := f.r.CollectionsOf(t.Context(), f.key("crm"), Subject{Kind: KindEmail, Value: "A@example.org "}, "")
		require.NoError(t, err)
		require.Equal(t, []int32{1}, collections)

		require.ErrorContains(t, f.r.CloseRequest(t.Context(), "crm", "r2", OutcomeCompleted, ""), "no such open request")
		require.ErrorIs(t, f.r.OpenRequest(t.Context(), "crm", Request{ID: "r4", Kind: "complaint", Received: noon}, 1), ErrRefused)
		list, err := f.r.Requests(t.Context(), "crm")
		require.NoError(t, err)
		require.Len(t, list, 5)
		require.Equal(t, OutcomeCompleted, list[0].Outcome)
		require.Equal(t, "17(3)(e)", list[1].Exception)
	})
}

// Who objects to direct marketing objects to nothing else, whatever the answer; and one request that is closed closes no other.
func TestAnswersReachWhatWasAsked(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\na@example.org,basis_started,fraud,2026-01-10,,,\n")
		purposes := map[string]EventType{"news": "", "fraud": ""}
		now := func() policy.Standing {
			f.t.Helper()
			s, err := f.r.Standings(t.Context(), "crm", noon.Add(time.Hour), purposes)
			require.NoError(t, err)
			var v policy.Standing
			require.True(t, s.At(1, &v))
			return v
		}
		open := func(q Request) { require.NoError(t, f.r.OpenRequest(t.Context(), "crm", q, 1)) }
		shut := func(id, outcome, exception string) {
			require.NoError(t, f.r.CloseRequest(t.Context(), "crm", id, outcome, exception))
		}
		for i, outcome := range []string{OutcomeCompleted, OutcomeRefused} {
			id, exception := "m"+outcome, []string{"", "21(1)"}[i]
			open(Request{ID: id, Kind: RequestObjection, Received: day("2026-11-03"), Marketing: true})
			shut(id, outcome, exception)
			v := now()
			require.Len(t, v.Purposes, 3)
			require.Equal(t, policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: day("2026-11-03"), Marketing: true}, v.Purposes[0], outcome)
			require.Equal(t, policy.PurposeStanding{Purpose: "fraud", Started: day("2026-01-10")}, v.Purposes[1], outcome)
			require.Equal(t, policy.NoObjection, v.Purposes[2].Objection, outcome)
		}
		open(Request{ID: "e1", Kind: RequestErasure, Received: day("2026-11-04")})
		open(Request{ID: "e2", Kind: RequestErasure, Received: day("2026-11-05")})
		shut("e1", OutcomePartlyRefused, "17(3)(b)")
		require.Equal(t, day("2026-11-05"), now().Erasure)
		shut("e2", OutcomeRefused, "12(5)")
		require.Zero(t, now().Erasure)
	})
}

func TestParentsAuthoriseAPurpose(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", "email,type,purpose,occurred_at,notice,evidence,minor\na@example.org,given,news,2026-01-10,n,p,yes\na@example.org,given,profiling,2026-01-10,n,p,yes\n"+
			"a@example.org,parental_authorised,news,2026-01-11,,,\n")
		v := f.standing("crm", "a@example.org", noon)
		require.True(t, v.Minor)
		require.False(t, v.Parental)
		require.Equal(t, []bool{true, false}, []bool{v.Purposes[0].Parental, v.Purposes[1].Parental})
		f.importCSV("crm", "email,type,purpose,occurred_at,notice,evidence,minor\na@example.org,parental_authorised,,2026-01-12,,,\n")
		require.True(t, f.standing("crm", "a@example.org", noon).Parental)
	})
}

func TestFlags(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		k1, k2 := FlagKey{key.Record("crm", "people", []byte("1")), "D_NO_CONSENT"}, FlagKey{key.Record("crm", "people", []byte("2")), "X_NO_MATCH"}
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{k1, day("2026-01-01")}, {k2, day("2026-01-02")}}))
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{k1, day("2026-03-01")}}))
		require.NoError(t, f.r.DropFlags(t.Context(), "crm", []FlagKey{k2}))
		flags, err := f.r.Flags(t.Context(), "crm")
		require.NoError(t, err)
		require.Equal(t, map[FlagKey]time.Time{k1: day("2026-01-01")}, flags)
		flags, err = f.r.Flags(t.Context(), "unheard")
		require.NoError(t, err)
		require.Empty(t, flags)
	})
}

func TestTombstones(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		row1, row2 := key.Record("crm", "people", []byte("1")), key.Record("crm", "people", []byte("2"))
		ann, ben := key.Match(KindEmail, []byte("ann@example.org")), key.Match(KindEmail, []byte("ben@example.org"))
		stone := Tombstone{Record: row1, Subject: ann, System: "crm", Object: "people", Action: "delete", PlanDigest: "abc", ErasedAt: noon, DropAfter: day("2027-02-01")}
		second := stone
		second.Subject, second.DropAfter = ben, day("2027-03-01")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{stone, second}))
		shorter := stone
		shorter.DropAfter = day("2027-01-01")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{shorter, stone, shorter}), "one of them twice in one call")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{shorter}))
		all, err := f.r.Tombstones(t.Context(), "crm")
		require.NoError(t, err)
		require.ElementsMatch(t, []Tombstone{stone, second}, all.Find(row1))
		require.Empty(t, all.Find(row2))
		require.NoError(t, f.r.DropTombstones(t.Context(), "crm", []Tombstone{stone}, []Tombstone{second}))
		all, err = f.r.Tombstones(t.Context(), "crm")
		require.NoError(t, err)
		nobodys := second
		nobodys.Subject = keystore.Ref{}
		require.Equal(t, []Tombstone{nobodys}, all.All(), "the record was anonymized, and is nobody's any more")
	})
}

func TestRecordLink(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", "email,collection,type,purpose,occurred_at,notice\na@example.org,c1,given,news,2026-01-10,n\na@example.org,c2,given,news,2026-02-10,n\n")
		key := f.key("crm")
		row := key.Record("crm", "people", []byte("1"))
		f.link("crm", row, 2)
		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		alias := []keystore.Ref{f.ref("crm", KindEmail, "a@example.org")}
		require.Equal(t, Match{Identity: policy.Conflicting}, s.Match(Row{Identifiers: alias}))
		require.Equal(t, Match{Collection: 2}, s.Match(Row{Identifiers: alias, Record: &row}))
		require.Equal(t, Match{Collection: 2}, s.Match(Row{Record: &row}), "a row that names nobody")
		require.Equal(t, Match{Collection: 2}, s.Match(Row{Identifiers: []keystore.Ref{f.ref("crm", KindEmail, "new@example.org")}, Record: &row}), "an address that nobody told of")

		f.importCSV("crm", "email,collection,type,purpose,occurred_at,notice\nb@example.org,c3,given,news,2026-01-10,n\n")
		s, err = f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		other := f.ref("crm", KindEmail, "b@example.org")
		require.Equal(t, Match{Identity: policy.Conflicting}, s.Match(Row{Identifiers: []keystore.Ref{other}, Record: &row}), "the address is somebody else's")
		require.Equal(t, Match{Collection: 2}, s.Match(Row{Identifiers: append([]keystore.Ref{other}, alias...), Record: &row}), "one of two bears it out")

		stone := Tombstone{Record: row, Subject: alias[0], System: "crm", Object: "people", Action: "delete", ErasedAt: noon, DropAfter: noon}
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{stone}))
		require.NoError(t, f.r.DropTombstones(t.Context(), "crm", []Tombstone{stone}, nil))
		s, err = f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		require.Equal(t, Match{Identity: policy.Conflicting}, s.Match(Row{Identifiers: alias, Record: &row}), "the link goes with the last trace of the row")
	})
}

func TestEventsLinkRows(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		text := "email,collection,type,purpose,occurred_at,notice,record\na@example.org,c1,given,news,2026-01-10,n,1\na@example.org,c2,given,news,2026-02-10,n,2\na@example.org,,withdrawn,news,2026-03-10,n,1\n"
		in := func(text string, admit func(*Event) error) ImportReport {
			report, err := f.r.Import(t.Context(), Import{Keys: key, Reader: strings.NewReader(text), Format: CSV, Source: "test", Admit: admit})
			require.NoError(t, err)
			return report
		}
		link := func(e *Event) error {
			e.Link = Link{Record: key.Record("crm", "people", []byte(e.Record)), System: "crm", Object: "people"}
			return nil
		}
		require.Equal(t, 3, in(text, nil).Events)
		matched := func(row string) Match {
			s, err := f.r.Standings(t.Context(), "crm", noon, nil)
			require.NoError(t, err)
			record := key.Record("crm", "people", []byte(row))
			return s.Match(Row{Identifiers: []keystore.Ref{f.ref("crm", KindEmail, "a@example.org")}, Record: &record})
		}
		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		require.False(t, s.Linked())
		require.Equal(t, policy.Conflicting, matched("1").Identity)

		require.Equal(t, 3, in(text, link).Duplicates, "what was recorded before is linked when it comes again")
		require.Equal(t, Match{Collection: 1}, matched("1"))
		require.Equal(t, Match{Collection: 2}, matched("2"))
		require.Equal(t, policy.Conflicting, matched("3").Identity)
		require.Equal(t, 1, in("email,collection,type,purpose,occurred_at,notice,record\na@example.org,c2,renewed,news,2026-04-10,n,2\n", link).Events, "a link that is there stays")
		require.Equal(t, Match{Collection: 2}, matched("2"))
		require.NoError(t, f.r.Verify(t.Context(), "crm", Head{}))
	})
}

func TestSimulated(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		is, err := f.r.Simulated(t.Context())
		require.NoError(t, err)
		require.False(t, is)
		require.NoError(t, f.r.MarkSimulated(t.Context()))
		require.NoError(t, f.r.MarkSimulated(t.Context()))
		is, err = f.r.Simulated(t.Context())
		require.NoError(t, err)
		require.True(t, is)
	})
}
