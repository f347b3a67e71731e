package standings

import (
	"slices"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// Several is what a row offers that may have more than one identifier of a kind, as they stand in other tables.
type Several struct {
	Kinds  []uint8 // of each of Row.Identifiers
	Shared []bool  // of each of Row.Identifiers: other rows have it too, so that it says nothing by itself
	Doubt  bool    // one of them may be another row's
}

// several finds the collections of a row that may have several identifiers of a kind: those of all of them, for they
// are one person's, beside the one that the row itself names or is linked to. What others have too never decides, and
// is told apart.
func (s *Standings) several(row *Row) Match {
	if row.Several.Doubt {
		return Match{Identity: policy.Conflicting}
	}
	named := s.named(row)
	if named.Identity == policy.Conflicting {
		return named
	}
	anchored := named.Identity == policy.Matched
	var all, shared []int32
	byKind := map[uint8][]int32{}
	unknown := false
	for i := range row.Identifiers {
		here := s.lookup(nil, &row.Identifiers[i])
		if len(here) == 0 {
			unknown = true
			continue
		}
		if row.Several.Shared[i] {
			shared = append(shared, here...)
			continue
		}
		m := named // of several collections of an address, the one that the row names
		if !anchored || !slices.Contains(here, named.Collection) {
			m = s.settle(here, row, false)
		}
		if m.Identity != policy.Matched {
			return m
		}
		kind := row.Several.Kinds[i]
		byKind[kind] = append(byKind[kind], m.Collection)
		all = append(all, m.Collection)
	}
	if !anchored {
		if identity := unnamed(row, all, shared); identity != policy.Matched {
			return Match{Identity: identity}
		}
		named.Collection = slices.Min(all)
	}
	others := func(list []int32) []int32 {
		slices.Sort(list)
		return slices.DeleteFunc(slices.Compact(list), func(c int32) bool { return c == named.Collection })
	}
	m := Match{Collection: named.Collection, Others: others(all), Partial: unknown, Apart: !agree(byKind)}
	m.Shared = slices.DeleteFunc(others(shared), func(c int32) bool { return slices.Contains(m.Others, c) })
	return m
}

// named finds the collection whose id a row carries, or else its record link; Unmatched where there is neither.
func (s *Standings) named(row *Row) Match {
	switch {
	case row.Collection != nil:
		return s.settle(s.lookup(nil, row.Collection), row, false)
	case row.Record == nil:
		return Match{Identity: policy.Unmatched}
	}
	found := s.lookup(nil, row.Record)
	if s.elsewhere(row.own(), found) && len(found) > 0 {
		return Match{Identity: policy.Conflicting}
	}
	return s.settle(found, row, false)
}

// unnamed says how the identifiers of a row meet the registry that names no collection which is known: Matched where
// they do.
func unnamed(row *Row, all, shared []int32) policy.Identity {
	switch {
	case row.Collection != nil && len(all)+len(shared) > 0: // of a collection that the registry does not know
		return policy.Conflicting
	case row.Collection != nil:
		return policy.Unmatched
	case len(row.Identifiers) == 0:
		return policy.Unparseable
	case len(all) > 0:
		return policy.Matched
	case len(shared) > 0:
		return policy.Shared
	}
	return policy.Unmatched
}

// agree reports whether the kinds of identifiers lead to at least one collection in common.
func agree(byKind map[uint8][]int32) bool {
	var common []int32
	first := true
	for _, collections := range byKind {
		if first {
			common, first = collections, false
			continue
		}
		common = slices.DeleteFunc(slices.Clone(common), func(c int32) bool { return !slices.Contains(collections, c) })
	}
	return first || len(common) > 0
}

// own are the identifiers of a row that no other has.
func (row *Row) own() []keystore.Ref {
	if row.Several == nil {
		return row.Identifiers
	}
	var refs []keystore.Ref
	for i, ref := range row.Identifiers {
		if !row.Several.Shared[i] {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Whole is At of all collections of a match, joined. Where they contradict each other the match is conflicting, and
// there is none; so it is where a no stands under what other rows have too, and the match is shared.
func (s *Standings) Whole(m *Match, dst *policy.Standing) bool {
	if !s.At(m.Collection, dst) {
		return false
	}
	agree := true
	var other policy.Standing
	for _, c := range m.Others {
		if s.At(c, &other) {
			agree = agree && (!m.Apart || policy.Same(dst, &other))
			agree = policy.Join(dst, &other) && agree
		}
	}
	unheard := false
	for _, c := range m.Shared {
		if s.At(c, &other) {
			policy.Protect(dst, &other)
			unheard = unheard || !policy.Heard(dst, &other)
		}
	}
	switch {
	case !agree:
		m.Identity = policy.Conflicting
	case unheard && !dst.Hold && !dst.Restricted:
		m.Identity = policy.Shared
	default:
		return true
	}
	return false
}
