// Package letters writes what a person who asked is told: that the request came, that they have to show who they are,
// that it takes longer, and what was done or refused, and why; and what those are told to whom their data were handed
// on.
//
//   - A Kind is one of these letters. Make makes a Letter of what is so: of the request, of what was found of the
//     person, and of what the plans of their own changed, as the journal has it. What is not so it refuses to say.
//   - A Letter is what templates are filled in with: texts in the person's language, and the facts they are made of.
//   - Templates are those of a folder, which replace the ones in here.
//
// Nothing here is written anywhere but into the letter.
package letters

import (
	"errors"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/handover"
	"lethe/pipeline/registry/cases"
)

// Kind is which letter it is.
type Kind string

// The letters.
const (
	Acknowledgement Kind = "acknowledgement" // the request came, and is answered by a day
	Identity        Kind = "identity"        // who asks has to show who they are (Art. 12(6))
	Extension       Kind = "extension"       // it takes two months longer, and why (Art. 12(3))
	Answer          Kind = "answer"          // it was done as asked
	PartialRefusal  Kind = "partial_refusal" // part of it was, and what stays, and why (Art. 12(4))
	Refusal         Kind = "refusal"         // nothing of it was, and why (Art. 12(4))
	ThirdParties    Kind = "third_parties"   // to those to whom the data were handed on (Art. 19)
)

// Kinds are all letters, in the order in which they are written.
var Kinds = []Kind{Acknowledgement, Identity, Extension, Answer, PartialRefusal, Refusal, ThirdParties}

// outcomes of a request, as package cases has them, and the letters that say so.
var outcomes = map[Kind]string{Answer: cases.OutcomeCompleted, PartialRefusal: cases.OutcomePartlyRefused,
	Refusal: cases.OutcomeRefused}

// Outcome is how a request is closed of which the letter says what came of it; "" where it does not.
func (k Kind) Outcome() string { return outcomes[k] }

// Of is the letter that says what came of a request that is closed so.
func Of(outcome string) Kind {
	for kind, o := range outcomes {
		if o == outcome {
			return kind
		}
	}
	return ""
}

// Searched reports whether the letter says what stands of the person, so that they have to be looked for first.
func (k Kind) Searched() bool { return k == Answer || k == PartialRefusal }

// ErrNotSo says that a letter would say what is not so.
var ErrNotSo = errors.New("the letter would say what is not so")

// Options are what somebody decided about a letter.
type Options struct {
	Kind      Kind
	Language  string // ISO 639-1
	Company   handover.Company
	Authority string // the supervisory authority, by its name; "" none is named
	Exception string // what allows to refuse: 17(3)(e)
	Code      string // of the receipt of an erasure, which an answer says; "" none is said
	// Because and Ends are of an Extension that is not recorded yet: why, and how its end is counted.
	Because string
	Ends    func(q cases.Request, months int) time.Time
}

// Letter is what a letter is written from. Days and sentences are in its language.
type Letter struct {
	Kind      Kind
	Language  string
	Company   handover.Company // who writes
	Authority string           // the supervisory authority; "" none is named
	Request   string           // its name
	Asked     string           // the right that was asked for, with its article
	On        string           // the day of the letter
	Received  string           // the day on which the request came
	Due       string           // the last day for the answer; "" while the term rests
	Title     string
	Reference string // to which request it is
	Opening   []string
	Sections  []Section
	Ending    []string
	Gone      []Gone   // what plans of this person's own changed
	Kept      []Kept   // what stays in live applications
	Copies    []Copy   // what backups still hold
	Exception string   // of a refusal: the place in the GDPR
	Code      string   // of the receipt of an erasure that was done; "" there is none
	Handed    []string // to whom data were handed on; none: to nobody, or nobody said
}

// Section is a part of a letter with a list.
type Section struct {
	Title string
	Intro string
	Items []string
	After string
}

// Gone is what was changed in one application on one day.
type Gone struct {
	Application string
	Copy        bool   // in a backup of it
	Change      string // delete, anonymize, clear, block
	Rows        int64
	On          string
	Words       string // the same as a sentence
}

// Kept is what stays in one application for one reason.
type Kept struct {
	Application string
	Tables      []string
	Rows        int64
	Reason      string // code; "" it goes with another record that stays
	Article     string // of the GDPR
	Because     string // as the policy says it, in the company's language; ""
	Until       string // the last day, as far as it is known
	Words       string // the same as a sentence
}

// Copy is what backups of one application still hold until one day.
type Copy struct {
	Application string
	Rows        int64
	Until       string // the day on which it is gone; "" when the backup is next rewritten
	Words       string // the same as a sentence
}

// Told finds the newest letter of a kind that was recorded of a request.
func Told(steps []cases.Step, kind Kind) (cases.Step, bool) {
	for _, s := range slices.Backward(steps) {
		if word, _, _ := strings.Cut(s.How, " "); s.Name == cases.StepTold && word == string(kind) {
			return s, true
		}
	}
	return cases.Step{}, false
}
