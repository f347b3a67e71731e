package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/whatif"
)

func policyDiffCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use:   "diff OLD.yaml [NEW.yaml]",
		Short: "Say what a changed policy would do with the rows as they are, before it is adopted",
		Args:  cobra.RangeArgs(1, 2),
		Long: `Decide every row of the live sources by two configurations, read once, at the same instant and by the
same registry, and count what differs: which rows would now be deleted, blocked or kept, for which
reason, and since when they are due. NEW is the configuration in use (--config) when it is left out.
Only the policy may differ: silos, controller, breakers. OLD is read as if it stood in the place of NEW.
Nothing is written, not even to the journal.`,
		Example: "  git show HEAD:lethe.yaml > old.yaml && lethe policy diff old.yaml\n" +
			"  lethe policy diff lethe.yaml draft.yaml --as-of 2027-01-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if len(args) > 1 {
				c.config = args[1]
			}
			next, cfg, err := c.load(ctx)
			if err != nil {
				return err
			}
			old, err := cfg.LoadOther(args[0])
			if err != nil {
				return err
			}
			p, err := c.build(ctx, old)
			if err != nil {
				return err
			}
			o, err := f.options(next)
			if err != nil {
				return err
			}
			stop := c.progress(next)
			result, err := whatif.Compare(ctx, p, next, o.AsOf)
			stop()
			if len(result.Tables) == 0 && err != nil {
				return err
			}
			if c.json {
				return errors.Join(err, c.printJSON(result))
			}
			printComparison(c, result)
			return err
		},
	}
	cmd.Flags().StringVar(&f.asOf, "as-of", "",
		"decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	return cmd
}

func printComparison(c *Command, r whatif.Comparison) {
	fmt.Fprintf(c.Out, "as of %s\n\nthe policy:\n", r.AsOf)
	for _, change := range r.Changes {
		fmt.Fprintln(c.Out, "  "+change)
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(c.Out, "  decides by the same rules")
	}
	fmt.Fprintln(c.Out, "\nthe rows:")
	var rows [][]string
	for _, t := range r.Tables {
		rows = append(rows, []string{"  " + t.Source + "." + t.Table, fmt.Sprintf("%d rows", t.Rows),
			fmt.Sprintf("%d as before", t.Same), fmt.Sprintf("%d otherwise", t.Rows-t.Same)})
	}
	table(c.Out, rows)
	if len(r.Lines) > 0 {
		rows = [][]string{{"rows", "effect", "table", "silo", "old", "new", "due from"}}
		for _, l := range r.Lines {
			silo := cmp.Or(l.New.Silo, l.Old.Silo)
			if l.Old.Silo != l.New.Silo && l.Old.Silo != "" && l.New.Silo != "" {
				silo = l.Old.Silo + " -> " + l.New.Silo
			}
			rows = append(rows, []string{fmt.Sprint(l.Rows), l.Effect, l.Source + "." + l.Table, silo,
				verdict(l.Old), verdict(l.New), dueWords(l)})
		}
		fmt.Fprintln(c.Out)
		table(c.Out, rows)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(c.Out, "\nnote: "+n)
	}
}

// verdict is a policy's word on rows, in a cell.
func verdict(v whatif.Verdict) string {
	if v.Silo == "" {
		return "-"
	}
	s := fmt.Sprintf("%s/%s %s", v.Action, v.Use, v.Reason)
	if v.Clear != "" {
		s += " clear " + strings.ReplaceAll(v.Clear, ";", ",")
	}
	return s
}

// dueWords are the earliest days of erasure, before and after.
func dueWords(l whatif.ComparedLine) string {
	if l.OldDue == l.NewDue {
		return cmp.Or(l.NewDue, "-")
	}
	return cmp.Or(l.OldDue, "-") + " -> " + cmp.Or(l.NewDue, "-")
}
