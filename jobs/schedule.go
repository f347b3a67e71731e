package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"lethe/pipeline"
)

// cronParser reads the five fields of cron. Zones are given per job, never inside the expression: robfig/cron panics on some forms of TZ=.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

var jobName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// checkSchedule refuses jobs without a usable name, and times that cannot be read or never come.
func (c *Config) checkSchedule() error {
	var errs []error
	seen := map[string]bool{}
	for _, j := range c.Schedule {
		if seen[j.Name] || !jobName.MatchString(j.Name) {
			errs = append(errs, fmt.Errorf("schedule: name %q is taken, or no name: every job has one of its own, of small letters, digits and hyphens", j.Name))
		}
		seen[j.Name] = true
		if _, err := c.job(j); err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: %w", j.Name, err))
		}
		if _, err := time.Parse("15:04", j.Until); j.Until != "" && err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: until %q: write a time of day as 15:04", j.Name, j.Until))
		}
	}
	return errors.Join(errs...)
}

// job parses a job's times and zone.
func (c *Config) job(j JobConfig) (civil, error) {
	name := cmp.Or(j.Zone, c.Controller.Timezone)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return civil{}, fmt.Errorf("zone %q: name an IANA zone, for example Europe/Rome", name)
	}
	if strings.Contains(j.Cron, "=") {
		return civil{}, fmt.Errorf("cron %q: give the zone under zone, not in the expression", j.Cron)
	}
	s, err := cronParser.Parse(j.Cron)
	if err != nil {
		return civil{}, fmt.Errorf("cron %q: %w: write minute, hour, day of month, month, day of week", j.Cron, err)
	}
	if s.Next(time.Unix(0, 0).UTC()).IsZero() { // none in five years
		return civil{}, fmt.Errorf("cron %q never fires: there is no such day", j.Cron)
	}
	return civil{s, zone}, nil
}

// civil is a schedule by the clocks of a zone. robfig/cron asked in the zone itself would lose a night that the clocks jump over, and fire twice in an
// hour that comes twice; here every time of day fires once on every day: one that does not exist fires an hour later.
type civil struct {
	cron.Schedule
	zone *time.Location
}

// Next is the first time after t.
func (s civil) Next(t time.Time) time.Time {
	t = t.In(s.zone)
	clock := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	for clock = clock.Add(-2 * time.Hour); ; { // an hour that came twice may lie behind
		if clock = s.Schedule.Next(clock); clock.IsZero() {
			return clock
		}
		if at := s.at(clock); at.After(t) {
			return at
		}
	}
}

// at is the instant at which the zone's clocks show what clock, in UTC, shows.
func (s civil) at(clock time.Time) time.Time {
	at := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, s.zone)
	if earlier := at.Add(-time.Hour); shows(earlier, clock) {
		return earlier // an hour that comes twice: the first
	}
	if at.Format(time.DateTime) < clock.Format(time.DateTime) {
		return at.Add(time.Hour) // an hour that does not come: the one after it
	}
	return at
}

func shows(t, clock time.Time) bool { return t.Format(time.DateTime) == clock.Format(time.DateTime) }

// odd says, for the year after from, on which days a job that starts once a day has a time that the clocks jump over or show twice.
func (s civil) odd(from time.Time) (missing, twice []string) {
	from = from.In(s.zone)
	for day := range 366 {
		start := time.Date(from.Year(), from.Month(), from.Day()+day, 0, 0, 0, 0, s.zone)
		end := time.Date(from.Year(), from.Month(), from.Day()+day+1, 0, 0, 0, 0, s.zone)
		if end.Sub(start) == 24*time.Hour {
			continue
		}
		midnight := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC)
		clock := s.Schedule.Next(midnight.Add(-time.Second))
		if clock.IsZero() || !clock.Before(midnight.AddDate(0, 0, 1)) || s.Schedule.Next(clock).Before(midnight.AddDate(0, 0, 1)) {
			continue // not on that day, or more than once: the night is not lost
		}
		switch at := s.at(clock); {
		case !shows(at, clock):
			missing = append(missing, start.Format(time.DateOnly))
		case shows(at.Add(time.Hour), clock):
			twice = append(twice, start.Format(time.DateOnly))
		}
	}
	return missing, twice
}

// scheduleRemarks warns of jobs whose time some nights lack or have twice.
func (c *Config) scheduleRemarks(now time.Time) []string {
	var remarks []string
	for _, j := range c.Schedule {
		s, err := c.job(j)
		if err != nil {
			continue // Build refused it
		}
		missing, twice := s.odd(now)
		if len(missing) > 0 {
			remarks = append(remarks, fmt.Sprintf("schedule %s: its time does not exist on %s, when the clocks jump: `lethe schedule` fires it all the same, systemd and most crons lose that night; 01:15 is safe", j.Name, strings.Join(missing, ", ")))
		}
		if len(twice) > 0 {
			remarks = append(remarks, fmt.Sprintf("schedule %s: its time comes twice on %s: `lethe schedule` fires it once, some crons twice; the second start finds the night done; 01:15 is safe", j.Name, strings.Join(twice, ", ")))
		}
	}
	return remarks
}

// missed reports whether a job's last time before now passed without a run: it is made up for at once, if its window is not over. last is when it last ran;
// a job that never ran waits for its time.
func (s civil) missed(until string, last, now time.Time) (at time.Time, ok bool) {
	for next := s.Next(now.AddDate(0, 0, -8)); !next.IsZero() && !next.After(now); next = s.Next(next) {
		at = next
	}
	if at.IsZero() || last.IsZero() || !last.Before(at) {
		return at, false
	}
	end, err := time.Parse("15:04", until)
	if until == "" || err != nil {
		return at, true
	}
	local := at.In(s.zone)
	closes := time.Date(local.Year(), local.Month(), local.Day(), end.Hour(), end.Minute(), 0, 0, s.zone)
	if !closes.After(at) {
		closes = closes.AddDate(0, 0, 1)
	}
	return at, now.Before(closes)
}

func (c *Command) scheduleCommand() *cobra.Command {
	var print string
	cmd := &cobra.Command{
		Use: "schedule", Short: "Stay, and fire the configured jobs; or print them for cron, systemd or Kubernetes", Args: cobra.NoArgs,
		Example: "  lethe schedule\n  lethe schedule --print systemd",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, config, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if len(config.Schedule) == 0 {
				return fmt.Errorf("%w: the configuration has no schedule", pipeline.ErrConfig)
			}
			if print != "" {
				return c.printUnits(config, print)
			}
			return c.serve(cmd.Context(), p, config)
		},
	}
	cmd.Flags().StringVar(&print, "print", "", "print unit texts instead: systemd, cron or kubernetes")
	return cmd
}

// serve fires the jobs until the context ends. A job that is still at work when its time comes again is not started twice; what a run cannot
// do is logged, and the next night tries again. A night that was missed while nobody served is made up for once, at the start.
func (c *Command) serve(ctx context.Context, p *pipeline.Pipeline, config *Config) error {
	log := c.logger()
	for _, remark := range config.scheduleRemarks(c.Now()) {
		log.Warn(remark)
	}
	runner := cron.New(cron.WithParser(cronParser), cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, j := range config.Schedule {
		s, err := config.job(j)
		if err != nil {
			return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
		}
		job := func() { c.fire(ctx, p, config, j, log) }
		status, err := p.Status(ctx)
		if err != nil {
			return err
		}
		last := status.LastRun
		if j.Apply {
			last = status.LastSuccess
		}
		if at, missed := s.missed(j.Until, last, c.Now()); missed {
			log.Warn("a start was missed: it is made up for now", "job", j.Name, "missed", at)
			job()
		}
		runner.Schedule(s, cron.FuncJob(job))
		log.Info("scheduled", "job", j.Name, "next", s.Next(c.Now()))
	}
	runner.Start()
	<-ctx.Done()
	<-runner.Stop().Done()
	return nil
}

// fire runs one night of a job, and logs how it ended.
func (c *Command) fire(ctx context.Context, p *pipeline.Pipeline, config *Config, j JobConfig, log *slog.Logger) {
	f := nightFlags{job: j.Name, until: j.Until, apply: j.Apply}
	o, err := f.options(p)
	if err == nil {
		var r pipeline.Result
		r, err = p.Run(ctx, o)
		log.Info("night ended", "job", j.Name, "run_id", r.RunID, "exit_code", exitCode(err), "already_done", r.AlreadyDone, "waiting", len(r.Waiting))
		if o.Apply && !r.AlreadyDone {
			config.notify(ctx, log, p, j.Name, r, err)
		}
	}
	if err != nil {
		log.Error("night failed", "job", j.Name, "error", err.Error())
	}
}

// printUnits prints what starts the jobs from outside.
func (c *Command) printUnits(config *Config, kind string) error {
	for _, j := range config.Schedule {
		zone := cmp.Or(j.Zone, config.Controller.Timezone)
		path, err := filepath.Abs(config.path)
		if err != nil {
			return err
		}
		args := "run --job " + j.Name
		if j.Apply {
			args += " --apply"
		}
		if j.Until != "" {
			args += " --until " + j.Until
		}
		switch kind {
		case "cron":
			fmt.Fprintf(c.Out, "CRON_TZ=%s\n%s lethe --config %s %s\n", zone, j.Cron, path, args)
		case "systemd":
			calendar, err := calendarOf(j.Cron)
			if err != nil {
				return fmt.Errorf("%w: schedule %s: %w", pipeline.ErrConfig, j.Name, err)
			}
			fmt.Fprintf(c.Out, systemdUnits, j.Name, path, args, j.Name, calendar, zone)
		case "kubernetes":
			fmt.Fprintf(c.Out, kubernetesJob, j.Name, j.Cron, zone, strings.Join(strings.Fields(args), `", "`))
		default:
			return fmt.Errorf("%w: --print %q: use systemd, cron or kubernetes", errUsage, kind)
		}
	}
	return nil
}

// calendarOf turns a daily cron expression into systemd's OnCalendar.
func calendarOf(expression string) (string, error) {
	f := strings.Fields(expression)
	var minute, hour int
	if _, err := fmt.Sscanf(f[0]+" "+f[1], "%d %d", &minute, &hour); err != nil || f[2] != "*" || f[3] != "*" || f[4] != "*" {
		return "", fmt.Errorf("cron %q is not one time every day: write the timer by hand", expression)
	}
	return fmt.Sprintf("*-*-* %02d:%02d:00", hour, minute), nil
}

const systemdUnits = `# lethe-%s.service
[Unit]
Description=Lethe night
[Service]
Type=oneshot
ExecStart=/usr/local/bin/lethe --config %s %s
TimeoutStartSec=5h
ProtectSystem=full
NoNewPrivileges=yes
PrivateTmp=yes

# lethe-%s.timer
[Timer]
OnCalendar=%s %s
Persistent=true
RandomizedDelaySec=5min
[Install]
WantedBy=timers.target

`

const kubernetesJob = `apiVersion: batch/v1
kind: CronJob
metadata: {name: lethe-%s}
spec:
  schedule: "%s"
  timeZone: %s
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers: [{name: lethe, image: lethe, args: ["--config", "/etc/lethe/lethe.yaml", "%s"], volumeMounts: [{name: lethe, mountPath: /etc/lethe}]}]
          volumes: [{name: lethe, persistentVolumeClaim: {claimName: lethe}}]
---
`
