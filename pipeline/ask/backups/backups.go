// Package backups says which backups there are: whose each is, what it is by what it begins with, until when it stays,
// and who should be gone from it. It reads no record, and changes nothing.
package backups

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lethe/connectors/signature"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/tried"
)

// Backup is one file or folder.
type Backup struct {
	Source      string    `json:"source"`      // as the reports name it; "" it is no source's
	Application string    `json:"application"` // whose data it holds; "" nobody said
	Of          string    `json:"of"`          // the live source that it is a copy of; "" nobody said
	Path        string    `json:"path"`
	Format      string    `json:"format"`            // what it is, by what it begins with or holds
	Class       string    `json:"class"`             // as package signature has them
	TakenAt     time.Time `json:"taken_at,omitzero"` // zero: it is not known
	KeptUntil   string    `json:"kept_until"`        // civil date; "" no keep says
	Strategy    string    `json:"strategy"`          // rewrite, age_out, beyond_use; "" no night has looked at it yet
	Why         string    `json:"why"`
	Pending     int64     `json:"pending_rows"`          // that should be gone from it
	Erased      int64     `json:"erased_people"`         // who are in it though a night ended their rows
	GoneOn      string    `json:"gone_on"`               // civil date on which they are gone from it; "" not known
	LastRewrite time.Time `json:"last_rewrite,omitzero"` // zero: none
	TriedAt     time.Time `json:"tried_at,omitzero"`     // when it was last put back for trial; zero: never
	Tried       string    `json:"tried,omitempty"`       // ok, failed

	// Status is as in the reports; unseen: no night has looked at it yet; stray: no source's; gone: not there.
	Status string `json:"status"`
}

// lookBack is how many runs are asked for the newest that looked at backups.
const lookBack = 60

// List are all backups, in the order of the configuration, and behind them what lies beside them.
func List(ctx context.Context, p *setup.Setup) (list []Backup, err error) {
	known, err := newest(ctx, p)
	if err != nil {
		return nil, err
	}
	trials, err := tried.Read(p)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Sources {
		if !s.Backup() || s.Path == "" {
			continue
		}
		b := of(p, s, known[s.Name])
		if t, ok := tried.Of(trials, s.Name); ok {
			if b.TriedAt, b.Tried = t.TriedAt, "ok"; !t.Holds() {
				b.Tried = "failed"
			}
		}
		list = append(list, b)
	}
	for _, s := range p.Strays {
		kind, err := signature.On(s.Shelf, s.Path)
		if err != nil || kind.Class == signature.Unknown && len(kind.Packed) == 0 {
			continue
		}
		list = append(list, Backup{Path: s.Path, Format: kind.String(), Class: string(kind.Class),
			TakenAt: s.TakenAt, Status: "stray",
			Why: "no source's path matches it: say whose it is, or delete it"})
	}
	return list, nil
}

// of is a backup of a source, with what a night said of it.
func of(p *setup.Setup, s setup.Source, said audit.Backup) Backup {
	b := Backup{Source: s.Name, Application: s.Application, Of: s.Of, Path: s.Path, TakenAt: s.TakenAt,
		Strategy: said.Strategy, Why: said.Why, Pending: said.Pending, Erased: said.ErasedPeople, GoneOn: said.GoesOn,
		LastRewrite: said.LastRewrite, Status: cmp.Or(said.Status, "unseen")}
	if !said.TakenAt.IsZero() && said.TakenAt.Before(b.TakenAt) { // as it says itself
		b.TakenAt = said.TakenAt
	}
	if !s.Keep.IsZero() {
		b.KeptUntil = calendar.EndOf(calendar.DateOf(b.TakenAt, p.Zone), s.Keep).String()
	}
	if s.Version != "" {
		b.Format, b.Class = s.Version, string(signature.Unknown)
		if b.KeptUntil == "" && !s.Ends.IsZero() {
			b.KeptUntil = calendar.DateOf(s.Ends, p.Zone).String()
		}
		return b
	}
	kind, err := signature.On(s.Shelf, s.Path)
	if err != nil {
		if s.Shelf != nil {
			b.Why = err.Error()
		}
		b.Status, b.Format, b.Class = "gone", "not there, or not to be read", string(signature.Unknown)
		return b
	}
	b.Format, b.Class = kind.String(), string(kind.Class)
	if b.Status == "unseen" {
		b.Why = "no night has looked at it yet"
	}
	return b
}

// newest is what the newest run that looked at backups said of each.
func newest(ctx context.Context, p *setup.Setup) (said map[string]audit.Backup, err error) {
	said = map[string]audit.Backup{}
	j, _, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, lookBack)
	if err != nil {
		return nil, err
	}
	f, err := state.Newest(runs, func(f *audit.Facts) bool { return len(f.Backups) > 0 })
	if err != nil || f == nil {
		return said, err
	}
	for _, b := range f.Backups {
		said[b.Source] = b
	}
	return said, nil
}

// Sum says of all of them together: how many there are, who is still in them, and until when.
func Sum(list []Backup) (erased int64, until string, open bool) {
	for _, b := range list {
		if b.Erased == 0 {
			continue
		}
		erased += b.Erased
		open = open || b.GoneOn == ""
		until = max(until, b.GoneOn)
	}
	return erased, until, open
}

// Applications are those that have no backup rule, though they have a live source: nothing says what becomes of theirs.
func Applications(p *setup.Setup) (without []string) {
	var have []string
	for _, s := range p.Sources {
		if s.Backup() {
			have = append(have, s.Application)
		}
	}
	for _, s := range p.Sources {
		if !s.Backup() && !slices.Contains(have, s.Application) && !slices.Contains(without, s.Application) {
			without = append(without, s.Application)
		}
	}
	slices.SortFunc(without, strings.Compare)
	return without
}
