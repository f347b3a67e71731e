// Package roots keeps the governed rows that plans may hold, of which there are very many. Its nouns: a Root is such a
// row, a List all of one judge; a Change is what is done to a row in its source, a Guard a digest of what the decision
// saw.
package roots

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/numbered"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// Change is what a decision changes in a source.
type Change string

// The changes. Block and unblock are reversible; the others destroy.
const (
	None      Change = ""
	Block     Change = "block"
	Unblock   Change = "unblock"
	Clear     Change = "clear"
	Anonymize Change = "anonymize"
	Delete    Change = "delete"
	SetNull   Change = "set_null" // the foreign key of a row that stays when the row it refers to goes
)

// Reversible reports whether a change destroys nothing.
func (c Change) Reversible() bool { return c == Block || c == Unblock }

// Guard is a keyed digest of what a decision saw of a row.
type Guard [16]byte

// Root is a governed row that a plan may hold. There are very many of them: a root holds no pointers, its judge has its
// key, and its shape, which many have alike.
type Root struct {
	Guard   Guard
	Subject keystore.Ref  // the identifier that met the registry; zero if none did
	End     calendar.Date // the day on which the last ground ended, zero for none with a day; Due is of the erasure
	Due     calendar.Date
	Until   calendar.Date
	at      int32 // of the list
	Shape   int32 // among those of its judge
	change  uint8
	Block   bool // also to be blocked now, for the change may wait
	Kept    bool // a referencing row stays, so it cannot be deleted
	Held    bool // nor can it be anonymized, as what was declared to go with it stays
	Waits   bool // what refers to it stands in a plan that waits
	Ramped  bool // left for a later night by the ramp, or left in a plan that waits
	Asks    bool // no standing order covers it: people are asked

	Back uint8 // how far a night had ended it, as package traces counts: it stands there again

	Open       bool  // it is to be ended, and not known yet whether what refers to it lets it go
	Anonymized bool  // holds already what anonymizing yields
	BlockGuard Guard // covers the decision's own fields only
	ElseGuard  Guard // of the anonymizing that takes the place of deleting
}

// changes are those of roots, by number.
var changes = [...]Change{None, Block, Unblock, Clear, Anonymize, Delete, SetNull}

// Change is what is done to the row.
func (r *Root) Change() Change { return changes[r.change] }

// Let has something else done to the row.
func (r *Root) Let(c Change) { r.change = uint8(slices.Index(changes[:], c)) }

// At is its number in the list.
func (r *Root) At() int32 { return r.at }

// List is the roots of a judge, with the keys of their rows. The zero value has none, and lies in memory.
type List struct {
	roots numbered.Column[Root]
	keys  numbered.Texts
}

// In lets a list that is empty yet lie in a room.
func (l *List) In(r *numbered.Room) { l.roots.Room, l.keys.Room = r, r }

// Add adds a root, which stays where it is.
func (l *List) Add(key connectors.Key, r Root) *Root {
	r.at = l.keys.Add(string(key))
	return l.RootAt(int32(l.roots.Add(r)))
}

// RootAt is the root that has a number.
func (l *List) RootAt(at int32) *Root { return l.roots.At(int(at)) }

// KeyOf is the key of a root's row.
func (l *List) KeyOf(r *Root) connectors.Key { return connectors.Key(l.keys.Append(nil, r.at)) }
