// Package intake brings what people said into the registry: consents and withdrawals, their requests, and
// legal holds upon them. All of it passes the suppression list, which who says no to marketing is put on.
//
//   - Intake takes in files (Import), single events (Record), an application's own table (FromTable), requests
//     (OpenRequest) and holds (PlaceHold).
//   - Taken says what became of a delivery, or of the rows of a table.
//   - Feed reads the tables of all silos at the beginning of a night, and says which silo may not be relied on
//     because they could not be read.
//   - rowReader turns the rows of such a table into events, by the mapping of the policy.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/suppression"
)

// clockTolerance is by how much an event may be ahead of its recording (the registry trusts none that is
// more).
const clockTolerance = 5 * time.Minute

// Intake brings events into the registry: from files, one by one, and from the tables in which
// applications keep consents themselves. All of them pass the suppression list.
type Intake struct {
	setup    *setup.Setup
	registry *registry.Registry
	list     *suppression.List
	now      time.Time
	owned    bool // the registry was opened for it
}

// Open opens the registry to write, also an empty one.
func Open(ctx context.Context, p *setup.Setup) (*Intake, error) {
	config := p.Registry
	config.AllowEmpty, config.Now = true, p.Now
	r, err := registry.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	in, err := newIntake(ctx, p, r, config, p.Now())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	in.owned = true
	return in, nil
}

// newIntake takes consents into a registry that is open to write.
func newIntake(ctx context.Context, p *setup.Setup, r *registry.Registry, config registry.Config,
	now time.Time) (*Intake, error) {
	list, err := suppression.Open(ctx, p, config, now)
	return &Intake{setup: p, registry: r, list: list, now: now}, err
}

// Close closes what was opened.
func (in *Intake) Close() error {
	if in.owned {
		return errors.Join(in.list.Close(), in.registry.Close())
	}
	return in.list.Close()
}

// Sound makes sure that nothing is written behind a chain that does not hold: that of the silo, and that of the list of
// those who said no. Unless whole, of a silo in which the last night's head stands, only what came after it is
// recomputed: the night looks at the rest.
func (in *Intake) Sound(ctx context.Context, silo string, whole bool) error {
	seen := map[string]chain.Head{}
	if !whole && state.FileExists(filepath.Join(in.setup.State, "journal.db")) {
		var err error
		if seen, err = state.SeenHeads(ctx, in.setup); err != nil {
			return err
		}
	}
	heads, err := in.registry.Heads(ctx)
	if err != nil && !errors.Is(err, chain.ErrTampered) { // of which silo, below
		return err
	}
	for _, name := range []string{silo, in.setup.Suppression.Name} {
		since := seen[name]
		if !slices.ContainsFunc(heads, func(h chain.Head) bool { return h.Silo == name && h.Seq >= since.Seq }) {
			since = chain.Head{} // a new one, or an older copy, which takes in what came since
		}
		if err := in.registry.VerifySince(ctx, name, since); err != nil {
			return fmt.Errorf("%w; nothing was recorded", err)
		}
	}
	return nil
}

// Taken says what became of a delivery, or of the rows of a table.
type Taken struct {
	Silo   string
	Source string // who delivered; of a table the source
	Table  string // "" of a file
	delivery.Report

	Unproven   map[event.Reason]int       // consents recorded without evidence, by what they lack
	Reasons    map[event.RefusedError]int // the refused, by reason and column, or field of the table
	Suppressed int                        // identifiers that are new on the suppression list
}

// Words says what a reason of Taken means.
func (Taken) Words(r event.Reason) string {
	return notes.WordsOf(string(r))
}

// Plus adds up what became of two mappings of one table.
func (t Taken) Plus(o Taken) Taken {
	if t.Silo == "" {
		return o
	}
	t.Lines += o.Lines
	t.Events += o.Events
	t.Duplicates += o.Duplicates
	t.Refused += o.Refused
	t.Suppressed += o.Suppressed
	for reason, n := range o.Unproven {
		t.Unproven[reason] += n
	}
	for reason, n := range o.Reasons {
		t.Reasons[reason] += n
	}
	return t
}

// silo finds a silo of the policy, also the suppression list, which is no *policy.Compiled.
func (in *Intake) silo(name string) *policy.Silo {
	if name == in.setup.Suppression.Name {
		return &in.setup.Suppression
	}
	if i := slices.IndexFunc(in.setup.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == name }); i >= 0 {
		return &in.setup.Silos[i].Silo
	}
	return nil
}

// Import records a delivery in a silo. Purposes and keys are those of the policy, and so is the zone of a delivery
// that names none. What a
// delivery to the suppression list says is who: each line puts its identifiers on it. In other silos,
// a new consent to marketing by somebody on the list is refused, and who withdraws from marketing, or
// objects to it, is put on the list.
func (in *Intake) Import(ctx context.Context, silo string, d delivery.Import) (Taken, error) {
	s := in.silo(silo)
	if s == nil {
		return Taken{}, fmt.Errorf("%w: silo %q is not under silos", setup.ErrConfig, silo)
	}
	if event.Reserved(d.Source) {
		return Taken{}, fmt.Errorf("%w: --source %q: under this name Lethe records what it does itself, and what is "+
			"entered by hand: name who delivers", setup.ErrConfig, d.Source)
	}
	t := Taken{Silo: silo, Source: d.Source, Unproven: map[event.Reason]int{},
		Reasons: map[event.RefusedError]int{}}
	key, err := in.setup.Keys.SiloKey(silo)
	if err != nil {
		return t, err
	}
	d.Keys = key
	if d.Zone == nil {
		d.Zone = in.setup.Zone
	}
	d.Rejected = func(r delivery.Reject) {
		t.Reasons[event.RefusedError{Reason: r.Reason, Column: r.Column, Why: r.Why}]++
	}
	if s.Suppression {
		t.Report, err = in.list.Deliver(ctx, d, in.now)
		t.Suppressed = t.Events
		return t, err
	}
	for _, rule := range s.Rules {
		d.Purposes = append(d.Purposes, rule.Purpose)
	}
	d.Admit = func(e *event.Event) error {
		in.list.Bar(s, e)
		return link(s, key, e)
	}
	d.Recorded = func(e *event.Event) {
		in.list.Note(s, e)
		if (e.Type == event.Given || e.Type == event.Renewed) && e.Evidence == "" {
			t.Unproven[notes.ConsentStated]++
		}
		if in.ahead(e) {
			t.Unproven[notes.ConsentAhead]++
		}
	}
	t.Report, err = in.registry.Import(ctx, d)
	// The list is written at the end, so that an import that was cut off is resumed on the list that it
	// began with. What is recorded is listed also when the delivery fails.
	added, failed := in.list.Flush(context.WithoutCancel(ctx), d.DryRun)
	t.Suppressed = added
	return t, errors.Join(err, failed)
}

// ahead reports whether an event is said to lie in the future. A day alone may be its last moment: that of
// today does not.
func (in *Intake) ahead(e *event.Event) bool {
	at := e.OccurredAt
	if midnight := at.Add(time.Microsecond); e.Type.Closes() && midnight.Equal(midnight.Truncate(time.Minute)) {
		at = at.AddDate(0, 0, -1)
	}
	return at.After(in.now.Add(clockTolerance))
}

// link reads which row of a governed table an event is about: SOURCE.TABLE:KEY, where a key of
// several fields is a list of JSON. Nothing else of it is stored than the keyed reference by which a
// night finds the row's collection.
func link(s *policy.Silo, keys *keystore.SiloKey, e *event.Event) error {
	if e.Record == "" {
		return nil
	}
	refused := &event.RefusedError{Reason: event.BadRecord, Column: "record"}
	place, id, ok := strings.Cut(e.Record, ":")
	source, table, named := strings.Cut(place, ".")
	governed := slices.ContainsFunc(s.Records, func(r policy.Records) bool {
		return r.Source == source && r.Table == table
	})
	if !ok || !named || id == "" || !governed {
		return refused
	}
	parts := []string{id}
	if strings.HasPrefix(id, "[") && json.Unmarshal([]byte(id), &parts) != nil {
		return refused
	}
	values := make([][]byte, len(parts))
	for i, part := range parts {
		values[i] = []byte(part)
	}
	record := keys.Record(source, table, []byte(connectors.MakeKey(values...)))
	e.Link = event.Link{Record: record, System: source, Object: table}
	return nil
}

// Record records one event, and returns its position, 0 for one that was recorded before, and how many
// identifiers are new on the suppression list.
func (in *Intake) Record(ctx context.Context, silo string, e event.Event) (seq int64, listed int, err error) {
	s := in.silo(silo)
	switch {
	case s == nil:
		return 0, 0, fmt.Errorf("%w: silo %q is not under silos", setup.ErrConfig, silo)
	case s.Suppression:
		return 0, 0, fmt.Errorf("%w: %s is the suppression list: record the objection in the silo where it was "+
			"said, or import a list with `lethe consent import --silo %[2]s`", setup.ErrConfig, silo)
	case e.Purpose != "" && !slices.ContainsFunc(s.Rules, func(r policy.Rule) bool { return r.Purpose == e.Purpose }):
		// A withdrawal from it would end nothing.
		return 0, 0, fmt.Errorf("%w: silo %s has no rule for the purpose %q: `lethe policy explain %[2]s` shows "+
			"its purposes", setup.ErrConfig, silo, e.Purpose)
	}
	key, err := in.setup.Keys.SiloKey(silo)
	if err != nil {
		return 0, 0, err
	}
	in.list.Bar(s, &e)
	if seq, err = in.registry.Append(ctx, key, e); err != nil {
		return 0, 0, err
	}
	in.list.Note(s, &e)
	listed, err = in.list.Flush(context.WithoutCancel(ctx), false)
	return seq, listed, err
}
