package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
)

func requestResumeCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var on string
	cmd := &cobra.Command{
		Use:   "resume <request>",
		Short: "Let the term run on: the person has shown who they are",
		Args:  cobra.ExactArgs(1),
		Long: "Let the term of a paused request run on. It ends later by the whole days, of 24 hours, for which it " +
			"rested.",
		Example: "  lethe request resume request-1b9d6bcd --silo customers --on 2026-11-25",
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeTerm(cmd.Context(), c, termChange{s.silo, args[0], "on", on, &by, []string{"resume"}},
				func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error {
					return r.ResumeRequest(cmd.Context(), s.silo, args[0], at, ends)
				})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&on, "on", "", "when the person had shown it: 2006-01-02 or RFC 3339; default now")
	return cmd
}

func requestExtendCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var told, because string
	cmd := &cobra.Command{
		Use:   "extend <request>",
		Short: "Extend the term by two months, after the person was told why",
		Args:  cobra.ExactArgs(1),
		Long: `Extend the term of a request by two further months, once, where its complexity or the number of requests
makes that necessary. The person has to be told within the first month, with the reasons (Art. 12(3));
tell them first.`,
		Example: "  lethe request extend request-1b9d6bcd --silo customers --because complexity --told 2026-11-25",
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeTerm(cmd.Context(), c, termChange{s.silo, args[0], "told", told, &by, []string{"extend", because}},
				func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error {
					return r.ExtendRequest(cmd.Context(), s.silo, args[0], because, at, ends)
				})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&because, "because", "",
		"what the person was told: "+strings.Join(cases.ExtensionReasons, " or ")+" (of requests)")
	cmd.Flags().StringVar(&told, "told", "", "when the person was told: 2006-01-02 or RFC 3339; default now")
	required(cmd, "because")
	return cmd
}

// termChange is a change of the term of a request: by whom, and what they sign of it. On is the text of the flag of that name.
type termChange struct {
	silo, request, flag, on string
	by                      *enterFlags
	what                    []string
}

// changeTerm changes the term of a request, and says what it is now.
func changeTerm(ctx context.Context, c *Command, t termChange,
	change func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error) error {
	return c.withRegistry(ctx, t.silo, func(o opened) error {
		at, err := pastInstant("--"+t.flag, t.on, c.Now(), o.p.Zone)
		if err != nil {
			return err
		}
		if err := t.by.request(ctx, c, o, t.silo, t.request, func() error {
			return change(o.registry, at, answerEnds(o.cfg, o.p.Zone))
		}, append(t.what, at.UTC().Format(time.RFC3339))...); err != nil {
			return err
		}
		requests, err := o.registry.Requests(ctx, t.silo)
		if err != nil {
			return err
		}
		for _, q := range requests {
			if q.ID != t.request {
				continue
			}
			if !q.PausedAt.IsZero() {
				fmt.Fprintf(c.Out, "request %s is paused; its term will be three months\n", t.request)
				continue
			}
			fmt.Fprintf(c.Out, "request %s is to be answered by %s\n", t.request, lastDay(q.Deadline(), o.p.Zone))
		}
		return nil
	})
}

// answerEnds says when the term of a request ends: the first instant after the last day for the answer, so
// many months after it was received, and later by the whole days of 24 hours for which the term rested.
func answerEnds(cfg *config.Config, zone *time.Location) func(q cases.Request, months int) time.Time {
	return func(q cases.Request, months int) time.Time {
		return (answerBy(calendar.DateOf(q.Received, zone), months, int(q.Paused/(24*time.Hour)),
			cfg.Controller.Holidays) + 1).Start(zone)
	}
}

// lastDay is the day that ends at an instant.
func lastDay(end time.Time, zone *time.Location) string { return dayOf(end.Add(-time.Second), zone) }

// answerBy is the last day for the answer to a request received on a day: so many months later by Regulation
// (EEC, Euratom) No 1182/71, art. 3(1) and (2)(c), and so many days for which the term rested; where that is
// a Saturday, a Sunday or a public holiday, the next working day (art. 3(4)). A list that leaves none for a fortnight is
// none of holidays, and gives no time.
func answerBy(received calendar.Date, months, rested int, holidays []config.Holiday) calendar.Date {
	end := calendar.EndOf(received, calendar.Period{Months: months, Days: rested})
	for day := end; day < end+14; day++ {
		if workingDay(day, holidays) {
			return day
		}
	}
	return end
}

func workingDay(day calendar.Date, holidays []config.Holiday) bool {
	weekday := day.Start(time.UTC).Weekday()
	return weekday != time.Saturday && weekday != time.Sunday && !slices.ContainsFunc(holidays,
		func(h config.Holiday) bool { return h.IsOn(day) })
}
