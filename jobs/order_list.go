package jobs

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/orders"
)

// orderLine is one standing order as it is listed.
type orderLine struct {
	Order      string   `json:"order"` // SHA-256 of the document that people sign, hex
	Place      int      `json:"place"` // in the configuration, from 1; 0: it is not there
	Silo       string   `json:"silo"`  //
	Document   string   `json:"document"`
	ValidUntil string   `json:"valid_until"` // its last day
	Signed     []string `json:"signed"`      // whose signatures count
	InForce    bool     `json:"in_force"`
	Why        string   `json:"why"` // it lets nothing go, and what leads on; "" it is in force
}

func orderListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the standing orders: which are in force, who signed them, and what the others lack",
		Args: cobra.NoArgs, Example: "  lethe order list\n  lethe order list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			list, err := orders.Now(cmd.Context(), p)
			if err != nil {
				return err
			}
			lines := []orderLine{}
			rows := [][]string{{"", "ORDER", "SILO", "ROWS A NIGHT", "UNTIL", "SIGNED BY", "REASONS"}}
			for _, s := range list {
				l := orderLine{Order: s.Digest, Place: s.Place, Silo: s.Order.Silo, Document: s.Text,
					ValidUntil: s.Order.Until.String(), Signed: append([]string{}, s.Signers()...), Why: s.Why(),
					InForce: s.Why() == "" && p.Adopted == p.PolicyDigest}
				if l.Why == "" && !l.InForce {
					l.Why = "the policy is not adopted: see `lethe policy adopt`"
				}
				lines = append(lines, l)
				rows = append(rows, []string{fmt.Sprint(s.Place), s.Name(), l.Silo, most(s), l.ValidUntil,
					cmp.Or(strings.Join(l.Signed, ", "), "nobody"), reasons(s)})
			}
			if c.json {
				return c.printJSON(lines)
			}
			if len(lines) == 0 {
				fmt.Fprintln(c.Out, "there are no standing orders: propose some under `orders:` in the configuration")
				return nil
			}
			table(c.Out, rows)
			for _, l := range lines {
				if l.Why != "" {
					fmt.Fprintf(c.Out, "%.12s is not in force: %s\n", l.Order, l.Why)
				}
			}
			return nil
		},
	}
}

// most is what an order allows a night.
func most(s orders.Standing) string {
	rows := fmt.Sprint(s.Order.MaxRows)
	if s.Order.MaxPercent > 0 {
		rows += fmt.Sprintf(", %g %% of a table", s.Order.MaxPercent)
	}
	return rows
}

func reasons(s orders.Standing) string {
	var list []string
	for _, r := range s.Order.Reasons {
		list = append(list, string(r))
	}
	return strings.Join(list, ", ")
}
