// Package paging holds what a connector of an SQL server needs to read a table page by page, and rows by their keys piece
// by piece, whatever words its server has for it. Its nouns: a Place is where a scan stands, which a cursor writes down;
// Pieces are the keys of a query, cut into those of one statement each; Pages say how many rows the next statement asks
// for; a Reader puts what statements return into batches.
package paging

import (
	"errors"
	"fmt"
	"strconv"

	"lethe/connectors"
)

// Place is where a scan stands: in which piece of the keys, and behind which row of it.
type Place struct {
	Piece int
	Rows  int      // in a table without a key: how many rows of the piece have been read
	After [][]byte // else: the last row's key; nil: before the first row
}

// Cursor writes the place down.
func (p Place) Cursor() connectors.Cursor {
	parts := [][]byte{strconv.AppendInt(nil, int64(p.Piece), 10), strconv.AppendInt(nil, int64(p.Rows), 10)}
	return connectors.Cursor(connectors.MakeKey(append(parts, p.After...)...))
}

// ParsePlace reads a cursor of a table whose key has so many fields; check says whether a value is one of the i-th.
func ParsePlace(c connectors.Cursor, fields int, check func(i int, value []byte) error) (Place, error) {
	if c == "" {
		return Place{}, nil
	}
	parts, err := connectors.Key(c).Values()
	if err == nil && len(parts) != 2+fields {
		err = fmt.Errorf("the cursor is not of this table's key: %w", connectors.ErrSchemaChanged)
	}
	if err != nil {
		return Place{}, err
	}
	var p Place
	if p.Piece, err = strconv.Atoi(string(parts[0])); err == nil {
		p.Rows, err = strconv.Atoi(string(parts[1]))
	}
	if err != nil || p.Piece < 0 || p.Rows < 0 {
		return Place{}, errors.New("damaged cursor")
	}
	if fields > 0 {
		p.After = parts[2:]
	}
	for i, v := range p.After {
		if check(i, v) != nil {
			return Place{}, errors.New("damaged cursor")
		}
	}
	return p, nil
}

// Beyond says whether the place is behind the row with the integer key at which another place begins.
func (p Place) Beyond(start Place) bool {
	if p.After == nil || start.After == nil {
		return false
	}
	from, err := strconv.ParseInt(string(start.After[0]), 10, 64)
	to, beyond := strconv.ParseInt(string(p.After[0]), 10, 64)
	return err == nil && beyond == nil && from < to
}

// firstRows is how many rows the first page has, before it is known how long they are.
const firstRows = 500

// Pages say how many rows the statement of a page asks for: the more the shorter they are.
type Pages struct {
	Limit int // 0 none
	most  int
}

// NewPages begins with few rows, and goes on to so many at the most.
func NewPages(most int) Pages { return Pages{Limit: min(most, firstRows), most: most} }

// Next learns from a page of some rows, and reports whether it was the last. whole says that no batch of the page ended
// for its bytes.
func (p *Pages) Next(rows int, whole bool) (last bool) {
	switch {
	case p.Limit == 0 || rows < p.Limit:
		return true
	case whole:
		p.Limit = min(p.most, p.Limit*8)
	default: // the values fill a batch before the page ends
		p.Limit = max(1, p.Limit/4)
	}
	return false
}
