package registry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"lethe/pipeline/policy"
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

// Standings loads a silo as it stands at asOf, at the chain's present head. purposes are the purposes of the silo's rules, each with the
// type of the event that ends it ("" for basis_ended). A silo that the registry does not know has no collections and head 0.
func (r *Registry) Standings(ctx context.Context, silo string, asOf time.Time, purposes map[string]EventType) (*Standings, error) {
	s := newStandings(silo, asOf, purposes)
	tx, err := r.begin(ctx, true)
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
	return s.loadEvents(func(do func(row) error) error { return tx.allFacts(ctx, silo.id, do) })
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
func (r *Registry) Refresh(ctx context.Context, s *Standings) ([]int32, error) {
	tx, err := r.begin(ctx, true)
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
		for raw := range slices.Chunk(row.ColumnRawBlob(0), len(Ref{})) {
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

const factQuery = `SELECT p.collection, e.seq, e.type, e.purpose, e.occurred_at, e.effective_from, e.effective_until, e.recorded_at,
	CASE WHEN e.notice <> '' THEN 1 ELSE 0 END, CASE WHEN p.evidence IS NULL THEN 0 ELSE 1 END, p.flags, p.details
	FROM event_payload p JOIN event e ON e.silo = p.silo AND e.seq = p.seq `

// ofCollection selects one collection's events in order; its arguments are the silo, twice, and the collection. SQLite, left to itself, would read the whole
// silo by its primary key.
const ofCollection = `WHERE p.silo = ? AND p.seq IN (SELECT seq FROM event_payload WHERE silo = ? AND collection = ?) ORDER BY p.seq`

// texts keeps one copy of each text of a column, and looks first whether it is the one of the row before.
type texts struct {
	last string
	all  map[string]string
}

func (t *texts) text(raw []byte) string {
	if string(raw) == t.last {
		return t.last
	}
	s, ok := t.all[string(raw)]
	if !ok {
		if t.all == nil {
			t.all = map[string]string{}
		}
		s = string(raw)
		t.all[s] = s
	}
	t.last = s
	return s
}

// factReader scans rows of factQuery.
type factReader struct {
	types, purposes texts
}

func (t *factReader) read(row row) (int64, fact, error) {
	flags := row.ColumnInt64(10)
	f := fact{seq: row.ColumnInt64(1), typ: EventType(t.types.text(row.ColumnRawText(2))), purpose: t.purposes.text(row.ColumnRawText(3)), occurred: row.ColumnInt64(4),
		from: row.ColumnInt64(5), until: row.ColumnInt64(6), recorded: row.ColumnInt64(7), notice: row.ColumnInt64(8) != 0, proof: row.ColumnInt64(9) != 0,
		minor: flags&flagMinor != 0, marketing: flags&flagMarketing != 0}
	var err error
	if f.details, err = decodeDetails(row.ColumnRawText(11)); err != nil {
		return 0, fact{}, fmt.Errorf("event %d: its details cannot be read: %w", f.seq, err)
	}
	return row.ColumnInt64(0), f, nil
}

// blockSize is the size of an arena block; an offset counts bytes over all blocks, and a standing never crosses from one to the next.
const blockSize = 1 << 24

// put stores the standing of a collection; collection 0 is the silo as a whole.
func (s *Standings) put(collection int64, standing *policy.Standing) error {
	if collection == 0 {
		s.whole = *standing
		s.whole.Purposes = slices.Clone(standing.Purposes)
		return nil
	}
	for int64(len(s.offsets)) < collection {
		s.offsets = append(s.offsets, 0)
	}
	last := len(s.blocks) - 1
	start := len(s.blocks[last])
	encoded := s.encode(s.blocks[last], standing)
	if len(encoded) > blockSize {
		if last++; last == 1<<8 {
			return errors.New("the silo is too large to hold its standings in memory (4 GiB)")
		}
		// start at 1, so that no offset is 0
		fresh := append(make([]byte, 0, blockSize), 0)
		encoded, start = append(fresh, encoded[start:]...), 1
		s.blocks = append(s.blocks, nil)
	}
	s.blocks[last] = encoded
	s.offsets[collection-1] = uint32(last*blockSize + start)
	return nil
}

const (
	bitMinor = 1 << iota
	bitParental
	bitHold
	bitRestricted
	bitAccess
	bitErasure
	bitAged
)

const (
	bitProven = 1 << iota
	bitFuture
	bitImpossible
	bitMarketing
	bitUntil
	bitObjected
	bitStarted
	bitEnded
)

// A purpose's first byte holds the state in its low half, above it the objection, and above that one more bit.
const (
	objectionShift  = 4
	bitParentalHere = 1 << 7
)

// bitSame stands beside the state's number, and says that the state began when the data were collected.
const bitSame = 1 << 3

// states gives each state of consent its stored number.
var states = []policy.ConsentState{policy.NoConsent, policy.Given, policy.Renewed, policy.Refused, policy.Withdrawn, policy.Expired, policy.Invalidated}

func bit(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// encode appends a standing. Instants have eight bytes: a number of variable length would have as many, and take five times as long to read.
func (s *Standings) encode(buf []byte, v *policy.Standing) []byte {
	put := func(t time.Time) { buf = binary.LittleEndian.AppendUint64(buf, uint64(micros(t))) }
	buf = append(buf, bit(v.Minor, bitMinor)|bit(v.Parental, bitParental)|bit(v.Hold, bitHold)|bit(v.Restricted, bitRestricted)|
		bit(v.PendingAccess, bitAccess)|bit(!v.Erasure.IsZero(), bitErasure)|bit(!v.Aged.IsZero(), bitAged))
	put(v.Collected)
	buf = binary.AppendUvarint(buf, uint64(v.FirstSeq))
	buf = binary.AppendUvarint(buf, uint64(v.LastSeq-v.FirstSeq))
	if !v.Erasure.IsZero() {
		put(v.Erasure)
	}
	if !v.Aged.IsZero() {
		put(v.Aged)
	}
	buf = binary.AppendUvarint(buf, uint64(len(v.Purposes)))
	for i := range v.Purposes {
		p := &v.Purposes[i]
		same := p.Since.Equal(v.Collected)
		buf = binary.AppendUvarint(buf, uint64(s.number(p.Purpose)))
		buf = append(buf, byte(slices.Index(states, p.State))|bit(same, bitSame)|byte(p.Objection)<<objectionShift|bit(p.Parental, bitParentalHere),
			bit(p.Proven, bitProven)|bit(p.Future, bitFuture)|bit(p.ImpossibleClock, bitImpossible)|bit(p.Marketing, bitMarketing)|
				bit(!p.Until.IsZero(), bitUntil)|bit(!p.ObjectedAt.IsZero(), bitObjected)|bit(!p.Started.IsZero(), bitStarted)|bit(!p.Ended.IsZero(), bitEnded))
		if !same {
			put(p.Since)
		}
		for _, t := range []time.Time{p.Until, p.ObjectedAt, p.Started, p.Ended} {
			if !t.IsZero() {
				put(t)
			}
		}
	}
	return buf
}

// number gives a purpose its number.
func (s *Standings) number(purpose string) int {
	n, ok := s.numbers[purpose]
	if !ok {
		n = len(s.names)
		s.names = append(s.names, purpose)
		s.numbers[purpose] = n
	}
	return n
}

// At decodes the standing of a collection into dst, reusing its Purposes, and returns false for a collection that has none. The
// collections of Lookup and Match have one.
func (s *Standings) At(collection int32, dst *policy.Standing) bool {
	buf := s.encoded(collection)
	if buf == nil {
		return false
	}
	d := decoder{buf}
	flags := d.byte()
	*dst = policy.Standing{Purposes: dst.Purposes[:0]} // a literal of all that follows would be made elsewhere, and copied
	dst.Minor, dst.Parental, dst.Restricted, dst.PendingAccess = flags&bitMinor != 0, flags&bitParental != 0, flags&bitRestricted != 0, flags&bitAccess != 0
	dst.Hold = flags&bitHold != 0 || s.whole.Hold
	dst.Collected = d.time()
	dst.FirstSeq = int64(d.uint())
	dst.LastSeq = max(dst.FirstSeq+int64(d.uint()), s.whole.LastSeq)
	if flags&bitErasure != 0 {
		dst.Erasure = d.time()
	}
	if flags&bitAged != 0 {
		dst.Aged = d.time()
	}
	n := int(d.uint())
	dst.Purposes = slices.Grow(dst.Purposes, n)[:n]
	for i := range dst.Purposes {
		p := &dst.Purposes[i]
		*p = policy.PurposeStanding{}
		p.Purpose = s.names[d.uint()]
		state, flags := d.byte(), d.byte()
		p.State, p.Objection, p.Parental = states[state&(bitSame-1)], policy.Objection(state&^bitParentalHere>>objectionShift), state&bitParentalHere != 0
		p.Proven, p.Future, p.ImpossibleClock, p.Marketing = flags&bitProven != 0, flags&bitFuture != 0, flags&bitImpossible != 0, flags&bitMarketing != 0
		p.Since = dst.Collected
		if state&bitSame == 0 {
			p.Since = d.time()
		}
		if flags&bitUntil != 0 {
			p.Until = d.time()
		}
		if flags&bitObjected != 0 {
			p.ObjectedAt = d.time()
		}
		if flags&bitStarted != 0 {
			p.Started = d.time()
		}
		if flags&bitEnded != 0 {
			p.Ended = d.time()
		}
	}
	return true
}

// encoded is the stored standing of a collection, nil for none.
func (s *Standings) encoded(collection int32) []byte {
	if collection < 1 || int(collection) > len(s.offsets) || s.offsets[collection-1] == 0 {
		return nil
	}
	at := s.offsets[collection-1]
	return s.blocks[at/blockSize][at%blockSize:]
}

// collected is the instant of collecting, without decoding the rest.
func (s *Standings) collected(collection int32) time.Time {
	buf := s.encoded(collection)
	if buf == nil {
		return time.Time{}
	}
	d := decoder{buf[1:]}
	return d.time()
}

// decoder reads what encode wrote.
type decoder struct {
	buf []byte
}

func (d *decoder) byte() byte {
	b := d.buf[0]
	d.buf = d.buf[1:]
	return b
}

func (d *decoder) uint() uint64 {
	if d.buf[0] < 0x80 {
		return uint64(d.byte())
	}
	v, n := binary.Uvarint(d.buf)
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) time() time.Time {
	v := binary.LittleEndian.Uint64(d.buf)
	d.buf = d.buf[8:]
	return instant(int64(v))
}

// warmed is how many look-ups Warm begins before it waits for the first.
const warmed = 64

// Warm finds references in the index, fetches from memory what Match and At need of them, and appends what it found to dst, for Row.Found. Ten million
// subjects are in no cache, and a look-up waits for memory four times; here the processor waits for those of many references at once: each loop only asks
// for what the next one compares, so that nothing it has to guess stands in between. Some hundreds of references at a time stay in its caches. What it
// found is good until Refresh.
func (s *Standings) Warm(refs []Ref, dst []Found) []Found {
	var touched byte
	for len(refs) > 0 {
		part := refs[:min(len(refs), warmed)]
		refs = refs[len(part):]
		var from [warmed]uint32
		for i := range part {
			from[i] = s.index.directory[s.index.bucket((*shortRef)(part[i][:16]))]
		}
		for _, first := range from[:len(part)] {
			if last := int(first) + 2; last < len(s.index.entries) { // a bucket may begin in one line of the cache and go on in the next
				touched ^= s.index.entries[first].ref[0] ^ s.index.entries[last].ref[0]
			}
		}
		for i := range part {
			found := s.index.seek(int(from[i]), (*shortRef)(part[i][:16]))
			dst, from[i] = append(dst, found), 0
			if found > 0 && int(found) <= len(s.offsets) {
				from[i] = uint32(found)
			}
		}
		for i, collection := range from[:len(part)] {
			if collection > 0 {
				from[i] = s.offsets[collection-1]
			}
		}
		for _, at := range from[:len(part)] {
			touched ^= s.blocks[at/blockSize][at%blockSize]
		}
	}
	runtime.KeepAlive(touched)
	return dst
}

// Lookup returns the collections that a reference leads to, sorted, nil for none.
func (s *Standings) Lookup(ref Ref) []int32 { return s.lookup(nil, &ref) }

// lookup is Lookup that appends to dst.
func (s *Standings) lookup(dst []int32, ref *Ref) []int32 {
	short := (*shortRef)(ref[:16])
	return s.lookupAt(dst, s.index.find(short), short)
}

// lookupAt is lookup of a reference of which this was found in the index.
func (s *Standings) lookupAt(dst []int32, found Found, ref *shortRef) []int32 {
	dst = s.index.collections(dst, found, ref)
	if len(s.added) == 0 {
		return dst
	}
	if extra, ok := s.added[*ref]; ok {
		dst = append(dst, extra...)
		slices.Sort(dst)
	}
	return dst
}

// index maps references to collections: sorted references with a directory by their first bits. A look-up costs two reads of memory that
// is in no cache.
type index struct {
	entries   []entry
	directory []uint32 // where the references of a bucket begin; one more than there are buckets
	shift     uint
}

type entry struct {
	ref        shortRef
	collection int32
}

func (x *index) grow(n int) { x.entries = make([]entry, 0, n) }

// add takes the next reference in order.
func (x *index) add(ref shortRef, collection int32) {
	x.entries = append(x.entries, entry{ref, collection})
}

// finish builds the directory: about two references a bucket.
func (x *index) finish() {
	width := max(bits.Len(uint(len(x.entries)/2)), 1)
	x.shift = 32 - uint(width)
	x.directory = make([]uint32, 1<<width+1)
	bucket := 0
	for i := range x.entries {
		for b := x.bucket(&x.entries[i].ref); bucket <= b; bucket++ {
			x.directory[bucket] = uint32(i)
		}
	}
	for ; bucket < len(x.directory); bucket++ {
		x.directory[bucket] = uint32(len(x.entries))
	}
}

func (x *index) bucket(ref *shortRef) int {
	return int(binary.BigEndian.Uint32(ref[:4]) >> x.shift)
}

// Found is what the index says of a reference: the collection that it leads to, 0 for none, and of several collections -1 less the place of the first.
type Found int32

// find looks a reference up.
func (x *index) find(ref *shortRef) Found { return x.seek(int(x.directory[x.bucket(ref)]), ref) }

// seek is find for a reference whose bucket begins at an entry.
func (x *index) seek(from int, ref *shortRef) Found {
	high, low := binary.BigEndian.Uint64(ref[:8]), binary.BigEndian.Uint64(ref[8:])
	for i := from; i < len(x.entries); i++ {
		e := &x.entries[i]
		if here := binary.BigEndian.Uint64(e.ref[:8]); here < high {
			continue
		} else if here > high {
			break
		}
		if here := binary.BigEndian.Uint64(e.ref[8:]); here < low {
			continue
		} else if here > low {
			break
		}
		if i+1 < len(x.entries) && x.entries[i+1].ref == e.ref {
			return Found(-1 - i)
		}
		return Found(e.collection)
	}
	return 0
}

// collections appends the collections of a reference to dst.
func (x *index) collections(dst []int32, found Found, ref *shortRef) []int32 {
	if found > 0 {
		return append(dst, int32(found))
	}
	if found == 0 {
		return dst
	}
	for i := int(-1 - found); i < len(x.entries) && x.entries[i].ref == *ref; i++ {
		dst = append(dst, x.entries[i].collection)
	}
	return dst
}
