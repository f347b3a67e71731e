package copies

import (
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
	"lethe/pipeline/suppression"
)

// keeping is a copy at work: one target's rows of one table.
type keeping struct {
	setup.Grant
	*Keeper
	store  *stores.Store
	keeper connectors.CopyKeeper // nil where no table is kept
	of     connectors.Table
	key    []int                     // columns of its key
	judges map[string][]*judge.Judge // by silo
	table  connectors.Table          // the copy; no name where there is none (yet)
	files  *snapshot.Snapshot        // nil where none are written
	failed error                     // why the table could not be kept, where the files were
	list   *suppression.List         // of those who said no to marketing; nil where there is none, or no purpose is marketing
	was    map[string]registry.Delivery
	clean  map[string]bool               // by silo: the last delivery was acknowledged, so that what the copy holds is known
	lines  map[string]*audit.ConsentSync // by silo
	found  map[string]*holding           // by silo: what the copy held
	wanted map[string]*holding           // and what it should

	builder *connectors.Builder
	silos   []string // sorted
	permits []policy.Permit
}
