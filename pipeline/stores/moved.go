package stores

import (
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
)

// Moved is the kind of the finding that a source is read at another place than the night before read it.
const Moved = "F_SOURCE_MOVED"

// Watch says which live sources stand at another place, another server or database, than when the last night that
// changes anything read them: what is due where they stood stays there, and who holds the file with the URL of a source
// can put a copy in its place. It is said until a whole night has: that notes the place. Of one that cannot be read
// something else is said.
func (set *Set) Watch(whole bool) {
	for _, s := range set.List {
		src := s.Source
		if src.Place == "" || s.Conn == nil {
			continue
		}
		if was := set.notes.Place(src.Name); was != "" && was != src.Place {
			set.notes.Find(audit.Finding{Kind: Moved, Severity: "high", Source: src.Name})
			set.notes.Problem(fmt.Errorf("%w: source %s is read at another server, database or file than before: what "+
				"is due where it stood stays there; see who changed its dsn, or its apply_dsn",
				setup.ErrUnapproved, src.Name))
		}
		if whole && set.tonight.Apply {
			if set.notes.Facts.Places == nil {
				set.notes.Facts.Places = map[string]string{}
			}
			set.notes.Facts.Places[src.Name] = src.Place
		}
	}
}
