package manifest

import (
	"bytes"
	"errors"
	"fmt"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

// indexContext is of the signature under a page of the list of nights.
const indexContext = "index"

// What stands around that signature, which is a comment at the end of the page.
var signed, end = []byte("\n<!-- signed: "), []byte(" -->\n")

// Phases says how much of a night the run was, as table runs has it.
func (m Manifest) Phases() string {
	phases, _ := m.Run["phases"].(string)
	return phases
}

// SignIndex is a page of the list of nights, signed.
func SignIndex(signer *keystore.Signer, page []byte) []byte {
	page = bytes.TrimRight(page, "\n")
	line := bytes.TrimSpace(expiry.SignLine(signer, indexContext, page))
	return bytes.Join([][]byte{page, signed, line, end}, nil)
}

// VerifyIndex says why a page of the list of nights is not as it was signed; nil it is.
func VerifyIndex(key keystore.PublicKey, body []byte) error {
	at := bytes.LastIndex(body, signed)
	if at < 0 || !bytes.HasSuffix(body, end) {
		return errors.New("it has no signature")
	}
	line := append(bytes.Clone(body[at+len(signed):len(body)-len(end)]), '\n')
	if err := expiry.VerifyLine(key, indexContext, body[:at], line); err != nil {
		return fmt.Errorf("%w", err)
	}
	return nil
}
