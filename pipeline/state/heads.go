package state

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
)

// SeenHeads are the heads of the registry's chains, by silo, as the newest night that looked at them saw
// them, or a command that wrote there since; none before the first.
func SeenHeads(ctx context.Context, p *setup.Setup) (map[string]chain.Head, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 100)
	if err != nil {
		return nil, err
	}
	heads, err := LastHeads(runs)
	if err != nil {
		return nil, err
	}
	return Since(ctx, j, heads)
}

// Since are heads that a night saw, and in their place those that were noted since.
func Since(ctx context.Context, j *journal.Journal, heads map[string]chain.Head) (map[string]chain.Head, error) {
	noted, err := j.Heads(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]chain.Head{}
	maps.Copy(all, heads)
	for _, n := range noted {
		if n.Seq < all[n.Silo].Seq {
			continue
		}
		h := chain.Head{Silo: n.Silo, Seq: n.Seq, Count: n.Seq, Writes: n.Writes}
		hash, err := hex.DecodeString(n.Hash)
		if copy(h.Hash[:], hash) != len(h.Hash) || err != nil {
			return nil, fmt.Errorf("what was noted of the registry: %w", journal.ErrCorrupt)
		}
		all[n.Silo] = h
	}
	return all, nil
}

// NoteHeads notes in the journal, where there is one, how the registry stands after it was written to; anew: as two
// people said that it does.
func NoteHeads(ctx context.Context, p *setup.Setup, heads []chain.Head, anew bool) error {
	if !FileExists(filepath.Join(p.State, "journal.db")) {
		return nil
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return err
	}
	return errors.Join(j.NoteHeads(ctx, noted(heads), anew), j.Close())
}

func noted(heads []chain.Head) []journal.Head {
	list := make([]journal.Head, 0, len(heads))
	for _, h := range heads {
		list = append(list, journal.Head{Silo: h.Silo, Seq: h.Seq, Hash: hex.EncodeToString(h.Hash[:]),
			Writes: h.Writes})
	}
	return list
}

// LastHeads are the registry's heads as the newest run that looked at them saw them.
func LastHeads(runs []journal.Run) (map[string]chain.Head, error) {
	f, err := Newest(runs, func(f *audit.Facts) bool { return f.Run.RegistryHeads != "" })
	if err != nil || f == nil {
		return nil, err
	}
	return Heads(f)
}

// Heads are the registry's heads as a run saw them.
func Heads(f *audit.Facts) (map[string]chain.Head, error) { return parseHeads(f.Run.RegistryHeads) }

// Newest are the facts of the newest run that ended and says something; nil where none does. Runs come newest first.
func Newest(runs []journal.Run, says func(*audit.Facts) bool) (*audit.Facts, error) {
	for _, r := range runs {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := FactsOf(r)
		if err != nil {
			return nil, err
		}
		if says(&f) {
			return &f, nil
		}
	}
	return nil, nil
}

// FormatHeads puts heads into the words in which a run's facts keep them: silo:seq:hash, joined by
// semicolons.
func FormatHeads(heads []chain.Head) string {
	parts := make([]string, len(heads))
	for i, h := range heads {
		parts[i] = fmt.Sprintf("%s:%d:%x", h.Silo, h.Seq, h.Hash)
	}
	return strings.Join(parts, ";")
}

// parseHeads reads what FormatHeads wrote. The names of silos may hold colons. It returns
// journal.ErrCorrupt for what it cannot read.
func parseHeads(text string) (map[string]chain.Head, error) {
	heads := map[string]chain.Head{}
	for _, part := range strings.Split(text, ";") {
		if part == "" {
			continue
		}
		f := strings.Split(part, ":")
		if len(f) < 3 {
			return nil, fmt.Errorf("registry heads of the last run: %w", journal.ErrCorrupt)
		}
		seq, err := strconv.ParseInt(f[len(f)-2], 10, 64)
		hash, herr := hex.DecodeString(f[len(f)-1])
		h := chain.Head{Silo: strings.Join(f[:len(f)-2], ":"), Seq: seq, Count: seq}
		if copy(h.Hash[:], hash) != len(h.Hash) || errors.Join(err, herr) != nil {
			return nil, fmt.Errorf("registry heads of the last run: %w", journal.ErrCorrupt)
		}
		heads[h.Silo] = h
	}
	return heads, nil
}
