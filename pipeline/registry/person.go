package registry

import (
	"cmp"
	"context"
	"fmt"
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

// Person returns what a silo knows of somebody at an instant, read for this person alone; nil if it knows nobody by this identifier. purposes are as for
// Standings. A *RefusedError says that the identifier is none.
func (r *Registry) Person(ctx context.Context, keys *keystore.SiloKey, who Subject, country string, asOf time.Time, purposes map[string]EventType) ([]PersonCollection, error) {
	list, err := r.person(ctx, keys, who, country, asOf, purposes)
	if err != nil {
		return nil, fmt.Errorf("look somebody up in silo %q: %w", keys.Silo(), err)
	}
	return list, nil
}

func (r *Registry) person(ctx context.Context, keys *keystore.SiloKey, who Subject, country string, asOf time.Time, purposes map[string]EventType) ([]PersonCollection, error) {
	tx, err := r.begin(ctx, true)
	if err != nil {
		return nil, err
	}
	defer tx.end()
	silo, err := siloOf(ctx, tx.handle, keys.Silo())
	if err != nil {
		return nil, err
	}
	collections, err := tx.collectionsOf(ctx, silo, keys, who, country)
	if err != nil || len(collections) == 0 {
		return nil, err
	}
	whole, err := personCollection(ctx, tx, silo, 0, asOf, purposes)
	if err != nil {
		return nil, err
	}
	var list []PersonCollection
	for _, collection := range collections {
		p, err := personCollection(ctx, tx, silo, collection, asOf, purposes)
		if err != nil {
			return nil, err
		}
		if len(p.Events) > 0 {
			p.Standing.Hold = p.Standing.Hold || whole.Standing.Hold
			list = append(list, p)
		}
	}
	return list, nil
}

// History lists the events of one collection of a silo, by when they take effect, and after them those of holds on the whole silo.
func (r *Registry) History(ctx context.Context, silo string, collection int32, asOf time.Time, purposes map[string]EventType) ([]PastEvent, error) {
	tx, err := r.begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("read the history of a collection of silo %q: %w", silo, err)
	}
	defer tx.end()
	s, err := siloOf(ctx, tx.handle, silo)
	if err != nil {
		return nil, fmt.Errorf("read the history of a collection of silo %q: %w", silo, err)
	}
	p, err := personCollection(ctx, tx, s, int64(collection), asOf, purposes)
	if err != nil {
		return nil, fmt.Errorf("read the history of a collection of silo %q: %w", silo, err)
	}
	whole, err := personCollection(ctx, tx, s, 0, asOf, purposes)
	if err != nil {
		return nil, fmt.Errorf("read the history of a collection of silo %q: %w", silo, err)
	}
	for _, e := range whole.Events {
		if e.Type == HoldPlaced || e.Type == HoldApproved || e.Type == HoldReleased {
			p.Events = append(p.Events, e)
		}
	}
	return p.Events, nil
}

// collectionsOf finds the collections that a reference leads to, sorted.
func collectionsOf(ctx context.Context, tx *txn, silo siloRow, ref Ref) ([]int64, error) {
	var collections []int64
	err := tx.scanned(ctx, `SELECT collection FROM subject_alias WHERE silo = ? AND alias_ref = ? ORDER BY collection`, func(row row) error {
		collections = append(collections, row.ColumnInt64(0))
		return nil
	}, silo.id, ref[:])
	return collections, err
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
