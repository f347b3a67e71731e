package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/keystore"
)

func (c *Command) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Create, list, rotate and destroy the keys of silos; create the signing keys of people",
		Long: `Every silo has a key of its own, in the keystore. References to people and records are made with it, so that nothing in the registry can be linked to
anybody, or from one silo to another, without it. Destroying the key of a silo that has ended makes all its references unlinkable at once, in every copy and
backup of the registry as well.`,
	}
	var out string
	person := &cobra.Command{
		Use: "new", Short: "Make a person's signing key, and print the public key for the configuration", Args: cobra.NoArgs,
		Example: "  lethe keys new --out anna.key",
		RunE: func(*cobra.Command, []string) error {
			public, err := keystore.NewPerson(out)
			if err != nil {
				return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
			}
			fmt.Fprintln(c.Out, public)
			return nil
		},
	}
	person.Flags().StringVar(&out, "out", "", "file for the secret key; only its owner may read it")
	required(person, "out")
	create := &cobra.Command{
		Use: "create", Short: "Create the keystore and the keys that the configuration's silos lack", Args: cobra.NoArgs,
		Example: "  lethe keys create",
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := Load(c.config)
			if err != nil {
				return err
			}
			path, identity := config.abs(config.Keystore.Path), config.abs(strings.TrimPrefix(config.Keystore.Identity, "file:"))
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				if err := keystore.Create(path, identity); err != nil {
					return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
				}
				fmt.Fprintf(c.Out, "created the keystore %s, opened by %s: keep a copy of both, apart from each other\n", relative(path), relative(identity))
			}
			k, err := keystore.Open(cmd.Context(), path, identity)
			if err != nil {
				return err
			}
			if err := k.EnsureRunner(); err != nil {
				return err
			}
			for _, silo := range slices.Sorted(maps.Keys(config.Silos)) {
				if err := k.EnsureSilo(silo); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "silo %s has its key\n", silo)
			}
			runner, err := k.Runner()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "reports and copies are signed by %s: give this to the data protection officer\n", runner.Public())
			return nil
		},
	}
	cmd.AddCommand(person, create, c.keysListCommand(), c.keysRotateCommand(), c.keysRetireCommand(), c.keysDestroyCommand())
	return cmd
}

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

func (c *Command) keysListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys of silos: version, state, since when, and who saw it destroyed; and the public key that signs reports", Args: cobra.NoArgs,
		Long:    "The key id is a digest of the key that does not help to find it; it is what witnesses sign when a key is destroyed.",
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
				rows = append(rows, []string{l.Silo, fmt.Sprint(l.Version), l.State, dayOf(l.Created, p.Zone), dayOf(l.Destroyed, p.Zone), l.KeyID[:16], evidence})
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
func keyLines(ctx context.Context, p *pipeline.Pipeline) (lines []keyLine, err error) {
	known := map[string]chain.KeyVersion{}
	config := p.Registry
	config.ReadOnly, config.AllowEmpty, config.Keys = true, true, nil
	switch r, err := registry.Open(ctx, config); {
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
			l.State, l.Destroyed, l.Because, l.Evidence = string(chain.KeyDestroyed), e.DestroyedAt, e.Because, hex.EncodeToString(digest[:])
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (c *Command) keysRotateCommand() *cobra.Command {
	var silo string
	cmd := &cobra.Command{
		Use: "rotate", Short: "Give a silo a new version of its key, and carry all references over to it", Args: cobra.NoArgs,
		Long: `A new version of the silo's key is a secret over the one before: every reference in the registry (people, records, flags, tombstones) is replaced by its own
reference under that secret, in one transaction, and a rekeyed event in the chain says so. Nobody need be at hand for it, rows that are gone included. Who
has the old key only can compute no reference made from then on. What the chain's past events say of themselves stays as it was written: an old delivery is
still recognised, and references of before the rotation stay in those events until they are purged.

It is refused while a plan of the silo is not settled. If it is interrupted, run it again; until then everything that uses the registry refuses to. A
registry, or a keystore, that was put back from a copy of before is noticed in the same way, and rotate carries such a registry over once more.`,
		Example: "  lethe keys rotate --silo newsletter",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			version, carried, err := p.RotateKey(cmd.Context(), silo)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "silo %s uses version %d of its key; %d references were carried over\n", silo, version, carried)
			fmt.Fprintf(c.Out, "nothing needs version %d any more: keep a copy of the keystore, then lethe keys retire --silo %s --version %[1]d\n", version-1, silo)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	required(cmd, "silo")
	return cmd
}

func (c *Command) keysRetireCommand() *cobra.Command {
	var silo, because string
	var version int
	var people witnessFlags
	cmd := &cobra.Command{
		Use: "retire", Short: "Destroy, before two witnesses, a version of a key that a later one has replaced", Args: cobra.NoArgs,
		Long:    `The secret of the old version is destroyed. What later versions need of it, from which it cannot be computed, is in their files.`,
		Example: "  lethe keys retire --silo newsletter --version 1 --as anna --key anna.key --as bo --key bo.key --because \"yearly rotation\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			witnesses, err := people.load()
			if err != nil {
				return err
			}
			e, err := p.RetireKey(cmd.Context(), silo, version, because, witnesses)
			if err != nil {
				return err
			}
			c.printDestroyed(p, silo, e)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().IntVar(&version, "version", 0, "the version that was replaced")
	cmd.Flags().StringVar(&because, "because", "", "why; it stands in the evidence")
	people.register(cmd)
	required(cmd, "silo", "version", "because")
	return cmd
}

func (c *Command) printDestroyed(p *pipeline.Pipeline, silo string, e keystore.Evidence) {
	fmt.Fprintf(c.Out, "key %s of silo %s was destroyed on %s, evidence %x\n", e.KeyID[:16], silo, dayOf(e.DestroyedAt, p.Zone), e.Digest())
}

func (c *Command) keysDestroyCommand() *cobra.Command {
	var silo, because string
	var people witnessFlags
	cmd := &cobra.Command{
		Use: "destroy", Short: "End a silo: forget all its people, and destroy its key before two witnesses", Args: cobra.NoArgs,
		Long: `Everything that the registry holds of the silo's people is purged, then the silo's keys are destroyed, so that copies and backups of the registry and the
reports link to nobody any more. The chain of the silo's events stays, and can still be verified. It cannot be undone.

It is refused while something needs the key: a legal hold, an open request, a plan that is not settled, a tombstone for which a backup may still bring back
the record, or rows of the silo that the last night saw. Two people of the configuration sign that the key is gone; their signatures, with the key's id,
are the evidence, in the folder destroyed of the keystore and, as a digest, in the registry. If the command is interrupted, run it again.

Afterwards take the silo, and the roles of its owners, out of the configuration: runs refuse a silo whose key was destroyed.`,
		Example: "  lethe keys destroy --silo newsletter --as anna --key anna.key --as bo --key bo.key --because \"the newsletter ended in 2026\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			witnesses, err := people.load()
			if err != nil {
				return err
			}
			if strings.TrimSpace(because) == "" {
				return fmt.Errorf("%w: --because: say why the silo ends; it stands in the evidence", errUsage)
			}
			destroyed, err := p.DestroyKeys(cmd.Context(), silo, because, witnesses)
			if err != nil {
				return err
			}
			for _, e := range destroyed {
				c.printDestroyed(p, silo, e)
			}
			fmt.Fprintf(c.Out, "take silo %s out of the configuration\n", silo)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo that ends")
	cmd.Flags().StringVar(&because, "because", "", "why; it stands in the evidence")
	people.register(cmd)
	required(cmd, "silo", "because")
	return cmd
}

// witnessFlags are the people who act together, each with the file of their signing key.
type witnessFlags struct{ as, keys []string }

func (w *witnessFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&w.as, "as", nil, "who acts: a name under people; given twice, for two people")
	cmd.Flags().StringArrayVar(&w.keys, "key", nil, "file with that person's signing key, in the order of --as")
	required(cmd, "as", "key")
}

// load reads the people's keys.
func (w *witnessFlags) load() ([]pipeline.Witness, error) {
	if len(w.as) != len(w.keys) {
		return nil, fmt.Errorf("%w: --as is given %d times and --key %d times: each person has a key", errUsage, len(w.as), len(w.keys))
	}
	var people []pipeline.Witness
	for i, name := range w.as {
		signer, err := keystore.LoadPerson(w.keys[i])
		if err != nil {
			return nil, err
		}
		people = append(people, pipeline.Witness{Name: name, Signer: signer})
	}
	return people, nil
}

// required marks flags that a command cannot do without.
func required(cmd *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err) // the flag is not there
		}
	}
}

// dayOf is a civil day for people, "" for none.
func dayOf(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.DateOnly)
}
