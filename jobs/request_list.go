package jobs

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// requestLine is a request as it is listed.
type requestLine struct {
	Silo      string    `json:"silo"`
	Request   string    `json:"request"`
	Kind      string    `json:"kind"`
	Received  time.Time `json:"received"`
	Due       time.Time `json:"due"`          // the first instant after the last day for the answer; zero: paused
	Closed    time.Time `json:"closed"`       // zero: open
	Extended  string    `json:"extended"`     // why the term was extended; "" it was not
	Paused    time.Time `json:"paused"`       // since when; zero: it is not
	Rested    float64   `json:"paused_hours"` // for how long in all
	Outcome   string    `json:"outcome"`
	Exception string    `json:"exception"`
	Overdue   bool      `json:"overdue"`
}

func requestListCommand(c *Command) *cobra.Command {
	var which listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the open requests with the day by which each has to be answered", Args: cobra.NoArgs,
		Example: "  lethe request list\n  lethe request list --silo customers --all --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []requestLine{}
			rows := [][]string{{"SILO", "REQUEST", "KIND", "RECEIVED", "ANSWER BY", "STATE"}}
			err := c.eachSilo(cmd.Context(), which.silo, func(o opened, silo string) error {
				requests, err := o.registry.Requests(cmd.Context(), silo)
				for _, q := range requests {
					if !q.Closed.IsZero() && !which.all {
						continue
					}
					l := requestLine{Silo: silo, Request: q.ID, Kind: q.Kind, Received: q.Received,
						Due: q.Deadline(), Closed: q.Closed, Outcome: q.Outcome, Exception: q.Exception,
						Extended: q.Because, Paused: q.PausedAt, Rested: q.Rested(c.Now()).Hours()}
					l.Overdue = q.Closed.IsZero() && !l.Due.IsZero() && !l.Due.After(c.Now())
					state, due := "open", "-"
					if !l.Due.IsZero() {
						due = lastDay(l.Due, o.p.Zone)
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
					lines = append(lines, l)
					rows = append(rows, []string{silo, q.ID, q.Kind, dayOf(q.Received, o.p.Zone), due, state})
				}
				return err
			})
			return c.printList(rows, lines, err)
		},
	}
	which.register(cmd, "the closed ones too")
	return cmd
}
