package chain

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/seal"
)

// NewOwn makes an event of Lethe's own ready to be appended to a collection. It comes from no personal
// data, so it needs no key to be recognised; the silo's name keeps two silos apart.
func (w *Writer) NewOwn(e event.Event, collection int64) *Pending {
	e.Source = event.Own
	p := &Pending{Event: e, collections: []int64{collection}}
	sum := sha256.Sum256(fmt.Appendf(nil, "own|%s|%s|%s|%d|%d|%v|%s", w.Silo.Silo, p.Type, p.Purpose, collection,
		event.Micros(p.EffectiveFrom), p.Details, p.Source))
	copy(p.idem[:], sum[:16])
	copy(p.content[:], sum[16:])
	return p
}

// Concerned lists the collections of the events of one type whose details fit; [0] for the whole silo.
func (w *Writer) Concerned(ctx context.Context, typ event.Type, fits func(event.Details) bool) ([]int32, error) {
	var list []int32
	err := w.Facts(ctx, typ, func(f *seal.Fact, d event.Details) {
		if fits(d) {
			list = append(list, int32(f.Collection))
		}
	})
	return list, err
}

// Facts calls do with the events of one type, in order.
func (w *Writer) Facts(ctx context.Context, typ event.Type, do func(*seal.Fact, event.Details)) error {
	check := w.Silo.Book.Check(seal.Payload)
	return w.Tx.Scanned(ctx, tables.FactQuery+`WHERE e.silo = ? AND e.type = ? ORDER BY e.seq`,
		func(row database.Row) error {
			f, tag := check.FactOf(row)
			if err := check.Fact(&f, tag); err != nil {
				return err
			}
			d, err := event.DecodeDetails(f.Details)
			if err == nil {
				do(&f, d)
			}
			return err
		}, w.Silo.ID, string(typ))
}

// Own appends an event of Lethe's own to each of the collections, to the whole silo (collection 0) when
// there are none, and stores the head.
func (w *Writer) Own(ctx context.Context, typ event.Type, at time.Time, d event.Details, collections []int32) error {
	return w.OwnEvent(ctx, event.Event{Type: typ, OccurredAt: at, EffectiveFrom: at, Details: d}, collections)
}

// OwnEvent is Own for an event that says more.
func (w *Writer) OwnEvent(ctx context.Context, e event.Event, collections []int32) error {
	if len(collections) == 0 {
		collections = []int32{0}
	}
	batch := make([]*Pending, 0, len(collections))
	for _, collection := range collections {
		if collection < 0 || int64(collection) > w.Silo.collections {
			return fmt.Errorf("%w: the silo has no such collection", event.ErrRefused)
		}
		batch = append(batch, w.NewOwn(e, int64(collection)))
	}
	if err := w.Append(ctx, batch); err != nil {
		return err
	}
	return w.Finish(ctx, false)
}
