package jobs

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

func (c *Command) allowedCommand() *cobra.Command {
	var silo, purpose, asOf, country string
	var columns map[string]string
	cmd := &cobra.Command{
		Use: "allowed [list.csv]", Short: "See who may still be mailed: the lines of a list, or the rows of the silo's tables", Args: cobra.MaximumNArgs(1),
		Long: `Print who may be used for one purpose now: the purpose has a live ground (a consent with proof that has not ended, a contract, ...), and nobody objected, withdrew,
asked for erasure, is restricted, held, or on the suppression list.

With a mailing list (CSV with a header; - is the standard input) its lines are printed, without those of people who may not be used. Columns email, phone,
customer-number, username and national-id:CC name the person; --column says so of others. Without a list, the silo's tables are read, and the identifiers and the
key of each row that may be used are printed. How many were left out, and why, stands on the standard error; no value of theirs does.`,
		Example: `  lethe consent allowed --silo newsletter --purpose newsletter list.csv > mail-these.csv
  lethe consent allowed --silo newsletter --purpose newsletter --column "E-Mail Address=email" list.csv
  lethe consent allowed --silo newsletter --purpose newsletter --as-of 2027-01-01`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, config, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			at, err := instantOf(asOf, p)
			if err != nil {
				return err
			}
			return c.allowed(cmd.Context(), p, silo, purpose, at, func(a *pipeline.Allowed) (map[reason.Code]int, int, error) {
				if len(args) == 0 {
					return c.allowedRows(cmd.Context(), a, config.Silos[silo])
				}
				return c.allowedLines(a, args[0], columns, country)
			})
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().StringVar(&purpose, "purpose", "", "the purpose to use people for")
	cmd.Flags().StringVar(&asOf, "as-of", "", "at this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringToStringVar(&columns, "column", nil, "column of the list=kind of identifier")
	cmd.Flags().StringVar(&country, "country", "", "country of phone numbers without a prefix; default the silo's jurisdiction")
	required(cmd, "silo", "purpose")
	return cmd
}

// instantOf reads --as-of as nights do; now without one.
func instantOf(text string, p *pipeline.Pipeline) (time.Time, error) {
	f := nightFlags{asOf: text}
	o, err := f.options(p)
	if err != nil || text == "" {
		return p.Now(), err
	}
	return o.AsOf, nil
}

// allowed opens the silo, lets do print, and says on the standard error how many were left out.
func (c *Command) allowed(ctx context.Context, p *pipeline.Pipeline, silo, purpose string, at time.Time, do func(*pipeline.Allowed) (map[reason.Code]int, int, error)) (err error) {
	a, err := p.OpenAllowed(ctx, silo, purpose, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	left, kept, err := do(a)
	if err != nil {
		return err
	}
	out := 0
	for _, n := range left {
		out += n
	}
	if c.json {
		return json.NewEncoder(c.Err).Encode(map[string]any{"silo": silo, "purpose": purpose, "as_of": at, "allowed": kept, "left_out": left})
	}
	fmt.Fprintf(c.Err, "%d of %d may be used for %s on %s\n", kept, kept+out, purpose, at.In(p.Zone).Format(time.DateOnly))
	for _, code := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(c.Err, "  %d left out: %s  %s\n", left[code], code, cmp.Or(code.Words(), unusableWords[code]))
	}
	return nil
}

// unusableWords are for reasons that are no codes of decisions.
var unusableWords = map[reason.Code]string{
	reason.Code(event.Suppressed): "The person said no to marketing, and has not provably said yes since.",
	reason.Code(event.BadLine):    "The line cannot be read.",
	reason.Code(event.OpenQuote):  "A quote is opened and not closed: that line and those that follow it, up to the next quote or the end of the list, were not read.",
}

// listColumn is a column of a mailing list that names the person.
type listColumn struct {
	kind string
	at   int
}

// listColumns finds the columns of a mailing list's header that name the person.
func listColumns(header []string, columns map[string]string) ([]listColumn, error) {
	var found []listColumn
	for name, kind := range columns {
		switch {
		case !slices.ContainsFunc(header, func(h string) bool { return strings.TrimSpace(h) == name }):
			return nil, fmt.Errorf("%w: --column %s=%s: the list has no such column", errUsage, name, kind)
		case !identifier.Known(kind):
			return nil, fmt.Errorf("%w: --column %s=%s: use email, phone, customer-number, username or national-id:CC", errUsage, name, kind)
		}
	}
	for at, name := range header {
		name = strings.TrimSpace(name)
		for _, kind := range []string{columns[name], name, strings.ToLower(name)} {
			if identifier.Known(kind) {
				found = append(found, listColumn{kind, at})
				break
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: no column of the list names a person: say which one does, as --column \"E-Mail=email\"", pipeline.ErrConfig)
	}
	return found, nil
}

// allowedLines prints the lines of a mailing list whose people may be used.
func (c *Command) allowedLines(a *pipeline.Allowed, path string, columns map[string]string, country string) (left map[reason.Code]int, kept int, err error) {
	file := os.Stdin
	if path != "-" {
		if file, err = os.Open(path); err != nil {
			return nil, 0, fmt.Errorf("%w: %w", errUsage, err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
	}
	buffered, err := delivery.DecodeText(file, "")
	if err != nil {
		return nil, 0, err
	}
	reader := csv.NewReader(buffered)
	reader.Comma = delivery.Separator(buffered)
	reader.ReuseRecord = true
	reader.FieldsPerRecord = -1
	record, err := reader.Read()
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s has no line of column names: its first line must name the columns", pipeline.ErrConfig, path)
	}
	header := slices.Clone(record)
	people, err := listColumns(header, columns)
	if err != nil {
		return nil, 0, err
	}
	write, flush := c.lineWriter(header, reader.Comma)
	if err := write(header); err != nil {
		return nil, 0, err
	}
	left = map[reason.Code]int{}
	var subjects []event.Subject
	for {
		record, err := reader.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return left, kept, flush()
		case errors.As(err, &bad) && bad.Line > bad.StartLine:
			left[reason.Code(event.OpenQuote)]++
			continue
		case errors.As(err, &bad), err == nil && len(record) != len(header):
			left[reason.Code(event.BadLine)]++
			continue
		case err != nil:
			return left, kept, fmt.Errorf("read %s: %w", path, err)
		}
		subjects = subjects[:0]
		for _, p := range people {
			if record[p.at] != "" {
				subjects = append(subjects, event.Subject{Kind: p.kind, Value: record[p.at]})
			}
		}
		if code := a.Person(subjects, country); code != "" {
			left[code]++
			continue
		}
		kept++
		if err := write(record); err != nil {
			return left, kept, err
		}
	}
}

// lineWriter prints records as they came, or each as a JSON object with the header's names; the header then only names.
func (c *Command) lineWriter(header []string, comma rune) (write func([]string) error, flush func() error) {
	if c.json {
		e := json.NewEncoder(c.Out)
		named := false
		return func(record []string) error {
			if !named {
				named = true
				return nil
			}
			object := make(map[string]string, len(header))
			for i, name := range header {
				object[name] = record[i]
			}
			return e.Encode(object)
		}, func() error { return nil }
	}
	w := csv.NewWriter(c.Out)
	w.Comma = comma
	return w.Write, func() error {
		w.Flush()
		return w.Error()
	}
}

// allowedRows prints the rows of the silo's tables that may be used: where they are, and who.
func (c *Command) allowedRows(ctx context.Context, a *pipeline.Allowed, silo policy.Silo) (left map[reason.Code]int, kept int, err error) {
	if len(silo.Records) == 0 {
		return nil, 0, fmt.Errorf("%w: the silo has no records: name a list, or map the silo to a table under records", pipeline.ErrConfig)
	}
	kinds := map[string]bool{}
	for _, r := range silo.Records {
		for kind := range r.Subject {
			kinds[kind] = true
		}
	}
	header := append([]string{"source", "table", "key"}, slices.Sorted(maps.Keys(kinds))...)
	write, flush := c.lineWriter(header, ',')
	if err := write(header); err != nil {
		return nil, 0, err
	}
	record := make([]string, len(header))
	left, err = a.Rows(ctx, func(r pipeline.AllowedRow) error {
		kept++
		clear(record)
		record[0], record[1], record[2] = r.Source, r.Table, strings.Join(r.Key, "/")
		for _, s := range r.Subjects {
			record[slices.Index(header, s.Kind)] = s.Value
		}
		return write(record)
	})
	return left, kept, errors.Join(err, flush())
}

func (c *Command) showCommand() *cobra.Command {
	var silo, subject, asOf, country string
	cmd := &cobra.Command{
		Use: "show", Short: "Say what one silo knows of a person, and what follows from it", Args: cobra.NoArgs,
		Long: `Say where each purpose of one silo stands for one person, what is decided from it, and what happened, in order. Only that silo is asked, and the suppression list.
A rule whose term runs from a date in the application's row is not decided here: ` + "`lethe explain`" + ` decides rows.`,
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
			known, err := p.Show(cmd.Context(), silo, who, country, at)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(known)
			}
			c.printKnown(p, known)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().StringVar(&subject, "subject", "", "the person: kind=value")
	cmd.Flags().StringVar(&asOf, "as-of", "", "at this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringVar(&country, "country", "", "country of a phone number without a prefix; default the silo's jurisdiction")
	required(cmd, "silo", "subject")
	return cmd
}

func (c *Command) printKnown(p *pipeline.Pipeline, k pipeline.Known) {
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
			fmt.Fprintf(c.Out, "  %s: %s\n    use %s: %s (%s)\n", purpose.Purpose, purpose.State, purpose.Use, purpose.Words, purpose.Reason)
			if purpose.Until != "" {
				fmt.Fprintf(c.Out, "    until %s\n", purpose.Until)
			}
			if purpose.Due != "" {
				fmt.Fprintf(c.Out, "    erasure due %s\n", purpose.Due)
			}
		}
		var rows [][]string
		for _, e := range collection.Events {
			rows = append(rows, []string{"  " + fmt.Sprint(e.Seq), day(e.From), string(e.Type), e.Purpose, e.Notice, e.Method, e.Source, eventRemarks(e, day)})
		}
		table(c.Out, rows)
	}
	if k.Suppressed != "" {
		fmt.Fprintf(c.Out, "on the suppression list since %s: no marketing, unless a consent of a later day has proof\n", k.Suppressed)
	}
}

// eventRemarks says of an event what is not plain.
func eventRemarks(e registry.PastEvent, day func(time.Time) string) string {
	var words []string
	if e.Impossible {
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
