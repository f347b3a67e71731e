package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

func requestOpenCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var id, kind, received, purpose string
	var marketing bool
	cmd := &cobra.Command{
		Use: "open", Short: "Record a request that a person made", Args: cobra.NoArgs,
		Example: "  lethe request open --silo customers --kind erasure --subject email=ada@example.org --received " +
			"2026-11-20\n" +
			"  lethe request open --silo newsletter --kind objection --marketing --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, ok := requestKinds[kind]; !ok {
				return fmt.Errorf("%w: --kind %q: use %s", setup.ErrUsage, kind,
					strings.Join(slices.Sorted(maps.Keys(requestKinds)), ", "))
			}
			if about := kind == cases.RequestObjection || kind == cases.RequestWithdrawal; !about &&
				(purpose != "" || marketing) {
				return fmt.Errorf("%w: --purpose and --marketing are for objection and withdrawal", setup.ErrUsage)
			}
			return c.withIntake(cmd.Context(), s.silo, true, func(o opened) error {
				at, err := pastInstant("--received", received, c.Now(), o.p.Zone)
				if err != nil {
					return err
				}
				who, country, err := s.people(o.cfg)
				if err != nil {
					return err
				}
				q := cases.Request{ID: nameOf(id, "request-"), Kind: kind, Received: at, Purpose: purpose,
					Marketing: marketing}
				if id != "" { // one of ours is nobody's else
					if _, other := o.requestsOf(cmd.Context(), s.silo)[id]; other {
						return fmt.Errorf("%w: --id %s: %w", setup.ErrUsage, id, errOtherSilo)
					}
				}
				q.Due = answerEnds(o.cfg, o.p.Zone)(q, 1)
				if err := openRequest(cmd.Context(), c, o, by, s.silo, q, who, country); err != nil {
					return err
				}
				effect := requestKinds[kind]
				if marketing && kind == cases.RequestObjection {
					effect = "direct marketing ends for good (Art. 21(3))"
				}
				fmt.Fprintf(c.Out, "request %s in silo %s: %s, to be answered by %s\n", q.ID, s.silo, effect,
					lastDay(q.Due, o.p.Zone))
				return nil
			})
		},
	}
	s.register(cmd, "who asks: kind=value; may be repeated")
	cmd.Flags().StringVar(&id, "id", "", "name of the request; it must say nothing of anybody")
	cmd.Flags().StringVar(&kind, "kind", "", strings.Join(slices.Sorted(maps.Keys(requestKinds)), ", "))
	cmd.Flags().StringVar(&received, "received", "", "when it was received: 2006-01-02 or RFC 3339; default now")
	cmd.Flags().StringVar(&purpose, "purpose", "",
		"of an objection or withdrawal: the purpose it is about; default all of the silo")
	cmd.Flags().BoolVar(&marketing, "marketing", false, "of an objection: it is to direct marketing (Art. 21(2))")
	by.register(cmd)
	required(cmd, "kind", "subject")
	return cmd
}

func hasPurpose(p *setup.Setup, silo, purpose string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return s.Silo.Name == silo && slices.ContainsFunc(s.Silo.Rules, func(r policy.Rule) bool {
			return r.Purpose == purpose
		})
	})
}
