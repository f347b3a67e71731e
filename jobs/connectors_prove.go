package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/jobs/config"
	"lethe/pipeline/engines"
	"lethe/pipeline/setup"
)

func connectorsProveCommand(c *Command) *cobra.Command {
	var as, key, connector string
	cmd := &cobra.Command{
		Use:   "prove DSN | SOURCE",
		Short: "Try on a server of yours all that Lethe relies on, and leave a signed proof of it",
		Long: `Runs the suite of the connectors on a server: what Lethe promises of reading and changing rows, tried with
tables and rows of its own. It makes databases whose names begin with lethe_prove_, one at a time, and
drops each; it touches nothing that exists. A proof is left in the state folder where all of it holds.

Nothing is changed on an engine and major version without a proof, of the tests of Lethe itself
(` + "`lethe connectors`" + ` lists those) or of this command. Reading and planning are never refused.`,
		Example: `  lethe connectors prove crm                                    # a source, by its apply_dsn
  lethe connectors prove postgres://lethe_prove@db.example.com/postgres
  lethe connectors prove 'mysql://lethe_prove@localhost/mysql?tls=waived' --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return proveServer(cmd.Context(), c, args[0], connector, as, key)
		},
	}
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().StringVar(&as, "as", "", "who proves it: an operator under people; needed where somebody has that role")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	return cmd
}

// trialLines are what a run of the suite found, as programs read it.
type trialLines struct {
	Engine     connectors.Engine `json:"engine"`
	Connector  string            `json:"connector"`
	Collations []string          `json:"collations"`
	Suite      string            `json:"suite"`
	Not        []string          `json:"not_tried"`
	Left       []string          `json:"left_over"`
	Results    []resultLine      `json:"results"`
	Held       int               `json:"held"`
	Failed     int               `json:"failed"`
	Proof      bool              `json:"proof_left"`
}

// resultLine is one promise.
type resultLine struct {
	Collation string `json:"collation"`
	Group     string `json:"group"`
	Promise   string `json:"promise"`
	Holds     bool   `json:"holds"`
	Fault     string `json:"fault,omitempty"`
	Millis    int64  `json:"ms"`
}

func proveServer(ctx context.Context, c *Command, target, connector, as, key string) (err error) {
	var p *setup.Setup
	var who *setup.Witness
	var o connectors.Options
	named := false
	if c.configured() {
		var cfg *config.Config
		if p, cfg, err = c.load(ctx); err != nil {
			return err
		}
		if who, err = c.operator(ctx, p, cfg, true, as, key); err != nil {
			return err
		}
		if err := engines.May(p, who); err != nil {
			return err
		}
		var name string
		if name, o, named, err = cfg.Server(target); err != nil {
			return err
		} else if named {
			connector = name
		}
	}
	if !named {
		k, options, err := adHoc(ctx, c, target, connector)
		if err != nil {
			return err
		}
		connector, o = k.Name, options
	}
	open := config.Grounds()[connector]
	if open == nil {
		fmt.Fprintf(c.Out, "the engine of %s is part of lethe, and proved by its tests: there is nothing to prove\n", connector)
		return nil
	}
	ground, err := open(ctx, o)
	if err != nil {
		return setup.SourceError(err)
	}
	defer func() { err = errors.Join(err, ground.Close()) }()
	return c.prove(ctx, p, who, connector, ground)
}

// prove runs the suite, says what holds and what does not, and leaves a proof where all of it does.
func (c *Command) prove(ctx context.Context, p *setup.Setup, who *setup.Witness, connector string,
	ground *conformance.Ground) error {
	v := trialLines{Engine: ground.Engine, Connector: connector, Suite: conformance.Suite(), Not: ground.Not, Left: ground.Left}
	for _, way := range ground.Ways {
		v.Collations = append(v.Collations, way.Name)
	}
	say := func(format string, args ...any) {
		if !c.json {
			fmt.Fprintf(c.Out, format+"\n", args...)
		}
	}
	say("%s (version %s), texts compared by %s", v.Engine, v.Engine.Version, strings.Join(v.Collations, ", "))
	say("in databases lethe_prove_..., which are made and dropped; it needs: %s", rights(connector))
	for _, name := range v.Left {
		say("left of an earlier run that was killed, and not touched: DROP DATABASE %s", name)
	}
	for _, not := range v.Not {
		say("not tried: %s", not)
	}
	began := c.Now()
	err := ground.Prove(ctx, func(r conformance.Result) {
		v.Results = append(v.Results, resultLine{r.Way, r.Group, r.Name, r.Fault == "", r.Fault, r.Took.Milliseconds()})
		if r.Fault == "" {
			v.Held++
			say("  holds     %s: %s (%s)", r.Group, r.Name, r.Way)
			return
		}
		v.Failed++
		say("  DOES NOT  %s: %s (%s)\n            %s", r.Group, r.Name, r.Way, r.Fault)
	})
	if err != nil {
		return err
	}
	say("%d hold, %d do not, in %s", v.Held, v.Failed, c.Now().Sub(began).Round(time.Second))
	err = c.conclude(ctx, p, who, &v, say)
	if c.json {
		err = errors.Join(err, c.printJSON(v))
	}
	return err
}

// conclude leaves a proof, or takes an earlier one away.
func (c *Command) conclude(ctx context.Context, p *setup.Setup, who *setup.Witness, v *trialLines,
	say func(string, ...any)) error {
	failed := v.Failed > 0 || v.Held == 0
	switch {
	case failed && p != nil:
		if err := engines.Withdraw(p, v.Connector, v.Engine); err != nil {
			return err
		}
		fallthrough
	case failed:
		ships := ""
		if engines.Ships(v.Connector, v.Engine) {
			ships = "; it holds where lethe is tested, so look at what is set otherwise on this server"
		}
		return fmt.Errorf("%w: %d promises do not hold on %s: no proof was left, and nothing is changed there without one%s",
			setup.ErrSource, v.Failed, v.Engine, ships)
	case p == nil:
		say("no proof was left: there is no configuration %s whose state folder it would stand in", c.config)
		return nil
	}
	collations := slices.Clone(v.Collations)
	err := engines.Leave(ctx, p, engines.Proof{Connector: v.Connector, Product: v.Engine.Product, Series: v.Engine.Series,
		Version: v.Engine.Version, Collations: collations, Cases: v.Held}, who)
	if err != nil {
		return err
	}
	v.Proof = true
	say("proved: rows may be changed on %s, until %s", v.Engine, c.Now().Add(engines.Holds).Format("2006-01-02"))
	return nil
}
