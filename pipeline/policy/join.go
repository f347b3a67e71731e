package policy

import (
	"cmp"
	"slices"
	"time"
)

// Protect adds to a standing what protects in another.
func Protect(dst, other *Standing) {
	dst.Hold, dst.Restricted = dst.Hold || other.Hold, dst.Restricted || other.Restricted
	dst.PendingAccess = dst.PendingAccess || other.PendingAccess
}

// Same reports whether two standings of what may be different people say the same of every purpose, so that it does
// not matter whose they are.
func Same(a, b *Standing) bool {
	return a.Erasure.Equal(b.Erasure) && slices.EqualFunc(byPurpose(a), byPurpose(b), func(p,
		q PurposeStanding) bool {
		return p.Purpose == q.Purpose && p.State == q.State && p.Since.Equal(q.Since) && p.Until.Equal(q.Until) &&
			p.Proven == q.Proven && p.Objection == q.Objection && p.Started.Equal(q.Started) && p.Ended.Equal(q.Ended)
	})
}

func byPurpose(s *Standing) []PurposeStanding {
	return slices.SortedFunc(slices.Values(s.Purposes), func(a, b PurposeStanding) int {
		return cmp.Compare(a.Purpose, b.Purpose)
	})
}

// Heard reports whether a standing says every no that another says.
func Heard(own, other *Standing) bool {
	if !other.Erasure.IsZero() && own.Erasure.IsZero() && slices.ContainsFunc(own.Purposes,
		func(p PurposeStanding) bool { return given(&p) || open(&p) }) {
		return false
	}
	return !slices.ContainsFunc(other.Purposes, func(n PurposeStanding) bool {
		return objects(&n) && !slices.ContainsFunc(own.Purposes, func(p PurposeStanding) bool {
			return p.Purpose == n.Purpose && (objects(&p) || refused(&p))
		}) || refused(&n) && !slices.ContainsFunc(own.Purposes, func(p PurposeStanding) bool {
			return p.Purpose == n.Purpose && refused(&p)
		})
	})
}

func objects(p *PurposeStanding) bool {
	return p.Objection != NoObjection && p.Objection != ObjectionOverridden
}

// Join adds to a standing that of another collection of the same person: what protects in one protects, and what
// keeps in one keeps. The latest word counts. It reports false where that would overrule a no by a yes of another
// collection: nobody knows then which of them the person means.
func Join(dst *Standing, other *Standing) bool {
	agrees := !overruled(dst, other) && !overruled(other, dst)
	joinAges(dst, other)
	dst.Collected = later(dst.Collected, other.Collected)
	Protect(dst, other)
	dst.Erasure = later(dst.Erasure, other.Erasure)
	dst.FirstSeq, dst.LastSeq = min(dst.FirstSeq, other.FirstSeq), max(dst.LastSeq, other.LastSeq)
	for i := range other.Purposes {
		p := &other.Purposes[i]
		at := slices.IndexFunc(dst.Purposes, func(o PurposeStanding) bool { return o.Purpose == p.Purpose })
		if at < 0 {
			dst.Purposes = append(dst.Purposes, *p)
		} else {
			joinPurpose(&dst.Purposes[at], p)
		}
	}
	return agrees
}

// overruled reports whether a yes of one standing comes after a no of the other that is about it too.
func overruled(no, yes *Standing) bool {
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

func given(p *PurposeStanding) bool {
	return p.State == Given || p.State == Renewed
}

func refused(p *PurposeStanding) bool {
	return p.State == Withdrawn || p.State == Refused || p.State == Invalidated
}

// joinPurpose joins two standings of one purpose, part by part.
func joinPurpose(dst, other *PurposeStanding) {
	if strength(other) > strength(dst) || strength(other) == strength(dst) && other.Since.After(dst.Since) {
		dst.State, dst.Since, dst.Until, dst.Proven, dst.Parental = other.State, other.Since, other.Until, other.Proven,
			other.Parental
	}
	dst.Future = dst.Future || other.Future
	dst.ImpossibleClock = dst.ImpossibleClock || other.ImpossibleClock
	if other.Objection != NoObjection && (dst.Objection == NoObjection ||
		dst.Objection == ObjectionOverridden || other.Marketing && !dst.Marketing ||
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
func open(p *PurposeStanding) bool {
	return !p.Started.IsZero() && (p.Ended.IsZero() || p.Started.After(p.Ended))
}

// joinAges joins what two standings say of a child: one who was none when the other was collected had come of age
// by then.
func joinAges(dst, other *Standing) {
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
func strength(p *PurposeStanding) int {
	switch {
	case p.State == Withdrawn || p.State == Refused:
		return 5
	case p.State == Invalidated:
		return 4
	case given(p) && p.Proven:
		return 3
	case given(p):
		return 2
	case p.State == Expired:
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
