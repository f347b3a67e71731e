package chronicle

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/setup"
)

// Standing is how the log of the reports stands.
type Standing struct {
	Checkpoint tilelog.Checkpoint // the newest
	Lines      []audit.LogLine
	Witnesses  int       // people who may cosign it
	By         string    // who cosigned last; "" nobody ever did
	At         time.Time // when, by their clock
	Size       int64     // what they saw of it
	Nights     int       // that were published since
}

// Late says that the log is to be cosigned again.
func (s Standing) Late() bool { return s.Witnesses > 0 && s.Nights >= audit.LateNights }

// Words say how old the last cosignature is.
func (s Standing) Words(zone *time.Location) string {
	if s.By == "" {
		return fmt.Sprintf("nobody has cosigned it yet; nights in it: %d", s.Nights)
	}
	return fmt.Sprintf("cosigned by %s on %s, up to entry %d; nights since: %d", s.By,
		s.At.In(zone).Format(time.DateOnly), s.Size, s.Nights)
}

// Finding is what a report says of a log that nobody has cosigned for long; false where somebody has.
func (s Standing) Finding(zone *time.Location) (audit.Finding, bool) {
	return audit.Finding{Kind: audit.Uncosigned, Severity: "medium", Object: tilelog.Folder, Count: int64(s.Nights),
		Article: "Art. 5(2)", Words: "The log of nights was not cosigned for a week of nights: " +
			"" + s.Words(zone) + ". Until it is, nothing that the operator does not hold says what these nights " +
			"were. The data protection officer does it on their own machine: `lethe audit cosign`."}, s.Late()
}

// Stand reads how the log stands; a zero Standing where there is none.
func Stand(p *setup.Setup) (Standing, error) { return StandOn(p, "") }

// StandOn is Stand with one night more, of a civil day, which is about to be published.
func StandOn(p *setup.Setup, day string) (s Standing, err error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return s, err
	}
	key := signer.PublicKey()
	_, newest, err := tilelog.Newest(p.Reports, key)
	if err != nil || newest.Size == 0 {
		s.Lines = []audit.LogLine{{Signer: audit.LogSigner, KeyID: tilelog.KeyID(key)}} // a log that is to begin
		return s, err
	}
	entries, err := tilelog.Entries(p.Reports, newest.Size)
	if err != nil {
		return s, err
	}
	l, err := tilelog.New(entries)
	if err != nil {
		return s, err
	}
	names, keys := Witnesses(p)
	cosigned, err := tilelog.Cosigned(p.Reports, key, keys)
	if err != nil {
		return s, err
	}
	s = Standing{Checkpoint: newest, Witnesses: len(keys)}
	line := func(c tilelog.Checkpoint, signer, actor, id string, at time.Time) {
		s.Lines = append(s.Lines, audit.LogLine{Size: c.Size, Root: hex.EncodeToString(c.Root[:]), Signer: signer,
			Actor: actor, KeyID: id, SignedAt: at})
	}
	line(newest, audit.LogSigner, "", tilelog.KeyID(key), time.Time{})
	for i, name := range names {
		own := tilelog.Last(l, cosigned, keys[i])
		if own.Checkpoint.Size == 0 {
			continue
		}
		line(own.Checkpoint, audit.WitnessSigner, name, own.ID, own.At)
		if own.Checkpoint.Size > s.Size {
			s.By, s.At, s.Size = name, own.At, own.Checkpoint.Size
		}
	}
	since := func(size int64) int {
		days := l.Nights(size)
		if day != "" && !slices.Contains(days, day) {
			return len(days) + 1
		}
		return len(days)
	}
	s.Nights = since(s.Size)
	for i := range s.Lines {
		if x := &s.Lines[i]; x.Signer == audit.WitnessSigner {
			x.Nights = int64(since(x.Size))
		}
	}
	if stamp, ok := stamped(p, newest); ok {
		root, err := l.Root(stamp.Size)
		if err != nil {
			return s, err
		}
		stamp.Root = hex.EncodeToString(root[:])
		s.Lines = append(s.Lines, stamp)
	}
	return s, nil
}
