package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// Step is something that was done with a request between its opening and its closing. It says nothing of the person
// but how they were recognised, and of what they were given only its digest and how much it was.
type Step struct {
	Name string    // one of the Step names
	How  string    // of StepVerified: by what; of StepExported: as what, the digest and the rows; of others in a word
	By   string    // who did it, as the configuration names them; "" nobody in particular
	At   time.Time // when it was recorded
}

// The names of steps.
const (
	StepVerified  = "verified"  // the person has shown who they are
	StepExported  = "exported"  // their data were handed over, in files of which the registry keeps the digest
	StepFulfilled = "fulfilled" // a plan was made of what they asked
	StepLooked    = "looked"    // the person was looked for, to fulfil the request or to close it: how much there was
	StepWeighed   = "weighed"   // somebody weighed an erasure against a ground that gives way to an objection
	StepManual    = "manual"    // somebody saw to a place that no source reaches
	StepTold      = "told"      // a letter was written
	StepMarked    = "marked"    // marks of the person's identifiers, for their receipt
	StepStated    = "stated"    // what the receipt says of an erasure that is closed
)

// Handed is what a step says of files that were handed over.
type Handed struct {
	As     string // access or portability
	Digest string // of all files together, in hexadecimal
	Rows   int64  // that they hold
}

// String is how StepExported says it: access sha256:0a1b rows:3.
func (h Handed) String() string { return fmt.Sprintf("%s sha256:%s rows:%d", h.As, h.Digest, h.Rows) }

// ParseHanded reads what String wrote; what it cannot read is left empty.
func ParseHanded(text string) (h Handed) {
	h.As, text, _ = strings.Cut(text, " ")
	for _, part := range strings.Fields(text) {
		switch key, value, _ := strings.Cut(part, ":"); key {
		case "sha256":
			h.Digest = value
		case "rows":
			h.Rows, _ = strconv.ParseInt(value, 10, 64) // what is no number counts as none
		}
	}
	return h
}

// Asked is a request with whose it is and what was done with it.
type Asked struct {
	Request
	Collections []int32 // of the person, in the silo
	Steps       []Step  // by when they were recorded
	// Since is the silo's event of which every copy has to know before it is done: the opening of the request, or that
	// a plan did what it asks.
	Since int64
}

// Verified reports whether the person has shown who they are.
func (a *Asked) Verified() bool { return len(a.StepsOf(StepVerified)) > 0 }

// StepsOf are the steps of one name.
func (a *Asked) StepsOf(name string) []Step {
	return slices.DeleteFunc(slices.Clone(a.Steps), func(s Step) bool { return s.Name != name })
}

// NoteRequest records a step of an open request, or that a letter was written about one that is closed. Its error wraps
// event.ErrRefused where there is no such request.
func (c *Cases) NoteRequest(ctx context.Context, silo, request string, s Step) error {
	what := fmt.Sprintf("note %s of request %s in silo %q", s.Name, request, silo)
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		_, collections, err := standing(ctx, w, request, s.Name == StepTold)
		if err != nil {
			return err
		}
		return w.Own(ctx, event.RequestNoted, event.Instant(w.Now),
			event.Details{Request: request, Kind: s.Name, Because: s.How, By: s.By}, collections)
	})
}

// AskedOf lists the requests of a silo, the closed ones too, by name, each with whose it is and what was done with it.
// A silo that the registry does not know has none.
func (c *Cases) AskedOf(ctx context.Context, silo string) ([]Asked, error) {
	list, err := c.askedOf(ctx, silo)
	if err != nil {
		return nil, fmt.Errorf("read requests of silo %q: %w", silo, err)
	}
	return list, nil
}

func (c *Cases) askedOf(ctx context.Context, silo string) (list []Asked, err error) {
	tx, err := c.store.Begin(ctx, true)
	if err != nil {
		return nil, err
	}
	defer tx.End()
	row, err := c.store.FindSilo(ctx, tx.Handle, silo)
	if errors.Is(err, chain.ErrUnknownSilo) {
		return nil, nil
	}
	if err == nil {
		err = row.Keyless
	}
	if err != nil {
		return nil, err
	}
	places := map[string]int{}
	if err := EachRequest(ctx, tx, row.Book, func(q Request) error {
		places[q.ID] = len(list)
		list = append(list, Asked{Request: q})
		return nil
	}); err != nil || len(list) == 0 { // else all events would be looked through for none
		return nil, err
	}
	chained := chain.Writer{Tx: tx, Silo: row} // which writes nothing
	if err := chained.Facts(ctx, event.RequestOpened, func(f *seal.Fact, d event.Details) {
		if i, ok := places[d.Request]; ok {
			list[i].Collections = append(list[i].Collections, int32(f.Collection))
			list[i].Since = max(list[i].Since, f.Seq)
		}
	}); err != nil {
		return nil, err
	}
	err = chained.Facts(ctx, event.RequestNoted, func(f *seal.Fact, d event.Details) {
		i, ok := places[d.Request]
		if !ok || len(list[i].Collections) > 0 && int32(f.Collection) != list[i].Collections[0] {
			return // of a person with several collections each says the same
		}
		if d.Kind == StepFulfilled {
			list[i].Since = max(list[i].Since, f.Seq)
		}
		list[i].Steps = append(list[i].Steps, Step{Name: d.Kind, How: d.Because, By: d.By,
			At: event.Instant(f.Recorded)})
	})
	return list, err
}
