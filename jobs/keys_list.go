package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
)

// keyLine is one version of a silo's key as it is listed.
type keyLine struct {
	Silo      string    `json:"silo"`
	Version   int       `json:"version"`
	State     string    `json:"state"`
	Created   time.Time `json:"created"`   // when the silo first used it; zero: not yet
	Destroyed time.Time `json:"destroyed"` // zero: it is there
	KeyID     string    `json:"key_id"`
	Evidence  string    `json:"evidence,omitempty"` // SHA-256 of key id and witnesses' signatures, hex
	Witnesses []string  `json:"witnesses,omitempty"`
	Because   string    `json:"because,omitempty"`
}

func keysListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list",
		Short: "List the keys of silos: version, state, since when, and who saw it destroyed; and the public " +
			"key that signs reports",
		Args: cobra.NoArgs,
		Long: "The key id is a digest of the key that does not help to find it; it is what witnesses sign when a " +
			"key is destroyed.",
		Example: "  lethe keys list\n  lethe keys list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			lines, err := keyLines(cmd.Context(), p)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(lines)
			}
			rows := [][]string{{"SILO", "VERSION", "STATE", "CREATED", "DESTROYED", "KEY ID", "EVIDENCE"}}
			for _, l := range lines {
				evidence := ""
				if l.Evidence != "" {
					evidence = fmt.Sprintf("%.16s, witnessed by %s", l.Evidence, strings.Join(l.Witnesses, " and "))
				}
				rows = append(rows, []string{l.Silo, fmt.Sprint(l.Version), l.State, dayOf(l.Created, p.Zone),
					dayOf(l.Destroyed, p.Zone), fmt.Sprintf("%.16s", l.KeyID), evidence})
			}
			table(c.Out, rows)
			runner, err := p.Keys.Runner()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "reports and copies are signed by %s\n", runner.Public())
			return nil
		},
	}
}

// keyLines joins what the keystore and the registry know of the silos' keys.
func keyLines(ctx context.Context, p *setup.Setup) (lines []keyLine, err error) {
	known := map[string]chain.KeyVersion{}
	cfg := p.Registry
	cfg.ReadOnly, cfg.AllowEmpty, cfg.AnyVersion = true, true, true
	switch r, err := registry.Open(ctx, cfg); {
	case errors.Is(err, registry.ErrMissing), errors.Is(err, registry.ErrSchema): // keys come before the registry
	case err != nil:
		return nil, err
	default:
		versions, err := r.KeyVersions(ctx)
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		for _, v := range versions {
			known[fmt.Sprint(v.Silo, "@", v.Version)] = v
		}
	}
	for _, v := range p.Keys.SiloVersions() {
		l := keyLine{Silo: v.Silo, Version: v.Version, State: string(chain.KeyActive), KeyID: v.KeyID}
		if k, ok := known[fmt.Sprint(v.Silo, "@", v.Version)]; ok {
			l.State, l.Created, l.Destroyed = string(k.State), k.CreatedAt, k.DestroyedAt
			switch {
			case k.State == chain.KeyDestroyed && v.Destroyed == nil:
				l.State = "destroyed, but its file is back: remove it"
			case k.State == chain.KeyRetiring:
				l.State = "retiring, nothing needs it"
			}
		}
		if e := v.Destroyed; e != nil {
			if l.Witnesses, err = e.WitnessedBy(); err != nil {
				return nil, err
			}
			digest := e.Digest()
			l.State, l.Destroyed, l.Because, l.Evidence = string(chain.KeyDestroyed), e.DestroyedAt, e.Because,
				hex.EncodeToString(digest[:])
		}
		lines = append(lines, l)
	}
	return lines, nil
}
