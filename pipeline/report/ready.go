package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// probeSize is how many bytes are written on trial where reports are to stand: a small report.
const probeSize = 1 << 20

// Ready makes sure, before anything is changed, that a night will be able to leave its evidence: every silo has its
// key and one for its references in this epoch's reports, the runner's key is there and signs, and reports can be
// written to where they are to stand.
//
// Made are the silos whose key for references in this epoch's reports was not there.
func Ready(p *setup.Setup, t setup.Tonight) (made []string, err error) {
	made, err = silosReady(p, t)
	return made, errors.Join(err, runnerReady(p), folderReady(p, t))
}

func silosReady(p *setup.Setup, t setup.Tonight) (made []string, err error) {
	var errs []error
	for _, s := range p.Silos {
		silo := s.Silo.Name
		_, err := p.Keys.SiloKey(silo)
		if err == nil {
			if _, missing := p.Keys.AuditKey(silo, t.Epoch); errors.Is(missing, keystore.ErrMissing) {
				made = append(made, silo)
			}
			err = p.Keys.EnsureAudit(silo, t.Epoch)
		}
		if err == nil {
			_, err = p.Keys.AuditKey(silo, t.Epoch)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %w", setup.ErrConfig, err))
		}
	}
	return made, errors.Join(errs...)
}

// runnerReady lets the runner's key sign on trial.
func runnerReady(p *setup.Setup) error {
	runner, err := p.Keys.Runner()
	if errors.Is(err, keystore.ErrMissing) {
		return fmt.Errorf("%w: reports could not be signed, so nothing was begun: %w; if there was one, put "+
			"runner.age back from a copy of the keystore: what another key signs does not verify with what it signed",
			setup.ErrConfig, err)
	}
	if err != nil {
		return fmt.Errorf("%w: reports could not be signed, so nothing was begun: %w", setup.ErrConfig, err)
	}
	public, err := keystore.ParsePublic(runner.Public())
	if err == nil {
		message := []byte("a report that is to be signed")
		err = public.Verify("trial", message, runner.Sign("trial", message))
	}
	if err != nil {
		return fmt.Errorf("%w: the runner's key does not sign, so nothing was begun: %w", setup.ErrConfig, err)
	}
	return nil
}

// folderReady writes on trial where the report of this night is to stand, and leaves nothing.
func folderReady(p *setup.Setup, t setup.Tonight) error {
	err := probe(p, t)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("no report can be written to %s, so nothing was begun: free space there, and start again: %w",
			p.Reports, err)
	}
	if err != nil {
		return fmt.Errorf("%w: no report can be written to %s, so nothing was begun: give the folder and all below "+
			"it to the account that Lethe runs as: %w", setup.ErrConfig, p.Reports, err)
	}
	return nil
}

func probe(p *setup.Setup, t setup.Tonight) (err error) {
	if !exists(p.Reports) {
		defer func() { err = errors.Join(err, os.Remove(p.Reports)) }() // it is the report's to make
	}
	if err := os.MkdirAll(p.Reports, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.Reports)
	errs := []error{err, trial(p.Reports, probeSize)}
	date := "date=" + calendar.DateOf(t.AsOf, p.Zone).String()
	for _, e := range entries {
		if !standsIn(e.Name()) {
			continue
		}
		dir := filepath.Join(p.Reports, e.Name())
		errs = append(errs, trial(dir, 0))
		if dir = filepath.Join(dir, date); exists(dir) {
			errs = append(errs, trial(dir, 0))
		}
	}
	for _, dir := range []string{"", "checkpoints", "tile"} {
		if dir = filepath.Join(p.Reports, tilelog.Folder, dir); exists(dir) {
			errs = append(errs, trial(dir, 0))
		}
	}
	return errors.Join(errs...)
}

// standsIn tells the folders of the reports folder that reports are moved into.
func standsIn(name string) bool {
	table, _ := filepath.Match("table=*", name)
	return table || name == "manifests"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// trial makes a folder in another, writes a file of so many bytes in it, and removes both, and what a run left there
// that was killed meanwhile.
func trial(in string, size int) (err error) {
	left, err := filepath.Glob(filepath.Join(in, ".tmp-trial-*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(in, ".tmp-trial-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	f, err := os.Create(filepath.Join(folder, "trial"))
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, size))
	return errors.Join(err, f.Sync(), f.Close())
}
