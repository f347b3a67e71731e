package pipeline_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/tsa"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/stamp"
	"lethe/pipeline/setup"
)

// TestTheLogIsStamped lets openssl stamp the log of nights, and then answer wrongly, and not at all: no night ends by it,
// each says it, and the stamp of a later night covers those before.
func TestTheLogIsStamped(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	authority := tsa.New(t, tsa.Stamping)
	pem, err := os.ReadFile(authority.CA())
	require.NoError(t, err)
	roots, err := stamp.Roots(pem)
	require.NoError(t, err)
	works := authority.Serve(tsa.AsItIs)
	w.Setup.Simulated = true // its nights are not today
	w.Setup.Timestamps = &setup.Authority{URL: works, Roots: roots}
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	verified := func() evidence.VerifyReport {
		report, err := evidence.VerifyAgainst(t.Context(), w.Setup.Reports, signer.PublicKey(), evidence.Against{Roots: roots})
		require.NoError(t, err, report.Lines())
		return report
	}

	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Unstamped)
	require.Len(t, verified().Stamps, 1)
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	lines := w.facts().Log
	require.Equal(t, "tsa:127.0.0.1", lines[len(lines)-1].Signer)
	require.Equal(t, int64(1), lines[len(lines)-1].Size)

	over := make(chan struct{})
	defer close(over)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, url := range map[string]string{
		"nobody answers": closed.URL,
		"silence":        authority.Serve(func(_ http.ResponseWriter, _, _ []byte) { <-over }),
		"an answer without an end": authority.Serve(func(w http.ResponseWriter, _, answer []byte) {
			_, _ = w.Write(answer[:40])
			_ = http.NewResponseController(w).Flush()
			<-over
		}),
		"a wrong answer": authority.Serve(func(w http.ResponseWriter, _, answer []byte) { _, _ = w.Write(answer[:40]) }),
	} {
		w.Setup.Timestamps.URL, w.Setup.Timestamps.Wait = url, 200*time.Millisecond
		for night := range 2 {
			w.Now = w.Now.AddDate(0, 0, 1)
			r, err := w.night()
			require.NoError(t, err, name)
			require.Contains(t, r.Unstamped, "has no time stamp", name)
			if night == 1 {
				require.Len(t, w.found("F_NOT_STAMPED"), 1, name)
			}
		}
	}
	w.Setup.Timestamps.URL, w.Setup.Timestamps.Wait = works, 0
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	require.Empty(t, w.found("F_NOT_STAMPED"), "it was made up for before the night")
	report := verified()
	require.Equal(t, int64(11), report.Stamps[len(report.Stamps)-1].Size)

	// a stamp over something else, and one of another authority
	first, err := os.ReadFile(w.Setup.Reports + "/log/stamps/000001.tsr")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.Setup.Reports+"/log/stamps/000011.tsr", first, 0o600))
	report, err = evidence.VerifyAgainst(t.Context(), w.Setup.Reports, signer.PublicKey(), evidence.Against{Roots: roots})
	require.ErrorIs(t, err, evidence.ErrEdited)
	require.Contains(t, report.Problems[0], "log/stamps/000011.tsr: the time stamp over log/checkpoints/000011 does not hold")
	pem, err = os.ReadFile(tsa.New(t, tsa.Stamping).CA())
	require.NoError(t, err)
	others, err := stamp.Roots(pem)
	require.NoError(t, err)
	report, err = evidence.VerifyAgainst(t.Context(), w.Setup.Reports, signer.PublicKey(), evidence.Against{Roots: others})
	require.ErrorIs(t, err, evidence.ErrEdited)
	require.Contains(t, report.Problems[0], "log/stamps/000001.tsr")
}
