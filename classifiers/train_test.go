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
	cross = flag.Int("cross", 0, "folds of the cross-validation, databases left out")
	p1    = flag.Float64("p1", 1, "")
	p2    = flag.Float64("p2", 2, "")
	pw    = flag.Float64("pw", 2, "")
	drop  = flag.String("drop", "", "prefixes of features to leave out")
	shown = flag.Bool("shown", false, "")
)

// labelled are the fields of the corpora with what the rules know of them.
type labelled struct {
	database, table string
	labels          []string
	classifiers.Weighed
}

// corpus are the labelled fields, and the tables that they stand in.
type corpus struct {
	list   []labelled
	judged []classifiers.Judged
	at     [][3]int // of each field: file, table, field
}

func readCorpus(t *testing.T) *corpus {
	files, err := filepath.Glob("testdata/corpus/*.txt")
	require.NoError(t, err)
	files = append(files, "testdata/tuned.txt", "testdata/second.txt")
	c, x := catalogue(t), &corpus{}
	for n, file := range files {
		domains, scans := scanDomains(t, c, file)
		j := c.Judge(scans...)
		x.judged = append(x.judged, j)
		for i, table := range j.Weigh() {
			for k, w := range table {
				x.list = append(x.list, labelled{domains[i].database, domains[i].table, domains[i].fields[k].labels, w})
				x.at = append(x.at, [3]int{n, i, k})
			}
		}
	}
	return x
}

// told returns the fields again, after they told each other these chances.
func (x *corpus) told(scores [][]float64) []labelled {
	by := map[[3]int][]float64{}
	for i, at := range x.at {
		by[at] = chances(scores[i])
	}
	list := slices.Clone(x.list)
	i := 0
	for n, j := range x.judged {
		j.Tell(func(table, field int) []float64 { return by[[3]int{n, table, field}] })
		for _, table := range j.Weigh() {
			for _, w := range table {
				list[i].Weighed = w
				i++
			}
		}
	}
	return list
}

func chances(z []float64) []float64 {
	all := 1.0
	p := make([]float64, len(z))
	for k := range z {
		p[k] = math.Exp(z[k])
		all += p[k]
	}
	for k := range p {
		p[k] /= all
	}
	return p
}

func (x labelled) scored() bool { return x.labels[0] != "*" }

// leaveOut scores each field by a model that saw no field of its database.
func leaveOut(list []labelled, folds int) [][]float64 {
	size := map[string]int{}
	var groups []string
	for _, x := range list {
		if size[x.database]++; size[x.database] == 1 {
			groups = append(groups, x.database)
		}
	}
	slices.SortStableFunc(groups, func(a, b string) int { return size[b] - size[a] })
	fold := map[string]int{}
	for i, g := range groups {
		fold[g] = i % folds
	}
	scores := make([][]float64, len(list))
	var wait sync.WaitGroup
	gate := make(chan bool, runtime.NumCPU())
	for k := range folds {
		wait.Add(1)
		go func() {
			defer wait.Done()
			gate <- true
			defer func() { <-gate }()
			var train []labelled
			for _, x := range list {
				if fold[x.database] != k && x.scored() {
					train = append(train, x)
				}
			}
			m := trainOn(train)
			for i, x := range list {
				if fold[x.database] == k {
					_, scores[i] = m.judge(x)
				}
			}
		}()
	}
	wait.Wait()
	return scores
}

var train = flag.Bool("train", false, "learn the weights anew, and write them")

func TestWeights(t *testing.T) {
	if !*train {
		return
	}
	x := readCorpus(t)
	m := trainOn(slices.DeleteFunc(x.list, func(f labelled) bool { return !f.scored() }))
	var b strings.Builder
	b.WriteString(weightsHead)
	names := slices.Sorted(maps.Keys(m.ids))
	for _, name := range names {
		id := m.ids[name]
		line := ""
		add := func(kind string, w float64) {
			if math.Abs(w) >= 0.03 {
				line += fmt.Sprintf("\t%s=%.2f", kind, w)
			}
		}
		add("personal", m.w[id])
		for k := range m.kinds {
			add(string(classifiers.Categories()[k]), m.w[m.shared+id*m.kinds+k])
		}
		if line != "" {
			b.WriteString(name + line + "\n")
		}
	}
	require.NoError(t, os.WriteFile("weights.tsv", []byte(b.String()), 0o644))
}

const weightsHead = `# Learned by: go test ./classifiers -run 'TestWeights$' -train. Do not edit. feature <tab> kind=weight, ...; "personal" is for all kinds of personal data.
`

func TestCross(t *testing.T) {
	if *cross == 0 {
		return
	}
	x := readCorpus(t)
	size := map[string]int{}
	for _, f := range x.list {
		size[f.database]++
	}
	scores := leaveOut(x.list, *cross)
	for _, b := range []float64{0, 0.3, 0.6, 0.9, 1.2} {
		report(t, x.list, scores, size, b, false)
	}
	tables := map[string]int{}
	for _, f := range x.list {
		n := tables[f.database+"."+f.table]
		if classifiers.Category(f.labels[0]).Personal() && f.labels[0] != "-" && f.scored() {
			n++
		}
		tables[f.database+"."+f.table] = n
	}
	zero := 0
	for _, n := range tables {
		if n == 0 {
			zero++
		}
	}
	t.Logf("%d tables, %d without personal fields", len(tables), zero)
	for range *rounds {
		scores = leaveOut(x.told(scores), *cross)
		for _, b := range []float64{0, 0.3, 0.6, 0.9, 1.2} {
			report(t, x.list, scores, size, b, b == *bias)
		}
	}
}

var rounds = flag.Int("rounds", 0, "")

var heavy = flag.Float64("heavy", 1, "")

var bias = flag.Float64("bias", 0, "")

func pickKind(z []float64, bias float64) string {
	personal, best := 0.0, -1
	cats := classifiers.Categories()
	company := 0.0
	for k, s := range z {
		if !cats[k].Personal() {
			company = math.Exp(s)
			continue
		}
		personal += math.Exp(s)
		if best < 0 || s > z[best] {
			best = k
		}
	}
	if math.Log(personal)+bias > math.Log(1+company) {
		return string(cats[best])
	}
	if company > 1 {
		return "company_only"
	}
	return "none"
}

func report(t *testing.T, list []labelled, scores [][]float64, size map[string]int, bias float64, show bool) {
	var all, rules domainScore
	per := map[string]*domainScore{}
	wrong := map[string]int{}
	for i, x := range list {
		chosen := pickKind(scores[i], bias)
		v := classifiers.Verdict{Primary: classifiers.Category(chosen)}
		if per[x.database] == nil {
			per[x.database] = &domainScore{}
		}
		if size[x.database] < 30 || !x.scored() {
			continue
		}
		if !all.add(x.labels, v) {
			wrong[x.labels[0]+" judged "+chosen]++
			if show && *shown {
				t.Logf("%s.%s.%s is %v, judged %s", x.database, x.table, x.Field, x.labels, chosen)
			}
		}
		per[x.database].add(x.labels, v)
		old, _ := rulesOnly(x)
		rules.add(x.labels, classifiers.Verdict{Primary: classifiers.Category(old)})
	}
	if show {
		for g, p := range per {
			if *shown {
				t.Logf("%s: %s", g, p)
			}
		}
		var names []string
		for w := range wrong {
			names = append(names, w)
		}
		slices.SortFunc(names, func(a, b string) int { return wrong[b] - wrong[a] })
		for _, w := range names[:30] {
			t.Logf("%4d %s", wrong[w], w)
		}
		t.Logf("rules: %s", rules)
	}
	t.Logf("bias %.1f cross-validated: %s", bias, all)
}

type trained struct {
	regression
	ids map[string]int
	w   []float64
}

func rulesOnly(x labelled) (string, []float64) {
	best, at := "none", 0.0
	for k, c := range classifiers.Categories() {
		if c != classifiers.None && c != classifiers.CompanyOnly && x.Possible[k] && x.Base[k] > at {
			best, at = string(c), x.Base[k]
		}
	}
	return best, nil
}

func dropped(name string) bool {
	if *drop == "" {
		return false
	}
	for _, p := range strings.Split(*drop, ",") {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func isWord(name string) bool {
	return strings.HasPrefix(name, "word: ") || strings.HasPrefix(name, "table word: ") ||
		strings.HasPrefix(name, "contacts in table: ")
}

func trainOn(list []labelled) *trained {
	kinds := len(classifiers.Categories()) - 1
	m := &trained{ids: map[string]int{}}
	met := map[string]map[string]bool{}
	count := map[string]int{}
	visit := func(x labelled, see func(name string)) {
		for _, f := range x.Features {
			see(f.Name)
		}
		for _, own := range x.Own {
			for _, f := range own {
				see(f.Name)
			}
		}
	}
	for _, x := range list {
		visit(x, func(name string) {
			if met[name] == nil {
				met[name] = map[string]bool{}
			}
			met[name][x.database] = true
			count[name]++
		})
	}
	var names []string
	for name, in := range met {
		if !dropped(name) && (!isWord(name) || len(in) >= 2) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, n := range names {
		m.ids[n] = i
	}
	m.regression = regression{kinds: kinds, shared: len(names), penaltyShared: *p1, penaltyKind: *p2,
		wordPenalty: func(id int) float64 {
			if isWord(names[id]) {
				return *pw
			}
			return 1
		}}
	for _, c := range classifiers.Categories()[:kinds] {
		m.personal = append(m.personal, c.Personal())
	}
	persons := map[string]bool{}
	for _, x := range list {
		if classifiers.Category(x.labels[0]).Personal() && x.labels[0] != "-" {
			persons[x.database+"."+x.table] = true
		}
	}
	var examples []*example
	for _, x := range list {
		e := m.example(x)
		if x.labels[0] == string(classifiers.Financial) && e.right[m.kinds] {
			e.weight = 0
		} else if !persons[x.database+"."+x.table] {
			e.weight = *heavy
		}
		examples = append(examples, e)
	}
	m.w = m.fit(examples, 60)
	return m
}

func (m *trained) entries(list []classifiers.Feature) []entryOf {
	var out []entryOf
	for _, f := range list {
		if id, ok := m.ids[f.Name]; ok {
			out = append(out, entryOf{id, f.X})
		}
	}
	return out
}

func (m *trained) example(x labelled) *example {
	e := &example{group: x.database, base: x.Base[:m.kinds], possible: slices.Clone(x.Possible[:m.kinds]),
		features: m.entries(x.Features), weight: 1, right: make([]bool, m.kinds+1)}
	for k := range m.kinds {
		e.own = append(e.own, m.entries(x.Own[k]))
		e.right[k] = slices.Contains(x.labels, string(classifiers.Categories()[k])) && e.possible[k]
	}
	if x.labels[0] != string(classifiers.Financial) && !slices.Contains(e.right, true) {
		// no kind that is right can be found: any personal one is better than none
		for k, c := range classifiers.Categories()[:m.kinds] {
			e.right[k] = e.possible[k] && c.Personal() && classifiers.Category(x.labels[0]).Personal() && x.labels[0] != "-"
		}
	}
	e.right[m.kinds] = !slices.Contains(e.right, true) || slices.Contains(x.labels, "-") || slices.Contains(x.labels, "none")
	return e
}

func (m *trained) judge(x labelled) (string, []float64) {
	e := m.example(x)
	e.possible = x.Possible[:m.kinds]
	z := make([]float64, m.kinds)
	m.scores(m.w, e, z)
	best, at := "none", 0.0
	for k, s := range z {
		if s > at {
			best, at = string(classifiers.Categories()[k]), s
		}
	}
	return best, z
}

var _ = fmt.Sprint
var _ = os.Args
