package findings

import (
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/lent"
)

// InspectLent finds copies for development and test whose last day is over, and of which nobody said that they are
// gone.
func (in *Inspector) InspectLent() error {
	copies, err := lent.Read(in.Setup)
	if err != nil {
		return err
	}
	for _, c := range copies {
		if !c.Overdue(in.Tonight.Today) {
			continue
		}
		words := fmt.Sprintf("The copy for test %s was to be destroyed by %s, and nobody said that it was; %s answers "+
			"for it. Destroy it, and say so: lethe sanitize destroyed %s.", c.ID, c.Until, c.Owner, c.ID)
		in.Notes.Find(audit.Finding{Kind: "F_TEST_COPY_KEPT", Severity: "medium", Source: c.Source, Object: c.ID,
			Count: 1, Article: "Art. 5(1)(e)", Words: words})
	}
	return nil
}
