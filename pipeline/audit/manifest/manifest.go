// Package manifest is what a run says that it published, signed. Its nouns: Manifest (the document), File (one that it
// names), Standing (a run whose manifest stands in a folder of reports).
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

// The files that a manifest is.
const (
	format        = "lethe-manifest-1"
	signContext   = "manifest" // of the signature
	Name          = "manifest.json"
	SignatureName = "manifest.sig"
	KeyName       = "runner.pub"
)

// Manifest names everything that a run published. What is signed are its bytes as they stand in the
// file: JSON with sorted keys, without spaces, in the manner of RFC 8785.
type Manifest struct {
	Format    string           `json:"format"`
	Run       map[string]any   `json:"run"`
	Previous  string           `json:"previous_manifest"` // sha256, hex; "" for the first
	Heads     []string         `json:"registry_heads"`
	Plans     []Plan           `json:"plans"`
	Approvals []map[string]any `json:"approvals"`
	Files     []File           `json:"files"` // by path
	Key       string           `json:"runner_key"`
	Page      *Page            `json:"page,omitempty"`            // nil in one of an earlier build
	Sealed    []string         `json:"encrypted_silos,omitempty"` // whose rows are encrypted for their readers
	Log       *Log             `json:"log,omitempty"`             // nil in one of before there was a log
	Receipts  string           `json:"receipts,omitempty"`        // root over the night's receipts; "" none
}

// Page is what the page of the night says first.
type Page struct {
	Verdict string `json:"verdict"` // red, amber or green
	Needs   int64  `json:"needs"`   // matters for a person
}

// Log is the checkpoint of the log of nights before this one: from then on there must be one.
type Log struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex
}

// Plan is one that the run knew.
type Plan struct {
	PlanID string `json:"plan_id"`
	Digest string `json:"digest"`
	State  string `json:"state"`
}

// File is one published file, named from the reports folder with slashes.
type File = expiry.File

// New is the manifest of a run, over the files that it published, by path.
func New(f audit.Facts, files []File, key string) Manifest {
	m := Manifest{
		Format:    format,
		Run:       object(f.Run),
		Previous:  f.Run.PreviousManifest,
		Heads:     []string{},
		Plans:     []Plan{},
		Approvals: []map[string]any{},
		Files:     files,
		Key:       key,
	}
	for head := range strings.SplitSeq(f.Run.RegistryHeads, ";") {
		if head != "" {
			m.Heads = append(m.Heads, head)
		}
	}
	known := map[string]bool{}
	for _, p := range f.Plans {
		if !known[p.PlanID] {
			known[p.PlanID] = true
			m.Plans = append(m.Plans, Plan{PlanID: p.PlanID, Digest: p.Digest, State: p.State})
		}
	}
	for _, l := range f.Log {
		if l.Signer == audit.LogSigner {
			m.Log = &Log{Size: l.Size, Root: l.Root}
		}
	}
	for _, a := range f.Approvals {
		m.Approvals = append(m.Approvals, object(a))
	}
	return m
}

// object is a row with its fields named as in the Parquet tables, lists joined by ';'; instants are RFC 3339 in UTC to
// the microsecond, null when zero.
func object[T any](row T) map[string]any {
	v := reflect.ValueOf(row)
	out := make(map[string]any, v.NumField())
	for _, column := range audit.Columns(v.Type()) {
		value := v.Field(column.Field).Interface()
		if t, ok := value.(time.Time); ok {
			value = nil
			if !t.IsZero() {
				value = t.UTC().Format("2006-01-02T15:04:05.000000Z")
			}
		}
		out[column.Name] = value
	}
	return out
}

// Encode gives the bytes that are signed.
func (m Manifest) Encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil { // maps are written with sorted keys
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// Sign is the signature of a manifest, as it stands beside it.
func Sign(signer *keystore.Signer, body []byte) []byte {
	return expiry.SignLine(signer, signContext, body)
}

// Open checks the signature, and only then reads what is signed.
func Open(body, sig []byte, key keystore.PublicKey) (Manifest, error) {
	if err := expiry.VerifyLine(key, signContext, body, sig); err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return Manifest{}, fmt.Errorf("it is signed, but not JSON: %w", err)
	}
	if m.Format != format {
		return Manifest{}, fmt.Errorf("it is of format %q: a newer version of lethe is needed to read it", m.Format)
	}
	return m, nil
}

// At is an instant of the run.
func (m Manifest) At(name string) time.Time {
	text, _ := m.Run[name].(string)
	at, _ := time.Parse(time.RFC3339Nano, text)
	return at
}

// RunID is the run.
func (m Manifest) RunID() string {
	id, _ := m.Run["run_id"].(string)
	return id
}

// Path is where the manifest of a run stands under the reports folder; date is the civil date of
// the run.
func Path(root, date, runID string) string {
	return filepath.Join(root, "manifests", "date="+date, "run="+runID, Name)
}

// AnswersHead is the head of the chain of answers as a manifest has it; empty in one of before there was a chain.
func (m Manifest) AnswersHead() answers.Head {
	length, _ := m.Run["answers"].(float64)
	hash, _ := m.Run["answers_head"].(string)
	return answers.Head{Length: int64(length), Hash: hash}
}
