package jobs

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// CopyConfig grants an application a copy of what the registry says of its own rows. It stands under `sync:` by the target's name, which is part of the names of
// tables and views.
type CopyConfig struct {
	Source string              `yaml:"source"`            // the live source whose rows it is about
	Grants map[string][]string `yaml:"grants"`            // silo: purposes
	Table  bool                `yaml:"table,omitempty"`   // a table with purpose-bound views in the source itself
	Files  string              `yaml:"files,omitempty"`   // folder of signed snapshots and deltas
	MaxLag calendar.Period     `yaml:"max_lag,omitempty"` // default P1D
}

var targetName = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

func (c *Config) buildCopies(p *pipeline.Pipeline) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sync)) {
		s := c.Sync[name]
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("sync.%s: "+format, append([]any{name}, args...)...))
		}
		if !targetName.MatchString(name) {
			fail("the target's name becomes part of table names: use up to 20 small letters and digits, a letter first")
		}
		source, ok := c.Sources[s.Source]
		switch {
		case !ok || source.Of != "" || source.Environment == "backup":
			fail("source %q is not a live source", s.Source)
		case s.Table && source.ApplyDSN == "":
			fail("table: source %s is read-only: give it an apply_dsn, or grant files instead", s.Source)
		}
		if !s.Table && s.Files == "" {
			fail("say how the copy is kept: table: true, files: FOLDER, or both")
		}
		if s.Files != "" {
			for _, other := range slices.Sorted(maps.Keys(c.Sync)) {
				if folder := c.Sync[other].Files; other < name && folder != "" && filepath.Clean(c.abs(folder)) == filepath.Clean(c.abs(s.Files)) {
					fail("files: the copies for %s are written to folder %s already: give each target a folder of its own", other, s.Files)
				}
			}
		}
		if len(s.Grants) == 0 {
			fail("grants nothing: name silos with their purposes, as {newsletter: [newsletter]}")
		}
		grants := map[string][]string{}
		for _, silo := range slices.Sorted(maps.Keys(s.Grants)) {
			known, ok := c.Silos[silo]
			if !ok {
				fail("grants: silo %q is not under silos", silo)
				continue
			}
			if !slices.ContainsFunc(known.Records, func(r policy.Records) bool { return r.Source == s.Source }) {
				fail("grants: silo %s has no records in source %s: an application is told about its own rows only", silo, s.Source)
			}
			if len(s.Grants[silo]) == 0 {
				fail("grants: silo %s without a purpose grants nothing: name its purposes", silo)
			}
			for _, purpose := range s.Grants[silo] {
				if !slices.ContainsFunc(known.Rules, func(r policy.Rule) bool { return r.Purpose == purpose }) {
					fail("grants: silo %s has no rule for purpose %q", silo, purpose)
				}
				if len(silo) > 64 || len(purpose) > 64 {
					fail("grants: silo %s, purpose %s: a copy holds names of up to 64 bytes", silo, purpose)
				}
			}
			grants[silo] = slices.Compact(slices.Sorted(slices.Values(s.Grants[silo])))
		}
		p.Copies = append(p.Copies, pipeline.Copy{Target: name, Source: s.Source, Grants: grants, Table: s.Table, Files: c.abs(s.Files), MaxLag: s.MaxLag})
	}
	return errors.Join(errs...)
}

func (c *Command) syncCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "sync", Short: "Bring the applications' copies of their consents up to date, without the rest of the night", Args: cobra.NoArgs,
		Long: `Under sync: the configuration grants applications a copy of what the registry says of their own rows: for each row and purpose, allowed (until which instant, in UTC),
blocked, or unknown. A night brings the copies up to date by itself; between nights this command does only that, so that a withdrawal is known
within the hour.

With table: true the copy of TABLE for TARGET is the table lethe_TARGET_TABLE in the application's own database, with the same key, and a view
lethe_TARGET_TABLE_PURPOSE of the rows that may be used for the purpose at that moment, with the fields that its rules cover. The application reads
the views; it needs no other right. With files: FOLDER the folder holds copy.json, signed, with the newest snapshot and what changed since the
one before (JSON Lines); check it with lethe consent verify-copy.

A copy is compared in full each time: a row that somebody removed, added or altered is reported as drift, and repaired.`,
		Example: "  lethe consent sync            # says what would be written\n  lethe consent sync --apply    # from cron, every hour",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.night(cmd.Context(), f, pipeline.SyncOnly) },
	}
	f.register(cmd, true)
	return cmd
}

func (c *Command) verifyCopyCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "verify-copy <folder>", Short: "Check the signed snapshot in a folder, with nothing but the public key", Args: cobra.ExactArgs(1),
		Example: "  lethe consent verify-copy var/copies/crm --key lethe-ed25519:...",
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := keystore.ParsePublic(key)
			if err != nil {
				return fmt.Errorf("%w: --key: %w", errUsage, err)
			}
			m, err := pipeline.VerifySnapshot(args[0], public)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(m)
			}
			fmt.Fprintln(c.Out, m.Words())
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "public `key` of who signs, as lethe keys create printed it")
	if err := cmd.MarkFlagRequired("key"); err != nil {
		panic(err)
	}
	return cmd
}

// printCopies says how the applications' copies stand.
func (c *Command) printCopies(lines []*audit.ConsentSync) {
	rows := [][]string{{"TARGET", "SILO", "SOURCE", "TABLE", "ROWS", "CHANGED", "DRIFT", "STATE"}}
	for _, l := range lines {
		state := "up to date"
		switch {
		case l.Error != "":
			state = l.Error
		case l.AckedSeq < l.HeadSeq:
			state = "not delivered"
		}
		rows = append(rows, []string{l.Target, l.Silo, l.Source, l.Object, fmt.Sprint(l.ExpectedRows), fmt.Sprint(l.Changed), fmt.Sprint(l.DriftMissing + l.DriftExtra + l.DriftDifferent), state})
	}
	if len(rows) > 1 {
		fmt.Fprintln(c.Out)
		table(c.Out, rows)
	}
}
