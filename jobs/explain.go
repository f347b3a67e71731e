package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask"
	"lethe/pipeline/setup"
)

func explainCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use:   "explain <source>.<table> <key>...",
		Short: "Say why a record was, or would be, kept or deleted",
		Args:  cobra.MinimumNArgs(2),
		Example: "  lethe explain crm.customers 42\n" +
			"  lethe explain crm.customers 42 --as-of 2028-01-01   # as things stand, what would be decided then",
		RunE: func(cmd *cobra.Command, args []string) error {
			source, table, ok := strings.Cut(args[0], ".")
			if !ok {
				return fmt.Errorf("%w: name the table as source.table", setup.ErrUsage)
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.decideAt(p); err != nil {
				return err
			}
			answers, err := ask.Explain(cmd.Context(), p, source, table, args[1:])
			for _, l := range slices.Concat(answers...) {
				fmt.Fprintln(c.Out, l)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.asOf, "as-of", "",
		"decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	return cmd
}
