package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/plan"
)

func approveCommand(c *Command) *cobra.Command {
	var as, key, comment string
	var reject, object, override, withdraw bool
	others := map[answers.Act]*bool{answers.Reject: &reject, answers.Object: &object, answers.Override: &override,
		answers.Withdraw: &withdraw}
	cmd := &cobra.Command{
		Use:   "approve <plan>",
		Short: "Sign an answer to a plan: approve, reject, object, override, or withdraw one",
		Long: `Sign an answer to a plan that waits: approve, reject, or object. Until its first row is changed an
approved plan can be taken back: --reject ends it, --object makes it wait again, and so does --withdraw of
an approval. An objection stands until the data protection officer withdraws it, or an owner of each silo
and a custodian override it, each with --override and a comment. Each answer follows the one before it in
a chain that every report proves.`,
		Args: cobra.ExactArgs(1),
		Example: "  lethe approve 0190f3 --as anna --key anna.key\n" +
			"  lethe approve 0190f3 --as bo --key bo.key --reject --comment \"wrong table\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			signer, err := c.signer(cmd.Context(), p, key, 0)
			if err != nil {
				return err
			}
			act := answers.Approve
			for other, meant := range others {
				if *meant {
					act = other
				}
			}
			state, given, err := plan.Approve(cmd.Context(), p, args[0], as, act, comment, signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: %s recorded; the plan is %s\n", as, act, state)
			fmt.Fprintf(c.Out, "answer %d of the chain: %s\n", given.Answer.Seq, given.Hash())
			if now, err := adopted.JudgeNow(cmd.Context(), p); err == nil && p.Adopted == "" && now.Adopted != "" {
				fmt.Fprintf(c.Out, "the policy is adopted along with it: %s\n", now.Adopted)
			}
			if state == "waiting" {
				missing, err := plan.WaitsFor(cmd.Context(), p, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "still needed: %s\n", strings.Join(missing, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who answers: a name under people")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	cmd.Flags().BoolVar(&reject, "reject", false, "reject the plan: it is never applied")
	cmd.Flags().BoolVar(&object, "object", false, "object as data protection officer")
	cmd.Flags().BoolVar(&override, "override", false, "approve in spite of an objection; say why with --comment")
	cmd.Flags().BoolVar(&withdraw, "withdraw", false, "take back one's own answer, before the first change")
	cmd.MarkFlagsMutuallyExclusive("reject", "object", "override", "withdraw")
	for _, f := range []string{"as", "key"} {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err)
		}
	}
	return cmd
}
