package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

func planCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "plan", Short: "Seal a plan and change nothing", Args: cobra.NoArgs,
		Example: "  lethe plan\n  lethe plan --as-of 2027-01-01   # what would be due by then\n  lethe plan list",
		RunE:    func(cmd *cobra.Command, _ []string) error { return night(cmd.Context(), c, f, setup.PlanOnly) },
	}
	f.register(cmd, false)
	var rows rowFlags
	list := &cobra.Command{
		Use: "list", Short: "List the plans: their states, their rows, until when they can be answered",
		Args: cobra.NoArgs, Example: "  lethe plan list\n  lethe plan list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			return showPlans(cmd.Context(), c, p, "")
		},
	}
	show := &cobra.Command{
		Use:   "show [plan]",
		Short: "Show a plan in full: counts, reasons, who has to answer; with --rows each row; without one, list all",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || (rows.rows || rows.values) && (len(args) == 0 || args[0] == "") {
				return fmt.Errorf("%w: name one plan: `lethe plan list` lists them", setup.ErrUsage)
			}
			return nil
		},
		Example: "  lethe plan show 0190f3\n  lethe plan show 0190f3 --rows\n" +
			"  lethe plan show 0190f3 --rows --table crm.customers --csv > rows.csv\n" +
			"  lethe plan show 0190f3 --values --as anna --key anna.key",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := rows.wanted(c.json); err != nil {
				return err
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if rows.rows || rows.values {
				return showRows(cmd.Context(), c, p, args[0], rows)
			}
			return showPlans(cmd.Context(), c, p, strings.Join(args, ""))
		},
	}
	show.Flags().BoolVar(&rows.rows, "rows", false, "each row, by table and key: what, why, until when it was lawful, "+
		"and what goes with it")
	show.Flags().StringVar(&rows.table, "table", "", "with --rows only those of this table: table, or source.table")
	show.Flags().BoolVar(&rows.csv, "csv", false, "with --rows as CSV")
	show.Flags().BoolVar(&rows.values, "values", false, "each row with what stands in it now, read live, for an owner of "+
		"its silo, who signs that they look")
	show.Flags().StringVar(&rows.as, "as", "", "with --rows or --values: who looks, a name under people")
	show.Flags().StringVar(&rows.key, "key", "", "with --rows or --values: file with that person's signing key")
	cmd.AddCommand(list, show, planDiscardCommand(c))
	return cmd
}

// showPlans lists the plans, or prints one in full. What can be read is shown all the same; the error says what
// cannot be used.
func showPlans(ctx context.Context, c *Command, p *setup.Setup, id string) error {
	plans, err := plan.List(ctx, p)
	if err != nil {
		return err
	}
	whole := state.WholeUnopened(ctx, p)
	if id != "" {
		plans = slices.DeleteFunc(plans, func(l plan.Listed) bool {
			return !strings.HasPrefix(l.PlanID, id) && !strings.HasPrefix(l.Entry.Digest, id)
		})
		if len(plans) == 0 {
			return errors.Join(whole, fmt.Errorf("%w: no plan is named %q: `lethe plan list` lists them",
				setup.ErrConfig, id))
		}
	}
	unusable := []error{whole}
	docs := []plan.Document{}
	for _, l := range plans {
		docs, unusable = append(docs, l.Document), append(unusable, l.Unusable)
	}
	for _, d := range docs {
		for _, line := range d.Counts {
			p.Names.Of(line.Source)
			p.Names.Of(line.Table)
		}
		for _, line := range d.Starts {
			p.Names.Of(line.Field)
		}
		for _, t := range d.Triggers {
			for _, name := range slices.Concat([]string{t.Table, t.Name}, t.Writes, t.Calls) {
				p.Names.Of(name)
			}
		}
	}
	if c.json {
		return errors.Join(append(unusable, c.printJSON(docs))...)
	}
	if id == "" {
		rows := [][]string{{"PLAN", "STATE", "PART", "AS OF", "ROWS", "VALID UNTIL"}}
		for _, l := range plans {
			var n int64
			for _, line := range l.Counts {
				n += line.Rows
			}
			rows = append(rows, []string{l.PlanID, l.Entry.State, string(l.Part), l.AsOf.In(p.Zone).Format(time.DateOnly),
				fmt.Sprint(n), l.ValidUntil.In(p.Zone).Format(time.DateOnly)})
		}
		table(c.Out, rows)
		return errors.Join(unusable...)
	}
	for _, l := range plans {
		if err := showPlan(ctx, c, p, l); err != nil {
			return err
		}
	}
	return errors.Join(unusable...)
}

func showPlan(ctx context.Context, c *Command, p *setup.Setup, l plan.Listed) error {
	d, e := l.Document, l.Entry
	fmt.Fprintf(c.Out, "plan %s (%s), %s, as of %s, valid until %s\ndigest %s\n", d.PlanID, d.Part, e.State,
		d.AsOf.In(p.Zone).Format(time.DateTime), d.ValidUntil.In(p.Zone).Format(time.DateTime), e.Digest)
	rows := [][]string{{"SILO", "SOURCE", "TABLE", "CHANGE", "ROWS", "OF TABLE", "OLDEST DUE", "REASON"}}
	for _, l := range d.Counts {
		share := "not counted"
		if l.Percent > 0 {
			share = fmt.Sprintf("%.1f %%", l.Percent)
		}
		rows = append(rows, []string{l.Silo, l.Source, l.Table, l.Change, fmt.Sprint(l.Rows), share, l.OldestDue,
			l.Reason})
	}
	table(c.Out, rows)
	for _, s := range d.Starts {
		fmt.Fprintf(c.Out, "%s: %s\n", s.Source, s.Said())
	}
	for _, q := range d.Questions {
		fmt.Fprintf(c.Out, "question %s: %s\n", q, notes.QuestionWords(q))
	}
	for _, t := range d.Triggers {
		fmt.Fprintf(c.Out, "%s: %s\n", t.Source, p.Names.Sentence(t.Said()))
	}
	for _, words := range d.Stays {
		fmt.Fprintf(c.Out, "stays: %s\n", words)
	}
	if e.State != journal.Waiting || l.Unusable != nil {
		return nil
	}
	missing, err := plan.WaitsFor(ctx, p, e.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "waits for: %s\n", strings.Join(missing, ", "))
	return nil
}
