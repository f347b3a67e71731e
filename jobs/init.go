package jobs

import (
	"context"
	_ "embed" // the annotated example
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/pipeline"
)

//go:embed example.yaml
var example string

func (c *Command) initCommand() *cobra.Command {
	var connector, dsn, output string
	cmd := &cobra.Command{
		Use: "init [url | file]", Short: "Write a commented configuration: of a source that is scanned for it, or the annotated example", Args: cobra.MaximumNArgs(1),
		Example: `  lethe init                                  # the annotated example
  lethe init mysql://reader@db.example.com/crm  # asks for the password, or takes LETHE_PASSWORD
  lethe init app.sqlite -o lethe.yaml
  lethe init --connector mysql --dsn 'reader@tcp(db.example.com)/crm'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && dsn != "":
				return fmt.Errorf("%w: name the source once: as argument, or with --dsn", errUsage)
			case len(args) == 1:
				dsn = args[0]
			case dsn == "" && connector != "":
				return fmt.Errorf("%w: --connector needs a source: name a file or URL, or give --dsn", errUsage)
			}
			if _, err := os.Lstat(output); err == nil {
				return occupied(output)
			}
			if dsn == "" {
				if err := writeNew(output, example); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "wrote the annotated example to %s: put your own sources, silos and people in place of its own, then `lethe check --config %[1]s`\n", output)
				return nil
			}
			return c.initFrom(cmd.Context(), dsn, connector, output)
		},
	}
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().StringVar(&dsn, "dsn", "", "the source, as an option: a URL, a file, or what the connector reads")
	cmd.Flags().StringVarP(&output, "output", "o", "lethe.yaml", "file to write; it must not exist")
	return cmd
}

func occupied(path string) error {
	return fmt.Errorf("%w: %s exists already and is left as it is: name another file with -o", pipeline.ErrConfig, path)
}

// writeNew writes a file that must not be there yet.
func writeNew(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return occupied(path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}

// initFrom scans a source and writes the configuration that follows from it.
func (c *Command) initFrom(ctx context.Context, target, connector, output string) (err error) {
	k, o, err := c.adHoc(target, connector)
	if err != nil {
		return err
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
	catalogue, err := classifiers.New()
	if err != nil {
		return err
	}
	bar := c.bar("scan " + o.Name)
	verdicts, err := pipeline.Discover(ctx, source, catalogue, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	if len(k.Suffix) > 0 && filepath.Dir(output) != "." { // paths in the file are relative to the file
		if o.DSN, err = filepath.Abs(o.DSN); err != nil {
			return err
		}
	}
	d := newDraft(k, o, tables, verdicts, c.Now())
	if err := writeNew(output, d.text()); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "wrote %s: %d tables, %d with people in them\n\nnext:\n", output, len(tables), len(d.people))
	for i, step := range d.steps(output) {
		fmt.Fprintf(c.Out, "%2d. %s\n", i+1, step)
	}
	return nil
}
