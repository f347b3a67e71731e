package classifiers

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

//go:embed weights.tsv
var weightsTSV string

// weigher is the last stage of a verdict. What the rules added up for each kind is corrected by weights that were
// learned from labelled schemas: TestWeights makes them. A correction is a sum of features times weights; of each
// feature, all personal kinds share one weight, and each kind has one of its own.
type weigher struct {
	bias    float64
	weights map[string][]float64 // by feature: of each kind in the order of Categories, the last is the shared one
}

// missing is what a missed field costs against one wrongly found, as log-odds. The best F1 is reached where fields
// are called personal whose chance is half of it (Lipton, Elkan and Naryanaswamy, ECML 2014): at 0.8, from 0.4 on.
const missing = 0.4

// readWeights reads the embedded table: a feature, and behind it kind=weight, "personal" for the shared one.
func readWeights(tsv string) (*weigher, error) {
	w := &weigher{bias: missing, weights: map[string][]float64{}}
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

// of is the weight of a feature for a kind.
func (w *weigher) of(feature string, kind int) float64 {
	row := w.weights[feature]
	if row == nil {
		return 0
	}
	if categoryFacts[kind].category == CompanyOnly {
		return row[kind]
	}
	return row[kind] + row[len(row)-1]
}

// scores are the log-odds of each kind against none, and finite.
func (w *weigher) scores(x *weighing) []float64 {
	z := slices.Clone(x.base)
	for k := range z {
		if !x.possible[k] {
			z[k] = impossible
			continue
		}
		for _, f := range x.features {
			z[k] += f.x * w.of(f.name, k)
		}
		for _, f := range x.own[k] {
			z[k] += f.x * w.of(f.name, k)
		}
		z[k] = clamp(z[k], 20)
	}
	return z
}

// impossible is the score of a kind that cannot be.
const impossible = -30.0

// weigh settles the verdict of a field by the weights. What the configuration declares needs none.
func (c *Catalogue) weigh(f *fieldState) {
	if slices.ContainsFunc(f.list, func(k candidate) bool { return k.declared }) {
		return
	}
	x := f.weighingOf()
	z := c.weigher.scores(x)
	best, company := 0, kindIndex(CompanyOnly)
	odds := math.Inf(-1)
	for k := range z {
		if k == company || !x.possible[k] {
			continue
		}
		if z[k] > z[best] || !x.possible[best] {
			best = k
		}
		odds = logAdd(odds, z[k])
	}
	odds += c.weigher.bias - logAdd(0, z[company])
	for i := range f.list {
		k := &f.list[i]
		k.company = false
		c.weigher.correct(k, x, z[kindIndex(k.category)])
	}
	if i := f.contactOf(); odds <= 0 && z[company] > 0 && i >= 0 {
		k := &f.list[i]
		k.company = true
		k.add("weights", "a contact of a company", z[company]+20-k.total)
	} else {
		kind := best
		if odds <= 0 && z[company] > 0 {
			odds, kind = z[company], company
		}
		f.choose(c.weigher, x, kind, z[kind], odds)
	}
	sort.SliceStable(f.list, func(i, j int) bool { return f.list[i].total > f.list[j].total })
	f.verdict = settle(f, f.list)
}

// choose makes a kind the first of the list, with the log-odds of the verdict.
func (f *fieldState) choose(w *weigher, x *weighing, kind int, score, odds float64) {
	cat := categoryFacts[kind].category
	i := indexOf(f.list, cat)
	if i < 0 {
		k := candidate{category: cat, class: cat.Class()}
		k.add("prior", "", prior)
		w.correct(&k, x, score)
		f.list = append(f.list, k)
		i = len(f.list) - 1
	}
	k := &f.list[i]
	k.add("weights", "what speaks for other kinds, and what it costs to miss one", odds-k.total)
	for j := range f.list {
		if o := &f.list[j]; j != i && o.total > k.total {
			o.total = k.total
		}
	}
	f.list[0], f.list[i] = f.list[i], f.list[0]
}

// contactOf is the place of the best candidate that a company may have as well, as far as the rules say; -1 where
// there is none.
func (f *fieldState) contactOf() int {
	return slices.IndexFunc(f.list, func(k candidate) bool {
		return k.byRules > 0 && slices.Contains(contacts, k.category)
	})
}

func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// groups of features, in the order in which they are explained.
var groups = [...]struct{ name, of string }{
	{"own", "the terms above, weighed together"}, {"header", "words of the header"}, {"values", "form of the values"},
	{"table", "the table and the other fields"}, {"contacts", "contacts of a company"},
}

// correct adds the corrections to a candidate, a term for each group of features.
func (w *weigher) correct(k *candidate, x *weighing, score float64) {
	kind := kindIndex(k.category)
	k.byRules = k.total
	sums := [len(groups)]float64{}
	most := [len(groups)]feature{}
	for _, list := range [][]feature{x.own[kind], x.features} {
		for _, f := range list {
			g, by := groupOf(f.name), f.x*w.of(f.name, kind)
			sums[g] += by
			if math.Abs(by) > math.Abs(most[g].x) {
				most[g] = feature{f.name, by}
			}
		}
	}
	rest := score - k.total
	for g, sum := range sums {
		rest -= sum
		if math.Abs(sum) >= 0.05 {
			k.add("weights", groups[g].of+", most of all \""+most[g].name+"\"", sum)
		}
	}
	k.total = score
}

func groupOf(feature string) int {
	switch head, _, _ := strings.Cut(feature, ":"); head {
	case "own", "always":
		return 0
	case "header", "sense":
		return 1
	case "form", "type", "values":
		return 2
	}
	if strings.HasPrefix(feature, "contact") {
		return 4
	}
	return 3
}
