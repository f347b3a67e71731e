// Package state is the folder of a company's state: the lock by which one process holds it, the stop
// file, files that are written whole, and what past runs left in the journal. A Folder is one that is
// held.
package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// Folder is the folder of a company's state, held by one process: its journal is open.
type Folder struct {
	lock    *os.File
	Journal *journal.Journal
}

// Open takes the lock for what is to be done and opens the journal. It returns setup.ErrHeld while another process is
// at work.
func Open(ctx context.Context, p *setup.Setup, what string) (*Folder, error) {
	lock, err := TakeLock(p, what)
	if err != nil {
		return nil, err
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Folder{lock, j}, nil
}

// Close closes the journal and gives the lock back.
func (f *Folder) Close() error { return errors.Join(f.Journal.Close(), f.lock.Close()) }

// lookTries and lookTime are how long LockHolder may be in the way of who takes the lock.
const (
	lookTries = 3
	lookTime  = 20 * time.Millisecond
)

// TakeLock makes sure that one process is at work on this state: it returns setup.ErrHeld while another
// one is. The kernel drops the lock with the process. What is done under it is told to whoever asks: a run is named by
// its id.
func TakeLock(p *setup.Setup, what string) (*os.File, error) {
	if err := os.MkdirAll(p.State, 0o700); err != nil {
		return nil, fmt.Errorf("take lock: %w", err)
	}
	path := filepath.Join(p.State, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("take lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for tries := 0; err != nil && tries < lookTries; tries++ { // somebody may only look who holds it
		time.Sleep(lookTime)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("%w: %s is held by %s: wait for it to end, or stop it with the stop file",
			setup.ErrHeld, path, strings.TrimSpace(string(holder)))
	}
	err = f.Truncate(0)
	if err == nil {
		since := p.Now().UTC().Format(time.RFC3339)
		_, err = f.WriteAt(fmt.Appendf(nil, "pid %d on %s since %s: %s\n", os.Getpid(), p.Host, since, what), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take lock: %w", err), f.Close())
	}
	return f, nil
}

// MayWrite is asked before every change: it says why nothing more may be changed now (setup.ErrStopped),
// or nil. A zero until is no window.
func MayWrite(p *setup.Setup, until time.Time) error {
	stop := filepath.Join(p.State, "stop")
	if _, err := os.Stat(stop); err == nil {
		return fmt.Errorf("%w: the stop file %s exists: remove it to go on", setup.ErrStopped, stop)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for the stop file: %w", err)
	}
	if !until.IsZero() && !p.Now().Before(until) {
		return fmt.Errorf("%w: the window ended at %s: the next night goes on from here",
			setup.ErrStopped, until.In(p.Zone).Format("15:04"))
	}
	return nil
}

// FactsOf reads what a run that ended left in the journal. It returns journal.ErrCorrupt for what cannot
// be read.
func FactsOf(r journal.Run) (audit.Facts, error) {
	f, err := audit.DecodeFacts(r.Facts)
	if err != nil {
		return f, fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
	}
	return f, nil
}

// FileExists reports whether there is something at a path.
func FileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// LockHolder says who holds the lock; "" when a run could start.
func LockHolder(p *setup.Setup) string {
	f, err := os.Open(filepath.Join(p.State, "lock"))
	if err != nil {
		return ""
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return ""
	}
	holder, err := os.ReadFile(f.Name())
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(holder))
}

// WriteFile writes a file whole or not at all: temporary file, fsync, rename, fsync of the folder.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}
