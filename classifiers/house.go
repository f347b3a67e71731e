package classifiers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Answer is what a person said that a field holds, when asked.
type Answer struct {
	Table, Field string
	Category     Category // None: nothing personal
}

// house is the lexicon of the house: what people's answers taught about names of fields, by the words of the name. It
// holds lessons only, so that an answer changes nothing until it changes a lesson.
type house map[string]lesson

// lesson is what the answers about a name come to.
type lesson struct {
	category Category
	agreeing int // answers for it, less those that said something else
}

// A single answer is about its own field: a name is learned from two on that agree and that no other contradicts. Each
// counts perAnswer, up to mostOfHouse, which is what a header that the lexicon knows counts.
const (
	fewestAnswers = 2
	perAnswer     = 1.5
	mostOfHouse   = 7
)

// houseTerm is the name of the term by which the lexicon of the house counts.
const houseTerm = "house"

// Taught is the catalogue with a lexicon of the house, learned from people's answers: names of fields that they said
// mean a kind, or none, count for other fields of the same words. Answers about one field of one table count once, the
// last of them. Answers that contradict each other cancel out.
func (c *Catalogue) Taught(answers []Answer) *Catalogue {
	said := map[[2]string]Category{}
	for _, a := range answers {
		said[[2]string{a.Table, a.Field}] = a.Category
	}
	names := votes{}
	for at, category := range said {
		if name := c.wordsOf(at[1]); c.teaches(name) {
			names.add(name, category)
		}
	}
	taught := *c
	taught.house = names.lessons()
	taught.digest = taught.house.digest(c.digest)
	return &taught
}

// teaches reports whether a name can mean the same wherever it stands: "zubrow" and "nickname" can, while of what a name,
// a label or a title is the table decides, and no answer about one of them is one about the next.
func (c *Catalogue) teaches(name string) bool {
	h := c.lexicon.read(name, sharedEnds{})
	return h.unknown > 0 || len(h.concepts) > 0 && !h.weak()
}

// wordsOf are the words of a field's name, of a path inside documents those of its last key.
func (c *Catalogue) wordsOf(field string) string {
	return strings.Join(c.lexicon.tokens(field[strings.LastIndexByte(field, '.')+1:]), " ")
}

// votes count answers, by name and kind.
type votes map[string]map[Category]int

func (v votes) add(name string, category Category) {
	if name == "" {
		return
	}
	if v[name] == nil {
		v[name] = map[Category]int{}
	}
	v[name][category]++
}

// lessons are the names about which enough answers agree.
func (v votes) lessons() house {
	lessons := house{}
	for name, count := range v {
		all := 0
		for _, n := range count {
			all += n
		}
		for category, n := range count {
			if agreeing := n - (all - n); agreeing >= fewestAnswers {
				lessons[name] = lesson{category, agreeing}
			}
		}
	}
	return lessons
}

// digest is that of a catalogue with the lexicon of the house.
func (h house) digest(base string) string {
	if len(h) == 0 {
		return base
	}
	texts := []string{base}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		texts = append(texts, fmt.Sprint(name, "\x1f", h[name].category, "\x1f", h[name].agreeing))
	}
	return digestOf(texts)
}

// lesson is what the house knows about a field, and what that counts, in log-odds. Where it does not know the name, a
// part of it counts half that has a word which the lexicon does not know, beside others that mean no kind.
func (c *Catalogue) lesson(f *fieldState) (of lesson, name string, weight float64) {
	name = c.wordsOf(f.field.Name)
	weigh := func(l lesson) float64 { return min(mostOfHouse, perAnswer*float64(l.agreeing)) }
	if of, ok := c.house[name]; ok {
		return of, name, weigh(of)
	}
	tokens := strings.Fields(name)
	if len(f.header.concepts) > 0 || len(tokens) > mostTokens {
		return lesson{}, "", 0
	}
	for size := len(tokens) - 1; size > 0; size-- {
		for at := 0; at+size <= len(tokens); at++ {
			part := tokens[at : at+size]
			known := !slices.ContainsFunc(part, func(t string) bool { return len([]rune(t)) >= 3 && !c.lexicon.vocab[t] })
			if of, ok := c.house[strings.Join(part, " ")]; ok && !known {
				return of, strings.Join(part, " "), weigh(of) / 2
			}
		}
	}
	return lesson{}, "", 0
}

// mostTokens is the most words of a name of which parts are looked up.
const mostTokens = 12

// ofHouse adds what the house knows. That a name means nothing personal counts half against a kind that the values
// prove: what is there is found all the same.
func (c *Catalogue) ofHouse(f *fieldState, list *[]candidate, get func(Category) *candidate) {
	if len(c.house) == 0 {
		return
	}
	of, name, weight := c.lesson(f)
	if weight == 0 {
		return
	}
	detail := fmt.Sprintf("people said of %d more fields than not that %q means %s", of.agreeing, name, of.category)
	if of.category != None {
		get(of.category).add(houseTerm, detail, weight)
		return
	}
	f.unsaid = Term{houseTerm, detail, -weight}
	for i := range *list {
		k := &(*list)[i]
		if k.own > 4 {
			k.add(houseTerm, detail, -weight/2)
		} else {
			k.add(houseTerm, detail, -weight)
		}
	}
}
