package jobs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/erased"
	"lethe/pipeline/letters"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// exceptionRE is a place in the GDPR: 17(3)(e), 12(5).
var exceptionRE = regexp.MustCompile(`^[1-9][0-9]?(\([1-9][0-9]?\))?(\([a-z]\))?$`)

// closeFlags are how somebody closes a request.
type closeFlags struct {
	scope
	enterFlags
	outcome, exception string
	others             bool
}

func requestCloseCommand(c *Command) *cobra.Command {
	var f closeFlags
	cmd := &cobra.Command{
		Use: "close <request>", Short: "Close a request that was answered, after looking again", Args: cobra.ExactArgs(1),
		Long: `Close a request that was answered. The person was told, with the reason where it was refused
(Art. 12(4)).

  completed       done as asked. Of an objection, it was upheld.
  partly_refused  part of it had to be refused, for example because a legal hold keeps the data: --exception 17(3)(e)
  refused         --exception says by what: 12(5) for a request that is manifestly unfounded. Of an
                  objection, it was overridden: 21(1).

What is not refused as a whole is looked for again, in every source and backup, and the request stays open where it
is not done: of access and portability, that all was exported; of an erasure, that no row is left (completed), or none of
which something is due (partly_refused), and that backups end or are rewritten; of others, that what is due of rows was
done. A source that cannot be read keeps it open. After an erasure closes, that every earlier consent was withdrawn
stays recorded.`,
		Example: "  lethe request close request-1b9d6bcd --silo customers --outcome completed\n" +
			"  lethe request close request-1b9d6bcd --silo customers --outcome partly_refused --exception '17(3)(e)'",
		RunE: func(cmd *cobra.Command, args []string) error { return f.close(cmd.Context(), c, args[0]) },
	}
	f.scope.register(cmd, "")
	f.enterFlags.register(cmd)
	cmd.Flags().StringVar(&f.outcome, "outcome", "", "completed, partly_refused or refused")
	cmd.Flags().StringVar(&f.exception, "exception", "", "what allows to refuse, such as 17(3)(e)")
	cmd.Flags().BoolVar(&f.others, "others", false,
		"the rows that may be others' (lethe request find) were looked at, and none is the person's")
	required(cmd, "outcome")
	return cmd
}

func (f *closeFlags) close(ctx context.Context, c *Command, id string) error {
	if f.exception != "" && !exceptionRE.MatchString(f.exception) {
		return fmt.Errorf("%w: --exception: name the place in the GDPR as 17(3)(e)", setup.ErrUsage)
	}
	if err := cases.CheckOutcome(f.outcome, f.exception); err != nil {
		return err
	}
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	if err := known(cfg, f.silo); err != nil {
		return err
	}
	if err := f.may(ctx, c, p, f.silo, id); err != nil {
		return err
	}
	if err := f.again(ctx, c, p, id); err != nil {
		return err
	}
	return c.withRegistry(ctx, f.silo, func(o opened) error {
		if err := f.request(ctx, c, o, f.silo, id, func() error {
			return o.registry.CloseRequest(ctx, f.silo, id, f.outcome, f.exception)
		}, "close", f.outcome, f.exception); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "request %s is closed: %s\n", id,
			strings.TrimSpace(strings.ReplaceAll(f.outcome, "_", " ")+" "+f.exception))
		return f.letter(ctx, c, o, id)
	})
}

// letter names the letter that says to the person how the request was closed.
func (f *closeFlags) letter(ctx context.Context, c *Command, o opened, id string) error {
	list, err := o.registry.AskedOf(ctx, f.silo)
	if err != nil {
		return err
	}
	kind := letters.Of(f.outcome)
	i := slices.IndexFunc(list, func(a cases.Asked) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	if step, ok := letters.Told(list[i].Steps, kind); ok {
		fmt.Fprintf(c.Out, "the letter to send: %s, written on %s\n", step.How, dayOf(step.At, o.p.Zone))
		return nil
	}
	command := fmt.Sprintf("lethe request letter %s --silo %s --kind %s --to FOLDER", id, f.silo, kind)
	if f.exception != "" {
		command += " --exception '" + f.exception + "'"
	}
	fmt.Fprintf(c.Out, "no letter says so to the person yet (Art. 12): %s\n", command)
	return nil
}

// again looks whether a request was done as its outcome says.
func (f *closeFlags) again(ctx context.Context, c *Command, p *setup.Setup, id string) error {
	closing := requests.Closing{Outcome: f.outcome, Others: f.others}
	if !closing.Looked() || f.silo == p.Suppression.Name {
		return nil
	}
	asks, err := requests.Closable(ctx, p, f.silo, id)
	if err != nil {
		return err
	}
	stop := c.progress(p)
	sections, err := requests.Find(ctx, p, asks)
	stop()
	if err != nil {
		return err
	}
	left := closing.Left(p, &asks[0].Asked, sections[0])
	if len(left) == 0 {
		return errors.Join(c.noteLooked(ctx, sections[0], f.as), f.state(ctx, c, p, closing, &asks[0].Asked, sections[0]))
	}
	err = fmt.Errorf("%w: request %s of silo %s is not done as %s says, and stays open:\n  %s", registry.ErrRefused, id,
		f.silo, f.outcome, strings.Join(left, "\n  "))
	if len(sections[0].Missing) > 0 {
		err = fmt.Errorf("%w: %w", setup.ErrSource, err)
	}
	return err
}

// state notes what the receipt of an erasure says that is about to be closed.
func (f *closeFlags) state(ctx context.Context, c *Command, p *setup.Setup, closing requests.Closing, a *cases.Asked,
	s *requests.Section) error {
	if !erased.Receipted(a.Kind, closing.Outcome) {
		return nil
	}
	step := cases.Step{Name: cases.StepStated, How: erased.Statement(p, closing.Outcome, a, s).String(), By: f.as}
	return c.withRegistry(ctx, f.silo, func(o opened) error {
		return o.registry.NoteRequest(ctx, f.silo, a.ID, step)
	})
}
