package traces_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/judge/roots"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

var (
	ended    = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	ada, bob = keystore.Ref{1}, keystore.Ref{2}
	letGo    = map[string]bool{"let go": true}
)

func stone(subject keystore.Ref, action, digest string) []registry.Tombstone {
	return []registry.Tombstone{{Subject: subject, Action: action, PlanDigest: digest, ErasedAt: ended}}
}

func TestWhatIsBack(t *testing.T) {
	old := traces.Row{Subject: ada, By: ended.AddDate(-1, 0, 0)}
	undated := traces.Row{Subject: ada, Generated: true}
	with := func(r traces.Row, fields ...string) traces.Row { r.Fields = fields; return r }
	for name, c := range map[string]struct {
		stones       []registry.Tombstone
		row          traces.Row
		end, planned traces.End
	}{
		"nothing was ended":              {nil, old, 0, 0},
		"deleted":                        {stone(ada, "delete", "let go"), old, traces.Deleted, traces.Deleted},
		"anonymized":                     {stone(ada, "anonymize", "let go"), old, traces.Anonymized, traces.Anonymized},
		"by a plan that nobody let go":   {stone(ada, "delete", "forged"), old, traces.Deleted, 0},
		"another's row has the key":      {stone(bob, "delete", "let go"), old, 0, 0},
		"it is younger than its end":     {stone(ada, "delete", "let go"), traces.Row{Subject: ada, By: ended.Add(time.Second)}, 0, 0},
		"it is as old as its end":        {stone(ada, "delete", "let go"), traces.Row{Subject: ada, By: ended}, traces.Deleted, traces.Deleted},
		"undated, with a number":         {stone(ada, "delete", "let go"), undated, traces.Deleted, traces.Deleted},
		"undated, with a chosen key":     {stone(ada, "delete", "let go"), traces.Row{Subject: ada}, 0, 0},
		"undated and nobody's":           {stone(keystore.Ref{}, "delete", "let go"), traces.Row{Generated: true}, 0, 0},
		"nobody's, and old":              {stone(keystore.Ref{}, "delete", "let go"), traces.Row{By: ended}, traces.Deleted, traces.Deleted},
		"an identifier was shared":       {stone(ada, registry.Shared, "let go"), old, 0, 0},
		"the fields were cleared":        {stone(ada, traces.ClearedOf([]string{"b", "a"}), "let go"), with(old, "a", "b"), traces.Cleared, traces.Cleared},
		"one of them was":                {stone(ada, traces.ClearedOf([]string{"b", "a"}), "let go"), with(old, "a"), traces.Cleared, traces.Cleared},
		"one of them was not":            {stone(ada, traces.ClearedOf([]string{"a"}), "let go"), with(old, "a", "b"), 0, 0},
		"fields were, and more is due":   {stone(ada, traces.ClearedOf([]string{"a"}), "let go"), old, 0, 0},
		"the greatest counts":            {slices.Concat(stone(ada, "anonymize", "let go"), stone(ada, "delete", "let go")), old, traces.Deleted, traces.Deleted},
		"the greatest that was let go":   {slices.Concat(stone(ada, "anonymize", "let go"), stone(ada, "delete", "forged")), old, traces.Deleted, traces.Anonymized},
		"one of two people with the key": {slices.Concat(stone(bob, "delete", "let go"), stone(ada, "anonymize", "let go")), old, traces.Anonymized, traces.Anonymized},
	} {
		end, planned := traces.Back(c.stones, c.row, letGo)
		require.Equal(t, []traces.End{c.end, c.planned}, []traces.End{end, planned}, name)
	}
}

// TestNoChangeEndsMoreThanWasEnded: who let one plan go did not let go more than it did.
func TestNoChangeEndsMoreThanWasEnded(t *testing.T) {
	for change, least := range map[roots.Change]traces.End{roots.Clear: traces.Cleared, roots.Anonymize: traces.Anonymized,
		roots.Delete: traces.Deleted, roots.None: 99, roots.Block: 99, roots.SetNull: 99} {
		for end := traces.NotEnded; end <= traces.Deleted; end++ {
			require.Equal(t, end >= least, traces.Bound(change, end), "%s where %d was done", change, end)
		}
	}
	list := stone(ada, "delete", "let go")
	require.Equal(t, traces.Deleted, traces.Ended(list, ada, nil, letGo))
	require.Equal(t, traces.NotEnded, traces.Ended(list, bob, nil, letGo))
	require.Equal(t, traces.NotEnded, traces.Ended(list, ada, nil, nil))
}

func TestTheFieldsOfATombstone(t *testing.T) {
	action := traces.ClearedOf([]string{"phone", "first name", "phone"})
	require.Equal(t, []string{"first name", "phone"}, traces.Fields(registry.Tombstone{Action: action}))
	require.Empty(t, traces.Fields(registry.Tombstone{Action: "delete"}))
	require.False(t, registry.Tombstone{Action: action}.Gone())
}

func TestKeysAreUsedAgain(t *testing.T) {
	require.True(t, traces.Reused(stone(bob, "delete", ""), ada))
	require.False(t, traces.Reused(stone(ada, "delete", ""), ada))
	require.False(t, traces.Reused(stone(bob, "anonymize", ""), ada))
	require.True(t, traces.WasAnonymized(stone(ada, "anonymize", ""), ada, false))
	require.False(t, traces.WasAnonymized(stone(bob, "anonymize", ""), ada, false))
	require.True(t, traces.WasAnonymized(stone(bob, "anonymize", ""), ada, true))
}
