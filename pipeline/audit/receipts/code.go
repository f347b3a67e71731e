package receipts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// Code is a secret of one request: who knows it can show whose a receipt is.
type Code [codeBytes]byte

const (
	codeBytes = 15 // 120 bits: 24 letters and digits
	codeGroup = 4
)

// crockford is Crockford's base 32: without I, L, O and U, which are taken for others.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// CodeOf is the code of a request. It is made from the silo's key, stands nowhere, and stays the same when the key is
// rotated.
func CodeOf(key *keystore.SiloKey, request string) Code {
	ref := key.Fixed("receipt", []byte(request))
	return Code(ref[:codeBytes])
}

// String is a code as a person types it, in groups of four.
func (c Code) String() string {
	var groups []string
	for g := range slices.Chunk([]byte(crockford.EncodeToString(c[:])), codeGroup) {
		groups = append(groups, string(g))
	}
	return strings.Join(groups, "-")
}

// ParseCode reads a code as a person types it: in either case, with or without signs between groups, O for 0 and I or L
// for 1.
func ParseCode(text string) (c Code, err error) {
	clean := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	raw, err := crockford.DecodeString(clean)
	if err != nil || len(clean) != crockford.EncodedLen(codeBytes) {
		return c, errors.New("it is no code as a letter has it: six groups of four letters and digits")
	}
	return Code(raw), nil
}

// Commitment is what a request with this code commits to.
func (c Code) Commitment(s Statement) Commitment { return Commit(c.salt(), s.String()) }

// salt is what a statement is hidden by: HMAC-SHA256(code, "salt"). It stands in the receipt, and the code cannot be
// had from it.
func (c Code) salt() [sha256.Size]byte { return [sha256.Size]byte(c.mac("salt")) }

// Mark is a mark of one identifier of the person: the first half of HMAC-SHA256(code, "person|KIND|normalised"),
// hexadecimal. Without the code nobody can try addresses against it.
func (c Code) Mark(kind string, normalised []byte) string {
	return hex.EncodeToString(c.mac("person|" + kind + "|" + string(normalised))[:sha256.Size/2])
}

// Marks are the marks of who asked, each once, sorted. What is not normal for its kind has none.
func (c Code) Marks(who []event.Subject, country string) (marks []string) {
	for _, s := range who {
		if normal, err := identifier.Normalise(s.Kind, []byte(s.Value), country, nil); err == nil {
			marks = append(marks, c.Mark(s.Kind, normal))
		}
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

func (c Code) mac(text string) []byte {
	m := hmac.New(sha256.New, c[:])
	m.Write([]byte(text)) // a hash never fails
	return m.Sum(nil)
}
