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
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/connectors/delimited"
	"lethe/pipeline/ask/allowed"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/setup"
)

func consentAllowedCommand(c *Command) *cobra.Command {
	var silo, purpose, asOf, country string
	var columns map[string]string
	cmd := &cobra.Command{
		Use:   "allowed [list.csv]",
		Short: "See who may still be mailed: the lines of a list, or the rows of the silo's tables",
		Args:  cobra.MaximumNArgs(1),
		Long: `Print who may be used for one purpose now: the purpose has a live ground (a consent with proof that has
not ended, a contract, ...), and nobody objected, withdrew, asked for erasure, is restricted, held, or
on the suppression list.

With a mailing list (CSV with a header; - is the standard input) its lines are printed, without those of
people who may not be used. Columns email, phone, customer-number, username and national-id:CC name the
person; --column says so of others. Without a list, the silo's tables are read, and the identifiers and
the key of each row that may be used are printed. How many were left out, and why, stands on the
standard error; no value of theirs does.`,
		Example: `  lethe consent allowed --silo newsletter --purpose newsletter list.csv > mail-these.csv
  lethe consent allowed --silo newsletter --purpose newsletter --column "E-Mail Address=email" list.csv
  lethe consent allowed --silo newsletter --purpose newsletter --as-of 2027-01-01`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			at, err := instantOf(asOf, p)
			if err != nil {
				return err
			}
			return listAllowed(cmd.Context(), c, p, silo, purpose, at, func(a *allowed.View) (map[reason.Code]int,
				int, error) {
				if len(args) == 0 {
					return allowedRows(cmd.Context(), c, a, cfg.Silos[silo])
				}
				return allowedLines(cmd.Context(), c, a, args[0], columns, country)
			})
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().StringVar(&purpose, "purpose", "", "the purpose to use people for")
	cmd.Flags().StringVar(&asOf, "as-of", "", "at this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringToStringVar(&columns, "column", nil, "column of the list=kind of identifier")
	cmd.Flags().StringVar(&country, "country", "",
		"country of phone numbers without a prefix; default the silo's jurisdiction")
	required(cmd, "silo", "purpose")
	return cmd
}

// allowed opens the silo, lets do print, and says on the standard error how many were left out.
func listAllowed(ctx context.Context, c *Command, p *setup.Setup, silo, purpose string, at time.Time,
	do func(*allowed.View) (map[reason.Code]int, int, error)) (err error) {
	a, err := allowed.Open(ctx, p, silo, purpose, at)
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
		return json.NewEncoder(c.Err).Encode(map[string]any{"silo": silo, "purpose": purpose, "as_of": at,
			"allowed": kept, "left_out": left})
	}
	fmt.Fprintf(c.Err, "%d of %d may be used for %s on %s\n", kept, kept+out, purpose,
		at.In(p.Zone).Format(time.DateOnly))
	for _, code := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(c.Err, "  %d left out: %s  %s\n", left[code], code, cmp.Or(code.Words(), unusableWords[code]))
	}
	return nil
}

// unusableWords are for reasons that are no codes of decisions.
var unusableWords = map[reason.Code]string{
	reason.Code(event.Suppressed): "The person said no to marketing, and has not provably said yes since.",
	reason.Code(event.BadLine):    "The line cannot be read.",
	reason.Code(event.OpenQuote): "A quote is opened and not closed: that line and those that follow it, up to " +
		"the next quote or the end of the list, were not read.",
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
			return nil, fmt.Errorf("%w: --column %s=%s: the list has no such column", setup.ErrUsage, name, kind)
		case !identifier.Known(kind):
			return nil, fmt.Errorf("%w: --column %s=%s: use email, phone, customer-number, username or "+
				"national-id:CC", setup.ErrUsage, name, kind)
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
		return nil, fmt.Errorf("%w: no column of the list names a person: say which one does, as --column "+
			"\"E-Mail=email\"", setup.ErrConfig)
	}
	return found, nil
}

// allowedLines prints the lines of a mailing list whose people may be used.
func allowedLines(ctx context.Context, c *Command, a *allowed.View, path string, columns map[string]string,
	country string) (left map[reason.Code]int, kept int, err error) {
	file, err := input(ctx, path)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", setup.ErrUsage, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered, err := delimited.Decode(file, "")
	if err != nil {
		return nil, 0, err
	}
	buffered = delimited.Lines(buffered)
	reader := csv.NewReader(buffered)
	reader.Comma, _ = delimited.Separator(buffered)
	reader.ReuseRecord = true
	reader.FieldsPerRecord = -1
	record, err := reader.Read()
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s has no line of column names: its first line must name the columns",
			setup.ErrConfig, path)
	}
	header := slices.Clone(record)
	people, err := listColumns(header, columns)
	if err != nil {
		return nil, 0, err
	}
	write, flush := lineWriter(c, header, reader.Comma)
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
			if !identifier.Blank(record[p.at]) {
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
func lineWriter(c *Command, header []string, comma rune) (write func([]string) error, flush func() error) {
	if c.json {
		e := json.NewEncoder(c.data)
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
	w := csv.NewWriter(c.data)
	w.Comma = comma
	return w.Write, func() error {
		w.Flush()
		return w.Error()
	}
}

// allowedRows prints the rows of the silo's tables that may be used: where they are, and who.
func allowedRows(ctx context.Context, c *Command, a *allowed.View, silo policy.Silo) (left map[reason.Code]int,
	kept int, err error) {
	if len(silo.Records) == 0 {
		return nil, 0, fmt.Errorf("%w: the silo has no records: name a list, or map the silo to a table under "+
			"records", setup.ErrConfig)
	}
	kinds := map[string]bool{}
	for _, r := range silo.Records {
		for kind := range r.Subject {
			kinds[kind] = true
		}
		for _, v := range r.Via {
			for kind := range v.Fields {
				kinds[kind] = true
			}
		}
	}
	header := append([]string{"source", "table", "key"}, slices.Sorted(maps.Keys(kinds))...)
	write, flush := lineWriter(c, header, ',')
	if err := write(header); err != nil {
		return nil, 0, err
	}
	record := make([]string, len(header))
	left, err = a.Rows(ctx, func(r allowed.Row) error {
		kept++
		clear(record)
		record[0], record[1], record[2] = r.Source, r.Table, strings.Join(r.Key, "/")
		for _, s := range r.Subjects {
			if at := &record[slices.Index(header, s.Kind)]; *at == "" {
				*at = s.Value
			} else {
				*at += ";" + s.Value // a person has several, in a table of their own
			}
		}
		return write(record)
	})
	return left, kept, errors.Join(err, flush())
}
