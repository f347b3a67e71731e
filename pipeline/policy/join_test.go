package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func at(year int) time.Time { return time.Date(year, 3, 1, 9, 0, 0, 0, time.UTC) }

func yes(year int) PurposeStanding {
	return PurposeStanding{Purpose: "news", State: Given, Since: at(year), Proven: true}
}

func no(year int) PurposeStanding {
	return PurposeStanding{Purpose: "news", State: Withdrawn, Since: at(year), Proven: true}
}

func of(purposes ...PurposeStanding) Standing {
	return Standing{Purposes: purposes, FirstSeq: 1, LastSeq: 2}
}

func TestJoin(t *testing.T) {
	objected := PurposeStanding{Objection: ObjectionPending, ObjectedAt: at(2024), Marketing: true}
	relation := func(started, ended int) PurposeStanding {
		p := PurposeStanding{Purpose: "sales", Started: at(started)}
		if ended > 0 {
			p.Ended = at(ended)
		}
		return p
	}
	unproven := yes(2026)
	unproven.Proven = false
	for _, c := range []struct {
		name   string
		a, b   Standing
		agrees bool
		want   PurposeStanding
	}{
		{"two yes: the later", of(yes(2025)), of(yes(2026)), true, yes(2026)},
		{"one that is proven before a later one", of(yes(2025)), of(unproven), true, yes(2025)},
		{"a later no", of(yes(2025)), of(no(2026)), true, no(2026)},
		{"a no of the same instant", of(yes(2025)), of(no(2025)), true, no(2025)},
		{"an earlier no is not overruled", of(yes(2026)), of(no(2025)), false, no(2025)},
		{"a yes beside what ran out", of(yes(2026)), of(PurposeStanding{Purpose: "news", State: Expired,
			Since: at(2026)}), true, yes(2026)},
		{"an erasure before a yes", of(yes(2026)), Standing{Erasure: at(2025)}, false, yes(2026)},
		{"an erasure after a yes", of(yes(2024)), Standing{Erasure: at(2025)}, true, yes(2024)},
		{"an objection to marketing before a yes", of(yes(2026)), of(objected), false, yes(2026)},
		{"one relation goes on", of(relation(2020, 2022)), of(relation(2021, 0)), true, relation(2021, 0)},
		{"both have ended", of(relation(2020, 2022)), of(relation(2019, 2023)), true, relation(2020, 2023)},
		{"one began again", of(relation(2023, 2022)), of(relation(2019, 2024)), true, relation(2023, 0)},
		{"of another purpose", of(relation(2020, 0)), of(no(2025)), true, relation(2020, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // in either order
				a, b := c.a, c.b
				a.Purposes = append([]PurposeStanding{}, a.Purposes...)
				require.Equal(t, c.agrees, Join(&a, &b))
				var got PurposeStanding
				for _, p := range a.Purposes {
					if p.Purpose == c.want.Purpose {
						got = p
					}
				}
				require.Equal(t, c.want, got)
				c.a, c.b = c.b, c.a
			}
		})
	}
}

func TestJoinOfAges(t *testing.T) {
	child := Standing{Minor: true, Collected: at(2020)}
	adult := Standing{Collected: at(2025)}
	for range 2 {
		joined := child
		Join(&joined, &adult)
		require.True(t, joined.Minor)
		require.Equal(t, at(2025), joined.Aged, "by then the child had come of age")
		child, adult = adult, child
	}
	parental := Standing{Minor: true, Parental: true}
	joined := Standing{Minor: true}
	Join(&joined, &parental)
	require.False(t, joined.Parental, "nobody authorised what was said under the other address")
}

// What protects in one collection protects in all, in whatever order they are joined.
func TestJoinProtects(t *testing.T) {
	draw := func(rt *rapid.T, label string) Standing {
		b := func(name string) bool { return rapid.Bool().Draw(rt, label+name) }
		s := Standing{Hold: b("hold"), Restricted: b("restricted"), PendingAccess: b("access")}
		if b("erasure") {
			s.Erasure = at(2020 + rapid.IntRange(0, 5).Draw(rt, label+"year"))
		}
		switch rapid.IntRange(0, 2).Draw(rt, label+"state") {
		case 1:
			s.Purposes = append(s.Purposes, yes(2020+rapid.IntRange(0, 5).Draw(rt, label+"since")))
		case 2:
			s.Purposes = append(s.Purposes, no(2020+rapid.IntRange(0, 5).Draw(rt, label+"since")))
		}
		return s
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := draw(rt, "a"), draw(rt, "b")
		ab, ba := a, b
		ab.Purposes = append([]PurposeStanding{}, a.Purposes...)
		ba.Purposes = append([]PurposeStanding{}, b.Purposes...)
		require.Equal(rt, Join(&ab, &b), Join(&ba, &a))
		require.Equal(rt, ab.Purposes, ba.Purposes)
		require.Equal(rt, a.Hold || b.Hold, ab.Hold)
		require.Equal(rt, a.Restricted || b.Restricted, ab.Restricted)
		require.Equal(rt, a.PendingAccess || b.PendingAccess, ab.PendingAccess)
		require.Equal(rt, !a.Erasure.IsZero() || !b.Erasure.IsZero(), !ab.Erasure.IsZero())
		for _, s := range []Standing{a, b} {
			for _, p := range s.Purposes {
				if p.State == Withdrawn {
					require.Equal(rt, Withdrawn, ab.Purposes[0].State, "a no is never lost")
				}
			}
		}
	})
}
