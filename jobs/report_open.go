package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/setup"
)

func reportOpenCommand(c *Command) *cobra.Command {
	var reports, identity, to string
	cmd := &cobra.Command{
		Use: "open", Short: "Write the tables that are encrypted for you in the clear, for a program of yours to read",
		Long: `Write what stands under readers: of a silo, encrypted, to a folder of yours in the clear, as far as your identity
opens it; the tables that anybody may read are linked beside it. Programs read that folder like the reports, and
lethe report query --reports FOLDER does. Remove it when you have looked: nothing else does.`,
		Args:    cobra.NoArgs,
		Example: "  lethe report open --identity anna-reader.key --reports ./copy-of-reports --to ./opened",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reports == "" {
				p, _, err := c.load(cmd.Context())
				if err != nil {
					return err
				}
				reports = relative(p.Reports)
			}
			o, err := openTables(cmd.Context(), reports, identity, "*", to)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "opened    %d files in %s\n", o.opened, to)
			if o.others > 0 {
				fmt.Fprintf(c.Out, "others    %d files are encrypted for other readers, and were left out\n", o.others)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&reports, "reports", "", "a folder of reports, such as a copy; no configuration is needed then")
	cmd.Flags().StringVar(&identity, "identity", "", "`file` of the identity that opens what is encrypted for a reader")
	cmd.Flags().StringVar(&to, "to", "", "`folder` that is made, and that only you can read")
	required(cmd, "identity", "to")
	return cmd
}

// opening counts the encrypted files that were met, by whether they were opened.
type opening struct{ opened, others int }

// openTables makes a folder with the tables of a folder of reports, links to those in the clear, and what is encrypted
// as far as the identities of a file open it.
func openTables(ctx context.Context, reports, identity, table, to string) (o opening, err error) {
	identities, err := identitiesOf(identity)
	if err != nil {
		return o, err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return o, fmt.Errorf("%w: %w: name a folder that is not there yet", setup.ErrConfig, err)
	}
	files, err := filepath.Glob(filepath.Join(reports, "table="+table, "date=*", "run=*", "*"))
	if err != nil {
		return o, fmt.Errorf("look for tables: %w", err)
	}
	if len(files) == 0 {
		return o, fmt.Errorf("%w: there is no report in %s: name the folder with --reports", setup.ErrConfig, reports)
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return o, err
		}
		if err := o.take(reports, file, to, identities); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *opening) take(reports, file, to string, identities []age.Identity) error {
	name, err := filepath.Rel(reports, file)
	if err != nil {
		return fmt.Errorf("open tables: %w", err)
	}
	place := filepath.Join(to, strings.TrimSuffix(name, sealed.Ends))
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return fmt.Errorf("open tables: %w", err)
	}
	if !strings.HasSuffix(name, sealed.Ends) {
		whole, err := filepath.Abs(file)
		if err == nil {
			err = os.Symlink(whole, place)
		}
		if err != nil {
			return fmt.Errorf("open tables: %w", err)
		}
		return nil
	}
	switch _, _, err := sealed.Open(file, place, identities); {
	case errors.Is(err, sealed.ErrOther):
		o.others++
	case err != nil:
		return fmt.Errorf("%w: what is encrypted for a reader is damaged: %w: ask for the file again", setup.ErrTampered,
			err)
	default:
		o.opened++
	}
	return nil
}

// identitiesOf reads the file of --identity; "" none.
func identitiesOf(path string) ([]age.Identity, error) {
	if path == "" {
		return nil, nil
	}
	list, err := sealed.Identities(path)
	if err != nil {
		return nil, fmt.Errorf("%w: --identity: %w", setup.ErrConfig, err)
	}
	return list, nil
}
