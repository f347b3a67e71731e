package event

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*Event)
		want   error
	}{
		"a consent":              {func(*Event) {}, nil},
		"no such type":           {func(e *Event) { e.Type = "agreed" }, Refuse(BadType, "type")},
		"a line break in a text": {func(e *Event) { e.Source = "a\nb" }, Refuse(BadText, "source")},
		"a long text": {func(e *Event) { e.Notice = strings.Repeat("n", maxText+1) },
			Refuse(BadText, "notice")},
		"a name of Lethe's own":    {func(e *Event) { e.Purpose = "|until" }, Refuse(BadText, "purpose")},
		"evidence that is no text": {func(e *Event) { e.Evidence = "\xff" }, Refuse(BadText, "evidence")},
		"no purpose":               {func(e *Event) { e.Purpose = "" }, Refuse(NoPurpose, "purpose")},
		"another silo's purpose":   {func(e *Event) { e.Purpose = "fraud" }, Refuse(UnknownPurpose, "purpose")},
		"no notice":                {func(e *Event) { e.Notice = "" }, Refuse(NoNotice, "notice")},
		"a withdrawal needs none":  {func(e *Event) { e.Type, e.Notice = Withdrawn, "" }, nil},
		"nobody acted":             {func(e *Event) { e.Method = "Pre-Ticked" }, Refuse(ImpliedConsent, "method")},
		"nobody knows how": {func(e *Event) { e.Method = "carrier pigeon" },
			Refuse(UnknownMethod, "method")},
		"no instant": {func(e *Event) { e.OccurredAt = time.Time{} }, Refuse(BadTime, "occurred_at")},
		"a consent to what was": {func(e *Event) { e.EffectiveFrom = noon.AddDate(0, 0, -1) },
			Refuse(BadTime, "effective_from")},
		"a withdrawal of what was": {func(e *Event) {
			e.Type, e.EffectiveFrom = Withdrawn,
				noon.AddDate(0, 0, -1)
		}, nil},
		"an end before the beginning": {func(e *Event) { e.EffectiveUntil = noon.AddDate(0, 0, -1) },
			Refuse(BadTime, "effective_until")},
	} {
		t.Run(name, func(t *testing.T) {
			e := Event{Type: Given, Purpose: "news", Notice: "n3", Method: "double opt-in", OccurredAt: noon}
			c.change(&e)
			require.Equal(t, c.want, e.Check(map[string]bool{"news": true}))
			if c.want == nil {
				require.Equal(t, "double_opt_in", e.Method)
				require.False(t, e.EffectiveFrom.IsZero())
			}
		})
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	for _, r := range Reasons() {
		require.NotEmpty(t, r.Words(), r)
		require.ErrorIs(t, Refuse(r, "x"), ErrRefused)
	}
}
