package jobs

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/backups"
)

func backupCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup", Short: "The backups: whose they are, what is in them, and until when",
		Long: `When somebody is erased, the backups still hold them, until each is rewritten or its keep is over.`,
	}
	cmd.AddCommand(backupListCommand(c), backupVerifyCommand(c), backupReapplyCommand(c))
	return cmd
}

func backupListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the backups, and what lies beside them and is nobody's", Args: cobra.NoArgs,
		Long: `List every backup: whose it is, what it is by what it begins with (never by its name), when it was taken,
until when it is kept, what becomes of what should be gone from it, and how many erased people are in it still.

  rewrite     what is due is taken out of it, as its source's rewrite: says
  age_out     it is not changed; what is due in it is beyond use until its keep is over
  beyond_use  the same, and no keep says until when
  stray       it lies beside backups and is no source's: say whose it is, or delete it

TRIED is when it was last put back by ` + "`lethe backup verify`" + `.

A physical copy, a log, a disk image, a repository or an encrypted file is listed by a source with
connector: physical.`,
		Example: "  lethe backup list\n  lethe backup list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			list, err := backups.List(cmd.Context(), p)
			if err != nil {
				return err
			}
			rows := [][]string{{"APPLICATION", "BACKUP", "TAKEN", "KEPT UNTIL", "STRATEGY", "ERASED", "GONE ON", "TRIED", "FORMAT"}}
			for _, b := range list {
				rows = append(rows, []string{cmp.Or(b.Application, "nobody's"), cmp.Or(b.Source, relative(b.Path)),
					dayOf(b.TakenAt, p.Zone), cmp.Or(b.KeptUntil, "no keep"), cmp.Or(b.Strategy, b.Status),
					fmt.Sprint(b.Erased), cmp.Or(b.GoneOn, "-"), triedOn(b, p.Zone), b.Format})
			}
			if err := c.printList(rows, list, nil); err != nil || c.json {
				return err
			}
			c.sayBackups(list, backups.Applications(p))
			return nil
		},
	}
}

// triedOn is when a backup was last put back for trial, and that it failed.
func triedOn(b backups.Backup, zone *time.Location) string {
	switch {
	case b.TriedAt.IsZero():
		return "-"
	case b.Tried != "ok":
		return dayOf(b.TriedAt, zone) + " " + b.Tried
	}
	return dayOf(b.TriedAt, zone)
}

// sayBackups says what of all backups together a person asks first.
func (c *Command) sayBackups(list []backups.Backup, without []string) {
	switch erased, until, open := backups.Sum(list); {
	case erased == 0:
		fmt.Fprintln(c.Out, "Nobody who was erased is in a backup that a night has looked at.")
	case open:
		fmt.Fprintln(c.Out, "Erased people are in backups of which no keep says until when: say it under their "+
			"sources.")
	default:
		fmt.Fprintf(c.Out, "The last erased person is gone from the last backup on %s.\n", until)
	}
	if len(without) > 0 {
		fmt.Fprintf(c.Out, "No backup is configured of: %s. If there is one, add a source for it.\n",
			strings.Join(without, ", "))
	}
}
