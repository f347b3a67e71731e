// Package schedule says when jobs run, starts them, and tells people how they ended. Its nouns: a Job of the
// configuration, the times of a job by the clocks of a zone, the units that start jobs from outside (cron,
// systemd, Kubernetes), a Notice and the targets that it is sent to. What a job does is its caller's
// business.
package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Job is an entry of the schedule.
type Job struct {
	Name  string `yaml:"name"`
	Cron  string `yaml:"cron"`           // five fields
	Zone  string `yaml:"zone,omitempty"` // default the controller's
	Until string `yaml:"until,omitempty"`
	Apply bool   `yaml:"apply,omitempty"`
}

// cronParser reads the five fields of cron. Zones are given per job, never inside the expression: robfig/cron
// panics on some forms of TZ=.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

var jobName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// Check refuses jobs without a usable name, and times that cannot be read or never come. zone is that of jobs
// that name none.
func Check(jobs []Job, zone string) error {
	var errs []error
	seen := map[string]bool{}
	for _, j := range jobs {
		if seen[j.Name] || !jobName.MatchString(j.Name) {
			errs = append(errs, fmt.Errorf("schedule: name %q is taken, or no name: every job has one of its own, "+
				"of small letters, digits and hyphens", j.Name))
		}
		seen[j.Name] = true
		if _, err := j.times(zone); err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: %w", j.Name, err))
		}
		if _, err := time.Parse("15:04", j.Until); j.Until != "" && err != nil {
			errs = append(errs, fmt.Errorf("schedule %s: until %q: write a time of day as 15:04", j.Name, j.Until))
		}
	}
	return errors.Join(errs...)
}

// times parses a job's times, in its zone or else in the one given.
func (j Job) times(zone string) (civil, error) {
	name := cmp.Or(j.Zone, zone)
	location, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return civil{}, fmt.Errorf("zone %q: name an IANA zone, for example Europe/Rome", name)
	}
	if strings.Contains(j.Cron, "=") {
		return civil{}, fmt.Errorf("cron %q: give the zone under zone, not in the expression", j.Cron)
	}
	s, err := parseCron(j.Cron)
	if err != nil {
		return civil{}, fmt.Errorf("cron %q: %w: write minute, hour, day of month, month, day of week", j.Cron, err)
	}
	if s.Next(time.Unix(0, 0).UTC()).IsZero() { // none in five years
		return civil{}, fmt.Errorf("cron %q never fires: there is no such day", j.Cron)
	}
	return civil{s, location}, nil
}

// Remarks warns of jobs whose time some nights lack or have twice.
func Remarks(jobs []Job, zone string, now time.Time) []string {
	var remarks []string
	for _, j := range jobs {
		s, err := j.times(zone)
		if err != nil {
			continue // Check refuses it
		}
		missing, twice := s.odd(now)
		if len(missing) > 0 {
			remarks = append(remarks, fmt.Sprintf("schedule %s: its time does not exist on %s, when the clocks jump: "+
				"`lethe schedule` fires it all the same, systemd and most crons lose that night; 01:15 is safe",
				j.Name, strings.Join(missing, ", ")))
		}
		if len(twice) > 0 {
			remarks = append(remarks,
				fmt.Sprintf("schedule %s: its time comes twice on %s: `lethe schedule` fires it once, "+
					"some crons twice; the second start finds the night done; 01:15 is safe", j.Name,
					strings.Join(twice, ", ")))
		}
	}
	return remarks
}
