package jobs

import (
	"context"
	"errors"
	"fmt"

	"lethe/jobs/config"
	"lethe/pipeline/intake"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// opened is what a command that works in the registry has at hand.
type opened struct {
	p        *setup.Setup
	cfg      *config.Config
	registry *registry.Registry // nil where events come in: the intake has it
	key      *keystore.SiloKey  // of the silo that was named; nil without one
	intake   *intake.Intake     // nil but where events come in
}

// withRegistry opens the registry to write, and the key of a silo ("" none).
func (c *Command) withRegistry(ctx context.Context, silo string, do func(opened) error) (err error) {
	var o opened
	if o.p, o.cfg, err = c.load(ctx); err != nil {
		return err
	}
	if silo != "" {
		if err := known(o.cfg, silo); err != nil {
			return err
		}
		if o.key, err = o.p.Keys.SiloKey(silo); err != nil {
			return err
		}
	}
	rc := o.p.Registry
	rc.AllowEmpty, rc.Now = true, c.Now
	if o.registry, err = registry.Open(ctx, rc); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.registry.Close()) }()
	return do(o)
}

// withIntake opens the registry for events to come in, where the silo's chain holds: all of it where whole, else what
// came since the last night.
func (c *Command) withIntake(ctx context.Context, silo string, whole bool, do func(opened) error) (err error) {
	var o opened
	if o.p, o.cfg, err = c.load(ctx); err != nil {
		return err
	}
	if err := known(o.cfg, silo); err != nil {
		return err
	}
	if o.intake, err = intake.Open(ctx, o.p); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.intake.Close()) }()
	if err := o.intake.Sound(ctx, silo, whole); err != nil {
		return err
	}
	return do(o)
}

// known refuses a silo that the configuration does not have.
func known(cfg *config.Config, silo string) error {
	if _, ok := cfg.Silos[silo]; !ok {
		return fmt.Errorf("%w: silo %q is not under silos", setup.ErrConfig, silo)
	}
	return nil
}

// eachSilo runs a listing for one silo, or for all.
func (c *Command) eachSilo(ctx context.Context, silo string, list func(o opened, silo string) error) error {
	return c.withRegistry(ctx, silo, func(o opened) error {
		silos := []string{silo}
		if silo == "" {
			heads, err := o.registry.Heads(ctx)
			if err != nil {
				return err
			}
			silos = nil
			for _, h := range heads {
				silos = append(silos, h.Silo)
			}
		}
		for _, name := range silos {
			if err := list(o, name); err != nil {
				return err
			}
		}
		return nil
	})
}
