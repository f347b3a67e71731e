package state

import (
	"context"

	"lethe/pipeline/journal"
)

// LetGo are the digests of the plans that were let go, by whomever: what tombstones say that they ended, they may have.
func LetGo(ctx context.Context, j *journal.Journal) (map[string]bool, error) {
	list, err := j.Plans(ctx, journal.Approved, journal.Settled)
	if err != nil {
		return nil, err
	}
	digests := make(map[string]bool, len(list))
	for _, p := range list {
		digests[p.Digest] = true
	}
	return digests, nil
}
