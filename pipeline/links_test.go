package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors/mem"
	"lethe/pipeline/ask/allowed"
	"lethe/pipeline/intake"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/delivery"
)

// A key is used again when the newest row is gone, in many engines. The row that has it then is not the one
// that was tied to a collection: it is not erased for what somebody else withdrew. Of the same person it
// is, as when a backup was restored.
func TestKeyOfAnErasedRowIsUsedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		email string
		want  reason.Code
		left  int
	}{
		"by somebody unknown":            {"new@lago.it", reason.XNoMatchGrace, 2},
		"by somebody who consents":       {"ada@lago.it", reason.KConsent, 2},
		"by the same, from a backup":     {"bob@lago.it", reason.DConsentWithdrawn, 1},
		"by nobody who could be told of": {"-", reason.EIDUnparseable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			in, err := intake.Open(t.Context(), w.Setup)
			require.NoError(t, err)
			_, err = in.Import(t.Context(), "news",
				delivery.Import{Format: delivery.CSV, Source: "form", Notice: "v1", Reader: strings.NewReader(
					"email,collection,type,purpose,occurred_at,evidence,record\n" +
						"ada@lago.it,c1,given,news,2026-01-01,form,crm.people:1\n" +
						"bob@lago.it,c2,given,news,2025-01-01,form,\n" +
						"bob@lago.it,c3,given,news,2026-01-01,form,crm.people:2\n" +
						",c3,withdrawn,news,2026-10-01,,\n" +
						",c2,withdrawn,news,2026-10-01,,\n")})
			require.NoError(t, err)
			require.NoError(t, in.Close())
			w.Live = mem.New("crm", table("people", people().Def.Fields, nil,
				[]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"},
				[]any{"2", "bob@lago.it", "Bob", "active", "2026-01-01"}))
			w.planned()
			require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
			w.Now = w.Now.AddDate(0, 0, 1)
			var email any = c.email
			if c.email == "-" {
				email = nil
			}
			w.Live = mem.New("crm", table("people", people().Def.Fields, nil,
				[]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"},
				[]any{"2", email, "New", "active", "2026-11-20"}))
			_, err = w.night()
			require.NoError(t, err)
			found := map[string]bool{}
			for _, s := range w.facts().Summary {
				found[s.Reason] = true
			}
			require.True(t, found[string(c.want)], "%v", found)
			if c.left == 1 {
				w.approve()
				w.Now = w.Now.AddDate(0, 0, 1)
				w.applied()
			}
			require.Len(t, w.Rows("people"), c.left)
		})
	}
}

// Of a row that says only on which day it came to be nobody knows whether it is older than what was
// collected that day; it belongs to that, not to what ended years before.
func TestRowOfADayBelongsToWhatWasCollectedOnIt(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) { s.LinkScope = "silo" }), people())
	in, err := intake.Open(t.Context(), w.Setup)
	require.NoError(t, err)
	_, err = in.Import(t.Context(), "news",
		delivery.Import{Format: delivery.CSV, Source: "form", Notice: "v1", Zone: rome, Reader: strings.NewReader(
			"email,collection,type,purpose,occurred_at,evidence\n" +
				"ada@lago.it,c1,given,news,2025-01-01 10:00,form\n" +
				",c1,withdrawn,news,2025-06-01 10:00,\n" +
				"ada@lago.it,c2,given,news,2026-01-01 23:59:59,form\n")})
	require.NoError(t, err)
	require.NoError(t, in.Close())
	allowed := func() []string {
		a, err := allowed.Open(t.Context(), w.Setup, "news", "news", w.Now)
		require.NoError(t, err)
		defer a.Close()
		var emails []string
		_, err = a.Rows(t.Context(), func(r allowed.Row) error {
			emails = append(emails,
				r.Subjects[0].Value)
			return nil
		})
		require.NoError(t, err)
		return emails
	}
	require.Equal(t, []string{"ada@lago.it"}, allowed())
	w.Set("people", "1", "created", "2026-01-02")
	require.Equal(t, []string{"ada@lago.it"}, allowed())
	w.Set("people", "1", "created", "2025-12-31")
	require.Empty(t, allowed())
}

// The grace of a reason without a date begins with the night that first found it in this row, not in one
// that had its key before.
func TestGraceOfAKeyUsedAgainBeginsAnew(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) { s.Rules[0].Grace = calendar.Period{Days: 30} }), people())
	row := func(email string) {
		w.Live = mem.New("crm", table("people", people().Def.Fields, nil,
			[]any{"2", email, "Bob", "active", "2026-01-01"}))
	}
	in, err := intake.Open(t.Context(), w.Setup)
	require.NoError(t, err)
	_, err = in.Import(t.Context(), "news",
		delivery.Import{Format: delivery.CSV, Source: "form", Notice: "v1", Reader: strings.NewReader(
			"email,type,purpose,occurred_at\nbob@lago.it,given,news,2026-01-01\neve@lago.it,given,news,2026-01-01\n")})
	require.NoError(t, err)
	require.NoError(t, in.Close())
	row("bob@lago.it")
	_, err = w.night()
	require.NoError(t, err)
	w.Now = w.Now.AddDate(0, 0, 31)
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
	row("eve@lago.it")
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting)
	require.Equal(t, "2027-01-22", w.facts().Summary[0].OldestDue)
}
