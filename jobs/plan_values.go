package jobs

import (
	"context"

	"lethe/connectors"
	"lethe/pipeline/plan"
	"lethe/pipeline/plan/values"
	"lethe/pipeline/setup"
)

// lookedAt is how many rows are read from a source at a time.
const lookedAt = 500

// looking prints rows with what stands in them now.
type looking struct {
	rowPrinter
	*values.Look
	ctx     context.Context
	setup   *setup.Setup
	waiting []shownRow // of one table, whose values are read together
}

// look lets somebody sign that they look at the values of a plan's rows.
func (c *Command) look(ctx context.Context, p *setup.Setup, sealed *plan.Sealed, f rowFlags,
	printer rowPrinter) (*looking, error) {
	who, err := (&signerFlags{as: f.as, key: f.key}).load(ctx, c, p)
	if err != nil {
		return nil, err
	}
	l, err := values.Begin(ctx, p, sealed, who[0], f.table)
	if err != nil {
		return nil, err
	}
	return &looking{rowPrinter: printer, Look: l, ctx: ctx, setup: p}, nil
}

func (l *looking) row(s shownRow) error {
	if n := len(l.waiting); n > 0 && (n == lookedAt || l.waiting[0].source != s.source || l.waiting[0].table != s.table) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.waiting = append(l.waiting, s)
	return nil
}

func (l *looking) end() error {
	if err := l.flush(); err != nil {
		return err
	}
	return l.rowPrinter.end()
}

// flush reads and prints what waits; nobody who looks has nothing that waits.
func (l *looking) flush() error {
	if l == nil || len(l.waiting) == 0 {
		return nil
	}
	first := l.waiting[0]
	var keys []connectors.Key
	for _, s := range l.waiting {
		if l.Sees(s.Silo) {
			keys = append(keys, s.key)
		}
	}
	var now map[connectors.Key][]values.Value
	var err error
	if len(keys) > 0 {
		if now, err = l.Of(l.ctx, first.source, first.table, keys); err != nil {
			return err
		}
	}
	for _, s := range l.waiting {
		row, there := now[s.key]
		switch {
		case !l.Sees(s.Silo):
			s.Unshown = "its values are shown to an owner of " + s.Silo
		case !there:
			s.Unshown = "there is no such row now"
		}
		for _, v := range row {
			value := shownAs{Field: l.setup.Names.Of(v.Field), Value: &v.Text}
			if v.Null {
				value.Value = nil
			}
			s.Now = append(s.Now, value)
		}
		if err := l.rowPrinter.row(s); err != nil {
			return err
		}
	}
	l.waiting = l.waiting[:0]
	return nil
}
