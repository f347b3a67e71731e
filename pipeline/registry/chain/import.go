package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
)

const defaultBatchRows = 20_000

// Import records a delivery in transactions of BatchRows lines. A line is recorded whole or refused; a
// refused line does not stop the others. Interrupted, it is resumed by importing the same delivery again:
// what was recorded counts as duplicate. An error (an unreadable file, a column nobody knows, a locked
// registry) ends it with what was recorded so far in the report.
func (l *Log) Import(ctx context.Context, in delivery.Import) (delivery.Report, error) {
	var report delivery.Report
	what := fmt.Sprintf("import consents into silo %q", in.Keys.Silo())
	reader, err := delivery.NewReader(in)
	if err != nil {
		return report, fmt.Errorf("%s: %w", what, err)
	}
	purposes := make(map[string]bool, len(in.Purposes))
	for _, p := range in.Purposes {
		purposes[p] = true
	}
	rows := in.BatchRows
	if rows <= 0 {
		rows = defaultBatchRows
	}
	ld := &load{in: &in, former: l.store.Former(), reader: reader.Shuffled(l.store.shuffle), purposes: purposes,
		rows: rows, report: &report, scratch: make([]byte, 0, 512)}
	defer report.Sort()
	if in.DryRun {
		return report, l.dryRun(ctx, what, ld)
	}
	for p := ld.fill(); ; {
		if p.err != nil {
			return report, fmt.Errorf("%s: %w", what, p.err)
		}
		// The next portion is read while this one is written. A delivery may come from a pipe: nothing is
		// locked while only reading goes on.
		ahead := make(chan *portion, 1)
		if !p.last {
			go func() {
				next := ld.fill()
				next.known = l.lookAhead(ctx, ld.in.Keys.Silo(), next.batch)
				ahead <- next
			}()
		}
		err := l.record(ctx, what, ld, p)
		var next *portion
		if !p.last {
			next = <-ahead
		}
		if err != nil {
			return report, err
		}
		ld.count(p)
		if next == nil {
			return report, nil
		}
		p = next
	}
}

// load is the state of one import.
type load struct {
	in       *delivery.Import
	former   bool // see Store
	reader   *delivery.Shuffled
	purposes map[string]bool
	rows     int
	report   *delivery.Report
	scratch  []byte
	spare    []*Pending // of portions before, for use again
	fresh    bool       // the last portion had nothing that was recorded before
	before   *lookedUp  // the last portion
}

// portion is what one transaction records.
type portion struct {
	batch   []*Pending
	rejects []delivery.Reject
	lines   int
	last    bool      // the delivery ends with it
	err     error     // ends the import
	known   *lookedUp // nil: the writer has to look
}

// lookedUp are the collections that the identifiers of a portion lead to. Every change of an alias comes
// with an event, so they hold for as long as the chain ends with head.
type lookedUp struct {
	before  [sha256.Size]byte // where the chain ended before the portion was recorded, once it is
	head    [sha256.Size]byte
	aliases map[keystore.Ref][]int64
}

// lookAhead looks a portion up while the one before it is still being written; nil if that fails: it is
// then looked up by the writer.
func (l *Log) lookAhead(ctx context.Context, silo string, batch []*Pending) *lookedUp {
	tx, err := l.store.Begin(ctx, true)
	if err != nil {
		return nil
	}
	defer tx.End()
	s, err := l.store.FindSilo(ctx, tx.Handle, silo)
	if err != nil {
		return nil
	}
	aliases, err := knownAliases(ctx, tx, s, batch)
	if err != nil {
		return nil
	}
	return &lookedUp{head: s.Hash, aliases: aliases}
}

// at are the aliases where the chain ends with head, last being the portion recorded before; false if
// somebody else has written since they were looked up.
func (k *lookedUp) at(head [sha256.Size]byte, last *lookedUp) (map[keystore.Ref][]int64, bool) {
	if k == nil {
		return nil, false
	}
	if last != nil && last.head == head && last.before == k.head {
		for ref := range k.aliases {
			if here, ok := last.aliases[ref]; ok {
				k.aliases[ref] = here
			}
		}
		return k.aliases, true
	}
	return k.aliases, k.head == head
}

// fill reads the next portion.
func (l *load) fill() *portion {
	portion := &portion{batch: make([]*Pending, 0, l.rows)}
	for len(portion.batch) < l.rows {
		p := l.empty()
		var err error
		p.line, err = l.reader.Next(&p.Event)
		if errors.Is(err, io.EOF) {
			portion.last = true
			break
		}
		if err != nil && !delivery.IsRefused(err) {
			portion.err = err
			break
		}
		portion.lines++
		if err == nil {
			err = l.accept(p)
		}
		if err != nil {
			portion.rejects = append(portion.rejects, delivery.RejectOf(p.line, err))
			l.spare = append(l.spare, p)
			continue
		}
		portion.batch = append(portion.batch, p)
	}
	return portion
}

// empty is an event to be filled in: one of a portion that is recorded, where there is one.
func (l *load) empty() *Pending {
	n := len(l.spare)
	if n == 0 {
		return &Pending{}
	}
	p := l.spare[n-1]
	l.spare = l.spare[:n-1]
	*p = Pending{Event: event.Event{Subjects: p.Subjects[:0]}, identifiers: p.identifiers[:0]}
	return p
}

func (l *load) accept(p *Pending) error {
	if err := p.Check(l.purposes); err != nil {
		return err
	}
	if !p.Type.Kind().Imported {
		return event.Refuse(event.BadType, "type")
	}
	if l.in.Admit != nil {
		if err := l.in.Admit(&p.Event); err != nil {
			return err
		}
	}
	return p.prepare(l.in.Keys, l.former, &l.scratch)
}

// record writes a portion in one transaction. A delivery is seldom half new: after a portion without a
// known event the next one is written without asking, and if that was wrong, once more with asking.
func (l *Log) record(ctx context.Context, what string, ld *load, p *portion) error {
	ask := !ld.fresh
	for {
		err := l.importTx(ctx, what, ld.in.Keys, func(w *Writer) error {
			w.unasked = !ask
			before := w.Silo.Hash
			aliases, ok := p.known.at(before, ld.before)
			p.known = nil // appending changes it
			if !ok {
				var err error
				if aliases, err = knownAliases(ctx, w.Tx, w.Silo, p.batch); err != nil {
					return err
				}
			}
			if err := w.appendKnowing(ctx, p.batch, aliases); err != nil {
				return err
			}
			ld.before = &lookedUp{before, w.Silo.Hash, aliases}
			return w.Finish(ctx, true)
		})
		if ask || !errors.Is(err, database.ErrRecorded) {
			return err
		}
		ask = true
		for _, e := range p.batch {
			e.again()
		}
	}
}

// dryRun does everything in one transaction, so that it sees its own duplicates, and takes it back.
func (l *Log) dryRun(ctx context.Context, what string, ld *load) error {
	errDry := errors.New("dry run")
	p := ld.fill()
	err := l.importTx(ctx, what, ld.in.Keys, func(w *Writer) error {
		for ; ; p = ld.fill() {
			if p.err != nil {
				return p.err
			}
			if err := w.Append(ctx, p.batch); err != nil {
				return err
			}
			ld.count(p)
			if p.last {
				return errDry
			}
		}
	})
	if errors.Is(err, errDry) {
		return nil
	}
	return err
}

// count moves a portion's outcomes into the report.
func (l *load) count(portion *portion) {
	l.report.Lines += portion.lines
	l.fresh = len(portion.batch) > 0
	rejects := portion.rejects
	for _, p := range portion.batch {
		switch {
		case p.refused != nil:
			rejects = append(rejects, delivery.RejectOf(p.line, p.refused))
			l.fresh = false
		case p.duplicate:
			l.report.Duplicates++
			l.fresh = false
		default:
			l.report.Events++
		}
		if p.refused == nil && l.in.Recorded != nil {
			l.in.Recorded(&p.Event)
		}
	}
	l.spare = append(l.spare, portion.batch...)
	slices.SortFunc(rejects, func(a, b delivery.Reject) int { return a.Line - b.Line })
	for _, r := range rejects {
		l.report.Refuse(l.in, r)
	}
}

// importTx runs one transaction.
func (l *Log) importTx(ctx context.Context, what string, keys *keystore.SiloKey, f func(*Writer) error) error {
	return l.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := l.store.Writer(ctx, tx, keys.Silo())
		if err == nil {
			err = w.Under(keys)
		}
		if err != nil {
			return err
		}
		return f(w)
	})
}
