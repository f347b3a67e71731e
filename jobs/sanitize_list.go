package jobs

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lethe/pipeline/lent"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

func sanitizeListCommand(c *Command) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the copies for test that were made of sources of the configuration",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listCopies(cmd.Context(), all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "those too that were destroyed")
	return cmd
}

func (c *Command) listCopies(ctx context.Context, all bool) error {
	p, _, err := c.load(ctx)
	if err != nil {
		return err
	}
	copies, err := lent.Read(p)
	if err != nil {
		return err
	}
	shown := []lent.Copy{}
	rows := [][]string{{"COPY", "OF", "TO", "OWNER", "PURPOSE", "MADE", "UNTIL", ""}}
	today := calendar.DateOf(p.Now(), p.Zone)
	for _, made := range copies {
		if made.Ended != "" && !all {
			continue
		}
		shown = append(shown, made)
		state := ""
		switch {
		case made.Ended != "":
			state = "destroyed " + made.Ended
		case made.Overdue(today):
			state = "overdue"
		}
		rows = append(rows, []string{made.ID, made.Source, made.To, made.Owner, made.Purpose,
			calendar.DateOf(made.MadeAt, p.Zone).String(), made.Until, state})
	}
	if c.json {
		return c.printJSON(shown)
	}
	if len(shown) == 0 {
		fmt.Fprintln(c.Out, "No copy for test is known.")
		return nil
	}
	table(c.Out, rows)
	return nil
}

func sanitizeDestroyedCommand(c *Command) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "destroyed COPY", Short: "Say that a copy for test is gone",
		Long: `Say that a copy for test is gone. A file that still stands where it was made is refused; of a database, and of what was copied
on from there, your word is taken.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.destroyedCopy(cmd.Context(), args[0], by) },
	}
	cmd.Flags().StringVar(&by, "by", "", "who says so")
	required(cmd, "by")
	return cmd
}

func (c *Command) destroyedCopy(ctx context.Context, id, by string) error {
	p, _, err := c.load(ctx)
	if err != nil {
		return err
	}
	copies, err := lent.Read(p)
	if err != nil {
		return err
	}
	for _, made := range copies {
		if _, gone := os.Lstat(made.To); made.ID == id && gone == nil {
			return fmt.Errorf("%w: %s still stands there: destroy it first", setup.ErrUsage, made.To)
		}
	}
	made, err := lent.End(p, id, by, calendar.DateOf(p.Now(), p.Zone))
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrUsage, err)
	}
	fmt.Fprintf(c.Out, "Copy %s was destroyed on %s, says %s.\n", made.ID, made.Ended, made.EndedBy)
	return nil
}
