package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/pipeline/review"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

func discoverCommand(c *Command) *cobra.Command {
	var f nightFlags
	var format, explain, connector, output string
	var all, full bool
	var sample int
	cmd := &cobra.Command{
		Use:   "discover [url | file]",
		Short: "Find personal data: in the configured sources, or ad hoc in a database, a file or a dump",
		Args:  cobra.MaximumNArgs(1),
		Example: `  lethe discover                                  # the configured sources, with a report
  lethe discover mysql://reader@db.example.com/crm  # asks for the password, or takes LETHE_PASSWORD
  lethe discover 'mysql://reader@localhost/crm?tls=waived'
  lethe discover backups/crm-2026-11-20.sql.gz
  lethe discover app.sqlite --format tsv
  lethe discover app.sqlite --explain customers.email
  lethe discover mysql://reader@db.example.com/crm --sample 20000  # reads part of each table`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if sample < 0 || full && sample > 0 {
				return fmt.Errorf("%w: --sample takes a number of rows, and --full reads all of them: use one",
					setup.ErrUsage)
			}
			if len(args) == 0 {
				for _, flag := range [...]string{"explain", "format", "output", "connector", "all"} {
					if cmd.Flags().Changed(flag) {
						return fmt.Errorf("%w: --%s is for one database, file or dump that is named: the configured sources "+
							"go to the report, and `lethe review --csv` has the terms of what is asked", setup.ErrUsage, flag)
					}
				}
				f.full, f.sample = full, sample
				return night(cmd.Context(), c, f, setup.DiscoverOnly)
			}
			return discoverAdHoc(cmd.Context(), c, args[0], connector, format, explain, output, sample, all)
		},
	}
	f.register(cmd, false)
	cmd.Flags().StringVar(&format, "format", "text", "text, tsv, csv or json")
	cmd.Flags().StringVar(&explain, "explain", "", "print the terms of the verdict on one field: table.field")
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this file")
	cmd.Flags().IntVar(&sample, "sample", 0, "read about so many rows of a table, in blocks over its whole range, and "+
		"say what that can miss; a dump is always read whole")
	cmd.Flags().BoolVar(&full, "full", false,
		"read every row, whatever discover.sample of the configuration says; ad hoc the default")
	cmd.Flags().BoolVar(&all, "all", false, "text: list fields without personal data too")
	return cmd
}

func discoverAdHoc(ctx context.Context, c *Command, target, connector, format, explain, output string, sample int,
	all bool) (err error) {
	k, o, err := adHoc(ctx, c, target, connector)
	if err != nil {
		return err
	}
	catalogue, err := classifiers.New()
	if err != nil {
		return err
	}
	c.names = shown.New(catalogue, nil)
	o.Name = c.names.Of(o.Name)
	if !strings.Contains(o.DSN, "://") { // a file
		c.names.Of(o.DSN)
	}
	source, err := k.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	tables, err := source.Tables(ctx)
	if err != nil {
		return err
	}
	c.names.Learn(tables)
	bar := c.bar("scan " + o.Name)
	found, err := scan.Discover(ctx, source, catalogue, sample, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	to := c.Out
	if output != "" {
		f, err := os.OpenFile(output, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrConfig, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = shown.Writer{To: f, Names: func() *shown.Names { return c.names }}
	}
	w := new(bytes.Buffer) // written at once, so that JSON is known to be
	defer func() {
		_, writeErr := to.Write(w.Bytes())
		err = errors.Join(err, writeErr)
	}()
	if o.Plaintext && format == "text" {
		fmt.Fprintln(w, "TLS was waived for this connection: names and values crossed the network in plain text.")
	}
	if explain != "" {
		return explainField(w, catalogue, found.Tables, found.Missed, explain)
	}
	if c.json {
		format = "json"
	}
	if format == "tsv" || format == "csv" { // of which each line is a field
		writeUnread(c.Err, found.Unread)
		writeAssumed(c.Err, found.Assumed)
	}
	err = writeInventory(w, found, format, all)
	if format == "text" {
		printAsked(w, review.Asked(&setup.Setup{}, review.Nights{Last: found.Inventory()}, 0), firstAsked,
			"once they are configured (lethe init), lethe review asks about them")
	}
	if found.Failed != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", setup.ErrSource, found.Failed))
	}
	return err
}
