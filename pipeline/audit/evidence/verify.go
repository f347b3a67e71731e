// Package evidence verifies what runs left. Its noun is VerifyReport, on each Night of a folder of reports, or of
// a copy of one.
package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// ErrEdited says that reports are not what was signed.
var ErrEdited = manifest.ErrEdited

// VerifyReport says what Verify found.
type VerifyReport struct {
	Nights   []Night  // by run
	Problems []string // what concerns no single night
	Notes    []string // nothing wrong, but worth knowing
	Answers  []answers.Signed

	Checkpoint   *tilelog.Checkpoint // the newest of the log of nights; nil: there is none that can be believed
	Cosignatures []tilelog.Cosignature
	Stamps       []Stamped // by size
	since        *tilelog.Checkpoint
}

// Night is one published run.
type Night struct {
	RunID    string
	Date     string
	Manifest string // sha256 of its manifest, hex
	Previous string // the manifest before it; "" for the first
	Place    int64  // of its entry in the log
	Files    int
	Rows     int64
	Expired  int              // files that are gone since their term was over
	Tables   map[string]int64 // rows by table
	Problems []string         // empty: the night is as it was signed

	// As its manifest has them.
	answers        answers.Head
	receipts       string
	log            *manifest.Log
	heads          []string
	phases         string
	started, ended time.Time
	refused        bool // it ended with 12: evidence did not hold
}

func (n *Night) wrong(format string, args ...any) {
	n.Problems = append(n.Problems, fmt.Sprintf(format, args...))
}

// OK says that nothing is wrong.
func (r VerifyReport) OK() bool {
	return len(r.Problems) == 0 && !slices.ContainsFunc(r.Nights, func(n Night) bool { return len(n.Problems) > 0 })
}

// Lines is the report for people: a line for each night, what is wrong below it, the tables of the
// newest night, and the verdict.
func (r VerifyReport) Lines() []string {
	var out []string
	for _, n := range r.Nights {
		state := "ok     "
		if len(n.Problems) > 0 {
			state = "BROKEN "
		}
		out = append(out, fmt.Sprintf("%s %s  run %s  %d files, %d rows  manifest %s", state, n.Date, n.RunID,
			n.Files, n.Rows, n.Manifest))
		for _, p := range n.Problems {
			out = append(out, "         "+p)
		}
	}
	for _, p := range r.Problems {
		out = append(out, "BROKEN   "+p)
	}
	for _, n := range r.Notes {
		out = append(out, "note     "+n)
	}
	if len(r.Nights) > 0 {
		last := r.Nights[len(r.Nights)-1]
		var rows []string
		for table, n := range last.Tables {
			rows = append(rows, fmt.Sprintf("%s %d", table, n))
		}
		slices.Sort(rows)
		out = append(out, "rows of the newest night: "+strings.Join(rows, ", "), "newest manifest "+last.Manifest)
	}
	out = append(out, r.logLines()...)
	if len(r.Answers) > 0 {
		out = append(out, fmt.Sprintf("%d answers of people, each signed and following the one before it",
			len(r.Answers)))
	}
	if r.OK() {
		return append(out, fmt.Sprintf("%d nights are as they were signed. %s", len(r.Nights), r.vouched()))
	}
	return append(out, "The reports are NOT what was signed.")
}

// Verify checks a reports folder, or a copy of one, with nothing but the runner's public key: the
// signature of each night's manifest, the chain from each manifest to the one before it, and for each
// file first the digest and then, reading back every value of every Parquet file with a reader that is
// not the writer's, the number of rows; then the chain of what people answered. Files that are missing or that no
// manifest names are problems. Then each night is held against the log of nights, and the registry's heads of each
// against those before.
// The report is complete also with ErrEdited; other errors mean that the folder could not be read.
//
// It detects change after signing. That the newest nights were removed together, with their entries in the log, shows
// only against a checkpoint that was kept elsewhere or cosigned.
func Verify(ctx context.Context, folder string, key keystore.PublicKey) (VerifyReport, error) {
	return VerifyAgainst(ctx, folder, key, Against{})
}

// VerifyAgainst is Verify, with what else somebody has to hold the folder against.
func VerifyAgainst(ctx context.Context, folder string, key keystore.PublicKey, against Against) (VerifyReport, error) {
	v := &verifier{folder: folder, key: key, unclaimed: map[string]bool{}, purges: expiry.Look(folder, key),
		identities: against.Identities}
	if err := v.list(); err != nil {
		return v.report, fmt.Errorf("verify reports: %w", err)
	}
	if err := v.nights(ctx); err != nil {
		return v.report, fmt.Errorf("verify reports: %w", err)
	}
	v.chain()
	v.answers()
	v.policies()
	if err := v.log(against); err != nil {
		return v.report, fmt.Errorf("verify reports: %w", err)
	}
	if err := v.purged(ctx); err != nil {
		return v.report, fmt.Errorf("verify reports: %w", err)
	}
	v.heads()
	v.unopened()
	v.newestPage()
	v.index()
	v.unnamed()
	if !v.report.OK() {
		return v.report, fmt.Errorf("verify reports: %w", ErrEdited)
	}
	return v.report, nil
}

// unnamed says which files no signed manifest names: of each night the first, with how many there are.
func (v *verifier) unnamed() {
	var order []string
	of := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(v.unclaimed)) {
		where := name
		if _, run, ok := strings.Cut(name, "/run="); ok {
			where = "run " + strings.Split(run, "/")[0]
		}
		if of[where] == nil {
			order = append(order, where)
		}
		of[where] = append(of[where], name)
	}
	for _, where := range order {
		names, more := of[where], ""
		if len(names) > 1 {
			more = fmt.Sprintf(", like %d more of %s", len(names)-1, where)
		}
		v.problem("%s is named by no signed manifest%s: it was added, or is of another folder, or an interrupted "+
			"publication left it (the next night, or `lethe report --from-journal`, makes that anew)", names[0], more)
	}
}

type verifier struct {
	folder    string
	key       keystore.PublicKey
	unclaimed map[string]bool   // slash paths of files that no manifest has named yet
	newest    map[string]string // digests of the newest night's pages
	purges    *expiry.Check
	said      answers.Chain
	report    VerifyReport

	identities   []age.Identity
	opened, shut int // files that are encrypted for readers, by whether the identities open them
}

func (v *verifier) problem(format string, args ...any) {
	v.report.Problems = append(v.report.Problems, fmt.Sprintf(format, args...))
}

func (v *verifier) path(slash string) string {
	return filepath.Join(v.folder, filepath.FromSlash(slash))
}

// list finds every file. What the publisher keeps apart is noted.
func (v *verifier) list() error {
	return filepath.WalkDir(v.folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(v.folder, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			trial := strings.HasPrefix(path.Base(rel), ".tmp-trial-") // of a killed run
			if trial || strings.HasPrefix(rel, ".tmp-") || strings.HasPrefix(rel, ".quarantine-") {
				v.report.Notes = append(v.report.Notes, rel+" was never published and is not checked")
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			v.problem("%s is not a plain file", rel)
			return nil
		}
		v.unclaimed[rel] = true
		return nil
	})
}

func (v *verifier) nights(ctx context.Context) error {
	var folders []string
	for _, name := range slices.Sorted(maps.Keys(v.unclaimed)) {
		dir, base := path.Split(name)
		if ok, _ := path.Match("manifests/date=*/run=*/", dir); ok && !slices.Contains(page.Names(), base) &&
			!slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	if len(folders) == 0 {
		v.problem("the folder holds no manifest: give the reports folder itself, the one with report.html in it")
	}
	slices.SortFunc(folders, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	for _, dir := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		date, run, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(dir, "manifests/date="), "/"), "/run=")
		n := Night{RunID: run, Date: date, Tables: map[string]int64{}}
		if err := v.night(ctx, dir, &n); err != nil {
			return err
		}
		v.report.Nights = append(v.report.Nights, n)
	}
	return nil
}

// night checks one night. The error is of a cancelled context only.
func (v *verifier) night(ctx context.Context, dir string, n *Night) error {
	wrong, missing := n.wrong, []string{}
	parts := map[string][]byte{}
	for _, name := range []string{manifest.Name, manifest.SignatureName, manifest.KeyName} {
		delete(v.unclaimed, dir+name)
		body, err := expiry.ReadSmall(v.path(dir + name))
		if err != nil {
			wrong("%s cannot be read: %v", name, reason(err))
		}
		parts[name] = body
	}
	sum := sha256.Sum256(parts[manifest.Name])
	n.Manifest = hex.EncodeToString(sum[:])
	if string(parts[manifest.KeyName]) != v.key.String()+"\n" {
		wrong("%s does not hold the given public key: it is the night of another company, or of another keystore, "+
			"or the "+
			"key is another; keep the folders of two companies apart", manifest.KeyName)
	}
	m, err := manifest.Open(parts[manifest.Name], parts[manifest.SignatureName], v.key)
	if err != nil {
		wrong("%s: %v", manifest.Name, err)
		return nil
	}
	if m.RunID() != n.RunID || m.Key != v.key.String() {
		wrong("%s is of run %s: it was moved", manifest.Name, m.RunID())
	}
	n.Previous = m.Previous
	n.answers, n.log, n.heads, n.receipts = m.AnswersHead(), m.Log, m.Heads, m.Receipts
	n.phases = m.Phases()
	n.started, n.ended = m.At("started_at"), m.At("ended_at")
	exit, _ := m.Run["exit_code"].(float64)
	n.refused = exit == notHolding
	pages := map[string]string{}
	v.newest = pages
	ours := "/date=" + n.Date + "/run=" + n.RunID
	for _, f := range m.Files {
		n.Files, n.Rows = n.Files+1, n.Rows+f.Rows
		delete(v.unclaimed, f.Path)
		if name, ok := strings.CutPrefix(f.Path, dir); ok && slices.Contains(page.Names(), name) {
			pages[name] = f.SHA256
		} else if ok && name == receipts.Name {
			v.receipts(dir+name, n)
		} else if table, ok := strings.CutPrefix(f.Path, "table="); ok && strings.HasSuffix(path.Dir(f.Path), ours) {
			n.Tables[table[:strings.IndexByte(table, '/')]] += f.Rows
		} else {
			wrong("%s names %s, which is not of this night", manifest.Name, f.Path)
			continue
		}
		err := v.file(ctx, f)
		absent := errors.Is(err, fs.ErrNotExist)
		if v.purges.Published(f, absent) {
			n.Expired++
			continue
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if absent {
				missing = append(missing, f.Path)
				continue
			}
			wrong("%s %v", f.Path, reason(err))
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		wrong("%s is missing: copy the folder of reports again, whole", missing[0])
	default:
		wrong("%s is missing, and %d more of the %d files of this night: copy the folder of reports again, whole",
			missing[0], len(missing)-1, n.Files)
	}
	return nil
}

// file checks digest and length, and only then lets the Parquet reader see the file.
func (v *verifier) file(ctx context.Context, f manifest.File) error {
	path := v.path(f.Path)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	got, err := audit.FileDigest(path)
	if err != nil {
		return err
	}
	if n := info.Size(); n != f.Bytes || got != f.SHA256 {
		return fmt.Errorf("was changed: %d bytes with digest %.16s, signed were %d bytes with digest %.16s",
			n, got, f.Bytes, f.SHA256)
	}
	if strings.HasSuffix(f.Path, sealed.Ends) {
		return v.sealed(ctx, f, path)
	}
	if !strings.HasSuffix(f.Path, ".parquet") {
		return nil
	}
	return rowsOf(ctx, f, path)
}

// rowsOf reads a table's file back.
func rowsOf(ctx context.Context, f manifest.File, path string) error {
	back, err := parquet.ReadBack(ctx, path, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("cannot be read back: %w", err)
	}
	if back.Rows != f.Rows {
		return fmt.Errorf("has %d rows, signed were %d", back.Rows, f.Rows)
	}
	return nil
}

// chain checks that the manifest before each night's is there.
func (v *verifier) chain() {
	byDigest := map[string]int{}
	for i, n := range v.report.Nights {
		byDigest[n.Manifest] = i
	}
	first := map[string]string{}
	for i := range v.report.Nights {
		n := &v.report.Nights[i]
		if n.Files == 0 {
			continue // its manifest could not be trusted
		}
		if other, ok := first[n.Previous]; ok {
			v.report.Notes = append(v.report.Notes, fmt.Sprintf(
				"runs %s and %s follow the same manifest: one of them was published late",
				other,
				n.RunID,
			))
		}
		first[n.Previous] = n.RunID
		if n.Previous == "" {
			continue
		}
		if at, ok := byDigest[n.Previous]; !ok {
			n.Problems = append(n.Problems,
				fmt.Sprintf("the night before it is missing or was changed: no manifest has digest %s", n.Previous))
		} else if at >= i {
			n.Problems = append(n.Problems, "it follows a night that is later than itself")
		}
	}
}

// newestPage checks the copies of the newest pages.
func (v *verifier) newestPage() {
	for _, name := range page.Names() {
		if !v.unclaimed[name] {
			if len(v.report.Nights) > 0 && (name == page.Report || v.newest[name] != "") {
				v.problem("%s, the copy of the newest page, is missing", name)
			}
			continue
		}
		delete(v.unclaimed, name)
		body, err := expiry.ReadSmall(v.path(name))
		if sum := sha256.Sum256(body); err != nil || hex.EncodeToString(sum[:]) != v.newest[name] {
			v.problem("%s is not the page of the newest night", name)
		}
	}
}

// reason drops the path from a file system's error, which the caller has named already.
func reason(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("is missing")
	}
	return err
}
