package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"lethe/pipeline"
)

// cronParser reads the five fields of cron. Zones are given per job, never inside the expression: robfig/cron panics on some forms of TZ=.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// checkSchedule refuses jobs that would never fire, or twice or not at all when the clocks change.
func (c *Config) checkSchedule() error {
	var errs []error
	seen := map[string]bool{}
	for _, j := range c.Schedule {
		if j.Name == "" || seen[j.Name] {
			errs = append(errs, fmt.Errorf("schedule: name %q is empty or taken: every job has a name of its own", j.Name))
		}
		seen[j.Name] = true
		if _, _, err := c.job(j); err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: %w", j.Name, err))
		}
		if _, err := time.Parse("15:04", j.Until); j.Until != "" && err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: until %q: write a time of day as 15:04", j.Name, j.Until))
		}
	}
	return errors.Join(errs...)
}

// job parses a job's times and zone.
func (c *Config) job(j JobConfig) (cron.Schedule, *time.Location, error) {
	name := j.Zone
	if name == "" {
		name = c.Controller.Timezone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, nil, fmt.Errorf("zone %q: name an IANA zone, for example Europe/Rome", name)
	}
	if strings.Contains(j.Cron, "=") {
		return nil, nil, fmt.Errorf("cron %q: give the zone under zone, not in the expression", j.Cron)
	}
	s, err := cronParser.Parse(j.Cron)
	if err != nil {
		return nil, nil, fmt.Errorf("cron %q: %w: write minute, hour, day of month, month, day of week", j.Cron, err)
	}
	if s.Next(time.Now().In(zone)).IsZero() {
		return nil, nil, fmt.Errorf("cron %q never fires: there is no such day", j.Cron)
	}
	return s, zone, nil
}

// unsafeAround reports whether a job may be skipped or fire twice on the nights the clocks change within a year.
func unsafeAround(s cron.Schedule, zone *time.Location, from time.Time) (time.Time, bool) {
	perDay := map[string]int{}
	first := map[string]time.Time{}
	t := from.In(zone)
	for end := t.AddDate(1, 0, 0); ; {
		if t = s.Next(t); t.IsZero() || t.After(end) || len(perDay) > 400 {
			break
		}
		day := t.Format(time.DateOnly)
		if perDay[day]++; perDay[day] == 1 {
			first[day] = t
		}
	}
	usual := 0
	for _, n := range perDay {
		usual = max(usual, n)
	}
	if usual != 1 {
		for day, n := range perDay {
			if n == 2 && usual == 2 && len(perDay) > 300 {
				return first[day], true
			}
		}
	}
	return time.Time{}, false
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
// do is logged, and the next night tries again.
func (c *Command) serve(ctx context.Context, p *pipeline.Pipeline, config *Config) error {
	log := c.logger()
	runner := cron.New(cron.WithParser(cronParser), cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, j := range config.Schedule {
		s, zone, err := config.job(j)
		if err != nil {
			return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
		}
		if at, unsafe := unsafeAround(s, zone, c.Now()); unsafe {
			log.Warn("a job fires twice on the night the clocks change; the second start finds the night done", "job", j.Name, "at", at)
		}
		runner.Schedule(inZone{s, zone}, cron.FuncJob(func() {
			f := nightFlags{job: j.Name, until: j.Until, apply: j.Apply}
			o, err := f.options(p)
			if err == nil {
				var r pipeline.Result
				r, err = p.Run(ctx, o)
				log.Info("night ended", "job", j.Name, "run_id", r.RunID, "exit_code", exitCode(err), "waiting", len(r.Waiting))
			}
			if err != nil {
				log.Error("night failed", "job", j.Name, "error", err.Error())
			}
		}))
		log.Info("scheduled", "job", j.Name, "next", s.Next(c.Now().In(zone)))
	}
	runner.Start()
	<-ctx.Done()
	<-runner.Stop().Done()
	return nil
}

// inZone asks a schedule in the job's own zone.
type inZone struct {
	cron.Schedule
	zone *time.Location
}

// Next is the next time after t.
func (s inZone) Next(t time.Time) time.Time { return s.Schedule.Next(t.In(s.zone)) }

// printUnits prints what starts the jobs from outside.
func (c *Command) printUnits(config *Config, kind string) error {
	for _, j := range config.Schedule {
		zone := j.Zone
		if zone == "" {
			zone = config.Controller.Timezone
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
			fmt.Fprintf(c.Out, "CRON_TZ=%s\n%s lethe --config %s %s\n", zone, j.Cron, config.path, args)
		case "systemd":
			calendar, err := calendarOf(j.Cron)
			if err != nil {
				return fmt.Errorf("%w: schedule %s: %w", pipeline.ErrConfig, j.Name, err)
			}
			fmt.Fprintf(c.Out, systemdUnits, j.Name, config.path, args, j.Name, calendar, zone)
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
          containers: [{name: lethe, image: lethe, args: ["%s"], volumeMounts: [{name: lethe, mountPath: /etc/lethe}]}]
          volumes: [{name: lethe, persistentVolumeClaim: {claimName: lethe}}]
---
`
