package silos

import (
	"cmp"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
)

// expiryEnds says, for each purpose of a silo that rests on consent, when a consent of a given instant has reached its longest life: by the rule in force at an
// instant that grants the most, as no later event takes an end back.
func expiryEnds(s *policy.Compiled, at time.Time, zone *time.Location) registry.ExpiryEnds {
	ages := map[string][]policy.Period{}
	for _, r := range s.InForce(at) {
		if r.Basis == policy.Consent {
			ages[r.Purpose] = append(ages[r.Purpose], r.MaxAge)
		}
	}
	ends := registry.ExpiryEnds{}
	for purpose, list := range ages {
		ends[purpose] = func(since time.Time) time.Time {
			day, last := policy.DateOf(since, zone), policy.Date(0)
			for _, age := range list {
				last = max(last, policy.EndOf(day, age))
			}
			return (last + 1).Start(zone)
		}
	}
	return ends
}

// Endings names, for each purpose of a silo, the event that ends it: among rules that wait for one there is no other (policy.Compile).
func Endings(s *policy.Compiled) map[string]registry.EventType {
	out := map[string]registry.EventType{}
	for _, r := range s.Silo.Rules {
		out[r.Purpose] = cmp.Or(registry.EventType(r.Event), out[r.Purpose])
	}
	return out
}
