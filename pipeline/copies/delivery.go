package copies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
)

// recall reads how the copy stood when it was last delivered.
func (k *keeping) recall(ctx context.Context) error {
	n := k.Keeper
	for silo := range k.judges {
		k.lines[silo] = &audit.ConsentSync{Target: k.Target, Silo: silo, Source: k.store.Name, Object: k.of.Name,
			HeadSeq: n.Silos.Silos[silo].Standings.Head()}
		k.found[silo], k.wanted[silo] = &holding{}, &holding{}
		k.was[silo] = registry.Delivery{Target: k.Target, Object: k.object()}
		deliveries, err := n.Silos.Registry.Deliveries(ctx, silo)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		for _, d := range deliveries {
			if d.Target == k.Target && d.Object == k.object() {
				k.was[silo], k.clean[silo] = d, d.Attempts == 0 && d.Error == "" && !d.AckedAt.IsZero()
			}
		}
		k.lines[silo].AckedSeq = k.was[silo].AckedSeq
	}
	return nil
}

// deliver compares and writes. Before the first change the registry holds that a delivery began.
func (k *keeping) deliver(ctx context.Context) error {
	n := k.Keeper
	if err := k.keyed(); err != nil {
		return err
	}
	if err := k.begin(ctx); err != nil {
		return err
	}
	n.Setup.Crash("copy_begun")
	if err := newComparison(k).run(ctx); err != nil {
		return err
	}
	for _, line := range k.lines {
		k.drift(line)
	}
	n.Setup.Crash("copy_written")
	return nil
}

// acknowledge records that the copy holds what it should: every change of it was committed.
func (k *keeping) acknowledge(ctx context.Context) error {
	n := k.Keeper
	if !n.Tonight.Apply {
		return nil
	}
	for silo, line := range k.lines {
		want := k.wanted[silo]
		d := registry.Delivery{Target: k.Target, Object: k.object(), SentSeq: line.HeadSeq, AckedSeq: line.HeadSeq,
			Rows: want.rows, Digest: want.digest, SentAt: n.Tonight.AsOf, AckedAt: n.Tonight.AsOf}
		if err := n.Silos.Registry.PutDelivery(ctx, silo, d); err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		k.was[silo], line.AckedSeq, line.Attempts = d, d.AckedSeq, 0
	}
	n.Setup.Crash("copy_acknowledged")
	return nil
}

// close records why a delivery failed, if it did, and puts the copy into the report.
func (k *keeping) close(ctx context.Context, failure error) error {
	n := k.Keeper
	for _, silo := range slices.Sorted(maps.Keys(k.lines)) {
		if n.Tonight.Apply && failure != nil {
			d := k.was[silo]
			d.Error = syncCode(failure)
			if err := n.Silos.Registry.PutDelivery(context.WithoutCancel(ctx), silo, d); err != nil {
				return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
			}
		}
		k.report(silo, failure)
	}
	if failure == nil || k.store.Err != nil { // what the source itself failed at is said already
		return nil
	}
	if errors.Is(failure, connectors.ErrRefused) {
		n.Notes.Find(audit.Finding{Kind: "F_SYNC_FOREIGN", Severity: "high", Source: k.store.Name, Object: k.name(),
			Article: "Art. 5(1)(b)",
			Words: fmt.Sprintf("What stands under the name of the copy for %s, or of one of its views, is not "+
				"Lethe's and was left alone: whoever reads it may see more than was agreed to. Look at it, and "+
				"remove it.", k.Target)})
	}
	n.Notes.Problem(fmt.Errorf("%w: copy of %s for %s: %w", setup.ErrSource, k.object(), k.Target, failure))
	n.Setup.Log.Error("copy failed", "run_id", n.Tonight.RunID,
		"target", k.Target, "source", k.Source, "table", k.of.Name, "error", failure)
	return nil
}

// syncCode names in a word why a delivery failed; "" where it did not.
func syncCode(err error) string {
	if err == nil {
		return ""
	}
	for _, c := range []struct {
		err  error
		code string
	}{
		{connectors.ErrUnreachable, "E_UNREACHABLE"},
		{connectors.ErrDenied, "E_DENIED"},
		{connectors.ErrTransient, "E_TRANSIENT"},
		{connectors.ErrRefused, "E_REFUSED"},
		{connectors.ErrSchemaChanged, "E_SCHEMA_CHANGED"},
		{errors.ErrUnsupported, "E_UNSUPPORTED"},
		{context.Canceled, "E_CANCELLED"},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return "E_FAILED"
}
