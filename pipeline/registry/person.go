package registry

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/receipt"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
)

// PersonCollection is one collection of a person: its standing, and its events by when they take effect.
type PersonCollection struct {
	Number   int32
	Standing policy.Standing
	Events   []PastEvent
}

// PastEvent is an event as it is shown to people.
type PastEvent struct {
	Type       event.Type `json:"type"`
	Purpose    string     `json:"purpose,omitempty"`
	OccurredAt time.Time  `json:"occurred_at"`
	From       time.Time  `json:"effective_from"`
	Until      time.Time  `json:"effective_until,omitzero"`
	RecordedAt time.Time  `json:"recorded_at"`
	Notice     string     `json:"notice,omitempty"`
	Method     string     `json:"method,omitempty"`
	Source     string     `json:"source"`
	Proof      bool       `json:"proof"` // evidence is on file
	Marketing  bool       `json:"marketing,omitempty"`
	Name       string     `json:"name,omitempty"` // of the hold or the request that it is about
	By         string     `json:"by,omitempty"`   // who placed, approved or released the hold
	// it was recorded before it is said to have happened, so it is not relied on, or counts from then
	Impossible       bool `json:"impossible,omitempty"`
	CountsAsRecorded bool `json:"counts_as_recorded,omitempty"`
}

// Person returns what a silo knows of somebody at an instant, read for this person alone; nil if it knows
// nobody by this identifier. purposes are as for Standings. A *RefusedError says that the identifier is
// none.
func (r *Registry) Person(ctx context.Context, keys *keystore.SiloKey, who event.Subject, country string,
	asOf time.Time,
	purposes map[string]event.Type) ([]PersonCollection, error) {
	var list []PersonCollection
	err := r.ofPerson(ctx, keys, who, country, func(tx *database.Txn, silo chain.Silo, collections []int64) error {
		if len(collections) == 0 {
			return nil
		}
		whole, err := personCollection(ctx, tx, silo, 0, asOf, purposes)
		if err != nil {
			return err
		}
		for _, collection := range collections {
			p, err := personCollection(ctx, tx, silo, collection, asOf, purposes)
			if err != nil {
				return err
			}
			if len(p.Events) > 0 {
				p.Standing.Hold = p.Standing.Hold || whole.Standing.Hold
				list = append(list, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look somebody up in silo %q: %w", keys.Silo(), err)
	}
	return list, nil
}

// CollectionsOf are the collections that a person's identifier leads to in the silo of the key, in order;
// none where the silo does not know the person. country is that of phone numbers without a prefix.
func (r *Registry) CollectionsOf(ctx context.Context, keys *keystore.SiloKey, who event.Subject,
	country string) ([]int32, error) {
	list := []int32{}
	err := r.ofPerson(ctx, keys, who, country, func(_ *database.Txn, _ chain.Silo, collections []int64) error {
		for _, c := range collections {
			list = append(list, int32(c))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for a person in silo %q: %w", keys.Silo(), err)
	}
	return list, nil
}

// Receipts makes a record of each collection in which a person consented to something, refused or withdrew,
// for that person. who is the identifier under which the person asks; it stands in the record as it is
// given, and nothing else of the person does. Call it only for somebody whose identity was verified. A
// *RefusedError says that the identifier is none, ErrRefused that the silo knows no consent of it.
func (r *Registry) Receipts(ctx context.Context, keys *keystore.SiloKey, who event.Subject, country string,
	terms receipt.Terms) ([]receipt.Receipt, error) {
	var list []receipt.Receipt
	err := r.ofPerson(ctx, keys, who, country, func(tx *database.Txn, silo chain.Silo, collections []int64) error {
		for _, collection := range collections {
			id := keys.Fixed("receipt", strconv.AppendInt(nil, collection, 10))
			r := terms.Begin(hex.EncodeToString(id[:16]), who.Value)
			events, _, err := pastEvents(ctx, tx, silo, collection)
			if err != nil {
				return err
			}
			for i := range events {
				e := &events[i]
				terms.Take(&r, receipt.Past{Type: e.Type, Purpose: e.Purpose, Occurred: e.OccurredAt,
					From: e.From, Until: e.Until, Notice: e.Notice, Method: e.Method})
			}
			if len(r.Events) > 0 {
				terms.Finish(&r)
				list = append(list, r)
			}
		}
		if len(list) == 0 {
			return fmt.Errorf("%w: the silo knows no consent under this identifier", event.ErrRefused)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make receipt from silo %q: %w", keys.Silo(), err)
	}
	return list, nil
}

// ofPerson calls do with the collections that a person's identifier leads to, in order, and the snapshot in
// which it does.
func (r *Registry) ofPerson(ctx context.Context, keys *keystore.SiloKey, who event.Subject, country string,
	do func(tx *database.Txn, silo chain.Silo, collections []int64) error) error {
	return r.snapshot(ctx, keys.Silo(), func(tx *database.Txn, silo chain.Silo) error {
		value, err := who.Normal(country, nil)
		if err != nil {
			return err
		}
		ref := keys.Match(who.Kind, value)
		was := ref
		if r.store.Former() {
			if former, ok := identifier.Former(who.Kind, []byte(who.Value), country, value); ok {
				was = keys.Match(who.Kind, former)
			}
		}
		var collections []int64
		check := silo.Book.Check(seal.Alias)
		err = tx.Scanned(ctx, `SELECT alias_ref, collection, seal FROM subject_alias WHERE silo = ?
			AND alias_ref IN (?, ?)`, func(row database.Row) error {
			row, err := check.Row(row)
			if err == nil {
				collections = append(collections, row.ColumnInt64(1))
			}
			return err
		}, silo.ID, ref[:], was[:])
		if err != nil {
			return err
		}
		slices.Sort(collections)
		return do(tx, silo, slices.Compact(collections))
	})
}

// snapshot calls do with a silo as it stands.
func (r *Registry) snapshot(ctx context.Context, name string, do func(*database.Txn, chain.Silo) error) error {
	tx, err := r.store.Begin(ctx, true)
	if err != nil {
		return err
	}
	defer tx.End()
	silo, err := r.store.FindSilo(ctx, tx.Handle, name)
	if err == nil {
		err = silo.Keyless
	}
	if err != nil {
		return err
	}
	return do(tx, silo)
}

// History lists the events of one collection of a silo, by when they take effect, and after them those of
// holds on the whole silo.
func (r *Registry) History(ctx context.Context, silo string, collection int32, asOf time.Time,
	purposes map[string]event.Type) ([]PastEvent, error) {
	var list []PastEvent
	err := r.snapshot(ctx, silo, func(tx *database.Txn, row chain.Silo) error {
		p, err := personCollection(ctx, tx, row, int64(collection), asOf, purposes)
		if err != nil {
			return err
		}
		whole, err := personCollection(ctx, tx, row, 0, asOf, purposes)
		if err != nil {
			return err
		}
		list = p.Events
		for _, e := range whole.Events {
			if e.Type == event.HoldPlaced || e.Type == event.HoldApproved || e.Type == event.HoldReleased {
				list = append(list, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of a collection of silo %q: %w", silo, err)
	}
	return list, nil
}

// personQuery is tables.FactQuery with what is only shown.
var personQuery = strings.Replace(tables.FactQuery, "FROM event_payload p", ", e.notice, e.method, e.source FROM "+
	"event_payload p", 1)

func personCollection(ctx context.Context, tx *database.Txn, silo chain.Silo, collection int64, asOf time.Time,
	purposes map[string]event.Type) (PersonCollection, error) {
	events, facts, err := pastEvents(ctx, tx, silo, collection)
	p := PersonCollection{Number: int32(collection), Events: events}
	if err == nil {
		standings.StateAt(facts, asOf, purposes, &p.Standing)
	}
	return p, err
}

// pastEvents are the events of one collection by when they take effect, and what its state is made of.
func pastEvents(ctx context.Context, tx *database.Txn, silo chain.Silo, collection int64) (events []PastEvent,
	facts []standings.Fact, err error) {
	reader := standings.FactReader{Check: silo.Book.Check(seal.Payload)}
	err = tx.Each(ctx, personQuery+tables.OfBlock, func(row database.Row) error {
		of, f, err := reader.Read(row)
		if err != nil || of != collection {
			return err
		}
		facts = append(facts, f)
		events = append(events, PastEvent{Type: f.Type, Purpose: f.Purpose,
			OccurredAt: event.Instant(f.Occurred), From: event.Instant(f.From), Until: event.Instant(f.Until),
			RecordedAt: event.Instant(f.Recorded), Notice: string(row.ColumnRawText(14)),
			Method: string(row.ColumnRawText(15)), Source: string(row.ColumnRawText(16)),
			Proof: f.Proof, Marketing: f.Marketing, Name: cmp.Or(f.Details.Hold, f.Details.Request), By: f.Details.By,
			Impossible: f.Impossible(), CountsAsRecorded: f.CountsAsRecorded()})
		return nil
	}, silo.ID, silo.ID, tables.Block(collection))
	slices.SortStableFunc(events, func(a, b PastEvent) int { return a.From.Compare(b.From) })
	return events, facts, err
}
