package pipeline

import (
	"fmt"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// clockSlack is how far the clock of a machine may stand before what another one, or an earlier night, wrote down.
const clockSlack = time.Hour

// clock finds that this machine's clock stands before a night that was, or before something that the registry recorded:
// what is due since then would stay, and nobody would notice. The night goes on, since it is right for the day that it
// knows, and is no night in order.
func (b *book) clock(registry *silos.Set) {
	p := b.setup
	latest, of := b.lastRun, "the night before began"
	for _, h := range registry.Heads {
		if h.RecordedAt.After(latest) {
			latest, of = h.RecordedAt, "the registry recorded something of silo "+h.Silo
		}
	}
	if p.Simulated || !p.Now().Add(clockSlack).Before(latest) {
		return
	}
	words := fmt.Sprintf("The clock says %s, and at %s %s.", p.Now().UTC().Format(time.RFC3339),
		latest.UTC().Format(time.RFC3339), of)
	b.notes.Find(audit.Finding{Kind: "F_CLOCK_BACK", Severity: "high", Count: 1, Article: "Art. 5(1)(e)",
		Words: words + " One of the two is wrong: rows that are due by the later one are still kept."})
	b.notes.Problem(fmt.Errorf("%w: %s One of the two is wrong: set the clock of the machine right; if it is, this "+
		"ends by itself when that instant is over", setup.ErrExpired, words))
}
