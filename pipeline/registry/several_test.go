package registry

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

func TestMatchOfSeveral(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		report := f.importCSV("forms", "email,phone,collection,type,purpose,occurred_at,notice\n"+
			"one@example.org,+393330000001,c1,given,news,2026-01-10,n\n"+
			"two@example.org,,c2,given,news,2026-02-10,n\n"+
			"three@example.org,,c3,given,news,2026-04-10,n\n"+
			"twice@example.org,,c4,given,news,2026-04-10,n\n"+
			"twice@example.org,,c5,given,news,2026-05-10,n\n")
		require.Equal(t, 5, report.Events)
		s, err := f.r.Standings(t.Context(), "forms", noon, nil)
		require.NoError(t, err)
		const mail, tel = 0, 1
		type who struct {
			ref    keystore.Ref
			kind   uint8
			shared bool
		}
		email := func(v string) who { return who{ref: f.ref("forms", identifier.Email, v+"@example.org"), kind: mail} }
		phone := who{ref: f.ref("forms", identifier.Phone, "+393330000001"), kind: tel}
		shared := func(w who) who { w.shared = true; return w }
		names := func(id string) func(*standings.Row) {
			return func(r *standings.Row) { ref := f.ref("forms", identifier.Collection, id); r.Collection = &ref }
		}
		linked := func(id string) func(*standings.Row) { // what leads to a record leads to its collection
			return func(r *standings.Row) { ref := f.ref("forms", identifier.Collection, id); r.Record = &ref }
		}
		for _, c := range []struct {
			name string
			who  []who
			edit func(*standings.Row)
			want standings.Match
		}{
			{"nobody", nil, nil, standings.Match{Identity: policy.Unparseable}},
			{"unknown", []who{email("x"), email("y")}, nil, standings.Match{Identity: policy.Unmatched}},
			{"one of several", []who{email("x"), email("two"), email("y")}, nil,
				standings.Match{Collection: 2, Partial: true}},
			{"several of one person", []who{email("three"), email("one"), email("two")}, nil,
				standings.Match{Collection: 1, Others: []int32{2, 3}}},
			{"the kinds agree on one", []who{email("two"), email("one"), phone}, nil,
				standings.Match{Collection: 1, Others: []int32{2}}},
			{"the kinds contradict", []who{email("two"), email("three"), phone}, nil,
				standings.Match{Collection: 1, Others: []int32{2, 3}, Apart: true}},
			{"a kind that is not known contradicts nobody", []who{email("x"), phone}, nil,
				standings.Match{Collection: 1, Partial: true}},
			{"another's too", []who{shared(email("one"))}, nil, standings.Match{Identity: policy.Shared}},
			{"another's too, and not known", []who{shared(email("x"))}, nil, standings.Match{Identity: policy.Unmatched}},
			{"told apart by another kind", []who{shared(email("two")), phone}, nil,
				standings.Match{Collection: 1, Shared: []int32{2}}},
			{"told apart by an address of their own", []who{shared(email("two")), email("three")}, nil,
				standings.Match{Collection: 3, Shared: []int32{2}}},
			{"not told apart by one that is not known", []who{shared(email("two")), email("x")}, nil,
				standings.Match{Identity: policy.Shared}},
			{"of several collections under one address", []who{email("twice"), email("one")}, nil,
				standings.Match{Identity: policy.Conflicting}},
			{"the same, silo scope", []who{email("twice"), email("one")},
				func(r *standings.Row) { r.SiloScope = true }, standings.Match{Collection: 1, Others: []int32{5}}},
			{"the collection that the row names, and that of another address", []who{email("one"), email("two")},
				names("c2"), standings.Match{Collection: 2, Others: []int32{1}}},
			{"of several collections under one address the one that the row names", []who{email("twice"), email("one")},
				names("c5"), standings.Match{Collection: 5, Others: []int32{1}}},
			{"a collection that is named, and what others have too", []who{shared(email("one"))}, names("c2"),
				standings.Match{Collection: 2, Shared: []int32{1}}},
			{"a collection that is not known, and an address that is", []who{email("one")}, names("c9"),
				standings.Match{Identity: policy.Conflicting}},
			{"a record that is linked, and another address", []who{email("one"), email("two")}, linked("c2"),
				standings.Match{Collection: 2, Others: []int32{1}}},
			{"a record that is linked, and an address that leads elsewhere", []who{email("one")}, linked("c2"),
				standings.Match{Identity: policy.Conflicting}},
			{"in doubt", []who{email("one")}, func(r *standings.Row) { r.Several.Doubt = true },
				standings.Match{Identity: policy.Conflicting}},
		} {
			t.Run(c.name, func(t *testing.T) {
				row := standings.Row{Several: &standings.Several{}}
				for _, w := range c.who {
					row.Identifiers = append(row.Identifiers, w.ref)
					row.Several.Kinds = append(row.Several.Kinds, w.kind)
					row.Several.Shared = append(row.Several.Shared, w.shared)
				}
				if c.edit != nil {
					c.edit(&row)
				}
				got := s.Match(row)
				if len(got.Others) == 0 {
					got.Others = nil
				}
				if len(got.Shared) == 0 {
					got.Shared = nil
				}
				require.Equal(t, c.want, got)
			})
		}
	})
}
