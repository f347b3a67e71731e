package plan

import (
	"lethe/pipeline/dependents"
	"lethe/pipeline/stores"
)

// Draft is what may be planned of one source.
type Draft struct {
	*stores.Store
	Graph  *dependents.Graph
	Due    bool   // backups: rewritten tonight
	Digest string // backups: sha256 of the file as planned
}

// AskAll asks people about every row of a source.
func (d *Draft) AskAll() {
	for _, g := range d.Judges {
		for _, r := range g.Roots {
			r.Asks = true
		}
	}
}
