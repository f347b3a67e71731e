package schedule

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"lethe/pipeline/setup"
)

// Units writes what starts the jobs from outside: cron, systemd or kubernetes. path is that of the configuration.
func Units(w io.Writer, kind, path string, jobs []Job, zone string) error {
	if kind == "cron" {
		fmt.Fprint(w, cronHead)
	}
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
			fmt.Fprintf(w, "CRON_TZ=%s\n%s lethe --config %s %s\n", zone, strings.ReplaceAll(j.Cron, "?", "*"),
				cronQuote(path), args)
		case "systemd":
			calendar, err := calendarOf(j.Cron)
			if err != nil {
				return fmt.Errorf("%w: schedule %s: %w", setup.ErrConfig, j.Name, err)
			}
			fmt.Fprintf(w, systemdUnits, j.Name, systemdQuote(path), args, j.Name, calendar, zone)
		case "kubernetes":
			times, err := kubernetesTimes(j.Cron)
			if err != nil {
				return fmt.Errorf("%w: schedule %s: %w", setup.ErrConfig, j.Name, err)
			}
			fmt.Fprintf(w, kubernetesJob, j.Name, times, zone, strings.Join(strings.Fields(args), `", "`))
		default:
			return fmt.Errorf("%w: --print %q: use systemd, cron or kubernetes", setup.ErrUsage, kind)
		}
	}
	return nil
}

// cronHead says where the program is, as cron looks into /usr/bin and /bin only.
const cronHead = `# For crontab -e. PATH is where lethe is. CRON_TZ is heeded by cronie (Fedora, RHEL, Arch); the cron of Debian and
# Ubuntu, and busybox, fire by the host's zone: set that (timedatectl set-timezone), or use the systemd timers.
PATH=/usr/local/bin:/usr/bin:/bin
`

// cronQuote writes a path for the shell, and for cron, which takes a percent sign for the end of the line.
func cronQuote(path string) string {
	if strings.Trim(path, pathLetters) != "" {
		path = "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return strings.ReplaceAll(path, "%", `\%`)
}

// systemdQuote writes a path as a word of ExecStart.
func systemdQuote(path string) string {
	if strings.Trim(path, pathLetters) != "" {
		path = strconv.Quote(path)
	}
	return strings.NewReplacer("%", "%%", "$", "$$").Replace(path)
}

// pathLetters mean nothing but themselves to a shell and to systemd.
const pathLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

// kubernetesTimes writes times for Kubernetes, which knows no 7 for Sunday and takes either of two fields of days
// to be enough.
func kubernetesTimes(expression string) (string, error) {
	f := strings.Fields(expression)
	stepped := func(field string) bool { return strings.HasPrefix(field, "*") && field != "*" }
	plain := func(field string) bool { return field == "*" || field == "?" }
	if stepped(f[2]) && !plain(f[4]) || stepped(f[4]) && !plain(f[2]) {
		return "", fmt.Errorf("cron %q: Kubernetes would fire on a day that fits one of the two fields, not both: write "+
			"the days of the month or of the week as a list", expression)
	}
	days, err := weekdays(f[4])
	if err == nil && (plain(f[4]) || stepped(f[4])) {
		days = f[4]
	}
	return strings.Join(append(f[:4], days), " "), err
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
