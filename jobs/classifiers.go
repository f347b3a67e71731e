package jobs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/pipeline/setup"
)

func classifiersCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "classifiers", Short: "The detectors: what they look for, and whether a value is it"}
	list := &cobra.Command{
		Use:   "list [detector]...",
		Short: "List the detectors, or say of some where their rules are published and what of them is unverified",
		Long: `All detectors, a line each; those named, with the source of their rule and the numbers that are
reserved for tests. "unverified" marks a detector of which a part has no source that states it: taken from a
library or a test suite alone, or worked out from published numbers.`,
		Example: "  lethe classifiers list\n  lethe classifiers list nz.nhi om.vatin\n  lethe classifiers list --json",
		RunE: func(_ *cobra.Command, args []string) error {
			catalogue, err := classifiers.New()
			if err != nil {
				return err
			}
			detectors := catalogue.Detectors()
			if len(args) > 0 {
				if detectors, err = named(detectors, args); err != nil {
					return err
				}
			}
			switch {
			case c.json:
				return c.printJSON(detectors)
			case len(args) > 0:
				printDetectors(c, detectors)
				return nil
			}
			rows := [][]string{{"ID", "COUNTRY", "CATEGORY", "CLASS", "CHANCE", "RULE", "NAME"}}
			for _, d := range detectors {
				rule := ""
				if d.Unverified != "" {
					rule = "unverified"
				}
				rows = append(rows, []string{d.ID, d.Country, string(d.Category), string(d.Class),
					fmt.Sprintf("%.2g", d.Chance), rule, d.Name})
			}
			table(c.Out, rows)
			return nil
		},
	}
	cmd.AddCommand(list, classifiersTestCommand(c))
	return cmd
}

// named picks detectors by ID, in the order asked for.
func named(all []classifiers.Detector, ids []string) ([]classifiers.Detector, error) {
	var picked []classifiers.Detector
	for _, id := range ids {
		i := slices.IndexFunc(all, func(d classifiers.Detector) bool { return d.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("%w: no detector is called %q; `lethe classifiers list` has their IDs",
				setup.ErrUsage, id)
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

// printDetectors says all that is known of a few detectors.
func printDetectors(c *Command, detectors []classifiers.Detector) {
	for _, d := range detectors {
		fmt.Fprintf(c.Out, "%s  %s\n", d.ID, d.Name)
		for _, line := range [][2]string{{"category", string(d.Category)}, {"country", d.Country},
			{"chance", fmt.Sprintf("%.2g", d.Chance)}, {"source", d.Source}, {"reserved", d.Reserved},
			{"unverified", d.Unverified}} {
			if line[1] != "" {
				fmt.Fprintf(c.Out, "  %-11s %s\n", line[0], line[1])
			}
		}
	}
}

func classifiersTestCommand(c *Command) *cobra.Command {
	var header, country string
	test := &cobra.Command{
		Use:   "test [value]...",
		Short: "Say which detectors match values, and why",
		Example: "  lethe classifiers test 'IT60 X054 2811 1010 0000 0123 456'\n" +
			"  lethe classifiers test < values.jsonl   # {\"value\": ..., \"header\": ..., \"country\": ...}",
		RunE: func(cmd *cobra.Command, args []string) error {
			catalogue, err := classifiers.New()
			if err != nil {
				return err
			}
			for _, v := range args {
				if err := printMatches(c, catalogue, probe{Value: v, Header: header, Country: country}); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				return nil
			}
			in, err := input(cmd.Context(), "-")
			if err != nil {
				return err
			}
			lines := bufio.NewScanner(in)
			lines.Buffer(nil, 16<<20)
			for n := 1; lines.Scan(); n++ {
				p := probe{Value: lines.Text(), Header: header, Country: country}
				if strings.HasPrefix(p.Value, "{") {
					p = probe{}
					if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
						return fmt.Errorf("%w: line %d is not JSON: %w", setup.ErrConfig, n, err)
					}
				}
				if err := printMatches(c, catalogue, p); err != nil {
					return err
				}
			}
			return lines.Err()
		},
	}
	test.Flags().StringVar(&header, "header", "", "name of the field the values stand in")
	test.Flags().StringVar(&country, "country", "", "country of the values (ISO 3166-1 alpha-2)")
	return test
}

type probe struct {
	ID      json.Number `json:"id,omitempty"`
	Value   string      `json:"value"`
	Header  string      `json:"header"`
	Country string      `json:"country"`
}

// printMatches prints what one value is. The value itself is printed only as the person typed it.
func printMatches(c *Command, catalogue *classifiers.Catalogue, p probe) error {
	matches := catalogue.Match(p.Value, p.Header, p.Country)
	if c.json {
		predicted := []string{}
		if matches == nil {
			matches = []classifiers.Match{}
		}
		for _, m := range matches {
			predicted = append(predicted, string(m.Category))
			for _, also := range m.Also {
				predicted = append(predicted, string(also))
			}
		}
		return json.NewEncoder(c.Out).Encode(struct {
			ID        json.Number         `json:"id,omitempty"`
			Predicted []string            `json:"predicted"`
			Matches   []classifiers.Match `json:"matches"`
		}{p.ID, predicted, matches})
	}
	fmt.Fprintln(c.Out, p.Value)
	if len(matches) == 0 {
		fmt.Fprintln(c.Out, "  nothing")
	}
	for _, m := range matches {
		fmt.Fprintf(c.Out, "  %-24s %-16s %s\n", m.Detector, m.Category, m.Why)
	}
	return nil
}
