// Package balance draws up, at the end of a run, what it leaves: silo by silo the people, rows and copies, rows by
// their age, and which sources were read. A run that only applies what was approved goes on from the night that
// decided: nothing of it is dropped.
//
// Its nouns: Book (which draws up), Settled (planned rows counted by what became of them).
package balance

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Settled counts planned rows by what became of them.
type Settled struct {
	Silo, Source, Object, Change, Reason, Status string
	Rows                                         int64
}

// Ended reports whether the rows are deleted or anonymized.
func (s Settled) Ended() bool {
	return (s.Status == "done" || s.Status == "recovered") && (s.Change == "delete" || s.Change == "anonymize")
}

// Book draws up what a run leaves.
type Book struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Census  *census.Night
	Stores  *stores.Set
	Scanner *scan.Scanner
	Silos   *silos.Set
}

// file is what a run keeps of its census.
func (b *Book) file(runID string) string {
	return filepath.Join(b.Setup.State, "runs", runID, census.File)
}

// Recall goes on from the night that decided, where a run only applies. Without its file people stay as they were
// counted then.
func (b *Book) Recall() error {
	if !b.goesOn() {
		return nil
	}
	err := b.Census.Load(b.file(b.Notes.Newest.Run.RunID), b.Setup.Keys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Draw puts the tables silos, ages and sources into the facts, with the people that other tables name. The facts are
// complete otherwise.
func (b *Book) Draw(settled []Settled) {
	switch b.Tonight.Phases {
	case setup.SyncOnly, setup.RebuildOnly:
		return
	case setup.DiscoverOnly:
		b.sources()
		return
	}
	b.sources()
	b.backups()
	b.keptWhole()
	b.ages(settled)
	b.groups()
	for _, s := range b.Setup.Silos {
		row := b.silo(s.Silo.Name, settled)
		row.Owner = s.Silo.Rules[0].Owner
		b.Notes.Facts.Silos = append(b.Notes.Facts.Silos, row)
	}
	b.lastCopies()
	b.rollUp()
	for i := range b.Notes.Facts.Exceptions {
		e := &b.Notes.Facts.Exceptions[i]
		if n := b.Census.Nobodys(e.Silo, e.Source, e.Object); n > 0 && e.Code == string(reason.XNoMatch) {
			e.People = n
		}
	}
	// without it a run that applies counts no people
	if err := b.Census.Save(b.file(b.Tonight.RunID), b.Setup.Keys); err != nil {
		b.Setup.Log.Warn("census not kept", "run_id", b.Tonight.RunID, "error", err)
	}
}

// sources says of each configured source whether it was read.
func (b *Book) sources() {
	facts := &b.Notes.Facts
	for _, src := range b.Setup.Sources {
		row := audit.Source{Source: src.Name, SourceSet: cmp.Or(src.Set, src.Name), Application: src.Application,
			Environment: src.Environment, Location: src.Location, Engine: src.Connector, BackupOf: src.Of,
			TakenAt: src.TakenAt, State: "unread"}
		was := b.lastSource(src.Name)
		row.LastRead = was.LastRead
		if b.Stores.Find(src.Name) == nil && b.goesOn() && was.Source != "" { // it was not asked
			row.State, row.ErrorCode, row.RowsRead, row.Tables = was.State, was.ErrorCode, was.RowsRead, was.Tables
		}
		if s := b.Stores.Find(src.Name); s != nil {
			row.Tables = int64(len(s.Tables))
			if read := b.Scanner.Of(src.Name); read != nil {
				for _, r := range read.Readings {
					row.RowsRead += r.Rows
				}
			}
			switch {
			case s.Err != nil:
				row.State, row.ErrorCode = "failed", code(s.Err)
			case b.read(src.Name):
				row.State, row.LastRead = "scanned", b.Tonight.Today.String()
			case b.goesOn() && was.Source != "":
				row.State, row.ErrorCode, row.RowsRead, row.Tables = was.State, was.ErrorCode, was.RowsRead, was.Tables
			}
		}
		facts.Sources = append(facts.Sources, row)
	}
}

// code is why a source failed.
func code(err error) string {
	switch words := notes.Failure(err); words {
	case "access denied":
		return "DENIED"
	case "connection without TLS":
		return "PLAINTEXT"
	case "damaged or incomplete":
		return "DAMAGED"
	case "unsupported operation":
		return "UNSUPPORTED"
	default:
		return strings.ToUpper(strings.ReplaceAll(words, " ", "_"))
	}
}

// lastSource is what the newest run that spoke of a source said.
func (b *Book) lastSource(name string) audit.Source {
	for _, f := range b.Notes.History {
		if i := slices.IndexFunc(f.Sources, func(s audit.Source) bool { return s.Source == name }); i >= 0 {
			return f.Sources[i]
		}
	}
	return audit.Source{}
}

// read reports whether a source was read to its end.
func (b *Book) read(name string) bool {
	s := b.Scanner.Of(name)
	return s != nil && s.Err == nil && s.Surveyed
}

// ages are those of tonight, and the last ones of what was not read, without the rows that the run ended.
func (b *Book) ages(settled []Settled) {
	facts := &b.Notes.Facts
	for _, a := range b.Census.Ages() {
		if b.read(a.Source) {
			facts.Ages = append(facts.Ages, audit.Age{Silo: a.Silo, Source: a.Source, Object: a.Object,
				Tenth: int32(a.Tenth), Rows: a.Rows, Due: a.Due, DaysPast: a.DaysPast,
				ReadOn: b.Tonight.Today.String()})
		}
	}
	if b.Notes.Newest == nil {
		return
	}
	for _, a := range b.Notes.Newest.Ages {
		if b.configured(a.Silo, a.Source, a.Object) && !b.read(a.Source) {
			facts.Ages = append(facts.Ages, a)
		}
	}
	facts.Ages = aged(facts.Ages, settled)
	slices.SortStableFunc(facts.Ages, func(a, b audit.Age) int { return strings.Compare(a.Silo, b.Silo) })
}

// configured reports whether a silo has records in a table.
func (b *Book) configured(silo, source, object string) bool {
	for _, s := range b.Setup.Silos {
		if s.Silo.Name == silo && len(s.Silo.Wheres(source, object)) > 0 {
			return true
		}
	}
	return false
}

// live lists the live sources of a silo.
func (b *Book) live(silo string) (names []string) {
	for _, s := range b.Setup.Silos {
		for _, r := range s.Silo.Records {
			if s.Silo.Name == silo && !slices.Contains(names, r.Source) {
				names = append(names, r.Source)
			}
		}
	}
	return names
}

// nameless reports whether the policy says of none of a silo's rows whose it is.
func (b *Book) nameless(silo string) bool {
	for _, s := range b.Setup.Silos {
		for _, r := range s.Silo.Records {
			if s.Silo.Name == silo && len(r.Subject)+len(r.Via) > 0 {
				return false
			}
		}
	}
	return true
}

// silo is what the run leaves of a silo.
func (b *Book) silo(name string, settled []Settled) audit.Silo {
	live, was := b.live(name), b.lastSilo(name)
	whole := !slices.ContainsFunc(live, func(source string) bool { return !b.read(source) })
	s := audit.Silo{}
	switch {
	case whole:
		s = b.counted(name)
		s.ReadOn = b.Tonight.Today.String()
	case was != nil:
		s = *was
		b.less(&s, name)
	default:
		s = b.counted(name) // of what could be read
	}
	s.Nameless = b.nameless(name)
	b.copies(&s, live, was)
	s.RowsEnded = b.before(was)
	for _, l := range settled {
		if l.Silo == name && l.Ended() && slices.Contains(live, l.Source) && b.configured(name, l.Source, l.Object) {
			s.RowsEnded += l.Rows
		}
	}
	return s
}

// copies counts a silo's rows in backups, and the people who were erased and are there, where all of them were read.
func (b *Book) copies(s *audit.Silo, live []string, was *audit.Silo) {
	gone := b.Census.EndedOf(s.Silo).Copies
	unread := slices.ContainsFunc(b.Setup.Sources, func(src setup.Source) bool {
		return src.Backup() && slices.Contains(live, src.Of) && !b.read(src.Name)
	})
	switch {
	case b.goesOn() && was != nil:
		s.Copies = was.Copies - gone
	case unread && was != nil:
		s.Copies, s.ErasedPeople, s.LastCopyOn = was.Copies, was.ErasedPeople, was.LastCopyOn
		return
	default:
		s.Copies = -gone
		for _, l := range b.Notes.Facts.Summary {
			if l.Silo == s.Silo && !slices.Contains(live, l.Source) {
				s.Copies += l.Rows
			}
		}
	}
	held := b.Census.CopiesOf(s.Silo, b.goes)
	s.ErasedPeople, s.LastCopyOn = held.People, held.LastCopy.String()
}

// lastSilo is what the last night left of a silo; nil where none did.
func (b *Book) lastSilo(name string) *audit.Silo {
	for _, f := range b.Notes.History {
		if i := slices.IndexFunc(f.Silos, func(s audit.Silo) bool { return s.Silo == name }); i >= 0 {
			return &f.Silos[i]
		}
	}
	return nil
}

// before is how many rows the night had ended on which a run that only applies goes on, where both are of one day.
func (b *Book) before(was *audit.Silo) int64 {
	if !b.goesOn() || was == nil ||
		calendar.DateOf(b.Notes.Newest.Run.AsOf, b.Setup.Zone) != b.Tonight.Today {
		return 0
	}
	return was.RowsEnded
}

// counted is a silo as the run counted it.
func (b *Book) counted(name string) audit.Silo {
	people, _ := b.Census.Of(name)
	s := audit.Silo{Silo: name, People: people.People, PeopleWithoutGround: people.WithoutGround,
		PeopleBlocked: people.Blocked, PeopleUnknown: people.Unknown}
	live, due := b.live(name), int64(0)
	for _, l := range b.Notes.Facts.Summary {
		if l.Silo != name || !slices.Contains(live, l.Source) {
			continue
		}
		s.Rows += l.Rows
		switch census.GroundOfLine(l) {
		case census.Grounded:
			s.WithGround += l.Rows
		case census.Kept:
			s.KeptBlocked += l.Rows
		case census.Doubtful:
			s.InDoubt += l.Rows
		case census.InGrace:
			s.InGrace += l.Rows
		case census.Unknown:
			s.Unknown += l.Rows
		case census.Due:
			due += l.Rows
		}
	}
	b.owed(&s, due)
	return s
}

// less takes off what was ended since a silo was counted.
func (b *Book) less(s *audit.Silo, name string) {
	people, _ := b.Census.Of(name) // none, less those who are gone
	if b.goesOn() {
		s.People, s.PeopleWithoutGround = s.People+people.People, s.PeopleWithoutGround+people.WithoutGround
		s.PeopleBlocked, s.PeopleUnknown = s.PeopleBlocked+people.Blocked, s.PeopleUnknown+people.Unknown
	}
	b.owed(s, s.Waiting+s.NotDone)
}

// owed parts the rows that are due into those that were ended, those that wait for people, and the others.
func (b *Book) owed(s *audit.Silo, due int64) {
	ended := b.Census.EndedOf(s.Silo)
	ended.Deleted = min(ended.Deleted, due)
	ended.Anonymized = min(ended.Anonymized, due-ended.Deleted)
	ended.Weak = min(ended.Weak, due-ended.Deleted-ended.Anonymized)
	s.Rows, s.WithGround, s.InDoubt = s.Rows-ended.Deleted, s.WithGround+ended.Anonymized, s.InDoubt+ended.Weak
	due -= ended.Deleted + ended.Anonymized + ended.Weak
	waits := int64(0)
	for _, p := range b.Notes.Facts.Plans {
		if p.Silo == s.Silo && p.State == journal.Waiting && (p.Change == "delete" || p.Change == "anonymize") &&
			b.configured(p.Silo, p.Source, p.Object) {
			waits += p.Rows
		}
	}
	s.Waiting = min(waits, due)
	s.NotDone = due - s.Waiting
}

// goes is the day on which what should be gone from a backup is gone.
func (b *Book) goes(source string) calendar.Date {
	i := slices.IndexFunc(b.Notes.Facts.Backups, func(r audit.Backup) bool { return r.Source == source })
	if i < 0 {
		return 0
	}
	day, err := calendar.ParseDate(b.Notes.Facts.Backups[i].GoesOn)
	if err != nil {
		return 0
	}
	return day
}

// backups completes the rows of backups with the day on which what should be gone from them is gone at the latest: that
// of the next rewrite, unless people have to let it go first.
func (b *Book) backups() {
	for i := range b.Notes.Facts.Backups {
		r := &b.Notes.Facts.Backups[i]
		goes := dayOf(r.ExpiresAt, b.Setup.Zone)
		s := b.Stores.Find(r.Source)
		if s != nil {
			r.SourceSet = cmp.Or(s.Set, s.Name)
		}
		oldest, err := calendar.ParseDate(r.Oldest)
		rewritten := s != nil && s.Rewrite != nil && r.Strategy == "rewrite" && r.Pending > 0 && !b.asked(r.Source)
		if rewritten && err == nil {
			due := max(calendar.EndOf(oldest, s.Rewrite.After), b.Tonight.Today+1)
			if last := dayOf(r.LastRewrite, b.Setup.Zone); last.Known() {
				due = max(due, calendar.EndOf(last, s.Rewrite.AtMostEvery))
			}
			if !goes.Known() || due < goes {
				goes = due
			}
		}
		r.GoesOn = goes.String()
	}
}

// asked reports whether a plan waits for people that would change a source.
func (b *Book) asked(source string) bool {
	return slices.ContainsFunc(b.Notes.Facts.Plans, func(p audit.Plan) bool {
		return p.Source == source && p.State == journal.Waiting
	})
}

func dayOf(t time.Time, zone *time.Location) calendar.Date {
	if t.IsZero() {
		return 0
	}
	return calendar.DateOf(t, zone)
}

// lastCopies counts in each backup the people who were erased, and those whose last copy is in it.
func (b *Book) lastCopies() {
	for i := range b.Notes.Facts.Backups {
		b.Notes.Facts.Backups[i].ErasedPeople, b.Notes.Facts.Backups[i].LastCopies = 0, 0
	}
	for _, s := range b.Setup.Silos {
		held := b.Census.CopiesOf(s.Silo.Name, b.goes)
		for i := range b.Notes.Facts.Backups {
			r := &b.Notes.Facts.Backups[i]
			r.ErasedPeople, r.LastCopies = r.ErasedPeople+held.InFile[r.Source], r.LastCopies+held.Last[r.Source]
		}
	}
}
