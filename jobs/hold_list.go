package jobs

import (
	"time"

	"github.com/spf13/cobra"
)

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

func holdListCommand(c *Command) *cobra.Command {
	var which listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the legal holds in force", Args: cobra.NoArgs,
		Example: "  lethe hold list\n  lethe hold list --silo customers --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []holdLine{}
			rows := [][]string{{"SILO", "HOLD", "CASE", "PLACED BY", "ON", "APPROVED BY", "REVIEW BY", "STATE"}}
			err := c.eachSilo(cmd.Context(), which.silo, func(o opened, silo string) error {
				holds, err := o.registry.Holds(cmd.Context(), silo)
				for _, h := range holds {
					state := "in force"
					switch {
					case !h.ReleasedAt.IsZero() && !which.all:
						continue
					case !h.ReleasedAt.IsZero():
						state = "released on " + dayOf(h.ReleasedAt, o.p.Zone)
					case h.ApprovedBy == "":
						state = "in force, not approved"
					case h.ReviewBy.Before(c.Now()):
						state = "in force, review is due"
					}
					lines = append(lines, holdLine{Silo: silo, Hold: h.ID, Case: h.CaseRef, PlacedBy: h.PlacedBy,
						PlacedAt: h.PlacedAt, ApprovedBy: h.ApprovedBy, ReviewBy: h.ReviewBy,
						ReleasedAt: h.ReleasedAt, ReleasedBy: h.ReleasedBy})
					rows = append(rows, []string{silo, h.ID, h.CaseRef, h.PlacedBy, dayOf(h.PlacedAt, o.p.Zone),
						h.ApprovedBy, dayOf(h.ReviewBy, o.p.Zone), state})
				}
				return err
			})
			return c.printList(rows, lines, err)
		},
	}
	which.register(cmd, "the released ones too")
	return cmd
}
