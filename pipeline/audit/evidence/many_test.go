package evidence

import (
	"flag"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/audit/spool"
)

// decided is how many decisions TestANightOfManyDecisions publishes: with -decided 10000000 the night of ten million.
var decided = flag.Int("decided", 600_000, "decisions of the night of many")

// TestANightOfManyDecisions publishes one of as many as are asked for: rows are streamed, whatever there are, and the
// pages stay as small as those of any night.
func TestANightOfManyDecisions(t *testing.T) {
	const room = 224 << 20 // bytes
	root := t.TempDir()
	s, _ := newSigner(t)
	peak := uint64(0)
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
	}
	published, err := publish.Publish(t.Context(), publish.Publication{Facts: audittest.Facts(1, ""), Root: root,
		Date: "2026-11-21", Signer: s, Gate: &audittest.Gate{}, Decisions: made(*decided, look),
		Before: made(*decided/2, look), Actions: batches(5, audittest.Actions(30))})
	require.NoError(t, err)
	look()
	require.Less(t, peak, uint64(room), "of %d decisions", *decided)
	for _, name := range page.Names() {
		info, err := os.Stat(filepath.Join(filepath.Dir(published.ReportPath), name))
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(300<<10), name)
	}
	report, err := Verify(t.Context(), root, s.PublicKey())
	require.NoError(t, err, report.Lines())
	require.EqualValues(t, *decided-*decided/2, report.Nights[0].Tables["decisions"], "those that the list before has not")
	t.Logf("%d decisions after %d: %d MB of heap", *decided, *decided/2, peak>>20)
}

// made yields the first so many decisions, which are made as they are asked for.
func made(n int, look func()) iter.Seq2[[]audit.Decision, error] {
	return func(yield func([]audit.Decision, error) bool) {
		for from := 0; from < n; from += spool.Rows {
			look()
			rows := audittest.DecisionsFrom(from, min(spool.Rows, n-from))
			for i := range rows {
				rows[i].FlaggedAt = rows[i].FlaggedAt.Truncate(time.Microsecond) // as rows of a file are
			}
			if !yield(rows, nil) {
				return
			}
		}
	}
}
