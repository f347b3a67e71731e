package silos

import (
	"cmp"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/retention"
)

// expiryEnds says, for each purpose of a silo that rests on consent, when a consent of a given instant
// has reached its longest life: by the rule in force at an instant that grants the most, as no later
// event takes an end back.
func expiryEnds(s *policy.Compiled, at time.Time, zone *time.Location) retention.ExpiryEnds {
	ages := map[string][]calendar.Period{}
	for _, r := range s.InForce(at) {
		if r.Basis == policy.Consent {
			ages[r.Purpose] = append(ages[r.Purpose], r.MaxAge)
		}
	}
	ends := retention.ExpiryEnds{}
	for purpose, list := range ages {
		ends[purpose] = func(since time.Time) time.Time {
			day, last := calendar.DateOf(since, zone), calendar.Date(0)
			for _, age := range list {
				last = max(last, calendar.EndOf(day, age))
			}
			return (last + 1).Start(zone)
		}
	}
	return ends
}

// Endings names, for each purpose of a silo, the event that ends it: among rules that wait for one there
// is no other (policy.Compile).
func Endings(s *policy.Compiled) map[string]event.Type {
	out := map[string]event.Type{}
	for _, r := range s.Silo.Rules {
		out[r.Purpose] = cmp.Or(event.Type(r.Event), out[r.Purpose])
	}
	return out
}
