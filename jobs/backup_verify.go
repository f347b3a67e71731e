package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/trial"
	"lethe/pipeline/setup"
	"lethe/pipeline/tried"
)

func backupVerifyCommand(c *Command) *cobra.Command {
	var all bool
	var dir string
	cmd := &cobra.Command{
		Use: "verify [BACKUP...]", Short: "Put backups back into a throwaway server, and look at what stands there",
		Long: `Put backups back, as whoever lost a database would: a dump by the programs of its engine, into a server of MariaDB
or PostgreSQL that is started for it, that nobody else reaches, and that goes away with all it held; a SQLite file
as a copy of which every page and index is looked at. Then each table's rows are compared, number and values, with
what the file says, and rows are counted that stand there though a night had ended them.

A BACKUP is a file as ` + "`lethe backup list`" + ` names it, or a source, of which the newest is tried. Without one, the
newest of each source is. What came of it stands in the state folder, signed; nights say when each was tried last
(` + "`backups`" + `), that one could not be put back (F_BACKUP_UNFIT), and where none was tried for longer than the
` + "`verify_every`" + ` of its source (F_BACKUP_UNTRIED).

The server's data lie in a folder of their own among temporary files, or in --dir, and need as much room as the
database. Where Lethe runs as root its servers run as the user nobody.`,
		Example: "  lethe backup verify\n  lethe backup verify crm-dumps --dir /var/tmp\n  lethe backup verify --all --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.verifyBackups(cmd.Context(), args, all, dir)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "try every backup, not only the newest of each source")
	cmd.Flags().StringVar(&dir, "dir", "", "make the server's folder in this one")
	return cmd
}

// trialLine is what came of the trial of one backup.
type trialLine struct {
	tried.Trial
	Result string `json:"result"` // ok, failed, not tried
	Why    string `json:"why,omitempty"`
}

func (c *Command) verifyBackups(ctx context.Context, names []string, all bool, dir string) error {
	p, _, err := c.load(ctx)
	if err != nil {
		return err
	}
	chosen, err := chooseBackups(p.Sources, names, all)
	if err != nil {
		return err
	}
	if _, err := p.Keys.Runner(); err != nil {
		return err
	}
	defer lean()()
	stop := c.progress(p)
	defer stop()
	var lines []trialLine
	var errs []error
	for _, s := range chosen {
		line, err := verifyBackup(ctx, p, s, dir)
		lines, errs = append(lines, line), append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	stop()
	rows := [][]string{{"BACKUP", "RESULT", "PUT BACK INTO", "TABLES", "ROWS", "OF ERASED"}}
	for _, l := range lines {
		rows = append(rows, []string{l.Source, l.Result, cmp.Or(l.Engine, "-"), fmt.Sprint(l.Tables), fmt.Sprint(l.Rows),
			fmt.Sprint(l.Erased)})
	}
	if err := c.printList(rows, lines, nil); err != nil {
		return err
	}
	if !c.json {
		c.sayTrials(lines)
	}
	return errors.Join(errs...)
}

// verifyBackup tries one backup, and keeps what came of it. The error is one of the source where it does not hold.
func verifyBackup(ctx context.Context, p *setup.Setup, s setup.Source, dir string) (trialLine, error) {
	t, err := trial.Try(ctx, p, s, dir)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return trialLine{Trial: t, Result: "not tried", Why: err.Error()}, nil
	case err != nil:
		return trialLine{Trial: t, Result: "not tried", Why: err.Error()}, err
	}
	if err := tried.Leave(p, t); err != nil {
		return trialLine{Trial: t, Result: "not kept"}, err
	}
	if !t.Holds() {
		return trialLine{Trial: t, Result: "failed"}, fmt.Errorf("%w: backup %s cannot be put back as it is: take another, and "+
			"look at what made this one", setup.ErrSource, s.Name)
	}
	return trialLine{Trial: t, Result: "ok"}, nil
}

// sayTrials says of each backup what the table does not.
func (c *Command) sayTrials(lines []trialLine) {
	for _, l := range lines {
		for _, fault := range l.Faults {
			fmt.Fprintf(c.Out, "%s: %s\n", l.Source, fault)
		}
		for _, left := range l.Left {
			fmt.Fprintf(c.Out, "%s: left out: %s\n", l.Source, left)
		}
		if l.Result == "not tried" {
			fmt.Fprintf(c.Out, "%s: not tried: %s\n", l.Source, l.Why)
		}
		if l.Erased > 0 {
			fmt.Fprintf(c.Out, "%s: %d rows stand in it that a night had ended: `lethe backup list` says until when\n", l.Source,
				l.Erased)
		}
	}
}

// chooseBackups finds the backups that are to be tried: those named, or the newest of each source, or all.
func chooseBackups(sources []setup.Source, names []string, all bool) (chosen []setup.Source, err error) {
	newest := map[string]int{}
	var sets []string
	for i, s := range sources {
		if s.Restore == nil || s.Version != "" {
			continue
		}
		set := cmp.Or(s.Set, s.Name)
		named := slices.Contains(names, s.Name)
		if all && (len(names) == 0 || named || slices.Contains(names, set)) || named {
			chosen = append(chosen, s)
		}
		if was, ok := newest[set]; !ok || s.TakenAt.After(sources[was].TakenAt) {
			if newest[set] = i; !ok {
				sets = append(sets, set)
			}
		}
	}
	for _, set := range sets {
		if s := sources[newest[set]]; !all && (len(names) == 0 || slices.Contains(names, set) && set != s.Name) {
			chosen = append(chosen, s)
		}
	}
	known := func(name string) bool {
		_, is := newest[name]
		return is || slices.ContainsFunc(chosen, func(s setup.Source) bool { return s.Name == name })
	}
	for _, name := range names {
		if !known(name) {
			return nil, fmt.Errorf("%w: %s is no backup in files: %s", setup.ErrUsage, name,
				cmp.Or(strings.Join(sets, ", "), "there is none"))
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: no backup in files is configured: add a source with environment: backup", setup.ErrConfig)
	}
	return chosen, nil
}
