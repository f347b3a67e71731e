package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
)

// aboutState is what the answers of those are about who rebuild it.
const aboutState = "state"

// mayRebuild refuses who may not say where the nights begin again.
func mayRebuild(p *setup.Setup, r setup.Rebuilding) error {
	if err := p.Proven(r.Two); err != nil {
		return err
	}
	if err := state.MayAcknowledge(p.People[r.Two[0].Name], p.People[r.Two[1].Name]); err != nil {
		return err
	}
	if strings.TrimSpace(r.Comment) == "" {
		return fmt.Errorf("%w: --comment: say how the state was lost", setup.ErrConfig)
	}
	return nil
}

// recover puts an empty journal in the place of one that somebody else wrote to, and enters the runs that only their
// reports know.
func (b *book) recover(ctx context.Context) error {
	if err := mayRebuild(b.setup, b.tonight.Rebuild); err != nil {
		return err
	}
	unknown, err := state.Unknown(ctx, b.setup, b.journal)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		err = b.journal.Whole(ctx, 1) // it may be older, or new: its runs are brought back
	} else {
		err = state.Intact(ctx, b.setup, b.journal)
	}
	if errors.Is(err, journal.ErrAltered) {
		b.aside = true
		err = b.folder.SetAside(ctx, b.setup)
		b.journal = b.folder.Journal
	}
	if err != nil {
		return err
	}
	return state.Rebuild(ctx, b.setup, b.journal)
}

// rebuild lets the nights go on though earlier ones were forgotten. It compares the registry with what the newest
// report saw of it, lets both people sign what it is now, and makes it the registry of this journal. The runs are in
// the journal already, as far as there are reports of them. It is refused where nothing is lost. Cut off anywhere, it
// is asked for again.
func (b *book) rebuild(ctx context.Context, set *silos.Set) error {
	asked := b.tonight.Rebuild
	if err := mayRebuild(b.setup, asked); err != nil { // once more, by the policy that people adopted
		return err
	}
	if err := set.Connect(ctx); err != nil {
		return err
	}
	older, err := set.Lost(ctx)
	if err != nil {
		return err
	}
	forgotten := set.Remembered(ctx)
	if !b.rebuilt && !b.aside && len(older) == 0 && forgotten == nil {
		return fmt.Errorf("%w: the journal remembers the nights of this registry and of the reports: there is nothing "+
			"to rebuild", setup.ErrConfig)
	}
	if len(older) > 0 {
		words := strings.Join(older, "; ")
		if !asked.Older {
			set.Words = "" // nobody said yet that this is the registry
			return fmt.Errorf("%w: the registry is older than the last report: %s: put its newest copy back, and "+
				"import again what came since; where none is as new, --older-registry goes on with this one: consents "+
				"given since are not in it, and whose they were would be erased, if people approve it",
				setup.ErrTampered, words)
		}
		b.notes.Find(audit.Finding{Kind: "F_REGISTRY_OLDER", Severity: "high", Count: int64(len(older)),
			Article: "Art. 5(2)", Words: "The registry is older than a night before had it, and two people said that " +
				"the nights go on with it: " + words + ". What people said since is not in it: import it again " +
				"before a plan is approved."})
	}
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(set.Words)))
	for _, w := range asked.Two {
		a := answers.Answer{Act: answers.Rebuild, About: aboutState, Digest: digest, Actor: w.Name,
			Comment: asked.Comment}
		if _, err := state.Say(ctx, b.setup, b.answers, a, w.Signer, nil); err != nil {
			return err
		}
	}
	if err := state.AskAnew(ctx, b.journal); err != nil {
		return err
	}
	heads, err := set.Registry.Heads(ctx)
	if err != nil {
		return err
	}
	if err := state.NoteHeads(ctx, b.setup, heads, true); err != nil {
		return err
	}
	b.notes.Find(audit.Finding{Kind: "F_STATE_REBUILT", Severity: "high", Article: "Art. 5(2)",
		Object: asked.Two[0].Name + ", " + asked.Two[1].Name,
		Words: "The state folder did not remember the nights before. These two people said that the nights go on " +
			"from the reports and the registry as they are. Until two people have approved a plan, no standing order " +
			"lets one go."})
	return set.RememberedHere(ctx)
}

// asksAnew are the questions that stand until people have approved a plan themselves: two said that the nights go on
// though earlier ones were forgotten, or the clock leapt, and nobody has looked at a plan since.
func (b *book) asksAnew() (questions []string) {
	if b.answers == nil {
		return nil
	}
	rebuilt := int64(0)
	for _, s := range b.answers.All() {
		if s.Answer.Act == answers.Rebuild {
			rebuilt = s.Answer.Seq
		}
	}
	if rebuilt > 0 && !b.answers.Approved(rebuilt, b.setup.Approvals) {
		questions = append(questions, notes.AskRebuilt)
	}
	if b.leapt {
		questions = append(questions, notes.AskClock)
	}
	return questions
}
