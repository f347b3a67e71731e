package suppression

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// now is the instant of every test.
func now() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) }

// open opens a new list.
func open(t *testing.T) *List {
	t.Helper()
	dir := t.TempDir()
	folder, identity := filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")
	require.NoError(t, keystore.Create(folder, identity))
	keys, err := keystore.Open(t.Context(), folder, identity)
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("no"))
	config := registry.Config{DSN: filepath.Join(dir, "registry.db"), Keys: keys, Now: now}
	require.NoError(t, registry.Create(t.Context(), config))
	list := policy.Silo{Name: "no", Rules: []policy.Rule{{Purpose: "marketing"}}}
	l, err := Open(t.Context(), &setup.Setup{Zone: time.UTC, Keys: keys, Suppression: list}, config, now())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// silo is one whose newsletter is marketing, and whose service is not.
func silo() *policy.Silo {
	return &policy.Silo{Name: "crm", Rules: []policy.Rule{{Purpose: "news", Marketing: true}, {Purpose: "service"}}}
}

func told(typ event.Type, purpose string, at time.Time) *event.Event {
	return &event.Event{Type: typ, Purpose: purpose, OccurredAt: at, Evidence: "form-1",
		Subjects: []event.Subject{{Kind: "email", Value: "Ann@Example.com"}}}
}

func people(email string) []event.Subject {
	return []event.Subject{{Kind: "email", Value: email}}
}

// TestWhoIsNoted looks at which events put somebody on the list, and from which day.
func TestWhoIsNoted(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	later := told(event.Objected, "news", day(10))
	later.EffectiveFrom = day(15)
	marketing := told(event.Objected, "service", day(10))
	marketing.Marketing = true
	for _, test := range []struct {
		name  string
		told  *event.Event
		since string
	}{
		{"a withdrawal from marketing", told(event.Withdrawn, "news", day(10)), "2026-11-10"},
		{"an objection to it", told(event.Objected, "news", day(10)), "2026-11-10"},
		{"to all", told(event.Objected, "", day(10)), "2026-11-10"},
		{"to marketing, whatever the purpose", marketing, "2026-11-10"},
		{"that counts later", later, "2026-11-15"},
		{"said to lie in the future", told(event.Withdrawn, "news", day(25)), "2026-11-20"},
		{"from another purpose", told(event.Withdrawn, "service", day(10)), ""},
		{"a consent", told(event.Given, "news", day(10)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := open(t)
			l.Note(silo(), test.told)
			added, err := l.Flush(t.Context(), false)
			require.NoError(t, err)
			require.Equal(t, test.since != "", added == 1)
			require.Equal(t, test.since, l.Since(people("ann@example.com"), "IT").String())
			require.False(t, l.Since(people("bob@example.com"), "IT").Known())
			require.False(t, l.Since(people("nonsense"), "IT").Known())

			l.Note(silo(), test.told)
			added, err = l.Flush(t.Context(), false)
			require.NoError(t, err)
			require.Zero(t, added, "it is on the list")
		})
	}
}

// TestADryRunWritesNothing says how many would be new.
func TestADryRunWritesNothing(t *testing.T) {
	l := open(t)
	l.Note(silo(), told(event.Withdrawn, "news", now()))
	added, err := l.Flush(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, 1, added)
	require.False(t, l.Since(people("ann@example.com"), "IT").Known())
}

// TestWhatIsBarred lets only a later yes, with evidence, count for marketing to somebody who said no.
func TestWhatIsBarred(t *testing.T) {
	l := open(t)
	said := time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	l.Note(silo(), told(event.Withdrawn, "news", said))
	_, err := l.Flush(t.Context(), false)
	require.NoError(t, err)
	for _, test := range []struct {
		name   string
		typ    event.Type
		to     string
		days   int
		proven bool
		barred bool
	}{
		{"before", event.Given, "news", -1, true, true},
		{"on the same day", event.Given, "news", 0, true, true},
		{"the day after", event.Given, "news", 1, true, false},
		{"renewed", event.Renewed, "news", 1, true, false},
		{"renewed before", event.Renewed, "news", -1, true, true},
		{"without evidence", event.Given, "news", 1, false, true},
		{"in the future", event.Given, "news", 11, true, true},
		{"for what is no marketing", event.Given, "service", -1, true, false},
		{"another no", event.Withdrawn, "news", -1, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := told(test.typ, test.to, said.AddDate(0, 0, test.days))
			if !test.proven {
				e.Evidence = ""
			}
			l.Bar(silo(), e)
			require.Equal(t, test.barred, e.Barred == event.Suppressed)

			other := told(test.typ, test.to, e.OccurredAt)
			other.Subjects = people("bob@example.com")
			l.Bar(silo(), other)
			require.Empty(t, other.Barred)
		})
	}
}

// TestNoList bars and notes nobody.
func TestNoList(t *testing.T) {
	l, err := Open(t.Context(), &setup.Setup{}, registry.Config{}, now())
	require.NoError(t, err)
	require.Nil(t, l)
	e := told(event.Given, "news", now())
	l.Note(silo(), e)
	l.Bar(silo(), e)
	require.Empty(t, e.Barred)
	require.False(t, l.Since(people("ann@example.com"), "IT").Known())
	added, err := l.Flush(t.Context(), false)
	require.NoError(t, err)
	require.Zero(t, added)
	require.NoError(t, l.Close())
}

// TestConsentTo finds a consent that was given, and no other state.
func TestConsentTo(t *testing.T) {
	for state, is := range map[policy.ConsentState]bool{
		policy.Given: true, policy.Renewed: true, policy.Withdrawn: false, policy.Refused: false, policy.Expired: false,
		policy.Invalidated: false, policy.NoConsent: false,
	} {
		s := &policy.Standing{Purposes: []policy.PurposeStanding{
			{Purpose: "other", State: policy.Given}, {Purpose: "news", State: state},
		}}
		consent, ok := ConsentTo(s, "news")
		require.Equal(t, is, ok, state)
		require.Equal(t, is, consent.Purpose == "news")
		_, ok = ConsentTo(s, "nothing")
		require.False(t, ok)
	}
}
