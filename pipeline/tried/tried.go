// Package tried keeps what came of trials to put backups back: a [Trial] each, signed, in the state folder. [Leave]
// puts one there, [Read] finds them.
package tried

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

const (
	folder = "trials"       // in the state folder
	under  = "backup trial" // keeps a signature under a trial from being taken for one under anything else
)

// forgotten is for how long the trial of a file that is gone is kept: it says when one of its set was tried last.
const forgotten = 400 * 24 * time.Hour

// Trial is what came of the last trial to put a backup back.
type Trial struct {
	Source  string    `json:"source"`           // of the backup, as the reports name it
	Digest  string    `json:"sha256"`           // of the file that was tried
	TriedAt time.Time `json:"tried_at"`         // when it ended
	Engine  string    `json:"engine"`           // into which it was put back; "" it came to none
	Tables  int       `json:"tables"`           // that were compared
	Rows    int64     `json:"rows"`             // in them, as they stand there again
	Erased  int64     `json:"rows_of_erased"`   // of them, those that a night had ended
	Left    []string  `json:"left,omitempty"`   // what of it was not put back or compared, in words
	Faults  []string  `json:"faults,omitempty"` // why it cannot be relied on; none: it can
	Program string    `json:"program"`          // the version of Lethe
}

// Holds reports whether the backup was put back as the file says.
func (t Trial) Holds() bool { return len(t.Faults) == 0 }

// signed is a trial as it stands in its file.
type signed struct {
	Trial     json.RawMessage `json:"trial"`
	Signature []byte          `json:"signature"` // of the runner, over the trial's JSON
}

func path(p *setup.Setup, source string) string {
	sum := sha256.Sum256([]byte(source))
	return filepath.Join(p.State, folder, hex.EncodeToString(sum[:12])+".json")
}

// Leave signs a trial and puts it in the place of an earlier one of its backup. Those of backups that are long gone go.
func Leave(p *setup.Setup, t Trial) error {
	runner, err := p.Keys.Runner()
	if err != nil {
		return err
	}
	t.Program = p.Version
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	file, err := json.Marshal(signed{Trial: body, Signature: runner.Sign(under, body)})
	if err != nil {
		return err
	}
	to := path(p, t.Source)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("keep trial: %w", err)
	}
	if err := state.WriteFile(to, file); err != nil {
		return err
	}
	all, err := Read(p)
	if err != nil {
		return err
	}
	var errs []error
	for _, old := range all {
		there := slices.ContainsFunc(p.Sources, func(s setup.Source) bool { return s.Name == old.Source })
		if !there && p.Now().Sub(old.TriedAt) > forgotten {
			errs = append(errs, os.Remove(path(p, old.Source)))
		}
	}
	return errors.Join(errs...)
}

// Read finds the trials, by source. One that is not as this keystore's runner signed it, or of a time to come, is none.
func Read(p *setup.Setup) ([]Trial, error) {
	files, err := filepath.Glob(filepath.Join(p.State, folder, "*.json"))
	if err != nil || len(files) == 0 || p.Keys == nil {
		return nil, err
	}
	runner, err := p.Keys.Runner()
	if errors.Is(err, keystore.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Trial
	for _, file := range files {
		t, ok := read(runner, file)
		if ok && path(p, t.Source) == file && t.TriedAt.Before(p.Now().Add(24*time.Hour)) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b Trial) int { return strings.Compare(a.Source, b.Source) })
	return list, nil
}

// read reads a trial; ok is false where it is not as the runner signed it.
func read(runner *keystore.Signer, file string) (t Trial, ok bool) {
	body, err := os.ReadFile(file)
	var s signed
	if err != nil || json.Unmarshal(body, &s) != nil || json.Unmarshal(s.Trial, &t) != nil {
		return t, false
	}
	return t, runner.PublicKey().Verify(under, s.Trial, s.Signature) == nil
}

// Of is the trial of a backup; ok is false where it has none.
func Of(list []Trial, source string) (t Trial, ok bool) {
	i := slices.IndexFunc(list, func(t Trial) bool { return t.Source == source })
	if i < 0 {
		return t, false
	}
	return list[i], true
}

// Newest is when a backup of a set was last put back as its file says; zero: never.
func Newest(list []Trial, set string) (at time.Time) {
	for _, t := range list {
		if of, _, _ := strings.Cut(t.Source, "/"); of == set && t.Holds() && t.TriedAt.After(at) {
			at = t.TriedAt
		}
	}
	return at
}
