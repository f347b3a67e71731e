package chain

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/hashed"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// reference is a subject's identifier as reference: that of the silo's key in use, and that of its first
// version, which recognises deliveries; and both as the version of canonical forms before had them, zero where
// that is the same.
type reference struct {
	kind            string
	ref, first      keystore.Ref
	was, wasAtFirst keystore.Ref
}

// refer makes the references of an identifier. former: those of the version before are wanted, too.
func refer(keys *keystore.SiloKey, s event.Subject, country string, former bool, scratch *[]byte) (reference, error) {
	normal, err := s.Normal(country, (*scratch)[:0])
	if *scratch = normal; err != nil {
		return reference{}, err
	}
	r := reference{kind: s.Kind, first: keys.First(s.Kind, normal)}
	r.ref = keys.Carry(r.first, false, 1)
	if !former {
		return r, nil
	}
	if was, ok := identifier.Former(s.Kind, []byte(s.Value), country, normal); ok {
		r.wasAtFirst = keys.First(s.Kind, was)
		r.was = keys.Carry(r.wasAtFirst, false, 1)
	}
	return r, nil
}

// Pending is an event ready to be appended, and afterwards its outcome.
type Pending struct {
	event.Event
	line        int
	identifiers []reference
	collections []int64 // where it goes, when that is known beforehand
	idem        [16]byte
	content     [16]byte
	// content as versions before had it, with other canonical forms or at the first moment of a day; zero: the same
	before [3][16]byte

	seq       int64 // outcome: the position of its (last) event
	duplicate bool
	refused   error
}

// again takes an event back to before it was appended.
func (p *Pending) again() {
	p.collections, p.seq, p.duplicate, p.refused = nil, 0, false, nil
}

// prepare turns identifiers into references and computes what recognises a repeated delivery.
// former: what the version of canonical forms before recorded is recognised, too.
func (p *Pending) prepare(keys *keystore.SiloKey, former bool, scratch *[]byte) error {
	p.identifiers = p.identifiers[:0]
	for _, s := range p.Subjects {
		id, err := refer(keys, s, p.Country, former, scratch)
		if err != nil {
			return err
		}
		p.identifiers = append(p.identifiers, id)
	}
	if p.Collection != "" {
		id, err := refer(keys, event.Subject{Kind: identifier.Collection, Value: p.Collection}, "", former, scratch)
		if err != nil {
			return err
		}
		p.identifiers = append(p.identifiers, id)
	}
	if len(p.identifiers) == 0 {
		return event.Refuse(event.NoIdentifier, "")
	}
	p.content, p.before = p.sum(keys, &p.Event, false, scratch), [3][16]byte{}
	p.idem = p.content
	former = slices.ContainsFunc(p.identifiers, func(id reference) bool { return id.was != keystore.Ref{} })
	if former {
		p.before[0] = p.sum(keys, &p.Event, true, scratch)
	}
	if p.ID != "" {
		if !p.DayBegan.IsZero() {
			was := p.Event.AsDayBegan()
			p.before[1], p.before[2] = p.sum(keys, &was, false, scratch), p.sum(keys, &was, former, scratch)
		}
		*scratch = append(append((*scratch)[:0], "id|"...), p.ID...)
		idem := keys.Dedup(p.Source, *scratch)
		copy(p.idem[:], idem[:])
	}
	return nil
}

// sum recognises what an event says of the people whom it names; former: as the version of canonical forms before.
func (p *Pending) sum(keys *keystore.SiloKey, e *event.Event, former bool, scratch *[]byte) (content [16]byte) {
	*scratch = e.Content(*scratch)
	for _, id := range p.identifiers {
		of := id.first
		if former {
			of = cmp.Or(id.wasAtFirst, id.first)
		}
		*scratch = append(append(append(*scratch, id.kind...), '='), of[:]...)
	}
	sum := keys.Dedup(p.Source, *scratch)
	copy(content[:], sum[:])
	return content
}

// Append records one event and returns its position. It is idempotent like Import: an event delivered twice
// is recorded once and returns position 0. A *RefusedError says why an event cannot be recorded.
func (l *Log) Append(ctx context.Context, keys *keystore.SiloKey, e event.Event) (int64, error) {
	if e.Source == "" {
		e.Source = event.Own
	}
	p := &Pending{Event: e}
	if err := p.Check(nil); err != nil {
		return 0, fmt.Errorf("record event in silo %q: %w", keys.Silo(), err)
	}
	scratch := make([]byte, 0, 512)
	if err := p.prepare(keys, l.store.Former(), &scratch); err != nil {
		return 0, fmt.Errorf("record event in silo %q: %w", keys.Silo(), err)
	}
	err := l.store.Write(ctx, fmt.Sprintf("record event in silo %q", keys.Silo()), func(tx *database.Txn) error {
		w, err := l.store.Writer(ctx, tx, keys.Silo())
		if err == nil {
			err = w.Under(keys)
		}
		if err != nil {
			return err
		}
		if err := w.Append(ctx, []*Pending{p}); err != nil {
			return err
		}
		if p.refused != nil {
			return p.refused
		}
		return w.Finish(ctx, true)
	})
	return p.seq, err
}

// Writer appends to the chain of one silo inside one transaction, and changes what stands beside it. Finish ends it.
type Writer struct {
	Tx      *database.Txn
	Silo    Silo
	Version int   // of the silo's key that is in use
	Now     int64 // recorded_at of what is written
	store   *Store
	veil    *keystore.Sealer
	found   int64 // where the chain ended
	buf     []byte
	salts   hashed.Salts
	arena   hashed.Arena // blobs of rows that are not written
	inserts []*database.Bulk
	linked  map[linked]bool // the record links that are there, of the records of a batch
	// append writes events without asking whether they were recorded before, and fails with ErrRecorded if
	// one was
	unasked bool
}

// linked is a record and a collection.
type linked struct {
	record     keystore.Ref
	collection int64
}

// The tables a writer fills, in the order in which foreign keys allow it.
const (
	intoAlias = iota
	intoEvent
	intoPayload
	intoLink
)

const (
	linkColumns = `silo, record_ref, collection, "system", object, linked_at, seal`
	linkKey     = "silo, record_ref, collection"
)

// Writer opens the silo's chain for appending; a silo that is new gets its row. What is found that is not as it was
// written is an error: nothing is built upon it.
func (s *Store) Writer(ctx context.Context, tx *database.Txn, silo string) (*Writer, error) {
	row, err := s.FindSilo(ctx, tx.Handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		row, err = s.begin(ctx, tx, silo)
	}
	if err == nil {
		err = row.Keyless
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{Tx: tx, Silo: row, Now: s.now().UnixMicro(), store: s, veil: row.Book.Veil(), found: row.Seq,
		buf: make([]byte, 0, 1024)}
	if err := w.keyed(ctx); err != nil {
		return nil, err
	}
	w.inserts = []*database.Bulk{
		intoAlias: database.NewBulk(tx, "subject_alias", "silo, alias_ref, collection, kind, key_version, seal"),
		intoEvent: database.NewBulk(tx, "event", "silo, seq, type, purpose, purpose_version, basis, occurred_at, "+
			"zone, effective_from, effective_until, recorded_at, method, source, idem, notice, commitment, hash"),
		intoPayload: database.NewBulk(tx, "event_payload", "silo, seq, collection, flags, details, refs, content, "+
			"salt, evidence, evidence_salt, seal, block"),
		intoLink: database.NewBulk(tx, "record_link", linkColumns),
	}
	w.inserts[intoLink].Clash = tx.Ignoring(linkKey)
	return w, nil
}

// begin makes the row of a silo that is new.
func (s *Store) begin(ctx context.Context, tx *database.Txn, silo string) (Silo, error) {
	sealer, err := s.sealer(sealerOf{silo, cmp.Or(s.current(silo), 1)})
	if err != nil {
		return Silo{}, err
	}
	v := Silo{Former: s.Former()}
	v.Silo, v.Hash = silo, hashed.Genesis(silo)
	if _, err := tx.Exec(ctx, `INSERT INTO silo (name, head_seq, head_hash, collections, recorded_at, heard_at)
		VALUES (?, 0, ?, 0, 0, 0)`, silo, v.Hash[:]); err != nil {
		return Silo{}, err
	}
	err = tx.Row(ctx, `SELECT silo FROM silo WHERE name = ?`, silo).Scan(&v.ID)
	v.Book = seal.New(silo, v.ID, sealer)
	return v, err
}

// Append resolves and writes a batch. Outcomes stand in the items; an error means that nothing of the
// transaction may be kept.
func (w *Writer) Append(ctx context.Context, batch []*Pending) error {
	aliases, err := knownAliases(ctx, w.Tx, w.Silo, batch)
	if err != nil {
		return err
	}
	return w.appendKnowing(ctx, batch, aliases)
}

// appendKnowing is append with what knownAliases found, to which it adds.
func (w *Writer) appendKnowing(ctx context.Context, batch []*Pending, aliases map[keystore.Ref][]int64) error {
	known := make(map[[16]byte][16]byte, len(batch))
	if !w.unasked {
		if err := w.knownEvents(ctx, batch, known); err != nil {
			return err
		}
	}
	if err := w.knownLinks(ctx, batch); err != nil {
		return err
	}
	out := database.Beside(ctx)
	if err := w.make(batch, known, aliases, out); err != nil {
		return cmp.Or(out.Wait(), err)
	}
	w.inserts[intoAlias].SortBy(1)
	out.Take(w.inserts[intoAlias])
	return out.Wait()
}

// make makes the rows of a batch and hands them over to be written; aliases stay, to be written in their order.
func (w *Writer) make(batch []*Pending, known map[[16]byte][16]byte, aliases map[keystore.Ref][]int64,
	out *database.Output) error {
	for _, p := range batch {
		idem := p.idem
		content, ok := known[idem]
		for ok && p.recordedAs(content) {
			idem = hashed.Anew(idem) // under the reference that it should have had, and at the time
			content, ok = known[idem]
		}
		if ok {
			p.duplicate = content == p.content || content == [16]byte{}
			if !p.duplicate {
				p.refused = event.Refuse(event.DuplicateDiffers, "id")
			} else if found, err := w.find(p, aliases); err == nil {
				w.link(p, found)
			}
			continue
		}
		if p.Barred != "" {
			p.refused = event.Refuse(p.Barred, "")
		} else {
			p.refused = w.resolve(p, aliases)
		}
		if p.refused != nil {
			if w.unasked {
				return database.ErrRecorded
			}
			continue
		}
		w.link(p, p.collections)
		known[idem] = p.content
		for i, collection := range p.collections {
			idem := idem
			if i > 0 { // the same act in a further collection of the person
				idem = hashed.Further(idem, collection)
			}
			if err := w.event(p, collection, idem, aliases); err != nil {
				return err
			}
			if w.inserts[intoEvent].Rows() == database.FlushRows {
				w.handOver(out)
			}
		}
	}
	w.handOver(out)
	return nil
}

func (w *Writer) handOver(out *database.Output) {
	for into, insert := range w.inserts {
		if into != intoAlias {
			out.Take(insert)
		}
	}
}

// recordedAs reports whether what was recorded of an event is what a version before made of it. It is recorded once
// more, of the person whom the identifier names now, at the end of the day.
func (p *Pending) recordedAs(content [16]byte) bool {
	return content != p.content && content != [16]byte{} && slices.Contains(p.before[:], content)
}

// resolve finds the collections an event belongs to: the one the source names, else the one its identifiers
// lead to, else a new one. An event that gives nothing reaches every collection of its person in the silo;
// a grant needs one certain collection. New identifiers become aliases.
func (w *Writer) resolve(p *Pending, aliases map[keystore.Ref][]int64) error {
	if len(p.collections) > 0 {
		return nil
	}
	found, err := w.find(p, aliases)
	if err != nil {
		return err
	}
	if p.collections = found; len(found) == 0 {
		w.Silo.collections++
		p.collections = []int64{w.Silo.collections}
	}
	return nil
}

// find returns the collections that are known for an event.
func (w *Writer) find(p *Pending, aliases map[keystore.Ref][]int64) (found []int64, err error) {
	for i := len(p.identifiers) - 1; i >= 0; i-- { // the collection id is the last and decides alone
		id := p.identifiers[i]
		here := aliases[id.ref]
		if len(here) == 0 && id.was != (keystore.Ref{}) { // known by what the version before made of it
			here = aliases[id.was]
		}
		if id.kind == identifier.Collection {
			found = here
			break
		}
		if p.Collection != "" || len(here) == 0 {
			continue
		}
		if found != nil && !slices.Equal(found, here) {
			return nil, event.Refuse(event.IdentityConflict, "")
		}
		found = here
	}
	if len(found) > 1 && p.Type.Kind().Grants {
		return nil, event.Refuse(event.IdentityConflict, "collection")
	}
	return found, nil
}

// link ties the row that an event names to its collection, where that is certain.
func (w *Writer) link(p *Pending, collections []int64) {
	if p.Link.Record == (keystore.Ref{}) || len(collections) != 1 {
		return
	}
	to := linked{p.Link.Record, collections[0]}
	if w.linked[to] {
		return
	}
	w.linked[to] = true
	tag, veiled := w.Silo.Book.Pair(seal.Link, to.record[:], to.collection)
	w.inserts[intoLink].Add(database.Number(w.Silo.ID), w.keep(to.record[:]), database.Number(veiled),
		database.Text(p.Link.System), database.Text(p.Link.Object), database.Number(0), w.keep(tag[:]))
}

// learn makes those identifiers of an event aliases of its collection that are not yet, and returns their
// references.
func (w *Writer) learn(p *Pending, collection int64, aliases map[keystore.Ref][]int64) []byte {
	// the references in one piece, which are also what the payload says
	w.arena.Room(len(p.identifiers) * (len(keystore.Ref{}) + len(keystore.Tag{})))
	tags := make([]keystore.Tag, 0, 4)
	from := w.arena.Len()
	for i := range p.identifiers {
		id := &p.identifiers[i]
		here := aliases[id.ref]
		at, has := slices.BinarySearch(here, collection)
		if has {
			continue
		}
		// events of the batch may hold the slice
		aliases[id.ref] = slices.Concat(here[:at], []int64{collection}, here[at:])
		tag, veiled := w.Silo.Book.Pair(seal.Alias, id.ref[:], collection)
		tags = append(tags, tag)
		w.inserts[intoAlias].Add(database.Number(w.Silo.ID), w.keep(id.ref[:]), database.Number(veiled),
			database.Text(id.kind), database.Number(int64(w.Version)), database.Cell{})
	}
	refs := w.arena.Since(from)
	w.inserts[intoAlias].Fill(5, len(tags), func(i int) database.Cell { return w.keep(tags[i][:]) })
	return refs
}

// event writes one event and moves the head.
func (w *Writer) event(p *Pending, collection int64, idem [16]byte, aliases map[keystore.Ref][]int64) error {
	h := hashed.Header{Seq: w.Silo.Seq + 1, Type: string(p.Type), Purpose: p.Purpose, Version: p.PurposeVersion,
		Basis: p.Basis, Zone: p.Zone, Method: p.Method, Source: p.Source, Notice: p.Notice,
		Occurred: event.Micros(p.OccurredAt), From: event.Micros(p.EffectiveFrom),
		Until: event.Micros(p.EffectiveUntil), Recorded: w.Now, Idem: idem}
	body := hashed.Payload{Collection: collection, Flags: p.Flags(), Details: p.Details.Encode(), Content: p.content,
		Refs: slices.Clone(w.learn(p, collection, aliases))} // the rows of references have them as they are
	var err error
	if body.Salt, err = w.salts.Next(); err != nil {
		return err
	}
	var refs, evidence, evidenceSalt database.Cell
	if len(body.Refs) > 0 {
		refs = database.Blob(body.Refs)
	}
	if p.Evidence != "" {
		salt, err := w.salts.Next()
		if err != nil {
			return err
		}
		w.buf = append(append(w.buf[:0], salt[:]...), p.Evidence...)
		body.Evidence = sha256.Sum256(w.buf)
		w.veil.Proof(h.Seq, salt[:])
		evidence, evidenceSalt = w.keep(body.Evidence[:]), w.keep(salt[:])
	}
	tag := w.Silo.Book.Fact(seal.Fact{Seq: h.Seq, Collection: collection, Occurred: h.Occurred, From: h.From,
		Until: h.Until, Recorded: h.Recorded, Notice: h.Notice != "", Evidence: p.Evidence != "", Flags: body.Flags},
		h.Type, h.Purpose, body.Details)
	hashed.Veil(w.veil, &h, &body) // the chain hashes what is stored
	h.Commitment, w.buf = body.Commit(w.buf)
	w.Silo.Hash, w.buf = h.Hash(w.Silo.Silo, w.Silo.Hash, w.buf)
	w.Silo.Seq, p.seq = h.Seq, h.Seq
	w.inserts[intoEvent].Add(database.Number(w.Silo.ID), database.Number(h.Seq), database.Text(h.Type),
		database.Text(h.Purpose), database.Text(h.Version), database.Text(h.Basis), database.Number(h.Occurred),
		database.Text(h.Zone), database.Number(h.From), database.Number(h.Until), database.Number(h.Recorded),
		database.Text(h.Method), database.Text(h.Source), w.keep(h.Idem[:]), database.Text(h.Notice),
		w.keep(h.Commitment[:]), w.keep(w.Silo.Hash[:]))
	w.inserts[intoPayload].Add(database.Number(w.Silo.ID), database.Number(h.Seq), database.Number(body.Collection),
		database.Number(body.Flags), database.Text(body.Details), refs, w.keep(body.Content[:]), w.keep(body.Salt[:]),
		evidence, evidenceSalt, w.keep(tag[:]), database.Number(tables.Block(collection)))
	return nil
}

// keep copies a blob to where it stays until the flush.
func (w *Writer) keep(b []byte) database.Cell { return database.Blob(w.arena.Keep(b)) }

// Finish stores the new head, and the sums of what stands beside the chain. heard is true when a source delivered.
func (w *Writer) Finish(ctx context.Context, heard bool) error {
	if heard {
		w.Silo.HeardAt = event.Instant(w.Now)
	}
	if w.Silo.Seq != w.found {
		w.Silo.RecordedAt, w.found = event.Instant(w.Now), w.Silo.Seq
	}
	return w.store.Save(ctx, w.Tx, &w.Silo)
}

// knownLinks finds which links the records of the batch have.
func (w *Writer) knownLinks(ctx context.Context, batch []*Pending) error {
	w.linked = map[linked]bool{}
	var keys [][]byte
	for _, p := range batch {
		if p.Link.Record != (keystore.Ref{}) {
			keys = append(keys, p.Link.Record[:])
		}
	}
	check := w.Silo.Book.Check(seal.Link)
	return w.Tx.LookUp(ctx, w.Silo.ID, `SELECT record_ref, collection, seal FROM record_link WHERE silo = ?
		AND record_ref `, keys, func(row database.Row) error {
		row, err := check.Row(row)
		if err != nil {
			return err
		}
		w.linked[linked{keystore.Ref(row.ColumnRawBlob(0)), row.ColumnInt64(1)}] = true
		return nil
	})
}

// knownEvents finds which of the batch were recorded before, with their content (zero when the payload is
// purged).
func (w *Writer) knownEvents(ctx context.Context, batch []*Pending, known map[[16]byte][16]byte) error {
	keys := make([][]byte, 0, len(batch))
	add := func(idem [16]byte) {
		veiled := w.veil.Name(idem)
		keys = append(keys, veiled[:])
	}
	for _, p := range batch {
		add(p.idem)
		if p.before != [3][16]byte{} {
			add(hashed.Anew(p.idem))
			add(hashed.Anew(hashed.Anew(p.idem)))
		}
	}
	return w.Tx.LookUp(ctx, w.Silo.ID, `SELECT e.idem, p.content, p.block FROM event e LEFT
		JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
		WHERE e.silo = ? AND e.idem `, keys, func(row database.Row) error {
		var k, v [16]byte
		copy(k[:], row.ColumnRawBlob(0))
		if copy(v[:], row.ColumnRawBlob(1)) > 0 && row.ColumnInt64(2) != 0 {
			v = w.veil.Named(v)
		}
		known[w.veil.Named(k)] = v
		return nil
	})
}

// knownAliases finds the collections that the batch's identifiers lead to, sorted.
func knownAliases(ctx context.Context, tx *database.Txn, silo Silo, batch []*Pending) (map[keystore.Ref][]int64,
	error) {
	aliases := make(map[keystore.Ref][]int64, len(batch))
	var keys [][]byte
	for _, p := range batch {
		for i := range p.identifiers {
			for _, ref := range []*keystore.Ref{&p.identifiers[i].ref, &p.identifiers[i].was} {
				if _, seen := aliases[*ref]; !seen && *ref != (keystore.Ref{}) {
					aliases[*ref] = nil
					keys = append(keys, ref[:])
				}
			}
		}
	}
	check := silo.Book.Check(seal.Alias)
	err := tx.LookUp(ctx, silo.ID, `SELECT alias_ref, collection, seal FROM subject_alias WHERE silo = ?
		AND alias_ref `, keys, func(row database.Row) error {
		row, err := check.Row(row)
		if err != nil {
			return err
		}
		ref, collection := keystore.Ref(row.ColumnRawBlob(0)), row.ColumnInt64(1)
		at, _ := slices.BinarySearch(aliases[ref], collection)
		aliases[ref] = slices.Insert(aliases[ref], at, collection)
		return nil
	})
	return aliases, err
}
