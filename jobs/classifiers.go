package jobs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/pipeline/setup"
)

func classifiersCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "classifiers", Short: "List the detectors", Args: cobra.NoArgs,
		Example: "  lethe classifiers\n  lethe classifiers --json",
		RunE: func(*cobra.Command, []string) error {
			catalogue, err := classifiers.New()
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(catalogue.Detectors())
			}
			var rows [][]string
			for _, d := range catalogue.Detectors() {
				rows = append(rows, []string{d.ID, d.Country, string(d.Category), string(d.Class),
					fmt.Sprintf("%.2g", d.Chance), d.Name})
			}
			table(c.Out, append([][]string{{"ID", "COUNTRY", "CATEGORY", "CLASS", "CHANCE", "NAME"}}, rows...))
			return nil
		},
	}
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
	cmd.AddCommand(test)
	return cmd
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
