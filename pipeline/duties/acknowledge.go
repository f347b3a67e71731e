package duties

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Acknowledge lets two people say that answers are lost, so that the nights go on. What does not follow is moved aside,
// and the two say so in what is left of the chain. It returns the place of the last answer that is lost, and is refused
// where nothing is.
func Acknowledge(ctx context.Context, p *setup.Setup, two []setup.Witness, comment string) (last int64, err error) {
	if err := p.Proven(two); err != nil {
		return 0, err
	}
	if err := state.MayAcknowledge(p.People[two[0].Name], p.People[two[1].Name]); err != nil {
		return 0, err
	}
	if strings.TrimSpace(comment) == "" {
		return 0, fmt.Errorf("%w: --comment: say how the answers were lost", setup.ErrConfig)
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
	return lost.Length, nil
}
