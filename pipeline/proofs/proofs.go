// Package proofs says in a run's facts what its evidence rests on: what was checked of it, what people answered, and in
// what the policy changed that they adopted.
//
//   - Book draws it up at the end of a run.
package proofs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
	"lethe/pipeline/silos"
)

// Book draws up what the evidence rests on.
type Book struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
}

// lookBack is for how many published runs the files are looked for.
const lookBack = 60

// Draw puts it into the facts. said are the answers as they stand, of which the last published run knew so many.
func (b *Book) Draw(ctx context.Context, said answers.Chain, published int64) error {
	f := &b.Notes.Facts
	if b.Tonight.Phases == setup.SyncOnly {
		return nil
	}
	f.Answers = b.answered(said)
	if err := b.attested(ctx, said); err != nil {
		return err
	}
	b.purposes()
	changes, err := b.changes(said, min(published, said.Head().Length))
	f.PolicyChanges = changes
	return errors.Join(err, b.relaxed(said), b.verified(ctx))
}

// verified says what the run checked of the evidence.
func (b *Book) verified(ctx context.Context) error {
	f := &b.Notes.Facts
	note := func(v audit.Verified) {
		v.CheckedAt = b.Setup.Now()
		switch {
		case v.Missing > 0:
			v.Result = "broken"
		case v.Result == "":
			v.Result = "holds"
		}
		f.Verification = append(f.Verification, v)
	}
	manifests, files, err := b.standing(ctx)
	if err != nil {
		return err
	}
	note(manifests)
	note(files)
	restored := func(kind string) string {
		if slices.ContainsFunc(f.Findings, func(x audit.Finding) bool { return x.Kind == kind }) {
			return "restored"
		}
		return ""
	}
	size := int64(0)
	for _, l := range f.Log {
		size = max(size, l.Size)
	}
	note(audit.Verified{What: "log", Checked: size, Result: restored("F_LOG_RESTORED")})
	note(audit.Verified{What: "answers", Checked: f.Run.Answers, Result: restored("F_ANSWERS_RESTORED")})
	writes, err := b.Journal.Writes(ctx)
	if err != nil {
		return err
	}
	sealed := audit.Verified{What: "journal", Checked: writes}
	if writes == 0 {
		sealed.Result = "unchecked"
	}
	note(sealed)
	purges, err := expiry.List(b.Setup.Reports)
	if err != nil {
		return fmt.Errorf("look at purges: %w", err)
	}
	note(audit.Verified{What: "purges", Checked: int64(len(purges))})
	for _, s := range b.Setup.Silos {
		head, ok := b.Silos.Heads[s.Silo.Name]
		v := audit.Verified{What: "registry", Silo: s.Silo.Name, Checked: head.Seq}
		if !ok {
			v.Result = "unchecked"
		}
		note(v)
	}
	return nil
}

// standing looks for the manifests of the newest published runs, and for the files that they name: whether they are
// there, as long as they were. Whether they hold what was signed is for who verifies the folder.
func (b *Book) standing(ctx context.Context) (manifests, files audit.Verified, err error) {
	manifests, files = audit.Verified{What: "manifests"}, audit.Verified{What: "files"}
	signer, err := b.Setup.Keys.Runner()
	if err != nil {
		return manifests, files, err
	}
	runs, err := b.Journal.Published(ctx)
	if err != nil {
		return manifests, files, err
	}
	gone := map[string]bool{}
	for _, p := range expiry.Look(b.Setup.Reports, signer.PublicKey()).Purges {
		for _, g := range p.Gone {
			gone[g.Path] = true
		}
	}
	for _, r := range runs[max(0, len(runs)-lookBack):] {
		manifests.Checked++
		s := manifest.Standing{RunID: r.ID, Date: calendar.DateOf(r.AsOf, b.Setup.Zone).String()}
		digest, err := audit.FileDigest(manifest.Path(b.Setup.Reports, s.Date, s.RunID))
		if err != nil || digest != r.Manifest {
			manifests.Missing++
			continue
		}
		named, err := manifest.Files(b.Setup.Reports, s, signer.PublicKey())
		if err != nil {
			manifests.Missing++
			continue
		}
		for _, f := range named {
			if gone[f.Path] {
				continue
			}
			files.Checked++
			info, err := os.Stat(filepath.Join(b.Setup.Reports, filepath.FromSlash(f.Path)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return manifests, files, fmt.Errorf("look for the files of the reports: %w", err)
			}
			if err != nil || info.Size() != f.Bytes {
				files.Missing++
			}
		}
	}
	return manifests, files, nil
}

// answered are the answers of the last twelve months.
func (b *Book) answered(said answers.Chain) (rows []audit.Answered) {
	from := b.Setup.Now().AddDate(-1, 0, 0)
	for _, s := range said.All() {
		a := s.Answer
		if a.SignedAt.Before(from) {
			continue
		}
		sum := sha256.Sum256([]byte(a.Key))
		why := said.Voided(b.Setup.People, s, a.Digest, b.Setup.Now())
		rows = append(rows, audit.Answered{Seq: a.Seq, Hash: s.Hash(), Act: string(a.Act), About: a.About,
			Digest: a.Digest, Actor: a.Actor, Roles: strings.Join(b.Setup.People[a.Actor].Roles, ";"),
			KeyID: hex.EncodeToString(sum[:8]), SignedAt: a.SignedAt, Counts: why == "", Because: why})
	}
	return rows
}

// changes are those of the policies that people adopted since a place in the chain.
func (b *Book) changes(said answers.Chain, since int64) (rows []audit.PolicyChange, err error) {
	last := said.Head().Length
	adopts := func(s answers.Signed) bool { return s.Answer.Act == answers.Adopt }
	if b.Setup.Policy == nil || !slices.ContainsFunc(said.All()[since:], adopts) {
		return nil, nil
	}
	before, err := adopted.InForce(b.Setup, said.Upto(since))
	for n := since + 1; n <= last && err == nil; n++ {
		if !adopts(said.All()[n-1]) {
			continue
		}
		var now *adoption.Policy
		if now, err = adopted.InForce(b.Setup, said.Upto(n)); err != nil || now == nil {
			continue
		}
		if before == nil || before.Digest != now.Digest {
			rows = append(rows, b.change(said.Upto(n), before, now)...)
		}
		before = now
	}
	return rows, err
}

// change is what one policy has otherwise than the one before it, in which the last answer put it.
func (b *Book) change(said answers.Chain, before, now *adoption.Policy) (rows []audit.PolicyChange) {
	row := audit.PolicyChange{ToDigest: now.Digest, Effect: "the first"}
	var by []string
	for _, s := range said.All() {
		if a := s.Answer; a.Act == answers.Adopt && a.Digest == now.Digest {
			row.ChangedAt = a.SignedAt
			if !slices.Contains(by, a.Actor) {
				by = append(by, a.Actor)
			}
		}
	}
	row.AdoptedBy = strings.Join(by, ";")
	if before == nil {
		return append(rows, row)
	}
	row.FromDigest = before.Digest
	all := said.All()
	effect := all[len(all)-1].Answer.Effect
	for _, c := range adoption.Between(before, now).Changes {
		row.Silo, row.Place, row.Effect, row.EffectRows = c.Silo, b.text(c.Path), c.Kind, decided(effect, c)
		row.Before, row.After = b.value(c.Before), b.value(c.After)
		rows = append(rows, row)
	}
	return rows
}

// decided is how many rows an adoption decided otherwise: of the silo that a change concerns, or of all where it is how
// the sources are read or in which zone terms are counted; "" not counted, or the change is about no row.
func decided(effect *answers.Effect, c adoption.Change) string {
	if effect == nil {
		return ""
	}
	rows, counted := effect.Silos[c.Silo]
	if top, _, _ := strings.Cut(c.Path, "."); effect.Rows != nil && (top == "Controller" || top == "Sources") {
		rows, counted = *effect.Rows, true
	}
	if !counted {
		return ""
	}
	return strconv.FormatInt(rows, 10)
}

// plain is a value of the policy that says no more than a number, a term or a code.
var plain = regexp.MustCompile(`^("[A-Za-z][A-Za-z0-9_.:-]{0,39}"|-?[0-9.]{1,12}|true|false)$`)

// value is what stands in the policy, where it is a number, a term or a code; else a digest of it.
func (b *Book) value(text string) string {
	switch {
	case text == "nothing":
		return ""
	case plain.MatchString(text):
		return b.text(strings.Trim(text, `"`))
	}
	return digested(text)
}

// text is a text that may be shown.
func (b *Book) text(text string) string {
	if len(shown.Gated(b.Setup.Catalogue, text)) > 0 {
		return digested(text)
	}
	return text
}

func digested(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("sha256:%x", sum[:6])
}
