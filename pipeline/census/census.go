// Package census counts what a night meets, while its rows are decided: lines of decisions, the people of each silo,
// each counted once, whom no ground lets it hold, who stays in backups after they were erased, and how old rows are
// against their term.
//
// Its nouns: Night (all silos of a run), Table (where one judge's rows are counted), Row (what is told of one), Person
// (somebody, within one silo), Lines (rows by what was decided of them). It holds positions and keyed references in
// memory, and gives away counts alone.
package census

import (
	"encoding/binary"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Person is somebody within one silo: whom the registry knows, or whoever has an identifier that it does not know.
// 0 is nobody who can be told from others.
type Person uint64

// unknown marks a person whom the registry does not know.
const unknown Person = 1 << 63

// PersonOf is who has an identifier. Where the registry knows several collections under it, they are one person's.
func PersonOf(s *standings.Standings, ref keystore.Ref) Person {
	if ref == (keystore.Ref{}) {
		return 0
	}
	var scratch [4]int32
	least := int32(0)
	for _, c := range s.Collections(scratch[:0], &ref) {
		if least == 0 || c < least {
			least = c
		}
	}
	if least > 0 {
		return Person(least)
	}
	return Person(binary.LittleEndian.Uint64(ref[:])) | unknown
}

// Ground is what lets a row stand.
type Ground uint8

// The grounds. A row has one of them.
const (
	Grounded Ground = iota // a ground lets it be used, or it is anonymous
	Kept                   // it stays as it is, unused: a hold, a restriction, an objection that nobody weighed yet
	Doubtful               // nobody can tell yet: an exception
	InGrace                // no ground; its end is not due yet
	Due                    // no ground; its end is due
	Unknown                // the registry does not know whose it is
)

// GroundOf says what lets a row stand of which this was decided: reason, action and use.
func GroundOf(code reason.Code, action policy.Action, use policy.Use, held bool) Ground {
	switch {
	case code == "":
		return Doubtful
	case action == policy.Delete || action == policy.Anonymize || held:
		return Due
	case code == reason.XNoMatch || code == reason.XNoMatchGrace:
		return Unknown
	case code[0] == 'E', code == reason.XNotYetEffective:
		return Doubtful
	case code[0] == 'D':
		return InGrace
	case use == policy.Blocked:
		return Kept
	}
	return Grounded
}

// Row is what is told of a row.
type Row struct {
	Person    Person
	Anonymous bool   // nobody's any more
	Group     uint64 // of an anonymous one: of those that are alike in what is left of people; 0 nobody looked
	Nobodys   bool   // the registry does not know whose it is, and its grace is over
	Ground    Ground
	Blocked   bool          // the application does not use it
	Erased    bool          // of a copy: a night ended the row that it is a copy of
	Start     calendar.Date // of the term that decided; zero none runs, or nobody knows since when
	End       calendar.Date // its last day; zero it is open
}

// Night counts the silos of one run.
type Night struct {
	Today calendar.Date
	silos map[string]*silo
}

// silo is what was met of one.
type silo struct {
	people   People                // who have live rows
	stays    People                // who have one that is not due
	due      tally                 // rows that are due
	without  tally                 // rows without ground, also of whom the registry does not know
	inUse    People                // of those, who have one that is not blocked
	stranger People                // whom the registry does not know
	nobodys  map[[2]string]*People // the same by source and table
	ages     map[age]*Age
	live     map[string]bool // sources whose live rows were counted
	groups   map[[2]string]groups
	whole    []whole
	books
}

// books are what can be taken back, and what is left of it.
type books struct {
	Base   Counts          // before anything is taken back
	Owed   []owed          // of a run before: who has rows that are due, in order
	Debts  map[Person]debt // the same as an earlier build kept it
	Copies map[stay]copied // rows that should be gone from backups
	gone   tally
	ended  Ended
	closed bool // all were met, or it is of a run before
	before bool
}

// owed is somebody with what they have.
type owed struct {
	Person Person
	Debt   debt
}

// debt is somebody who has live rows that are due.
type debt struct {
	Due, Without           uint32 // rows, due and without ground
	Stays, InUse, Stranger bool
}

// stay is a person in a backup.
type stay struct {
	Person Person
	Source string
}

type copied struct {
	Rows   uint32
	Erased bool
}

// Ended are rows that were ended after they were counted: live ones, and copies that are gone.
type Ended struct{ Deleted, Anonymized, Weak, Copies int64 }

// How says how a row was ended.
type How uint8

// Deleted rows are gone, anonymized ones are nobody's any more; of weak ones a pseudonym is left, so that they are
// still somebody's.
const (
	Deleted How = iota
	Anonymized
	Weak
)

type age struct {
	source, object string
	tenth          int8
}

// Age counts live rows of a table by how much of their term is over.
type Age struct {
	Silo, Source, Object string
	Tenth                int8  // 0 to 9; 10 it is over; -1 no term runs yet
	Rows                 int64 //
	Due                  int64 // of those, that are to be ended
	DaysPast             int64 // since the end, of the row that is longest past it
}

// New counts a night.
func New(today calendar.Date) *Night { return &Night{Today: today, silos: map[string]*silo{}} }

func (n *Night) silo(name string) *silo {
	s := n.silos[name]
	if s == nil {
		s = &silo{ages: map[age]*Age{}, nobodys: map[[2]string]*People{}, live: map[string]bool{}}
		s.groups = map[[2]string]groups{}
		s.Copies = map[stay]copied{}
		n.silos[name] = s
	}
	return s
}

// Table is where the rows of one table of a source are counted for a silo.
type Table struct {
	today                calendar.Date
	silo                 *silo
	name, source, object string
	backup               bool
}

// Table is where rows of a table are counted; backup: they are copies. A nil night counts nothing.
func (n *Night) Table(silo, source, object string, backup bool) *Table {
	if n == nil {
		return nil
	}
	s := n.silo(silo)
	if !backup {
		s.live[source] = true
	}
	return &Table{today: n.Today, silo: s, name: silo, source: source, object: object, backup: backup}
}

// Add counts a row.
func (t *Table) Add(r Row) {
	if t == nil {
		return
	}
	if t.backup {
		t.addCopy(r)
		return
	}
	t.age(r)
	t.group(r)
	s, p := t.silo, r.Person
	if p == 0 || r.Anonymous {
		return
	}
	s.people.Add(p)
	if r.Ground == Due {
		s.due.add(p)
	} else {
		s.stays.Add(p)
	}
	if r.Nobodys {
		t.nobodys().Add(p)
	}
	if r.Ground == Unknown || p&unknown != 0 && r.Ground == Due {
		s.stranger.Add(p)
	}
	if r.Ground >= InGrace {
		s.without.add(p)
		if !r.Blocked {
			s.inUse.Add(p)
		}
	}
}

// nobodys are the people of the table whom the registry does not know.
func (t *Table) nobodys() *People {
	at := [2]string{t.source, t.object}
	if t.silo.nobodys[at] == nil {
		t.silo.nobodys[at] = &People{}
	}
	return t.silo.nobodys[at]
}

func (t *Table) addCopy(r Row) {
	if r.Person == 0 || r.Ground != Due {
		return
	}
	at := stay{r.Person, t.source}
	c := t.silo.Copies[at]
	t.silo.Copies[at] = copied{Rows: c.Rows + 1, Erased: c.Erased || r.Erased}
}

// age counts how much of a row's term is over.
func (t *Table) age(r Row) {
	tenth, past := int8(-1), int64(0)
	if r.End.Known() && r.End < t.today {
		tenth, past = 10, int64(t.today-r.End)
	} else if r.Start.Known() && r.End.Known() && r.Start <= r.End && r.Start <= t.today {
		tenth = int8(10 * int64(t.today-r.Start) / int64(r.End-r.Start+1))
	}
	k := age{t.source, t.object, tenth}
	a := t.silo.ages[k]
	if a == nil {
		a = &Age{Silo: t.name, Source: t.source, Object: t.object, Tenth: tenth}
		t.silo.ages[k] = a
	}
	a.Rows++
	a.Due += one(r.Ground == Due)
	a.DaysPast = max(a.DaysPast, past)
}

// Ended takes back a row of a source that was ended after it was counted. What was not counted is not taken back.
func (n *Night) Ended(silo, source string, p Person, how How) {
	if n == nil || n.silos[silo] == nil {
		return
	}
	s := n.silos[silo]
	at := stay{p, source}
	c, backup := s.Copies[at]
	if how == Deleted && !s.live[source] {
		s.ended.Copies++
	}
	switch {
	case s.live[source] && how == Weak:
		s.ended.Weak++
	case s.live[source] && how == Deleted:
		s.gone.add(p)
		s.ended.Deleted++
	case s.live[source]:
		s.gone.add(p)
		s.ended.Anonymized++
	case !backup || how == Weak:
	case c.Rows > 1:
		s.Copies[at] = copied{Rows: c.Rows - 1, Erased: c.Erased}
	default:
		delete(s.Copies, at)
	}
}
