// Package traces says what earlier nights left about a row: tombstones of its key. Its noun: an End is how far a night
// had ended a row that stands there again.
package traces

import (
	"slices"
	"strings"
	"time"

	"lethe/pipeline/judge/roots"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// End is how far a row was ended, the least first.
type End uint8

// The ends.
const (
	NotEnded   End = iota
	Cleared        // some of its fields
	Anonymized     // all that its silo says
	Deleted
)

// clears begins the action of a tombstone that says which fields of a record were cleared; they follow.
const clears = "clear "

// ClearedOf is the action of the tombstone of a record that lost fields.
func ClearedOf(fields []string) string {
	sorted := slices.Clone(fields)
	slices.Sort(sorted)
	return clears + strings.Join(slices.Compact(sorted), "\x1f")
}

// Fields are those that the record of such a tombstone lost; none of another.
func Fields(t registry.Tombstone) []string {
	if lost, is := strings.CutPrefix(t.Action, clears); is {
		return strings.Split(lost, "\x1f")
	}
	return nil
}

// endOf is how far a tombstone says that its record was ended, as far as these fields are concerned.
func endOf(t registry.Tombstone, fields []string) End {
	switch t.Action {
	case string(policy.Delete):
		return Deleted
	case string(policy.Anonymize):
		return Anonymized
	}
	lost := Fields(t)
	if len(fields) == 0 || slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(lost, f) }) {
		return NotEnded
	}
	return Cleared
}

// Ended is how far the plans of these digests had ended the record of a person, or these fields of it.
func Ended(list []registry.Tombstone, subject keystore.Ref, fields []string, plans map[string]bool) (end End) {
	for _, t := range list {
		if t.Subject == subject && plans[t.PlanDigest] {
			end = max(end, endOf(t, fields))
		}
	}
	return end
}

// Bound reports whether a change ends no more of a row than had been ended of it.
func Bound(c roots.Change, end End) bool {
	switch c {
	case roots.Delete:
		return end >= Deleted
	case roots.Anonymize:
		return end >= Anonymized
	case roots.Clear:
		return end >= Cleared
	}
	return false
}

// Row is what is known of a row whose key tombstones name.
type Row struct {
	Subject   keystore.Ref // the identifier that it is known by; zero: none
	By        time.Time    // by when it had come to be; zero: it does not say
	Generated bool         // its key looks like one that the database gives out
	Fields    []string     // that are to be cleared, where nothing else is
}

// Back is how far nights had ended a row that stands there again, by the tombstones of its key, and how far those plans
// did that these digests name; NotEnded where it is not sure that it is the same row. Keys are used again: its person
// must be the same, and it must not be younger than its end. A row that does not say since when it is there must have a
// key that nobody chooses, such as a number: who signs up again under an address has the same one.
func Back(list []registry.Tombstone, row Row, plans map[string]bool) (end, planned End) {
	if row.By.IsZero() && (!row.Generated || row.Subject == keystore.Ref{}) {
		return NotEnded, NotEnded
	}
	for _, t := range list {
		if t.Subject != row.Subject || row.By.After(t.ErasedAt) {
			continue
		}
		is := endOf(t, row.Fields)
		if end = max(end, is); plans[t.PlanDigest] {
			planned = max(planned, is)
		}
	}
	return end, planned
}

// Reused reports whether a night deleted the row that had a key, and what has it now is another's.
func Reused(list []registry.Tombstone, subject keystore.Ref) bool {
	deleted := false
	for _, t := range list {
		if t.Action == string(policy.Delete) {
			if t.Subject == subject {
				return false
			}
			deleted = true
		}
	}
	return deleted
}

// WasAnonymized reports whether a night anonymized the record. Where anonymizing leaves the identifiers alone, they
// have to be those of the person whose record it was; unnamed: it does not.
func WasAnonymized(list []registry.Tombstone, subject keystore.Ref, unnamed bool) bool {
	nobody := keystore.Ref{}
	return slices.ContainsFunc(list, func(t registry.Tombstone) bool {
		same := t.Subject == subject || subject == nobody || t.Subject == nobody
		return t.Action == string(policy.Anonymize) && (same || unnamed)
	})
}
