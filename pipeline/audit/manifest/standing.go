package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

// ErrEdited says that reports are not what was signed: something was changed, removed or added
// afterwards, or the key is another.
var ErrEdited = errors.New("the reports are not what was signed")

// Standing is a report that was published.
type Standing struct {
	RunID string
	Date  string // civil date of the run, as its folder has it
}

// Stand lists the reports that stand in a reports folder, by date; none where there is no folder.
func Stand(root string) (list []Standing, err error) {
	manifests := filepath.Join(root, "manifests")
	dates, err := under(manifests, "date=")
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	for _, date := range dates {
		runs, err := under(filepath.Join(manifests, "date="+date), "run=")
		if err != nil {
			return nil, fmt.Errorf("list reports: %w", err)
		}
		for _, run := range runs {
			if _, err := os.Stat(Path(root, date, run)); err == nil {
				list = append(list, Standing{RunID: run, Date: date})
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("list reports: %w", err)
			}
		}
	}
	return list, nil
}

// under lists what in a folder begins so, without what it begins with.
func under(folder, begins string) (rest []string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), begins); ok {
			rest = append(rest, name)
		}
	}
	return rest, err
}

// Recall reads what the signed manifest of a report says of its run: the run, the registry's heads, and the plans
// that it knew, by id and digest. Digest is the manifest's, hex. It returns [ErrEdited] for one that the runner's key
// did not sign, or that stands where another belongs.
func Recall(root string, s Standing, key keystore.PublicKey) (f audit.Facts, digest string, err error) {
	m, body, err := s.open(root, key)
	if err != nil {
		return f, "", fmt.Errorf("recall run %s: %w", s.RunID, err)
	}
	text := func(name string) string { s, _ := m.Run[name].(string); return s }
	at := func(name string) time.Time { t, _ := time.Parse(time.RFC3339Nano, text(name)); return t }
	exit, _ := m.Run["exit_code"].(float64)
	writes, _ := m.Run["journal_writes"].(float64)
	f.Run = audit.Run{RunID: s.RunID, RunKey: text("run_key"), Job: text("job"), Mode: text("mode"),
		Phases: text("phases"), Night: text("night"), AsOf: at("as_of"), StartedAt: at("started_at"),
		EndedAt:  at("ended_at"),
		ExitCode: int32(exit), RegistryHeads: strings.Join(m.Heads, ";"), PreviousManifest: m.Previous,
		Answers: m.AnswersHead().Length, AnswersHead: m.AnswersHead().Hash, JournalWrites: int64(writes)}
	for _, p := range m.Plans {
		f.Plans = append(f.Plans, audit.Plan{PlanID: p.PlanID, Digest: p.Digest, State: p.State})
	}
	sum := sha256.Sum256(body)
	return f, hex.EncodeToString(sum[:]), nil
}

// open reads the manifest of a report, and checks who signed it before anything that it says.
func (s Standing) open(root string, key keystore.PublicKey) (m Manifest, body []byte, err error) {
	path := Path(root, s.Date, s.RunID)
	if body, err = expiry.ReadSmall(path); err != nil {
		return m, nil, err
	}
	sig, err := expiry.ReadSmall(filepath.Join(filepath.Dir(path), SignatureName))
	if err != nil {
		return m, nil, err
	}
	m, err = Open(body, sig, key)
	if err == nil && m.RunID() != s.RunID {
		err = errors.New("it is of another run")
	}
	ours := "/date=" + s.Date + "/run=" + s.RunID + "/"
	if err == nil && slices.ContainsFunc(m.Files, func(f File) bool { return !strings.Contains(f.Path, ours) }) {
		err = errors.New("it is of another day: it was moved")
	}
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrEdited, path, err)
	}
	return m, body, err
}

// Files are what a run published besides its manifest, as that names them.
func Files(root string, s Standing, key keystore.PublicKey) ([]File, error) {
	m, _, err := s.open(root, key)
	return m.Files, err
}

// Receipts is the root over what a run committed to for receipts, as its manifest has it; "" nothing.
func Receipts(root string, s Standing, key keystore.PublicKey) (string, error) {
	m, _, err := s.open(root, key)
	return m.Receipts, err
}
