// Package standings is what the registry says: the Standings of a silo at an instant, folded from a Fact
// for each event and held so small that ten million people fit into memory. A Row of a source is matched to
// its collection: the answer is a Match, what the index says of a reference is Found.
package standings

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// Standings is what the registry says of every collection of one silo at one instant and one position of
// the chain, held compactly: about 25 bytes for each reference and 30 for each collection with one purpose.
// It is read by many goroutines; Refresh needs it alone.
type Standings struct {
	silo     string
	asOf     time.Time
	head     int64
	purposes map[string]event.Type

	names   []string // purposes by number
	numbers map[string]int
	index   index
	added   map[shortRef][]int32 // aliases that came with Refresh
	offsets []uint32             // by collection - 1: where its standing begins, 0 for none
	blocks  [][]byte
	whole   policy.Standing // of the silo as a whole: holds
	linked  bool
	former  bool // references of the version of canonical forms before may be among them
	room    *numbered.Room
}

// shortRef is as much of a reference as memory holds: 128 bits of a keyed hash do not collide.
type shortRef [16]byte

// Load loads a silo as it stands at asOf, at the chain's present head. purposes are the purposes of the
// silo's rules, each with the type of the event that ends it ("" for basis_ended). A silo that the registry
// does not know has no collections and head 0. The standings lie in a room, and are there as long as it is.
func Load(ctx context.Context, db *chain.Store, silo string, asOf time.Time,
	purposes map[string]event.Type, in *numbered.Room) (*Standings, error) {
	tx, err := db.Begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("load standings of silo %q: %w", silo, err)
	}
	defer tx.End()
	row, err := db.FindSilo(ctx, tx.Handle, silo)
	if errors.Is(err, chain.ErrUnknownSilo) {
		s := empty(silo, asOf, purposes)
		s.index.finish(in)
		return s, nil
	}
	var s *Standings
	if err == nil {
		s, err = LoadIn(ctx, tx, row, asOf, purposes, in)
	}
	if err != nil {
		return nil, fmt.Errorf("load standings of silo %q: %w", silo, err)
	}
	return s, nil
}

func empty(silo string, asOf time.Time, purposes map[string]event.Type) *Standings {
	return &Standings{silo: silo, asOf: asOf, purposes: purposes, numbers: map[string]int{}, blocks: [][]byte{{0}}}
}

// LoadIn is Load within a transaction.
func LoadIn(ctx context.Context, tx *database.Txn, silo chain.Silo, asOf time.Time,
	purposes map[string]event.Type, in *numbered.Room) (*Standings, error) {
	if silo.Keyless != nil {
		return nil, silo.Keyless
	}
	s := empty(silo.Silo, asOf, purposes)
	s.head, s.former, s.room = silo.Seq, silo.Former, in
	if err := s.loadIndex(ctx, tx, silo); err != nil {
		return nil, err
	}
	check := silo.Book.Check(seal.Payload)
	if err := s.loadEvents(check, nil, func(do func(database.Row) error) error {
		return tables.AllFacts(ctx, tx, silo.ID, do)
	}); err != nil {
		return nil, err
	}
	return s, check.End()
}

// Head is the position of the chain at which the standings were loaded or refreshed.
func (s *Standings) Head() int64 { return s.head }

// AsOf is the instant of the standings.
func (s *Standings) AsOf() time.Time { return s.asOf }

// Linked reports whether rows are tied to collections by record links, so that Match is to be told which
// row it is asked about.
func (s *Standings) Linked() bool { return s.linked }

// Len is the number of collections.
func (s *Standings) Len() int { return len(s.offsets) }

// Refresh brings the standings to the chain's present head and returns the collections that were touched,
// none when nothing moved. The instant stays. Nobody else may use s meanwhile.
func (s *Standings) Refresh(ctx context.Context, db *chain.Store) ([]int32, error) {
	tx, err := db.Begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("refresh standings of silo %q: %w", s.silo, err)
	}
	defer tx.End()
	row, err := db.FindSilo(ctx, tx.Handle, s.silo)
	if errors.Is(err, chain.ErrUnknownSilo) {
		return nil, nil
	}
	var touched []int32
	if err == nil {
		touched, err = s.RefreshIn(ctx, tx, row)
	}
	if err != nil {
		return nil, fmt.Errorf("refresh standings of silo %q: %w", s.silo, err)
	}
	return touched, nil
}

// RefreshIn is Refresh within a transaction, which sees the silo's head where silo says.
func (s *Standings) RefreshIn(ctx context.Context, tx *database.Txn, silo chain.Silo) ([]int32, error) {
	if silo.Seq == s.head {
		return nil, nil
	}
	touched, err := s.refresh(ctx, tx, silo)
	if err == nil {
		s.head = silo.Seq
	}
	return touched, err
}

func (s *Standings) refresh(ctx context.Context, tx *database.Txn, silo chain.Silo) ([]int32, error) {
	var purges int
	if err := tx.Row(ctx, `SELECT COUNT(*) FROM event WHERE silo = ? AND seq > ? AND type = ?`, silo.ID, s.head,
		string(event.PayloadPurged)).Scan(&purges); err != nil {
		return nil, err
	}
	if purges > 0 || silo.Seq-s.head > manyNew+int64(len(s.offsets))/8 {
		return s.reload(ctx, tx, silo)
	}
	check, fresh := silo.Book.Check(seal.Payload), int64(0)
	said := map[int32][][]byte{} // the references that the new events made known, by collection
	const newer = tables.SaidQuery + `WHERE p.silo = ? AND p.seq > ? ORDER BY p.seq`
	if err := tx.Each(ctx, newer, func(row database.Row) error {
		e := check.SaidOf(row)
		if row.ColumnInt64(3) != tables.Block(e.Collection) {
			return &seal.TamperedError{Silo: s.silo, Seq: e.Seq, What: "it, or its payload, is not as it was written"}
		}
		said[int32(e.Collection)] = slices.AppendSeq(said[int32(e.Collection)],
			slices.Chunk(bytes.Clone(e.Refs), len(keystore.Ref{})))
		return nil
	}, silo.ID, s.head); err != nil {
		return nil, err
	}
	touched := slices.Sorted(maps.Keys(said))
	blocks := map[int64]bool{}
	for _, collection := range touched {
		if block := tables.Block(int64(collection)); !blocks[block] {
			blocks[block] = true
			err := s.loadEvents(check, said, func(do func(database.Row) error) error {
				return tx.Each(ctx, tables.FactQuery+tables.OfBlock, func(row database.Row) error {
					if row.ColumnInt64(1) > s.head {
						fresh++
					}
					return do(row)
				}, silo.ID, silo.ID, block)
			})
			if err != nil {
				return nil, err
			}
		}
		if err := s.loadAliases(ctx, tx, silo, collection, said[collection]); err != nil {
			return nil, err
		}
	}
	if fresh != silo.Seq-s.head {
		return nil, silo.Book.Broken("event_payload", "some of the newest events are gone")
	}
	return touched, nil
}

// manyCollections is from how many on a block is as large at first as it may become.
const manyCollections = 1 << 16

// manyNew is after how many new events, and an eighth of the collections, everything is loaded anew: it is quicker
// than to look each collection up.
const manyNew = 1000

// reload loads everything anew, because what was purged leaves no trace of whose it was, or because much is new;
// every collection counts as touched.
func (s *Standings) reload(ctx context.Context, tx *database.Txn, row chain.Silo) ([]int32, error) {
	fresh, err := LoadIn(ctx, tx, row, s.asOf, s.purposes, s.room)
	if err != nil {
		return nil, err
	}
	*s = *fresh
	touched := make([]int32, len(s.offsets))
	for i := range touched {
		touched[i] = int32(i + 1)
	}
	return touched, nil
}

// loadAliases takes up the references that one collection's events brought since the standings were loaded.
func (s *Standings) loadAliases(ctx context.Context, tx *database.Txn, silo chain.Silo, collection int32,
	said [][]byte) error {
	check := silo.Book.Check(seal.Alias)
	return tx.LookUp(ctx, silo.ID, `SELECT alias_ref, collection, seal FROM subject_alias WHERE silo = ?
		AND alias_ref `, said, func(row database.Row) error {
		known, of, err := check.Pair(row)
		if err != nil {
			return err
		}
		ref := shortRef(known)
		if of != int64(collection) ||
			slices.Contains(s.lookupAt(nil, s.index.find(&ref), &ref), collection) {
			return nil
		}
		if s.added == nil {
			s.added = map[shortRef][]int32{}
		}
		s.added[ref] = append(s.added[ref], collection)
		return nil
	})
}

// loadIndex reads the references of aliases and linked records, in order.
func (s *Standings) loadIndex(ctx context.Context, tx *database.Txn, silo chain.Silo) error {
	var links, collections int
	if err := tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM record_link WHERE silo = ?), (SELECT collections FROM silo
		WHERE silo = ?)`, silo.ID, silo.ID).Scan(&links, &collections); err != nil {
		return err
	}
	s.offsets = numbered.Slice[uint32](s.room, collections)
	if collections > manyCollections { // a block that grew would be there twice
		s.blocks[0] = append(numbered.Slice[byte](s.room, blockSize)[:0], 0)
	}
	s.index.grow(s.room, silo.Book.Rows(seal.Alias)+links)
	aliases, records := silo.Book.Check(seal.Alias), silo.Book.Check(seal.Link)
	all, args := `SELECT alias_ref, collection, seal, 0 FROM subject_alias WHERE silo = ?`, []int64{silo.ID}
	if s.linked = links > 0; s.linked {
		all += ` UNION ALL SELECT record_ref, collection, seal, 1 FROM record_link WHERE silo = ?`
		args = append(args, silo.ID)
	}
	err := tx.Each(ctx, all+` ORDER BY 1`, func(row database.Row) error {
		check := aliases
		if s.linked && row.ColumnInt64(3) == 1 {
			check = records
		}
		ref, collection, err := check.Pair(row)
		if err != nil {
			return err
		}
		s.index.add(shortRef(ref), int32(collection))
		return nil
	}, args...)
	s.index.order()
	s.index.finish(s.room)
	return cmp.Or(err, aliases.End(), records.End())
}

// loadEvents folds events that come block by block, as rows of tables.FactQuery; only those of the collections of only,
// where it is not nil.
func (s *Standings) loadEvents(check *seal.Check, only map[int32][][]byte,
	each func(func(database.Row) error) error) error {
	reader := FactReader{Check: check}
	var block tables.Gathered[Fact]
	var standing policy.Standing
	flush := func() error {
		return block.Each(func(collection int64, facts []Fact) error {
			if _, wanted := only[int32(collection)]; only != nil && !wanted {
				return nil
			}
			StateAt(facts, s.asOf, s.purposes, &standing)
			return s.put(collection, &standing)
		})
	}
	err := each(func(row database.Row) error {
		collection, f, err := reader.Read(row)
		if err != nil {
			return err
		}
		if !block.Take(collection, f) {
			if err := flush(); err != nil {
				return err
			}
			block.Take(collection, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// Advance moves the instant of the standings forward for the collections that Refresh takes up from now on;
// the others stay as they stood. It is no way back.
func (s *Standings) Advance(at time.Time) {
	if at.After(s.asOf) {
		s.asOf = at
	}
}
