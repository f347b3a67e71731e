package stamp

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/fixtures/tsa"
)

func roots(t testing.TB, a *tsa.Authority) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(a.CA())
	require.NoError(t, err)
	pool, err := Roots(pem)
	require.NoError(t, err)
	return pool
}

func TestAStampOfARealAuthority(t *testing.T) {
	a := tsa.New(t, tsa.Stamping)
	message := []byte("lethe-log/1\n3\nroot\n")
	answer, s, err := Ask(t.Context(), a.Serve(tsa.AsItIs), roots(t, a), message, time.Now())
	require.NoError(t, err)
	require.Equal(t, "Authority of the test", s.By)
	require.True(t, s.Trusted)
	require.WithinDuration(t, time.Now(), s.At, time.Minute)

	again, err := Verify(answer, message, roots(t, a))
	require.NoError(t, err)
	require.Equal(t, s, again)
	alone, err := Verify(answer, message, nil)
	require.NoError(t, err)
	require.False(t, alone.Trusted)
	_, err = Verify(answer, append(message, '!'), roots(t, a))
	require.ErrorIs(t, err, ErrWrong)
	_, err = Verify(answer, message, roots(t, tsa.New(t, tsa.Stamping)))
	require.ErrorIs(t, err, ErrWrong, "another root")

	// as openssl itself sees it
	require.NoError(t, os.WriteFile(filepath.Join(a.Dir, "message"), message, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(a.Dir, "kept.tsr"), answer, 0o600))
	a.OpenSSL("ts", "-verify", "-data", "message", "-in", "kept.tsr", "-CAfile", "ca.pem", "-untrusted", "tsa.pem")
}

// TestAWrongAnswerIsNone lets the authority answer wrongly in several ways, or not at all.
func TestAWrongAnswerIsNone(t *testing.T) {
	a, stranger := tsa.New(t, tsa.Stamping), tsa.New(t, tsa.Stamping)
	other := tsa.New(t, tsa.Serving)
	others := roots(t, other)
	message := []byte("message")
	old, _, err := Ask(t.Context(), a.Serve(tsa.AsItIs), roots(t, a), message, time.Time{})
	require.NoError(t, err)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, url := range map[string]string{
		"nobody is there":        closed.URL,
		"it is no address":       "http://[::1:bad",
		"it fails":               a.Serve(func(w http.ResponseWriter, _, _ []byte) { w.WriteHeader(http.StatusInternalServerError) }),
		"it answers with a page": a.Serve(func(w http.ResponseWriter, _, _ []byte) { fmt.Fprint(w, "<html>sign in</html>") }),
		"it answers nothing":     a.Serve(func(http.ResponseWriter, []byte, []byte) {}),
		"it is cut off":          a.Serve(func(w http.ResponseWriter, _, answer []byte) { _, _ = w.Write(answer[:len(answer)/2]) }),
		"it goes on for ever": a.Serve(func(w http.ResponseWriter, _, _ []byte) {
			_, _ = w.Write(make([]byte, maxAnswer+10))
		}),
		"an old answer":         a.Serve(func(w http.ResponseWriter, _, _ []byte) { _, _ = w.Write(old) }),
		"somebody else answers": a.Serve(func(w http.ResponseWriter, query, _ []byte) { _, _ = w.Write(stranger.Reply(query)) }),
		"a certificate for something else": a.Serve(func(w http.ResponseWriter, query, _ []byte) {
			_, _ = w.Write(signedBy(t, other, query))
		}),
	} {
		_, _, err := Ask(t.Context(), url, roots(t, a), message, time.Now())
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "sign in", name)
	}
	_, _, err = Ask(t.Context(), a.Serve(func(w http.ResponseWriter, query, _ []byte) {
		_, _ = w.Write(signedBy(t, other, query))
	}), others, message, time.Now())
	require.ErrorContains(t, err, "who signed it", "its root is trusted, and its use is another")
	_, _, err = Ask(t.Context(), a.Serve(tsa.AsItIs), roots(t, a), message, time.Now().Add(2*time.Hour))
	require.ErrorContains(t, err, "look at both clocks")
}

// signedBy answers a question with the certificate of an authority, whatever that is for: openssl refuses to.
func signedBy(t testing.TB, by *tsa.Authority, query []byte) []byte {
	t.Helper()
	q, err := timestamp.ParseRequest(query)
	require.NoError(t, err)
	pair, err := tls.LoadX509KeyPair(filepath.Join(by.Dir, "tsa.pem"), filepath.Join(by.Dir, "tsa.key"))
	require.NoError(t, err)
	stamp := timestamp.Timestamp{HashAlgorithm: q.HashAlgorithm, HashedMessage: q.HashedMessage, Nonce: q.Nonce,
		Time: time.Now(), Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, AddTSACertificate: true}
	answer, err := stamp.CreateResponseWithOpts(pair.Leaf, pair.PrivateKey.(crypto.Signer), crypto.SHA256)
	require.NoError(t, err)
	return answer
}

// TestNoByteOfAnAnswerMayDiffer changes one byte of an answer that held, or cuts it off: it holds no more, or says the same.
func TestNoByteOfAnAnswerMayDiffer(t *testing.T) {
	a := tsa.New(t, tsa.Stamping)
	message := []byte("message")
	answer, held, err := Ask(t.Context(), a.Serve(tsa.AsItIs), roots(t, a), message, time.Time{})
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		body := append([]byte(nil), answer...)
		at := rapid.IntRange(0, len(body)-1).Draw(rt, "at")
		if rapid.Bool().Draw(rt, "cut") {
			body = body[:at]
		} else {
			body[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		}
		s, err := Verify(body, message, roots(t, a))
		if err == nil { // a bit that no signature covers
			require.Equal(rt, held, s)
			return
		}
		require.True(rt, errors.Is(err, ErrWrong))
	})
}

func TestRootsThatAreNone(t *testing.T) {
	_, err := Roots([]byte("nothing"))
	require.Error(t, err)
}
