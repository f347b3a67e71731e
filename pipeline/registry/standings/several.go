package standings

import (
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
// are one person's, as long as the kinds do not contradict each other. What others have too never decides, and is
// left out where something else tells who it is.
func (s *Standings) several(row *Row) Match {
	if row.Several.Doubt {
		return Match{Identity: policy.Conflicting}
	}
	if len(row.Identifiers) == 0 {
		return Match{Identity: policy.Unparseable}
	}
	byKind := map[uint8][]int32{}
	var all []int32
	unknown, shared := false, false
	for i := range row.Identifiers {
		here := s.lookup(nil, &row.Identifiers[i])
		switch {
		case len(here) == 0:
			unknown = true
		case row.Several.Shared[i]:
			shared = true
		default:
			m := s.settle(here, row, false)
			if m.Identity != policy.Matched {
				return m
			}
			kind := row.Several.Kinds[i]
			byKind[kind] = append(byKind[kind], m.Collection)
			all = append(all, m.Collection)
		}
	}
	switch {
	case len(all) == 0 && shared:
		return Match{Identity: policy.Shared}
	case len(all) == 0:
		return Match{Identity: policy.Unmatched}
	case !agree(byKind):
		return Match{Identity: policy.Conflicting}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return Match{Collection: all[0], Others: all[1:], Partial: unknown}
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
	return len(common) > 0
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
// there is none.
func (s *Standings) Whole(m *Match, dst *policy.Standing) bool {
	if !s.At(m.Collection, dst) {
		return false
	}
	agree := true
	for _, c := range m.Others {
		var other policy.Standing
		if s.At(c, &other) {
			agree = Join(dst, &other) && agree
		}
	}
	if !agree {
		m.Identity = policy.Conflicting
	}
	return agree
}

// Join adds to a standing that of another collection of the same person: what protects in one protects, and what
// keeps in one keeps. The latest word counts. It reports false where that would overrule a no by a yes of another
// collection: nobody knows then which of them the person means.
func Join(dst *policy.Standing, other *policy.Standing) bool {
	agrees := !overruled(dst, other) && !overruled(other, dst)
	joinAges(dst, other)
	dst.Collected = later(dst.Collected, other.Collected)
	dst.Hold, dst.Restricted = dst.Hold || other.Hold, dst.Restricted || other.Restricted
	dst.PendingAccess = dst.PendingAccess || other.PendingAccess
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
			if about && n.Objection != policy.NoObjection && n.Objection != policy.ObjectionOverridden &&
				n.ObjectedAt.Before(y.Since) {
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
