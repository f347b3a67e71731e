package standings

import (
	"cmp"
	"slices"
	"time"

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
			agree = agree && (!m.Apart || same(dst, &other))
			agree = Join(dst, &other) && agree
		}
	}
	unheard := false
	for _, c := range m.Shared {
		if s.At(c, &other) {
			protect(dst, &other)
			unheard = unheard || !heard(dst, &other)
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

// protect adds to a standing what protects in another.
func protect(dst, other *policy.Standing) {
	dst.Hold, dst.Restricted = dst.Hold || other.Hold, dst.Restricted || other.Restricted
	dst.PendingAccess = dst.PendingAccess || other.PendingAccess
}

// same reports whether two standings of what may be different people say the same of every purpose, so that it does
// not matter whose they are.
func same(a, b *policy.Standing) bool {
	return a.Erasure.Equal(b.Erasure) && slices.EqualFunc(byPurpose(a), byPurpose(b), func(p, q policy.PurposeStanding) bool {
		return p.Purpose == q.Purpose && p.State == q.State && p.Since.Equal(q.Since) && p.Until.Equal(q.Until) &&
			p.Proven == q.Proven && p.Objection == q.Objection && p.Started.Equal(q.Started) && p.Ended.Equal(q.Ended)
	})
}

func byPurpose(s *policy.Standing) []policy.PurposeStanding {
	return slices.SortedFunc(slices.Values(s.Purposes), func(a, b policy.PurposeStanding) int {
		return cmp.Compare(a.Purpose, b.Purpose)
	})
}

// heard reports whether a standing says every no that another says.
func heard(own, other *policy.Standing) bool {
	if !other.Erasure.IsZero() && own.Erasure.IsZero() && slices.ContainsFunc(own.Purposes,
		func(p policy.PurposeStanding) bool { return given(&p) || open(&p) }) {
		return false
	}
	return !slices.ContainsFunc(other.Purposes, func(n policy.PurposeStanding) bool {
		return objects(&n) && !slices.ContainsFunc(own.Purposes, func(p policy.PurposeStanding) bool {
			return p.Purpose == n.Purpose && (objects(&p) || refused(&p))
		}) || refused(&n) && !slices.ContainsFunc(own.Purposes, func(p policy.PurposeStanding) bool {
			return p.Purpose == n.Purpose && refused(&p)
		})
	})
}

func objects(p *policy.PurposeStanding) bool {
	return p.Objection != policy.NoObjection && p.Objection != policy.ObjectionOverridden
}

// Join adds to a standing that of another collection of the same person: what protects in one protects, and what
// keeps in one keeps. The latest word counts. It reports false where that would overrule a no by a yes of another
// collection: nobody knows then which of them the person means.
func Join(dst *policy.Standing, other *policy.Standing) bool {
	agrees := !overruled(dst, other) && !overruled(other, dst)
	joinAges(dst, other)
	dst.Collected = later(dst.Collected, other.Collected)
	protect(dst, other)
	dst.Erasure = later(dst.Erasure, other.Erasure)
	dst.FirstSeq, dst.LastSeq = min(dst.FirstSeq, other.FirstSeq), max(dst.LastSeq, other.LastSeq)
	for i := range other.Purposes {
		p := &other.Purposes[i]
		at := slices.IndexFunc(dst.Purposes, func(o policy.PurposeStanding) bool { return o.Purpose == p.Purpose })
		if at < 0 {
			dst.Purposes = append(dst.Purposes, *p)
		} else {
			joinPurpose(&dst.Purposes[at], p)
		}
	}
	return agrees
}

// overruled reports whether a yes of one standing comes after a no of the other that is about it too.
func overruled(no, yes *policy.Standing) bool {
	for i := range yes.Purposes {
		y := &yes.Purposes[i]
		if !given(y) {
			continue
		}
		if !no.Erasure.IsZero() && no.Erasure.Before(y.Since) {
			return true
		}
		for k := range no.Purposes {
			n := &no.Purposes[k]
			if n.Purpose == y.Purpose && refused(n) && n.Since.Before(y.Since) {
				return true
			}
			about := n.Purpose == y.Purpose || n.Purpose == "" || n.Marketing
			if about && objects(n) && n.ObjectedAt.Before(y.Since) {
				return true
			}
		}
	}
	return false
}

func given(p *policy.PurposeStanding) bool {
	return p.State == policy.Given || p.State == policy.Renewed
}

func refused(p *policy.PurposeStanding) bool {
	return p.State == policy.Withdrawn || p.State == policy.Refused || p.State == policy.Invalidated
}

// joinPurpose joins two standings of one purpose, part by part.
func joinPurpose(dst, other *policy.PurposeStanding) {
	if strength(other) > strength(dst) || strength(other) == strength(dst) && other.Since.After(dst.Since) {
		dst.State, dst.Since, dst.Until, dst.Proven, dst.Parental = other.State, other.Since, other.Until, other.Proven,
			other.Parental
	}
	dst.Future = dst.Future || other.Future
	dst.ImpossibleClock = dst.ImpossibleClock || other.ImpossibleClock
	if other.Objection != policy.NoObjection && (dst.Objection == policy.NoObjection ||
		dst.Objection == policy.ObjectionOverridden || other.Marketing && !dst.Marketing ||
		other.ObjectedAt.After(dst.ObjectedAt) && other.Marketing == dst.Marketing) {
		dst.Objection, dst.ObjectedAt, dst.Marketing = other.Objection, other.ObjectedAt, other.Marketing
	}
	if open(dst) || open(other) {
		dst.Ended = time.Time{}
	} else {
		dst.Ended = later(dst.Ended, other.Ended)
	}
	dst.Started = later(dst.Started, other.Started)
}

// open reports whether a relation has begun and not ended.
func open(p *policy.PurposeStanding) bool {
	return !p.Started.IsZero() && (p.Ended.IsZero() || p.Started.After(p.Ended))
}

// joinAges joins what two standings say of a child: one who was none when the other was collected had come of age
// by then.
func joinAges(dst, other *policy.Standing) {
	child, adult := dst, other
	if other.Minor && !dst.Minor {
		child, adult = other, dst
	}
	aged := later(dst.Aged, other.Aged)
	if child.Minor && !adult.Minor && aged.IsZero() {
		aged = adult.Collected
	}
	dst.Parental = child.Parental && (adult.Parental || !adult.Minor)
	dst.Minor, dst.Aged = child.Minor, aged
}

// strength orders states of consent: a no that was not overruled comes before a yes, one with proof before one
// without, and what has run out comes last.
func strength(p *policy.PurposeStanding) int {
	switch {
	case p.State == policy.Withdrawn || p.State == policy.Refused:
		return 5
	case p.State == policy.Invalidated:
		return 4
	case given(p) && p.Proven:
		return 3
	case given(p):
		return 2
	case p.State == policy.Expired:
		return 1
	}
	return 0
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
