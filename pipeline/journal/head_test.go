package journal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/journal"
)

// What is known of a silo only grows, whoever notes it, until two people say that it is otherwise.
func TestHeadsThatAreNoted(t *testing.T) {
	j := openSealed(t, t.TempDir(), sealer(t))
	defer j.Close()
	for _, step := range []struct {
		name        string
		noted, then []journal.Head
		anew        bool
	}{
		{name: "none", then: nil},
		{name: "the first", noted: []journal.Head{{"crm", 3, "aa", 5}, {"news", 1, "bb", 1}},
			then: []journal.Head{{"crm", 3, "aa", 5}, {"news", 1, "bb", 1}}},
		{name: "one that was written to", noted: []journal.Head{{"crm", 4, "cc", 6}, {"news", 1, "bb", 1}},
			then: []journal.Head{{"crm", 4, "cc", 6}, {"news", 1, "bb", 1}}},
		{name: "beside its chain only", noted: []journal.Head{{"crm", 4, "cc", 7}},
			then: []journal.Head{{"crm", 4, "cc", 7}, {"news", 1, "bb", 1}}},
		{name: "an older copy", noted: []journal.Head{{"crm", 9, "dd", 6}, {"news", 1, "ee", 1}},
			then: []journal.Head{{"crm", 4, "cc", 7}, {"news", 1, "bb", 1}}},
		{name: "as two people say", noted: []journal.Head{{"crm", 2, "ff", 2}}, anew: true,
			then: []journal.Head{{"crm", 2, "ff", 2}}},
	} {
		require.NoError(t, j.NoteHeads(t.Context(), step.noted, step.anew), step.name)
		heads, err := j.Heads(t.Context())
		require.NoError(t, err, step.name)
		require.ElementsMatch(t, step.then, heads, step.name)
	}
	require.NoError(t, j.Whole(t.Context(), 0))
}
