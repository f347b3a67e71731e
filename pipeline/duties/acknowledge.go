package duties

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/clock"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Acknowledge lets two people say that answers are lost, so that the nights go on. What does not follow is moved aside,
// and the two say so in what is left of the chain. It returns the place of the last answer that is lost, and is refused
// where nothing is.
func Acknowledge(ctx context.Context, p *setup.Setup, two []setup.Witness, comment string) (last int64, err error) {
	if err := mayAcknowledge(p, two, comment); err != nil {
		return 0, err
	}
	folder, err := state.Open(ctx, p, "lost answers are acknowledged")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	book, err := state.Answers(ctx, p, folder.Journal)
	if err == nil {
		return 0, fmt.Errorf("%w: no answer is missing: there is nothing to acknowledge", setup.ErrConfig)
	}
	if !errors.Is(err, answers.ErrBroken) {
		return 0, err
	}
	seen, err := state.SeenAnswers(ctx, p, folder.Journal)
	if err != nil {
		return 0, err
	}
	lost := answers.Head{Length: book.Last()}
	for _, head := range seen {
		if head.Length >= lost.Length {
			lost = head
		}
	}
	if err := book.Abandon(ctx, p.Now()); err != nil {
		return 0, err
	}
	for _, w := range two {
		a := answers.Answer{Act: answers.Acknowledge, About: answers.Itself, Digest: lost.Hash, Rows: lost.Length,
			Actor: w.Name, Comment: comment}
		if _, err := state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
			return 0, err
		}
	}
	return lost.Length, state.AskAnew(ctx, folder.Journal)
}

// mayAcknowledge refuses two people who together may not, and who do not say why.
func mayAcknowledge(p *setup.Setup, two []setup.Witness, comment string) error {
	if err := p.Proven(two); err != nil {
		return err
	}
	if err := state.MayAcknowledge(p.People[two[0].Name], p.People[two[1].Name]); err != nil {
		return err
	}
	if strings.TrimSpace(comment) == "" {
		return fmt.Errorf("%w: --comment: say what happened", setup.ErrConfig)
	}
	return nil
}

// Clock lets two people sign that the machine's clock is right, which went on by more days between two runs than the
// breakers allow. It returns what they signed, and is refused where it did not, or where somebody looked already.
func Clock(ctx context.Context, p *setup.Setup, two []setup.Witness, comment string) (words string, err error) {
	if err := mayAcknowledge(p, two, comment); err != nil {
		return "", err
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, 100)
	if err != nil {
		return "", err
	}
	leap, err := clock.LeapOf(p, runs, book.Chain)
	if err != nil {
		return "", err
	}
	if leap.From == "" {
		return "", fmt.Errorf("%w: the clock went on by no more than breakers.pause_days between two runs, or people "+
			"have looked since: there is nothing to acknowledge", setup.ErrConfig)
	}
	text := fmt.Sprintf("%s Here it is %s, and that is right.", leap.Words, p.Now().UTC().Format(time.RFC3339))
	for _, w := range two {
		a := answers.Answer{Act: answers.Acknowledge, About: leap.About(), Document: text,
			Digest: fmt.Sprintf("%x", sha256.Sum256([]byte(text))), Actor: w.Name, Comment: comment}
		if _, err := state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
			return "", err
		}
	}
	return text, nil
}
