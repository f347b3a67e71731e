package silos

import (
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Silo is what the night knows of a silo's registry at one head.
type Silo struct {
	Trust      policy.Trust
	Standings  *standings.Standings
	Tombstones *registry.Tombstones
	Flags      map[registry.FlagKey]time.Time
	Used       Collections           // to which rows belong that the night read
	Anonymized map[keystore.Ref]bool // records that an earlier night anonymized, and that are still there
	Held       Held                  // whose rows stay, and whose end
}

// Collections is a set of a silo's collections: a bit for each, which is 1.2 MB for ten million.
type Collections []uint64

// Add puts a collection into the set.
func (c *Collections) Add(collection int32) {
	word := int(collection) / 64
	if word >= len(*c) {
		*c = append(*c, make([]uint64, word+1-len(*c))...)
	}
	(*c)[word] |= 1 << (collection % 64)
}

// Has reports whether a collection is in the set.
func (c Collections) Has(collection int32) bool {
	word := int(collection) / 64
	return word < len(c) && c[word]&(1<<(collection%64)) != 0
}
