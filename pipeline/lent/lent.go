// Package lent keeps which copies for development and test were made of governed sources: a [Copy] each, signed, in the
// state folder, with who answers for it, what for, and the day on which it is to be destroyed.
package lent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/vouched"
)

// Copy is a copy that was made. It holds no value of a record.
type Copy struct {
	ID        string         `json:"id"`
	Source    string         `json:"source"` // as the configuration names it
	To        string         `json:"to"`     // the file's path, or the database's place without a password
	Owner     string         `json:"owner"`  // who answers for it
	Purpose   string         `json:"purpose"`
	MadeAt    time.Time      `json:"made_at"`
	Until     string         `json:"until"`               // the last day on which it may be there
	Rows      int64          `json:"rows"`                // that it has
	Replaced  int64          `json:"values_replaced"`     // values
	LeftOut   int64          `json:"rows_left_out"`       // of people of whom no copy is made
	Everybody bool           `json:"everybody"`           // nobody was asked about whom to leave out
	Waived    []Waived       `json:"waived,omitempty"`    // what stays though it looks personal
	Found     map[string]int `json:"found,omitempty"`     // percent of a table's rows that what stays gives away
	Ended     string         `json:"destroyed,omitempty"` // on which somebody said that it is gone
	EndedBy   string         `json:"destroyed_by,omitempty"`
	Program   string         `json:"program"` // the version of Lethe
}

// Waived is a field that stays by somebody's word.
type Waived struct {
	Field   string `json:"field"` // TABLE.FIELD
	Because string `json:"because"`
}

// copies are the files that keep them.
var copies = vouched.Kind[Copy]{Folder: "test-copies", Under: "copy for test", Field: "copy",
	Name: func(c Copy) string { return c.ID }}

// Note signs a copy and keeps it.
func Note(p *setup.Setup, c Copy) error {
	c.Program = p.Version
	return copies.Leave(p, c)
}

// Read finds the copies, the oldest first.
func Read(p *setup.Setup) ([]Copy, error) {
	list, err := copies.Read(p)
	slices.SortStableFunc(list, func(a, b Copy) int { return a.MadeAt.Compare(b.MadeAt) })
	return list, err
}

// Overdue reports whether a copy is still there, as far as is known, after its last day.
func (c Copy) Overdue(today calendar.Date) bool { return c.Ended == "" && today.String() > c.Until }

// ErrNone is a copy that is not known.
var ErrNone = errors.New("no such copy")

// End notes that a copy is gone, by whose word.
func End(p *setup.Setup, id, by string, today calendar.Date) (Copy, error) {
	list, err := copies.Read(p)
	if err != nil {
		return Copy{}, err
	}
	i := slices.IndexFunc(list, func(c Copy) bool { return c.ID == id })
	if i < 0 {
		return Copy{}, fmt.Errorf("%w: %q: `lethe sanitize list` names them", ErrNone, id)
	}
	c := list[i]
	if c.Ended == "" {
		c.Ended, c.EndedBy = today.String(), by
		err = copies.Leave(p, c)
	}
	return c, err
}
