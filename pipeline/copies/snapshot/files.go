package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"lethe/pipeline/registry/keystore"
)

// snapshotName is the name of a file of rows.
var snapshotName = regexp.MustCompile(`^(snapshot|delta)-\d{8}T\d{6}Z-[0-9a-f]{12}\.jsonl$`)

// Files names the files that were written to a target's folder, the manifest last: its signature by the
// key proves whose they are. Files that it does not prove are refused.
func Files(folder, target string, key keystore.PublicKey) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if snapshotName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	_, missing := os.Stat(filepath.Join(folder, snapshotManifest))
	if errors.Is(missing, fs.ErrNotExist) && len(names) == 0 {
		return nil, nil
	}
	manifest, err := readSigned(folder, key)
	if err == nil && manifest.Target != target {
		err = fmt.Errorf("%s is of another target", snapshotManifest)
	}
	if err != nil {
		return nil, fmt.Errorf("folder %s: what is in it is not known to be Lethe's and was left alone: "+
			"look at it, and remove it: %w", folder, err)
	}
	return append(names, snapshotManifest), nil
}

// Remove removes files of a folder, and the folder when nothing else is in it.
func Remove(folder string, names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	rest, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(rest) > 0 {
		return nil
	}
	return errors.Join(err, os.Remove(folder))
}
