package copies

import (
	"context"
	"fmt"
	"path/filepath"

	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// openSnapshot begins the snapshot of a target that gets files; nil where it gets none, or nothing may be
// written.
func (cp *Keeper) openSnapshot(ctx context.Context, c setup.Grant) (*snapshot.Snapshot, error) {
	if c.Files == "" || !cp.Tonight.Apply {
		return nil, nil
	}
	folder, err := filepath.Abs(c.Files)
	if err == nil {
		err = cp.Journal.PutMade(ctx, journal.Made{Target: c.Target, Source: c.Source, Folder: folder})
	}
	var files *snapshot.Snapshot
	if err == nil {
		files, err = snapshot.New(c.Files)
	}
	if err != nil {
		return nil, fmt.Errorf("write snapshot for %s: %w: let files: name a folder that Lethe may write",
			c.Target, err)
	}
	return files, nil
}

// publish puts a snapshot in place. After a failure, of the delivery or of its own, which it
// returns, the folder is as it was.
func (cp *Keeper) publish(files *snapshot.Snapshot, c setup.Grant, failure error) error {
	if files == nil {
		return failure
	}
	if failure != nil {
		files.Discard()
		return failure
	}
	m := snapshot.Manifest{Target: c.Target, Controller: cp.Setup.Controller, AsOf: cp.Tonight.AsOf.UTC(),
		RunID: cp.Tonight.RunID, Grants: c.Grants, Heads: map[string]int64{}}
	for silo := range c.Grants {
		m.Heads[silo] = cp.Silos.Silos[silo].Standings.Head()
	}
	signer, err := cp.Setup.Keys.Runner()
	if err != nil {
		files.Discard()
		return fmt.Errorf("write snapshot for %s: %w", c.Target, err)
	}
	damaged, err := files.Publish(m, signer, cp.Setup.Crash)
	if damaged != nil {
		cp.Setup.Log.Warn("the copy's files are not as they were left: the delta is whole",
			"run_id", cp.Tonight.RunID, "target", c.Target, "error", damaged)
	}
	if err != nil {
		return fmt.Errorf("write snapshot for %s: %w", c.Target, err)
	}
	return nil
}
