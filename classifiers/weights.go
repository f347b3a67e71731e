package classifiers

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

//go:embed weights.tsv
var weightsTSV string

// weigher is the last stage of a verdict. What the rules added up is corrected by weights that were learned from
// labelled schemas: TestWeights makes them. A correction is a sum of features times weights: first whether the field holds
// personal data at all, then of which kind, and where it is a contact, whether it is one of a company.
type weigher struct {
	weights map[string][]float64 // by feature: of each kind in the order of Categories, the last for any personal kind
}

// readWeights reads the embedded table: a feature, and behind it kind=weight, "personal" for any.
func readWeights(tsv string) (*weigher, error) {
	w := &weigher{weights: map[string][]float64{}}
	for n, line := range strings.Split(tsv, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		feature, rest, _ := strings.Cut(line, "\t")
		row := make([]float64, len(categoryFacts))
		for _, p := range strings.Split(rest, "\t") {
			kind, text, _ := strings.Cut(p, "=")
			x, err := strconv.ParseFloat(text, 64)
			at := kindIndex(Category(kind))
			if kind == "personal" {
				at = len(row) - 1
			}
			if err != nil || at < 0 || math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("line %d: %q is no kind with its weight", n+1, p)
			}
			row[at] = x
		}
		w.weights[feature] = row
	}
	return w, nil
}

// of is the weight of a feature for a kind, or of the last for a personal kind at all.
func (w *weigher) of(feature string, kind int) float64 {
	if row := w.weights[feature]; row != nil {
		return row[kind]
	}
	return 0
}

// personal are the log-odds that a field holds personal data, and finite.
func (w *weigher) personal(x *weighing) float64 {
	z, at := x.odds(), len(categoryFacts)-1
	for _, f := range x.features {
		z += f.x * w.of(f.name, at)
	}
	for _, f := range x.firsts() {
		z += f.x * w.of(f.name, at)
	}
	return clamp(z, 20)
}

// kind is the likeliest kind, where the field holds personal data; -1 where none is possible.
func (w *weigher) kind(x *weighing) int {
	z := slices.Clone(x.base)
	for _, f := range x.features {
		for k, by := range w.weights[f.name] {
			z[k] += f.x * by
		}
	}
	best := -1
	for k := range z {
		for _, f := range x.own[k] {
			z[k] += f.x * w.of(f.name, k)
		}
		if x.possible[k] && categoryFacts[k].category.Personal() && (best < 0 || z[k] > z[best]) {
			best = k
		}
	}
	return best
}

// weigh settles the verdict of a field by the weights.
func (c *Catalogue) weigh(f *fieldState) {
	if x := f.weighingOf(); x != nil {
		odds, best := c.weigher.personal(x), c.weigher.kind(x)
		found := f.verdict.Primary.Personal()
		if best >= 0 && (odds > x.least || x.proved) {
			c.settleWeighed(f, x, best, odds)
		} else if found {
			c.settleWeighed(f, x, kindIndex(f.verdict.Primary), min(odds, -doubtfully))
		} else if best >= 0 && f.verdict.Primary == None {
			if x.first >= 0 {
				best = x.first // of what is not found, the rules say what it may be
			}
			c.settleWeighed(f, x, best, min(odds, -doubtfully))
		}
	}
	if v := &f.verdict; slices.Contains(contacts, v.Primary) && f.list[0].category == v.Primary && f.hasWord() &&
		!f.list[0].declared {
		c.weighCompany(f)
	}
	f.keepPeople()
}

// settleWeighed makes the answer the verdict. What is proved stays found.
func (c *Catalogue) settleWeighed(f *fieldState, x *weighing, best int, odds float64) {
	k := candidate{category: categoryFacts[best].category, class: categoryFacts[best].class}
	if i := indexOf(f.list, k.category); i >= 0 {
		if x.proved && i == 0 {
			return
		}
		k = f.list[i]
		k.terms = slices.Clone(k.terms)
	} else {
		k.company = f.companyHeader(k.category)
		k.add("prior", "", prior)
		k.add(f.unsaid.Name, f.unsaid.Detail, f.unsaid.LogOdds)
	}
	if x.proved {
		odds = max(odds, f.list[0].total)
	} else if odds > x.least && f.verdict.Primary.Personal() {
		odds = max(odds, doubtfully)
	}
	c.weigher.explain(&k, x)
	k.add("weights", "what else it may be", odds-k.total)
	list := slices.DeleteFunc(slices.Clone(f.list), func(o candidate) bool { return o.category == k.category })
	f.list = append([]candidate{k}, list...)
	f.verdict = settle(f, f.list)
}

// doubtfully is how sure a verdict is that the rules reached and the weights doubt.
const doubtfully = 0.05

// surelyCompany is how sure the weights must be that a contact is that of a company, whatever the rules say: to take a
// person's for a company's loses it.
const surelyCompany = 2.0

// weighCompany settles whether a contact is that of a company.
func (c *Catalogue) weighCompany(f *fieldState) {
	odds := f.companyBase()
	for _, x := range append(f.companyFeatures(), feature{"contact: kind " + string(f.verdict.Primary), 1}) {
		odds += x.x * c.weigher.of(x.name, kindIndex(CompanyOnly))
	}
	company := odds > surelyCompany
	if company && (f.holdsPeople() || !f.verdict.Company && !f.header.names(f.verdict.Primary)) {
		return // only values say that it is a contact: more of them never make it nobody's
	}
	if company != f.verdict.Company {
		f.list[0].company = company
		f.verdict = settle(f, f.list)
	}
}

// holdsPeople reports whether addresses of people stand inside other text, or written in another way, in most rows: whose the
// field is then is theirs.
func (f *fieldState) holdsPeople() bool {
	return f.column.needles.email*2 > f.column.nonEmpty && f.profile.rate(bEmail) < 0.5
}

// companyBase is what the rules say about whose contact it is.
func (f *fieldState) companyBase() float64 {
	if f.verdict.Company {
		return companyBase
	}
	return -companyBase
}

// groups of features, in the order in which they are explained.
var groups = [...]string{"what the rules say", "words of the header", "form of the values",
	"the table and the other fields"}

// explain adds the corrections to a candidate, a term for each group of features.
func (w *weigher) explain(k *candidate, x *weighing) {
	var sums [len(groups)]float64
	var most [len(groups)]feature
	for _, list := range [][]feature{x.firsts(), x.features} {
		for _, f := range list {
			g, by := groupOf(f.name), f.x*w.of(f.name, len(categoryFacts)-1)
			sums[g] += by
			if math.Abs(by) > math.Abs(most[g].x) {
				most[g] = feature{f.name, by}
			}
		}
	}
	for g, sum := range sums {
		if math.Abs(sum) >= 0.05 {
			k.add("weights", groups[g]+", most of all "+most[g].name, sum)
		}
	}
}

func groupOf(feature string) int {
	switch head, _, _ := strings.Cut(feature, ":"); head {
	case "own", "always", "rules", "rules, own":
		return 0
	case "header", "sense", "word", "letters":
		return 1
	case "form", "type", "values":
		return 2
	}
	return 3
}
