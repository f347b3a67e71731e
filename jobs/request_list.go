package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/cases"
)

// requestLine is a request as it is listed.
type requestLine struct {
	Silo      string        `json:"silo"`
	Request   string        `json:"request"`
	Kind      string        `json:"kind"`
	Received  time.Time     `json:"received"`
	Due       time.Time     `json:"due"`          // the first instant after the last day for the answer; zero: paused
	Closed    time.Time     `json:"closed"`       // zero: open
	Extended  string        `json:"extended"`     // why the term was extended; "" it was not
	Paused    time.Time     `json:"paused"`       // since when; zero: it is not
	Rested    float64       `json:"paused_hours"` // for how long in all
	Outcome   string        `json:"outcome"`
	Exception string        `json:"exception"`
	Overdue   bool          `json:"overdue"`
	Days      *int64        `json:"days_left"` // until the last day; null while the term rests, and when it is closed
	Steps     []requestStep `json:"steps"`
}

// requestStep is what was done with a request, as JSON.
type requestStep struct {
	Step string    `json:"step"`
	How  string    `json:"how"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// done names what was done with a request, each once, in order: verified, looked, told answer.
func done(steps []requestStep) string {
	var names []string
	for _, s := range steps {
		name := s.Step
		if name == cases.StepManual {
			name = "done at " + s.How
		}
		if name == cases.StepTold {
			kind, _, _ := strings.Cut(s.How, " ")
			name += " " + strings.ReplaceAll(kind, "_", " ")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

func requestListCommand(c *Command) *cobra.Command {
	var which listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the open requests with the day by which each has to be answered", Args: cobra.NoArgs,
		Example: "  lethe request list\n  lethe request list --silo customers --all --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []requestLine{}
			rows := [][]string{{"SILO", "REQUEST", "KIND", "RECEIVED", "ANSWER BY", "DAYS", "STATE", "DONE"}}
			err := c.eachSilo(cmd.Context(), which.silo, func(o opened, silo string) error {
				asked, err := duties.Asked(cmd.Context(), o.registry, silo)
				for i := range asked {
					q := asked[i].Request
					if !q.Closed.IsZero() && !which.all {
						continue
					}
					l := requestLine{Silo: silo, Request: q.ID, Kind: q.Kind, Received: q.Received,
						Due: q.Deadline(), Closed: q.Closed, Outcome: q.Outcome, Exception: q.Exception,
						Extended: q.Because, Paused: q.PausedAt, Rested: q.Rested(c.Now()).Hours(), Steps: []requestStep{}}
					l.Overdue = q.Closed.IsZero() && !l.Due.IsZero() && !l.Due.After(c.Now())
					state, due, days := "open", "-", "-"
					if !l.Due.IsZero() {
						due = lastDay(l.Due, o.p.Zone)
					}
					if !l.Due.IsZero() && q.Closed.IsZero() {
						left := int64(calendar.DateOf(l.Due.Add(-time.Second), o.p.Zone) - calendar.DateOf(c.Now(), o.p.Zone))
						l.Days, days = &left, fmt.Sprint(left)
					}
					switch {
					case l.Overdue:
						state = "overdue"
					case !q.Closed.IsZero():
						state = strings.TrimSpace(strings.ReplaceAll(q.Outcome, "_", " ") + " " + q.Exception)
					case !q.PausedAt.IsZero():
						state = "paused since " + dayOf(q.PausedAt, o.p.Zone)
					case q.Because != "":
						state = "open, extended: " + q.Because
					}
					for _, step := range asked[i].Steps {
						if step.Name == cases.StepMarked || step.Name == cases.StepStated {
							continue // for the receipt, and nothing that anybody did
						}
						l.Steps = append(l.Steps, requestStep{step.Name, step.How, step.By, step.At})
					}
					lines = append(lines, l)
					rows = append(rows, []string{silo, q.ID, q.Kind, dayOf(q.Received, o.p.Zone), due, days, state,
						done(l.Steps)})
				}
				return err
			})
			return c.printList(rows, lines, err)
		},
	}
	which.register(cmd, "the closed ones too")
	return cmd
}
