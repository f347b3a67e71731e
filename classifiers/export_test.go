package classifiers

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// SurelyCompany is how sure the weights must be that a contact is a company's: the training judges by the product's cut.
const SurelyCompany = surelyCompany

// Feature is a feature of a field, for the training.
type Feature struct {
	Name string
	X    float64
}

// Weighed is a field before it is weighed, for the training.
type Weighed struct {
	Field     string
	Found     Category // by the rules
	Asked     bool
	Proved    bool
	Company   []Feature // whether a contact is that of a company
	OfCompany bool      // the rules say so
	Base      []float64
	Possible  []bool
	Own       [][]Feature
	Features  []Feature
	First     int
	Odds      float64
	Firsts    []Feature
	Least     float64
}

// Weigh returns what the rules know of each field of each table.
func (c *Catalogue) Weigh(scans ...*Scan) [][]Weighed {
	var all [][]Weighed
	for _, t := range c.judged(scans) {
		var list []Weighed
		for _, f := range t.fields {
			x := Weighed{Field: f.field.Name, Found: f.verdict.Primary, OfCompany: f.verdict.Company}
			if f.hasWord() {
				x.Company = exported(f.companyFeatures())
			}
			if w := f.weighingOf(); w != nil {
				x.Asked, x.Proved, x.Base, x.Possible, x.Features = true, w.proved, w.base, w.possible, exported(w.features)
				x.First, x.Odds, x.Firsts, x.Least = w.first, w.odds(), exported(w.firsts()), w.least
				for _, own := range w.own {
					x.Own = append(x.Own, exported(own))
				}
			}
			list = append(list, x)
		}
		all = append(all, list)
	}
	return all
}

// Contact reports whether a kind is one that companies have as well.
func (c Category) Contact() bool { return slices.Contains(contacts, c) }

func exported(list []feature) []Feature {
	out := make([]Feature, len(list))
	for i, f := range list {
		out[i] = Feature{f.name, f.x}
	}
	return out
}

// Published counts the values that references publish as right which their detector recognises, and those published as
// wrong which it refuses.
func Published(c *Catalogue) (right, valid, refused, invalid int) {
	list := builtins()
	for _, e := range publishedExamples() {
		d := &list[e.builtin]
		pass := func(s string) bool {
			v := newValue([]byte(s), len(s))
			return d.needs(v.census) && d.match(v.raw)
		}
		for _, s := range e.valid {
			if valid++; pass(s) {
				right++
			}
		}
		for _, s := range e.invalid {
			if invalid++; !pass(s) {
				refused++
			}
		}
	}
	return right, valid, refused, invalid
}

// Forget returns the catalogue without a share of the words, chosen by a hash: what it knows of a database whose words
// nobody has seen.
func (c *Catalogue) Forget(share float64, seed uint32) *Catalogue {
	gone := func(word string) bool {
		h := fnv.New32a()
		fmt.Fprint(h, seed, word)
		return float64(h.Sum32()%1000) < share*1000
	}
	d, lex, sen := *c, *c.lexicon, senses{map[string][]string{}, map[string][]string{}, map[string][]string{}}
	lex.phrases, lex.vocab = map[string][]meaning{}, map[string]bool{}
	for phrase, m := range c.lexicon.phrases {
		if gone(phrase) {
			continue
		}
		lex.phrases[phrase] = m
		for _, t := range strings.Fields(phrase) {
			lex.vocab[t] = true
		}
	}
	for i, m := range []map[string][]string{c.senses.words, c.senses.beginnings, c.senses.endings} {
		for w, list := range m {
			if !gone(w) {
				[]map[string][]string{sen.words, sen.beginnings, sen.endings}[i][w] = list
			}
		}
	}
	d.lexicon, d.senses, d.guesser = &lex, &sen, newGuesser(&lex)
	return &d
}
