// Package incidents finds signs that something may have happened that has to be notified (Art. 33), and keeps them
// until somebody has assessed them. None of them is a breach before a person says so.
//
//   - Watch looks at the end of a run at what it and those before it found: Restores, and Hints.
//   - Assess is how somebody says what a hint was.
package incidents

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// Clock is for how long a controller may look at what it knows before it has to notify (Art. 33(1)).
const Clock = 72 * time.Hour

// The kinds of hints.
const (
	Restored    = "restored_without_reapply"
	Disappeared = "unexplained_disappearance"
	Changed     = "mass_change"
	InTest      = "non_prod_pii"
	Altered     = "evidence_altered"
)

// Watch looks for hints in what a run found.
type Watch struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
}

// syncWord is what a run is called that only keeps the applications' copies up to date: it looks for no hints.
const syncWord = "sync"

// fewRows is from how many rows on half of them missing is a sign of anything.
const fewRows = 100

// of are the findings that are hints, by kind.
var of = map[string]string{"F_PII_IN_TEST": InTest, "F_ANSWERS_RESTORED": Altered, "F_LOG_RESTORED": Altered,
	"F_EVIDENCE_LOST": Altered, "F_REGISTRY_OLDER": Altered, "F_KEY_EVIDENCE_GONE": Altered}

// Look puts restores and hints into the facts. said are the answers as they stand; began is when the run did; tampered
// says that it ended because evidence, journal or registry do not hold.
func (w *Watch) Look(said answers.Chain, began time.Time, tampered bool) {
	if w.Tonight.Phases == setup.SyncOnly {
		return
	}
	f := &w.Notes.Facts
	w.restores(began)
	for _, r := range f.Restores {
		words := fmt.Sprintf("The newest row of the source was of %s, and is of %s now: it looks as if it had been "+
			"put back from a backup. What was erased in between may have stood there, and been used.",
			r.NewestBefore, r.NewestNow)
		if r.RowsBack > 0 {
			words = fmt.Sprintf("%d rows that earlier nights had ended stand in the source again: it was put back "+
				"from a copy. They may have been used.", r.RowsBack)
		}
		w.note(audit.Hint{Kind: Restored, Source: r.Source, Rows: r.RowsBack, Words: words}, began)
	}
	for _, x := range f.Findings {
		if kind := of[x.Kind]; kind != "" && x.Severity == "high" {
			w.note(audit.Hint{Kind: kind, Source: x.Source, Object: cmp.Or(x.Object, x.Kind), Rows: x.Count,
				Words: x.Words}, began)
		}
	}
	if tampered && !slices.ContainsFunc(f.Hints, func(h audit.Hint) bool { return h.Kind == Altered }) {
		w.note(audit.Hint{Kind: Altered, Object: "evidence", Words: "The run ended because evidence, journal or " +
			"registry are not as they were written (exit code 12): look who can write there."}, began)
	}
	w.shrunk(began)
	w.exported(began)
	w.carry()
	w.assess(said)
	slices.SortFunc(f.Hints, func(a, b audit.Hint) int {
		return cmp.Or(a.NoticedAt.Compare(b.NoticedAt), strings.Compare(a.HintID, b.HintID))
	})
}

// note adds a hint, as old as the first of the last nights that had it.
func (w *Watch) note(h audit.Hint, began time.Time) {
	names := w.Setup.Names // a hash of a name that may not be shown could be tried out
	sum := sha256.Sum256([]byte(strings.Join([]string{h.Kind, names.Of(h.Source), names.Of(h.Object)}, "\x1f")))
	h.HintID, h.NoticedAt = hex.EncodeToString(sum[:8]), began
	f := &w.Notes.Facts
	if slices.ContainsFunc(f.Hints, func(o audit.Hint) bool { return o.HintID == h.HintID }) {
		return
	}
	if i := slices.IndexFunc(w.last().Hints, func(o audit.Hint) bool { return o.HintID == h.HintID }); i >= 0 {
		h.NoticedAt = w.last().Hints[i].NoticedAt
	}
	h.ClockUntil = h.NoticedAt.Add(Clock)
	h.Sensitivity = gravest(f.Inventory, h.Source, h.Object)
	f.Hints = append(f.Hints, h)
}

// last are the facts of the newest run that looked.
func (w *Watch) last() audit.Facts {
	for _, f := range w.Notes.History {
		if f.Run.Phases != syncWord {
			return f
		}
	}
	return audit.Facts{}
}

// carry keeps what an earlier run noticed and nobody has assessed.
func (w *Watch) carry() {
	f := &w.Notes.Facts
	for _, h := range w.last().Hints {
		again := func(o audit.Hint) bool { return o.HintID == h.HintID }
		if h.ClosedAt.IsZero() && !slices.ContainsFunc(f.Hints, again) {
			f.Hints = append(f.Hints, h)
		}
	}
}

// assess says of hints what people said of them: the last counts who may, after it was noticed.
func (w *Watch) assess(said answers.Chain) { assess(w.Setup, w.Notes.Facts.Hints, said) }

func assess(p *setup.Setup, hints []audit.Hint, said answers.Chain) {
	for i := range hints {
		h := &hints[i]
		h.AssessedBy, h.Assessment, h.ClosedAt = "", "", time.Time{}
		for _, s := range said.All() {
			a := s.Answer
			about := a.Act == answers.Assess && a.About == answers.AboutIncident(h.HintID)
			void := said.Voided(p.People, s, a.Digest, p.Now()) != "" || !MayAssess(p.People[a.Actor])
			if !about || void || a.SignedAt.Before(h.NoticedAt) {
				continue
			}
			h.AssessedBy, h.Assessment, h.ClosedAt = a.Actor, a.Comment, a.SignedAt
		}
	}
}

// MayAssess reports whether a person may say what a hint was: who answers for data, and the data protection officer.
func MayAssess(p answers.Person) bool {
	return p.Is("dpo") || p.Is("custodian") || slices.ContainsFunc(p.Roles, func(role string) bool {
		return strings.HasPrefix(role, "owner:")
	})
}

// gravest is the gravest class of the fields of a table, or of a source.
func gravest(inventory []audit.Inventory, source, object string) (class string) {
	order := []string{"", "other", "quasi_identifier", "direct_identifier", "financial", "child", "credential",
		"criminal", "special"}
	for _, i := range inventory {
		if i.Source == source && (object == "" || i.Object == object) && i.Personal() &&
			slices.Index(order, i.Class) > slices.Index(order, class) {
			class = i.Class
		}
	}
	return class
}

// restores finds live sources in which rows stand again that nights had ended, or whose newest row is older than the
// night before saw it. The days are those of the fields by which the policy's terms count; a table of which Lethe
// itself ended rows since says nothing.
func (w *Watch) restores(began time.Time) {
	f := &w.Notes.Facts
	found := w.older()
	if f.Run.Night != "" { // it read nothing itself, but for what it ended once more
		found = map[string]audit.Restore{}
		f.Restores = slices.DeleteFunc(slices.Clone(w.last().Restores), func(r audit.Restore) bool {
			found[r.Source] = r
			return w.Notes.Back[r.Source] > 0
		})
	}
	for source, rows := range w.Notes.Back {
		r := found[source]
		r.Source, r.RowsBack = source, rows
		found[source] = r
	}
	for source, r := range found {
		if w.Notes.Back[source] == 0 && f.Run.Night != "" {
			continue
		}
		if r.DetectedAt.IsZero() {
			sum := sha256.Sum256([]byte(source + "\x1f" + w.Tonight.Today.String()))
			r.RestoreID, r.DetectedAt = hex.EncodeToString(sum[:8]), began
			r.GapMinutes = int64(began.Sub(w.last().Run.EndedAt) / time.Minute)
		} else { // a night had noticed it
			r.GapMinutes += int64(began.Sub(r.DetectedAt) / time.Minute)
		}
		if w.Tonight.Apply {
			r.Reapplied = w.Tonight.RunID
			for _, e := range f.Ended {
				if e.Source == source {
					r.RowsReerased += e.Rows
				}
			}
		}
		f.Restores = append(f.Restores, r)
	}
	slices.SortFunc(f.Restores, func(a, b audit.Restore) int { return strings.Compare(a.Source, b.Source) })
}

// older are the live sources of which every table that says so is older than it was.
func (w *Watch) older() map[string]audit.Restore {
	f := &w.Notes.Facts
	was := w.lastRead()
	found := map[string]audit.Restore{}
	for _, now := range f.Inventory {
		before, ok := was[place(now)]
		if now.Column != "" || now.Environment == "backup" || !ok || now.NewestRow == "" ||
			before.NewestRow == "" || now.NewestRow >= before.NewestRow || w.ended(now) > 0 {
			continue
		}
		r, known := found[now.Source]
		if !known || before.NewestRow > r.NewestBefore {
			r.NewestBefore = before.NewestRow
		}
		if !known || now.NewestRow > r.NewestNow {
			r.NewestNow = now.NewestRow
		}
		r.Source = now.Source
		found[now.Source] = r
	}
	maps.DeleteFunc(found, func(_ string, r audit.Restore) bool { return r.NewestNow >= r.NewestBefore })
	return found
}

func place(i audit.Inventory) notes.Object {
	return notes.Object{Source: i.Source, Table: i.Object + "\x1f" + i.Column}
}

// lastRead are tables and fields as the newest run before this one read them, live sources only.
func (w *Watch) lastRead() map[notes.Object]audit.Inventory {
	was := map[notes.Object]audit.Inventory{}
	for _, night := range w.Notes.History {
		for _, i := range night.Inventory {
			if _, ok := was[place(i)]; !ok && i.State == "scanned" && i.Sampled == 0 && i.Environment != "backup" {
				was[place(i)] = i
			}
		}
	}
	return was
}

// ended is how many rows of a table this run, and those since it was read before, deleted or anonymized.
func (w *Watch) ended(now audit.Inventory) (rows int64) {
	count := func(f audit.Facts) {
		for _, e := range f.Ended {
			if e.Source == now.Source && e.Object == now.Object {
				rows += e.Rows
			}
		}
	}
	count(w.Notes.Facts)
	for _, night := range w.Notes.History {
		count(night)
		if slices.ContainsFunc(night.Inventory, func(i audit.Inventory) bool { return place(i) == place(now) }) {
			break
		}
	}
	return rows
}

// shrunk finds live tables that lost more than half of their rows, and personal fields that lost more than half of
// their values, where Lethe did not end them.
func (w *Watch) shrunk(began time.Time) {
	f := &w.Notes.Facts
	if f.Run.Night != "" {
		return // it read nothing itself
	}
	was, lost := w.lastRead(), map[string]bool{}
	for _, now := range f.Inventory {
		before, ok := was[place(now)]
		if !ok || now.Environment != "production" || now.State != "scanned" || now.Sampled > 0 {
			continue
		}
		had, has, kind := before.Rows, now.Rows, Disappeared
		words := "The table had %d rows when it was read before, and has %d; Lethe ended %d of them."
		if now.Column != "" {
			had, has, kind = before.NonEmpty, now.NonEmpty, Changed
			words = "The field " + now.Column + " held something in %d rows when it was read before, and does in %d; " +
				"Lethe ended %d of them."
			if !before.Personal() || lost[now.Source+"\x1f"+now.Object] {
				continue
			}
		}
		ended := w.ended(now)
		if had < fewRows || 2*(had-has-ended) <= had {
			continue
		}
		lost[now.Source+"\x1f"+now.Object] = lost[now.Source+"\x1f"+now.Object] || now.Column == ""
		w.note(audit.Hint{Kind: kind, Source: now.Source, Object: now.Object, Rows: had - has - ended,
			Words: fmt.Sprintf(words, had, has, ended)}, began)
	}
}
