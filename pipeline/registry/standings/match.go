package standings

import (
	"slices"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// Row is what a source's row offers to find its collection.
type Row struct {
	Identifiers []keystore.Ref // of the identifiers that could be normalised, in any order
	Found       []Found        // what Warm found of each of them; nil: it was not asked
	Collection  *keystore.Ref  // of the collection id the row carries (Names); nil: it carries none
	Record      *keystore.Ref  // SiloKey.Record of the row, to find a record link; nil: not asked
	Created     time.Time      // when the row came to be; zero: unknown
	SiloScope   bool           // link_scope: silo; else collection
	Several     *Several       // nil: the row holds its identifiers itself, one of a kind
}

// Match is the answer: Collection is set when Identity is Matched.
type Match struct {
	Identity   policy.Identity
	Collection int32   // to be given to Standings.At
	Partial    bool    // some identifiers are unknown to the registry (I_PARTIAL_ID)
	Others     []int32 // further collections of the same person (Row.Several), to be joined
	Shared     []int32 // collections of what other rows have too: what protects there protects, nothing else
	Apart      bool    // kinds of identifiers have no collection in common: all have to say the same
}

// Match finds the collection of a row: the collection id it carries, else its
// record link, else its identifiers, which must all lead to the same collections as far as they are known.
// A link that none of the identifiers bears out, though the registry knows one of them, is doubted: the
// row's key may have been used again. Of several collections of one person, the row belongs to the most
// recent one not later than itself when the silo's link scope is the silo; when it is the collection, or
// none is early enough, the row is conflicting, and so kept.
func (s *Standings) Match(row Row) Match {
	if row.Several != nil {
		return s.several(&row)
	}
	var first, next [4]int32 // so that few people's rows allocate
	if row.Collection != nil {
		return s.settle(s.lookup(first[:0], row.Collection), &row, false)
	}
	if row.Record != nil {
		if found := s.lookup(first[:0], row.Record); len(found) > 0 {
			if s.elsewhere(row.Identifiers, found) {
				return Match{Identity: policy.Conflicting}
			}
			return s.settle(found, &row, false)
		}
	}
	if len(row.Identifiers) == 0 {
		return Match{Identity: policy.Unparseable}
	}
	var found []int32
	unknown := 0
	for i := range row.Identifiers {
		ref := (*shortRef)(row.Identifiers[i][:16])
		var known Found
		if row.Found != nil {
			known = row.Found[i]
		} else {
			known = s.index.find(ref)
		}
		if len(found) == 0 {
			if found = s.lookupAt(first[:0], known, ref); len(found) == 0 {
				unknown++
			}
			continue
		}
		here := s.lookupAt(next[:0], known, ref)
		switch {
		case len(here) == 0:
			unknown++
		case !slices.Equal(found, here):
			return Match{Identity: policy.Conflicting}
		}
	}
	return s.settle(found, &row, unknown > 0)
}

// elsewhere reports whether some of the identifiers are known, and none of those leads to one of the
// collections.
func (s *Standings) elsewhere(identifiers []keystore.Ref, collections []int32) bool {
	var scratch [4]int32
	known := false
	for i := range identifiers {
		for _, collection := range s.lookup(scratch[:0], &identifiers[i]) {
			if slices.Contains(collections, collection) {
				return false
			}
			known = true
		}
	}
	return known
}

func (s *Standings) settle(found []int32, row *Row, partial bool) Match {
	switch {
	case len(found) == 0:
		return Match{Identity: policy.Unmatched}
	case len(found) == 1:
		return Match{Collection: found[0], Partial: partial}
	case !row.SiloScope:
		return Match{Identity: policy.Conflicting}
	}
	var best int32
	var latest time.Time
	for _, collection := range found {
		at := s.collected(collection)
		if !row.Created.IsZero() && at.After(row.Created) {
			continue
		}
		if best == 0 || at.After(latest) {
			best, latest = collection, at
		}
	}
	if best == 0 {
		return Match{Identity: policy.Conflicting}
	}
	return Match{Collection: best, Partial: partial}
}
