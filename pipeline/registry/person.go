package registry

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// PersonCollection is one collection of a person: its standing, and its events by when they take effect.
type PersonCollection struct {
	Number   int32
	Standing policy.Standing
	Events   []PastEvent
}

// PastEvent is an event as it is shown to people.
type PastEvent struct {
	Seq        int64     `json:"seq"`
	Type       EventType `json:"type"`
	Purpose    string    `json:"purpose,omitempty"`
	OccurredAt time.Time `json:"occurred_at"`
	From       time.Time `json:"effective_from"`
	Until      time.Time `json:"effective_until,omitzero"`
	RecordedAt time.Time `json:"recorded_at"`
	Notice     string    `json:"notice,omitempty"`
	Method     string    `json:"method,omitempty"`
	Source     string    `json:"source"`
	Proof      bool      `json:"proof"` // evidence is on file
	Marketing  bool      `json:"marketing,omitempty"`
	Name       string    `json:"name,omitempty"`       // of the hold or the request that it is about
	By         string    `json:"by,omitempty"`         // who placed, approved or released the hold
	Impossible bool      `json:"impossible,omitempty"` // it was recorded before it is said to have happened, so it is not relied on
}

// Person returns what a silo knows of somebody at an instant, read for this person alone; nil if it knows nobody by this identifier.
// purposes are as for Standings. A *RefusedError says that the identifier is none.
func (r *Registry) Person(ctx context.Context, keys *keystore.SiloKey, who Subject, country string, asOf time.Time,
	purposes map[string]EventType) ([]PersonCollection, error) {
	var list []PersonCollection
	err := r.ofPerson(ctx, keys, who, country, func(tx *txn, silo siloRow, collections []int64) error {
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

// CollectionsOf are the collections that a person's identifier leads to in the silo of the key, in order; none where the silo does not know
// the person. country is that of phone numbers without a prefix.
func (r *Registry) CollectionsOf(ctx context.Context, keys *keystore.SiloKey, who Subject, country string) ([]int32, error) {
	list := []int32{}
	err := r.ofPerson(ctx, keys, who, country, func(_ *txn, _ siloRow, collections []int64) error {
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

// Receipts makes a record of each collection in which a person consented to something, refused or withdrew, for that person. who is the
// identifier under which the person asks; it stands in the record as it is given, and nothing else of the person does. Call it only for
// somebody whose identity was verified. A *RefusedError says that the identifier is none, ErrRefused that the silo knows no consent of it.
func (r *Registry) Receipts(ctx context.Context, keys *keystore.SiloKey, who Subject, country string, terms ReceiptTerms) ([]Receipt, error) {
	var list []Receipt
	err := r.ofPerson(ctx, keys, who, country, func(tx *txn, silo siloRow, collections []int64) error {
		for _, collection := range collections {
			id := keys.Fixed("receipt", strconv.AppendInt(nil, collection, 10))
			receipt := terms.receipt(hex.EncodeToString(id[:16]), who.Value)
			err := tx.each(ctx, receiptQuery, func(row row) error {
				terms.event(&receipt, row)
				return nil
			}, silo.id, silo.id, collection)
			if err != nil {
				return err
			}
			if len(receipt.Events) > 0 {
				terms.finish(&receipt)
				list = append(list, receipt)
			}
		}
		if len(list) == 0 {
			return fmt.Errorf("%w: the silo knows no consent under this identifier", ErrRefused)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make receipt from silo %q: %w", keys.Silo(), err)
	}
	return list, nil
}

// receiptQuery selects what a receipt says of the events of one collection; its arguments are the silo, twice, and the collection.
const receiptQuery = `SELECT e.type, e.purpose, e.occurred_at, e.effective_from, e.effective_until, e.notice, e.method, e.source
	FROM event_payload p JOIN event e ON e.silo = p.silo AND e.seq = p.seq
	WHERE p.silo = ? AND p.seq IN (SELECT seq FROM event_payload WHERE silo = ? AND collection = ?) ORDER BY e.effective_from, e.seq`

// ofPerson calls do with the collections that a person's identifier leads to, in order, and the snapshot in which it does.
func (r *Registry) ofPerson(ctx context.Context, keys *keystore.SiloKey, who Subject, country string,
	do func(tx *txn, silo siloRow, collections []int64) error) error {
	return r.snapshot(ctx, keys.Silo(), func(tx *txn, silo siloRow) error {
		value, ok := Normalise(who.Kind, []byte(who.Value), country, nil)
		if !ok {
			return refuse(BadIdentifier, who.Kind)
		}
		var collections []int64
		ref := keys.Match(who.Kind, value)
		err := tx.scanned(ctx, `SELECT collection FROM subject_alias WHERE silo = ? AND alias_ref = ? ORDER BY collection`, func(row row) error {
			collections = append(collections, row.ColumnInt64(0))
			return nil
		}, silo.id, ref[:])
		if err != nil {
			return err
		}
		return do(tx, silo, collections)
	})
}

// snapshot calls do with a silo as it stands.
func (r *Registry) snapshot(ctx context.Context, name string, do func(*txn, siloRow) error) error {
	tx, err := r.store.begin(ctx, true)
	if err != nil {
		return err
	}
	defer tx.end()
	silo, err := siloOf(ctx, tx.handle, name)
	if err != nil {
		return err
	}
	return do(tx, silo)
}

// History lists the events of one collection of a silo, by when they take effect, and after them those of holds on the whole silo.
func (r *Registry) History(ctx context.Context, silo string, collection int32, asOf time.Time, purposes map[string]EventType) ([]PastEvent, error) {
	var list []PastEvent
	err := r.snapshot(ctx, silo, func(tx *txn, row siloRow) error {
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
			if e.Type == HoldPlaced || e.Type == HoldApproved || e.Type == HoldReleased {
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

// personQuery is factQuery with what is only shown.
var personQuery = strings.Replace(factQuery, "FROM event_payload p", ", e.notice, e.method, e.source FROM event_payload p", 1)

func personCollection(ctx context.Context, tx *txn, silo siloRow, collection int64, asOf time.Time, purposes map[string]EventType) (PersonCollection, error) {
	p := PersonCollection{Number: int32(collection)}
	var reader factReader
	var facts []fact
	err := tx.each(ctx, personQuery+strings.Replace(ofCollection, "ORDER BY p.seq", "ORDER BY e.effective_from, p.seq", 1), func(row row) error {
		_, f, err := reader.read(row)
		if err != nil {
			return err
		}
		facts = append(facts, f)
		p.Events = append(p.Events, PastEvent{Seq: f.seq, Type: f.typ, Purpose: f.purpose, OccurredAt: instant(f.occurred), From: instant(f.from), Until: instant(f.until),
			RecordedAt: instant(f.recorded), Notice: string(row.ColumnRawText(12)), Method: string(row.ColumnRawText(13)), Source: string(row.ColumnRawText(14)),
			Proof: f.proof, Marketing: f.marketing, Name: cmp.Or(f.details.Hold, f.details.Request), By: f.details.By, Impossible: f.impossible()})
		return nil
	}, silo.id, silo.id, collection)
	if err != nil {
		return p, err
	}
	stateAt(facts, asOf, purposes, &p.Standing)
	return p, nil
}
