package jobs

import (
	"context"
	"errors"
	"fmt"

	"lethe/jobs/config"
	"lethe/pipeline"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// withRegistry opens the registry to write, and the key of a silo ("" none).
func (c *Command) withRegistry(ctx context.Context, silo string, do func(*pipeline.Pipeline, *registry.Registry, *keystore.SiloKey) error) (err error) {
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	var key *keystore.SiloKey
	if silo != "" {
		if _, ok := cfg.Silos[silo]; !ok {
			return fmt.Errorf("%w: silo %q is not under silos", pipeline.ErrConfig, silo)
		}
		if key, err = p.Keys.SiloKey(silo); err != nil {
			return err
		}
	}
	rc := p.Registry
	rc.AllowEmpty, rc.Now = true, c.Now
	r, err := registry.Open(ctx, rc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return do(p, r, key)
}

// withIntake opens the registry for events to come in.
func (c *Command) withIntake(ctx context.Context, silo string, do func(*pipeline.Pipeline, *config.Config, *pipeline.Intake) error) (err error) {
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	if _, ok := cfg.Silos[silo]; !ok {
		return fmt.Errorf("%w: silo %q is not under silos", pipeline.ErrConfig, silo)
	}
	intake, err := p.OpenIntake(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intake.Close()) }()
	return do(p, cfg, intake)
}

// eachSilo runs a listing for one silo, or for all.
func (c *Command) eachSilo(ctx context.Context, silo string, list func(p *pipeline.Pipeline, r *registry.Registry, silo string) error) error {
	return c.withRegistry(ctx, silo, func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
		silos := []string{silo}
		if silo == "" {
			heads, err := r.Heads(ctx)
			if err != nil {
				return err
			}
			silos = nil
			for _, h := range heads {
				silos = append(silos, h.Silo)
			}
		}
		for _, name := range silos {
			if err := list(p, r, name); err != nil {
				return err
			}
		}
		return nil
	})
}
