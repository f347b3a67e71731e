package balance

import (
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/census"
	"lethe/pipeline/policy"
)

// keptWhole tells the census of the backups that are kept whole (connectors.Whole), and whose rows were ended: nobody
// can look whether such a backup has them, and it had all that there was when it was taken.
func (b *Book) keptWhole() {
	copies := map[string][]census.Whole{} // by live source
	for _, s := range b.Stores.List {
		if _, whole := s.Conn.(connectors.Whole); whole && s.Of != "" {
			copies[s.Of] = append(copies[s.Of], census.Whole{Source: s.Name, Taken: s.TakenAt})
		}
	}
	for _, silo := range b.Setup.Silos {
		st := b.Silos.Silos[silo.Silo.Name]
		for live, list := range copies {
			if st == nil || st.Tombstones == nil || !governs(silo, live) {
				continue
			}
			b.Census.KeptWhole(silo.Silo.Name, live, list, func(yield func(census.Person, time.Time) bool) {
				for t := range st.Tombstones.All() {
					if t.System == live && t.Gone() && !yield(census.PersonOf(st.Standings, t.Subject), t.ErasedAt) {
						return
					}
				}
			})
		}
	}
}

// governs reports whether a silo has rows in a live source.
func governs(silo *policy.Compiled, live string) bool {
	return slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool { return r.Source == live })
}
