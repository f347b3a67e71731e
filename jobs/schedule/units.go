package schedule

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"lethe/pipeline/setup"
)

// Units writes what starts the jobs from outside: cron, systemd or kubernetes. path is that of the configuration.
func Units(w io.Writer, kind, path string, jobs []Job, zone string) error {
	for _, j := range jobs {
		zone := cmp.Or(j.Zone, zone)
		args := "run --job " + j.Name
		if j.Apply {
			args += " --apply"
		}
		if j.Until != "" {
			args += " --until " + j.Until
		}
		switch kind {
		case "cron":
			fmt.Fprintf(w, "CRON_TZ=%s\n%s lethe --config %s %s\n", zone, j.Cron, path, args)
		case "systemd":
			calendar, err := calendarOf(j.Cron)
			if err != nil {
				return fmt.Errorf("%w: schedule %s: %w", setup.ErrConfig, j.Name, err)
			}
			fmt.Fprintf(w, systemdUnits, j.Name, path, args, j.Name, calendar, zone)
		case "kubernetes":
			fmt.Fprintf(w, kubernetesJob, j.Name, j.Cron, zone, strings.Join(strings.Fields(args), `", "`))
		default:
			return fmt.Errorf("%w: --print %q: use systemd, cron or kubernetes", setup.ErrUsage, kind)
		}
	}
	return nil
}

// calendarOf turns a daily cron expression into systemd's OnCalendar.
func calendarOf(expression string) (string, error) {
	f := strings.Fields(expression)
	var minute, hour int
	if _, err := fmt.Sscanf(f[0]+" "+f[1], "%d %d", &minute, &hour); err != nil || f[2] != "*" || f[3] != "*" ||
		f[4] != "*" {
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
          containers: [{name: lethe, image: lethe, args: ["--config", "/etc/lethe/lethe.yaml", "%s"], ` +
	`volumeMounts: [{name: lethe, mountPath: /etc/lethe}]}]
          volumes: [{name: lethe, persistentVolumeClaim: {claimName: lethe}}]
---
`
