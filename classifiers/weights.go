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

// weigher is the last stage of a verdict. What the rules added up for each kind is corrected by weights that were
// learned from labelled schemas: TestWeights makes them. A correction is a sum of features times weights; of each
// feature, all personal kinds share one weight, and each kind has one of its own.
type weigher struct {
	weights map[string][]float64 // by feature: of each kind in the order of Categories, the last is the shared one
}

// readWeights reads the embedded table: a feature, and behind it kind=weight, "personal" for the shared one.
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

// of is the weight of a feature for a kind.
func (w *weigher) of(feature string, kind int) float64 { return ofRow(w.weights[feature], kind) }

// ofRow is the weight of a kind in the row of a feature, with the one that all personal kinds share.
func ofRow(row []float64, kind int) float64 {
	switch {
	case row == nil:
		return 0
	case categoryFacts[kind].category == CompanyOnly:
		return row[kind]
	}
	return row[kind] + row[len(row)-1]
}

// scores are the log-odds of each kind against none, and finite.
func (w *weigher) scores(x *weighing) []float64 {
	z := slices.Clone(x.base)
	for _, f := range x.features {
		row := w.weights[f.name]
		for k := range z {
			z[k] += f.x * ofRow(row, k)
		}
	}
	for k := range z {
		for _, f := range x.own[k] {
			z[k] += f.x * w.of(f.name, k)
		}
		z[k] = clamp(z[k], 20)
		if !x.possible[k] {
			z[k] = impossible
		}
	}
	return z
}

// impossible is the score of a kind that cannot be.
const impossible = -30.0

// weigh settles the verdict of a field by the weights.
func (c *Catalogue) weigh(f *fieldState) {
	x := f.weighingOf()
	if x == nil {
		return
	}
	z := c.weigher.scores(x)
	if company := kindIndex(CompanyOnly); x.possible[company] {
		c.weighCompany(f, z[company])
		return
	}
	best, odds := -1, math.Inf(-1)
	for k := range z {
		if x.possible[k] {
			odds = logAdd(odds, z[k])
			if best < 0 || z[k] > z[best] {
				best = k
			}
		}
	}
	if best < 0 {
		return
	}
	k := candidate{category: categoryFacts[best].category, class: categoryFacts[best].class}
	if i := indexOf(f.list, k.category); i >= 0 {
		k = f.list[i]
	} else {
		k.add("prior", "", prior)
		k.add(f.unsaid.Name, f.unsaid.Detail, f.unsaid.LogOdds)
	}
	c.weigher.explain(&k, x, best)
	k.add("weights", "what else it may be", odds-k.total)
	list := slices.DeleteFunc(slices.Clone(f.list), func(o candidate) bool { return o.category == k.category })
	f.verdict = settle(f, append([]candidate{k}, list...))
}

// surely is how sure the weights must be to overrule the rules about whose contact it is.
const surely = 1.0

// weighCompany settles whether a contact is that of a company.
func (c *Catalogue) weighCompany(f *fieldState, odds float64) {
	company := odds > 0
	if math.Abs(odds) > surely && company != f.verdict.Company && f.list[0].category == f.verdict.Primary {
		f.list[0].company = company
		f.verdict = settle(f, f.list)
	}
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
var groups = [...]string{"what the rules say", "words of the header", "form of the values",
	"the table and the other fields"}

// explain adds the corrections to a candidate, a term for each group of features.
func (w *weigher) explain(k *candidate, x *weighing, kind int) {
	var sums [len(groups)]float64
	var most [len(groups)]feature
	for _, list := range [][]feature{x.own[kind], x.features} {
		for _, f := range list {
			g, by := groupOf(f.name), f.x*w.of(f.name, kind)
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
	case "own", "always":
		return 0
	case "header", "sense":
		return 1
	case "form", "type", "values":
		return 2
	}
	return 3
}
