package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

const (
	manifestFormat  = "lethe-manifest-1"
	manifestContext = "manifest" // of the signature
	manifestName    = "manifest.json"
	signatureName   = "manifest.sig"
	keyName         = "runner.pub"
)

// manifest names everything that a run published. What is signed are its bytes as they stand in the
// file: JSON with sorted keys, without spaces, in the manner of RFC 8785.
type manifest struct {
	Format    string           `json:"format"`
	Run       map[string]any   `json:"run"`
	Previous  string           `json:"previous_manifest"` // sha256, hex; "" for the first
	Heads     []string         `json:"registry_heads"`
	Plans     []manifestPlan   `json:"plans"`
	Approvals []map[string]any `json:"approvals"`
	Files     []manifestFile   `json:"files"` // by path
	Key       string           `json:"runner_key"`
	Log       *manifestLog     `json:"log,omitempty"` // nil in one of before there was a log
}

// manifestLog is the checkpoint of the log of nights before this one: from then on there must be one.
type manifestLog struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex
}

type manifestPlan struct {
	PlanID string `json:"plan_id"`
	Digest string `json:"digest"`
	State  string `json:"state"`
}

// manifestFile is one published file, named from the reports folder with slashes.
type manifestFile = expiry.File

func newManifest(f audit.Facts, files []manifestFile, key string) manifest {
	m := manifest{
		Format:    manifestFormat,
		Run:       object(f.Run),
		Previous:  f.Run.PreviousManifest,
		Heads:     []string{},
		Plans:     []manifestPlan{},
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
			m.Plans = append(m.Plans, manifestPlan{PlanID: p.PlanID, Digest: p.Digest, State: p.State})
		}
	}
	for _, l := range f.Log {
		if l.Signer == audit.LogSigner {
			m.Log = &manifestLog{Size: l.Size, Root: l.Root}
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

// encode gives the bytes that are signed.
func (m manifest) encode() ([]byte, error) {
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

// openManifest checks the signature, and only then reads what is signed.
func openManifest(body, sig []byte, key keystore.PublicKey) (manifest, error) {
	if err := expiry.VerifyLine(key, manifestContext, body, sig); err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return manifest{}, fmt.Errorf("it is signed, but not JSON: %w", err)
	}
	if m.Format != manifestFormat {
		return manifest{}, fmt.Errorf("it is of format %q: a newer version of lethe is needed to read it", m.Format)
	}
	return m, nil
}

// at is an instant of the run.
func (m manifest) at(name string) time.Time {
	text, _ := m.Run[name].(string)
	at, _ := time.Parse(time.RFC3339Nano, text)
	return at
}

func (m manifest) runID() string {
	id, _ := m.Run["run_id"].(string)
	return id
}

// ManifestPath is where the manifest of a run stands under the reports folder; date is the civil date of
// the run.
func ManifestPath(root, date, runID string) string {
	return filepath.Join(root, "manifests", "date="+date, "run="+runID, manifestName)
}
