package balance

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/census"
	"lethe/pipeline/policy"
	"lethe/pipeline/stores"
)

// presume counts in the backups that are kept whole (connectors.Whole) everybody whose rows were ended since the backup
// was taken: nobody can look whether it has them, and it had all that there was.
func (b *Book) presume() {
	for _, s := range b.Stores.List {
		if _, whole := s.Conn.(connectors.Whole); !whole || s.Of == "" {
			continue
		}
		for _, silo := range b.Setup.Silos {
			st := b.Silos.Silos[silo.Silo.Name]
			if st == nil || st.Tombstones == nil || !governs(silo, s) {
				continue
			}
			for _, t := range st.Tombstones.All() {
				if t.System == s.System() && t.Gone() && t.ErasedAt.After(s.TakenAt) {
					b.Census.Presumed(silo.Silo.Name, s.Name, census.PersonOf(st.Standings, t.Subject))
				}
			}
			b.Census.PresumedTonight(silo.Silo.Name, s.Name, s.System())
		}
	}
}

// governs reports whether a silo has rows in the live source of a backup.
func governs(silo *policy.Compiled, s *stores.Store) bool {
	return slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool { return r.Source == s.System() })
}
