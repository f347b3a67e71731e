package jobs

import (
	"time"

	"lethe/pipeline/audit/evidence"
)

// verifiedJSON is what `audit verify --json` prints.
type verifiedJSON struct {
	OK         bool             `json:"ok"`
	Nights     []nightJSON      `json:"nights"`
	Problems   []string         `json:"problems"` // of no single night
	Notes      []string         `json:"notes"`
	Answers    int              `json:"answers"`
	Checkpoint string           `json:"checkpoint"` // SIZE:ROOT of the log's newest; "" none that can be believed
	Cosigned   []cosignedJSON   `json:"cosignatures"`
	Stamps     []stampedJSON    `json:"timestamps"`
	Rows       map[string]int64 `json:"rows"` // of the newest night, by table
}

type nightJSON struct {
	Date     string   `json:"date"`
	RunID    string   `json:"run_id"`
	Manifest string   `json:"manifest"` // sha256, hex
	Files    int      `json:"files"`
	Expired  int      `json:"expired"` // of them, those that are gone since their term was over
	Rows     int64    `json:"rows"`
	Problems []string `json:"problems"`
}

type cosignedJSON struct {
	Name    string    `json:"name"`
	Key     string    `json:"key_id"`
	At      time.Time `json:"signed_at"`
	Size    int64     `json:"entries"`
	Checked bool      `json:"checked"` // the public key was given
}

type stampedJSON struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Size    int64     `json:"entries"`
	Trusted bool      `json:"trusted"` // by the root that was given
}

func verified(r evidence.VerifyReport) verifiedJSON {
	v := verifiedJSON{OK: r.OK(), Nights: []nightJSON{}, Problems: append([]string{}, r.Problems...),
		Notes: append([]string{}, r.Notes...), Answers: len(r.Answers), Cosigned: []cosignedJSON{},
		Stamps: []stampedJSON{}, Rows: map[string]int64{}}
	for _, n := range r.Nights {
		v.Nights = append(v.Nights, nightJSON{Date: n.Date, RunID: n.RunID, Manifest: n.Manifest, Files: n.Files,
			Expired: n.Expired, Rows: n.Rows, Problems: append([]string{}, n.Problems...)})
		v.Rows = n.Tables
	}
	if r.Checkpoint != nil {
		v.Checkpoint = r.Checkpoint.String()
	}
	for _, c := range r.Cosignatures {
		v.Cosigned = append(v.Cosigned, cosignedJSON{c.Name, c.ID, c.At, c.Checkpoint.Size, c.Known})
	}
	for _, s := range r.Stamps {
		v.Stamps = append(v.Stamps, stampedJSON{s.By, s.At, s.Size, s.Trusted})
	}
	return v
}
