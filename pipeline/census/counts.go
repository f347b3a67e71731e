package census

import (
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// Counts are the people of one silo, each once.
type Counts struct {
	People        int64 // of whom it has live rows
	WithoutGround int64 // of them, those who have a row without a ground
	Blocked       int64 // of those, those whose rows without a ground are all blocked
	Unknown       int64 // of those without a ground, those whom the registry does not know
}

// Copies are the people of one silo of whom backups have rows though a night ended theirs.
type Copies struct {
	People   int64            // each once
	LastCopy calendar.Date    // when the last of their copies is gone; zero: of some it is not known
	Last     map[string]int64 // by backup: people whose last copy is in it
	InFile   map[string]int64 // by backup: people of whom it has a copy
}

// close counts a silo as it was met, once.
func (s *silo) close() {
	if s.closed {
		return
	}
	s.closed = true
	s.Base = Counts{People: s.people.Len()}
	for p := range s.without.all() {
		s.Base.WithoutGround++
		s.Base.Blocked += one(!s.inUse.has(p))
		s.Base.Unknown += one(s.stranger.has(p))
	}
}

// debtOf is what somebody has who has rows that are due.
func (s *silo) debtOf(p Person) (d debt, owes bool) {
	if s.before {
		at, owes := slices.BinarySearchFunc(s.Owed, p, func(o owed, p Person) int { return cmp.Compare(o.Person, p) })
		if owes {
			d = s.Owed[at].Debt
		}
		return d, owes
	}
	due := s.due.of(p)
	return debt{Due: due, Without: s.without.of(p), Stays: s.stays.has(p), InUse: s.inUse.has(p),
		Stranger: s.stranger.has(p)}, due > 0
}

// debts yields who has rows that are due.
func (s *silo) debts() iter.Seq2[Person, debt] {
	return func(yield func(Person, debt) bool) {
		for _, o := range s.Owed {
			if !yield(o.Person, o.Debt) {
				return
			}
		}
		if s.before {
			return
		}
		for p := range s.due.all() {
			if d, _ := s.debtOf(p); !yield(p, d) {
				return
			}
		}
	}
}

// Of are the people of a silo, without those of whom all was ended that counts them.
func (n *Night) Of(name string) (c Counts, known bool) {
	s := n.silos[name]
	if s == nil {
		return c, false
	}
	s.close()
	c = s.Base
	for p, gone := range s.gone.all() {
		d, owes := s.debtOf(p)
		if !owes {
			continue
		}
		if gone >= d.Due && !d.Stays {
			c.People--
		}
		if gone >= d.Without {
			c.WithoutGround--
			c.Blocked -= one(!d.InUse)
			c.Unknown -= one(d.Stranger)
		}
	}
	return c, true
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// Ended are the live rows of a silo that were ended after they were counted.
func (n *Night) EndedOf(name string) Ended {
	if s := n.silos[name]; s != nil {
		return s.ended
	}
	return Ended{}
}

// CopiesOf are the people of a silo who were erased and are in backups. goes is when what should be gone from a backup
// is; zero it is not known.
func (n *Night) CopiesOf(name string, goes func(source string) calendar.Date) Copies {
	c := Copies{Last: map[string]int64{}, InFile: map[string]int64{}}
	s := n.silos[name]
	if s == nil {
		return c
	}
	last := map[Person]string{}
	for at, copy := range s.Copies {
		if !copy.Erased && s.gone.of(at.Person) == 0 {
			continue
		}
		c.InFile[at.Source]++
		was, known := last[at.Person]
		if !known || later(goes(at.Source), at.Source, goes(was), was) {
			last[at.Person] = at.Source
		}
	}
	s.presume(&c, last, goes)
	c.People = int64(len(last))
	open := false
	for _, source := range last {
		c.Last[source]++
		day := goes(source)
		open = open || !day.Known()
		c.LastCopy = max(c.LastCopy, day)
	}
	if open {
		c.LastCopy = 0
	}
	return c
}

// later reports whether a backup is there longer than another: no known end is the longest.
func later(a calendar.Date, nameA string, b calendar.Date, nameB string) bool {
	if a.Known() != b.Known() {
		return !a.Known()
	}
	return cmp.Or(cmp.Compare(a, b), strings.Compare(nameA, nameB)) > 0
}

// Nobodys are the people of a silo's table whom the registry does not know.
func (n *Night) Nobodys(silo, source, object string) int64 {
	s := n.silos[silo]
	if s == nil || s.nobodys[[2]string{source, object}] == nil {
		return 0
	}
	return s.nobodys[[2]string{source, object}].Len()
}

// Ages are the rows of all silos by how much of their term is over, sorted.
func (n *Night) Ages() (list []Age) {
	for _, s := range n.silos {
		for _, a := range s.ages {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(a, b Age) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), strings.Compare(a.Source, b.Source),
			strings.Compare(a.Object, b.Object), cmp.Compare(a.Tenth, b.Tenth))
	})
	return list
}

// kept is what a file keeps of a silo.
type kept struct {
	Silo  string
	Books books
	Live  []string
}

// File is what a run's census is called in the folder of the run.
const File = "census"

// Save keeps what later runs need to take back what they end: whose rows are due, and how many. It is encrypted for the
// keystore: people of two silos who were told of together have the same numbers.
func (n *Night) Save(path string, keys *keystore.Keystore) error {
	var list []kept
	for _, name := range slices.Sorted(maps.Keys(n.silos)) {
		s := n.silos[name]
		s.close()
		list = append(list, kept{Silo: name, Books: s.left(), Live: slices.Sorted(maps.Keys(s.live))})
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the census: %w", err)
	}
	w, err := keys.Encrypt(f)
	if err == nil {
		err = errors.Join(gob.NewEncoder(w).Encode(list), w.Close())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep the census: %w", err)
	}
	return nil
}

// left are the books with what was taken back taken off.
func (s *silo) left() books {
	b := books{Copies: map[stay]copied{}}
	for at, c := range s.Copies {
		b.Copies[at] = copied{Rows: c.Rows, Erased: c.Erased || s.gone.of(at.Person) > 0}
	}
	for p, d := range s.debts() {
		gone := min(s.gone.of(p), d.Due)
		d.Due, d.Without = d.Due-gone, d.Without-min(gone, d.Without)
		if d.Due > 0 {
			b.Owed = append(b.Owed, owed{p, d})
		}
	}
	slices.SortFunc(b.Owed, func(a, b owed) int { return cmp.Compare(a.Person, b.Person) })
	return b
}

// Load goes on from what an earlier run kept. It holds no counts: those stand in that run's report.
func (n *Night) Load(path string, keys *keystore.Keystore) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var list []kept
	text, err := keys.Decrypt(f)
	if err != nil { // one of an earlier build was not encrypted
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			text = f
		}
	}
	if err == nil {
		err = gob.NewDecoder(text).Decode(&list)
	}
	if err != nil {
		return fmt.Errorf("read the census: %w", err)
	}
	for _, k := range list {
		s := n.silo(k.Silo)
		s.books = k.Books
		s.gone, s.closed, s.before = tally{}, true, true
		for _, source := range k.Live {
			s.live[source] = true
		}
		for p, d := range s.Debts {
			s.Owed = append(s.Owed, owed{p, d})
		}
		slices.SortFunc(s.Owed, func(a, b owed) int { return cmp.Compare(a.Person, b.Person) })
		s.Debts = nil
		if s.Copies == nil {
			s.Copies = map[stay]copied{}
		}
	}
	return nil
}
