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
	Used       collections           // to which rows belong that the night read
	Anonymized map[keystore.Ref]bool // records that an earlier night anonymized, and that are still there
}

// collections is a set of a silo's collections: a bit for each, which is 1.2 MB for ten million.
type collections []uint64
