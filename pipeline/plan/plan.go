package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// Lapse ends a plan that may no longer be applied, and destroys the keys of its rows.
func Lapse(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed, runID string) error {
	if err := j.SetPlanState(ctx, doc.PlanID, journal.Lapsed, runID); err != nil {
		return err
	}
	_, err := p.Keys.Destroy("plan/"+doc.PlanID, p.Now())
	return err
}

// Document is plan.json: what a plan would do, in numbers. Its digest is what people approve. The rows stand beside it, in segments.
type Document struct {
	PlanID       string            `json:"plan_id"`
	RunID        string            `json:"run_id"`
	Part         Part              `json:"part"`
	AsOf         time.Time         `json:"as_of"`
	ValidUntil   time.Time         `json:"valid_until"`
	PolicyDigest string            `json:"policy_digest"`
	Heads        string            `json:"registry_heads"`
	Schemas      map[string]string `json:"schemas"`         // by source: fingerprint of the tables that the plan touches
	Files        map[string]string `json:"files,omitempty"` // by backup: sha256 of the file as planned
	Counts       []Count           `json:"counts"`
	Questions    []string          `json:"questions"`
	Groups       []Group           `json:"groups"`
}

// Part says what a plan does for good.
type Part string

// The parts of a night's plan.
const (
	Reversible  Part = "reversible"  // blocks and unblocks
	Destructive Part = "destructive" // clears, anonymizes, deletes
)

// Count is one line of what a plan would do.
type Count struct {
	Silo      string  `json:"silo"`
	Source    string  `json:"source"`
	Table     string  `json:"table"`
	Change    string  `json:"change"`
	Reason    string  `json:"reason"`
	Rows      int64   `json:"rows"`
	Percent   float64 `json:"percent"` // of the table's rows
	OldestDue string  `json:"oldest_due,omitempty"`
}

// Group is the rows of one silo's table, with what follows from them.
type Group struct {
	Silo     string    `json:"silo"`
	Source   string    `json:"source"`
	Table    string    `json:"table"`
	Segments []Segment `json:"segments"`
}

// Sealed is a sealed plan in hand.
type Sealed struct {
	Document
	Folder string
	Digest string
	State  string
}

// Open reads a sealed plan of a state folder and checks it against the digest that the journal recorded when it was sealed, and its segments against the plan.
func Open(state string, entry journal.Plan) (*Sealed, error) {
	folder := filepath.Join(state, "plans", entry.ID)
	body, err := os.ReadFile(filepath.Join(folder, "plan.json"))
	if err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	sum := sha256.Sum256(body)
	p := &Sealed{Folder: folder, Digest: hex.EncodeToString(sum[:])}
	if p.Digest != entry.Digest {
		return nil, fmt.Errorf("open plan %s: plan.json was edited after it was sealed: %w: reject it and let the next night plan anew", filepath.Base(folder), setup.ErrChanged)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.Document); err != nil {
		return nil, fmt.Errorf("open plan %s: %w", filepath.Base(folder), err)
	}
	for _, g := range p.Groups {
		for _, s := range g.Segments {
			for file, want := range map[string]string{s.Actions: s.ActionsDigest, s.Keys: s.KeysDigest} {
				got, err := audit.FileDigest(filepath.Join(folder, file))
				if err != nil {
					return nil, err
				}
				if got != want {
					return nil, fmt.Errorf("open plan %s: %s was edited after it was sealed: %w: reject the plan and let the next night plan anew", p.PlanID, file, setup.ErrChanged)
				}
			}
		}
	}
	return p, nil
}

// Usual is the median of a plan line over the last finished runs; 0 where there is no history.
func Usual(history []audit.Facts, c Count) float64 {
	var rows []int64
	for _, f := range history {
		for _, p := range f.Plans {
			if p.Silo == c.Silo && p.Source == c.Source && p.Object == c.Table && p.Change == c.Change && p.Reason == c.Reason {
				rows = append(rows, p.Rows)
			}
		}
	}
	if len(rows) == 0 {
		return 0
	}
	slices.Sort(rows)
	if m := len(rows) / 2; len(rows)%2 == 1 {
		return float64(rows[m])
	} else {
		return float64(rows[m-1]+rows[m]) / 2
	}
}
