package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

func requestDoneCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var at string
	cmd := &cobra.Command{
		Use:   "done <request>",
		Short: "Note that a request was seen to at a place that no source reaches, such as a paper archive",
		Args:  cobra.ExactArgs(1),
		Long: `Note that somebody saw to a request at a place that no source reaches: took the person's papers out and destroyed
them, copied them for the person, corrected or locked them. The places are those attestations of the configuration that
name silos. A request is closed, and answered by a letter, when each of its silo was seen to; of an objection or a
withdrawal there is nothing to see to.`,
		Example: "  lethe request done request-1b9d6bcd --silo customers --at paper-archive",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				return doneAt(cmd.Context(), c, o, by, s.silo, args[0], at)
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&at, "at", "", "the place: a name under attestations")
	required(cmd, "at")
	return cmd
}

func doneAt(ctx context.Context, c *Command, o opened, by enterFlags, silo, id, at string) error {
	list, err := o.registry.AskedOf(ctx, silo)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a cases.Asked) bool { return a.ID == id && a.Closed.IsZero() })
	if i < 0 {
		return fmt.Errorf("%w: silo %s has no open request %s: lethe request list", registry.ErrRefused, silo, id)
	}
	var names []string
	done := entry(silo, id, []string{"done", at})
	for _, place := range requests.Elsewhere(o.p, silo, list[i].Kind) {
		names = append(names, place.Name)
		if place.Name == at {
			done.Owner = place.Owner
		}
	}
	if done.Owner == "" {
		places := "there is none: those attestations that name silos are"
		if len(names) > 0 {
			places = "use " + strings.Join(names, ", ")
		}
		return fmt.Errorf("%w: --at %q is no place where a request of silo %s for %s is seen to: %s", setup.ErrUsage, at, silo,
			list[i].Kind, places)
	}
	who, err := by.named(ctx, c, o.p)
	if err != nil {
		return err
	}
	step := cases.Step{Name: cases.StepManual, How: at, By: by.as}
	if err := duties.EnteredBy(ctx, o.p, done, who, func() error {
		return o.registry.NoteRequest(ctx, silo, id, step)
	}); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "request %s was seen to at %s\n", id, at)
	return nil
}
