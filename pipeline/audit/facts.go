package audit

import (
	"encoding/json"
	"fmt"
)

// Facts is all that a run's report is made of, apart from the bulk (decisions and actions), which come
// as sequences. The journal keeps it.
type Facts struct {
	Run        Run
	Inventory  []Inventory
	Findings   []Finding
	Summary    []Summary
	Starts     []Start
	Plans      []Plan
	Approvals  []Approval
	Exceptions []Exception
	Backups    []Backup

	ConsentSync []*ConsentSync
	Requests    []Request
	Holds       []Hold
	Remnants    []Remnant
	Log         []LogLine
	Receipts    []string `json:",omitempty"` // commitments of requests that were closed since, hex: package receipts

	Verification  []Verified
	Answers       []Answered
	PolicyChanges []PolicyChange
	Restores      []Restore
	Hints         []Hint
	Attestations  []Attestation

	Silos   []Silo
	Ages    []Age
	Sources []Source
	Rollup  []Rollup // one, of a run that draws up silos

	Ended  []Ended   // rows that this run deleted or anonymized, for what later ones keep of it
	Early  []string  // plans that it carried out before it read its sources: none of their rows is in its summary
	Before []Settled // of a run that goes on from a night: what that night settled, and others that went on from it
	Nights []Figures // this night in numbers, after earlier ones
	Kept   []Kept    // of sources that this run did not read

	Places map[string]string `json:",omitempty"` // of live sources, as digests: setup.Source.Place
}

// DecodeFacts reads the facts that the journal keeps of a run.
func DecodeFacts(body []byte) (Facts, error) {
	var f Facts
	if err := json.Unmarshal(body, &f); err != nil {
		return Facts{}, fmt.Errorf("decode facts: %w", err)
	}
	return f, nil
}

// Own are the facts without what a run that only applied has from the night on which it goes on: it read nothing, and
// decided nothing.
func (f Facts) Own() Facts {
	if f.Run.Night != "" {
		f.Inventory, f.Summary, f.Starts = nil, nil, nil
	}
	return f
}

// Gate judges what is to be published. Check gets strings of one column, each that occurs at least
// once, or the texts of the page (table "page", column "text"). Its error names the place and never a
// value. Check is called for several columns at the same time.
type Gate interface {
	Check(table, column string, values []string) error
}
