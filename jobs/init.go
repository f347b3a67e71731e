package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/jobs/config"
	"lethe/jobs/draft"
	"lethe/pipeline/ask/joins"
	"lethe/pipeline/ask/zones"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

func initCommand(c *Command) *cobra.Command {
	var connector, dsn, output, preset string
	var schema bool
	cmd := &cobra.Command{
		Use:   "init [url | file]",
		Short: "Write a commented configuration: of a source that is scanned for it, or the annotated example",
		Args:  cobra.MaximumNArgs(1),
		Example: `  lethe init                                  # the annotated example
  lethe init mysql://reader@db.example.com/crm  # asks for the password, or takes LETHE_PASSWORD
  lethe init app.sqlite -o lethe.yaml
  lethe init mysql://reader@db.example.com/crm --preset civicrm
  lethe init --connector mysql --dsn 'reader@tcp(db.example.com)/crm'
  lethe init --schema > lethe.schema.json     # for an editor, named in the file as # yaml-language-server: $schema=...`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case schema && (len(args) > 0 || dsn != "" || connector != "" || preset != ""):
				return fmt.Errorf("%w: --schema is of every configuration: leave out the source", setup.ErrUsage)
			case schema:
				_, err := fmt.Fprint(c.Out, config.Schema)
				return err
			case len(args) == 1 && dsn != "":
				return fmt.Errorf("%w: name the source once: as argument, or with --dsn", setup.ErrUsage)
			case len(args) == 1:
				dsn = args[0]
			case dsn == "" && connector != "":
				return fmt.Errorf("%w: --connector needs a source: name a file or URL, or give --dsn",
					setup.ErrUsage)
			}
			if err := draft.Free(output); err != nil {
				return err
			}
			if dsn == "" {
				if err := draft.Write(output, config.Example); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "wrote the annotated example to %s: put your own sources, silos and people in "+
					"place of its own, then `lethe check --config %[1]s`\n", output)
				return nil
			}
			return initFrom(cmd.Context(), c, dsn, connector, output, preset)
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of a configuration instead")
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().StringVar(&dsn, "dsn", "", "the source, as an option: a URL, a file, or what the connector reads")
	cmd.Flags().StringVar(&preset, "preset", "", "what is known of the `application`: one of "+presetNames()+
		", or a file; none for what the catalog says alone. Without it the application is recognised by its tables")
	cmd.Flags().StringVarP(&output, "output", "o", "lethe.yaml", "file to write; it must not exist")
	return cmd
}

// initFrom scans a source and writes the configuration that follows from it.
func initFrom(ctx context.Context, c *Command, target, connector, output, preset string) (err error) {
	list, named, err := presetsOf(preset)
	if err != nil {
		return err
	}
	k, o, err := adHoc(ctx, c, target, connector)
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
	found, err := scan.Discover(ctx, source, catalogue, 0, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	if found.Failed != nil && !connectors.Alone(found.Failed) { // what it holds may have to be governed
		return found.Failed
	}
	if len(k.Suffix) > 0 && filepath.Dir(output) != "." { // paths in the file are relative to the file
		if o.DSN, err = filepath.Abs(o.DSN); err != nil {
			return err
		}
	}
	d := draft.New(k, o, tables, found.Tables, c.Now())
	d.Written(found.Assumed)
	recognised, ok := d.Recognise(list)
	if named && !ok {
		return d.Use(list[0])
	}
	clues, err := zones.Look(ctx, source, d.Times(), []*time.Location{time.UTC}, c.Now())
	if err != nil {
		return err
	}
	d.Zone(clues)
	joined, err := joins.Find(ctx, source, tables, d.Holders(), func(string, string) bool { return false })
	if err != nil {
		return err
	}
	d.Joined(joined)
	if err := draft.Write(output, d.Text()); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "wrote %s: %d tables, %d with people in them\n", output, len(tables), d.People())
	if ok {
		fmt.Fprintf(c.Out, "recognised %s: the silos of its preset stand there, with blanks for what you have to decide "+
			"(--preset none leaves them out)\n", recognised.Name)
	}
	writeUnread(c.Out, found.Unread)
	writeAssumed(c.Out, found.Assumed)
	fmt.Fprint(c.Out, "\nnext:\n")
	for i, step := range d.Steps(output) {
		fmt.Fprintf(c.Out, "%2d. %s\n", i+1, step)
	}
	if found.Failed != nil {
		return fmt.Errorf("%w: %w", setup.ErrSource, found.Failed)
	}
	return nil
}

// presetNames names the presets that Lethe has.
func presetNames() string {
	list, err := draft.Presets()
	if err != nil {
		return err.Error() // they are part of the program, and its tests read them
	}
	var names []string
	for _, p := range list {
		names = append(names, p.ID)
	}
	return strings.Join(names, ", ")
}

// presetsOf are the presets among which an application is recognised, or the one that was named.
func presetsOf(name string) (list []draft.Preset, named bool, err error) {
	list, err = draft.Presets()
	if err != nil || name == "" {
		return list, false, err
	}
	if name == "none" {
		return nil, false, nil
	}
	if i := slices.IndexFunc(list, func(p draft.Preset) bool { return p.ID == name }); i >= 0 {
		return list[i : i+1], true, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, false, fmt.Errorf("%w: --preset: use one of %s, or a file: %w", setup.ErrUsage, presetNames(), err)
	}
	p, err := draft.ParsePreset(name, string(body))
	return []draft.Preset{p}, true, err
}
