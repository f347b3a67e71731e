package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
)

// months ends a term so many months after the request came and by so many days later as it rested; the
// calendar is that of the command.
func months(q cases.Request, n int) time.Time {
	return q.Received.AddDate(0, n, int(q.Paused.Hours()/24))
}

func TestTermOfARequest(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\n")
		open := func(id string) {
			require.NoError(t, f.r.OpenRequest(t.Context(), "crm", cases.Request{ID: id, Kind: cases.RequestAccess,
				Received: day("2026-11-01"), Due: day("2026-12-01")}, 1))
		}
		one := func(id string) cases.Request {
			list, err := f.r.Requests(t.Context(), "crm")
			require.NoError(t, err)
			for _, q := range list {
				if q.ID == id {
					return q
				}
			}
			t.Fatalf("no request %s", id)
			return cases.Request{}
		}
		at := func(date string) { f.now = day(date) }
		at("2026-11-05")
		open("r")
		require.ErrorContains(t, f.r.ResumeRequest(t.Context(), "crm", "r", day("2026-11-05"), months), "does not rest")
		require.NoError(t, f.r.PauseRequest(t.Context(), "crm", "r"))
		require.ErrorContains(t, f.r.PauseRequest(t.Context(), "crm", "r"), "rests already")
		require.Zero(t, one("r").Deadline(), "nothing is due while the term rests")
		require.True(t, f.standing("crm", "a@example.org", day("2027-11-01")).PendingAccess,
			"nor does its protection end")
		require.ErrorIs(t, f.r.ResumeRequest(t.Context(), "crm", "r", day("2026-11-04"), months), event.ErrRefused,
			"before it was paused")
		require.ErrorIs(t, f.r.ResumeRequest(t.Context(), "crm", "r", day("2026-11-06"), months), event.ErrRefused,
			"in the future")
		at("2026-11-25")
		require.Equal(t, 20*24*time.Hour, one("r").Rested(f.now))
		require.NoError(t, f.r.ResumeRequest(t.Context(), "crm", "r", day("2026-11-15"), months))
		q := one("r")
		require.Equal(t, 10*24*time.Hour, q.Rested(f.now))
		require.Equal(t, day("2026-12-11"), q.Deadline(), "ten days later")
		require.True(t, f.standing("crm", "a@example.org", day("2027-01-09")).PendingAccess)
		require.False(t, f.standing("crm", "a@example.org", day("2027-01-11")).PendingAccess,
			"30 days after the new deadline")

		for _, refused := range []struct {
			because, told, words string
		}{
			{"", "2026-11-20", "complexity or number"},
			{"busy", "2026-11-20", "complexity or number"},
			{"complexity", "2026-10-31", "no earlier than the request came"},
			{"complexity", "2026-11-26", "no later than now"},
		} {
			require.ErrorContains(t, f.r.ExtendRequest(t.Context(), "crm", "r", refused.because, day(refused.told),
				months), refused.words)
		}
		require.NoError(t, f.r.ExtendRequest(t.Context(), "crm", "r", "complexity", day("2026-11-20"), months))
		require.ErrorContains(t, f.r.ExtendRequest(t.Context(), "crm", "r", "number", day("2026-11-20"), months),
			"extended before")
		q = one("r")
		require.Equal(t, day("2027-02-11"), q.Deadline(), "three months and ten days")
		require.Equal(t, []any{day("2026-12-11"), day("2026-11-20"), "complexity"},
			[]any{q.Due, q.ExtendedOn, q.Because})
		require.True(t, f.standing("crm", "a@example.org", day("2027-03-10")).PendingAccess)
		require.False(t, f.standing("crm", "a@example.org", day("2027-03-14")).PendingAccess)

		at("2026-12-12")
		require.NoError(t, f.r.PauseRequest(t.Context(), "crm", "r"), "an extended term rests as well")
		at("2026-12-17")
		require.NoError(t, f.r.ResumeRequest(t.Context(), "crm", "r", f.now, months))
		require.Equal(t, day("2027-02-16"), one("r").Deadline())
		require.Equal(t, 15*24*time.Hour, one("r").Paused)
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r", cases.OutcomeCompleted, ""))
		require.False(t, f.standing("crm", "a@example.org", day("2026-12-18")).PendingAccess)
		for _, err := range []error{f.r.PauseRequest(t.Context(), "crm", "r"),
			f.r.PauseRequest(t.Context(), "crm", "nothing")} {
			require.ErrorContains(t, err, "no such open request")
		}

		open("late")
		require.ErrorContains(t, f.r.PauseRequest(t.Context(), "crm", "late"), "stays late")
		require.ErrorContains(t, f.r.ExtendRequest(t.Context(), "crm", "late", "number", f.now, months),
			"within the first month")
		require.NoError(t, f.r.ExtendRequest(t.Context(), "crm", "late", "number", day("2026-11-30"), months),
			"told in time, recorded later")
		require.NoError(t, f.r.PauseRequest(t.Context(), "crm", "late"))
		at("2026-12-27")
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "late", cases.OutcomeRefused, "12(2)"))
		require.Equal(t, 10*24*time.Hour, one("late").Rested(day("2027-06-01")), "it rested until it was closed")
		require.NoError(t, f.r.Verify(t.Context(), "crm", chain.Head{}))
	})
}
