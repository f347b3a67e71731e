package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask/allowed"
	"lethe/pipeline/intake"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	policyintake "lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

func word(s string) *string { return &s }

// signups is a table of consents, and its mapping.
func signups(rows ...[]any) (mem.Table, policyintake.Mapping) {
	t := table("signups", []connectors.Field{field("id", connectors.Integer, false),
		field("email", connectors.Text, true), field("opt_in", connectors.Integer, true),
		field("opt_in_at", connectors.Timestamp, true), field("opt_out_at", connectors.Timestamp, true),
		field("how", connectors.Text, true),
		field("shown", connectors.Text, true), field("proof", connectors.Text, true),
		field("created_at", connectors.Timestamp, true)}, nil, rows...)
	return t, policyintake.Mapping{Source: "crm", Table: "signups", Subject: map[string]string{"email": "email"},
		Purpose: "news", Created: "created_at",
		Given:     &policyintake.State{When: map[string]*string{"opt_in": word("1")}, At: "opt_in_at"},
		Withdrawn: &policyintake.State{When: map[string]*string{"opt_in": word("0")}, At: "opt_out_at"},
		Method:    &policyintake.Cell{Field: "how"}, Notice: &policyintake.Cell{Field: "shown"},
		Evidence: &policyintake.Cell{Field: "proof"}, Trust: policyintake.ProvenByRow}
}

// taken reads the table once.
func taken(t require.TestingT, ctx context.Context, p *setup.Setup) intake.Taken {
	in, err := intake.Open(ctx, p)
	require.NoError(t, err)
	result, err := in.FromTable(ctx, p.Silos[0], &p.Silos[0].Silo.Consents[0], false)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	return result
}

// state is where a purpose stands for somebody.
func state(t require.TestingT, ctx context.Context, p *setup.Setup, email string) string {
	known, err := allowed.Show(ctx, p, p.Silos[0].Silo.Name, event.Subject{Kind: "email", Value: email}, "", p.Now())
	require.NoError(t, err)
	if len(known.Collections) == 0 {
		return "unknown"
	}
	return known.Collections[0].Purposes[0].State
}

func TestRowsAreGraded(t *testing.T) {
	const at, born = "2026-03-01 10:00:00", "2026-03-01 09:00:00"
	tests := []struct {
		name   string
		row    []any // from opt_in on
		change func(*policyintake.Mapping)
		want   string            // state
		grade  event.Reason      // "" evidence is on file, or no consent
		refuse map[string]string // column: reason
	}{
		{name: "proven", row: []any{"1", at, nil, "web", "v1", "f1", born}, want: "given on 2026-03-01, with proof"},
		{name: "no evidence", row: []any{"1", at, nil, "web", "v1", nil, born},
			want: "given on 2026-03-01, without proof", grade: "E_CONSENT_STATED"},
		{name: "evidence of blanks", row: []any{"1", at, nil, "web", "v1", "  ", born},
			want: "given on 2026-03-01, without proof", grade: "E_CONSENT_STATED"},
		{name: "no instant", row: []any{"1", nil, nil, "web", "v1", "f1", born},
			want: "given on 2026-03-01, without proof", grade: "E_CONSENT_DEFAULT"},
		{name: "a zero instant", row: []any{"1", "0000-00-00 00:00:00", nil, "web", "v1", "f1", nil},
			want: "given on 2026-11-20, without proof", grade: "E_CONSENT_DEFAULT"},
		{name: "the instant of the row", row: []any{"1", born, nil, nil, "v1", "f1", born},
			want: "given on 2026-03-01, without proof", grade: "E_CONSENT_DEFAULT"},
		{name: "that instant, and an act", row: []any{"1", born, nil, "checkbox", "v1", "f1", born},
			want: "given on 2026-03-01, with proof"},
		{name: "only stated", row: []any{"1", at, nil, "web", "v1", nil, born},
			change: func(m *policyintake.Mapping) { m.Trust, m.Evidence = policyintake.StatedByRow, nil },
			want:   "given on 2026-03-01, without proof", grade: "E_CONSENT_STATED"},
		{name: "set by default", row: []any{"1", at, nil, "web", "v1", nil, born},
			change: func(m *policyintake.Mapping) { m.Trust, m.Evidence = policyintake.SetByDefault, nil },
			want:   "given on 2026-03-01, without proof", grade: "E_CONSENT_DEFAULT"},
		{name: "ahead of the clock", row: []any{"1", "2027-03-01 10:00:00", nil, "web", "v1", "f1", born},
			want: "only an event whose date cannot be right", grade: "E_CONSENT_AHEAD"},
		{name: "withdrawn", row: []any{"0", at, "2026-04-01 10:00:00", "web", "v1", "f1", born},
			want: "withdrawn on 2026-04-01"},
		{name: "withdrawn without a date", row: []any{"0", at, nil, "web", "v1", "f1", born},
			want: "withdrawn on 2026-11-20"},
		{name: "withdrawn, with a word that is no method", row: []any{"0", at, nil, "?!", nil, nil, nil},
			want: "withdrawn on 2026-11-20"},
		{name: "says nothing", row: []any{nil, at, nil, "web", "v1", "f1", born}, want: "unknown"},
		{name: "implied", row: []any{"1", at, nil, "Pre-Ticked", "v1", "f1", born}, want: "unknown",
			refuse: map[string]string{"how": "E_IMPLIED_CONSENT"}},
		{name: "no such act", row: []any{"1", at, nil, "telepathy", "v1", "f1", born}, want: "unknown",
			refuse: map[string]string{"how": "E_METHOD"}},
		{name: "in words of its own", row: []any{"1", at, nil, "POS 12", "v1", "f1", born},
			change: func(m *policyintake.Mapping) { m.Method.Words = map[string]string{"POS 12": "in_person"} },
			want:   "given on 2026-03-01, with proof"},
		{name: "no notice", row: []any{"1", at, nil, "web", nil, "f1", born}, want: "unknown",
			refuse: map[string]string{"shown": "E_NO_NOTICE"}},
		{name: "no notice, and set by default", row: []any{"1", nil, nil, nil, nil, nil, born}, want: "unknown",
			refuse: map[string]string{"shown": "E_NO_NOTICE"}},
		{name: "no instant that can be read", row: []any{"1", "soon", nil, "web", "v1", "f1", born}, want: "unknown",
			refuse: map[string]string{"opt_in_at": "E_TIME"}},
		{name: "given and withdrawn, each by its date",
			row:    []any{nil, at, "2026-04-01 10:00:00", "web", "v1", "f1", born},
			change: func(m *policyintake.Mapping) { m.Given.When, m.Withdrawn.When = nil, nil },
			want:   "withdrawn on 2026-04-01"},
		{name: "NULL is a value", row: []any{nil, at, nil, "web", "v1", "f1", born},
			change: func(m *policyintake.Mapping) { m.Given.When = map[string]*string{"opt_out_at": nil} },
			want:   "given on 2026-03-01, with proof"},
		{name: "another list", row: []any{"1", at, nil, "web", "v1", "f1", born},
			change: func(m *policyintake.Mapping) { m.Where = map[string]*string{"shown": word("v2")} },
			want:   "unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, mapping := signups(append([]any{"1", "Ada@example.org"}, test.row...))
			if test.change != nil {
				test.change(&mapping)
			}
			w := newWorld(t, news(func(s *policy.Silo) {
				s.Records, s.Consents = []policy.Records{},
					[]policyintake.Mapping{mapping}
			}), rows)
			w.Event(event.Refused, "somebody@example.org", "news", w.Now.AddDate(0, -1, 0))
			for range 2 { // the second reading changes nothing
				result := taken(t, t.Context(), w.Setup)
				require.Equal(t, test.want, state(t, t.Context(), w.Setup, "ada@example.org"))
				if test.grade == "" {
					require.Empty(t, result.Unproven)
				} else {
					require.Equal(t, map[event.Reason]int{test.grade: 1}, result.Unproven)
				}
				refused := map[string]string{}
				for r := range result.Reasons {
					refused[r.Column] = string(r.Reason)
				}
				require.Equal(t, len(test.refuse), len(refused))
				for column, reason := range test.refuse {
					require.Equal(t, reason, refused[column])
				}
				w.Now = w.Now.Add(24 * time.Hour)
			}
			r, err := registry.Open(t.Context(), w.Setup.Registry)
			require.NoError(t, err)
			defer r.Close()
			head, err := r.Head(t.Context(), w.Setup.Silos[0].Silo.Name)
			require.NoError(t, err)
			require.LessOrEqual(t, head, int64(3), "what is read again is not recorded again")
		})
	}
}

// Whatever an application does to a row from night to night, with dates or without: when it says no, the
// registry says no, and when it says a proven yes of today, the registry says yes.
func TestChangedMindsAreFollowed(t *testing.T) {
	rows, mapping := signups([]any{"1", "ada@example.org", nil, nil, nil, "web", "v1", "f1", nil})
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records, s.Consents = []policy.Records{},
			[]policyintake.Mapping{mapping}
	}), rows)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++ // a person of its own for each walk
		email := fmt.Sprintf("ada%d@example.org", n)
		w.Set("signups", "1", "email", email)
		for range rapid.IntRange(1, 6).Draw(rt, "nights") {
			w.Now = w.Now.Add(24 * time.Hour)
			now := w.Now.Add(-time.Hour).UTC().Format(time.DateTime)
			says := rapid.SampledFrom([]string{"0", "1"}).Draw(rt, "opt_in")
			dated := rapid.Bool().Draw(rt, "dated")
			w.Set("signups", "1", "opt_in", says)
			if field := map[string]string{"0": "opt_out_at", "1": "opt_in_at"}[says]; dated {
				w.Set("signups", "1", field, now)
			} else {
				w.clear("signups", "1", field)
			}
			taken(rt, t.Context(), w.Setup)
			again := taken(rt, t.Context(), w.Setup)
			require.Zero(rt, again.Events)
			got := state(rt, t.Context(), w.Setup, email)
			switch {
			case says == "0":
				require.Contains(rt, got, "withdrawn")
			case dated:
				require.Contains(rt, got, "with proof")
			}
		}
	})
}

// A night that takes a no in decides by it, though it is recorded after the night began: one without a date, one of
// today without a time, and one that another zone or a mistake puts into the future.
func TestTheNightThatTakesANoInCountsIt(t *testing.T) {
	for _, out := range []any{nil, "2026-11-20", "2026-11-20 20:00:00", "2262-11-20 20:00:00"} {
		rows, mapping := signups([]any{"1", "ada@example.org", "0", nil, out, nil, nil, nil, nil})
		w := newWorld(t, news(func(s *policy.Silo) {
			s.Records[0].Table, s.Records[0].Collected = "signups", ""
			s.Consents = []policyintake.Mapping{mapping}
		}), rows)
		w.Event(event.Given, "ada@example.org", "news", w.Now.AddDate(0, -1, 0))
		w.Setup.Now = func() time.Time { w.Now = w.Now.Add(time.Second); return w.Now }
		require.Equal(t, "2026-11-20", w.Now.Format(time.DateOnly))
		r, err := w.night()
		require.NoError(t, err)
		require.Equal(t, "delete", r.Summary[0].Action, "%v", out)
		for range 2 { // and every night the same row, also when that time has come
			w.Now = w.Now.AddDate(0, 0, 1)
			again := taken(t, t.Context(), w.Setup)
			require.Zero(t, again.Refused+again.Events, "%v", out)
		}
	}
}

// A table of consents that cannot be read: nobody knows who said yes since, so nothing of the silo is
// destroyed, at once without registry.max_age, and with it once that is over. The night goes on.
func TestUnreadConsentsDestroyNothing(t *testing.T) {
	for _, test := range []struct {
		age    calendar.Period
		nights int // that plan before the silo is no longer relied on
	}{{calendar.Period{}, 0}, {calendar.Period{Days: 1}, 2}} {
		t.Run(test.age.String(), func(t *testing.T) {
			_, mapping := signups()
			mapping.Source = "shop"
			w := newWorld(t, news(func(s *policy.Silo) { s.Consents = []policyintake.Mapping{mapping} }), people())
			w.Setup.RegistryAge = test.age
			w.Setup.Sources = append(w.Setup.Sources,
				setup.Source{Name: "shop", Application: "shop", Environment: "production", Connector: "mem",
					Open: func(context.Context) (connectors.Source, error) {
						return nil, fmt.Errorf("open shop: %w", connectors.ErrUnreachable)
					}})
			w.UsualEvents()
			for night := range test.nights + 1 {
				r, err := w.night()
				require.ErrorIs(t, err, setup.ErrSource)
				require.Equal(t, night < test.nights, destroys(r), "night %d", night+1)
				w.Now = w.Now.Add(24 * time.Hour)
				// the registry as a whole is fed
				w.Event(event.Refused, "somebody@example.org", "news", w.Now.Add(-time.Hour))
			}
		})
	}
}

func destroys(r pipeline.Result) bool {
	for _, l := range r.Summary {
		if l.Action == "delete" {
			return true
		}
	}
	return false
}

func TestTheListOfThoseWhoSaidNo(t *testing.T) {
	rows, _ := signups([]any{"1", "eva@example.org", "1", nil, nil, nil, nil, nil, "2026-01-01 10:00:00"})
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Table, s.Records[0].Collected, s.Rules[0].Marketing = "signups", "", true
	}), rows)
	w.Setup.Suppression = policy.Silo{Name: "suppression", Suppression: true,
		Rules: []policy.Rule{{Purpose: "suppression"}}}
	require.NoError(t, w.Setup.Keys.EnsureSilo("suppression"))
	record := func(typ event.Type, at time.Time, evidence string) error {
		in, err := intake.Open(t.Context(), w.Setup)
		require.NoError(t, err)
		defer in.Close()
		_, _, err = in.Record(t.Context(), w.Setup.Silos[0].Silo.Name,
			event.Event{Type: typ, Purpose: "news",
				Subjects:   []event.Subject{{Kind: "email", Value: "ada@example.org"}},
				OccurredAt: at, Notice: "v1", Evidence: evidence})
		return err
	}
	allowed := func() (rows int, left map[reason.Code]int) {
		a, err := allowed.Open(t.Context(), w.Setup, "news", "news", w.Now)
		require.NoError(t, err)
		left, err = a.Rows(t.Context(), func(allowed.Row) error { rows++; return nil })
		require.NoError(t, err)
		require.NoError(t, a.Close())
		return rows, left
	}
	w.Event(event.Given, "eva@example.org", "news", w.Now.AddDate(0, -1, 0))
	rowsLeft, _ := allowed()
	require.Equal(t, 1, rowsLeft)
	in, err := intake.Open(t.Context(), w.Setup)
	require.NoError(t, err)
	// the second knows of the first
	for _, file := range []string{"email\neva@example.org\n", "email\nEva@Example.org\nfay@example.org\n"} {
		added, err := in.Import(t.Context(), "suppression",
			delivery.Import{Reader: strings.NewReader(file), Format: delivery.CSV, Source: "list"})
		require.NoError(t, err)
		require.Equal(t, 1, added.Suppressed)
	}
	require.NoError(t, in.Close())
	rowsLeft, left := allowed()
	require.Zero(t, rowsLeft)
	require.Equal(t, map[reason.Code]int{"E_SUPPRESSED": 1}, left)
	said := time.Date(2026, 6, 1, 23, 30, 0, 0, rome)
	require.NoError(t, record(event.Withdrawn, said, ""))
	for _, test := range []struct {
		name     string
		at       time.Time
		evidence string
		barred   bool
	}{
		{"before", said.AddDate(0, 0, -1), "f1", true},
		{"an hour later, on the same day no longer in Rome", said.Add(time.Hour), "f1", false},
		{"the same day", said.Add(20 * time.Minute), "f1", true},
		{"later, without evidence", said.AddDate(0, 1, 0), "", true},
		{"later, with evidence", said.AddDate(0, 1, 0), "f2", false},
		{"in a future that nobody can know", w.Now.AddDate(1, 0, 0), "f3", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := record(event.Given, test.at, test.evidence)
			var refused *event.RefusedError
			require.Equal(t, test.barred, errors.As(err, &refused), "%v", err)
			if test.barred {
				require.Equal(t, event.Suppressed, refused.Reason)
			}
		})
	}
}

// clear sets one field of the rows with a key to NULL.
func (w *world) clear(table, key, field string) {
	w.T.Helper()
	q := connectors.Query{Table: table, Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte(key))}}}
	_, err := w.Live.Mutate(w.T.Context(), []connectors.Query{q}, func(b connectors.Batch) (connectors.Edit, error) {
		col := new(connectors.Column)
		col.AppendNull()
		return connectors.Edit{Ops: []connectors.Op{connectors.Update},
			Set: []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: col.Array()}}}, nil
	}, func() error { return nil })
	require.NoError(w.T, err)
}

// A list that is begun late takes up who said no before, also where the application does not know when.
func TestListBegunLate(t *testing.T) {
	rows, mapping := signups([]any{"1", "ada@example.org", "0", nil, "2026-04-01 10:00:00", nil, nil, nil, nil},
		[]any{"2", "bea@example.org", "0", nil, nil, nil, nil, nil, nil})
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records, s.Consents = []policy.Records{}, []policyintake.Mapping{mapping}
		s.Rules[0].Marketing = true
	}), rows)
	require.Equal(t, 2, taken(t, t.Context(), w.Setup).Events)
	w.Now = w.Now.Add(24 * time.Hour)
	w.Setup.Suppression = policy.Silo{Name: "suppression", Suppression: true,
		Rules: []policy.Rule{{Purpose: "suppression"}}}
	require.NoError(t, w.Setup.Keys.EnsureSilo("suppression"))
	for _, want := range []int{2, 0} {
		result := taken(t, t.Context(), w.Setup)
		require.Zero(t, result.Events)
		require.Equal(t, 2, result.Duplicates)
		require.Equal(t, want, result.Suppressed)
		w.Now = w.Now.Add(24 * time.Hour)
	}
}

// What a file says without evidence is recorded, does not count, and whoever imports it is told.
func TestImportCountsWhatNobodyCanProve(t *testing.T) {
	w := newWorld(t, news(nil), people())
	for range 2 {
		in, err := intake.Open(t.Context(), w.Setup)
		require.NoError(t, err)
		got, err := in.Import(t.Context(), "news",
			delivery.Import{Format: delivery.CSV, Source: "form", Notice: "v1", Reader: strings.NewReader(
				"email,type,purpose,occurred_at,evidence\nada@lago.it,given,news,2026-01-01,form\n" +
					"bob@lago.it,given,news,2026-01-01,\n" +
					"bob@lago.it,renewed,news,2026-02-01,\n" +
					"bob@lago.it,withdrawn,news,2026-03-01,\neve@lago.it,given,profiling,2026-01-01,\n")})
		require.NoError(t, err)
		require.NoError(t, in.Close())
		require.Equal(t, map[event.Reason]int{"E_CONSENT_STATED": 2}, got.Unproven)
		require.Equal(t, 1, got.Refused)
	}
}
