package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// Standings is what the registry says of every collection of one silo at one instant and one position of the chain, held compactly: about
// 25 bytes for each reference and 30 for each collection with one purpose. It is read by many goroutines; Refresh needs it alone.
type Standings struct {
	silo     string
	asOf     time.Time
	head     int64
	purposes map[string]EventType

	names   []string // purposes by number
	numbers map[string]int
	index   index
	added   map[shortRef][]int32 // aliases that came with Refresh
	offsets []uint32             // by collection - 1: where its standing begins, 0 for none
	blocks  [][]byte
	whole   policy.Standing // of the silo as a whole: holds
	linked  bool
}

// shortRef is as much of a reference as memory holds: 128 bits of a keyed hash do not collide.
type shortRef [16]byte

// Load loads a silo as it stands at asOf, at the chain's present head. purposes are the purposes of the silo's rules, each with the
// type of the event that ends it ("" for basis_ended). A silo that the registry does not know has no collections and head 0.
func Load(ctx context.Context, db *DB, silo string, asOf time.Time, purposes map[string]EventType) (*Standings, error) {
	s := newStandings(silo, asOf, purposes)
	tx, err := db.begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("load standings of silo %q: %w", silo, err)
	}
	defer tx.end()
	row, err := siloOf(ctx, tx.handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		s.index.finish()
		return s, nil
	}
	if err == nil {
		err = s.load(ctx, tx, row)
	}
	if err != nil {
		return nil, fmt.Errorf("load standings of silo %q: %w", silo, err)
	}
	return s, nil
}

func newStandings(silo string, asOf time.Time, purposes map[string]EventType) *Standings {
	return &Standings{silo: silo, asOf: asOf, purposes: purposes, numbers: map[string]int{}, blocks: [][]byte{{0}}}
}

func (s *Standings) load(ctx context.Context, tx *txn, silo siloRow) error {
	s.head = silo.Seq
	if err := s.loadIndex(ctx, tx, silo.id); err != nil {
		return err
	}
	return s.loadEvents(func(do func(row) error) error { return allFacts(ctx, tx, silo.id, do) })
}

// Head is the position of the chain at which the standings were loaded or refreshed.
func (s *Standings) Head() int64 { return s.head }

// AsOf is the instant of the standings.
func (s *Standings) AsOf() time.Time { return s.asOf }

// Linked reports whether rows are tied to collections by record links, so that Match is to be told which row it is asked about.
func (s *Standings) Linked() bool { return s.linked }

// Len is the number of collections.
func (s *Standings) Len() int { return len(s.offsets) }

// Refresh brings the standings to the chain's present head and returns the collections that were touched, none when nothing moved. The
// instant stays. Nobody else may use s meanwhile.
func (s *Standings) Refresh(ctx context.Context, db *DB) ([]int32, error) {
	tx, err := db.begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("refresh standings of silo %q: %w", s.silo, err)
	}
	defer tx.end()
	row, err := siloOf(ctx, tx.handle, s.silo)
	if errors.Is(err, ErrUnknownSilo) || err == nil && row.Seq == s.head {
		return nil, nil
	}
	var touched []int32
	if err == nil {
		touched, err = s.refresh(ctx, tx, row)
	}
	if err != nil {
		return nil, fmt.Errorf("refresh standings of silo %q: %w", s.silo, err)
	}
	s.head = row.Seq
	return touched, nil
}

func (s *Standings) refresh(ctx context.Context, tx *txn, silo siloRow) ([]int32, error) {
	var purges int
	if err := tx.row(ctx, `SELECT COUNT(*) FROM event WHERE silo = ? AND seq > ? AND type = ?`, silo.id, s.head, string(PayloadPurged)).Scan(&purges); err != nil {
		return nil, err
	}
	if purges > 0 {
		return s.reload(ctx, tx, silo)
	}
	rows, err := tx.query(ctx, `SELECT DISTINCT collection FROM event_payload WHERE silo = ? AND seq > ? ORDER BY collection`, silo.id, s.head)
	if err != nil {
		return nil, err
	}
	var touched []int32
	for rows.Next() {
		var collection int32
		if err := rows.Scan(&collection); err != nil {
			rows.Close()
			return nil, err
		}
		touched = append(touched, collection)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, collection := range touched {
		err := s.loadEvents(func(do func(row) error) error {
			return tx.each(ctx, factQuery+ofCollection, do, silo.id, silo.id, int64(collection))
		})
		if err != nil {
			return nil, err
		}
		if err := s.loadAliases(ctx, tx, silo.id, collection); err != nil {
			return nil, err
		}
	}
	return touched, nil
}

// reload loads everything anew, because what was purged leaves no trace of whose it was; every collection counts as touched.
func (s *Standings) reload(ctx context.Context, tx *txn, row siloRow) ([]int32, error) {
	fresh := newStandings(s.silo, s.asOf, s.purposes)
	if err := fresh.load(ctx, tx, row); err != nil {
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
func (s *Standings) loadAliases(ctx context.Context, tx *txn, silo int64, collection int32) error {
	return tx.each(ctx, `SELECT refs FROM event_payload WHERE silo = ? AND collection = ? AND seq > ? AND refs IS NOT NULL`, func(row row) error {
		for raw := range slices.Chunk(row.ColumnRawBlob(0), len(keystore.Ref{})) {
			ref := shortRef(raw)
			if slices.Contains(s.lookupAt(nil, s.index.find(&ref), &ref), collection) {
				continue
			}
			if s.added == nil {
				s.added = map[shortRef][]int32{}
			}
			s.added[ref] = append(s.added[ref], collection)
		}
		return nil
	}, silo, int64(collection), s.head)
}

// loadIndex reads the references of aliases and linked records, in order.
func (s *Standings) loadIndex(ctx context.Context, tx *txn, silo int64) error {
	var n, links, collections int
	if err := tx.row(ctx, `SELECT (SELECT COUNT(*) FROM subject_alias WHERE silo = ?), (SELECT COUNT(*) FROM record_link WHERE silo = ?),
		(SELECT collections FROM silo WHERE silo = ?)`, silo, silo, silo).Scan(&n, &links, &collections); err != nil {
		return err
	}
	n, s.linked = n+links, links > 0
	s.offsets = make([]uint32, collections)
	s.index.grow(n)
	err := tx.each(ctx, `SELECT alias_ref, collection FROM subject_alias WHERE silo = ?
		UNION ALL SELECT record_ref, collection FROM record_link WHERE silo = ? ORDER BY 1, 2`, func(row row) error {
		s.index.add(shortRef(row.ColumnRawBlob(0)), int32(row.ColumnInt64(1)))
		return nil
	}, silo, silo)
	s.index.finish()
	return err
}

// loadEvents folds events that come collection by collection, as rows of factQuery.
func (s *Standings) loadEvents(each func(func(row) error) error) error {
	var reader factReader
	var facts []fact
	var standing policy.Standing
	current := int64(-1)
	flush := func() error {
		if len(facts) == 0 {
			return nil
		}
		stateAt(facts, s.asOf, s.purposes, &standing)
		facts = facts[:0]
		return s.put(current, &standing)
	}
	err := each(func(row row) error {
		collection, f, err := reader.read(row)
		if err != nil {
			return err
		}
		if collection != current {
			if err := flush(); err != nil {
				return err
			}
			current = collection
		}
		facts = append(facts, f)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// Advance moves the instant of the standings forward for the collections that Refresh takes up from now on; the others stay as they stood. It is no way back.
func (s *Standings) Advance(at time.Time) {
	if at.After(s.asOf) {
		s.asOf = at
	}
}
