package pipeline

import (
	"lethe/pipeline/stores"
)

// draft is what may be planned of one source.
type draft struct {
	*stores.Store
	graph  *erasure
	due    bool   // backups: rewritten tonight
	digest string // backups: sha256 of the file as planned
}

// askAll asks people about every row of a source.
func (d *draft) askAll() {
	for _, g := range d.Judges {
		for _, r := range g.Roots {
			r.Asks = true
		}
	}
}
