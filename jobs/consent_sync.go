package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

func consentSyncCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Bring the applications' copies of their consents up to date, without the rest of the night",
		Args:  cobra.NoArgs,
		Long: `Under sync: the configuration grants applications a copy of what the registry says of their own rows:
for each row and purpose, allowed (until which instant, in UTC), blocked, or unknown. A night brings the
copies up to date by itself; between nights this command does only that, so that a withdrawal is known
within the hour.

With table: true the copy of TABLE for TARGET is the table lethe_TARGET_TABLE in the application's own
database, with the same key, and a view lethe_TARGET_TABLE_PURPOSE of the rows that may be used for the
purpose at that moment, with the fields that its rules cover. The application reads the views; it needs
no other right. With files: FOLDER the folder holds copy.json, signed, with the newest snapshot and what
changed since the one before (JSON Lines); check it with lethe consent verify-copy.

A copy is compared in full each time: a row that somebody removed, added or altered is reported as drift,
and repaired.`,
		Example: "  lethe consent sync            # says what would be written\n" +
			"  lethe consent sync --apply    # from cron, every hour",
		RunE: func(cmd *cobra.Command, _ []string) error { return night(cmd.Context(), c, f, setup.SyncOnly) },
	}
	f.register(cmd, true)
	f.registerOperator(cmd)
	return cmd
}
