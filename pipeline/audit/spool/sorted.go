package spool

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

const (
	// sortRows is how many rows are ordered in memory; more are ordered in parts, which stand in files meanwhile.
	sortRows = 1 << 15
	// mostParts is how many parts are read at once: when there are so many, they become one.
	mostParts = 32
	// partRows is how many rows of a part are put in order at once.
	partRows = 1 << 10
)

// Order is an order of rows: First is a number by which most are told apart, Compare, which agrees with it, the rest.
type Order[T any] struct {
	First   func(*T) uint64
	Compare func(a, b *T) int
}

// Sorted yields rows in an order of their own, so that a file does not say in which order they came. A batch is there
// until the next one is asked for. Files of parts stand in the folder while it lasts. An error among the rows ends it.
func Sorted[T any](folder string, rows iter.Seq2[[]T, error], order Order[T]) iter.Seq2[[]T, error] {
	return sorted(folder, rows, order, sortRows)
}

// sorted is Sorted that orders so many rows in memory.
func sorted[T any](folder string, rows iter.Seq2[[]T, error], order Order[T], most int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		s := sorting[T]{Order: order, coding: newCoding[T](), folder: folder, most: most}
		defer s.clear()
		for batch, err := range rows {
			if err == nil {
				err = s.add(batch)
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
		held, end := iter.Pull(s.inOrder(Rows))
		defer end()
		s.merge(s.parts, &part[T]{next: func() ([]T, error, bool) { rows, ok := held(); return rows, nil, ok }}, yield)
	}
}

// sorting is the state of Sorted.
type sorting[T any] struct {
	Order[T]
	coding *coding[T]
	folder string
	most   int
	held   []T
	parts  []string
	made   int // parts, those that are gone included
}

// inOrder yields what is held, so many rows at once, in memory that the next ones take. Rows are wide: their places are
// ordered, and each row is copied once.
func (s *sorting[T]) inOrder(atOnce int) iter.Seq[[]T] {
	type place struct {
		first uint64
		at    int
	}
	places := make([]place, len(s.held))
	for i := range places {
		places[i] = place{s.First(&s.held[i]), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return cmp.Or(s.Compare(&s.held[a.at], &s.held[b.at]), a.at-b.at)
	})
	return func(yield func([]T) bool) {
		batch := make([]T, 0, min(atOnce, len(places)))
		for some := range slices.Chunk(places, atOnce) {
			batch = batch[:0]
			for _, p := range some {
				batch = append(batch, s.held[p.at])
			}
			if !yield(batch) {
				return
			}
		}
	}
}

// add takes rows, and puts a part aside when they are many.
func (s *sorting[T]) add(rows []T) error {
	for len(rows) > 0 {
		n := min(len(rows), s.most-len(s.held))
		if len(s.held)+n > s.most/4 && cap(s.held) < s.most { // it would be there twice while it grows
			s.held = slices.Grow(s.held, s.most-len(s.held))
		}
		s.held, rows = append(s.held, rows[:n]...), rows[n:]
		if len(s.held) == s.most && len(rows) > 0 {
			if err := s.aside(); err != nil {
				return err
			}
		}
	}
	return nil
}

// aside writes what is held to a file of its own.
func (s *sorting[T]) aside() error {
	err := s.write(func(yield func([]T, error) bool) {
		for batch := range s.inOrder(partRows) {
			if !yield(batch, nil) {
				return
			}
		}
	})
	s.held = s.held[:0]
	if err != nil || len(s.parts) < mostParts {
		return err
	}
	parts := s.parts
	s.parts = nil
	err = s.write(func(yield func([]T, error) bool) { s.merge(parts, nil, yield) })
	remove(parts)
	return err
}

// write writes rows, which are in order, to a part.
func (s *sorting[T]) write(rows iter.Seq2[[]T, error]) error {
	path := filepath.Join(s.folder, fmt.Sprintf("sorted-%d", s.made))
	s.parts, s.made = append(s.parts, path), s.made+1
	return s.coding.write(path, rows)
}

// part is one that is read.
type part[T any] struct {
	next  func() ([]T, error, bool)
	rows  []T
	first uint64 // of the first of the rows
}

// read sees to it that a part has rows, if there are any left; more says whether there are.
func (s *sorting[T]) read(p *part[T]) (more bool, err error) {
	if len(p.rows) == 0 {
		rows, err, ok := p.next()
		if err != nil || !ok {
			return false, err
		}
		p.rows, p.first = rows, s.First(&rows[0])
	}
	return true, nil
}

// merge yields the rows of parts in files, and those of one more.
func (s *sorting[T]) merge(files []string, more *part[T], yield func([]T, error) bool) {
	var parts []*part[T]
	if more != nil {
		parts = append(parts, more)
	}
	for _, path := range files {
		next, stop := iter.Pull2(s.coding.rows(path))
		defer stop()
		parts = append(parts, &part[T]{next: next})
	}
	out := make([]T, 0, Rows)
	for {
		var first *part[T]
		for _, p := range parts {
			more, err := s.read(p)
			if err != nil {
				yield(nil, err)
				return
			}
			if more && (first == nil || p.first < first.first ||
				p.first == first.first && s.Compare(&p.rows[0], &first.rows[0]) < 0) {
				first = p
			}
		}
		if first == nil {
			break
		}
		if out, first.rows = append(out, first.rows[0]), first.rows[1:]; len(first.rows) > 0 {
			first.first = s.First(&first.rows[0])
		}
		if len(out) == Rows {
			if !yield(out, nil) {
				return
			}
			out = out[:0]
		}
	}
	if len(out) > 0 {
		yield(out, nil)
	}
}

func (s *sorting[T]) clear() { remove(s.parts) }

func remove(paths []string) {
	for _, path := range paths {
		os.Remove(path)
	}
}
