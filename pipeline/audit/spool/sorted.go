package spool

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// sortRows is how many rows are ordered in memory; more are ordered in parts, which stand in files meanwhile.
const sortRows = 1 << 17

// Order is an order of rows: First is a number by which most are told apart, Compare, which agrees with it, the rest.
type Order[T any] struct {
	First   func(*T) uint64
	Compare func(a, b *T) int
}

// Sorted yields rows in an order of their own, so that a file does not say in which order they came. Files of parts
// stand in the folder while it lasts. An error among the rows ends it.
func Sorted[T any](folder string, rows iter.Seq2[[]T, error], order Order[T]) iter.Seq2[[]T, error] {
	return sorted(folder, rows, order, sortRows)
}

// sorted is Sorted that orders so many rows in memory.
func sorted[T any](folder string, rows iter.Seq2[[]T, error], order Order[T], most int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		s := sorting[T]{Order: order, folder: folder, most: most}
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
		s.merge(yield)
	}
}

// sorting is the state of Sorted.
type sorting[T any] struct {
	Order[T]
	folder string
	most   int
	held   []T
	parts  []string
}

// inOrder yields what is held. Rows are wide: their places are ordered, and each row is copied once.
func (s *sorting[T]) inOrder() iter.Seq[[]T] {
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
		for some := range slices.Chunk(places, Rows) {
			batch := make([]T, len(some))
			for i, p := range some {
				batch[i] = s.held[p.at]
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
	path := filepath.Join(s.folder, fmt.Sprintf("sorted-%d.arrow", len(s.parts)))
	spool, err := New[T](path)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, path)
	for batch := range s.inOrder() {
		if err := spool.Append(batch...); err != nil {
			return errors.Join(err, spool.Close())
		}
	}
	s.held = s.held[:0]
	return spool.Close()
}

// part is one that is read.
type part[T any] struct {
	next func() ([]T, error, bool)
	rows []T
}

// merge yields the rows of all parts, and of those that are held.
func (s *sorting[T]) merge(yield func([]T, error) bool) {
	held, end := iter.Pull(s.inOrder())
	defer end()
	parts := []*part[T]{{next: func() ([]T, error, bool) { rows, ok := held(); return rows, nil, ok }}}
	for _, path := range s.parts {
		next, stop := iter.Pull2(Read[T](path))
		defer stop()
		parts = append(parts, &part[T]{next: next})
	}
	out := make([]T, 0, Rows)
	for {
		var first *part[T]
		for _, p := range parts {
			if len(p.rows) == 0 {
				rows, err, ok := p.next()
				if err != nil {
					yield(nil, err)
					return
				}
				if !ok {
					continue
				}
				p.rows = rows
			}
			if first == nil || s.Compare(&p.rows[0], &first.rows[0]) < 0 {
				first = p
			}
		}
		if first == nil {
			break
		}
		out, first.rows = append(out, first.rows[0]), first.rows[1:]
		if len(out) == Rows {
			if !yield(out, nil) {
				return
			}
			out = make([]T, 0, Rows)
		}
	}
	if len(out) > 0 {
		yield(out, nil)
	}
}

func (s *sorting[T]) clear() {
	for _, path := range s.parts {
		os.Remove(path)
	}
}
