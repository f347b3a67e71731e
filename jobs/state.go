package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/setup"
)

func stateCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "state", Short: "The folder in which nights are remembered"}
	cmd.AddCommand(stateRebuildCommand(c))
	return cmd
}

func stateRebuildCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var r setup.Rebuilding
	cmd := &cobra.Command{
		Use: "rebuild", Short: "Go on though earlier nights were forgotten, before two people", Args: cobra.NoArgs,
		Long: `Say that the nights go on though the state folder, or the newest copy of the registry, is lost for good.
It is for when runs end with 12 because earlier nights are not remembered, and no copy is left. The runs are
taken from their signed reports, with what people answered; plans that waited or were approved are not
brought back. The registry is compared with what the newest report saw of it. Both people sign, in the chain
of answers, what the registry is now; a report of its own says so. What is due is planned and asked anew, and
no standing order lets a plan go until two people have approved one.

It takes a custodian, and an owner or the data protection officer. If it is interrupted, run it again.`,
		Example: "  lethe state rebuild --as bo --key bo.key --as dora --key dora.key --comment \"a disk was lost\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if r.Two, err = people.load(cmd.Context(), c, p); err != nil {
				return err
			}
			o := setup.Options{Job: "nightly", Apply: true, Phases: setup.RebuildOnly, Rebuild: r}
			result, err := pipeline.Run(cmd.Context(), p, o)
			printResult(c, p, result, o)
			notify(cmd.Context(), p.Log, p, cfg, o, result, err)
			return err
		},
	}
	people.register(cmd)
	cmd.Flags().StringVar(&r.Comment, "comment", "", "how the state was lost; it stands in the report")
	cmd.Flags().BoolVar(&r.Older, "older-registry", false,
		"also with a registry that is older than the last report saw it, where no newer copy is left")
	required(cmd, "comment")
	return cmd
}
