package jobs

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask"
	"lethe/pipeline/ask/processing"
	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
)

func policyProcessingCommand(c *Command) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "processing",
		Short: "Print the record of processing activities (Art. 30)",
		Args:  cobra.NoArgs,
		Long: `Print the controller's record of processing activities (Art. 30(1)): for each silo and purpose whose data
are processed, which, on which basis, who gets them, how long they are kept and where they lie. Terms come from the
rules in force, categories of data from what the newest night found in the stores. What the article asks for and nobody
has said yet stands at the end, with where to write it.`,
		Example: "  lethe policy processing\n  lethe policy processing --format html >processing.html",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			var inventory []audit.Inventory
			var read time.Time
			switch nights, err := ask.LastRead(cmd.Context(), p); {
			case err == nil:
				inventory, read = nights.Last, nights.Read
			case !errors.Is(err, setup.ErrConfig):
				return err
			}
			k := cfg.Controller
			r := processing.Of(p, processing.Controller{Name: k.Name, Address: k.Address, Contact: k.Contact, DPO: k.DPO,
				Jurisdiction: k.Jurisdiction, Recipients: k.Recipients, Measures: k.Measures}, inventory, read, c.Now())
			switch {
			case c.json || format == "json":
				return c.printJSON(r)
			case format == "csv":
				return r.WriteCSV(c.Out)
			case format == "html":
				return r.WriteHTML(c.Out)
			case format == "text":
				return r.WriteText(c.Out)
			}
			return fmt.Errorf("%w: --format %q: use text, csv, html or json", setup.ErrUsage, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, csv, html or json")
	return cmd
}
