package audit

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// sortRows is how many rows are ordered in memory; more are ordered in parts, which stand in files meanwhile.
const sortRows = 1 << 17

// Sorted yields rows in an order of their own, so that a file does not say in which order they came. Files of parts
// stand in the folder while it lasts. An error among the rows ends it.
func Sorted[T any](folder string, rows iter.Seq2[[]T, error], compare func(a, b *T) int) iter.Seq2[[]T, error] {
	return sorted(folder, rows, compare, sortRows)
}

// sorted is Sorted that orders so many rows in memory.
func sorted[T any](folder string, rows iter.Seq2[[]T, error], compare func(a, b *T) int,
	most int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		s := sorting[T]{folder: folder, compare: compare, most: most}
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
		s.sort()
		if len(s.parts) == 0 {
			for batch := range slices.Chunk(s.held, SpoolRows) {
				if !yield(batch, nil) {
					return
				}
			}
			return
		}
		s.merge(yield)
	}
}

// sorting is the state of Sorted.
type sorting[T any] struct {
	folder  string
	compare func(a, b *T) int
	most    int
	held    []T
	parts   []string
}

func (s *sorting[T]) sort() {
	slices.SortStableFunc(s.held, func(a, b T) int { return s.compare(&a, &b) })
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
	s.sort()
	path := filepath.Join(s.folder, fmt.Sprintf("sorted-%d.arrow", len(s.parts)))
	spool, err := NewSpool[T](path)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, path)
	for batch := range slices.Chunk(s.held, SpoolRows) {
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
	parts := []*part[T]{{rows: s.held, next: func() ([]T, error, bool) { return nil, nil, false }}}
	for _, path := range s.parts {
		next, stop := iter.Pull2(ReadSpool[T](path))
		defer stop()
		parts = append(parts, &part[T]{next: next})
	}
	out := make([]T, 0, SpoolRows)
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
			if first == nil || s.compare(&p.rows[0], &first.rows[0]) < 0 {
				first = p
			}
		}
		if first == nil {
			break
		}
		out, first.rows = append(out, first.rows[0]), first.rows[1:]
		if len(out) == SpoolRows {
			if !yield(out, nil) {
				return
			}
			out = make([]T, 0, SpoolRows)
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
