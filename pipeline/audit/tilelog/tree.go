package tilelog

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is a Merkle tree of its own (RFC 6962), whose root stands in an entry: who gets one leaf and its path to the
// root needs no other leaf.
type Tree struct {
	size   int64
	hashes hashes
}

// hashes are a tree's, as tlog.StoredHashIndex counts them.
type hashes []tlog.Hash

// ReadHashes makes them a [tlog.HashReader].
func (h hashes) ReadHashes(places []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(places))
	for i, at := range places {
		if at < 0 || at >= int64(len(h)) {
			return nil, fmt.Errorf("hash %d of %d was asked for", at, len(h))
		}
		out[i] = h[at]
	}
	return out, nil
}

// add adds a leaf, the next one.
func (h *hashes) add(place int, leaf []byte) error {
	more, err := tlog.StoredHashes(int64(place), leaf, *h)
	if err != nil {
		return fmt.Errorf("hash entry %d: %w", place, err)
	}
	*h = append(*h, more...)
	return nil
}

// NewTree is the tree over leaves in their order.
func NewTree(leaves [][]byte) (*Tree, error) {
	t := &Tree{size: int64(len(leaves))}
	for i, leaf := range leaves {
		if err := t.hashes.add(i, leaf); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Root is the hash over all leaves, in base64.
func (t *Tree) Root() (string, error) {
	root, err := tlog.TreeHash(t.size, t.hashes)
	return root.String(), err
}

// Path are the hashes that lead from a leaf to the root, in base64.
func (t *Tree) Path(place int64) (path []string, err error) {
	proof, err := tlog.ProveRecord(t.size, place, t.hashes)
	for _, h := range proof {
		path = append(path, h.String())
	}
	return path, err
}

// CheckPath says whether a path leads from a leaf at a place of so many to a root; [ErrForged] it does not.
func CheckPath(leaf []byte, place, size int64, path []string, root string) error {
	to, err := tlog.ParseHash(root)
	if err != nil {
		return fmt.Errorf("%w: its root cannot be read", ErrForged)
	}
	var proof tlog.RecordProof
	for _, text := range path {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return fmt.Errorf("%w: a hash of its path cannot be read", ErrForged)
		}
		proof = append(proof, h)
	}
	if place < 0 || place >= size || tlog.CheckRecord(proof, size, to, place, tlog.RecordHash(leaf)) != nil {
		return fmt.Errorf("%w: it is not in the list of that night", ErrForged)
	}
	return nil
}
