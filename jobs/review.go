package jobs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/jobs/config"
	"lethe/pipeline/ask"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

func reviewCommand(c *Command) *cobra.Command {
	var f reviewFlags
	cmd := &cobra.Command{
		Use:   "review [file]",
		Short: "Say of fields what they hold: those that the classifiers are least sure of come first",
		Long: `Ask about the fields that the last run was least sure of, what is new first, then by doubt times rows. The
answers are written under reviews in the configuration, with who gave them and when; later runs take them for what
a field holds, until it is another or the answer runs out, and learn the company's own words from them.

No value of a record is shown, only what values look like: Aa{3,9} is a capital and three to nine small letters, 9 a
digit. With --values and the key of a person who owns the table's silo the key v shows five of them.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  lethe review                            # what would be asked
  lethe review --as anna                  # asks, one key an answer
  lethe review --csv > fields.csv         # to be answered in a spreadsheet: y, n or a label of lethe classifiers list
  lethe review --csv fields.csv --as anna
  lethe review --as anna --key anna.key --values`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(c, args); err != nil {
				return err
			}
			r, err := c.openReview(cmd.Context(), f)
			switch {
			case err != nil:
				return err
			case len(args) > 0:
				return r.readCSV(cmd.Context(), args[0])
			case f.csv:
				return r.writeCSV()
			case c.json:
				return c.printJSON(slices.Concat([]review.Item{}, r.asked))
			case f.as == "":
				printAsked(c.Out, r.asked, len(r.asked), "to answer: lethe review --as NAME, or lethe review --csv > FILE")
				return nil
			}
			return r.walk(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&f.csv, "csv", false, "print what is asked as CSV; with a file, or - for the standard input, "+
		"take the answers from its column answer")
	cmd.Flags().StringVar(&f.as, "as", "", "who answers: a name under people, an owner where a silo governs the table")
	cmd.Flags().StringVar(&f.because, "because", "looked at by hand", "the reason that is noted where none is given")
	cmd.Flags().StringVar(&f.until, "until", "", "the last day on which the answers hold; default in a year")
	cmd.Flags().BoolVar(&f.values, "values", false, "show values of records when asked; takes --key")
	cmd.Flags().StringVar(&f.key, "key", "", "file with the signing key of who answers")
	return cmd
}

type reviewFlags struct {
	csv, values             bool
	as, key, because, until string
}

// check refuses what does not go together.
func (f reviewFlags) check(c *Command, args []string) error {
	switch {
	case len(args) > 0 && !f.csv:
		return fmt.Errorf("%w: answers are read from a file with --csv", setup.ErrUsage)
	case len(args) > 0 && f.as == "":
		return fmt.Errorf("%w: --as is missing: say who answers, a name under people", setup.ErrUsage)
	case f.csv && c.json:
		return fmt.Errorf("%w: --csv and --json are two forms: say one", setup.ErrUsage)
	case f.values && (f.csv || c.json || f.as == "" || f.key == ""):
		return fmt.Errorf("%w: --values shows values to a person who proves who it is: give --as and --key, and "+
			"neither --csv nor --json", setup.ErrUsage)
	}
	return nil
}

// reviewing is what is asked, and of whom.
type reviewing struct {
	*Command
	p            *setup.Setup
	cfg          *config.Config
	flags        reviewFlags
	today, until calendar.Date
	all          []review.Item // every field that can be answered
	asked        []review.Item // those that are asked, in order
}

// openReview reads what the last run said of the sources.
func (c *Command) openReview(ctx context.Context, f reviewFlags) (*reviewing, error) {
	p, cfg, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	r := &reviewing{Command: c, p: p, cfg: cfg, flags: f, today: calendar.DateOf(p.Now(), p.Zone)}
	r.until = calendar.EndOf(r.today, calendar.Period{Years: 1})
	if f.until != "" {
		if r.until, err = calendar.ParseDate(f.until); err != nil || r.until < r.today {
			return nil, fmt.Errorf("%w: --until: write a coming day as 2006-01-02", setup.ErrUsage)
		}
	}
	if f.as != "" {
		if err := r.known(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.mayStand(f.because); err != nil {
		return nil, fmt.Errorf("%w: --because: %w", setup.ErrUsage, err)
	}
	nights, err := ask.LastRead(ctx, p)
	if err != nil {
		return nil, err
	}
	r.all = review.All(p, nights, r.today)
	r.asked = review.Asked(p, nights, r.today)
	for _, i := range r.all {
		for _, name := range []string{i.Source, i.Table, i.Field} {
			p.Names.Of(name)
		}
	}
	return r, nil
}

// known refuses who is not among people, or does not have the key that is given.
func (r *reviewing) known(ctx context.Context) error {
	if _, ok := r.p.People[r.flags.as]; !ok {
		return r.p.Nobody(r.flags.as)
	}
	if r.flags.key == "" {
		return nil
	}
	signer, err := r.signer(ctx, r.p, r.flags.key, 0)
	if err != nil {
		return err
	}
	_, err = r.p.Signs(r.flags.as, signer)
	return err
}

// may reports whether the person may say what a field holds: an owner of a silo that governs the table, or, where none
// does, anybody who owns a silo or is a custodian.
func (r *reviewing) may(i review.Item) error {
	roles := r.p.People[r.flags.as].Roles
	owns := func(silo string) bool { return slices.Contains(roles, "owner:"+silo) }
	answers := func(role string) bool { return role == "custodian" || strings.HasPrefix(role, "owner:") }
	switch {
	case len(i.Silos) == 0 && !slices.ContainsFunc(roles, answers):
		return fmt.Errorf("%s is neither an owner of a silo nor a custodian", r.flags.as)
	case len(i.Silos) > 0 && !slices.ContainsFunc(i.Silos, owns):
		return fmt.Errorf("%s does not own silo %s: an owner of it answers", r.flags.as, strings.Join(i.Silos, " or "))
	}
	return nil
}

// mayStand refuses a reason with something in it that no report may show.
func (r *reviewing) mayStand(because string) error {
	if spans := shown.Gated(r.p.Catalogue, because); len(spans) > 0 {
		return fmt.Errorf("the reason would stand in the report, and holds what looks like %s: say it without",
			strings.ReplaceAll(string(spans[0].Category), "_", " "))
	}
	return nil
}

// answer is what a person said of a field.
type answer struct {
	item     review.Item
	category classifiers.Category
	because  string
}

// save writes answers into the configuration.
func (r *reviewing) save(answers []answer) error {
	list := make([]config.Review, len(answers))
	for n, a := range answers {
		list[n] = config.Review{Source: a.item.Source, Field: a.item.Table + "." + a.item.Field,
			Category: string(a.category), By: r.flags.as, On: r.today.String(), Because: a.because,
			Until: r.until.String(), Saw: &config.Seen{Type: a.item.Type, Category: string(a.item.Saw)}}
	}
	text, fresh, err := r.cfg.WithReviews(list, r.today.String())
	if err != nil {
		return err
	}
	if fresh > 0 {
		if err := r.cfg.Replace(text); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.Out, "%s: %d written to %s, %d were there before\n", many(len(answers), "answer"), fresh,
		relative(r.config), len(answers)-fresh)
	return nil
}

// many is a number of things.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// firstAsked is how many of the fields that a person should look at a run prints.
const firstAsked = 10

// printAsked lists the first fields that a person should look at, a line each.
func printAsked(w io.Writer, items []review.Item, most int, next string) {
	if len(items) == 0 {
		return
	}
	shown := items[:min(len(items), most)]
	fmt.Fprintln(w, "to be looked at by a person, what an answer is worth most first (doubt times rows):")
	rows := make([][]string, len(shown))
	for n, i := range shown {
		place := i.Table + "." + i.Field
		if i.Source != "" {
			place = i.Source + "." + place
		}
		rows[n] = []string{"  " + place, said(i), fmt.Sprintf("%d rows", i.Rows), strings.Join(i.Shapes[:min(1,
			len(i.Shapes))], ""), note(i)}
	}
	var aligned strings.Builder
	table(&aligned, rows)
	for line := range strings.Lines(aligned.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	if more := len(items) - len(shown); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	if next != "" {
		fmt.Fprintln(w, next)
	}
}

// note says why a field is asked about that is not in doubt, or not in doubt alone.
func note(i review.Item) string {
	switch {
	case i.Again != "":
		return "asked again: " + i.Again
	case i.New:
		return "new since the last night"
	}
	return ""
}

// said is what the classifiers say of a field, in words.
func said(i review.Item) string {
	kind := strings.ReplaceAll(string(i.Kind), "_", " ")
	if i.Found {
		return fmt.Sprintf("%s (%.0f %%)", kind, 100*i.Confidence)
	}
	return fmt.Sprintf("none (%.0f %%), or %s", 100*i.Confidence, kind)
}
