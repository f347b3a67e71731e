package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/tilelog"
)

// TestWhatANightCommittedToHolds tampers with the lists that receipts are proved by, in the ways of who has the folder,
// and of who has the runner's key too.
func TestWhatANightCommittedToHolds(t *testing.T) {
	signer, key := newSigner(t)
	c := &company{signer: signer}
	committed := func(f *audit.Facts) {
		f.Receipts = []string{strings.Repeat("ab", 32), strings.Repeat("0c", 32), strings.Repeat("ab", 32)}
	}
	list := func(root string, night int) string {
		return filepath.Join(root, "manifests", fmt.Sprintf("date=2026-11-%d", 20+night), "run="+runID(night), receipts.Name)
	}
	fill := func(root string) {
		c.root, c.previous = root, ""
		c.night(t, 1, nil)
		c.night(t, 2, committed)
		c.night(t, 3, nil)
	}
	write := func(path, body string) { require.NoError(t, os.WriteFile(path, []byte(body), 0o600)) }
	for name, tc := range map[string]struct {
		tamper func(root string)
		want   string
	}{
		"untouched": {func(string) {}, ""},
		"a line is another": {func(root string) {
			write(list(root, 2), strings.Repeat("0c", 32)+"\n"+strings.Repeat("ac", 32)+"\n")
		}, "receipts.txt was changed"},
		"it is gone": {func(root string) { require.NoError(t, os.Remove(list(root, 2))) }, "receipts.txt is missing"},
		"one is put into another night": {func(root string) { write(list(root, 3), strings.Repeat("dd", 32)+"\n") },
			"is named by no signed manifest"},
		"the log never had it": {func(root string) {
			entries, err := tilelog.Entries(root, 3)
			require.NoError(t, err)
			entries[1].Receipts = ""
			require.NoError(t, os.RemoveAll(filepath.Join(root, "log")))
			_, err = tilelog.Write(root, entries, signer, func(string) {})
			require.NoError(t, err)
		}, "what it committed to for receipts is not what the log has (entry 1)"},
		"the night is made anew with one more": {func(root string) {
			c.root, c.previous = t.TempDir(), ""
			c.night(t, 1, nil)
			c.night(t, 2, func(f *audit.Facts) {
				committed(f)
				f.Receipts = append(f.Receipts, strings.Repeat("0d", 32))
			})
			from := filepath.Dir(list(c.root, 2))
			require.NoError(t, os.RemoveAll(filepath.Dir(list(root, 2))))
			require.NoError(t, os.CopyFS(filepath.Dir(list(root, 2)), os.DirFS(from)))
		}, "its manifest is not the one of the log (entry 1"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			fill(root)
			body, err := os.ReadFile(list(root, 2))
			require.NoError(t, err)
			require.Equal(t, strings.Repeat("0c", 32)+"\n"+strings.Repeat("ab", 32)+"\n", string(body))
			tc.tamper(root)
			report, err := Verify(t.Context(), root, key)
			if tc.want == "" {
				require.NoError(t, err, report.Lines())
				return
			}
			require.ErrorIs(t, err, ErrEdited)
			require.Contains(t, strings.Join(report.Lines(), "\n"), tc.want)
		})
	}
}
