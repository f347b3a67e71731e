package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

func requestFulfilCommand(c *Command) *cobra.Command {
	var f nightFlags
	var silo string
	var backups bool
	cmd := &cobra.Command{
		Use:   "fulfil <request>",
		Short: "Do for one person what is due of their rows now: erase, block, by a plan of its own",
		Args:  cobra.ExactArgs(1),
		Long: `Do for the person of a verified request what is due of their rows: of an erasure, delete or anonymize them with
what goes along; of a restriction or an objection, block them. It is decided as on any night, by a plan that holds this
person's rows and nobody else's: a standing order lets it go, or it waits for the people who approve plans; after they
did, the same command carries it out. What it does is in the journal and the reports like all else.

Backups with rows of theirs are rewritten when their cadence says so, or now with --backups. At the end it looks again and
says what stays, why, and until when; and of each backup when it is gone.`,
		Example: "  lethe request fulfil request-1b9d6bcd\n  lethe request fulfil request-1b9d6bcd --backups",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.fulfil(cmd.Context(), f, silo, args[0], backups)
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "of the request, where several silos have one of that name")
	cmd.Flags().BoolVar(&backups, "backups", false, "rewrite the backups now, whatever their cadence")
	f.register(cmd, false)
	f.registerOperator(cmd)
	return cmd
}

// fulfil runs what is due for one person, and says how they stand then.
func (c *Command) fulfil(ctx context.Context, f nightFlags, silo, id string, backups bool) error {
	defer lean()()
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	asks, err := requests.Read(ctx, p, requests.Which{Silo: silo, IDs: []string{id}}, false)
	if err != nil {
		return err
	}
	if len(asks) != 1 {
		return fmt.Errorf("%w: several silos have a request %s: name one with --silo", setup.ErrUsage, id)
	}
	if kind := asks[0].Asked.Kind; kind == cases.RequestAccess || kind == cases.RequestPortability {
		return fmt.Errorf("%w: request %s is for %s: lethe request export %[2]s", setup.ErrUsage, id, kind)
	}
	o, err := f.options(p)
	if err != nil {
		return err
	}
	o.Phases, o.Apply = setup.FulfilOnly, true
	o.Asked = setup.Asked{Silo: asks[0].Silo, Collections: asks[0].Asked.Collections, Backups: backups}
	if o.Operator, err = c.operator(ctx, p, cfg, true, f.as, f.key); err != nil {
		return err
	}
	stop := c.progress(p)
	result, err := pipeline.Run(ctx, p, o)
	stop()
	result.Waiting = slices.DeleteFunc(result.Waiting, func(plan string) bool { // nights' plans are of others too
		return !strings.HasPrefix(plan, result.RunID+"-")
	})
	printResult(c, p, result, o)
	ended(ctx, p.Log, p, cfg, o, result, err)
	if err != nil {
		return err
	}
	step := cases.Step{Name: cases.StepFulfilled, How: strings.Join(append([]string{result.RunID}, result.Waiting...), " "),
		By: f.as}
	noted := c.withRegistry(ctx, asks[0].Silo, func(r opened) error {
		return r.registry.NoteRequest(ctx, asks[0].Silo, id, step)
	})
	sections, err := requests.Find(ctx, p, asks)
	if err != nil {
		return errors.Join(noted, err)
	}
	if !c.json {
		c.printLeft(p, sections[0])
	}
	return errors.Join(noted, c.noteLooked(ctx, sections[0], f.as))
}

// noteLooked notes how much stood of a person of whom all was looked at.
func (c *Command) noteLooked(ctx context.Context, s *requests.Section, by string) error {
	if len(s.Missing) > 0 {
		return nil
	}
	step := cases.Step{Name: cases.StepLooked, How: s.Looked().String(), By: by}
	return c.withRegistry(ctx, s.Silo, func(r opened) error {
		return r.registry.NoteRequest(ctx, s.Silo, s.Request, step)
	})
}

// printLeft says what is left of a person.
func (c *Command) printLeft(p *setup.Setup, s *requests.Section) {
	rows := [][]string{{"LEFT IN", "TABLE", "ROWS", "DUE", "WHY", "UNTIL"}}
	for _, place := range s.Places() {
		until := place.Until
		if place.Backup {
			day, ends := requests.Ends(p, place.Source)
			switch {
			case !ends:
				until = "nobody says"
			case day == "":
				until = "its next rewrite"
			default:
				until = day
			}
		}
		why := place.Why
		if !place.How.Certain() {
			why = "may be the person's (" + string(place.How) + ")"
		}
		rows = append(rows, []string{place.Source, place.Table, fmt.Sprint(place.Rows), place.Changes, why, until})
	}
	if len(rows) == 1 {
		fmt.Fprintf(c.Out, "nothing of the person is left; next: lethe request letter %s --silo %s --kind answer, and lethe "+
			"request close %[1]s --silo %[2]s --outcome completed\n", s.Request, s.Silo)
		return
	}
	fmt.Fprintln(c.Out)
	table(c.Out, rows)
	if slices.ContainsFunc(s.Places(), func(p *requests.Place) bool { return p.Why == reason.KObjectionPending.Words() }) &&
		s.Kind == cases.RequestErasure {
		fmt.Fprintln(c.Out, requests.Weigh(s))
	}
	for _, l := range s.Missing {
		fmt.Fprintf(c.Out, "missing: %s\n", l)
	}
}
