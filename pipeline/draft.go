package pipeline

// draft is what may be planned of one source.
type draft struct {
	*store
	graph  *erasure
	due    bool   // backups: rewritten tonight
	digest string // backups: sha256 of the file as planned
}

// askAll asks people about every row of a source.
func (d *draft) askAll() {
	for _, g := range d.judges {
		for _, r := range g.roots {
			r.asks = true
		}
	}
}
