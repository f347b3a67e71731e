package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/incidents"
	"lethe/pipeline/setup"
)

func incidentCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "incident", Short: "Hints of an incident that nights noticed, and what people said of them",
		Long: `A hint is a sign that something may have happened that has to be notified (Art. 33): a source that looks as if
it had been put back from a backup, rows or values that are gone and that Lethe did not end, people in test
data, evidence that does not hold. It is no breach before somebody says so; if it is one, it may have to be
notified within 72 hours of when the controller knew.`,
	}
	cmd.AddCommand(incidentListCommand(c), incidentAssessCommand(c), incidentQueryCommand(c))
	return cmd
}

func incidentListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the hints of the newest night", Args: cobra.NoArgs, Example: "  lethe incident list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			hints, err := incidents.List(cmd.Context(), p)
			if err != nil {
				return err
			}
			rows := [][]string{}
			for _, h := range hints {
				state := "open; the 72 hours end " + h.ClockUntil.In(p.Zone).Format(time.DateTime)
				if !h.ClosedAt.IsZero() {
					state = "assessed by " + h.AssessedBy + ": " + h.Assessment
				}
				rows = append(rows, []string{h.HintID, h.Kind, h.Source, h.Object, fmt.Sprint(h.Rows),
					h.NoticedAt.In(p.Zone).Format(time.DateTime), state})
			}
			return c.printList(rows, hints, nil)
		},
	}
}

func incidentAssessCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	cmd := &cobra.Command{
		Use: "assess HINT", Short: "Say what a hint was, and what follows", Args: cobra.ExactArgs(1),
		Long: `Say what a hint was: a false alarm, or what happened, whether it is notified, and why not. It is signed and stands
in every later report. It takes an owner of a silo, a custodian or the data protection officer.`,
		Example: "  lethe incident assess 8f14e45fceea167a --as dora --key dora.key --comment \"a test restore; no one had access\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			by, err := signer.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			if err := incidents.Assess(cmd.Context(), p, args[0], by[0].Name, comment, by[0].Signer); err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: the assessment of hint %s is recorded\n", by[0].Name, args[0])
			return nil
		},
	}
	signer.register(cmd, "who assesses it: a name under people")
	cmd.Flags().StringVar(&comment, "comment", "", "what happened; it stands in the report")
	required(cmd, "comment")
	return cmd
}

func incidentQueryCommand(c *Command) *cobra.Command {
	var q incidents.Question
	var object string
	cmd := &cobra.Command{
		Use: "query", Short: "Say from the reports alone what is known of a table between two days", Args: cobra.NoArgs,
		Long: `Say from the reports alone, or a copy of them, what is known of a source, or of one of its tables, between two
days: how many rows and people, which categories of data, what Lethe changed, what was found, which backups
are copies of it. It is what a notification has to say (Art. 33(3)), as far as it is known.`,
		Example: "  lethe incident query --from 2026-11-20 --to 2026-11-23 --object crm.customers\n" +
			"  lethe incident query --from 2026-11-20 --to 2026-11-23 --object crm --reports ./copy-of-reports --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, day := range []string{q.From, q.To} {
				if _, err := time.Parse(time.DateOnly, day); err != nil {
					return fmt.Errorf("%w: %q is no day: write --from and --to as YYYY-MM-DD", setup.ErrUsage, day)
				}
			}
			q.Source, q.Object, _ = strings.Cut(object, ".")
			if q.Reports == "" {
				p, _, err := c.load(cmd.Context())
				if err != nil {
					return err
				}
				q.Reports = p.Reports
			}
			a, err := incidents.Query(cmd.Context(), q)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(a)
			}
			c.sayAnswer(a)
			return nil
		},
	}
	cmd.Flags().StringVar(&q.From, "from", "", "first civil `date`, YYYY-MM-DD")
	cmd.Flags().StringVar(&q.To, "to", "", "last civil `date`, YYYY-MM-DD")
	cmd.Flags().StringVar(&object, "object", "", "`SOURCE` or SOURCE.TABLE, as the configuration has it")
	cmd.Flags().StringVar(&q.Reports, "reports", "", "a `folder` of reports, such as a copy; no configuration is needed then")
	required(cmd, "from", "to", "object")
	return cmd
}

// sayAnswer prints what the reports say of a table.
func (c *Command) sayAnswer(a incidents.Answer) {
	fmt.Fprintln(c.Out, "Night by night")
	var rows [][]string
	for _, n := range a.Nights {
		var changed []string
		for _, change := range slices.Sorted(maps.Keys(n.Change)) {
			changed = append(changed, fmt.Sprintf("%d %s", n.Change[change], change))
		}
		rows = append(rows, []string{"  " + n.Date, fmt.Sprintf("%d rows", n.Rows), strings.Join(changed, ", ")})
	}
	table(c.Out, rows)
	fmt.Fprintln(c.Out, "Categories of data, as they were read last")
	rows = nil
	for _, f := range a.Fields {
		rows = append(rows, []string{"  " + f.Object + "." + f.Field, f.Category, f.Class, fmt.Sprintf("%d rows", f.Rows)})
	}
	table(c.Out, rows)
	fmt.Fprintln(c.Out, "People, counted once in each silo")
	rows = nil
	for _, s := range a.Silos {
		people := fmt.Sprintf("%d people", s.People)
		if s.People == 0 && s.Rows > 0 {
			people = "nobody is named"
		}
		rows = append(rows, []string{"  " + s.Silo, people, fmt.Sprintf("%d live rows", s.Rows)})
	}
	table(c.Out, rows)
	for _, list := range []struct {
		title string
		lines []string
	}{{"Hints of an incident", a.Hints}, {"Findings", a.Found}, {"Backups of the source", a.Files}} {
		fmt.Fprintln(c.Out, list.title)
		for _, line := range list.lines {
			fmt.Fprintln(c.Out, "  "+line)
		}
		if len(list.lines) == 0 {
			fmt.Fprintln(c.Out, "  none")
		}
	}
}
