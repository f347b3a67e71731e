// Package publish makes the report of a run: its tables, its pages, and the manifest that names and signs them. Its
// nouns: Publication (a report to be made) and Published (one that stands). A report is a projection of the journal: it
// can be made anew, and is then the same byte for byte.
package publish

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/night"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/registry/keystore"
)

// ErrGate says that the output gate found what looks like personal data in the report. Nothing was
// published: the output stands in quarantine, beside the reports, and the journal is intact.
var ErrGate = errors.New("the report may hold personal data")

// Publication is a report to be made.
type Publication struct {
	Facts     audit.Facts
	Decisions iter.Seq2[[]audit.Decision, error] // all
	Before    iter.Seq2[[]audit.Decision, error] // all of the run whose list this one goes on from; nil: it is whole
	Actions   iter.Seq2[[]audit.Action, error]
	Root      string // the reports folder
	Date      string // civil date of the run, YYYY-MM-DD
	Language  string // of the page; "" English
	Signer    *keystore.Signer
	Gate      audit.Gate

	// Readers are, by silo, for whom the tables with a line for each record are encrypted (recipients of age); of other
	// silos they stand in the clear. Private is a folder apart from the reports where they stand until they are.
	Readers map[string][]string
	Private string

	// Aside tells the runs between the nights, whose page does not take the place of a night's; nil: none.
	Aside func(runKey string) bool
}

// Published is a report that stands.
type Published struct {
	ReportPath string // the run's page

	// ManifestSHA256, hex, is to be kept elsewhere: it proves later that this night is still the one that
	// was published.
	ManifestSHA256 string

	Receipts string // the root over what was committed to for receipts; "" nothing was
}

// publisher gathers a publication in a temporary folder.
type publisher struct {
	Publication
	folder string // ROOT/.tmp-RUN
	files  []manifest.File
	hits   []error
	totals figures.Totals

	page     *manifest.Page           // what it says first
	receipts string                   // the root over them
	sealed   []string                 // silos whose rows are encrypted, sorted
	standing map[string]manifest.File // what the run published before, by path
	counts   expiry.Roller            // of rows that are encrypted
}

// Publish writes the Parquet tables, the page and the signed manifest of a run below Root:
//
//	table=NAME/date=DATE/run=RUN/silo=SILO.parquet   '_' where rows belong to no silo; .age where it has readers
//	manifests/date=DATE/run=RUN/       manifest.json, manifest.sig, runner.pub, report.html, details.html
//	report.html, details.html          copies of the newest pages
//
// All is written into a temporary folder, read back by another Parquet reader, judged by the gate, made
// durable, and renamed into place, the manifest last. The same publication gives the same bytes and may
// be repeated; a run that stands published with other bytes is refused, since later nights point at its
// manifest. What the gate objects to gives ErrGate and stays in Root/.quarantine-RUN.
func Publish(ctx context.Context, p Publication) (Published, error) {
	if err := p.check(); err != nil {
		return Published{}, fmt.Errorf("publish report: %w", err)
	}
	w := &publisher{Publication: p, folder: filepath.Join(p.Root, ".tmp-"+p.Facts.Run.RunID), totals: figures.Totals{}}
	published, err := w.publish(ctx)
	rerr := os.RemoveAll(w.folder)
	if w.Private != "" {
		rerr = errors.Join(rerr, os.RemoveAll(w.Private))
	}
	if err == nil {
		err = rerr
	}
	if err != nil {
		return Published{}, fmt.Errorf("publish report of run %s: %w", p.Facts.Run.RunID, err)
	}
	return published, nil
}

// folderName is what may stand in a path: a run's UUID for example.
var folderName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]*$`)

func (p Publication) check() error {
	if !folderName.MatchString(p.Facts.Run.RunID) {
		return fmt.Errorf("%q is no run id", p.Facts.Run.RunID)
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		return fmt.Errorf("%q is no date", p.Date)
	}
	if p.Signer == nil || p.Gate == nil || p.Root == "" {
		return errors.New("a signer, a gate and a reports folder are needed")
	}
	return nil
}

func (w *publisher) publish(ctx context.Context) (Published, error) {
	if err := errors.Join(os.RemoveAll(w.folder), os.MkdirAll(w.before(), 0o750), w.recall()); err != nil {
		return Published{}, err
	}
	w.discreet()
	if err := w.tables(ctx); err != nil {
		return Published{}, err
	}
	if err := errors.Join(w.pages(), w.commit()); err != nil {
		return Published{}, err
	}
	if err := errors.Join(w.hits...); err != nil {
		quarantine := filepath.Join(w.Root, ".quarantine-"+w.Facts.Run.RunID)
		return Published{}, fmt.Errorf("%w: %w; it stands apart in %s", ErrGate,
			errors.Join(err, os.RemoveAll(quarantine), os.Rename(w.folder, quarantine)), quarantine)
	}
	digest, err := w.sign()
	if err != nil {
		return Published{}, err
	}
	if err := w.moveIn(); err != nil {
		return Published{}, err
	}
	path := filepath.Join(w.Root, filepath.FromSlash(w.night()), page.Report)
	return Published{ReportPath: path, ManifestSHA256: digest, Receipts: w.receipts}, nil
}

// night is the folder of the run's manifest.
func (w *publisher) night() string {
	return "manifests/date=" + w.Date + "/run=" + w.Facts.Run.RunID
}

func (w *publisher) tables(ctx context.Context) error {
	f := w.Facts
	return inOrder(
		func() error { return writeRows(ctx, w, "runs", []audit.Run{f.Run}, nil) },
		func() error { return writeRows(ctx, w, "inventory", f.Inventory, nil) },
		func() error { return writeRows(ctx, w, "findings", f.Findings, nil) },
		func() error {
			return writeRows(ctx, w, "summary", f.Summary, func(s *audit.Summary) string { return s.Silo })
		},
		func() error {
			return writeRows(ctx, w, "starts", f.Starts, func(s *audit.Start) string { return s.Silo })
		},
		func() error { return writeRows(ctx, w, "plan", f.Plans, nil) },
		func() error { return writeRows(ctx, w, "approvals", f.Approvals, nil) },
		func() error { return writeRows(ctx, w, "exceptions", f.Exceptions, nil) },
		func() error { return writeRows(ctx, w, "backups", f.Backups, nil) },
		func() error {
			return writeRows(ctx, w, "consent_sync", values(f.ConsentSync),
				func(s *audit.ConsentSync) string { return s.Silo })
		},
		func() error {
			return writeRows(ctx, w, "requests", f.Requests, func(r *audit.Request) string { return r.Silo })
		},
		func() error { return writeRows(ctx, w, "holds", f.Holds, func(h *audit.Hold) string { return h.Silo }) },
		func() error {
			return writeRows(ctx, w, "remnants", f.Remnants, func(r *audit.Remnant) string { return r.Silo })
		},
		func() error { return writeRows(ctx, w, "log", f.Log, nil) },
		func() error { return writeRows(ctx, w, "silos", f.Silos, func(s *audit.Silo) string { return s.Silo }) },
		func() error { return writeRows(ctx, w, "run_rollup", f.Rollup, nil) },
		func() error { return writeRows(ctx, w, "ages", f.Ages, func(a *audit.Age) string { return a.Silo }) },
		func() error { return writeRows(ctx, w, "sources", f.Sources, nil) },
		func() error { return writeRows(ctx, w, "verification", f.Verification, nil) },
		func() error { return writeRows(ctx, w, "answers", f.Answers, nil) },
		func() error { return writeRows(ctx, w, "policy_changes", f.PolicyChanges, nil) },
		func() error { return writeRows(ctx, w, "restores", f.Restores, nil) },
		func() error { return writeRows(ctx, w, "incident_hints", f.Hints, nil) },
		func() error { return writeRows(ctx, w, "attestations", f.Attestations, nil) },
		func() error {
			rows := w.countedDecisions(w.decisions())
			return writeTable(ctx, w, "decisions", rows, func(d *audit.Decision) string { return d.Silo })
		},
		func() error {
			rows := byRecord(w.counted(), w.folder, actionsInOrder())
			return writeTable(ctx, w, "actions", rows, func(a *audit.Action) string { return a.Silo })
		},
		func() error { return w.rowCounts(ctx) },
	)
}

// byRecord orders rows by the references of their records, which say nothing: neither in which order the rows stand in
// their source, nor in which the registry heard of the people.
func byRecord[T any](rows iter.Seq2[[]T, error], folder string, order spool.Order[T]) iter.Seq2[[]T, error] {
	if rows == nil {
		return nil
	}
	return spool.Sorted(folder, rows, order)
}

func decisionsInOrder() spool.Order[audit.Decision] {
	return spool.Order[audit.Decision]{
		First: func(d *audit.Decision) uint64 { return binary.BigEndian.Uint64(d.Record[:]) },
		Compare: func(a, b *audit.Decision) int {
			return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), cmp.Compare(a.Source, b.Source),
				cmp.Compare(a.Object, b.Object))
		}}
}

func actionsInOrder() spool.Order[audit.Action] {
	return spool.Order[audit.Action]{
		First: func(a *audit.Action) uint64 { return binary.BigEndian.Uint64(a.Record[:]) },
		Compare: func(a, b *audit.Action) int {
			return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), cmp.Compare(a.Source, b.Source),
				cmp.Compare(a.Object, b.Object), cmp.Compare(a.PlanID, b.PlanID), cmp.Compare(a.Batch, b.Batch))
		}}
}

// inOrder runs steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// values are the rows that pointers point to.
func values[T any](pointers []*T) []T {
	out := make([]T, len(pointers))
	for i, p := range pointers {
		out[i] = *p
	}
	return out
}

// counted passes the actions on and counts them for the page.
func (w *publisher) counted() iter.Seq2[[]audit.Action, error] {
	if w.Actions == nil {
		return nil
	}
	return func(yield func([]audit.Action, error) bool) {
		for rows, err := range w.Actions {
			w.totals.Add(rows)
			for i := range rows {
				w.countAction(&rows[i])
			}
			if !yield(rows, err) {
				return
			}
		}
	}
}

// writeRows writes a table of few rows.
func writeRows[T any](ctx context.Context, w *publisher, table string, rows []T, silo func(*T) string) error {
	return writeTable(ctx, w, table, func(yield func([]T, error) bool) { yield(rows, nil) }, silo)
}

// writeTable writes one table; a nil silo means one file for all.
func writeTable[T any](ctx context.Context, w *publisher, table string, batches iter.Seq2[[]T, error],
	silo func(*T) string) error {
	s, err := parquet.NewTable[T](table, w.folder, w.Date, w.Facts.Run, w.Gate)
	if err != nil {
		return err
	}
	defer s.Release()
	var private *parquet.Table[T]
	if w.seals(table) {
		if private, err = parquet.NewTable[T](table, w.Private, w.Date, w.Facts.Run, w.Gate); err != nil {
			return err
		}
		defer private.Release()
	}
	if batches == nil {
		batches = func(func([]T, error) bool) {}
	}
	for rows, err := range batches {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
		case silo == nil:
			err = s.Add("", rows)
		case private == nil:
			err = s.AddBySilo(rows, silo)
		default:
			err = apart(w, rows, silo, s, private)
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	files, hits, err := s.Close(ctx)
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	for _, f := range files {
		w.files = append(w.files, published(f))
	}
	w.hits = append(w.hits, hits)
	if private == nil || private.Empty() {
		return nil
	}
	if files, hits, err = private.Close(ctx); err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	w.hits = append(w.hits, hits)
	return w.seal(files)
}

func published(f parquet.File) manifest.File {
	return manifest.File{Path: f.Path, Bytes: f.Bytes, Rows: f.Rows, SHA256: f.SHA256}
}

// pages renders the pages and has their texts judged.
func (w *publisher) pages() error {
	in := night.Input{Facts: w.Facts, Totals: w.totals, Date: w.Date, Language: w.Language}
	pages, err := page.Render(in)
	if err != nil {
		return err
	}
	w.page = &manifest.Page{}
	if w.page.Verdict, w.page.Needs, err = night.Verdict(in); err != nil {
		return err
	}
	for _, p := range pages {
		texts, err := fill.Texts(p.Body)
		if err != nil {
			return err
		}
		if err := w.Gate.Check("page", "text", texts); err != nil {
			w.hits = append(w.hits, err)
		}
		if err := w.beside(p.Name, p.Body); err != nil {
			return err
		}
	}
	return nil
}

// beside writes a file that is no table beside the manifest.
func (w *publisher) beside(name string, body []byte) error {
	path := w.night() + "/" + name
	sum := sha256.Sum256(body)
	w.files = append(w.files, manifest.File{Path: path, Bytes: int64(len(body)), SHA256: hex.EncodeToString(sum[:])})
	return expiry.WriteDurably(filepath.Join(w.folder, filepath.FromSlash(path)), body)
}

// commit writes the list of what the night commits to for receipts; of nothing there is none.
func (w *publisher) commit() (err error) {
	var all []receipts.Commitment
	for _, text := range w.Facts.Receipts {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != len(receipts.Commitment{}) {
			return errors.New("a commitment of the facts cannot be read")
		}
		all = append(all, receipts.Commitment(raw))
	}
	list := receipts.NewList(all)
	if w.receipts, err = list.Root(); err != nil || len(list) == 0 {
		return err
	}
	return w.beside(receipts.Name, list.Bytes())
}

// sign writes the manifest, its signature and the key that it is checked with, and returns the
// manifest's digest.
func (w *publisher) sign() (string, error) {
	slices.SortFunc(w.files, func(a, b manifest.File) int { return strings.Compare(a.Path, b.Path) })
	m := manifest.New(w.Facts, w.files, w.Signer.Public())
	m.Sealed, m.Page, m.Receipts = w.sealed, w.page, w.receipts
	body, err := m.Encode()
	if err != nil {
		return "", err
	}
	switch standing, err := os.ReadFile(filepath.Join(w.Root, filepath.FromSlash(w.night()), manifest.Name)); {
	case err == nil && !bytes.Equal(standing, body):
		return "", fmt.Errorf("it stands published already in %s, with other content: look there, "+
			"and use the version of lethe that wrote it to make it anew", w.night())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	folder := filepath.Join(w.folder, filepath.FromSlash(w.night()))
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), errors.Join(
		expiry.WriteDurably(filepath.Join(folder, manifest.Name), body),
		expiry.WriteDurably(filepath.Join(folder, manifest.SignatureName), manifest.Sign(w.Signer, body)),
		expiry.WriteDurably(filepath.Join(folder, manifest.KeyName), []byte(w.Signer.Public()+"\n")))
}

// moveIn renames the folders of the night into place, the one with the manifest last, and puts the page
// on top if it is the newest.
func (w *publisher) moveIn() error {
	night := w.night()
	folders := []string{}
	for _, f := range w.files {
		if dir := f.Path[:strings.LastIndexByte(f.Path, '/')]; dir != night && !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	for _, dir := range append(folders, night) {
		from, to := filepath.Join(w.folder, filepath.FromSlash(dir)), filepath.Join(w.Root, filepath.FromSlash(dir))
		err := errors.Join(expiry.SyncDir(from), os.MkdirAll(filepath.Dir(to), 0o750), os.RemoveAll(to))
		if err == nil {
			err = os.Rename(from, to)
		}
		if err == nil {
			err = expiry.SyncDir(filepath.Dir(to))
		}
		if err != nil {
			return err
		}
	}
	nights, err := filepath.Glob(filepath.Join(w.Root, "manifests", "date=*", "run=*"))
	if err != nil {
		return err
	}
	if err := w.index(nights); err != nil {
		return fmt.Errorf("the list of nights: %w", err)
	}
	if newest, err := w.newestNight(nights); err != nil || filepath.Base(newest) != "run="+w.Facts.Run.RunID {
		return err
	}
	for _, name := range page.Names() {
		body, err := os.ReadFile(filepath.Join(w.Root, filepath.FromSlash(night), name))
		if err != nil {
			return err
		}
		fresh := filepath.Join(w.folder, name)
		if err := expiry.WriteDurably(fresh, body); err != nil {
			return err
		}
		if err := os.Rename(fresh, filepath.Join(w.Root, name)); err != nil {
			return err
		}
	}
	return expiry.SyncDir(w.Root)
}

// newestNight is the folder of the run, asides apart, that started last: run ids are UUIDv7, which sort
// by time. It does not go by dates, which may be simulated.
func (w *publisher) newestNight(folders []string) (string, error) {
	slices.SortFunc(folders, func(a, b string) int { return strings.Compare(filepath.Base(b), filepath.Base(a)) })
	for _, folder := range folders {
		if w.Aside == nil {
			return folder, nil
		}
		body, err := os.ReadFile(filepath.Join(folder, manifest.Name))
		if err != nil {
			return "", err
		}
		var m manifest.Manifest
		if err := json.Unmarshal(body, &m); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Join(folder, manifest.Name), err)
		}
		if key, _ := m.Run["run_key"].(string); !w.Aside(key) {
			return folder, nil
		}
	}
	return "", nil
}
