package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/restored"
	"lethe/pipeline/setup"
)

func backupReapplyCommand(c *Command) *cobra.Command {
	var f nightFlags
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "reapply SOURCE", Short: "End once more what was ended in a live source that was put back from a backup",
		Args: cobra.ExactArgs(1),
		Long: `End once more what nights had ended in a live source, after it was put back from a backup: before its
application opens. Tombstones in the registry name the rows, by keyed references. Each is decided anew by the
policy and the registry, and changed only where it is due: who has agreed since is kept. Nobody is asked again,
for people let go the plans that ended these rows; what else is due there waits for the next night. It reads no
other source, and no consents from the tables of this one, which are as old as the copy.`,
		Example: "  lethe backup reapply crm\n  lethe backup reapply crm --wait=10m   # in a script that restores",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reapply(cmd.Context(), f, args[0], wait)
		},
	}
	f.register(cmd, false)
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait for so long until the source answers and no other run is at work; "+
		"an hour where nothing is said")
	cmd.Flags().Lookup("wait").NoOptDefVal = "1h"
	f.registerOperator(cmd)
	f.registerProfile(cmd)
	return cmd
}

// reapply runs what is to be done in a source once it answers and nobody else is at work.
func (c *Command) reapply(ctx context.Context, f nightFlags, source string, wait time.Duration) (err error) {
	measured, err := profile(f.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, measured()) }()
	defer lean()()
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	if err := restored.Of(p, source); err != nil {
		return err
	}
	o, err := f.options(p)
	if err != nil {
		return err
	}
	o.Phases, o.Apply, o.Source = setup.ReapplyOnly, true, source
	if o.Operator, err = c.operator(ctx, p, cfg, true, f.as, f.key); err != nil {
		return err
	}
	until := time.Now().Add(wait)
	if err := c.patiently(ctx, until, func() error { return opens(ctx, p, source) }); err != nil {
		return err
	}
	var result pipeline.Result
	err = c.patiently(ctx, until, func() error {
		stop := c.progress(p)
		defer stop()
		var err error
		result, err = pipeline.Run(ctx, p, o)
		return err
	})
	printResult(c, p, result, o)
	ended(ctx, p.Log, p, cfg, o, result, err)
	if err == nil && len(result.Settled) == 0 && !c.json {
		fmt.Fprintf(c.Out, "nothing that was ended stands in %s\n", source)
	}
	return err
}

// patiently does something until it does not fail for want of an answer or for another run, or it is late.
func (c *Command) patiently(ctx context.Context, until time.Time, do func() error) error {
	for {
		err := do()
		passes := errors.Is(err, setup.ErrHeld) || errors.Is(err, connectors.ErrUnreachable)
		if err == nil || !passes || !time.Now().Before(until) {
			return err
		}
		fmt.Fprintln(c.Err, "lethe: waits:", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(5*time.Second, time.Until(until))):
		}
	}
}

// opens reports whether a source can be opened.
func opens(ctx context.Context, p *setup.Setup, source string) error {
	for _, s := range p.Sources {
		if s.Name != source {
			continue
		}
		open, err := s.Open(ctx)
		if err != nil {
			return setup.SourceError(err)
		}
		return open.Close()
	}
	return nil
}
