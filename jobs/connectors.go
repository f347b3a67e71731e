package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lethe/connectors"
	"lethe/jobs/config"
	"lethe/pipeline/engines"
)

func connectorsCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "connectors", Short: "List what Lethe can open, and on which servers it was proved",
		Args: cobra.NoArgs,
		Example: `  lethe connectors
  lethe connectors prove crm`,
		RunE: func(cmd *cobra.Command, _ []string) error { return listConnectors(cmd.Context(), c) }}
	cmd.AddCommand(connectorsProveCommand(c))
	return cmd
}

// connectorLine is a connector as programs read it.
type connectorLine struct {
	Name    string            `json:"name"`
	About   string            `json:"about"`
	Options map[string]string `json:"options,omitempty"`
	Proved  []provedLine      `json:"proved"`
}

// provedLine is an engine on which the suite was run.
type provedLine struct {
	Engine     string   `json:"engine"`
	By         string   `json:"by"` // lethe: its own tests; the operator's name, or runner
	Version    string   `json:"version,omitempty"`
	Collations []string `json:"collations,omitempty"`
	On         string   `json:"on,omitempty"`    // a day
	Until      string   `json:"until,omitempty"` // the day on which it counts no more
	Void       string   `json:"void,omitempty"`  // why it does not count
}

// said is the line for people.
func (l provedLine) said() string {
	switch {
	case l.Void != "":
		return fmt.Sprintf("not proved: %s: %s", l.Engine, l.Void)
	case l.Until == "":
		return fmt.Sprintf("proved: %s, by the tests of lethe", l.Engine)
	}
	return fmt.Sprintf("proved: %s, here on %s (version %s), until %s", l.Engine, l.On, l.Version, l.Until)
}

func listConnectors(ctx context.Context, c *Command) error {
	own, unread := c.ownProofs(ctx)
	var lines []connectorLine
	for _, k := range config.Connectors() {
		l := connectorLine{Name: k.Name, About: k.About, Options: map[string]string{}, Proved: provedOf(k, own)}
		for _, o := range k.Options {
			l.Options[o.Name] = o.About
		}
		lines = append(lines, l)
		if c.json {
			continue
		}
		fmt.Fprintf(c.Out, "%-10s %s\n", k.Name, k.About)
		for _, o := range k.Options {
			fmt.Fprintf(c.Out, "%-10s options: %-13s %s\n", "", o.Name, o.About)
		}
		if len(l.Proved) == 0 {
			fmt.Fprintf(c.Out, "%-10s proved nowhere: nothing is changed by it before `lethe connectors prove`\n", "")
		}
		for _, p := range l.Proved {
			fmt.Fprintf(c.Out, "%-10s %s\n", "", p.said())
		}
	}
	for _, f := range own {
		if f.Connector == "" {
			fmt.Fprintf(c.Out, "%s: not proved: %s\n", f.Path, f.Void)
		}
	}
	if c.json {
		return errors.Join(c.printJSON(lines), unread)
	}
	return unread
}

// provedOf says where a connector was proved.
func provedOf(k connectors.Connector, own []engines.Found) []provedLine {
	lines := []provedLine{}
	if config.Grounds()[k.Name] == nil {
		return append(lines, provedLine{Engine: "as part of lethe", By: "lethe"})
	}
	for _, s := range connectors.Proved() {
		if s.Connector == k.Name {
			lines = append(lines, provedLine{Engine: s.Product + " " + s.Series, By: "lethe", Collations: s.Collations})
		}
	}
	for _, f := range own {
		if f.Connector != k.Name {
			continue
		}
		by := f.Actor
		if by == "" {
			by = "runner"
		}
		lines = append(lines, provedLine{Engine: f.Engine().String(), By: by, Version: f.Version, Collations: f.Collations,
			On: f.ProvedAt.Format("2006-01-02"), Until: f.Until().Format("2006-01-02"), Void: f.Void})
	}
	return lines
}

// ownProofs are those of the configuration's state folder; none where there is no configuration.
func (c *Command) ownProofs(ctx context.Context) ([]engines.Found, error) {
	if !c.configured() {
		return nil, nil
	}
	p, _, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	return engines.Read(ctx, p, nil)
}

// configured reports whether there is a configuration file. What else may be wrong with it, whoever reads it says.
func (c *Command) configured() bool {
	_, err := os.Stat(c.config)
	return !errors.Is(err, os.ErrNotExist)
}

// rights are what a user needs on whose server the suite is run, by connector.
func rights(connector string) string {
	return map[string]string{
		"mysql":     "GRANT ALL ON `lethe\\_prove\\_%`.* and GRANT PROCESS ON *.* to the user of the DSN",
		"postgres":  "ALTER ROLE ... CREATEDB of the user of the DSN",
		"sqlserver": "ALTER SERVER ROLE dbcreator ADD MEMBER the login of the DSN",
	}[connector]
}
