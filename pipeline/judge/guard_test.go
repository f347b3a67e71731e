package judge

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAGuardCoversWhatItShould changes each field of a row in turn: a guard sees those that the decision hangs on and
// those that the change would overwrite, and no other.
func TestAGuardCoversWhatItShould(t *testing.T) {
	c := newCourt(t)
	decides := []string{"kind", "email", "since", "ended"}
	for _, test := range []struct {
		name   string
		judge  *Judge
		change Change
		clears []string
		covers []string
	}{
		{name: "block", judge: c.judge(), change: Block},
		{name: "block what is to be cleared", judge: c.judge(), change: Block, clears: []string{"phone"}},
		{name: "unblock", judge: c.judge(), change: Unblock},
		{name: "delete", judge: c.judge(anonymizing), change: Delete},
		{name: "clear one", judge: c.judge(), change: Clear, clears: []string{"phone"}, covers: []string{"phone"}},
		{name: "clear two", judge: c.judge(), change: Clear, clears: []string{"note", "phone"},
			covers: []string{"phone", "note"}},
		{name: "anonymize", judge: c.judge(anonymizing), change: Anonymize, covers: []string{"name", "phone", "note"}},
		{name: "anonymize where nothing is", judge: c.judge(), change: Anonymize},
	} {
		t.Run(test.name, func(t *testing.T) {
			guard := func(run string, edits ...func(*person)) Guard {
				return test.judge.guard(run, batch(t, ann(edits...)).Rows, 0, test.change, test.clears)
			}
			was := guard("run-1")
			require.Equal(t, was, guard("run-1"))
			require.NotEqual(t, was, guard("run-2"), "a guard is of one run")
			for field, edit := range map[string]func(*person){
				"id":      func(p *person) { p.id = "2" },
				"kind":    func(p *person) { p.kind = "firm" },
				"email":   func(p *person) { p.email = "bob@example.com" },
				"phone":   func(p *person) { p.phone = nil },
				"name":    func(p *person) { p.name = "" },
				"note":    func(p *person) { p.note = "vi" },
				"active":  func(p *person) { p.active = "0" },
				"since":   func(p *person) { p.since = "2026-02-02" },
				"ended":   func(p *person) { p.ended = "2026-02-02" },
				"address": func(p *person) { p.address = nil },
			} {
				seen := slices.Contains(decides, field) || slices.Contains(test.covers, field)
				require.Equal(t, seen, guard("run-1", edit) != was, field)
			}
		})
	}
}

// TestNoTwoRowsShareAGuard tells rows apart by every boundary between their fields, and NULL from the empty text.
func TestNoTwoRowsShareAGuard(t *testing.T) {
	g := newCourt(t).judge()
	values := []any{nil, "", "a", "b", "aa", "ab", "aab", "\x00", "\x01", "\x00\x00"}
	guards := map[Guard][2]any{}
	for _, phone := range values {
		for _, note := range values {
			row := batch(t, ann(func(p *person) { p.phone, p.note = phone, note })).Rows
			guard := g.guard("run-1", row, 0, Clear, []string{"phone", "note"})
			require.NotContains(t, guards, guard, "%q and %q", phone, note)
			guards[guard] = [2]any{phone, note}
		}
	}
}
