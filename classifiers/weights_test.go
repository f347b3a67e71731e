package classifiers_test

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

var (
	train = flag.Bool("train", false, "learn the weights anew, and write weights.tsv")
	cross = flag.Int("cross", 0, "cross-validate with so many folds, whole databases left out")
)

// What training is held to. A weight that all personal kinds share costs its square times half of the first, one of a
// kind that times half of the second. Tables without a personal field count more often: of whole schemas more are so
// than of the corpus.
const (
	costShared   = 5
	costOfKind   = 20
	tablesOfNone = 4
	surely       = 1 // as in the product: how sure the weights must be about companies
)

// labelled is a field of the corpora with what the rules know of it.
type labelled struct {
	database, table string
	labels          []string
	classifiers.Weighed
}

func (x labelled) asked() bool { return x.labels[0] != "*" && x.Asked }

func (x labelled) personal() bool {
	label := classifiers.Category(x.labels[0])
	return label != "-" && label != "*" && label.Personal()
}

func readLabelled(t *testing.T) []labelled {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	files = append(files, "testdata/tuned.txt", "testdata/second.txt")
	c := catalogue(t)
	var list []labelled
	for _, file := range files {
		domains, scans := scanDomains(t, c, file)
		for i, table := range c.Weigh(scans...) {
			for k, w := range table {
				d := &domains[i]
				list = append(list, labelled{d.database, d.table, d.fields[k].labels, w})
			}
		}
	}
	return list
}

// TestWeights sees that each weight is one of a feature and a kind, and writes them anew where it is told to.
func TestWeights(t *testing.T) {
	if *train {
		m := trainOn(slices.DeleteFunc(readLabelled(t), func(f labelled) bool { return !f.asked() }))
		require.NoError(t, os.WriteFile("weights.tsv", []byte(m.String()), 0o644))
	}
	text, err := os.ReadFile("weights.tsv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Greater(t, len(lines), 100)
	require.True(t, slices.IsSorted(lines[1:]), "in the order of the features")
	require.Less(t, len(text), 200_000)
}

const weightsHead = "# Learned by: go test ./classifiers -run 'TestWeights$' -train. Do not edit. " +
	"feature <tab> kind=weight ...; \"personal\" is the weight that all personal kinds share.\n"

// TestCross scores databases of which no field was learned from.
func TestCross(t *testing.T) {
	if *cross == 0 {
		t.Logf("told no folds: -cross 6")
		return
	}
	list := readLabelled(t)
	size := map[string]int{}
	for _, x := range list {
		size[x.database]++
	}
	scores := leaveOut(list, size, *cross)
	var before, after domainScore
	for i, x := range list {
		if size[x.database] < 30 || x.labels[0] == "*" { // the small ones are no databases but examples
			continue
		}
		before.add(x.labels, classifiers.Verdict{Primary: x.Found})
		after.add(x.labels, classifiers.Verdict{Primary: answer(x, scores[i])})
	}
	t.Logf("rules alone: %s", before)
	t.Logf("with weights, cross-validated: %s", after)
	require.Greater(t, after.f1(), before.f1()+0.01)
	require.Greater(t, after.kind(), before.kind()+0.02)
}

// leaveOut scores each field by weights that were learned without its database.
func leaveOut(list []labelled, size map[string]int, folds int) [][]float64 {
	groups := slices.SortedFunc(maps.Keys(size), func(a, b string) int {
		return 2*(size[b]-size[a]) + strings.Compare(a, b)
	})
	fold := map[string]int{}
	for i, g := range groups {
		fold[g] = i % folds
	}
	scores := make([][]float64, len(list))
	gate := make(chan bool, runtime.NumCPU())
	var wait sync.WaitGroup
	for k := range folds {
		wait.Go(func() {
			gate <- true
			defer func() { <-gate }()
			var rest []labelled
			for _, x := range list {
				if fold[x.database] != k && x.asked() {
					rest = append(rest, x)
				}
			}
			m := trainOn(rest)
			for i, x := range list {
				if fold[x.database] == k && x.Asked {
					scores[i] = make([]float64, m.kinds)
					e := m.example(x)
					m.scores(m.w, e, scores[i])
				}
			}
		})
	}
	wait.Wait()
	return scores
}

// answer is what the weights make of a field, as in the product.
func answer(x labelled, z []float64) classifiers.Category {
	if !x.Asked {
		return x.Found
	}
	cats := classifiers.Categories()
	if x.Contact != classifiers.None {
		switch company := z[len(z)-1]; {
		case company > surely:
			return classifiers.CompanyOnly
		case company < -surely:
			return x.Contact
		}
		return x.Found
	}
	personal, best := 0.0, 0
	for k, s := range z {
		personal += math.Exp(s)
		if s > z[best] {
			best = k
		}
	}
	if personal > 1 {
		return cats[best]
	}
	return classifiers.None
}

// trained are weights by the names of their features.
type trained struct {
	regression
	names []string
	ids   map[string]int
	w     []float64
}

func trainOn(list []labelled) *trained {
	m := &trained{ids: map[string]int{}}
	persons := map[string]bool{}
	for _, x := range list {
		for _, own := range append(x.Own, x.Features) {
			for _, f := range own {
				m.ids[f.Name] = 0
			}
		}
		persons[x.database+"."+x.table] = persons[x.database+"."+x.table] || x.personal()
	}
	m.names = slices.Sorted(maps.Keys(m.ids))
	for i, n := range m.names {
		m.ids[n] = i
	}
	m.regression = regression{kinds: len(classifiers.Categories()) - 1, features: len(m.names)}
	for _, c := range classifiers.Categories()[:m.kinds] {
		m.personal = append(m.personal, c.Personal())
	}
	var examples []*example
	for _, x := range list {
		e := m.example(x)
		if x.Contact == classifiers.None && !persons[x.database+"."+x.table] {
			e.weight *= tablesOfNone
		}
		examples = append(examples, e)
	}
	m.w = m.fit(examples, 60)
	return m
}

// String is the file of the weights.
func (m *trained) String() string {
	var b strings.Builder
	b.WriteString(weightsHead)
	for id, name := range m.names {
		line := ""
		add := func(kind string, w float64) {
			if math.Abs(w) >= 0.03 {
				line += fmt.Sprintf("\t%s=%.2f", kind, w)
			}
		}
		add("personal", m.w[id])
		for k := range m.kinds {
			add(string(classifiers.Categories()[k]), m.w[m.features+id*m.kinds+k])
		}
		if line != "" {
			b.WriteString(name + line + "\n")
		}
	}
	return b.String()
}

func (m *trained) known(list []classifiers.Feature) []known {
	var out []known
	for _, f := range list {
		if id, ok := m.ids[f.Name]; ok {
			out = append(out, known{id, f.X})
		}
	}
	return out
}

// example is what is to be learned from a field. Where none of its kinds can be found, any personal one is better than
// none, but amounts are not to be called something else.
func (m *trained) example(x labelled) *example {
	cats := classifiers.Categories()[:m.kinds]
	e := &example{base: x.Base[:m.kinds], possible: x.Possible[:m.kinds], features: m.known(x.Features), weight: 1,
		right: make([]bool, m.kinds+1)}
	for k := range cats {
		e.own = append(e.own, m.known(x.Own[k]))
		e.right[k] = slices.Contains(x.labels, string(cats[k])) && e.possible[k]
	}
	label := classifiers.Category(x.labels[0])
	switch found := slices.Contains(e.right, true); {
	case x.Contact != classifiers.None:
		e.right[m.kinds] = x.personal()
	case !x.personal():
		e.right[m.kinds] = !found
	case !found && label != classifiers.Financial:
		copy(e.right, e.possible)
	}
	if !slices.Contains(e.right, true) {
		e.right[m.kinds], e.weight = true, 0
	}
	return e
}
