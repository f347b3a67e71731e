package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/policy/words"
)

func (c *Command) policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Look at the policy: what to correct, what it means in words, what a change of it would do"}
	cmd.AddCommand(c.lintCommand(), c.policyExplainCommand(), c.noticeCommand(), c.diffCommand(), c.jurisdictionsCommand(), c.policyCodesCommand())
	return cmd
}

func (c *Command) policyCodesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "codes", Short: "List the codes of decisions, exceptions and questions with article and meaning", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows [][]string
			codes := pipeline.Codes()
			for _, m := range codes {
				rows = append(rows, []string{m.Code, m.Article, m.Words})
			}
			return c.printList(rows, codes, nil)
		},
	}
}

// explainedTable is what `lethe policy explain source.table` answers.
type explainedTable struct {
	pipeline.Cover
	Policies []words.Explanation `json:"policies"`
}

func (c *Command) policyExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain <silo | source.table> [field]", Short: "Say in words, with dates, what the policy does with a silo or a table", Args: cobra.RangeArgs(1, 2),
		Long: `For a silo: what national law adds, every rule as sentences with dates that follow from today, the deletion classes, which fields each rule needs and when they
are cleared, what goes with a row and what happens in the backups. For a table: which silos claim its rows, what they say, and the fields that nobody needs.
The dates come from the code that decides. Laws are a starting point, marked for legal review.`,
		Example: "  lethe policy explain newsletter\n  lethe policy explain crm.customers\n  lethe policy explain crm.customers phone",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, config, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			backups := config.backups()
			explain := func(s *policy.Compiled) words.Explanation { return words.Explain(s, c.Now(), backups) }
			if i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == args[0] }); i >= 0 {
				if len(args) > 1 {
					return fmt.Errorf("%w: a field goes with a table: lethe policy explain source.table %s", errUsage, args[1])
				}
				e := explain(p.Silos[i])
				if c.json {
					return c.printJSON(e)
				}
				return e.Write(c.Out)
			}
			source, name, ok := strings.Cut(args[0], ".")
			if !ok {
				return fmt.Errorf("%w: no silo %q: name one of %s, or a table as source.table", errUsage, args[0], strings.Join(slices.Sorted(maps.Keys(config.Silos)), ", "))
			}
			cover, err := p.Cover(cmd.Context(), source, name)
			if err != nil {
				return err
			}
			t := explainedTable{Cover: cover, Policies: []words.Explanation{}}
			if len(args) > 1 {
				t.Fields = slices.DeleteFunc(t.Fields, func(f pipeline.CoveredField) bool { return f.Field != args[1] })
				if len(t.Fields) == 0 {
					return fmt.Errorf("%w: table %s of source %s has no field %s", pipeline.ErrConfig, name, source, args[1])
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
			return c.printCover(t)
		},
	}
}

func (c *Command) noticeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "notice", Short: "Print the retention table for the privacy notice, from the rules in force", Args: cobra.NoArgs,
		Long: `Print, as a table in Markdown, how long data are kept for which purpose and on which basis (Art. 13(2)(a), 14(2)(a)). Put what the notice says into a
rule's notice_term, and lethe policy lint tells when the two drift apart.`,
		Example: "  lethe policy notice",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			lines := []words.NoticeLine{}
			for _, s := range p.Silos {
				lines = append(lines, words.Notice(s, c.Now())...)
			}
			if c.json {
				return c.printJSON(lines)
			}
			fmt.Fprintln(c.Out, "| collected as | purpose | legal basis | data | kept | then |\n|---|---|---|---|---|---|")
			for _, l := range lines {
				fmt.Fprintf(c.Out, "| %s | %s | %s | %s | %s | %s |\n", l.Silo, l.Purpose, l.Basis, l.Data, l.Kept, l.Then)
			}
			return nil
		},
	}
}

func (c *Command) printCover(t explainedTable) error {
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
			needed = "NOBODY, though it holds personal data: name it under fields of the rule that needs it, or remove it"
		case needed == "":
			needed = "-"
		}
		rows = append(rows, []string{"  " + f.Field, cmp.Or(strings.ReplaceAll(f.Category, "_", " "), "-"), needed, strings.Join(f.Uses, "; ")})
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

// backups are the sets of backups of each live source, as configured: also those of which there is no file today.
func (c *Config) backups() map[string][]words.Backup {
	sets := map[string][]words.Backup{}
	for _, name := range c.sourceOrder {
		s := c.Sources[name]
		if s.Of == "" {
			continue
		}
		b := words.Backup{Name: name, Keep: s.Keep, Rewritten: s.Rewrite != nil}
		if s.Rewrite != nil {
			b.After, b.AtMostEvery = s.Rewrite.After, s.Rewrite.AtMostEvery
		}
		sets[s.Of] = append(sets[s.Of], b)
	}
	return sets
}

func (c *Command) diffCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "diff OLD.yaml [NEW.yaml]", Short: "Say what a changed policy would do with the rows as they are, before it is adopted", Args: cobra.RangeArgs(1, 2),
		Long: `Decide every row of the live sources by two configurations, read once, at the same instant and by the same registry, and count what differs: which rows
would now be deleted, blocked or kept, for which reason, and since when they are due. NEW is the configuration in use (--config) when it is left out. Only
the policy may differ: silos, controller, breakers. OLD is read as if it stood in the place of NEW. Nothing is written, not even to the journal.`,
		Example: "  git show HEAD:lethe.yaml > old.yaml && lethe policy diff old.yaml\n  lethe policy diff lethe.yaml draft.yaml --as-of 2027-01-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if len(args) > 1 {
				c.config = args[1]
			}
			next, config, err := c.load(ctx)
			if err != nil {
				return err
			}
			old, err := Load(args[0])
			if err != nil {
				return err
			}
			old.dir = config.dir
			if err := old.sameData(config); err != nil {
				return err
			}
			p, err := old.Build(ctx, c.logger())
			if err != nil {
				return err
			}
			p.Now = c.Now
			o, err := f.options(next)
			if err != nil {
				return err
			}
			stop := c.progress(next)
			result, err := p.Compare(ctx, next, o.AsOf)
			stop()
			if len(result.Tables) == 0 && err != nil {
				return err
			}
			if c.json {
				return errors.Join(err, c.printJSON(result))
			}
			c.printComparison(result)
			return err
		},
	}
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	return cmd
}

// sameData refuses to compare two policies on different data.
func (c *Config) sameData(o *Config) error {
	differs := func(what string) error {
		return fmt.Errorf("%w: %s differs between %s and %s: a comparison needs the same data, only the policy may differ", pipeline.ErrConfig, what, c.path, o.path)
	}
	if c.Registry.Driver != o.Registry.Driver || c.Registry.DSN != o.Registry.DSN {
		return differs("registry")
	}
	if c.Keystore != o.Keystore {
		return differs("keystore")
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(c.sourceOrder), o.sourceOrder...)))) {
		a, b := c.Sources[name], o.Sources[name]
		for _, e := range []struct {
			key  string
			same bool
		}{{"connector", a.Connector == b.Connector}, {"dsn", a.DSN == b.DSN}, {"path", a.Path == b.Path}, {"of", a.Of == b.Of}, {"schema", a.Schema == b.Schema}, {"environment", a.Environment == b.Environment}} {
			if !e.same {
				return differs("source " + name + ": " + e.key)
			}
		}
	}
	return nil
}

func (c *Command) printComparison(r pipeline.Comparison) {
	fmt.Fprintf(c.Out, "as of %s\n\nthe policy:\n", r.AsOf)
	for _, change := range r.Changes {
		fmt.Fprintln(c.Out, "  "+change)
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(c.Out, "  decides by the same rules")
	}
	fmt.Fprintln(c.Out, "\nthe rows:")
	var rows [][]string
	for _, t := range r.Tables {
		rows = append(rows, []string{"  " + t.Source + "." + t.Table, fmt.Sprintf("%d rows", t.Rows), fmt.Sprintf("%d as before", t.Same), fmt.Sprintf("%d otherwise", t.Rows-t.Same)})
	}
	table(c.Out, rows)
	if len(r.Lines) > 0 {
		rows = [][]string{{"rows", "effect", "table", "silo", "old", "new", "due from"}}
		for _, l := range r.Lines {
			silo := cmp.Or(l.New.Silo, l.Old.Silo)
			if l.Old.Silo != l.New.Silo && l.Old.Silo != "" && l.New.Silo != "" {
				silo = l.Old.Silo + " -> " + l.New.Silo
			}
			rows = append(rows, []string{fmt.Sprint(l.Rows), l.Effect, l.Source + "." + l.Table, silo, verdict(l.Old), verdict(l.New), dueWords(l)})
		}
		fmt.Fprintln(c.Out)
		table(c.Out, rows)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(c.Out, "\nnote: "+n)
	}
}

// verdict is a policy's word on rows, in a cell.
func verdict(v pipeline.Verdict) string {
	if v.Silo == "" {
		return "-"
	}
	s := fmt.Sprintf("%s/%s %s", v.Action, v.Use, v.Reason)
	if v.Clear != "" {
		s += " clear " + strings.ReplaceAll(v.Clear, ";", ",")
	}
	return s
}

// dueWords are the earliest days of erasure, before and after.
func dueWords(l pipeline.ComparedLine) string {
	if l.OldDue == l.NewDue {
		return cmp.Or(l.NewDue, "-")
	}
	return cmp.Or(l.OldDue, "-") + " -> " + cmp.Or(l.NewDue, "-")
}

func (c *Command) jurisdictionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "jurisdictions [country]...", Short: "List what Lethe knows of national law, where it was read, and what nobody checked",
		Long: `National law that a decision needs (the age from which a child consents, blocking before deletion) and terms worth knowing, each with its source and the day on which it
was read there. Terms are never applied by themselves. All of it is a starting point: have it confirmed by a lawyer before you rely on it.`,
		Example: "  lethe policy jurisdictions\n  lethe policy jurisdictions ES IT",
		RunE: func(_ *cobra.Command, args []string) error {
			var list []law.Jurisdiction
			for _, j := range law.All() {
				if len(args) == 0 || slices.Contains(args, j.Code) {
					list = append(list, j)
				}
			}
			for _, code := range args {
				if _, known := law.Of(code); !known {
					return fmt.Errorf("%w: nothing is known of %q: the regulation's own terms hold there", errUsage, code)
				}
			}
			if c.json {
				return c.printJSON(struct {
					European      []law.Law          `json:"european"`
					Jurisdictions []law.Jurisdiction `json:"jurisdictions"`
				}{law.European(), list})
			}
			var rows [][]string
			laws := func(code string, laws []law.Law) {
				for _, l := range laws {
					checked := "not checked"
					if l.Checked != "" {
						checked = l.Checked + " at " + l.Seen
					}
					rows = append(rows, []string{code, string(l.Topic), l.Says, l.Law, checked})
				}
			}
			laws("EU", law.European())
			for _, j := range list {
				rows = append(rows, []string{j.Code, "authority", j.Authority, "", ""})
				laws(j.Code, j.Laws)
			}
			table(c.Out, rows)
			fmt.Fprintln(c.Out, "\nA starting point, marked for legal review.")
			return nil
		},
	}
}

func (c *Command) lintCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use: "lint", Short: "Remark on the policy: reviews, terms, names, fields that nobody needs", Args: cobra.NoArgs,
		Long: `Look at every silo and say what somebody should look at: reviews that are due, one period for unlike data, terms that a regulator or the notice
contradicts, starting dates that any update resets, fields that no rule needs, special categories without a ground, names that no table has.

Sources that do not answer, and personal data that no night has looked for, are said not to have been checked. What a night would refuse ends
with exit code 2; other remarks do so with --strict only.`,
		Example: "  lethe policy lint\n  lethe policy lint --strict   # before a policy is merged",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			remarks, unchecked, err := p.Lint(cmd.Context())
			if err != nil {
				return err
			}
			if c.json {
				err = c.printJSON(struct {
					Remarks   []lint.Remark `json:"remarks"`
					Unchecked []string      `json:"unchecked"`
				}{append([]lint.Remark{}, remarks...), append([]string{}, unchecked...)})
			} else {
				for _, r := range remarks {
					fmt.Fprintf(c.Out, "%s  %s\n", r.Code, r)
				}
				for _, u := range unchecked {
					fmt.Fprintln(c.Out, "not checked  "+u)
				}
			}
			if err != nil {
				return err
			}
			refused := slices.DeleteFunc(slices.Clone(remarks), func(r lint.Remark) bool { return !r.Refused })
			switch {
			case len(refused) > 0:
				return fmt.Errorf("%w: a night would refuse this policy: %s", pipeline.ErrConfig, refused[0])
			case strict && len(remarks) > 0:
				return fmt.Errorf("%w: %d remarks, and --strict allows none", pipeline.ErrConfig, len(remarks))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "end with exit code 2 when there is any remark")
	return cmd
}
