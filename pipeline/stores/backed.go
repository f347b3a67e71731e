package stores

import (
	"time"

	"lethe/pipeline/policy/calendar"
)

// Unbacked is a live source that asks for a newer backup than there is before anything in it is destroyed.
type Unbacked struct {
	Newest time.Time // when the newest one that can be read was taken; zero: there is none
	Ahead  bool      // there is one, dated after now: when it was taken is not known
	Most   calendar.Period
}

// Unbacked reports whether a store, or the live one that it is a backup of, lacks a backup as young as it asks for.
func (set *Set) Unbacked(s *Store) (u Unbacked, lacks bool) {
	if s.Backup() {
		if s = set.Find(s.Of); s == nil {
			return u, false
		}
	}
	if u.Most = s.MaxBackupAge; u.Most.IsZero() {
		return u, false
	}
	latest := set.tonight.AsOf
	if now := set.Setup.Now(); now.After(latest) {
		latest = now
	}
	for _, b := range set.List {
		switch {
		case b.Of != s.Name || b.Err != nil:
		case b.TakenAt.After(latest.Add(maxSkew)):
			u.Ahead = true
		case b.TakenAt.After(u.Newest):
			u.Newest = b.TakenAt
		}
	}
	if u.Newest.IsZero() {
		return u, true
	}
	zone := set.Setup.Zone
	u.Newest = u.Newest.In(zone)
	return u, calendar.EndOf(calendar.DateOf(u.Newest, zone), u.Most) < calendar.DateOf(set.tonight.AsOf, zone)
}

// String says it in words.
func (u Unbacked) String() string {
	switch {
	case u.Newest.IsZero() && u.Ahead:
		return "its backup is dated in the future, so that nobody knows how old it is, and max_backup_age asks for " +
			"one before rows are destroyed"
	case u.Newest.IsZero():
		return "no backup of it can be read, and max_backup_age asks for one before rows are destroyed"
	}
	return "its newest backup was taken on " + u.Newest.Format(time.DateOnly) + ", longer ago than max_backup_age (" +
		u.Most.String() + ") allows before rows are destroyed"
}
