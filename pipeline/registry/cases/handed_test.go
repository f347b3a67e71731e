package cases

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHanded reads what a step says of files, as it was written; what was never written so says nothing.
func TestHanded(t *testing.T) {
	require.Equal(t, "access sha256:0a1b rows:3", Handed{"access", "0a1b", 3}.String())
	rapid.Check(t, func(t *rapid.T) {
		h := Handed{rapid.StringMatching(`[a-z]+`).Draw(t, "as"), rapid.StringMatching(`[0-9a-f]{1,64}`).Draw(t, "digest"),
			rapid.Int64Min(0).Draw(t, "rows")}
		require.Equal(t, h, ParseHanded(h.String()))
	})
	for text, want := range map[string]Handed{"": {}, "access": {As: "access"}, "access rows:many": {As: "access"}} {
		require.Equal(t, want, ParseHanded(text), text)
	}
}
