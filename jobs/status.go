package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask"
	"lethe/pipeline/setup"
)

func statusCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say when a night last succeeded, what waits, and who holds the lock", Args: cobra.NoArgs,
		Example: "  lethe status --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			s, err := ask.StatusOf(cmd.Context(), p)
			if err != nil && s.Waiting == nil && s.Journal == "" {
				return err
			}
			if c.json {
				return errors.Join(c.printJSON(s), err)
			}
			printStatus(c, p, s)
			return err
		},
	}
}

// lateWords name what people owe.
var lateWords = map[string]string{"F_REQUEST_OVERDUE": "overdue request", "F_REQUEST_PAUSED": "paused request",
	"F_HOLD_UNAPPROVED": "unapproved hold", "F_HOLD_REVIEW": "hold to review"}

func printStatus(c *Command, p *setup.Setup, s ask.Status) {
	when := func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.In(p.Zone).Format(time.DateTime)
	}
	rows := [][]string{{"last success", when(s.LastSuccess)}, {"last run",
		fmt.Sprintf("%s, exit %d", when(s.LastRun), s.LastExit)}}
	switch {
	case s.LastRun.IsZero():
		rows[1][1] = "never"
	case s.Interrupted && s.Running != nil:
		rows[1][1] = when(s.LastRun) + ", cut off"
	case s.Interrupted:
		rows[1][1] = when(s.LastRun) + ", cut off; the next one settles what it left"
	}
	if s.Running != nil {
		rows = append(rows, []string{"running", "since " + when(s.Running.Since)})
	}
	if s.Lock != "" {
		rows = append(rows, []string{"lock", s.Lock})
	}
	if s.StopFile {
		rows = append(rows, []string{"stop file", "is there: nothing is changed until it is removed"})
	}
	for _, w := range s.Waiting {
		rows = append(rows, []string{"waiting plan", fmt.Sprintf("%s, %d rows, for %s, until %s", w.PlanID, w.Rows,
			strings.Join(w.For, " and "), w.ValidUntil.In(p.Zone).Format(time.DateOnly))})
	}
	for _, f := range s.Overdue {
		_, why, _ := strings.Cut(f.Words, ": ")
		rows = append(rows, []string{"overdue", fmt.Sprintf("%s.%s: %d rows: %s", f.Source, f.Object, f.Count, why)})
	}
	for _, a := range s.SetAside {
		rows = append(rows, []string{"set aside", fmt.Sprintf("%s.%s: %d rows that the database refused to change on %s "+
			"(%s): tried again from %s on; sooner with `lethe run --apply --retry-refused`", a.Source, a.Object, a.Rows,
			dayOf(a.Since, p.Zone), strings.TrimSpace(a.Class+" "+a.By), dayOf(a.NextTry, p.Zone))})
	}
	for _, c := range s.Copies {
		state := "up to date at " + when(c.At)
		if c.Error != "" {
			state = fmt.Sprintf("%s at %s, %d hours behind", c.Error, when(c.At), c.LagSeconds/3600)
		} else if c.Drift > 0 {
			state += fmt.Sprintf(", %d rows were put right", c.Drift)
		}
		rows = append(rows, []string{"copy", fmt.Sprintf("%s of %s (%s.%s): %s", c.Target, c.Silo, c.Source,
			c.Object, state)})
	}
	for _, d := range s.Late {
		rows = append(rows, []string{lateWords[d.Kind], fmt.Sprintf("%s in silo %s, late since %s, %d days", d.ID,
			d.Silo, dayOf(d.Due, p.Zone), d.Days)})
	}
	for _, o := range s.Orders {
		rows = append(rows, []string{"order", fmt.Sprintf("%s of silo %s %s", o.Order, o.Silo, o.Words)})
	}
	if s.Policy != "" {
		rows = append(rows, []string{"policy", s.Policy})
	}
	if s.Log.Words != "" {
		words := s.Log.Words
		if s.Log.Late {
			words += ": the data protection officer is to cosign it, with `lethe audit cosign`"
		}
		rows = append(rows, []string{"log", words})
	}
	if s.Journal != "" {
		rows = append(rows, []string{"journal", "it, or what people answered, is not as the nights left it: see below"})
	}
	if s.Registry != "" {
		rows = append(rows, []string{"registry", s.Registry})
	}
	if s.Report != "" {
		rows = append(rows, []string{"report", relative(s.Report)})
	}
	table(c.Out, rows)
}
