package standings

import (
	"slices"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// Matcher makes the references of identifiers: a keystore.SiloKey.
type Matcher interface {
	Match(kind string, normalised []byte) keystore.Ref
}

// Names appends to dst the references under which the registry may know an identifier: that of its canonical
// form. Where the registry knows it by what the version before made of it, that reference stands in its place, or
// beside it if it knows both; if they lead to different collections, Match finds the row conflicting: two people
// are never made one silently. buf is used again. The error is that of identifier.Normalise.
func (s *Standings) Names(dst []keystore.Ref, keys Matcher, kind string, value []byte, country string,
	buf *[]byte) ([]keystore.Ref, error) {
	normal, err := identifier.Normalise(kind, value, country, (*buf)[:0])
	if *buf = normal; err != nil {
		return dst, err
	}
	ref := keys.Match(kind, normal)
	if !s.former {
		return append(dst, ref), nil
	}
	former, ok := identifier.Former(kind, value, country, normal)
	if !ok {
		return append(dst, ref), nil
	}
	was := keys.Match(kind, former)
	switch {
	case len(s.lookup(nil, &was)) == 0:
		return append(dst, ref), nil
	case len(s.lookup(nil, &ref)) == 0:
		return append(dst, was), nil
	}
	return append(dst, ref, was), nil
}

// Name is an identifier as Names knows it, where one may have several: each stands for itself.
type Name struct {
	Canonical keystore.Ref // of its canonical form
	Known     keystore.Ref // under which the registry knows it; Canonical where it does not
	Doubt     bool         // it knows two, of different collections
}

// Name is Names for one of several identifiers. Nil standings know nobody.
func (s *Standings) Name(keys Matcher, kind string, value []byte, country string, buf *[]byte) (n Name, err error) {
	if s == nil {
		*buf, err = identifier.Normalise(kind, value, country, (*buf)[:0])
		if err == nil {
			n.Canonical = keys.Match(kind, *buf)
			n.Known = n.Canonical
		}
		return n, err
	}
	var both [2]keystore.Ref
	refs, err := s.Names(both[:0], keys, kind, value, country, buf)
	if err != nil {
		return n, err
	}
	n.Canonical, n.Known = keys.Match(kind, *buf), refs[0]
	n.Doubt = len(refs) > 1 && !slices.Equal(s.Lookup(refs[0]), s.Lookup(refs[1]))
	return n, nil
}
