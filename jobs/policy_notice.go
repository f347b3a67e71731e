package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy/words"
)

func policyNoticeCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use:   "notice",
		Short: "Print the retention table for the privacy notice, from the rules in force",
		Args:  cobra.NoArgs,
		Long: `Print, as a table in Markdown, how long data are kept for which purpose and on which basis (Art.
13(2)(a), 14(2)(a)). Put what the notice says into a rule's notice_term, and lethe policy lint tells
when the two drift apart.`,
		Example: "  lethe policy notice",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			lines := []words.NoticeLine{}
			for _, s := range p.Silos {
				lines = append(lines, words.Notice(s, c.Now())...)
			}
			if c.json {
				return c.printJSON(lines)
			}
			fmt.Fprintln(c.Out, "| collected as | purpose | legal basis | data | kept | then |\n"+
				"|---|---|---|---|---|---|")
			for _, l := range lines {
				fmt.Fprintf(c.Out, "| %s | %s | %s | %s | %s | %s |\n", l.Silo, l.Purpose, l.Basis, l.Data, l.Kept,
					l.Then)
			}
			return nil
		},
	}
}
