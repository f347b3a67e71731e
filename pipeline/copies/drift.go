package copies

import (
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
)

// drift compares what was found in a copy with what it was known to hold: rows that are missing, that
// Lethe never wrote, or that are not as it left them. What a delivery that was cut off wrote is no drift;
// of such a copy only the seals can be judged.
func (k *keeping) drift(line *audit.ConsentSync) {
	if k.failed != nil { // nobody knows how much of it was seen
		return
	}
	was, found, want := k.was[line.Silo], k.found[line.Silo], k.wanted[line.Silo]
	line.LocalRows, line.CopyDigest, line.LastCompare = found.rows, found.digest[:], k.Keeper.Tonight.AsOf
	line.ExpectedRows, line.ExpectedDigest = want.rows, want.digest[:]
	if !k.clean[line.Silo] {
		line.DriftDifferent = found.unsound
		return
	}
	if !k.Table { // files alone: they are checked when the next ones are written
		return
	}
	line.DriftMissing = max(0, was.Rows-found.rows+found.foreign)
	line.DriftExtra = max(found.foreign, found.rows-was.Rows)
	line.DriftDifferent = max(0, found.unsound-line.DriftExtra)
	if line.DriftMissing+line.DriftExtra+line.DriftDifferent == 0 && found.digest != was.Digest {
		line.DriftDifferent = 1 // at least: a row that Lethe once wrote is back
	}
}

// report puts a copy's line into the report, with findings where it drifted or lags.
func (k *keeping) report(silo string, err error) {
	n, line, was := k.Keeper, k.lines[silo], k.was[silo]
	line.Error = syncCode(err)
	maxLag := k.MaxLag
	if maxLag.IsZero() {
		maxLag = calendar.Period{Days: 1}
	}
	since := was.AckedAt
	if since.IsZero() {
		since = n.Tonight.AsOf
	}
	acked := calendar.DateOf(since, n.Setup.Zone)
	line.MaxLagSeconds = int64(calendar.EndOf(acked, maxLag)-acked) * 86400
	if line.AckedSeq < line.HeadSeq || err != nil {
		line.LagSeconds = int64(n.Tonight.AsOf.Sub(since).Seconds())
	}
	n.bookSync(line)
	if drifted := line.DriftMissing + line.DriftExtra + line.DriftDifferent; drifted > 0 {
		n.Notes.Find(audit.Finding{Kind: "F_SYNC_DRIFT", Severity: "high", Source: k.store.Name, Object: k.name(),
			Count: drifted, Article: "Art. 5(1)(f)",
			Words: fmt.Sprintf("The copy of the consents of silo %s was not as Lethe left it: %d rows missing, "+
				"%d added, %d altered. %s", silo, line.DriftMissing, line.DriftExtra, line.DriftDifferent,
				repaired(n.Tonight.Apply, err))})
	}
	if err != nil && calendar.EndOf(acked, maxLag) < n.Tonight.Today {
		n.Notes.Find(audit.Finding{Kind: "F_SYNC_LAG", Severity: "high", Source: k.store.Name, Object: k.name(),
			Article: "Art. 7(3)",
			Words: fmt.Sprintf("%s works with consents of silo %s as of %s: the copy could not be brought up "+
				"to date since.", k.Target, silo, acked)})
	}
}

// bookSync puts a line into the report; that of a second delivery in one night takes up what the first
// one said.
func (cp *Keeper) bookSync(line *audit.ConsentSync) {
	for i, l := range cp.Notes.Facts.ConsentSync {
		if l.Target == line.Target && l.Silo == line.Silo && l.Source == line.Source && l.Object == line.Object {
			line.Changed += l.Changed
			line.DriftMissing += l.DriftMissing
			line.DriftExtra += l.DriftExtra
			line.DriftDifferent += l.DriftDifferent
			cp.Notes.Facts.ConsentSync[i] = line
			return
		}
	}
	cp.Notes.Facts.ConsentSync = append(cp.Notes.Facts.ConsentSync, line)
}

// repaired says whether what drifted is as it should be again.
func repaired(apply bool, err error) string {
	if apply && err == nil {
		return "It was repaired."
	}
	return "It is not repaired yet."
}
