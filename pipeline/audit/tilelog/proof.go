package tilelog

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"lethe/pipeline/registry/keystore"
)

const (
	proofHeader = "c2sp.org/tlog-proof@v1\n"
	proofExtra  = "extra "
	proofIndex  = "index "
)

// Prove is the proof that one entry is in the log of a signed checkpoint (C2SP tlog-proof), with the entry as its extra
// data: who has it, and the manifest that the entry names, needs none of the other nights.
func (l *Log) Prove(place int64, signed []byte, key keystore.PublicKey) ([]byte, error) {
	c, err := Open(signed, key)
	if err == nil {
		err = l.Agrees(c)
	}
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", place, err)
	}
	hashes, err := tlog.ProveRecord(c.Size, place, l)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", place, err)
	}
	var b bytes.Buffer
	b.WriteString(proofHeader)
	fmt.Fprintf(&b, "%s%s\n%s%d\n", proofExtra, base64.StdEncoding.EncodeToString(l.entries[place].Bytes()), proofIndex,
		place)
	for _, h := range hashes {
		fmt.Fprintln(&b, h)
	}
	b.WriteByte('\n')
	b.Write(signed)
	return b.Bytes(), nil
}

// Proven is what a proof proves.
type Proven struct {
	Entry        Entry
	Place        int64
	Checkpoint   Checkpoint
	Cosignatures []Cosignature
}

// CheckProof checks a proof with the log's public key alone, and the cosignatures under its checkpoint with those of
// their witnesses.
func CheckProof(proof []byte, key keystore.PublicKey, witnesses []keystore.PublicKey) (p Proven, err error) {
	wrong := func(why string) (Proven, error) { return p, fmt.Errorf("%w: %s", ErrForged, why) }
	if len(proof) > 2*maxCheckpoint {
		return wrong("it is too long")
	}
	head, signed, ok := strings.Cut(string(proof), "\n\n")
	lines := strings.Split(strings.TrimPrefix(head, proofHeader), "\n")
	if !ok || !strings.HasPrefix(head, proofHeader) || len(lines) < 2 {
		return wrong("it is no proof as `lethe audit receipt` writes it")
	}
	extra, isExtra := strings.CutPrefix(lines[0], proofExtra)
	index, isIndex := strings.CutPrefix(lines[1], proofIndex)
	body, err := base64.StdEncoding.Strict().DecodeString(extra)
	if !isExtra || !isIndex || err != nil {
		return wrong("its entry cannot be read")
	}
	if p.Entry, err = ParseEntry(body); err != nil {
		return wrong(err.Error())
	}
	if p.Place, err = strconv.ParseInt(index, 10, 64); err != nil || strconv.FormatInt(p.Place, 10) != index {
		return wrong("its place cannot be read")
	}
	var hashes tlog.RecordProof
	for _, line := range lines[2:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return wrong("a hash cannot be read")
		}
		hashes = append(hashes, h)
	}
	if p.Checkpoint, err = Open([]byte(signed), key); err != nil {
		return p, err
	}
	if p.Place < 0 || p.Place >= p.Checkpoint.Size ||
		tlog.CheckRecord(hashes, p.Checkpoint.Size, p.Checkpoint.Root, p.Place, tlog.RecordHash(body)) != nil {
		return wrong("the entry is not in the log of that checkpoint")
	}
	p.Cosignatures, err = Cosignatures([]byte(signed), key, witnesses)
	return p, err
}

// Covering is the checkpoint to prove an entry by: the first with a cosignature over it, else the newest.
func Covering(reports string, place int64, key keystore.PublicKey) ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(reports, Folder, cosignatures, "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range names { // by size
		size, ok := sizeOf(filepath.ToSlash(name))
		if !ok || size <= place {
			continue
		}
		signed, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if c, err := Open(signed, key); err == nil && c.Size == size {
			return signed, nil
		}
	}
	signed, _, err := Newest(reports, key)
	return signed, err
}
