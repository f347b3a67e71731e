package classifiers

import (
	"slices"
)

// weighing is a question to the weights, and what they may need for the answer. Where the rules found nothing it is
// what the field holds all the same; where they found a contact, whether it is one of a company.
type weighing struct {
	base     []float64 // by kind, in the order of Categories: what the rules say
	possible []bool
	own      [][]feature // features of one kind
	features []feature   // of the field
}

// absent is what the rules say for a kind that nothing speaks for.
const absent = prior

// doubtful is what the rules say at least for a kind that they do not find but that the weights may.
const doubtful = -3.0

// companyBase is what it weighs that the rules call a contact that of a company.
const companyBase = 2.5

// weighingOf asks about a field once the rules have spoken; nil where there is nothing to ask.
func (f *fieldState) weighingOf() *weighing {
	if slices.ContainsFunc(f.list, func(k candidate) bool { return k.declared }) {
		return nil
	}
	n := len(categoryFacts)
	w := &weighing{base: make([]float64, n), possible: make([]bool, n), own: make([][]feature, n)}
	if v := &f.verdict; v.Primary != None {
		if !slices.Contains(contacts, v.Primary) {
			if v.Primary == CompanyOnly || f.proved() {
				return nil
			}
			return f.whatItHolds(w)
		}
		i := kindIndex(CompanyOnly)
		w.possible[i], w.base[i] = true, -companyBase
		if v.Company {
			w.base[i] = companyBase
		}
		w.own[i] = f.companyFeatures()
		return w
	}
	if !f.hasWord() {
		return nil
	}
	return f.whatItHolds(w)
}

// proved reports whether the values prove what the rules found, or there is nothing but the header to judge by.
func (f *fieldState) proved() bool {
	k := &f.list[0]
	return k.own > 4 || k.inside || f.profile.n == 0 || !f.hasWord() || k.total > 20
}

// whatItHolds asks what a field holds.
func (f *fieldState) whatItHolds(w *weighing) *weighing {
	for i, fact := range categoryFacts {
		w.base[i] = absent + f.unsaid.LogOdds
		w.possible[i] = fact.category.Personal() && !f.impossible(fact.category)
		if j := indexOf(f.list, fact.category); j >= 0 && fact.category.Personal() {
			k := &f.list[j]
			gated := fact.category == FreeText || fact.category == Username // words of these stand in any table
			w.possible[i] = w.possible[i] || k.total > 0 || k.total > doubtful && !gated
			w.base[i], w.own[i] = clamp(k.total, 10), k.features()
		}
	}
	w.features = f.features()
	return w
}

// hasWord reports whether the header has a word in it: c1 has none.
func (f *fieldState) hasWord() bool {
	return slices.ContainsFunc(f.tokens, func(t string) bool { return len([]rune(t)) >= 3 && !allDigits(t) })
}

func kindIndex(c Category) int {
	return slices.IndexFunc(categoryFacts, func(f categoryFact) bool { return f.category == c })
}

// impossible reports whether a kind that nothing speaks for cannot be found all the same: what describes a person has
// many names, and so have texts, while numbers of documents and amounts must be named or seen.
func (f *fieldState) impossible(c Category) bool {
	switch c {
	case OtherPersonal: // nor is a number of a document that does not look like one
		return f.table.isList || slices.ContainsFunc(f.header.concepts, func(k concept) bool {
			return k.category == CompanyOnly || slices.Contains(documents, k.category)
		})
	case Health:
		return f.table.isList || !slices.Contains(f.senses, "medical") && !slices.Contains(f.table.senses, "medical") &&
			f.table.side[ofHealth]-f.told[ofHealth] < 0.5
	case FreeText:
		return typedAway(c, f.field) || !f.mayBeProse() || !f.table.nearPersons() || f.table.subject != "person"
	case Username:
		return typedAway(c, f.field) || !slices.Contains(f.senses, "actor") || !f.table.nearPersons()
	}
	return true
}

// mayBeProse reports whether the header or the values are such as those of texts.
func (f *fieldState) mayBeProse() bool {
	form := f.form()
	return f.header.generic == "text" || slices.Contains(f.senses, "remark") || slices.Contains(f.senses, "reason") ||
		form == "prose" || form == "phrase"
}
