package jobs

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/audit"
)

func (c *Command) discoverCommand() *cobra.Command {
	var f nightFlags
	var format, explain, connector, output string
	var all, full bool
	var sample int
	cmd := &cobra.Command{
		Use: "discover [url | file]", Short: "Find personal data: in the configured sources, or ad hoc in a database, a file or a dump", Args: cobra.MaximumNArgs(1),
		Example: `  lethe discover                                  # the configured sources, with a report
  lethe discover mysql://reader@db.example.com/crm  # asks for the password, or takes LETHE_PASSWORD
  lethe discover 'mysql://reader@localhost/crm?tls=waived'
  lethe discover backups/crm-2026-11-20.sql.gz
  lethe discover app.sqlite --format tsv
  lethe discover app.sqlite --explain customers.email
  lethe discover mysql://reader@db.example.com/crm --sample 20000  # reads part of each table, and says what that can miss`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if sample < 0 || full && sample > 0 {
				return fmt.Errorf("%w: --sample takes a number of rows, and --full reads all of them: use one", errUsage)
			}
			if len(args) == 0 {
				f.full, f.sample = full, sample
				return c.night(cmd.Context(), f, pipeline.DiscoverOnly)
			}
			return c.discoverAdHoc(cmd.Context(), args[0], connector, format, explain, output, sample, all)
		},
	}
	f.register(cmd, false)
	cmd.Flags().StringVar(&format, "format", "text", "text, tsv, csv or json")
	cmd.Flags().StringVar(&explain, "explain", "", "print the terms of the verdict on one field: table.field")
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this file")
	cmd.Flags().IntVar(&sample, "sample", 0, "read about so many rows of a table, in blocks over its whole range, and say what that can miss; a dump is always read whole")
	cmd.Flags().BoolVar(&full, "full", false, "read every row, whatever discover.sample of the configuration says; ad hoc the default")
	cmd.Flags().BoolVar(&all, "all", false, "text: list fields without personal data too")
	return cmd
}

// adHoc says how to open what a person named on the command line.
func (c *Command) adHoc(target, connector string) (connectors.Connector, connectors.Options, error) {
	o := connectors.Options{Name: target, DSN: target, Unchecked: true}
	u, err := url.Parse(target)
	isURL := err == nil && u.Scheme != "" && strings.Contains(target, "://")
	file := strings.ToLower(target)
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		file = strings.TrimRight(file, "/") + "/"
	}
	for _, k := range Connectors() {
		named := slices.ContainsFunc(k.Suffix, func(s string) bool { return strings.HasSuffix(file, s) }) && (k.Fits == nil || k.Fits(target))
		switch {
		case connector != "" && k.Name != connector:
		case isURL && slices.Contains(k.Schemes, u.Scheme):
			o.Name = u.Scheme + "://" + u.Host + u.Path
			query := u.Query()
			if query.Get("tls") == "waived" {
				o.Plaintext = true
				query.Del("tls")
				u.RawQuery = query.Encode()
			}
			if _, given := u.User.Password(); !given && u.User.Username() != "" {
				password, err := c.password(u.User.Username() + " at " + u.Host)
				if err != nil {
					return k, o, err
				}
				u.User = url.UserPassword(u.User.Username(), password)
			}
			o.DSN = u.String()
			return k, o, nil
		case !isURL && (connector != "" || named):
			o.Name = filepath.Base(target)
			return k, o, nil
		}
	}
	return connectors.Connector{}, o, fmt.Errorf("%w: no connector opens %q: name it with --connector, `lethe connectors` lists them", pipeline.ErrConfig, redact(target))
}

// redact takes a password out of what may be a URL.
func redact(target string) string {
	if u, err := url.Parse(target); err == nil {
		return u.Redacted()
	}
	return "that"
}

// password asks on the terminal; LETHE_PASSWORD answers where there is none.
func (c *Command) password(who string) (string, error) {
	if p, ok := os.LookupEnv("LETHE_PASSWORD"); ok {
		return p, nil
	}
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", nil
	}
	fmt.Fprintf(c.Err, "password of %s: ", who)
	p, err := term.ReadPassword(fd)
	fmt.Fprintln(c.Err)
	return string(p), err
}

func (c *Command) discoverAdHoc(ctx context.Context, target, connector, format, explain, output string, sample int, all bool) (err error) {
	k, o, err := c.adHoc(target, connector)
	if err != nil {
		return err
	}
	source, err := k.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	catalogue, err := classifiers.New()
	if err != nil {
		return err
	}
	bar := c.bar("scan " + o.Name)
	verdicts, missed, err := pipeline.DiscoverSample(ctx, source, catalogue, sample, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	to := c.Out
	if output != "" {
		f, err := os.OpenFile(output, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = f
	}
	w := bufio.NewWriter(to)
	defer func() { err = errors.Join(err, w.Flush()) }()
	if o.Plaintext && format == "text" {
		fmt.Fprintln(w, "TLS was waived for this connection: names and values crossed the network in plain text.")
	}
	if explain != "" {
		return explainField(w, verdicts, missed, explain)
	}
	if c.json {
		format = "json"
	}
	return writeInventory(w, verdicts, missed, format, all)
}

func explainField(w io.Writer, tables []classifiers.TableVerdict, missed map[string]float64, name string) error {
	for _, t := range tables {
		for _, f := range t.Fields {
			if !strings.EqualFold(t.Table+"."+f.Field, name) {
				continue
			}
			fmt.Fprintf(w, "%s.%s: %s", t.Table, f.Field, labels(f))
			if f.Company {
				fmt.Fprint(w, " (of a legal person)")
			}
			fmt.Fprintf(w, ", confidence %.2f\n%d rows, %d not empty, about %d distinct\n", f.Confidence, f.Rows, f.NonEmpty, f.Distinct)
			if below, sampled := missed[t.Table]; sampled {
				fmt.Fprintf(w, "a sample: what is in fewer than %s of the rows can have been missed\n", rate(below))
			}
			for _, term := range f.Terms {
				fmt.Fprintf(w, "  %+6.1f  %-24s %s\n", term.LogOdds, term.Name, term.Detail)
			}
			return nil
		}
	}
	return fmt.Errorf("%w: no field %q: write table.field", errUsage, name)
}

func labels(f classifiers.Verdict) string {
	out := string(cmp.Or(f.Primary, classifiers.None))
	if len(f.Also) > 0 {
		out += " (also " + also(f) + ")"
	}
	return out
}

func also(f classifiers.Verdict) string {
	names := make([]string, len(f.Also))
	for i, c := range f.Also {
		names[i] = string(c)
	}
	return strings.Join(names, ",")
}

// writeInventory prints what was found. The columns of tsv and csv: database, table, column, labels, also, confidence, rows, nonempty, distinct; where
// tables were sampled also missed_below, the share of rows below which something can have been missed (0: all rows were read).
func writeInventory(w io.Writer, tables []classifiers.TableVerdict, missed map[string]float64, format string, all bool) error {
	row := func(t classifiers.TableVerdict, f classifiers.Verdict) []string {
		cells := []string{t.Database, t.Table, f.Field, string(cmp.Or(f.Primary, classifiers.None)), also(f), strconv.FormatFloat(f.Confidence, 'f', 3, 64),
			strconv.FormatInt(f.Rows, 10), strconv.FormatInt(f.NonEmpty, 10), strconv.FormatInt(f.Distinct, 10)}
		if len(missed) > 0 {
			cells = append(cells, strconv.FormatFloat(missed[t.Table], 'g', 4, 64))
		}
		return cells
	}
	header := []string{"database", "table", "column", "labels", "also", "confidence", "rows", "nonempty", "distinct"}
	if len(missed) > 0 {
		header = append(header, "missed_below")
	}
	switch format {
	case "tsv":
		fmt.Fprintln(w, strings.Join(header, "\t"))
		for _, t := range tables {
			for _, f := range t.Fields {
				fmt.Fprintln(w, strings.Join(row(t, f), "\t"))
			}
		}
		return nil
	case "csv":
		cw := csv.NewWriter(w)
		if err := cw.Write(header); err != nil {
			return err
		}
		for _, t := range tables {
			for _, f := range t.Fields {
				if err := cw.Write(row(t, f)); err != nil {
					return err
				}
			}
		}
		cw.Flush()
		return cw.Error()
	case "json":
		if len(missed) == 0 {
			return encodeInventory(w, &tables)
		}
		type sampled struct {
			classifiers.TableVerdict
			MissedBelow float64 // the share of rows below which something can have been missed
		}
		list := make([]sampled, len(tables))
		for i, t := range tables {
			list[i] = sampled{t, missed[t.Table]}
		}
		return encodeInventory(w, &list)
	case "text":
		writeText(w, tables, missed, all)
		return nil
	}
	return fmt.Errorf("%w: --format %q: use text, tsv, csv or json", errUsage, format)
}

// encodeInventory prints an inventory as JSON. A number that JSON cannot say is left out and named; all else is printed.
func encodeInventory[T any](w io.Writer, tables *[]T) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	var cannot *json.UnsupportedValueError
	if err := e.Encode(tables); !errors.As(err, &cannot) {
		return err
	}
	left := audit.Writable(tables)
	return errors.Join(e.Encode(tables), fmt.Errorf("%w: the inventory leaves out %s: a fault of Lethe, report it",
		pipeline.ErrSource, strings.Join(left, ", ")))
}

// writeText prints the inventory as a person would write it: the tables with personal data and their fields, then what else there is.
func writeText(w io.Writer, tables []classifiers.TableVerdict, missed map[string]float64, all bool) {
	var without []string
	personal := 0
	for _, t := range tables {
		var fields []classifiers.Verdict
		for _, f := range t.Fields {
			if all || f.Primary.Personal() || f.Primary == classifiers.CompanyOnly {
				fields = append(fields, f)
			}
		}
		if len(fields) == 0 {
			without = append(without, t.Table)
			continue
		}
		if below, sampled := missed[t.Table]; sampled {
			fmt.Fprintf(w, "%s (a sample of %d rows: what is in fewer than %s of all can be missing here)\n", t.Table, t.Rows, rate(below))
		} else {
			fmt.Fprintf(w, "%s (%d rows)\n", t.Table, t.Rows)
		}
		for _, f := range fields {
			what := strings.ReplaceAll(labels(f), "_", " ")
			if f.Company && f.Primary != classifiers.CompanyOnly {
				what += ", of a company"
			} else if f.Primary.Personal() {
				personal++
			}
			filled := ""
			if f.Rows > 0 && f.NonEmpty < f.Rows {
				filled = fmt.Sprintf("  %d %% filled", 100*f.NonEmpty/f.Rows)
			}
			fmt.Fprintf(w, "  %-28s %-44s %s%s\n", f.Field, what, sure(f.Confidence), filled)
		}
	}
	if len(without) > 0 {
		fmt.Fprintf(w, "no personal data found in: %s\n", strings.Join(without, ", "))
	}
	read := "every row was read"
	if len(missed) > 0 {
		worst := slices.Max(slices.Collect(maps.Values(missed)))
		read = fmt.Sprintf("%d tables were read in part, so that what is in fewer than %s of their rows can have been missed (95 %%)", len(missed), rate(worst))
	}
	fmt.Fprintf(w, "%d fields with personal data in %d of %d tables; %s\n", personal, len(tables)-len(without), len(tables), read)
}

// rate prints a share as a percentage of two digits.
func rate(share float64) string { return strconv.FormatFloat(share*100, 'g', 2, 64) + " %" }

func sure(confidence float64) string {
	switch {
	case confidence >= 0.95:
		return "certain "
	case confidence >= 0.8:
		return "probable"
	}
	return "possible"
}
