package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
)

// scope is the silo, and the people in it, that a command is about.
type scope struct {
	silo, country string
	subjects      []string
}

func (s *scope) register(cmd *cobra.Command, subjects string) {
	cmd.Flags().StringVar(&s.silo, "silo", "", "the silo")
	required(cmd, "silo")
	if subjects != "" {
		cmd.Flags().StringArrayVar(&s.subjects, "subject", nil, subjects)
		cmd.Flags().StringVar(&s.country, "country", "", "country of phone numbers without a prefix (ISO 3166-1); default the silo's")
	}
}

// people reads the subjects, and the country that their phone numbers are of.
func (s *scope) people(config *Config) (who []event.Subject, country string, err error) {
	for _, text := range s.subjects {
		subject, err := parseSubject(text)
		if err != nil {
			return nil, "", err
		}
		who = append(who, subject)
	}
	return who, cmp.Or(s.country, config.Silos[s.silo].Jurisdiction, config.Controller.Jurisdiction), nil
}

// nameOf is the name of a hold or request: the one that was given, or one that says nothing of anybody and is in no other silo.
func nameOf(given, prefix string) string {
	if given != "" {
		return given
	}
	return prefix + uuid.NewString()[:8]
}

// eachSilo runs a listing for one silo, or for all.
func (c *Command) eachSilo(ctx context.Context, silo string, list func(p *pipeline.Pipeline, r *registry.Registry, silo string) error) error {
	return c.withRegistry(ctx, silo, func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
		silos := []string{silo}
		if silo == "" {
			heads, err := r.Heads(ctx)
			if err != nil {
				return err
			}
			silos = nil
			for _, h := range heads {
				silos = append(silos, h.Silo)
			}
		}
		for _, name := range silos {
			if err := list(p, r, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Command) holdCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "hold", Short: "Place, approve, release and list legal holds",
		Long: `A legal hold keeps data that are needed for a claim or a proceeding: nothing it covers is expired, erased or anonymized, not even on request (GDPR
Art. 17(3)(e)), and its use is blocked for everything else. It is in force from the moment one person places it; another person approves it. To release it
takes two people with their keys, because what it protected may be erased the night after.`,
	}
	cmd.AddCommand(c.holdPlaceCommand(), c.holdApproveCommand(), c.holdReleaseCommand(), c.holdListCommand())
	return cmd
}

func (c *Command) holdPlaceCommand() *cobra.Command {
	var s scope
	var id, caseRef, as, review string
	cmd := &cobra.Command{
		Use: "place", Short: "Place a legal hold on a silo, or on some people in it", Args: cobra.NoArgs,
		Example: "  lethe hold place --silo customers --subject email=ada@example.org --case 7/2026 --as anna --review-by 2027-05-01\n" +
			"  lethe hold place --silo customers --case 8/2026 --as anna   # the whole silo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withIntake(cmd.Context(), s.silo, func(p *pipeline.Pipeline, config *Config, intake *pipeline.Intake) error {
				now := calendar.DateOf(c.Now(), p.Zone)
				by := calendar.EndOf(now, calendar.Period{Years: 1})
				if review != "" {
					var err error
					if by, err = calendar.ParseDate(review); err != nil || by <= now {
						return fmt.Errorf("%w: --review-by: write a coming day as 2006-01-02", errUsage)
					}
				}
				who, country, err := s.people(config)
				if err != nil {
					return err
				}
				h := cases.Hold{ID: nameOf(id, "hold-"), CaseRef: caseRef, PlacedBy: as, PlacedAt: c.Now(), ReviewBy: by.Start(p.Zone)}
				n, err := intake.PlaceHold(cmd.Context(), s.silo, h, who, country)
				if err != nil {
					return err
				}
				on := "the whole silo " + s.silo
				if n > 0 {
					on = fmt.Sprintf("%d collections of silo %s", n, s.silo)
				}
				fmt.Fprintf(c.Out, "hold %s is in force on %s; somebody else has to approve it: lethe hold approve %s --silo %s --as NAME\n", h.ID, on, h.ID, s.silo)
				return nil
			})
		},
	}
	s.register(cmd, "a person it is limited to: kind=value; may be repeated")
	cmd.Flags().StringVar(&id, "id", "", "name of the hold; it must say nothing of anybody")
	cmd.Flags().StringVar(&caseRef, "case", "", "file number of the case")
	cmd.Flags().StringVar(&as, "as", "", "who places it: a name under people")
	cmd.Flags().StringVar(&review, "review-by", "", "day by which somebody looks whether it is still needed; default in a year")
	required(cmd, "case", "as")
	return cmd
}

func (c *Command) holdApproveCommand() *cobra.Command {
	var s scope
	var as string
	cmd := &cobra.Command{
		Use: "approve <hold>", Short: "Approve a legal hold that somebody else placed", Args: cobra.ExactArgs(1),
		Example: "  lethe hold approve hold-1b9d6bcd --silo customers --as bo",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withIntake(cmd.Context(), s.silo, func(_ *pipeline.Pipeline, _ *Config, intake *pipeline.Intake) error {
				if err := intake.ApproveHold(cmd.Context(), s.silo, args[0], as); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "hold %s is approved by %s\n", args[0], as)
				return nil
			})
		},
	}
	s.register(cmd, "")
	cmd.Flags().StringVar(&as, "as", "", "who approves it: a name under people, not the one that placed it")
	required(cmd, "as")
	return cmd
}

func (c *Command) holdReleaseCommand() *cobra.Command {
	var s scope
	var people witnessFlags
	cmd := &cobra.Command{
		Use: "release <hold>", Short: "End a legal hold", Args: cobra.ExactArgs(1),
		Long:    "End a legal hold. What it protected is decided by the rules again from the next night on, and may be erased then; so it takes two people with their keys.",
		Example: "  lethe hold release hold-1b9d6bcd --silo customers --as anna --key anna.key --as bo --key bo.key",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
				two, err := people.load()
				if err != nil {
					return err
				}
				if err := p.Proven(two); err != nil {
					return err
				}
				if err := r.ReleaseHold(cmd.Context(), s.silo, args[0], two[0].Name, two[1].Name); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "hold %s is released by %s and %s\n", args[0], two[0].Name, two[1].Name)
				return nil
			})
		},
	}
	s.register(cmd, "")
	people.register(cmd)
	return cmd
}

// holdLine is a hold as it is listed.
type holdLine struct {
	Silo       string    `json:"silo"`
	Hold       string    `json:"hold"`
	Case       string    `json:"case"`
	PlacedBy   string    `json:"placed_by"`
	PlacedAt   time.Time `json:"placed_at"`
	ApprovedBy string    `json:"approved_by"` // "" nobody yet
	ReviewBy   time.Time `json:"review_by"`
	ReleasedAt time.Time `json:"released_at"` // zero: in force
	ReleasedBy string    `json:"released_by"`
}

func (c *Command) holdListCommand() *cobra.Command {
	var silo string
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the legal holds in force", Args: cobra.NoArgs,
		Example: "  lethe hold list\n  lethe hold list --silo customers --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []holdLine{}
			rows := [][]string{{"SILO", "HOLD", "CASE", "PLACED BY", "ON", "APPROVED BY", "REVIEW BY", "STATE"}}
			err := c.eachSilo(cmd.Context(), silo, func(p *pipeline.Pipeline, r *registry.Registry, silo string) error {
				holds, err := r.Holds(cmd.Context(), silo)
				for _, h := range holds {
					state := "in force"
					switch {
					case !h.ReleasedAt.IsZero() && !all:
						continue
					case !h.ReleasedAt.IsZero():
						state = "released on " + dayOf(h.ReleasedAt, p.Zone)
					case h.ApprovedBy == "":
						state = "in force, not approved"
					case h.ReviewBy.Before(c.Now()):
						state = "in force, review is due"
					}
					lines = append(lines, holdLine{Silo: silo, Hold: h.ID, Case: h.CaseRef, PlacedBy: h.PlacedBy, PlacedAt: h.PlacedAt, ApprovedBy: h.ApprovedBy, ReviewBy: h.ReviewBy,
						ReleasedAt: h.ReleasedAt, ReleasedBy: h.ReleasedBy})
					rows = append(rows, []string{silo, h.ID, h.CaseRef, h.PlacedBy, dayOf(h.PlacedAt, p.Zone), h.ApprovedBy, dayOf(h.ReviewBy, p.Zone), state})
				}
				return err
			})
			return c.printList(rows, lines, err)
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "only this silo")
	cmd.Flags().BoolVar(&all, "all", false, "the released ones too")
	return cmd
}

// printList prints a listing as a table or, with --json, as JSON.
func (c *Command) printList(rows [][]string, lines any, err error) error {
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(lines)
	}
	table(c.Out, rows)
	return nil
}

// requestKinds are the kinds of request with what opening one does at once.
var requestKinds = map[string]string{
	cases.RequestAccess:        "nothing of the person is erased before it is closed, or a month after it was due (Art. 15)",
	cases.RequestPortability:   "as access (Art. 20)",
	cases.RequestRectification: "recorded; correct the data where they are (Art. 16)",
	cases.RequestErasure:       "counts as a withdrawal of every earlier consent; what no other ground covers is erased without a grace term (Art. 17)",
	cases.RequestRestriction:   "use is blocked, and nothing is erased, until restriction_lifted is recorded (Art. 18)",
	cases.RequestObjection:     "use is blocked while it is weighed; with --marketing it ends direct marketing for good (Art. 21)",
	cases.RequestWithdrawal:    "ends the consent to --purpose, or to all of the silo (Art. 7(3))",
}

func (c *Command) requestCommand() *cobra.Command {
	var kinds strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(requestKinds)) {
		fmt.Fprintf(&kinds, "  %-14s %s\n", kind, requestKinds[kind])
	}
	cmd := &cobra.Command{
		Use: "request", Short: "Open, pause, extend, close and list the requests of people: access, erasure, objection, ...",
		Long: `A person's request is answered within a month of its receipt (GDPR Art. 12(3)), counted by Regulation 1182/71: the day of receipt does not count, and an
end on a Saturday, a Sunday or one of controller.holidays moves to the next working day. A request is about one silo; open it in each silo that holds the
person. Verify who asks: while the person has not shown it, the term rests (pause, resume; Art. 12(6)). It can be extended once by two months (extend).

Opening it takes effect at once:
` + kinds.String() + `
Requests that are overdue stand in ` + "`lethe status`" + ` and in every report until they are closed.`,
	}
	cmd.AddCommand(c.requestOpenCommand(), c.requestPauseCommand(), c.requestResumeCommand(), c.requestExtendCommand(), c.requestCloseCommand(), c.requestListCommand())
	return cmd
}

func (c *Command) requestOpenCommand() *cobra.Command {
	var s scope
	var id, kind, received, purpose string
	var marketing bool
	cmd := &cobra.Command{
		Use: "open", Short: "Record a request that a person made", Args: cobra.NoArgs,
		Example: "  lethe request open --silo customers --kind erasure --subject email=ada@example.org --received 2026-11-20\n" +
			"  lethe request open --silo newsletter --kind objection --marketing --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, ok := requestKinds[kind]; !ok {
				return fmt.Errorf("%w: --kind %q: use %s", errUsage, kind, strings.Join(slices.Sorted(maps.Keys(requestKinds)), ", "))
			}
			if about := kind == cases.RequestObjection || kind == cases.RequestWithdrawal; !about && (purpose != "" || marketing) {
				return fmt.Errorf("%w: --purpose and --marketing are for objection and withdrawal", errUsage)
			}
			return c.withIntake(cmd.Context(), s.silo, func(p *pipeline.Pipeline, config *Config, intake *pipeline.Intake) error {
				at, err := pastInstant("--received", received, c.Now(), p.Zone)
				if err != nil {
					return err
				}
				if purpose != "" && !hasPurpose(p, s.silo, purpose) {
					return fmt.Errorf("%w: --purpose %q is none of silo %s", errUsage, purpose, s.silo)
				}
				who, country, err := s.people(config)
				if err != nil {
					return err
				}
				q := cases.Request{ID: nameOf(id, "request-"), Kind: kind, Received: at, Purpose: purpose, Marketing: marketing}
				q.Due = config.answerEnds(p.Zone)(q, 1)
				if err := intake.OpenRequest(cmd.Context(), s.silo, q, who, country); err != nil {
					return err
				}
				effect := requestKinds[kind]
				if marketing && kind == cases.RequestObjection {
					effect = "direct marketing ends for good (Art. 21(3))"
				}
				fmt.Fprintf(c.Out, "request %s in silo %s: %s, to be answered by %s\n", q.ID, s.silo, effect, lastDay(q.Due, p.Zone))
				return nil
			})
		},
	}
	s.register(cmd, "who asks: kind=value; may be repeated")
	cmd.Flags().StringVar(&id, "id", "", "name of the request; it must say nothing of anybody")
	cmd.Flags().StringVar(&kind, "kind", "", strings.Join(slices.Sorted(maps.Keys(requestKinds)), ", "))
	cmd.Flags().StringVar(&received, "received", "", "when it was received: 2006-01-02 or RFC 3339; default now")
	cmd.Flags().StringVar(&purpose, "purpose", "", "of an objection or withdrawal: the purpose it is about; default all of the silo")
	cmd.Flags().BoolVar(&marketing, "marketing", false, "of an objection: it is to direct marketing (Art. 21(2))")
	required(cmd, "kind", "subject")
	return cmd
}

func hasPurpose(p *pipeline.Pipeline, silo, purpose string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return s.Silo.Name == silo && slices.ContainsFunc(s.Silo.Rules, func(r policy.Rule) bool { return r.Purpose == purpose })
	})
}

// pastInstant is when something happened that a flag names. A civil day means its end, so that a request comes after what else the person did that day; it cannot be later than now.
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
		return time.Time{}, fmt.Errorf("%w: %s: write a day as 2006-01-02, or an instant as 2026-11-20T10:00:00Z", errUsage, flag)
	}
	if at.After(now) {
		return time.Time{}, fmt.Errorf("%w: %s lies in the future", errUsage, flag)
	}
	return at, nil
}

// answerEnds says when the term of a request ends: the first instant after the last day for the answer, so many months after it was received, and later by the
// whole days of 24 hours for which the term rested.
func (c *Config) answerEnds(zone *time.Location) func(q cases.Request, months int) time.Time {
	return func(q cases.Request, months int) time.Time {
		return (answerBy(calendar.DateOf(q.Received, zone), months, int(q.Paused/(24*time.Hour)), c.Controller.Holidays) + 1).Start(zone)
	}
}

// lastDay is the day that ends at an instant.
func lastDay(end time.Time, zone *time.Location) string { return dayOf(end.Add(-time.Second), zone) }

// answerBy is the last day for the answer to a request received on a day: so many months later by Regulation (EEC, Euratom) No 1182/71, art. 3(1) and (2)(c), and so many days for
// which the term rested; where that is a Saturday, a Sunday or a public holiday, the next working day (art. 3(4)).
func answerBy(received calendar.Date, months, rested int, holidays []Holiday) calendar.Date {
	end := calendar.EndOf(received, calendar.Period{Months: months, Days: rested})
	for !workingDay(end, holidays) {
		end++
	}
	return end
}

func workingDay(day calendar.Date, holidays []Holiday) bool {
	weekday := day.Start(time.UTC).Weekday()
	return weekday != time.Saturday && weekday != time.Sunday && !slices.ContainsFunc(holidays, func(h Holiday) bool { return h.isOn(day) })
}

func (c *Command) requestPauseCommand() *cobra.Command {
	var s scope
	cmd := &cobra.Command{
		Use: "pause <request>", Short: "Let the term rest while the person is asked to show who they are", Args: cobra.ExactArgs(1),
		Long: `Let the term of a request rest from now on, because there are reasonable doubts who asks and the person was asked to show it (Art. 12(6)). Ask at once, and for no more
than it takes. What is overdue already cannot be paused. What opening the request did stays in force. A request that was paused for a month stands
in ` + "`lethe status`" + ` and in every report: somebody who never shows who they are is answered with a refusal, close --outcome refused --exception '12(2)'.`,
		Example: "  lethe request pause request-1b9d6bcd --silo customers",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(_ *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
				if err := r.PauseRequest(cmd.Context(), s.silo, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "request %s is paused; when the person has shown who they are: lethe request resume %s --silo %s\n", args[0], args[0], s.silo)
				return nil
			})
		},
	}
	s.register(cmd, "")
	return cmd
}

func (c *Command) requestResumeCommand() *cobra.Command {
	var s scope
	var on string
	cmd := &cobra.Command{
		Use: "resume <request>", Short: "Let the term run on: the person has shown who they are", Args: cobra.ExactArgs(1),
		Long:    "Let the term of a paused request run on. It ends later by the whole days, of 24 hours, for which it rested.",
		Example: "  lethe request resume request-1b9d6bcd --silo customers --on 2026-11-25",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.changeTerm(cmd.Context(), s.silo, args[0], "on", on, func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error {
				return r.ResumeRequest(cmd.Context(), s.silo, args[0], at, ends)
			})
		},
	}
	s.register(cmd, "")
	cmd.Flags().StringVar(&on, "on", "", "when the person had shown it: 2006-01-02 or RFC 3339; default now")
	return cmd
}

func (c *Command) requestExtendCommand() *cobra.Command {
	var s scope
	var told, because string
	cmd := &cobra.Command{
		Use: "extend <request>", Short: "Extend the term by two months, after the person was told why", Args: cobra.ExactArgs(1),
		Long: `Extend the term of a request by two further months, once, where its complexity or the number of requests makes that necessary. The person has to be told within the first
month, with the reasons (Art. 12(3)); tell them first.`,
		Example: "  lethe request extend request-1b9d6bcd --silo customers --because complexity --told 2026-11-25",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.changeTerm(cmd.Context(), s.silo, args[0], "told", told, func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error {
				return r.ExtendRequest(cmd.Context(), s.silo, args[0], because, at, ends)
			})
		},
	}
	s.register(cmd, "")
	cmd.Flags().StringVar(&because, "because", "", "what the person was told: "+strings.Join(cases.ExtensionReasons, " or ")+" (of requests)")
	cmd.Flags().StringVar(&told, "told", "", "when the person was told: 2006-01-02 or RFC 3339; default now")
	required(cmd, "because")
	return cmd
}

// changeTerm changes the term of a request, and says what it is now. on is the text of the flag of that name.
func (c *Command) changeTerm(ctx context.Context, silo, request, flag, on string, change func(r *registry.Registry, at time.Time, ends func(cases.Request, int) time.Time) error) error {
	config, err := Load(c.config)
	if err != nil {
		return err
	}
	return c.withRegistry(ctx, silo, func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
		at, err := pastInstant("--"+flag, on, c.Now(), p.Zone)
		if err != nil {
			return err
		}
		if err := change(r, at, config.answerEnds(p.Zone)); err != nil {
			return err
		}
		requests, err := r.Requests(ctx, silo)
		if err != nil {
			return err
		}
		for _, q := range requests {
			if q.ID != request {
				continue
			}
			if !q.PausedAt.IsZero() {
				fmt.Fprintf(c.Out, "request %s is paused; its term will be three months\n", request)
				continue
			}
			fmt.Fprintf(c.Out, "request %s is to be answered by %s\n", request, lastDay(q.Deadline(), p.Zone))
		}
		return nil
	})
}

// exceptionRE is a place in the GDPR: 17(3)(e), 12(5).
var exceptionRE = regexp.MustCompile(`^[1-9][0-9]?(\([1-9][0-9]?\))?(\([a-z]\))?$`)

func (c *Command) requestCloseCommand() *cobra.Command {
	var s scope
	var outcome, exception string
	cmd := &cobra.Command{
		Use: "close <request>", Short: "Close a request that was answered", Args: cobra.ExactArgs(1),
		Long: `Close a request that was answered. The person was told, with the reason where it was refused (Art. 12(4)).

  completed       done as asked. Of an erasure, close it after a night erased the data; that every earlier consent was withdrawn stays recorded. Of an
                  objection, it was upheld.
  partly_refused  part of it had to be refused, for example because a legal hold keeps the data: --exception 17(3)(e)
  refused         --exception says by what: 12(5) for a request that is manifestly unfounded. Of an objection, it was overridden: 21(1).`,
		Example: "  lethe request close request-1b9d6bcd --silo customers --outcome completed\n" +
			"  lethe request close request-1b9d6bcd --silo customers --outcome partly_refused --exception '17(3)(e)'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if exception != "" && !exceptionRE.MatchString(exception) {
				return fmt.Errorf("%w: --exception: name the place in the GDPR as 17(3)(e)", errUsage)
			}
			return c.withRegistry(cmd.Context(), s.silo, func(_ *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
				if err := r.CloseRequest(cmd.Context(), s.silo, args[0], outcome, exception); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "request %s is closed: %s\n", args[0], strings.TrimSpace(strings.ReplaceAll(outcome, "_", " ")+" "+exception))
				return nil
			})
		},
	}
	s.register(cmd, "")
	cmd.Flags().StringVar(&outcome, "outcome", "", "completed, partly_refused or refused")
	cmd.Flags().StringVar(&exception, "exception", "", "what allows to refuse, such as 17(3)(e)")
	required(cmd, "outcome")
	return cmd
}

// requestLine is a request as it is listed.
type requestLine struct {
	Silo      string    `json:"silo"`
	Request   string    `json:"request"`
	Kind      string    `json:"kind"`
	Received  time.Time `json:"received"`
	Due       time.Time `json:"due"`          // the first instant after the last day for the answer; zero while it is paused
	Closed    time.Time `json:"closed"`       // zero: open
	Extended  string    `json:"extended"`     // why the term was extended; "" it was not
	Paused    time.Time `json:"paused"`       // since when; zero: it is not
	Rested    float64   `json:"paused_hours"` // for how long in all
	Outcome   string    `json:"outcome"`
	Exception string    `json:"exception"`
	Overdue   bool      `json:"overdue"`
}

func (c *Command) requestListCommand() *cobra.Command {
	var silo string
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the open requests with the day by which each has to be answered", Args: cobra.NoArgs,
		Example: "  lethe request list\n  lethe request list --silo customers --all --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []requestLine{}
			rows := [][]string{{"SILO", "REQUEST", "KIND", "RECEIVED", "ANSWER BY", "STATE"}}
			err := c.eachSilo(cmd.Context(), silo, func(p *pipeline.Pipeline, r *registry.Registry, silo string) error {
				requests, err := r.Requests(cmd.Context(), silo)
				for _, q := range requests {
					if !q.Closed.IsZero() && !all {
						continue
					}
					l := requestLine{Silo: silo, Request: q.ID, Kind: q.Kind, Received: q.Received, Due: q.Deadline(), Closed: q.Closed, Outcome: q.Outcome, Exception: q.Exception,
						Extended: q.Because, Paused: q.PausedAt, Rested: q.Rested(c.Now()).Hours()}
					l.Overdue = q.Closed.IsZero() && !l.Due.IsZero() && !l.Due.After(c.Now())
					state, due := "open", "-"
					if !l.Due.IsZero() {
						due = lastDay(l.Due, p.Zone)
					}
					switch {
					case l.Overdue:
						state = "overdue"
					case !q.Closed.IsZero():
						state = strings.TrimSpace(strings.ReplaceAll(q.Outcome, "_", " ") + " " + q.Exception)
					case !q.PausedAt.IsZero():
						state = "paused since " + dayOf(q.PausedAt, p.Zone)
					case q.Because != "":
						state = "open, extended: " + q.Because
					}
					lines = append(lines, l)
					rows = append(rows, []string{silo, q.ID, q.Kind, dayOf(q.Received, p.Zone), due, state})
				}
				return err
			})
			return c.printList(rows, lines, err)
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "only this silo")
	cmd.Flags().BoolVar(&all, "all", false, "the closed ones too")
	return cmd
}
