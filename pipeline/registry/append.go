package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/registry/keystore"
)

// identifier is a subject's identifier as reference: that of the silo's key in use, and that of its first version, which recognises deliveries.
type identifier struct {
	kind       string
	ref, first keystore.Ref
}

func newIdentifier(keys *keystore.SiloKey, kind string, normalised []byte) identifier {
	first := keys.First(kind, normalised)
	return identifier{kind, keys.Carry(first, false, 1), first}
}

// pending is an event ready to be appended, and afterwards its outcome.
type pending struct {
	Event
	line        int
	identifiers []identifier
	collections []int64 // where it goes, when that is known beforehand
	idem        [16]byte
	content     [16]byte

	seq       int64 // outcome: the position of its (last) event
	duplicate bool
	refused   error
}

// again takes an event back to before it was appended.
func (p *pending) again() {
	p.collections, p.seq, p.duplicate, p.refused = nil, 0, false, nil
}

// prepare turns identifiers into references and computes what recognises a repeated delivery.
func (p *pending) prepare(keys *keystore.SiloKey, scratch *[]byte) error {
	p.identifiers = p.identifiers[:0]
	for _, s := range p.Subjects {
		value, ok := Normalise(s.Kind, []byte(s.Value), p.Country, (*scratch)[:0])
		*scratch = value
		if !ok {
			return refuse(BadIdentifier, s.Kind)
		}
		p.identifiers = append(p.identifiers, newIdentifier(keys, s.Kind, value))
	}
	if p.Collection != "" {
		p.identifiers = append(p.identifiers, newIdentifier(keys, kindCollection, collectionID(p.Collection)))
	}
	if len(p.identifiers) == 0 {
		return refuse(NoIdentifier, "")
	}
	*scratch = p.Event.content(*scratch)
	for _, id := range p.identifiers {
		*scratch = append(append(append(*scratch, id.kind...), '='), id.first[:]...)
	}
	content := keys.Dedup(p.Source, *scratch)
	idem := content
	if p.ID != "" {
		*scratch = append(append((*scratch)[:0], "id|"...), p.ID...)
		idem = keys.Dedup(p.Source, *scratch)
	}
	copy(p.content[:], content[:])
	copy(p.idem[:], idem[:])
	return nil
}

// CollectionRef is the reference of a source's collection id, to be given to Standings.Match for rows that carry one.
func CollectionRef(keys *keystore.SiloKey, id string) keystore.Ref {
	return keys.Match(kindCollection, collectionID(id))
}

func collectionID(id string) []byte { return []byte(strings.TrimSpace(id)) }

// Append records one event and returns its position. It is idempotent like Import: an event delivered twice is recorded once and returns
// position 0. A *RefusedError says why an event cannot be recorded.
func (l *Log) Append(ctx context.Context, keys *keystore.SiloKey, e Event) (int64, error) {
	if e.Source == "" {
		e.Source = ownSource
	}
	p := &pending{Event: e}
	if err := p.check(nil); err != nil {
		return 0, fmt.Errorf("record event in silo %q: %w", keys.Silo(), err)
	}
	scratch := make([]byte, 0, 512)
	if err := p.prepare(keys, &scratch); err != nil {
		return 0, fmt.Errorf("record event in silo %q: %w", keys.Silo(), err)
	}
	err := l.store.write(ctx, fmt.Sprintf("record event in silo %q", keys.Silo()), func(tx *txn) error {
		w, err := l.store.writer(ctx, tx, keys.Silo())
		if err == nil {
			err = w.under(keys)
		}
		if err != nil {
			return err
		}
		if err := w.append(ctx, []*pending{p}); err != nil {
			return err
		}
		if p.refused != nil {
			return p.refused
		}
		return w.finish(ctx, true)
	})
	return p.seq, err
}

// writer appends to the chain of one silo inside one transaction.
type writer struct {
	tx          *txn
	silo        siloRow
	version     int // of the silo's key that is in use
	collections int64
	now         int64 // recorded_at of what is written
	buf         []byte
	salts       []byte
	arena       []byte // blobs of rows that are not written
	inserts     []*bulk
	unasked     bool // append writes events without asking whether they were recorded before, and fails with ErrRecorded if one was
}

// The tables a writer fills, in the order in which foreign keys allow it.
const (
	intoAlias = iota
	intoEvent
	intoPayload
	intoLink
)

const linkColumns, linkKey = `silo, record_ref, collection, "system", object, linked_at`, "silo, record_ref, collection"

// writer opens the silo's chain for appending; a silo that is new gets its row.
func (s *Store) writer(ctx context.Context, tx *txn, silo string) (*writer, error) {
	row, err := siloOf(ctx, tx.handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		first := genesis(silo)
		if _, err := tx.exec(ctx, `INSERT INTO silo (name, head_seq, head_hash, collections, recorded_at, heard_at) VALUES (?, 0, ?, 0, 0, 0)`, silo, first[:]); err != nil {
			return nil, err
		}
		row, err = siloOf(ctx, tx.handle, silo)
	}
	if err != nil {
		return nil, err
	}
	w := &writer{tx: tx, silo: row, now: s.now().UnixMicro(), buf: make([]byte, 0, 1024)}
	if err := tx.row(ctx, `SELECT collections FROM silo WHERE silo = ?`, row.id).Scan(&w.collections); err != nil {
		return nil, err
	}
	if err := w.keyed(ctx, cmp.Or(s.keys[silo], 1)); err != nil {
		return nil, err
	}
	w.inserts = []*bulk{
		intoAlias: newBulk(tx, "subject_alias", "silo, alias_ref, collection, kind, key_version"),
		intoEvent: newBulk(tx, "event", "silo, seq, type, purpose, purpose_version, basis, occurred_at, zone, effective_from, effective_until,"+
			"recorded_at, method, source, idem, notice, commitment, hash"),
		intoPayload: newBulk(tx, "event_payload", "silo, seq, collection, flags, details, refs, content, salt, evidence, evidence_salt"),
		intoLink:    newBulk(tx, "record_link", linkColumns),
	}
	w.inserts[intoLink].clash = tx.ignoring(linkKey)
	return w, nil
}

// append resolves and writes a batch. Outcomes stand in the items; an error means that nothing of the transaction may be kept.
func (w *writer) append(ctx context.Context, batch []*pending) error {
	aliases, err := knownAliases(ctx, w.tx, w.silo, batch)
	if err != nil {
		return err
	}
	return w.appendKnowing(ctx, batch, aliases)
}

// appendKnowing is append with what knownAliases found, to which it adds.
func (w *writer) appendKnowing(ctx context.Context, batch []*pending, aliases map[keystore.Ref][]int64) error {
	known := make(map[[16]byte][16]byte, len(batch))
	if !w.unasked {
		if err := w.knownEvents(ctx, batch, known); err != nil {
			return err
		}
	}
	out := beside(ctx)
	if err := w.make(batch, known, aliases, out); err != nil {
		return cmp.Or(out.wait(), err)
	}
	w.inserts[intoAlias].sortBy(1)
	out.take(w.inserts[intoAlias])
	return out.wait()
}

// make makes the rows of a batch and hands them over to be written; aliases stay, to be written in their order.
func (w *writer) make(batch []*pending, known map[[16]byte][16]byte, aliases map[keystore.Ref][]int64, out *output) error {
	for _, p := range batch {
		if content, ok := known[p.idem]; ok {
			p.duplicate = content == p.content || content == [16]byte{}
			if !p.duplicate {
				p.refused = refuse(DuplicateDiffers, "id")
			} else if found, err := w.find(p, aliases); err == nil {
				w.link(p, found)
			}
			continue
		}
		if p.Barred != "" {
			p.refused = refuse(p.Barred, "")
		} else {
			p.refused = w.resolve(p, aliases)
		}
		if p.refused != nil {
			if w.unasked {
				return ErrRecorded
			}
			continue
		}
		w.link(p, p.collections)
		known[p.idem] = p.content
		for i, collection := range p.collections {
			idem := p.idem
			if i > 0 { // the same act in a further collection of the person
				idem = furtherIdem(p.idem, collection)
			}
			if err := w.event(p, collection, idem, aliases); err != nil {
				return err
			}
			if w.inserts[intoEvent].rows() == flushRows {
				w.handOver(out)
			}
		}
	}
	w.handOver(out)
	return nil
}

func (w *writer) handOver(out *output) {
	for into, insert := range w.inserts {
		if into != intoAlias {
			out.take(insert)
		}
	}
}

func furtherIdem(idem [16]byte, collection int64) [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "further|%x|%d", idem, collection))
	return [16]byte(sum[:16])
}

// resolve finds the collections an event belongs to: the one the source names, else the one its identifiers lead to, else a new one. An
// event that gives nothing reaches every collection of its person in the silo; a grant needs one certain collection. New identifiers become
// aliases.
func (w *writer) resolve(p *pending, aliases map[keystore.Ref][]int64) error {
	if len(p.collections) > 0 {
		return nil
	}
	found, err := w.find(p, aliases)
	if err != nil {
		return err
	}
	if p.collections = found; len(found) == 0 {
		w.collections++
		p.collections = []int64{w.collections}
	}
	return nil
}

// find returns the collections that are known for an event.
func (w *writer) find(p *pending, aliases map[keystore.Ref][]int64) (found []int64, err error) {
	for i := len(p.identifiers) - 1; i >= 0; i-- { // the collection id is the last and decides alone
		id := p.identifiers[i]
		here := aliases[id.ref]
		if id.kind == kindCollection {
			found = here
			break
		}
		if p.Collection != "" || len(here) == 0 {
			continue
		}
		if found != nil && !slices.Equal(found, here) {
			return nil, refuse(IdentityConflict, "")
		}
		found = here
	}
	if len(found) > 1 && p.Type.kind().grants {
		return nil, refuse(IdentityConflict, "collection")
	}
	return found, nil
}

// link ties the row that an event names to its collection, where that is certain.
func (w *writer) link(p *pending, collections []int64) {
	if p.Link.Record == (keystore.Ref{}) || len(collections) != 1 {
		return
	}
	w.inserts[intoLink].add(number(w.silo.id), w.keep(p.Link.Record[:]), number(collections[0]), text(p.Link.System), text(p.Link.Object), number(w.now))
}

// learn makes those identifiers of an event aliases of its collection that are not yet, and returns their references.
func (w *writer) learn(p *pending, collection int64, aliases map[keystore.Ref][]int64) []byte {
	w.room(len(p.identifiers) * len(keystore.Ref{}))
	from := len(w.arena)
	for i := range p.identifiers {
		id := &p.identifiers[i]
		here := aliases[id.ref]
		at, has := slices.BinarySearch(here, collection)
		if has {
			continue
		}
		aliases[id.ref] = slices.Concat(here[:at], []int64{collection}, here[at:]) // events of the batch may hold the slice
		w.inserts[intoAlias].add(number(w.silo.id), w.keep(id.ref[:]), number(collection), text(id.kind), number(int64(w.version)))
	}
	return w.arena[from:len(w.arena):len(w.arena)]
}

// event writes one event and moves the head.
func (w *writer) event(p *pending, collection int64, idem [16]byte, aliases map[keystore.Ref][]int64) error {
	h := header{seq: w.silo.Seq + 1, typ: string(p.Type), purpose: p.Purpose, version: p.PurposeVersion, basis: p.Basis, zone: p.Zone,
		method: p.Method, source: p.Source, notice: p.Notice, occurred: micros(p.OccurredAt), from: micros(p.EffectiveFrom),
		until: micros(p.EffectiveUntil), recorded: w.now, idem: idem}
	body := payload{collection: collection, flags: p.flags(), details: p.details.encode(), content: p.content, refs: w.learn(p, collection, aliases)}
	var err error
	if body.salt, err = w.salt(); err != nil {
		return err
	}
	var refs, evidence, evidenceSalt cell
	if len(body.refs) > 0 {
		refs = blob(body.refs)
	}
	if p.Evidence != "" {
		salt, err := w.salt()
		if err != nil {
			return err
		}
		w.buf = append(append(w.buf[:0], salt[:]...), p.Evidence...)
		body.evidence = sha256.Sum256(w.buf)
		evidence, evidenceSalt = w.keep(body.evidence[:]), w.keep(salt[:])
	}
	h.commitment, w.buf = body.commit(w.buf)
	w.silo.Hash, w.buf = h.hash(w.silo.Silo, w.silo.Hash, w.buf)
	w.silo.Seq = h.seq
	p.seq = h.seq
	w.inserts[intoEvent].add(number(w.silo.id), number(h.seq), text(h.typ), text(h.purpose), text(h.version), text(h.basis), number(h.occurred), text(h.zone),
		number(h.from), number(h.until), number(h.recorded), text(h.method), text(h.source), w.keep(idem[:]), text(h.notice), w.keep(h.commitment[:]), w.keep(w.silo.Hash[:]))
	w.inserts[intoPayload].add(number(w.silo.id), number(h.seq), number(collection), number(body.flags), text(body.details), refs, w.keep(p.content[:]), w.keep(body.salt[:]),
		evidence, evidenceSalt)
	return nil
}

// keep copies a blob to where it stays until the flush.
func (w *writer) keep(b []byte) cell {
	w.room(len(b))
	at := len(w.arena)
	w.arena = append(w.arena, b...)
	return blob(w.arena[at:len(w.arena):len(w.arena)])
}

// room makes room for so many bytes in one piece of the arena.
func (w *writer) room(n int) {
	if cap(w.arena)-len(w.arena) < n {
		w.arena = make([]byte, 0, max(n, 1<<20))
	}
}

// salt is 16 random bytes; they are drawn in larger portions.
func (w *writer) salt() ([16]byte, error) {
	if len(w.salts) < 16 {
		w.salts = make([]byte, 16*1024)
		if _, err := rand.Read(w.salts); err != nil {
			return [16]byte{}, err
		}
	}
	salt := [16]byte(w.salts)
	w.salts = w.salts[16:]
	return salt, nil
}

// finish stores the new head. heard is true when a source delivered.
func (w *writer) finish(ctx context.Context, heard bool) error {
	if heard {
		w.silo.HeardAt = instant(w.now)
	}
	// recorded_at comes first, because MySQL assigns from left to right.
	_, err := w.tx.exec(ctx, `UPDATE silo SET recorded_at = CASE WHEN head_seq = ? THEN recorded_at ELSE ? END, head_seq = ?, head_hash = ?,
		collections = ?, heard_at = ? WHERE silo = ?`,
		w.silo.Seq, w.now, w.silo.Seq, w.silo.Hash[:], w.collections, micros(w.silo.HeardAt), w.silo.id)
	return err
}

// knownEvents finds which of the batch were recorded before, with their content (zero when the payload is purged).
func (w *writer) knownEvents(ctx context.Context, batch []*pending, known map[[16]byte][16]byte) error {
	keys := make([][]byte, len(batch))
	for i, p := range batch {
		keys[i] = p.idem[:]
	}
	return w.tx.lookUp(ctx, w.silo.id, `SELECT e.idem, p.content FROM event e LEFT JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
		WHERE e.silo = ? AND e.idem `, keys, func(row row) error {
		var k, v [16]byte
		copy(k[:], row.ColumnRawBlob(0))
		copy(v[:], row.ColumnRawBlob(1))
		known[k] = v
		return nil
	})
}

// knownAliases finds the collections that the batch's identifiers lead to, sorted.
func knownAliases(ctx context.Context, tx *txn, silo siloRow, batch []*pending) (map[keystore.Ref][]int64, error) {
	aliases := make(map[keystore.Ref][]int64, len(batch))
	var keys [][]byte
	for _, p := range batch {
		for i := range p.identifiers {
			ref := &p.identifiers[i].ref
			if _, seen := aliases[*ref]; !seen {
				aliases[*ref] = nil
				keys = append(keys, ref[:])
			}
		}
	}
	err := tx.lookUp(ctx, silo.id, `SELECT alias_ref, collection FROM subject_alias WHERE silo = ? AND alias_ref `, keys, func(row row) error {
		ref, collection := keystore.Ref(row.ColumnRawBlob(0)), row.ColumnInt64(1)
		at, _ := slices.BinarySearch(aliases[ref], collection)
		aliases[ref] = slices.Insert(aliases[ref], at, collection)
		return nil
	})
	return aliases, err
}
