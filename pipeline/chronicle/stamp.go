package chronicle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/stamp"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/setup"
)

// Stamp asks the configured authority for a time stamp over the newest checkpoint, unless there is none configured or
// it has one. What comes back is looked at before it is kept. The error says why there is none: it ends nothing.
func Stamp(ctx context.Context, p *setup.Setup) error {
	if p.Timestamps == nil {
		return nil
	}
	signer, err := p.Keys.Runner()
	if err != nil {
		return err
	}
	_, newest, err := tilelog.Newest(p.Reports, signer.PublicKey())
	if err != nil || newest.Size == 0 {
		return err
	}
	message, err := os.ReadFile(filepath.Join(p.Reports, filepath.FromSlash(tilelog.CheckpointFile(newest.Size))))
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	stands, err := os.ReadFile(filepath.Join(p.Reports, filepath.FromSlash(tilelog.StampFile(newest.Size))))
	if err == nil {
		if _, err := stamp.Verify(stands, message, p.Timestamps.Roots); err == nil {
			return nil
		}
	}
	now := p.Now()
	if p.Simulated {
		now = time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.Timestamps.Wait, stamp.Wait))
	defer cancel()
	answer, _, err := stamp.Ask(ctx, p.Timestamps.URL, p.Timestamps.Roots, message, now)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the authority did not answer in time: %w", err)
	}
	if err != nil {
		return fmt.Errorf("checkpoint %d of the log of nights has no time stamp: %w", newest.Size, err)
	}
	return tilelog.AddStamp(p.Reports, newest.Size, answer)
}

// Unstamped is the finding of a checkpoint that has no time stamp, though an authority is configured.
func Unstamped(err error) audit.Finding {
	return audit.Finding{Kind: "F_NOT_STAMPED", Severity: "medium", Object: tilelog.Folder, Count: 1,
		Article: "Art. 5(2)", Words: "No time stamp could be had for the newest checkpoint of the log of nights: " +
			err.Error() + ". The stamp of a later night covers this one too; look whether the authority answers."}
}

// stamped is the newest time stamp that holds; false where there is none.
func stamped(p *setup.Setup, newest tilelog.Checkpoint) (line audit.LogLine, ok bool) {
	if p.Timestamps == nil {
		return line, false
	}
	for size := newest.Size; size > 0 && size > newest.Size-lookFor; size-- {
		answer, err := os.ReadFile(filepath.Join(p.Reports, filepath.FromSlash(tilelog.StampFile(size))))
		if err != nil {
			continue
		}
		message, err := os.ReadFile(filepath.Join(p.Reports, filepath.FromSlash(tilelog.CheckpointFile(size))))
		if err != nil {
			continue
		}
		s, err := stamp.Verify(answer, message, p.Timestamps.Roots)
		if err != nil {
			continue
		}
		line = audit.LogLine{Size: size, Signer: audit.StampSigner, SignedAt: s.At}
		if u, err := url.Parse(p.Timestamps.URL); err == nil {
			line.Signer += u.Hostname()
		}
		return line, true
	}
	return line, false
}

// lookFor is among how many of the newest checkpoints a time stamp is looked for.
const lookFor = 400
