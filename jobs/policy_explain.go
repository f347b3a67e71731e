package jobs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/lint"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/setup"
)

// explainedTable is what `lethe policy explain source.table` answers.
type explainedTable struct {
	lint.Coverage
	Policies []words.Explanation `json:"policies"`
}

func policyExplainCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use:   "explain <silo | source.table> [field]",
		Short: "Say in words, with dates, what the policy does with a silo or a table",
		Args:  cobra.RangeArgs(1, 2),
		Long: `For a silo: what national law adds, every rule as sentences with dates that follow from today, the
deletion classes, which fields each rule needs and when they are cleared, what goes with a row and what
happens in the backups. For a table: which silos claim its rows, what they say, and the fields that
nobody needs. The dates come from the code that decides. Laws are a starting point, marked for legal
review.`,
		Example: "  lethe policy explain newsletter\n  lethe policy explain crm.customers\n" +
			"  lethe policy explain crm.customers phone",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			backups := cfg.Backups()
			explain := func(s *policy.Compiled) words.Explanation { return words.Explain(s, c.Now(), backups) }
			if i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == args[0] }); i >= 0 {
				if len(args) > 1 {
					return fmt.Errorf("%w: a field goes with a table: lethe policy explain source.table %s",
						setup.ErrUsage, args[1])
				}
				e := explain(p.Silos[i])
				if c.json {
					return c.printJSON(e)
				}
				return e.Write(c.Out)
			}
			source, name, ok := strings.Cut(args[0], ".")
			if !ok {
				return fmt.Errorf("%w: no silo %q: name one of %s, or a table as source.table", setup.ErrUsage,
					args[0], strings.Join(slices.Sorted(maps.Keys(cfg.Silos)), ", "))
			}
			cover, err := lint.Cover(cmd.Context(), p, source, name)
			if err != nil {
				return err
			}
			t := explainedTable{Coverage: cover, Policies: []words.Explanation{}}
			if len(args) > 1 {
				t.Fields = slices.DeleteFunc(t.Fields, func(f lint.CoveredField) bool { return f.Field != args[1] })
				if len(t.Fields) == 0 {
					return fmt.Errorf("%w: table %s of source %s has no field %s", setup.ErrConfig, name, source,
						args[1])
				}
			}
			for _, s := range p.Silos {
				if slices.Contains(cover.Silos, s.Silo.Name) {
					e := explain(s)
					if len(args) > 1 {
						e = e.About(args[1])
					}
					t.Policies = append(t.Policies, e)
				}
			}
			if c.json {
				return c.printJSON(t)
			}
			return printCover(c, t)
		},
	}
}

func printCover(c *Command, t explainedTable) error {
	claimed := "no silo"
	if len(t.Silos) > 0 {
		claimed = strings.Join(t.Silos, ", ")
	}
	fmt.Fprintf(c.Out, "Table %s.%s, claimed by %s\n", t.Source, t.Table, claimed)
	for _, w := range append(t.Words, t.Unchecked...) {
		fmt.Fprintln(c.Out, "  - "+w)
	}
	var rows [][]string
	for _, f := range t.Fields {
		needed := strings.Join(f.Rules, ", ")
		switch {
		case f.Nobody:
			needed = "NOBODY, though it holds personal data: name it under fields of the rule that needs it, or " +
				"remove it"
		case needed == "":
			needed = "-"
		}
		rows = append(rows, []string{"  " + f.Field, cmp.Or(strings.ReplaceAll(f.Category, "_", " "), "-"), needed,
			strings.Join(f.Uses, "; ")})
	}
	if rows != nil {
		fmt.Fprintln(c.Out)
		table(c.Out, append([][]string{{"  field", "personal data", "needed by", "used as"}}, rows...))
	}
	for _, e := range t.Policies {
		fmt.Fprintln(c.Out)
		if err := e.Write(c.Out); err != nil {
			return err
		}
	}
	return nil
}
