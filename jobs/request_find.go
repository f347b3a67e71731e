package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// askFlags name requests, and what their person says of themselves besides.
type askFlags struct {
	silo, country string
	subjects      []string
}

func (a *askFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.silo, "silo", "", "only requests of this silo")
	cmd.Flags().StringArrayVar(&a.subjects, "subject", nil,
		"what one request gives besides, such as an old address: kind=value; may be repeated")
	cmd.Flags().StringVar(&a.country, "country", "",
		"country of phone numbers without a prefix (ISO 3166-1); default the silo's")
}

// read reads the requests that are named.
func (a *askFlags) read(cmd *cobra.Command, p *setup.Setup, ids []string, closed bool) ([]requests.Ask, error) {
	var given []event.Subject
	for _, text := range a.subjects {
		subject, err := parseSubject(text)
		if err != nil {
			return nil, err
		}
		given = append(given, subject)
	}
	asks, err := requests.Read(cmd.Context(), p, requests.Which{Silo: a.silo, IDs: ids}, closed)
	if err != nil {
		return nil, err
	}
	if len(given) > 0 && len(asks) != 1 {
		return nil, fmt.Errorf("%w: --subject is what one request gives of one silo: name that request, and --silo",
			setup.ErrUsage)
	}
	for i := range asks {
		asks[i].Given, asks[i].Country = given, a.country
	}
	return asks, nil
}

func requestFindCommand(c *Command) *cobra.Command {
	var ask askFlags
	var rows bool
	cmd := &cobra.Command{
		Use:   "find [request]...",
		Short: "Find all that the stores hold of the people who asked, backups too",
		Long: `Look for the people of verified requests in every table of their silos, in the live sources and in every backup,
by all identifiers under which the registry knows them and those that --subject gives. Without a name it looks for
all that are open and verified; each source is read once for all of them.

Each silo has a section of its own, and nothing is written anywhere. What was found is one of

  own        the person's, and nobody else's identifiers stand in it: with what is decided of it now
  given      the registry does not know it, and it has an identifier that --subject gives
  dependent  it goes with an own row, as the policy says; owned: with the last row that refers to it
  refers     it refers to an own row, and no policy says what it is   } somebody looks at
  shared     others' identifiers stand in it, or others have the same } these, and decides
  names      a text names the person                                  } what they are

A source that cannot be read is named as missing, and ends the command with 3: the person may stand there, so that
the request cannot be closed.`,
		Example: "  lethe request find request-1b9d6bcd\n  lethe request find request-1b9d6bcd --subject " +
			"email=old@example.org --rows\n  lethe request find --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			asks, err := ask.read(cmd, p, args, false)
			if err != nil {
				return err
			}
			stop := c.progress(p)
			sections, err := requests.Find(cmd.Context(), p, asks)
			stop()
			if err != nil {
				return err
			}
			if c.json {
				err = c.printJSON(sections)
			} else {
				c.printFound(p, sections, rows)
			}
			for _, s := range sections {
				if len(s.Missing) > 0 && err == nil {
					err = fmt.Errorf("%w: not all was looked at, so that not every request can be closed: see what is "+
						"missing", setup.ErrSource)
				}
			}
			return err
		},
	}
	ask.register(cmd)
	cmd.Flags().BoolVar(&rows, "rows", false, "name each row by its key")
	return cmd
}

// printFound prints a section for each request.
func (c *Command) printFound(p *setup.Setup, sections []*requests.Section, rows bool) {
	if len(sections) == 0 {
		fmt.Fprintln(c.Out, "no open request is verified: see `lethe request list`")
	}
	for i, s := range sections {
		if i > 0 {
			fmt.Fprintln(c.Out)
		}
		due := "its term rests"
		if !s.Due.IsZero() {
			due = "to be answered by " + lastDay(s.Due, p.Zone)
		}
		fmt.Fprintf(c.Out, "silo %s, request %s: %s, %s\n", s.Silo, s.Request, s.Kind, due)
		lines := [][]string{{"SOURCE", "TABLE", "ROWS", "HOW", "DUE", "WHY"}}
		for _, place := range s.Places() {
			why := place.Why
			if place.Fields != "" {
				why = "in " + place.Fields
			}
			lines = append(lines, []string{place.Source, place.Table, fmt.Sprint(place.Rows), string(place.How),
				place.Changes, why})
		}
		if rows {
			lines = [][]string{{"SOURCE", "TABLE", "KEY", "HOW", "DUE", "BY"}}
			for _, h := range s.Hits {
				by := h.By
				if len(h.Fields) > 0 {
					by = strings.Join(h.Fields, ", ")
				}
				lines = append(lines, []string{h.Source, h.Table, strings.Join(h.Key, ", "), string(h.How), h.Change, by})
			}
		}
		if len(lines) > 1 {
			table(c.Out, lines)
		} else {
			fmt.Fprintln(c.Out, "nothing was found")
		}
		if n := len(s.Possible()); n > 0 {
			fmt.Fprintf(c.Out, "to look at: %d rows that may be others' (refers, shared, names): --rows names them\n", n)
		}
		for _, l := range s.Missing {
			fmt.Fprintf(c.Out, "missing: %s\n", l)
		}
		for _, l := range s.LeftOut {
			fmt.Fprintf(c.Out, "left out by the configuration: %s\n", l)
		}
	}
}
