// Package whole looks at a silo as a whole: whether its rows beside the chain are what its events say (a Whole), and
// seals and veils all of them anew. Upgrade does so with a registry of a version before, Reseal with one of which rows
// do not hold.
package whole

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// Config says where the registry is, and with which keys.
type Config struct {
	database.Config
	Keys    *keystore.Keystore
	Now     func() time.Time // nil: time.Now
	Shuffle delivery.Shuffle // nil: at random
}

// store opens what is in a database.
func (c Config) store(ctx context.Context, db *database.DB) (*chain.Store, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Shuffle == nil {
		c.Shuffle = rand.Shuffle
	}
	return chain.NewStore(ctx, db, c.ReadOnly, c.Keys, c.Now, c.Shuffle)
}

// Whole looks at the silos of a registry.
type Whole struct{ store *chain.Store }

// New is the Whole of a store.
func New(s *chain.Store) *Whole { return &Whole{s} }

// VerifyRows looks whether every row that stands beside a silo's chain is as it was written, and no others, and
// compares them with what the chain says of them: whose the identifiers are, which holds are in force and by whom,
// which requests are open and until when. keys are nil where the silo's key was destroyed: it has no identifiers
// then, and no seals that could be checked. The error is a *TamperedError.
func (r *Whole) VerifyRows(ctx context.Context, silo string, keys *keystore.SiloKey) error {
	tx, err := r.store.Begin(ctx, true)
	if err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	defer tx.End()
	s, err := r.store.FindSilo(ctx, tx.Handle, silo)
	if err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	if keys != nil && !s.Book.Sealed() {
		return s.Book.Broken("silo_key", "it says that the silo's key was destroyed, and the keystore has it")
	}
	if err := s.Book.Whole(ctx, tx); err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	return said(ctx, tx, s, keys)
}

// said compares the rows beside a silo's chain with what its events say of them.
func said(ctx context.Context, tx *database.Txn, s chain.Silo, keys *keystore.SiloKey) error {
	silo := s.Silo
	said := chainSays{silo: silo, keys: keys, requests: map[string]event.Details{}, holds: map[string]cases.Hold{},
		released: map[string]bool{}, closed: map[string]bool{}}
	if err := tx.Row(ctx, `SELECT COALESCE(MIN(key_version), 1) FROM silo_key
		WHERE silo = ?`, s.ID).Scan(&said.version); err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	err := s.Book.EachSaid(ctx, tx, said.read)
	if err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	var stored pairs
	err = s.Book.Each(ctx, tx, seal.Alias, func(row database.Row) error {
		stored.add(keystore.Ref(row.ColumnRawBlob(0)), row.ColumnInt64(1))
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
	}
	if stored != said.aliases {
		return &chain.TamperedError{Silo: silo, Seq: s.Seq, What: "the table subject_alias is not what the events " +
			"say: an identifier was removed, added or given to somebody else"}
	}
	var holds []cases.Hold
	var requests []cases.Request
	if err := cases.EachHold(ctx, tx, s.Book, func(h cases.Hold) error {
		holds = append(holds, h)
		return nil
	}); err != nil {
		return err
	}
	if err := cases.EachRequest(ctx, tx, s.Book, func(q cases.Request) error {
		requests = append(requests, q)
		return nil
	}); err != nil {
		return err
	}
	if what := said.differs(holds, requests); what != "" {
		return &chain.TamperedError{Silo: silo, Seq: s.Seq, What: what}
	}
	return nil
}

// VerifyCases looks whether a silo's keys, holds, requests, deliveries and marks of expiry are as they were written:
// what a night reads of a silo only here and there, and not by Standings, Flags or Tombstones.
func (r *Whole) VerifyCases(ctx context.Context, silo string) error {
	for _, t := range []seal.Table{seal.Key, seal.Hold, seal.Request, seal.Delivery, seal.Pass} {
		if err := r.store.Each(ctx, silo, t, func(database.Row) error { return nil }); err != nil {
			return fmt.Errorf("verify the rows of silo %q: %w", silo, err)
		}
	}
	return nil
}

// chainSays collects what a silo's events say of the rows beside them.
type chainSays struct {
	silo     string
	keys     *keystore.SiloKey
	version  int // of the key that the references of the event at hand were made with
	aliases  pairs
	requests map[string]event.Details // as the last event says
	closed   map[string]bool
	holds    map[string]cases.Hold
	released map[string]bool
}

func (said *chainSays) read(e seal.Said) error {
	d, err := event.DecodeDetails(e.Details)
	if err != nil {
		return &chain.TamperedError{Silo: said.silo, Seq: e.Seq, What: "its payload or its evidence was changed: it " +
			"cannot be read"}
	}
	for ref := range slices.Chunk(e.Refs, len(keystore.Ref{})) {
		if said.keys != nil && len(ref) == len(keystore.Ref{}) {
			said.aliases.add(said.keys.Carry(keystore.Ref(ref), false, said.version), e.Collection)
		}
	}
	switch typ := event.Type(e.Type); typ {
	case event.Rekeyed:
		said.version = d.Key
	case event.RequestOpened, event.RequestPaused, event.RequestResumed, event.RequestExtended:
		said.requests[d.Request] = d
	case event.RequestClosed:
		said.closed[d.Request] = true
	case event.HoldPlaced, event.HoldApproved, event.HoldReleased:
		if d.Hold == "" { // of an application, which has no row
			break
		}
		h := said.holds[d.Hold]
		switch typ {
		case event.HoldPlaced:
			h.PlacedBy = d.By
		case event.HoldApproved:
			h.ApprovedBy = d.By
		default:
			h.ReleasedBy, said.released[d.Hold] = d.By, true
		}
		said.holds[d.Hold] = h
	}
	return nil
}

// differs says which hold or request is not as the events say; "" none. What was purged from the chain,
// only rows that are over say.
func (said *chainSays) differs(holds []cases.Hold, requests []cases.Request) string {
	for _, h := range holds {
		is, known := said.holds[h.ID]
		over := !h.ReleasedAt.IsZero()
		by := h.ReleasedBy
		if h.ReleaseApprovedBy != "" {
			by += ";" + h.ReleaseApprovedBy
		}
		if !known && over {
			continue
		}
		if over != said.released[h.ID] ||
			is != (cases.Hold{PlacedBy: h.PlacedBy, ApprovedBy: h.ApprovedBy, ReleasedBy: by}) {
			return fmt.Sprintf("the row of hold %s is not what the events say", h.ID)
		}
		delete(said.holds, h.ID)
	}
	for _, q := range requests {
		is, known := said.requests[q.ID]
		over := !q.Closed.IsZero()
		if !known && over {
			continue
		}
		if over != said.closed[q.ID] || q.Kind != is.Kind || event.Micros(q.Deadline()) != is.Due {
			return fmt.Sprintf("the row of request %s is not what the events say", q.ID)
		}
		delete(said.requests, q.ID)
	}
	for _, gone := range slices.Sorted(maps.Keys(said.holds)) {
		return fmt.Sprintf("the row of hold %s is gone", gone)
	}
	for _, gone := range slices.Sorted(maps.Keys(said.requests)) {
		return fmt.Sprintf("the row of request %s is gone", gone)
	}
	return ""
}

// pairs is a digest of references with their collections that does not depend on their order: the sum of
// the digests of each.
type pairs struct {
	n   int64
	sum [4]uint64
}

func (p *pairs) add(ref keystore.Ref, collection int64) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(ref[:len(ref):len(ref)], uint64(collection)))
	p.n++
	for i := range p.sum {
		p.sum[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
}
