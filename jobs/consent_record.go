package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

func consentRecordCommand(c *Command) *cobra.Command {
	var by enterFlags
	var ev struct {
		silo, purpose, typ, at, notice, method, evidence, id, collection, country string
		subjects                                                                  []string
		marketing                                                                 bool
	}
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Record one event: given, withdrawn, objected, erasure_requested, ...",
		Args:  cobra.NoArgs,
		Long: `Record one event of one person. Who withdraws from marketing, or objects to it, goes onto the
suppression list as well; a consent to marketing of somebody on it is refused, unless it is of a later
day and has evidence.`,
		Example: `  lethe consent record --silo newsletter --subject email=ada@example.org --purpose newsletter \
    --type withdrawn
  lethe consent record --silo newsletter --subject email=ada@example.org --purpose newsletter \
    --type given --notice privacy-v3 --method form --evidence form-9001`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := event.Event{Type: event.Type(ev.typ), Purpose: ev.purpose, OccurredAt: c.Now(),
				Notice: ev.notice, Method: ev.method, Evidence: ev.evidence,
				Source: duties.ByHand, ID: ev.id, Marketing: ev.marketing, Collection: ev.collection}
			for _, s := range ev.subjects {
				subject, err := parseSubject(s)
				if err != nil {
					return err
				}
				e.Subjects = append(e.Subjects, subject)
			}
			if !slices.Contains(event.ImportedTypes(), ev.typ) {
				return fmt.Errorf("%w: --type %q: write one of %s", setup.ErrUsage, ev.typ,
					strings.Join(event.ImportedTypes(), ", "))
			}
			return c.withIntake(cmd.Context(), ev.silo, false, func(o opened) error {
				if ev.at != "" {
					at, err := instant.Writing{Zone: o.p.Zone}.Read([]byte(ev.at))
					if err != nil || at.None() {
						return fmt.Errorf("%w: --at: write 2026-06-11, 2026-06-11 09:30, or an instant as "+
							"2026-06-11T09:30:00Z", setup.ErrUsage)
					}
					e.OccurredAt, e.Zone = at.Last, at.Zone
					switch now := c.Now(); {
					case e.Type.Kind().Grants:
						e.OccurredAt = at.First
					case e.Type.Closes() && at.First.Before(now) && at.End().After(now):
						e.OccurredAt = now // a day alone, today's
					case e.Type.Closes():
						e.OccurredAt = at.End()
					}
				}
				if e.OccurredAt.After(c.Now().Add(time.Minute)) {
					return fmt.Errorf("%w: --at: the instant lies in the future: say when the person acted",
						setup.ErrUsage)
				}
				e.Country = cmp.Or(ev.country, o.cfg.Country(ev.silo))
				who, err := by.named(cmd.Context(), c, o.p)
				if err != nil {
					return err
				}
				if who != nil {
					e.Source = duties.ByHandSigned
				}
				seq, listed := int64(0), 0
				err = duties.EnteredBy(cmd.Context(), o.p, duties.Entry{Silo: ev.silo, What: []string{"record", ev.typ,
					ev.purpose, e.OccurredAt.UTC().Format(time.RFC3339)}, Roles: []string{"dpo"}}, who, func() (err error) {
					seq, listed, err = o.intake.Record(cmd.Context(), ev.silo, e)
					return err
				})
				var refused *event.RefusedError
				switch {
				case errors.As(err, &refused) && refused.Reason == event.UnknownMethod:
					return fmt.Errorf("%w: --method %q: write one of %s", setup.ErrUsage, ev.method,
						strings.Join(event.AffirmativeActs, ", "))
				case err != nil:
					return err
				case seq == 0:
					fmt.Fprintln(c.Out, "was recorded before")
				default:
					fmt.Fprintf(c.Out, "recorded in silo %s%s\n", ev.silo, newlyListed(listed))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&ev.silo, "silo", "", "the silo")
	cmd.Flags().StringArrayVar(&ev.subjects, "subject", nil, "the person: kind=value, once for each identifier")
	cmd.Flags().StringVar(&ev.purpose, "purpose", "", "the purpose it is about")
	cmd.Flags().StringVar(&ev.typ, "type", "", "type of event")
	cmd.Flags().StringVar(&ev.at, "at", "",
		"when the person acted: 2006-01-02, 2006-01-02 15:04, or RFC 3339; default now")
	cmd.Flags().StringVar(&ev.notice, "notice", "", "id of the notice that was shown")
	cmd.Flags().StringVar(&ev.method, "method", "", "how the person acted")
	cmd.Flags().StringVar(&ev.evidence, "evidence", "", "reference to the proof; only its salted commitment is stored")
	cmd.Flags().StringVar(&ev.id, "id", "", "id of the event where it came from")
	cmd.Flags().StringVar(&ev.collection, "collection", "", "id of the form or order by which the data came")
	cmd.Flags().StringVar(&ev.country, "country", "",
		"country of a phone number without a prefix; default the silo's jurisdiction")
	cmd.Flags().BoolVar(&ev.marketing, "marketing", false, "the objection is to direct marketing (Art. 21(2))")
	by.register(cmd)
	required(cmd, "silo", "subject", "type")
	return cmd
}

// newlyListed says that an event put somebody onto the suppression list.
func newlyListed(identifiers int) string {
	switch identifiers {
	case 0:
		return ""
	case 1:
		return "; 1 identifier is new on the suppression list"
	}
	return fmt.Sprintf("; %d identifiers are new on the suppression list", identifiers)
}
