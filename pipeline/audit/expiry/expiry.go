// Package expiry is how evidence ends: a night's files are removed when their term is over, and a signed document says
// which, so that what was removed is told from what is missing. Its nouns: Purge (what one run removed, and what it
// left in its place), Gone (a file of it), Rollup (what rows of a night came to, in numbers), Check (purges held
// against a folder of reports).
//
// In the folder of the reports:
//
//	purges/run=RUN/purge.json, purge.sig            what the run removed, signed
//	purges/run=RUN/table=row_rollup/...             what it came to
//
// A purge is written whole, by one rename, before anything is removed: whatever is cut off, each file that is gone is
// named in one. The manifests of nights stay, with the digests of all that they published.
package expiry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/registry/keystore"
)

// The places and the format of purges.
const (
	Folder        = "purges" // in the reports
	format        = "lethe-purge-1"
	signContext   = "purge" // of the signature
	documentName  = "purge.json"
	signatureName = "purge.sig"
)

// The terms of evidence.
const (
	RowLevel = "row_level" // of the tables with a line for each record
	Keep     = "keep"      // of all that a night published but its manifest
)

// RowTables are the tables with a line for each record of a person. What is in the others is counts.
func RowTables() []string { return []string{"decisions", "actions"} }

// File is a file in the reports, named from there with slashes.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // hex

	// Clear is the digest of what a file that is encrypted for its readers holds; "" it is not encrypted.
	Clear string `json:"clear_sha256,omitempty"`
}

// Gone is a file that a purge removes.
type Gone struct {
	File
	RunID string `json:"run_id"` // of the night that published it, or of the purge that left it
	Date  string `json:"date"`   // civil date of that run
	Term  string `json:"term"`   // row_level or keep: which of them was over
}

// Purge is what one run removed of the evidence, since its term was over by a policy that people adopted.
type Purge struct {
	Format   string    `json:"format"`
	RunID    string    `json:"run_id"`
	At       time.Time `json:"at"`
	Date     string    `json:"date"`          // civil date on which the terms were counted
	Policy   string    `json:"policy_digest"` // has the terms
	RowLevel string    `json:"row_level"`     // as the policy has it; "" none
	Keep     string    `json:"keep"`          // the same
	Answers  int64     `json:"answers"`       // how many there were, of which the policy was in force
	Gone     []Gone    `json:"gone"`          // by path
	Made     []File    `json:"made"`          // in their place, by path
	Key      string    `json:"runner_key"`

	SHA256 string `json:"-"` // of the document, hex
}

// Place is the folder of a run's purge in the reports, with slashes.
func Place(runID string) string { return Folder + "/run=" + runID }

// Files are the names that a purge has in the reports besides those that it made.
func (p Purge) Files() []string {
	return []string{Place(p.RunID) + "/" + documentName, Place(p.RunID) + "/" + signatureName}
}

// Write puts a purge into the reports. What it made stands in a folder that becomes the purge's. It refuses one that
// names what is not over its term.
func Write(root, made string, p Purge, signer *keystore.Signer) (Purge, error) {
	p.Format, p.Key = format, signer.Public()
	for _, g := range p.Gone {
		why := early(p, g)
		if !removable(g.Path) {
			why = g.Path + " is what no term ends"
		}
		if why != "" {
			return p, fmt.Errorf("write purge: %w: %s", ErrEarly, why)
		}
	}
	byPath := func(a, b File) int { return strings.Compare(a.Path, b.Path) }
	slices.SortFunc(p.Gone, func(a, b Gone) int { return byPath(a.File, b.File) })
	slices.SortFunc(p.Made, byPath)
	body, err := json.Marshal(p)
	if err != nil {
		return p, fmt.Errorf("write purge: %w", err)
	}
	to := filepath.Join(root, filepath.FromSlash(Place(p.RunID)))
	for name, content := range map[string][]byte{documentName: body,
		signatureName: SignLine(signer, signContext, body)} {
		if err := WriteDurably(filepath.Join(made, name), content); err != nil {
			return p, fmt.Errorf("write purge: %w", err)
		}
	}
	err = errors.Join(SyncDir(made), os.MkdirAll(filepath.Dir(to), 0o750))
	if err == nil {
		err = os.Rename(made, to)
	}
	if err == nil {
		err = errors.Join(SyncDir(filepath.Dir(to)), SyncDir(root))
	}
	if err != nil {
		return p, fmt.Errorf("write purge: %w", err)
	}
	return Read(root, p.RunID, signer.PublicKey())
}

// List names the runs whose purges stand in the reports, in their order.
func List(root string) (runs []string, err error) {
	entries, err := os.ReadDir(filepath.Join(root, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if run, ok := strings.CutPrefix(e.Name(), "run="); ok {
			runs = append(runs, run)
		}
	}
	return runs, err
}

// ErrEarly says that a purge would remove what is not over its term.
var ErrEarly = errors.New("the term is not over")

// ErrForged says that a purge is not as the runner's key signed it.
var ErrForged = errors.New("the purge is not as it was signed")

// Read reads the purge of a run, and checks its signature before anything that it says.
func Read(root, runID string, key keystore.PublicKey) (p Purge, err error) {
	folder := filepath.Join(root, filepath.FromSlash(Place(runID)))
	wrong := func(why error) (Purge, error) {
		return Purge{RunID: runID}, fmt.Errorf("%w: %s: %w", ErrForged, Place(runID), why)
	}
	body, err := ReadSmall(filepath.Join(folder, documentName))
	if err != nil {
		return wrong(err)
	}
	line, err := ReadSmall(filepath.Join(folder, signatureName))
	if err == nil {
		err = VerifyLine(key, signContext, body, line)
	}
	if err != nil {
		return wrong(err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || p.Format != format {
		return wrong(errors.New("a newer version of lethe is needed to read it"))
	}
	if p.RunID != runID || p.Key != key.String() {
		return wrong(fmt.Errorf("it is of run %s: it was moved", p.RunID))
	}
	for _, g := range p.Gone {
		if !removable(g.Path) {
			return wrong(fmt.Errorf("it names %s, which no term ends", g.Path))
		}
	}
	if p.SHA256, err = audit.FileDigest(filepath.Join(folder, documentName)); err != nil {
		return wrong(err)
	}
	return p, nil
}

// removable says whether a term may end a file: a table of a night, its page, or what a purge left.
func removable(name string) bool {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return false
	}
	for _, pattern := range []string{"table=*/date=*/run=*/*.parquet", "table=*/date=*/run=*/*.parquet" + sealed.Ends,
		"manifests/date=*/run=*/*.html",
		Folder + "/run=*/table=*/date=*/run=*/*.parquet"} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// Remove removes what a purge names and what still stands as it was published, and the folders that are empty then.
// Files that are not as they were published stay, and are named.
func Remove(root string, p Purge) (removed int, other []string, err error) {
	for _, g := range p.Gone {
		name := filepath.Join(root, filepath.FromSlash(g.Path))
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return removed, other, fmt.Errorf("remove what is over its term: %w", err)
		}
		digest := ""
		if info.Mode().IsRegular() {
			if digest, err = audit.FileDigest(name); err != nil {
				return removed, other, fmt.Errorf("remove what is over its term: %w", err)
			}
		}
		if digest != g.SHA256 {
			other = append(other, g.Path)
			continue
		}
		if err := os.Remove(name); err != nil {
			return removed, other, fmt.Errorf("remove what is over its term: %w", err)
		}
		removed++
		for dir := filepath.Dir(name); strings.Contains(filepath.Base(dir), "="); dir = filepath.Dir(dir) {
			if os.Remove(dir) != nil { // it holds something else
				break
			}
		}
	}
	return removed, other, nil
}
