package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/notes"
)

func policyCodesCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use:   "codes",
		Short: "List the codes of decisions, exceptions and questions with article and meaning",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows [][]string
			codes := notes.Codes()
			for _, m := range codes {
				rows = append(rows, []string{m.Code, m.Article, m.Words})
			}
			return c.printList(rows, codes, nil)
		},
	}
}
