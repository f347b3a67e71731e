package jobs

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/allowed"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

func consentShowCommand(c *Command) *cobra.Command {
	var silo, subject, asOf, country string
	cmd := &cobra.Command{
		Use: "show", Short: "Say what one silo knows of a person, and what follows from it", Args: cobra.NoArgs,
		Long: `Say where each purpose of one silo stands for one person, what is decided from it, and what happened, in
order. Only that silo is asked, and the suppression list. A rule whose term runs from a date in the
application's row is not decided here: ` + "`lethe explain`" + ` decides rows.`,
		Example: "  lethe consent show --silo newsletter --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := parseSubject(subject)
			if err != nil {
				return err
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			at, err := instantOf(asOf, p)
			if err != nil {
				return err
			}
			known, err := allowed.Show(cmd.Context(), p, silo, who, country, at)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(known)
			}
			printKnown(c, p, known)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().StringVar(&subject, "subject", "", "the person: kind=value")
	cmd.Flags().StringVar(&asOf, "as-of", "", "at this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringVar(&country, "country", "",
		"country of a phone number without a prefix; default the silo's jurisdiction")
	required(cmd, "silo", "subject")
	return cmd
}

func printKnown(c *Command, p *setup.Setup, k allowed.Known) {
	day := func(t time.Time) string { return t.In(p.Zone).Format("2006-01-02 15:04") }
	if len(k.Collections) == 0 {
		fmt.Fprintf(c.Out, "silo %s knows nobody by this identifier\n", k.Silo)
	}
	for _, collection := range k.Collections {
		fmt.Fprintf(c.Out, "silo %s, collection %d, on %s\n", k.Silo, collection.Number, day(k.AsOf))
		for _, word := range collection.Flags {
			fmt.Fprintln(c.Out, "  "+word)
		}
		for _, purpose := range collection.Purposes {
			fmt.Fprintf(c.Out, "  %s: %s\n    use %s: %s (%s)\n", purpose.Purpose, purpose.State, purpose.Use,
				purpose.Words, purpose.Reason)
			if purpose.Until != "" {
				fmt.Fprintf(c.Out, "    until %s\n", purpose.Until)
			}
			if purpose.Due != "" {
				fmt.Fprintf(c.Out, "    erasure due %s\n", purpose.Due)
			}
		}
		var rows [][]string
		for _, e := range collection.Events {
			rows = append(rows, []string{"  ", day(e.From), string(e.Type), e.Purpose, e.Notice,
				e.Method, e.Source, eventRemarks(e, day)})
		}
		table(c.Out, rows)
	}
	if k.Suppressed != "" {
		fmt.Fprintf(c.Out,
			"on the suppression list since %s: no marketing, unless a consent of a later day has proof\n", k.Suppressed)
	}
}

// eventRemarks says of an event what is not plain.
func eventRemarks(e registry.PastEvent, day func(time.Time) string) string {
	var words []string
	if e.Impossible && e.CountsAsRecorded {
		words = append(words, "counts from when it was recorded, before it is said to have happened")
	} else if e.Impossible {
		words = append(words, "not relied on: it was recorded before it is said to have happened")
	}
	if e.Proof {
		words = append(words, "proof on file")
	} else if e.Type == event.Given || e.Type == event.Renewed {
		words = append(words, "no proof")
	}
	if e.Marketing {
		words = append(words, "to direct marketing")
	}
	if !e.From.Equal(e.OccurredAt) {
		words = append(words, "said "+day(e.OccurredAt))
	}
	if !e.Until.IsZero() {
		words = append(words, "until "+day(e.Until))
	}
	return strings.Join(words, ", ")
}
