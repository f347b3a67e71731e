package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lethe/jobs/config"
	"lethe/jobs/doctor"
	"lethe/jobs/schedule"
	"lethe/pipeline/ask"
	"lethe/pipeline/ask/backups"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

func doctorCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at everything that nights need, with what to do about each", Args: cobra.NoArgs,
		Long: `Look at everything that nights need, on one screen: what ` + "`lethe check`" + ` looks at, who can read and write what
Lethe keeps, room on disks, whose key ends soon, backups that are old, past their day or nobody's, how the nights stand, and
whether anything starts them. Each thing that is wrong stands with what to do. Nothing is changed.

It ends with 0 when nothing is wrong, with 2 when something is.`,
		Example: "  lethe doctor\n  lethe doctor --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			list := doctor.Sorted(c.examine(cmd.Context(), p, cfg))
			if c.json {
				err = c.printJSON(list)
			} else {
				c.printFindings(list)
			}
			if err == nil && doctor.Worst(list) == doctor.Wrong {
				err = fmt.Errorf("%w: something is wrong: see above", setup.ErrConfig)
			}
			return err
		},
	}
}

// examine looks at all of it; what one look cannot see is a finding of its own.
func (c *Command) examine(ctx context.Context, p *setup.Setup, cfg *config.Config) (list []doctor.Finding) {
	today := calendar.DateOf(c.Now(), p.Zone)
	configuration, err := cfg.Path()
	if err == nil {
		keys, identity := cfg.KeystoreFiles()
		private := []string{p.State, keys, identity}
		if !p.Registry.OnServer() {
			private = append(private, p.Registry.DSN)
		}
		list = doctor.Files(configuration, private...)
	}
	list = append(list, doctor.Disk(p, freeBytes)...)
	until := map[string]string{}
	for name, person := range cfg.People {
		until[name] = person.Until
	}
	list = append(list, doctor.Keys(until, today)...)
	if status, err := ask.StatusOf(ctx, p); err == nil {
		list = append(list, doctor.Nights(status, c.Now())...)
	} else {
		list = append(list, doctor.Finding{State: doctor.Wrong, About: "nights", Words: err.Error()})
	}
	if all, err := backups.List(ctx, p); err == nil {
		most := map[string]calendar.Period{}
		for _, s := range p.Sources {
			most[s.Name] = s.MaxBackupAge
		}
		list = append(list, doctor.Backups(all, backups.Applications(p), most, today, p.Zone)...)
	}
	if len(cfg.Schedule) == 0 {
		list = append(list, doctor.Finding{State: doctor.Look, About: "schedule", Words: "the configuration has none: only " +
			"what somebody else set up starts a night", Fix: "add schedule:, then `lethe schedule --print systemd` or cron"})
	}
	checks, err := ask.Check(ctx, p)
	for _, line := range append(checks, schedule.Remarks(cfg.Schedule, cfg.Controller.Timezone, c.Now())...) {
		list = append(list, doctor.Checked(line))
	}
	for _, wrong := range eachOf(err) {
		list = append(list, doctor.Finding{State: doctor.Wrong, About: "check", Words: wrong.Error()})
	}
	return list
}

// eachOf are the errors that were joined.
func eachOf(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !strings.Contains(err.Error(), "\n") {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, eachOf(e)...)
	}
	return list
}

// freeBytes is how many bytes the disk of a folder still takes from somebody who is not root.
func freeBytes(folder string) (uint64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return 0, errors.New("the system does not say")
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

func (c *Command) printFindings(list []doctor.Finding) {
	for _, f := range list {
		fmt.Fprintf(c.Out, "%-5s  %-8s  %s\n", f.State, f.About, f.Words)
		if f.Fix != "" {
			fmt.Fprintf(c.Out, "%17sfix: %s\n", "", f.Fix)
		}
	}
}
