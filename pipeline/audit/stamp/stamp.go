// Package stamp has the time of a message vouched for by somebody else: RFC 3161. [Ask] asks an authority over HTTP,
// [Verify] looks at what it answered, offline, at any time later.
package stamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// ErrWrong says that what an authority answered is no time stamp over the message.
var ErrWrong = errors.New("it is no time stamp over this")

const (
	maxAnswer  = 256 << 10 // bytes
	mayDiffer  = time.Hour // of the clocks here and there
	queryType  = "application/timestamp-query"
	answerType = "application/timestamp-reply"
)

// Wait is for how long an authority is waited for: for the whole of an answer, also of one that comes byte by byte.
const Wait = 15 * time.Second

// Stamp is what an authority vouches for.
type Stamp struct {
	At      time.Time
	By      string // the subject of its certificate
	Trusted bool   // the certificate leads to one of the roots; else nobody looked
}

// Ask asks an authority for a time stamp over a message, and returns its answer as it came, once it holds. now is the
// time here, with which the authority's must agree but for an hour; the zero time looks at none. The context ends the
// waiting.
func Ask(ctx context.Context, url string, roots *x509.CertPool, message []byte, now time.Time) ([]byte, Stamp, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, Stamp{}, err
	}
	sum := sha256.Sum256(message)
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true,
		Nonce: nonce}).Marshal()
	if err != nil {
		return nil, Stamp{}, fmt.Errorf("ask for a time stamp: %w", err)
	}
	answer, err := post(ctx, url, query)
	if err != nil {
		return nil, Stamp{}, fmt.Errorf("ask for a time stamp: %w", err)
	}
	s, got, err := open(answer, message, roots)
	switch {
	case err != nil:
	case got == nil || got.Cmp(nonce) != 0:
		err = fmt.Errorf("%w: it answers another question (the nonce differs)", ErrWrong)
	case !now.IsZero() && (s.At.Sub(now) > mayDiffer || now.Sub(s.At) > mayDiffer):
		err = fmt.Errorf("%w: it says %s, and it is %s here: look at both clocks", ErrWrong, s.At.Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return nil, s, fmt.Errorf("ask for a time stamp: %w", err)
	}
	return answer, s, nil
}

// post sends a question. Nothing of the answer's text is said: it is somebody else's.
func post(ctx context.Context, url string, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", queryType)
	req.Header.Set("Accept", answerType)
	client := &http.Client{Timeout: Wait}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: the authority answered with HTTP status %d", ErrWrong, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("%w: the answer is too long", ErrWrong)
	}
	return body, err
}

// Verify looks at the answer of an authority over a message. Without roots it is only seen that it is signed by the
// certificate in it, whoever's that is.
func Verify(answer, message []byte, roots *x509.CertPool) (Stamp, error) {
	s, _, err := open(answer, message, roots)
	return s, err
}

func open(answer, message []byte, roots *x509.CertPool) (s Stamp, nonce *big.Int, err error) {
	defer func() { // whatever a parser of somebody else's bytes meets ends no night
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: it cannot be read", ErrWrong)
		}
	}()
	t, err := timestamp.ParseResponse(answer)
	var unread asn1.StructuralError
	var malformed asn1.SyntaxError
	switch {
	case errors.As(err, &unread), errors.As(err, &malformed):
		return s, nil, fmt.Errorf("%w: it cannot be read", ErrWrong)
	case err != nil:
		return s, nil, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	sum := sha256.Sum256(message)
	if t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, sum[:]) {
		return s, nil, fmt.Errorf("%w: it is over something else", ErrWrong)
	}
	p7, err := pkcs7.Parse(t.RawToken)
	if err != nil {
		return s, nil, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return s, nil, fmt.Errorf("%w: it does not hold the one certificate that signed it", ErrWrong)
	}
	between := x509.NewCertPool()
	for _, c := range p7.Certificates {
		between.AddCert(c)
	}
	if err := p7.VerifyWithOpts(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: t.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
		return s, nil, fmt.Errorf("%w: its signature, or who signed it: %w", ErrWrong, err)
	}
	return Stamp{At: t.Time.UTC(), By: signer.Subject.CommonName, Trusted: roots != nil}, t.Nonce, nil
}

// Roots reads the certificates of authorities that are trusted, in PEM.
func Roots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return pool, nil
}
