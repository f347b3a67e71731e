package proofs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/audit"
)

// relaxedDays is for how many days that is found: who reads the page on Mondays sees it.
const relaxedDays = 7

// relaxed finds what one person alone adopted and by which rows stay longer, or more of them: one may, so that somebody
// else should look. There is one finding for each silo.
func (b *Book) relaxed(said answers.Chain) error {
	from := b.Setup.Now().AddDate(0, 0, -relaxedDays)
	since := slices.IndexFunc(said.All(), func(s answers.Signed) bool { return !s.Answer.SignedAt.Before(from) })
	if since < 0 {
		return nil
	}
	changes, err := b.changes(said, int64(since))
	silos := map[string][]audit.PolicyChange{}
	var order []string
	for _, c := range changes {
		change := adoption.Change{Path: c.Place, Kind: c.Effect}
		if c.FromDigest == "" || strings.Contains(c.AdoptedBy, ";") || !change.Keeps() {
			continue
		}
		if silos[c.Silo] == nil {
			order = append(order, c.Silo)
		}
		silos[c.Silo] = append(silos[c.Silo], c)
	}
	for _, silo := range order {
		b.Notes.Find(relaxation(silo, silos[silo], b.Setup.Zone))
	}
	return err
}

// relaxation is the finding of what was relaxed in a silo, or "" in what is no silo's.
func relaxation(silo string, changes []audit.PolicyChange, zone *time.Location) audit.Finding {
	last := changes[len(changes)-1]
	words := fmt.Sprintf("%s alone adopted on %s a policy that keeps more: %s, %s instead of %s", last.AdoptedBy,
		last.ChangedAt.In(zone).Format(time.DateOnly), last.Place, cmp.Or(last.After, "nothing"),
		cmp.Or(last.Before, "nothing"))
	if more := len(changes) - 1; more > 0 {
		words += fmt.Sprintf(", and %d more", more)
	}
	if last.EffectRows != "" {
		words += "; live rows that are decided otherwise: " + last.EffectRows
	}
	return audit.Finding{Kind: "F_POLICY_RELAXED", Severity: "medium", Object: cmp.Or(silo, "policy"),
		Count: int64(len(changes)), Article: "Art. 5(1)(e)", Words: words + ". What keeps more takes one person: " +
			"look whether it should be so. The table policy_changes has each change."}
}
