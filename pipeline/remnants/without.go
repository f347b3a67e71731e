package remnants

import (
	"bytes"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// Without says who of a silo's people should be gone and stands in a value, and what it is without them: as many x in
// the place of each, which no one can take for an identifier, and which keep the length that formats write down. It is
// asked when a plan is made and again when it is carried out, by what the registry says then.
func (w *Watch) Without(silo string, t connectors.Table, field int, value []byte) anonymize.Told {
	told := anonymize.Told{Without: value}
	i := slices.IndexFunc(w.asks, func(a *ask) bool { return a.silo.Silo.Name == silo })
	if i < 0 || len(value) == 0 {
		return told
	}
	masked := bytes.Clone(value)
	told.Gone = w.eachGone(w.asks[i], t, field, value, func(from, to int) {
		copy(masked[from:to], bytes.Repeat([]byte{'x'}, to-from))
	})
	if told.Gone == 0 {
		return told
	}
	told.Without = masked
	told.Hidden = w.eachGone(w.asks[i], t, field, masked, func(_, _ int) {})
	return told
}

// eachGone counts the places of a value that name somebody who is gone from a silo, and says where those stand that are
// in plain sight.
func (w *Watch) eachGone(of *ask, t connectors.Table, field int, value []byte, plain func(from, to int)) (gone int) {
	meet := func(_ int, kind string, v []byte, at int) bool {
		if !w.isGone(of, kind, v) {
			return false
		}
		if gone++; at >= 0 {
			plain(at, at+len(v))
		}
		return true
	}
	f := t.Fields[field]
	if mayHoldText(f) {
		inside := finder{named: w.underKey}
		inside.reset(value, w.kinds)
		inside.each(value, []int32{0, int32(len(value))}, meet)
	}
	for _, kind := range w.wholes(t, f) {
		if from, to := trimmed(value); to-from <= longestNumber {
			meet(0, kind, value[from:to], from)
		}
	}
	return gone
}

// isGone reports whether a silo must not hold somebody any more, and no other may.
func (w *Watch) isGone(of *ask, kind string, value []byte) (from bool) {
	for _, a := range w.asks {
		if !slices.Contains(a.kinds, kind) {
			continue
		}
		refs, err := a.state.Standings.Names(nil, a.key, kind, value, a.silo.Jurisdiction.Code, &a.buf)
		if err != nil {
			continue
		}
		for _, ref := range refs {
			switch a.now(ref) {
			case holds:
				return false
			case gone:
				from = from || a == of
			}
		}
	}
	return from
}

// now is what a silo says of a person by what its registry says at this moment, and by rows that stay as far as they
// were read.
func (a *ask) now(ref keystore.Ref) answer {
	of := a.state.Standings.Lookup(ref)
	if a.state.Held.Stays(ref, of) {
		return holds
	}
	_, erased := a.refs[ref]
	dead := true
	for _, c := range of {
		lawful, _, over := a.decide(c)
		if lawful {
			return holds
		}
		_, ended := a.ended[c]
		erased, dead = erased || ended, dead && over
	}
	switch {
	case erased || len(of) > 0 && dead:
		return gone
	case len(of) == 0:
		return nothing
	}
	return holds
}

// sinceOf is since when a person should be gone from a silo, where everybody says so at the end of a night's reading.
func (w *Watch) sinceOf(p *person, silo *ask, follows bool) (since calendar.Date, gone bool) {
	for _, g := range p.goneFrom() {
		if g.of == silo && (g.erased || !follows) {
			return g.since, true
		}
	}
	return 0, false
}
