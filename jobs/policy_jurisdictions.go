package jobs

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy/law"
	"lethe/pipeline/setup"
)

func policyJurisdictionsCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use:   "jurisdictions [country]...",
		Short: "List what Lethe knows of national law, where it was read, and what is unverified",
		Long: `National law that a decision needs (the age from which a child consents, blocking before deletion) and
terms worth knowing, each with its source and the day on which it was read there. Terms are never
applied by themselves. All of it is a starting point: have it confirmed by a lawyer before you rely on
it.`,
		Example: "  lethe policy jurisdictions\n  lethe policy jurisdictions ES IT",
		RunE: func(_ *cobra.Command, args []string) error {
			var list []law.Jurisdiction
			for _, j := range law.All() {
				if len(args) == 0 || slices.Contains(args, j.Code) {
					list = append(list, j)
				}
			}
			for _, code := range args {
				if _, known := law.Of(code); !known {
					return fmt.Errorf("%w: nothing is known of %q: the regulation's own terms hold there",
						setup.ErrUsage, code)
				}
			}
			if c.json {
				return c.printJSON(struct {
					European      []law.Law          `json:"european"`
					Jurisdictions []law.Jurisdiction `json:"jurisdictions"`
				}{law.European(), list})
			}
			var rows [][]string
			laws := func(code string, laws []law.Law) {
				for _, l := range laws {
					checked := "unverified"
					if l.Checked != "" {
						checked = l.Checked + " at " + l.Seen
					}
					rows = append(rows, []string{code, string(l.Topic), l.Says, l.Law, checked})
				}
			}
			laws("EU", law.European())
			for _, j := range list {
				rows = append(rows, []string{j.Code, "authority", j.Authority, "", ""})
				laws(j.Code, j.Laws)
			}
			table(c.Out, rows)
			fmt.Fprintln(c.Out, "\nA starting point, marked for legal review.")
			return nil
		},
	}
}
