// Package keyset looks up the keys of rows in those that a query asks for, for connectors that read every
// row of a file and do not know what the collations of its server take for equal.
package keyset

import (
	"encoding/binary"

	"lethe/connectors"
)

// Fold maps keys that a server may take for equal to one text. values are those of one key, in the order of
// the query's fields.
type Fold func(values [][]byte) (string, error)

// Set holds the keys of a query.
type Set struct {
	keys  *connectors.KeyIndex
	folds map[string]struct{} // nil unless texts that differ may be equal
	fold  Fold
}

// New makes the set of keys, a list that must stay as it is. fold is nil where a server takes only the same bytes for equal; its errors
// come back as they are, and so do those of keys that are none.
func New(keys []connectors.Key, fold Fold) (*Set, error) {
	s := &Set{keys: connectors.IndexKeys(keys), fold: fold}
	if fold == nil {
		return s, nil
	}
	s.folds = make(map[string]struct{}, len(keys))
	for _, key := range keys {
		folded, err := s.folded(key)
		if err != nil {
			return nil, err
		}
		s.folds[folded] = struct{}{}
	}
	return s, nil
}

func (s *Set) folded(key connectors.Key) (string, error) {
	values, err := key.Values()
	if err != nil {
		return "", err
	}
	return s.fold(values)
}

// Append adds one value to the bytes of a key.
func Append(key, value []byte) []byte {
	key = binary.AppendUvarint(key, uint64(len(value)))
	return append(key, value...)
}

// Find is the place of the key, made by Append, in the list of which the set was made, -1 if it is not in it; and then
// whether it is one that a server may take for equal to a key of the set.
func (s *Set) Find(key []byte) (at int, alike bool, err error) {
	if at = s.keys.Find(key); at >= 0 || s.folds == nil {
		return at, false, nil
	}
	folded, err := s.folded(connectors.Key(key))
	if err != nil {
		return -1, false, err
	}
	_, alike = s.folds[folded]
	return -1, alike, nil
}
