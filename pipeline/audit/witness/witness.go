// Package witness lets somebody who does not run Lethe check its log of nights and cosign it, on their own machine.
//
// What a witness vouches for is one thing: that the log goes on from the last checkpoint that they cosigned. So they
// keep that one, Held, in a folder of their own, and it is written there before the cosignature leaves: who signs two
// checkpoints that do not go on from each other is no witness. A cosignature is a file, the checkpoint with one line
// more, that goes back into the reports.
package witness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// ErrUnknown says that the witness does not know the log yet, and was not told its key.
var ErrUnknown = errors.New("the log is not known yet")

// Held is what a witness keeps, one folder for each log: its public key, and the last checkpoint that they cosigned.
type Held struct {
	folder string
	Key    keystore.PublicKey
	signed []byte
	Last   *tilelog.Checkpoint // nil: none yet
}

const (
	keyFile  = "runner.pub"
	lastFile = "cosigned"
)

// Open reads what a witness keeps of the log of a folder of reports. runner is the public key of the log, which is
// needed the first time; later it must be the same.
func Open(home, reports string, runner *keystore.PublicKey) (*Held, error) {
	key := runner
	if key == nil {
		known, err := known(home, reports)
		if err != nil {
			return nil, err
		}
		key = known
	}
	h := &Held{folder: filepath.Join(home, strings.ReplaceAll(tilelog.Origin(*key), "/", "-")), Key: *key}
	body, err := os.ReadFile(filepath.Join(h.folder, lastFile))
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was cosigned: %w", err)
	}
	c, err := tilelog.Open(body, h.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w: put it back from a copy of your own; without it nobody can say that the "+
			"log "+
			"goes on from what you cosigned", evidence.ErrEdited, filepath.Join(h.folder, lastFile), err)
	}
	h.signed, h.Last = body, &c
	return h, nil
}

// known is the key under which a witness knows the log of a folder: that of the name in its checkpoint.
func known(home, reports string) (*keystore.PublicKey, error) {
	body, err := os.ReadFile(filepath.Join(reports, tilelog.Folder, "checkpoint"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s has no log: give the reports folder itself, of a company whose last night "+
			"was of this "+
			"version", ErrUnknown, reports)
	}
	origin, _, _ := strings.Cut(string(body), "\n")
	entries, err := os.ReadDir(home)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what was cosigned: %w", err)
	}
	others := 0
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(home, e.Name(), keyFile))
		if err != nil {
			continue
		}
		if key, err := keystore.ParsePublic(string(text)); err == nil && tilelog.Origin(key) == origin {
			return &key, nil
		}
		others++
	}
	if others > 0 {
		return nil, fmt.Errorf("%w: %s knows %d other logs, and not this one: it is of another company, or its key "+
			"is new, "+
			"and then ask first why, since who makes the key anew makes the history anew; to begin with it, give "+
			"its public "+
			"key with --runner", ErrUnknown, home, others)
	}
	return nil, fmt.Errorf("%w: %s knows no log of that name: the first time, give its public key, as "+
		"`lethe keys create` "+
		"printed it, with --runner", ErrUnknown, home)
}

// Cosign checks the whole folder, against what was cosigned last too, and cosigns its checkpoint. The report says what
// was found; with [evidence.ErrEdited] nothing is signed. Signed is the cosigned checkpoint.
func (h *Held) Cosign(ctx context.Context, reports, name string, by *keystore.Signer, now time.Time) (signed []byte,
	c tilelog.Cosignature, report evidence.VerifyReport, err error) {
	own := []keystore.PublicKey{by.PublicKey()}
	report, err = evidence.VerifyAgainst(ctx, reports, h.Key, evidence.Against{Since: h.Last, Witnesses: own})
	if err != nil {
		return nil, c, report, err
	}
	checkpoint, newest, err := tilelog.Newest(reports, h.Key)
	if err == nil && newest.Size == 0 {
		err = fmt.Errorf("%w: %s has no log: the next night of this version begins one", ErrUnknown, reports)
	}
	if err != nil {
		return nil, c, report, err
	}
	if signed, err = tilelog.Cosign(checkpoint, h.Key, name, by, now); err != nil {
		return nil, c, report, err
	}
	list, err := tilelog.Cosignatures(signed, h.Key, own)
	if err == nil && (len(list) != 1 || list[0].Checkpoint != *report.Checkpoint) {
		err = fmt.Errorf("%w: %s changed while it was checked: try again", evidence.ErrEdited, reports)
	}
	if err != nil {
		return nil, c, report, err
	}
	return signed, list[0], report, h.keep(signed)
}

// keep remembers what is cosigned, durably, before anybody gets it.
func (h *Held) keep(signed []byte) error {
	if err := os.MkdirAll(h.folder, 0o700); err != nil {
		return fmt.Errorf("keep what is cosigned: %w", err)
	}
	for _, file := range []struct {
		name string
		body []byte
	}{{keyFile, []byte(h.Key.String() + "\n")}, {lastFile, signed}} {
		if err := tilelog.Put(filepath.Join(h.folder, file.name), file.body); err != nil {
			return fmt.Errorf("keep what is cosigned: %w", err)
		}
	}
	return nil
}

// Add puts a cosigned checkpoint that came back into the reports. It must be of their log, and be by one of the
// witnesses.
func Add(reports string, signed []byte, runner keystore.PublicKey, witnesses []keystore.PublicKey) (tilelog.Cosignature,
	error) {
	_, newest, err := tilelog.Newest(reports, runner)
	if err != nil {
		return tilelog.Cosignature{}, fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	entries, err := tilelog.Entries(reports, newest.Size)
	if err != nil {
		return tilelog.Cosignature{}, fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	l, err := tilelog.New(entries)
	if err != nil {
		return tilelog.Cosignature{}, err
	}
	list, err := tilelog.Cosignatures(signed, runner, witnesses)
	if err != nil {
		return tilelog.Cosignature{}, fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	for _, c := range list {
		if !c.Known {
			continue
		}
		if err := l.Agrees(c.Checkpoint); err != nil {
			return c, fmt.Errorf("%w: the cosignature of %s: %w: these reports are not what was cosigned; put the "+
				"newest "+
				"copy back, a copy is with who cosigned", evidence.ErrEdited, c.Name, err)
		}
		_, err := tilelog.AddCosignature(reports, signed, c)
		return c, err
	}
	return tilelog.Cosignature{}, fmt.Errorf("%w: it holds no cosignature of a data protection officer under "+
		"people: give "+
		"the file that `lethe audit cosign` wrote", ErrUnknown)
}
