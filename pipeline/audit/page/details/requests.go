package details

import (
	"cmp"
	"strings"

	"lethe/pipeline/audit"
)

// asked are the requests of people that are open.
type asked struct {
	Title, None, Note string
	Heads             []string
	Rows              []requestView
}

// requestLevels are how the states of requests look.
var requestLevels = map[string]string{"open": "amber", "paused": "amber", "overdue": "red"}

// requests lists the open requests; the closed ones stay in the table.
func (p *page) requests() {
	p.Requests = asked{Title: p.words.Say("requests.title"), None: p.words.Say("requests.none"),
		Note: p.words.Say("requests.note")}
	for _, head := range []string{"request", "silo", "kind", "received", "due", "state"} {
		p.Requests.Heads = append(p.Requests.Heads, p.words.Say("requests.head."+head))
	}
	for _, r := range p.facts.Requests {
		if r.Status == "closed" {
			continue
		}
		due := p.civil(cmp.Or(r.ExtendedTo, r.DueOn))
		if r.Status == "paused" {
			due = p.words.Say("requests.rests")
		}
		p.Requests.Rows = append(p.Requests.Rows, requestView{
			Silo:     r.Silo,
			ID:       r.RequestID,
			Kind:     p.said("request.", r.Kind),
			Received: p.day(r.ReceivedAt),
			Due:      due,
			State:    p.said("requests.state.", r.Status),
			Level:    cmp.Or(requestLevels[r.Status], "amber"),
			Words:    strings.Join(append(p.term(r), p.soFar(r)...), " "),
		})
	}
}

// term says what became of the term of a request.
func (p *page) term(r audit.Request) (words []string) {
	if r.ExtendedTo != "" {
		words = append(words, p.words.Say("requests.extended", p.day(r.ToldAt), p.said("requests.because.", r.Because)))
	}
	if r.PausedHours > 0 {
		words = append(words, p.words.Say("requests.paused", int64(r.PausedHours)/24))
	}
	if r.OverdueDays > 0 {
		words = append(words, p.words.Say("requests.late", r.OverdueDays))
	}
	return words
}

// soFar says what was done with a request.
func (p *page) soFar(r audit.Request) (words []string) {
	if r.VerifiedAt.IsZero() {
		return []string{p.words.Say("requests.unverified")}
	}
	if !r.HandedAt.IsZero() {
		words = append(words, p.words.Say("requests.handed", p.day(r.HandedAt), r.HandedRows))
	}
	if !r.FulfilledAt.IsZero() {
		words = append(words, p.words.Say("requests.fulfilled", p.day(r.FulfilledAt)))
	}
	if !r.LookedAt.IsZero() {
		words = append(words, p.words.Say("requests.looked", p.day(r.LookedAt), r.FoundRows, r.CopyRows))
		if r.Kept != "" {
			kept := strings.NewReplacer("=", " (", ";", "), ").Replace(r.Kept) + ")"
			words = append(words, p.words.Say("requests.kept", kept))
		}
	}
	if r.Letter != "" {
		words = append(words, p.words.Say("requests.letter", p.said("letter.title.", r.Letter), p.day(r.LetterAt)))
	}
	return words
}
