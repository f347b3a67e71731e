package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/answers"
	"lethe/pipeline/duties"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

func holdPlaceCommand(c *Command) *cobra.Command {
	var s scope
	var id, caseRef, review string
	var signer signerFlags
	cmd := &cobra.Command{
		Use: "place", Short: "Place a legal hold on a silo, or on some people in it", Args: cobra.NoArgs,
		Example: "  lethe hold place --silo customers --subject email=ada@example.org --case 7/2026 --as anna " +
			"--key anna.key --review-by 2027-05-01\n" +
			"  lethe hold place --silo customers --case 8/2026 --as anna --key anna.key   # the whole silo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withIntake(cmd.Context(), s.silo, true, func(o opened) error {
				now := calendar.DateOf(c.Now(), o.p.Zone)
				by := calendar.EndOf(now, calendar.Period{Years: 1})
				if review != "" {
					var err error
					if by, err = calendar.ParseDate(review); err != nil || by <= now {
						return fmt.Errorf("%w: --review-by: write a coming day as 2006-01-02", setup.ErrUsage)
					}
				}
				who, country, err := s.people(o.cfg)
				if err != nil {
					return err
				}
				me, err := signer.load(cmd.Context(), c, o.p)
				if err != nil {
					return err
				}
				h := cases.Hold{ID: nameOf(id, "hold-"), CaseRef: caseRef, PlacedBy: me[0].Name, PlacedAt: c.Now(),
					ReviewBy: by.Start(o.p.Zone)}
				n, err := o.intake.PlaceHold(cmd.Context(), s.silo, h, who, country, func(place func() error) error {
					return duties.HoldSigned(cmd.Context(), o.p, answers.HoldPlace, s.silo, h, me, place)
				})
				if err != nil {
					return err
				}
				on := "the whole silo " + s.silo
				if n > 0 {
					on = fmt.Sprintf("%d collections of silo %s", n, s.silo)
				}
				fmt.Fprintf(c.Out, "hold %s is in force on %s; somebody else has to approve it: lethe hold approve %s "+
					"--silo %s --as NAME --key FILE\n", h.ID, on, h.ID, s.silo)
				return nil
			})
		},
	}
	s.register(cmd, "a person it is limited to: kind=value; may be repeated")
	cmd.Flags().StringVar(&id, "id", "", "name of the hold; it must say nothing of anybody")
	cmd.Flags().StringVar(&caseRef, "case", "", "file number of the case")
	signer.register(cmd, "who places it: a name under people, an owner of the silo, a custodian or the data "+
		"protection officer")
	cmd.Flags().StringVar(&review, "review-by", "",
		"day by which somebody looks whether it is still needed; default in a year")
	required(cmd, "case")
	return cmd
}
