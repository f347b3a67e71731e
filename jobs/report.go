package jobs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/queries"
	"lethe/pipeline/setup"
)

func reportCommand(c *Command) *cobra.Command {
	var fromJournal bool
	cmd := &cobra.Command{
		Use: "report [run]", Short: "Make the report of a run anew from the journal", Args: cobra.MaximumNArgs(1),
		Example: "  lethe report --from-journal",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			r, err := pipeline.Republish(cmd.Context(), p, strings.Join(args, ""))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "report    %s\nmanifest  %s\n", r.Report, r.Manifest)
			return nil
		},
	}
	cmd.Flags().BoolVar(&fromJournal, "from-journal", true, "the journal is what reports are made from")
	cmd.AddCommand(reportSchemaCommand(c), reportQueryCommand(c), reportOpenCommand(c), reportRenderCommand(c), reportMonthCommand(c))
	return cmd
}

func reportSchemaCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "schema [table]", Short: "Say which columns the tables of a report have, and what they mean",
		Args: cobra.MaximumNArgs(1), Example: "  lethe report schema silos\n  lethe report schema --json",
		RunE: func(_ *cobra.Command, args []string) error {
			tables := audit.AllTables()
			if len(args) > 0 {
				tables = slices.DeleteFunc(tables, func(t audit.Table) bool { return t.Name != args[0] })
				if len(tables) == 0 {
					return fmt.Errorf("%w: there is no table %q: they are %s", setup.ErrConfig, args[0],
						strings.Join(audit.TableNames(), ", "))
				}
			}
			if !c.json {
				fmt.Fprint(c.Out, audit.SchemaText(tables))
				return nil
			}
			type table struct {
				Name    string         `json:"name"`
				Means   string         `json:"means"`
				Columns []audit.Column `json:"columns"`
			}
			list := make([]table, len(tables))
			for i, t := range tables {
				list[i] = table{t.Name, t.Means(), t.Columns()}
			}
			return c.printJSON(list)
		},
	}
}

// asked is what `report query` is asked.
type asked struct {
	night, reports, identity string
	sql                      bool
}

func reportQueryCommand(c *Command) *cobra.Command {
	var a asked
	cmd := &cobra.Command{
		Use:   "query [code]",
		Short: "Print the SQL behind a number of the page, by its code, and run it where DuckDB is installed",
		Args:  cobra.MaximumNArgs(1),
		Example: "  lethe report query\n  lethe report query q11\n" +
			"  lethe report query q11 --night 2026-11-20 --reports ./copy-of-reports",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listQueries(c)
			}
			return c.query(cmd.Context(), args[0], a)
		},
	}
	cmd.Flags().StringVar(&a.night, "night", "", "the civil date that is asked about, YYYY-MM-DD (the newest)")
	cmd.Flags().StringVar(&a.reports, "reports", "", "a folder of reports, such as a copy; no configuration is needed then")
	cmd.Flags().StringVar(&a.identity, "identity", "", "`file` of the identity that opens what is encrypted for a reader, "+
		"while DuckDB reads it")
	cmd.Flags().BoolVar(&a.sql, "sql", false, "only print it")
	return cmd
}

func listQueries(c *Command) error {
	all := queries.All()
	rows := make([][]string, len(all))
	for i, q := range all {
		rows[i] = []string{q.Code, q.Title}
	}
	return c.printList(rows, all, nil)
}

// query prints a query with all that it needs, or runs it where there is a program for that.
func (c *Command) query(ctx context.Context, code string, a asked) error {
	q, known := queries.Find(code)
	if !known {
		return fmt.Errorf("%w: there is no query %q: `lethe report query` lists them", setup.ErrConfig, code)
	}
	if a.reports == "" {
		p, _, err := c.load(ctx)
		if err != nil {
			return err
		}
		a.reports = relative(p.Reports)
	}
	night, err := nightOf(a)
	if err != nil {
		return err
	}
	left, err := countedOnly(ctx, a, night, q)
	if err != nil {
		return err
	}
	if a.identity != "" && !a.sql {
		apart, err := os.MkdirTemp("", "lethe-query.")
		if err != nil {
			return fmt.Errorf("open tables: %w", err)
		}
		defer os.RemoveAll(apart)
		opened := filepath.Join(apart, "reports")
		if _, err := openTables(ctx, a.reports, a.identity, "*", opened); err != nil {
			return err
		}
		a.reports = opened
	}
	script := q.Prelude(filepath.ToSlash(a.reports), night) + q.SQL + "\n"
	duckdb, err := exec.LookPath("duckdb")
	if err != nil && a.identity != "" && !a.sql {
		return fmt.Errorf("%w: DuckDB is not installed, and --identity opens tables for it alone: `lethe report open` "+
			"writes them for another program", setup.ErrConfig)
	}
	if a.sql || err != nil {
		fmt.Fprintf(c.Out, "-- %s: %s\n%s%s", q.Code, q.Title, left, script)
		return nil
	}
	fmt.Fprint(c.Err, left)
	arguments := []string{"-no-stdin", "-c", script}
	if c.json {
		arguments = append([]string{"-json"}, arguments...)
	}
	program := exec.CommandContext(ctx, duckdb, arguments...)
	program.Stdout, program.Stderr = c.Out, c.Err
	if err := program.Run(); err != nil {
		return fmt.Errorf("%w: duckdb did not run the query; `--sql` prints it: %w", setup.ErrConfig, err)
	}
	return nil
}

// nightOf is the night that is asked about, of which there is a report.
func nightOf(a asked) (string, error) {
	found, err := filepath.Glob(filepath.Join(a.reports, "table=runs", "date=*"))
	if err != nil {
		return "", err
	}
	var nights []string
	for _, f := range found {
		nights = append(nights, strings.TrimPrefix(filepath.Base(f), "date="))
	}
	slices.Sort(nights)
	switch {
	case len(nights) == 0:
		return "", fmt.Errorf("%w: there is no report in %s: name the folder with --reports", setup.ErrConfig, a.reports)
	case a.night == "":
		return nights[len(nights)-1], nil
	case !slices.Contains(nights, a.night):
		return "", fmt.Errorf("%w: there is no report of %q in %s: the first is of %s, the last of %s", setup.ErrConfig,
			a.night, a.reports, nights[0], nights[len(nights)-1])
	}
	return a.night, nil
}
