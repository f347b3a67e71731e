// Package receipts proves to one person, who gets nothing else, what was said to them about the erasure of their data,
// and since when. Its nouns: Statement (what is said), Code (a secret of one request, which the person can type),
// Commitment (a salted hash of a statement, which says nothing), List (the commitments of one night, in its evidence),
// Receipt (the file that the person gets).
//
// A night publishes the commitments of requests that were closed since, in the order of their bytes, as
//
//	manifests/date=DATE/run=RUN/receipts.txt
//
// The root of the tree over them (RFC 6962) stands in the night's entry of the log of nights. A receipt has the
// statement with its salt, the way from its commitment to that root, and the proof of the entry (C2SP tlog-proof):
// public keys are all it takes to check it. It names nobody, and two receipts have nothing in common but the night.
// Whose it is shows with the code, which does not stand in it: the statement has marks of the person's identifiers,
// made with the code.
package receipts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// Name is the file of a night's list.
const Name = "receipts.txt"

// format is the first line of what a commitment is made over, and the format of a receipt.
const format = "lethe-receipt-1"

// ErrOther says that a receipt is not one, is not of the list it says, or is of somebody else.
var ErrOther = errors.New("the receipt does not hold")

// Commitment is the salted hash of a statement.
type Commitment [sha256.Size]byte

// Commit hashes a statement: SHA-256("lethe-receipt-1\n" | salt | statement).
func Commit(salt [sha256.Size]byte, statement string) Commitment {
	return sha256.Sum256(slices.Concat([]byte(format+"\n"), salt[:], []byte(statement)))
}

// List is the commitments of a night, each once, in the order of their bytes, which says nothing.
type List []Commitment

// NewList puts commitments into their order.
func NewList(all []Commitment) List {
	list := List(slices.Clone(all))
	slices.SortFunc(list, func(a, b Commitment) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list)
}

// Bytes are the list as its file has it: one in a line, hexadecimal.
func (l List) Bytes() []byte {
	var b bytes.Buffer
	for _, c := range l {
		fmt.Fprintf(&b, "%x\n", c[:])
	}
	return b.Bytes()
}

// ParseList reads the file of a list. One that would be written otherwise is refused.
func ParseList(body []byte) (l List, err error) {
	for line := range strings.Lines(string(body)) {
		raw, err := hex.DecodeString(strings.TrimSuffix(line, "\n"))
		if err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("line %d is no commitment of %d bytes, hexadecimal", len(l)+1, sha256.Size)
		}
		l = append(l, Commitment(raw))
	}
	if !bytes.Equal(NewList(l).Bytes(), body) {
		return nil, errors.New("its lines are not in their order")
	}
	return l, nil
}

// Root is the root of the tree over a list, in base64; "" of one that is empty.
func (l List) Root() (string, error) {
	if len(l) == 0 {
		return "", nil
	}
	t, err := l.tree()
	if err != nil {
		return "", err
	}
	return t.Root()
}

func (l List) tree() (*tilelog.Tree, error) {
	leaves := make([][]byte, len(l))
	for i := range l {
		leaves[i] = l[i][:]
	}
	return tilelog.NewTree(leaves)
}

// Receipt is the file that a person gets.
type Receipt struct {
	Format    string   `json:"format"`
	Statement string   `json:"statement"`
	Salt      string   `json:"salt"`  // hex
	Place     int64    `json:"place"` // in the night's list, from 0
	Of        int64    `json:"of"`    // how many there are in it
	Path      []string `json:"path"`  // from the commitment to the list's root, base64
	Proof     string   `json:"proof"` // of the night's entry in the log (C2SP tlog-proof)
}

// New is the receipt of a statement whose commitment is in a night's list; proof is that of the night's entry.
func New(s Statement, code Code, list List, proof []byte) (Receipt, error) {
	salt := code.salt()
	commitment := Commit(salt, s.String())
	place := slices.Index(list, commitment)
	if place < 0 {
		return Receipt{}, fmt.Errorf("%w: it is not in the list", ErrOther)
	}
	t, err := list.tree()
	if err != nil {
		return Receipt{}, err
	}
	path, err := t.Path(int64(place))
	return Receipt{Format: format, Statement: s.String(), Salt: hex.EncodeToString(salt[:]), Place: int64(place),
		Of: int64(len(list)), Path: path, Proof: string(proof)}, err
}

// Bytes are a receipt as its file has it.
func (r Receipt) Bytes() ([]byte, error) {
	body, err := json.MarshalIndent(r, "", "  ")
	return append(body, '\n'), err
}

// The most bytes that are read of a receipt, and of a list.
const (
	most     = 1 << 20
	mostList = 64 << 20
)

// Is reports whether a file is a receipt, whatever it is worth.
func Is(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// Proven is what a receipt proves.
type Proven struct {
	Statement  Statement
	Commitment Commitment
	Night      tilelog.Proven // where its list is, and who saw it there
}

// Check checks the file of a receipt with the public keys of the log and of its witnesses alone. Its error is
// [ErrOther], [tilelog.ErrOther] or [tilelog.ErrForged].
func Check(body []byte, key keystore.PublicKey, witnesses []keystore.PublicKey) (p Proven, err error) {
	r, salt, err := parse(body)
	if err != nil {
		return p, err
	}
	if p.Statement, err = ParseStatement(r.Statement); err != nil {
		return p, fmt.Errorf("%w: %w", ErrOther, err)
	}
	p.Commitment = Commit(salt, r.Statement)
	if p.Night, err = tilelog.CheckProof([]byte(r.Proof), key, witnesses); err != nil {
		return p, err
	}
	if p.Night.Entry.Receipts == "" {
		return p, fmt.Errorf("%w: the night of its proof committed to no receipt", ErrOther)
	}
	return p, tilelog.CheckPath(p.Commitment[:], r.Place, r.Of, r.Path, p.Night.Entry.Receipts)
}

// OfCode says whether a receipt is of the request that has a code.
func OfCode(body []byte, code Code) (bool, error) {
	_, salt, err := parse(body)
	return salt == code.salt(), err
}

func parse(body []byte) (r Receipt, salt [sha256.Size]byte, err error) {
	if len(body) > most {
		return r, salt, fmt.Errorf("%w: it is too long", ErrOther)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || r.Format != format {
		return r, salt, fmt.Errorf("%w: it is no receipt as `lethe request receipt` writes it", ErrOther)
	}
	raw, err := hex.DecodeString(r.Salt)
	if err != nil || len(raw) != len(salt) {
		return r, salt, fmt.Errorf("%w: its salt cannot be read", ErrOther)
	}
	return r, [sha256.Size]byte(raw), nil
}

// read reads a list that has a root; false where it has not.
func read(name, root string) (List, bool) {
	info, err := os.Stat(name)
	if err != nil || info.Size() > mostList {
		return nil, false
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	l, err := ParseList(body)
	if err != nil {
		return nil, false
	}
	got, err := l.Root()
	return l, err == nil && got == root
}
