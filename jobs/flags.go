package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/jobs/schedule"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/setup"
)

// nightFlags are the flags that commands which run a night share.
type nightFlags struct {
	asOf, until, job string
	as, key          string // who runs it
	profile          string // the folder that it is measured into
	apply, again     bool
	retry            bool // rows that a database refused to change
	detailed         bool
	full             bool // read every row
	sample           int  // of tables that no silo covers; 0 as configured
}

func (f *nightFlags) register(cmd *cobra.Command, apply bool) {
	cmd.Flags().StringVar(&f.asOf, "as-of", "",
		"decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringVar(&f.job, "job", "nightly", "name of the job, part of what makes a night unique")
	if apply {
		cmd.Flags().BoolVar(&f.apply, "apply", false,
			"change sources and registry; without it the run only says what it would do")
		cmd.Flags().BoolVar(&f.again, "again", false, "run although this night is already done")
		cmd.Flags().BoolVar(&f.retry, "retry-refused", false,
			"plan again what a database refused to change, before its next try is due")
		cmd.Flags().StringVar(&f.until, "until", "",
			"start nothing new after this time of day (15:04); a start after it does nothing")
		cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 4 when a plan waits for approval")
	}
}

// registerOperator adds who runs a night that changes something.
func (f *nightFlags) registerOperator(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.as, "as", "", "who runs it, where people have the role operator: one of them; default "+
		"operator: of the configuration")
	cmd.Flags().StringVar(&f.key, "key", "", "file with that person's signing key")
}

// options resolves the flags in the controller's zone. A civil date means the last second of that day: what
// ends on it has ended.
func (f *nightFlags) options(p *setup.Setup) (setup.Options, error) {
	o := setup.Options{Job: f.job, Apply: f.apply, Again: f.again || f.retry, Retry: f.retry,
		Full: f.full}
	if f.sample > 0 {
		p.Sampling = setup.Sampling{Rows: f.sample}
	}
	if f.asOf != "" {
		if day, err := time.ParseInLocation(time.DateOnly, f.asOf, p.Zone); err == nil {
			o.AsOf = time.Date(day.Year(), day.Month(), day.Day(), 1, 15, 0, 0, p.Zone)
		} else if o.AsOf, err = time.Parse(time.RFC3339, f.asOf); err != nil {
			return o, fmt.Errorf("%w: --as-of %q: write 2006-01-02, or an instant as RFC 3339 has it",
				setup.ErrUsage, f.asOf)
		}
	}
	return o, nil
}

// nightOptions are those of a night that starts now. Its window may be over.
func (f *nightFlags) nightOptions(p *setup.Setup, cfg *config.Config) (setup.Options, error) {
	o, err := f.options(p)
	if err != nil || f.until == "" {
		return o, err
	}
	o.Until, err = schedule.Window(cfg.Schedule, f.job, f.until, cfg.Controller.Timezone, p.Now())
	var over *schedule.OverError
	switch {
	case errors.As(err, &over):
		err = fmt.Errorf("%w: --until %s: %w", setup.ErrStopped, f.until, err)
	case err != nil:
		err = fmt.Errorf("%w: --until %w", setup.ErrUsage, err)
	}
	return o, err
}

// decideAt makes --as-of the present of a pipeline that only looks.
func (f *nightFlags) decideAt(p *setup.Setup) error {
	o, err := f.options(p)
	if err == nil && !o.AsOf.IsZero() {
		p.Now = func() time.Time { return o.AsOf }
	}
	return err
}

// instantOf reads --as-of as nights do; now without one.
func instantOf(text string, p *setup.Setup) (time.Time, error) {
	f := nightFlags{asOf: text}
	o, err := f.options(p)
	if err != nil || text == "" {
		return p.Now(), err
	}
	return o.AsOf, nil
}

// pastInstant is when something happened that a flag names. A civil day means its end, so that a request
// comes after what else the person did that day; it cannot be later than now.
func pastInstant(flag, text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, dayErr := calendar.ParseDate(text); dayErr == nil {
		at, err = (day + 1).Start(zone).Add(-time.Second), nil
		if day == calendar.DateOf(now, zone) {
			at = now
		}
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %s: write a day as 2006-01-02, or an instant as 2026-11-20T10:00:00Z",
			setup.ErrUsage, flag)
	}
	if at.After(now) {
		return time.Time{}, fmt.Errorf("%w: %s lies in the future", setup.ErrUsage, flag)
	}
	return at, nil
}

// required marks flags that a command cannot do without.
func required(cmd *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err) // the flag is not there
		}
	}
}

// parseSubject reads kind=value.
func parseSubject(text string) (event.Subject, error) {
	kind, value, ok := strings.Cut(text, "=")
	if !ok || !identifier.Known(kind) {
		return event.Subject{}, fmt.Errorf("%w: --subject: write kind=value, for example email=ada@example.org",
			setup.ErrUsage)
	}
	return event.Subject{Kind: kind, Value: value}, nil
}
