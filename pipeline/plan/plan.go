// Package plan holds sealed plans: what a night means to change, written down before anybody is asked, and
// what people answer to it.
//
//   - [Draft] is what may be planned of one source, while it is not sealed yet.
//   - [Document] is plan.json, a plan in numbers: the [Part] of the night that it is, a [Count] for each line of
//     what it would do, and the rows, by [Set].
//   - A [Start] says, for who looks at a plan, when the terms of a table's rows start.
//   - A [Trigger] says what the engine runs besides.
//   - A [Set] is the changes of one source, in two files beside plan.json; a [Writer] writes them,
//     [Sealed.Changes] reads them back.
//   - [Sealed] is a document with its folder and its digest, which is what people approve; [Open] reads and
//     checks it.
//   - [Said] is what people said of a plan, from the chain of their answers; [Missing] says who must still answer,
//     [Follow] in which state the plan is by it.
//   - The outcomes are what became of a planned row, one byte each, as the journal keeps them.
package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Document is plan.json: what a plan would do, in numbers. Its digest is what people approve. The rows
// stand beside it, in segments.
type Document struct {
	PlanID       string            `json:"plan_id"`
	RunID        string            `json:"run_id"`
	Part         Part              `json:"part"`
	AsOf         time.Time         `json:"as_of"`
	SealedAt     time.Time         `json:"sealed_at,omitzero"` // no answer to it can be older
	ValidUntil   time.Time         `json:"valid_until"`
	PolicyDigest string            `json:"policy_digest"`
	Approvals    int               `json:"approvals,omitzero"` // that it takes, as when it was sealed, or more
	Heads        string            `json:"registry_heads"`
	Schemas      map[string]string `json:"schemas"`         // by source: fingerprint of the tables it touches
	Files        map[string]string `json:"files,omitempty"` // by backup: sha256 of the file as planned
	Counts       []Count           `json:"counts"`
	People       map[string]int64  `json:"people,omitempty"` // by silo: whose rows it has, each counted once
	Starts       []Start           `json:"starts,omitempty"` // of the tables in it
	Questions    []string          `json:"questions"`
	Stays        []string          `json:"stays,omitempty"`    // what keeps a copy of rows that it changes, in words
	Triggers     []Trigger         `json:"triggers,omitempty"` // that its changes run
	Sets         []Set             `json:"sets"`
}

// Part says what a plan does for good.
type Part string

// The parts of a night's plan.
const (
	Reversible  Part = "reversible"  // blocks and unblocks
	Destructive Part = "destructive" // clears, anonymizes, deletes
	Again       Part = "again"       // ends once more what plans had ended that were let go, and a copy brought back
)

// Count is one line of what a plan would do.
type Count struct {
	Silo      string  `json:"silo"`
	Source    string  `json:"source"`
	Table     string  `json:"table"`
	Change    string  `json:"change"`
	Reason    string  `json:"reason"`
	Rows      int64   `json:"rows"`
	People    int64   `json:"people,omitempty"` // whose rows a silo decided, each counted once; 0 not counted
	Percent   float64 `json:"percent"`          // of the table's rows
	OldestDue string  `json:"oldest_due,omitempty"`
}

// Start is what the days look like from which a rule's terms count in a table of the plan, as audit.Start says it.
type Start struct {
	Silo        string `json:"silo"`
	Source      string `json:"source"`
	Table       string `json:"table"`
	Field       string `json:"field"`
	Rule        string `json:"rule"`
	Rows        int64  `json:"rows"`
	Oldest      string `json:"oldest,omitempty"`
	Newest      string `json:"newest,omitempty"`
	Most        string `json:"most,omitempty"`
	MostRows    int64  `json:"most_rows"`
	Open        int64  `json:"open"`
	Unknown     int64  `json:"unknown"`
	Nothing     string `json:"nothing,omitempty"`
	BeforeSince int64  `json:"before_since"`
}

// StartOf is what a night saw of a table.
func StartOf(s audit.Start) Start {
	return Start{Silo: s.Silo, Source: s.Source, Table: s.Object, Field: s.Column, Rule: s.Rule, Rows: s.Rows,
		Oldest: s.Oldest, Newest: s.Newest, Most: s.Most, MostRows: s.MostRows, Open: s.Open, Unknown: s.Unknown,
		Nothing: s.Nothing, BeforeSince: s.BeforeSince}
}

// Said says it in one sentence.
func (s Start) Said() string {
	return audit.Start{Source: s.Source, Object: s.Table, Column: s.Field, Rule: s.Rule, Rows: s.Rows, Oldest: s.Oldest,
		Newest: s.Newest, Most: s.Most, MostRows: s.MostRows, Open: s.Open, Unknown: s.Unknown, Nothing: s.Nothing,
		BeforeSince: s.BeforeSince}.Said()
}

// Sealed is a sealed plan in hand.
type Sealed struct {
	Document
	Folder string
	Digest string // sha256 of plan.json, hex
	State  string // of the journal's plan states; only while it is being sealed
}

// Open reads a sealed plan of a state folder and checks it against the digest that the journal recorded
// when it was sealed, and its sets against the plan. A plan that is not as it was sealed, or cannot be read, is
// [setup.ErrChanged].
func Open(state string, entry journal.Plan) (*Sealed, error) {
	p, err := Read(state, entry)
	if err == nil {
		err = p.whole()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Usable opens a plan with the key of its rows: it may be applied, as far as the plan itself is concerned. One
// that cannot be is [setup.ErrChanged]; what can be read of it comes back all the same, nil if that is nothing.
func Usable(p *setup.Setup, entry journal.Plan) (*Sealed, age.Identity, error) {
	doc, err := Read(p.State, entry)
	if err == nil {
		err = doc.whole()
	}
	if err != nil {
		return doc, nil, err
	}
	identity, err := p.Keys.PlanIdentity(entry.ID)
	if err != nil {
		return doc, nil, Unusable(entry.ID, err)
	}
	return doc, identity, nil
}

// Read is Open of the document alone: what it says in numbers, and what its sets are.
func Read(state string, entry journal.Plan) (*Sealed, error) {
	folder := filepath.Join(state, "plans", entry.ID)
	body, err := os.ReadFile(filepath.Join(folder, "plan.json"))
	if err != nil {
		return nil, Unusable(entry.ID, fmt.Errorf("plan.json cannot be read: %w", err))
	}

	p := &Sealed{Folder: folder, Digest: digestOf(body)}
	if p.Digest != entry.Digest {
		return nil, Unusable(entry.ID, errors.New("plan.json was edited after it was sealed"))
	}

	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.Document); err != nil {
		return nil, Unusable(entry.ID, fmt.Errorf("another version of lethe sealed it: %w", err))
	}
	return p, nil
}

// Unusable is the error of a plan that can be neither applied nor answered, with the way out.
func Unusable(id string, why error) error {
	return fmt.Errorf("open plan %s: %w: %w: put its folder and its key back from a copy, "+
		"or end it with `lethe plan discard %[1]s` and let the next night plan anew", id, why, setup.ErrChanged)
}

// whole checks the files of every set.
func (p *Sealed) whole() error {
	for _, s := range p.Sets {
		for file, want := range map[string]string{s.Actions: s.ActionsDigest, s.Changes: s.ChangesDigest} {
			if err := p.unedited(file, want); err != nil {
				return err
			}
		}
	}
	return nil
}

// unedited checks a file of a set against the digest in the document.
func (p *Sealed) unedited(file, want string) error {
	got, err := audit.FileDigest(filepath.Join(p.Folder, file))
	if err != nil {
		return Unusable(p.PlanID, fmt.Errorf("%s cannot be read: %w", file, err))
	}
	if got != want {
		return Unusable(p.PlanID, errors.New(file+" was edited after it was sealed"))
	}
	return nil
}

// Names checks that what the report says of the rows is as it was sealed.
func (p *Sealed) Names() error {
	for _, s := range p.Sets {
		if err := p.unedited(s.Actions, s.ActionsDigest); err != nil {
			return err
		}
	}
	return nil
}

// Write makes a plan durable: the sets are there already, plan.json comes last, by rename. It sets the
// digest.
func (p *Sealed) Write() error {
	body, err := json.MarshalIndent(p.Document, "", "  ")
	if err != nil {
		return fmt.Errorf("seal plan: %w", err)
	}
	p.Digest = digestOf(body)
	return state.WriteFile(filepath.Join(p.Folder, "plan.json"), body)
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Lapse ends a plan that may no longer be applied, and destroys the keys of its rows.
func Lapse(ctx context.Context, p *setup.Setup, j *journal.Journal, planID, runID string) error {
	if err := j.SetPlanState(ctx, planID, journal.Lapsed, runID); err != nil {
		return err
	}
	return destroyKey(p, planID)
}

// Withdraw ends a plan whose place a newer one took, and destroys the keys of its rows; done is false for one that
// somebody has answered meanwhile.
func Withdraw(ctx context.Context, p *setup.Setup, j *journal.Journal, planID, runID string) (done bool, err error) {
	if done, err = j.Withdraw(ctx, planID, answers.AboutPlan(planID), runID); err != nil || !done {
		return false, err
	}
	p.Crash("plan_withdrawn")
	return true, destroyKey(p, planID)
}

// rows counts the planned rows of all segments.
func (p *Sealed) rows() (n int64) {
	for _, s := range p.Sets {
		n += s.Rows
	}
	return n
}

// silos are those with a line among the counts, in the order of the counts.
func (p *Sealed) silos() []string {
	var silos []string
	for _, c := range p.Counts {
		if !slices.Contains(silos, c.Silo) {
			silos = append(silos, c.Silo)
		}
	}
	return silos
}

// The outcomes of a planned row, as the journal keeps them: one byte a row.
const (
	Done       byte = 'd' // changed, and verified afterwards
	Unverified byte = 'u' // changed, but still seen by a read afterwards
	Recovered  byte = 'r' // changed by a run that was cut off before it could say so
	Drift      byte = 's' // skipped: the row, or the registry, is not as the plan saw it
	Gone       byte = 'g' // skipped: somebody else deleted the row
	Half       byte = 'h' // skipped like Drift, when rows that were to go with it had gone in an earlier transaction
	Unknown    byte = '?' // a run was cut off at it, and nothing says any more what it was to write
	Locked     byte = 'l' // skipped: somebody else had it locked for longer than is waited
	Refused    byte = 'f' // the database refused the change
)
