package registry

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

func TestMatch(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		report := f.importCSV("forms", "email,phone,collection,type,purpose,occurred_at,notice\n"+
			"one@example.org,+393330000001,c1,given,news,2026-01-10,n\n"+
			"two@example.org,,c2,given,news,2026-02-10,n\n"+
			"two@example.org,,c3,given,news,2026-04-10,n\n"+
			"three@example.org,,c4,given,news,2026-04-10,n\n")
		require.Equal(t, 4, report.Events)
		s, err := f.r.Standings(t.Context(), "forms", noon, nil)
		require.NoError(t, err)
		email := func(v string) keystore.Ref { return f.ref("forms", identifier.Email, v) }
		phone := f.ref("forms", identifier.Phone, "+393330000001")
		unknown := f.key("forms").Match(identifier.Collection, []byte("c9"))
		c3 := f.key("forms").Match(identifier.Collection, []byte("c3"))
		tests := []struct {
			name string
			row  standings.Row
			want standings.Match
		}{
			{"no identifier", standings.Row{}, standings.Match{Identity: policy.Unparseable}},
			{"unknown", standings.Row{Identifiers: []keystore.Ref{email("x@example.org")}},
				standings.Match{Identity: policy.Unmatched}},
			{"one", standings.Row{Identifiers: []keystore.Ref{email("one@example.org")}},
				standings.Match{Collection: 1}},
			{"two identifiers agree", standings.Row{Identifiers: []keystore.Ref{email("one@example.org"), phone}},
				standings.Match{Collection: 1}},
			{"one of two is known", standings.Row{Identifiers: []keystore.Ref{email("x@example.org"), phone}},
				standings.Match{Collection: 1, Partial: true}},
			{"two disagree", standings.Row{Identifiers: []keystore.Ref{email("three@example.org"), phone}},
				standings.Match{Identity: policy.Conflicting}},
			{"several collections, strict", standings.Row{Identifiers: []keystore.Ref{email("two@example.org")}},
				standings.Match{Identity: policy.Conflicting}},
			{"several, silo scope, between", standings.Row{Identifiers: []keystore.Ref{email("two@example.org")},
				SiloScope: true, Created: day("2026-03-01")}, standings.Match{Collection: 2}},
			{"several, silo scope, after", standings.Row{Identifiers: []keystore.Ref{email("two@example.org")},
				SiloScope: true, Created: day("2026-05-01")}, standings.Match{Collection: 3}},
			{"several, silo scope, date unknown", standings.Row{Identifiers: []keystore.Ref{email("two@example.org")},
				SiloScope: true}, standings.Match{Collection: 3}},
			{"several, silo scope, row older than all",
				standings.Row{Identifiers: []keystore.Ref{email("two@example.org")}, SiloScope: true,
					Created: day("2020-05-01")}, standings.Match{Identity: policy.Conflicting}},
			{"the row carries its collection", standings.Row{Identifiers: []keystore.Ref{email("two@example.org")},
				Collection: &c3}, standings.Match{Collection: 3}},
			{"the row carries one that is unknown",
				standings.Row{Identifiers: []keystore.Ref{email("one@example.org")}, Collection: &unknown},
				standings.Match{Identity: policy.Unmatched}},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				require.Equal(t, test.want, s.Match(test.row))
				test.row.Found = s.Warm(test.row.Identifiers, nil)
				require.Equal(t, test.want, s.Match(test.row))
			})
		}
		t.Run("another silo's key finds nothing", func(t *testing.T) {
			require.Equal(t, standings.Match{Identity: policy.Unmatched},
				s.Match(standings.Row{Identifiers: []keystore.Ref{f.ref("other", identifier.Email,
					"one@example.org")}}))
		})
		t.Run("a silo never heard of", func(t *testing.T) {
			s, err := f.r.Standings(t.Context(), "other", noon, nil)
			require.NoError(t, err)
			require.Equal(t, standings.Match{Identity: policy.Unmatched},
				s.Match(standings.Row{Identifiers: []keystore.Ref{email("one@example.org")}}))
			require.Zero(t, s.Head())
			require.False(t, s.At(1, new(policy.Standing)))
		})
	})
}

func TestRefresh(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.fill("newsletter", 10)
		s, err := f.r.Standings(t.Context(), "newsletter", noon, nil)
		require.NoError(t, err)
		touched, err := f.r.Refresh(t.Context(), s)
		require.NoError(t, err)
		require.Empty(t, touched)

		f.importCSV("newsletter", header1+
			"person3@example.org,withdrawn,newsletter,2026-02-01,,,\n"+
			"new@example.org,given,newsletter,2026-02-02,,n,p\n")
		head, err := f.r.Head(t.Context(), "newsletter")
		require.NoError(t, err)
		require.NotEqual(t, head, s.Head())
		touched, err = f.r.Refresh(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, head, s.Head())
		require.Len(t, touched, 2)
		// Refreshed and loaded anew say the same of everybody.
		fresh, err := f.r.Standings(t.Context(), "newsletter", noon, nil)
		require.NoError(t, err)
		require.Equal(t, fresh.Len(), s.Len())
		for c := int32(1); int(c) <= fresh.Len(); c++ {
			var a, b policy.Standing
			require.True(t, s.At(c, &a))
			require.True(t, fresh.At(c, &b))
			require.Equal(t, b, a)
		}
		row := standings.Row{Identifiers: []keystore.Ref{f.ref("newsletter", identifier.Email, "new@example.org")}}
		require.Equal(t, policy.Matched, s.Match(row).Identity)
		require.Equal(t, fresh.Match(row), s.Match(row))
	})
}
