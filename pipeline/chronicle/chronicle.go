// Package chronicle keeps the log of what was published: what the journal has of it and what stands in the reports.
//
// An entry is recorded in the journal before a line of the log is written, and marked when the checkpoint over it
// stands; so the log has one order, whatever is cut off, and no size gets two roots. [Keep] is the beginning of a run:
// it takes over the reports of before there was a log, takes in what only the reports have where the journal was
// rebuilt, and writes anew what they lack. [Append] adds what was published. [Facts] are what a report says of it.
package chronicle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Kept is what Keep found.
type Kept struct {
	TakenOver int64  // nights of before there was a log, which it begins with
	Restored  string // what was missing or altered in the reports and stands there again; "" nothing
}

// Keep makes the journal and the reports have the same log. A log that contradicts the journal, or what was cosigned,
// is [setup.ErrTampered].
func Keep(ctx context.Context, p *setup.Setup, j *journal.Journal) (kept Kept, err error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return kept, err
	}
	known, err := j.Leaves(ctx)
	if err != nil {
		return kept, err
	}
	entries, err := leaves(ctx, p, j, signer.PublicKey())
	if err != nil {
		return kept, err
	}
	if len(known) == 0 {
		kept.TakenOver = int64(len(entries))
	}
	if err := goesOn(p, entries, signer.PublicKey()); err != nil {
		return kept, err
	}
	if kept.Restored, err = lacking(p, known, signer.PublicKey()); err != nil {
		return kept, err
	}
	return kept, write(ctx, p, j, entries, signer)
}

// Append adds a published run to the log. One that is in it already is not added again.
func Append(ctx context.Context, p *setup.Setup, j *journal.Journal, e tilelog.Entry) (tilelog.Checkpoint, error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return tilelog.Checkpoint{}, err
	}
	entries, err := leaves(ctx, p, j, signer.PublicKey())
	if err != nil {
		return tilelog.Checkpoint{}, err
	}
	at := slices.IndexFunc(entries, func(o tilelog.Entry) bool { return o.Kind == e.Kind && o.Run == e.Run })
	switch {
	case at < 0:
		if err := j.PutLeaves(ctx, int64(len(entries)), [][]byte{e.Bytes()}); err != nil {
			return tilelog.Checkpoint{}, err
		}
		p.Crash("log_intent")
		entries = append(entries, e)
	case entries[at] != e:
		return tilelog.Checkpoint{}, fmt.Errorf("%w: entry %d of the log is run %s with another manifest: put the "+
			"reports, or the state folder, back as they were", setup.ErrTampered, at, e.Run)
	}
	if err := write(ctx, p, j, entries, signer); err != nil {
		return tilelog.Checkpoint{}, err
	}
	l, err := tilelog.New(entries)
	if err != nil {
		return tilelog.Checkpoint{}, err
	}
	return l.Checkpoint(signer.PublicKey())
}

// write makes the reports hold the log, and marks it as signed.
func write(ctx context.Context, p *setup.Setup, j *journal.Journal, entries []tilelog.Entry,
	signer *keystore.Signer) error {
	if len(entries) == 0 {
		return nil
	}
	_, err := tilelog.Write(p.Reports, entries, signer, p.Crash)
	if err != nil {
		return contradicted(p, err)
	}
	return j.SignLeaves(ctx, int64(len(entries)))
}

// contradicted says what to do where a checkpoint stands that the journal's log does not go on from.
func contradicted(p *setup.Setup, err error) error {
	next := ""
	switch {
	case errors.Is(err, tilelog.ErrCut):
		next = "the state folder is older than the reports, or both are older than what was cosigned: put back the " +
			"newest copies; a copy of the reports is with who cosigned them"
	case errors.Is(err, tilelog.ErrForked):
		next = "put the reports and the state folder back from copies that belong together; what was cosigned or " +
			"kept elsewhere says which history is the one that was shown"
	case errors.Is(err, tilelog.ErrOther):
		next = "these are the reports of another company, or of before the runner's key was made anew: give each " +
			"company a folder of its own; move the old log away where the key is gone"
	default:
		return err
	}
	return fmt.Errorf("%w: the log in %s: %w: %s", setup.ErrTampered, p.Reports, err, next)
}

// leaves are the entries that the journal has, those that only the reports have (all of them where the journal was
// rebuilt), and the runs that were published and are in neither: those of before there was a log.
func leaves(ctx context.Context, p *setup.Setup, j *journal.Journal, key keystore.PublicKey) ([]tilelog.Entry, error) {
	known, err := j.Leaves(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]tilelog.Entry, len(known))
	for i, k := range known {
		if entries[i], err = tilelog.ParseEntry(k.Body); err != nil {
			return nil, fmt.Errorf("%w: entry %d of the log in the journal: %w", journal.ErrCorrupt, i, err)
		}
	}
	more, err := ahead(p, entries, key)
	if err != nil {
		return nil, err
	}
	late, err := published(ctx, p, j, append(slices.Clone(entries), more...), key)
	if err != nil {
		return nil, err
	}
	more = append(more, late...)
	bodies := make([][]byte, len(more))
	for i, e := range more {
		bodies[i] = e.Bytes()
	}
	return append(entries, more...), j.PutLeaves(ctx, int64(len(entries)), bodies)
}

// ahead are the entries of the log in the reports that come after those of the journal; none where that log is not
// whole, or does not go on from them.
func ahead(p *setup.Setup, entries []tilelog.Entry, key keystore.PublicKey) ([]tilelog.Entry, error) {
	_, newest, err := tilelog.Newest(p.Reports, key)
	if err != nil || newest.Size <= int64(len(entries)) {
		return nil, nil //nolint:nilerr // one that cannot be read is for goesOn and Check to say
	}
	stand, err := tilelog.Entries(p.Reports, newest.Size)
	if err != nil || !slices.Equal(stand[:len(entries)], entries) {
		return nil, nil
	}
	l, err := tilelog.New(stand)
	if err != nil || l.Agrees(newest) != nil {
		return nil, err
	}
	return stand[len(entries):], nil
}

// published are the runs that were published and are not among the entries, in the order in which they began.
func published(ctx context.Context, p *setup.Setup, j *journal.Journal, entries []tilelog.Entry,
	key keystore.PublicKey) (more []tilelog.Entry, err error) {
	known := map[string]bool{}
	for _, e := range entries {
		known[e.Run] = known[e.Run] || e.Kind == tilelog.Night
	}
	runs, err := j.Published(ctx)
	if err != nil {
		return nil, err
	}
	runs = slices.DeleteFunc(runs, func(r journal.Run) bool { return known[r.ID] })
	if len(runs) == 0 {
		return nil, nil
	}
	stand, err := manifest.Stand(p.Reports)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		e := tilelog.Entry{Kind: tilelog.Night, Run: r.ID, Date: calendar.DateOf(r.AsOf, p.Zone).String(),
			Manifest: r.Manifest}
		if i := slices.IndexFunc(stand, func(s manifest.Standing) bool { return s.RunID == r.ID }); i >= 0 {
			e.Date = stand[i].Date
			if e.Receipts, err = manifest.Receipts(p.Reports, stand[i], key); err != nil {
				return nil, fmt.Errorf("%w: %w: put the reports back from a copy", setup.ErrTampered, err)
			}
		}
		more = append(more, e)
	}
	return more, nil
}

// Witnesses are the people whose cosignatures count: they cannot be those who run it.
func Witnesses(p *setup.Setup) (names []string, keys []keystore.PublicKey) {
	for name, person := range p.People {
		if person.Is("dpo") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		keys = append(keys, p.People[name].Key)
	}
	return names, keys
}

// goesOn makes sure that the log goes on from all that was cosigned.
func goesOn(p *setup.Setup, entries []tilelog.Entry, key keystore.PublicKey) error {
	_, keys := Witnesses(p)
	cosigned, err := tilelog.Cosigned(p.Reports, key, keys)
	if err != nil {
		return err
	}
	l, err := tilelog.New(entries)
	if err != nil {
		return err
	}
	for _, c := range cosigned {
		if err := l.Agrees(c.Checkpoint); err != nil {
			return contradicted(p, fmt.Errorf("%s: %w", tilelog.CosignatureFile(c), err))
		}
	}
	return nil
}

// lacking says what of the log that was signed is missing or altered in the reports, before it is written anew.
func lacking(p *setup.Setup, known []journal.Leaf, key keystore.PublicKey) (string, error) {
	signed := int64(0)
	for i, k := range known {
		if k.Signed {
			signed = int64(i) + 1
		}
	}
	if signed == 0 {
		return "", nil
	}
	names, err := tilelog.Files(p.Reports)
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(name string) bool { // what is not made of the journal
		rest := strings.TrimPrefix(name, tilelog.Folder+"/")
		return strings.HasPrefix(rest, "cosignatures/") || strings.HasPrefix(rest, "stamps/")
	})
	found, err := tilelog.Check(p.Reports, names, key, nil, nil)
	switch {
	case err != nil:
		return "", err
	case len(found.Problems) > 0:
		return found.Problems[0], nil
	case found.Newest.Size < signed:
		return fmt.Sprintf("the log ends with night %d of %d", found.Newest.Size, signed), nil
	}
	return "", nil
}
