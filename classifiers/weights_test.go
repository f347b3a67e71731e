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
	wrong = flag.Bool("wrong", false, "with -cross, print each field that is wrong")
)

// What training is held to. A weight costs its square times half of its cost. Tables without a personal field count more
// often: of whole schemas more are so than of the corpus. Every field is learned from twice, the second time by a catalogue
// that forgot a share of its words: those of the corpus it knows better than those of databases that nobody has seen.
const (
	costPersonal = 2
	costOfKind   = 5
	costCompany  = 5
	tablesOfNone = 4
	missedCounts = 1.3 // as much as so many wrongly found
	forgotten    = 0.35
	halfKnown    = 0.5  // how much the second time counts
	fewRows      = 0.35 // and the third, of a handful of rows that somebody typed to try
	eitherKept   = 0.3  // how much it counts to keep what rules found where careful people differ: doubt keeps

	companyBase = 2.5 // as in the product
)

// labelled is a field of the corpora with what the rules know of it.
type labelled struct {
	database, table string
	labels          []string
	once            bool
	forgetful       bool
	sparse          bool
	classifiers.Weighed
}

func (x labelled) asked() bool { return x.labels[0] != "*" }

func (x labelled) isPersonal() bool {
	label := classifiers.Category(x.labels[0])
	return label != "-" && label != "*" && label.Personal()
}

func readLabelled(t *testing.T) []labelled {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	once, err := filepath.Glob("testdata/once/*.txt")
	require.NoError(t, err)
	files = append(append(files, once...), "testdata/tuned.txt", "testdata/second.txt")
	c := catalogue(t)
	var list []labelled
	add := func(x labelled, domains []domain, scans []*classifiers.Scan, c *classifiers.Catalogue) {
		for i, table := range c.Weigh(scans...) {
			for k, w := range table {
				d := &domains[i]
				x.database, x.table, x.labels, x.Weighed = d.database, d.table, d.fields[k].labels, w
				if x.forgetful {
					x.Features = withoutTopic(x.Features)
				}
				list = append(list, x)
			}
		}
	}
	forgetting := c.Forget(forgotten, 1)
	for _, file := range files {
		x := labelled{once: strings.Contains(file, "/once/")}
		domains, scans := scanDomains(t, c, file)
		add(x, domains, scans, c)
		x.forgetful = true
		domains, scans = scanDomains(t, forgetting, file)
		add(x, domains, scans, forgetting)
		x.forgetful, x.sparse = false, true
		domains, scans = scanDomainsAs(t, c, file, sparse)
		add(x, domains, scans, c)
	}
	return list
}

// withoutTopic leaves out what the database is about: the corpus has clinics, and tables about health stand in other databases, too.
func withoutTopic(list []classifiers.Feature) []classifiers.Feature {
	return slices.DeleteFunc(list, func(f classifiers.Feature) bool { return strings.HasPrefix(f.Name, "in medical database") })
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
	require.Less(t, len(text), 1_000_000)
}

// TestTrainingJudgesAsTheProduct sees that nothing counts as found in the training which the product calls none: what the rules
// did not find has to be likelier than not.
func TestTrainingJudgesAsTheProduct(t *testing.T) {
	c := catalogue(t)
	_, scans := scanDomains(t, c, "testdata/corpus/openemr.txt")
	asked := 0
	for _, table := range c.Weigh(scans...) {
		for _, w := range table {
			if w.Asked && !w.Found.Personal() && !w.Proved {
				asked++
				require.GreaterOrEqual(t, w.Least, 0.0, w.Field)
			}
		}
	}
	require.Greater(t, asked, 100)
}

const weightsHead = "# Learned by: go test ./classifiers -run 'TestWeights$' -train. Do not edit. " +
	"feature <tab> kind=weight ...; \"personal\" is for any of them, \"company_only\" for whose a contact is.\n"

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
	answers := leaveOut(list, size, *cross)
	var before, after, once, few, fewRules, tried, triedRules domainScore
	for i, x := range list {
		switch {
		case x.labels[0] == "*" || size[x.database] < 90: // the small ones are no databases but examples
			continue
		case x.forgetful:
			fewRules.add(x.labels, x.byRules())
			few.add(x.labels, answers[i])
			continue
		case x.sparse:
			triedRules.add(x.labels, x.byRules())
			tried.add(x.labels, answers[i])
			continue
		case x.once:
			once.add(x.labels, answers[i])
		}
		before.add(x.labels, x.byRules())
		after.add(x.labels, answers[i])
		if *wrong {
			logWrong(t, x, answers[i])
		}
	}
	t.Logf("rules alone: %s", before)
	t.Logf("with weights, cross-validated: %s", after)
	t.Logf("of some words less, rules alone: %s", fewRules)
	t.Logf("of some words less, with weights, cross-validated: %s", few)
	t.Logf("of a handful of rows, rules alone: %s", triedRules)
	t.Logf("of a handful of rows, with weights, cross-validated: %s", tried)
	t.Logf("of these, labelled once: %s", once)
	logWhole(t, list, answers, size)
	require.Greater(t, after.f1(), before.f1()+0.01)
	require.Greater(t, after.kind(), before.kind()+0.02)
}

// logWrong prints a field of which the answer is not among the labels.
func logWrong(t *testing.T, x labelled, answer classifiers.Verdict) {
	t.Helper()
	var s domainScore
	s.add(x.labels, answer)
	switch {
	case s.missed > 0:
		t.Logf("MISSED %s.%s.%s %v: rules %s, odds %.1f", x.database, x.table, x.Field, x.labels, x.Found, x.Odds)
	case s.falsePersonal > 0:
		t.Logf("WRONGLY %s.%s.%s %v: %s", x.database, x.table, x.Field, x.labels, answer.Primary)
	case s.truePersonal > s.exact:
		t.Logf("KIND %s.%s.%s %v: %s", x.database, x.table, x.Field, x.labels, answer.Primary)
	}
}

// logWhole prints what the answers reach as scorers of public databases count, and as the mean over whole databases.
func logWhole(t *testing.T, list []labelled, answers []classifiers.Verdict, size map[string]int) {
	t.Helper()
	var public domainScore
	each, eachPublic := map[string]*domainScore{}, map[string]*domainScore{}
	for i, x := range list {
		if x.labels[0] == "*" || size[x.database] < 90 || x.forgetful || x.sparse {
			continue
		}
		if each[x.database] == nil {
			each[x.database], eachPublic[x.database] = new(domainScore), new(domainScore)
		}
		each[x.database].add(x.labels, answers[i])
		if !neutral(x.labels, answers[i]) {
			public.add(x.labels, answers[i])
			eachPublic[x.database].add(x.labels, answers[i])
		}
	}
	t.Logf("without coarse places, texts and contacts of companies: %s", public)
	t.Logf("mean over %d databases: %s; without those: %s", len(each), mean(each), mean(eachPublic))
}

// mean is that of the figures of databases in which there is something personal.
func mean(each map[string]*domainScore) string {
	f1, kind, n := 0.0, 0.0, 0.0
	for _, db := range slices.Sorted(maps.Keys(each)) {
		if s := each[db]; s.truePersonal+s.missed > 0 {
			f1, kind, n = f1+s.f1(), kind+s.kind(), n+1
		}
	}
	return fmt.Sprintf("%.3f / %.3f", f1/n, kind/n)
}

// leaveOut judges each field by weights that were learned without its database.
func leaveOut(list []labelled, size map[string]int, folds int) []classifiers.Verdict {
	groups := slices.SortedFunc(maps.Keys(size), func(a, b string) int {
		return 2*(size[b]-size[a]) + strings.Compare(a, b)
	})
	fold := map[string]int{}
	for i, g := range groups {
		fold[g] = i % folds
	}
	answers := make([]classifiers.Verdict, len(list))
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
				if fold[x.database] == k {
					answers[i] = m.answer(x)
				}
			}
		})
	}
	wait.Wait()
	return answers
}

// byRules is the verdict of the rules alone.
func (x labelled) byRules() classifiers.Verdict {
	return classifiers.Verdict{Primary: x.Found, Company: x.OfCompany}
}

// answer is what the weights make of a field, as in the product.
func (m *trained) answer(x labelled) classifiers.Verdict {
	v := x.byRules()
	if x.Asked {
		z := []float64{0}
		m.personal.scores(m.forPersonal, m.whether(x), z)
		best := m.kind(x)
		switch {
		case best >= 0 && (z[0] > x.Least || x.Proved):
			v.Primary = classifiers.Categories()[best]
		case v.Primary.Personal():
			v.Primary = classifiers.None
		}
	}
	if v.Primary.Contact() && len(x.Company) > 0 {
		z := []float64{0}
		m.personal.scores(m.forCompany, m.whose(x, v.Primary), z)
		v.Company = z[0] > classifiers.SurelyCompany
	} else if v.Primary != x.Found {
		v.Company = false
	}
	return v
}

// kind is the likeliest kind, -1 where none is possible.
func (m *trained) kind(x labelled) int {
	z := make([]float64, m.kinds.answers)
	m.kinds.scores(m.forKinds, m.which(x), z)
	best := -1
	for k := range z {
		if x.Possible[k] && (best < 0 || z[k] > z[best]) {
			best = k
		}
	}
	return best
}

// trained are weights by the names of their features: whether a field is personal, of which kind, and whose.
type trained struct {
	names                             []string
	ids                               map[string]int
	personal, kinds                   softmax
	forPersonal, forKinds, forCompany []float64
}

func trainOn(list []labelled) *trained {
	m := &trained{ids: map[string]int{}}
	persons, in := map[string]bool{}, map[string]string{}
	for _, x := range list {
		for _, own := range append(x.Own, x.Features, x.Firsts, x.Company, contactKinds()) {
			for _, f := range own {
				in[f.Name] = seen(in[f.Name], x.database)
			}
		}
		persons[x.database+"."+x.table] = persons[x.database+"."+x.table] || x.isPersonal()
	}
	for name, databases := range in {
		if word := strings.HasPrefix(name, "word: ") || strings.HasPrefix(name, "letters: ") || strings.Contains(name, "table word") || strings.HasPrefix(name, "contact: word"); !word || databases == several {
			m.names = append(m.names, name)
		}
	}
	slices.Sort(m.names)
	for i, n := range m.names {
		m.ids[n] = i
	}
	m.personal = softmax{1, len(m.names), costPersonal}
	m.kinds = softmax{len(personalKinds()), len(m.names), costOfKind}
	var whether, which, whose []*example
	for _, x := range list {
		scale := 1.0
		if x.forgetful {
			scale = halfKnown
		}
		if x.sparse {
			scale = fewRows
		}
		if x.Asked {
			e := m.whether(x)
			e.weight *= scale
			if e.right[0] {
				e.weight *= missedCounts
			}
			if !persons[x.database+"."+x.table] {
				e.weight *= tablesOfNone
				if x.sparse { // whole schemas have more of them, and empty ones
					e.weight *= 1.25
				}
			}
			whether = append(whether, e)
			e = m.which(x)
			e.weight *= scale
			which = append(which, e)
		}
		if x.Found.Contact() && len(x.Company) > 0 && x.labels[0] != "-" {
			whose = append(whose, m.whose(x, x.Found))
		}
	}
	without := func(list []*example) []*example {
		return slices.DeleteFunc(list, func(e *example) bool { return e.weight == 0 })
	}
	const rounds = 80
	whether = without(whether)
	m.forPersonal = m.personal.fit(whether, rounds)
	m.forKinds = m.kinds.fit(without(which), rounds)
	company := softmax{1, len(m.names), costCompany}
	m.forCompany = company.fit(whose, rounds)
	return m
}

// personalKinds are those that the second question is about.
func personalKinds() []classifiers.Category {
	return slices.DeleteFunc(classifiers.Categories(), func(c classifiers.Category) bool { return !c.Personal() })
}

// String is the file of the weights.
func (m *trained) String() string {
	var b strings.Builder
	b.WriteString(weightsHead)
	for id, name := range m.names {
		line := ""
		add := func(kind string, w float64) {
			if math.Abs(w) >= 0.05 {
				line += fmt.Sprintf("\t%s=%.2f", kind, w)
			}
		}
		add("personal", m.forPersonal[id])
		for k, c := range personalKinds() {
			add(string(c), m.forKinds[id*m.kinds.answers+k])
		}
		add(string(classifiers.CompanyOnly), m.forCompany[id])
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

// several stands for more than one database.
const several = "*"

// seen is the database that a feature is known from, with one more.
func seen(before, database string) string {
	if before == "" || before == database {
		return database
	}
	return several
}

func contactKinds() []classifiers.Feature {
	var list []classifiers.Feature
	for _, c := range classifiers.Categories() {
		if c.Contact() {
			list = append(list, classifiers.Feature{Name: "contact: kind " + string(c), X: 1})
		}
	}
	return list
}

// either reports whether some labels of a field say personal and some do not.
func (x labelled) either() bool {
	personal := func(l string) bool { return l != "-" && l != "*" && classifiers.Category(l).Personal() }
	return slices.ContainsFunc(x.labels, personal) && slices.ContainsFunc(x.labels, func(l string) bool { return !personal(l) })
}

// whether is what is to be learned from a field about being personal. A contact of a company may be found as a contact:
// whose it is, is asked next.
func (m *trained) whether(x labelled) *example {
	e := &example{base: []float64{x.Odds}, possible: []bool{true}, features: m.known(append(slices.Clone(x.Features), x.Firsts...)),
		right: []bool{x.isPersonal() || x.either()}, weight: 1}
	company := x.labels[0] == string(classifiers.CompanyOnly)
	if x.either() && x.Found.Personal() && x.Found != classifiers.FreeText && x.Found != classifiers.Financial {
		e.weight = eitherKept
	} else if x.either() {
		e.weight = 0
	}
	if x.Proved || company && x.First >= 0 && classifiers.Categories()[x.First].Contact() {
		e.weight = 0
	}
	return e
}

// which is what is to be learned from a field about its kind.
func (m *trained) which(x labelled) *example {
	n := m.kinds.answers
	e := &example{base: x.Base[:n], possible: x.Possible[:n], features: m.known(x.Features), weight: 1, right: make([]bool, n)}
	for k, c := range personalKinds() {
		e.own = append(e.own, m.known(x.Own[k]))
		e.right[k] = e.possible[k] && slices.Contains(x.labels, string(c))
	}
	if !slices.Contains(e.right, true) {
		e.weight = 0
	}
	return e
}

// whose is what is to be learned from a contact.
func (m *trained) whose(x labelled, kind classifiers.Category) *example {
	base := -companyBase
	if x.OfCompany {
		base = companyBase
	}
	features := append(slices.Clone(x.Company), classifiers.Feature{Name: "contact: kind " + string(kind), X: 1})
	return &example{base: []float64{base}, possible: []bool{true}, features: m.known(features), weight: 1,
		right: []bool{!x.isPersonal() || slices.Contains(x.labels, string(classifiers.CompanyOnly))}}
}
