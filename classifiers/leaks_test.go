package classifiers_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

var (
	leaks   = flag.Bool("leaks", false, "print what is found and what leaks: `make bench-discovery`")
	scanner = flag.String("scanner", "", "with -leaks: another scanner, as a command with FOLDER in it, which names "+
		"the files in which it found something")
)

// leak counts the personal cells of tables, and those of them in fields called none: nobody would govern them. It is
// what a person loses who trusts the findings.
type leak struct {
	cells, lost             int64 // values that are not empty, in fields labelled personal
	identifiers, identities int64 // those of kinds that name one person; of these, lost
}

// identifying are the kinds whose values name one person.
var identifying = []string{"email", "phone", "person_name", "national_id", "tax_id", "passport", "iban", "bank_account",
	"credit_card", "username", "ip_address", "mac_address", "device_id", "postal_address", "vehicle_plate", "url_personal"}

func (l *leak) add(labels []string, filled int64, found bool) {
	personal := func(label string) bool { return label != "-" && label != "company_only" && label != "*" }
	if !personal(labels[0]) || slices.ContainsFunc(labels, func(label string) bool { return !personal(label) }) {
		return
	}
	l.cells += filled
	identifier := slices.Contains(identifying, labels[0])
	if identifier {
		l.identifiers += filled
	}
	if !found {
		l.lost += filled
		if identifier {
			l.identities += filled
		}
	}
}

func (l *leak) plus(o leak) {
	l.cells, l.lost = l.cells+o.cells, l.lost+o.lost
	l.identifiers, l.identities = l.identifiers+o.identifiers, l.identities+o.identities
}

func TestLeak(t *testing.T) {
	var l leak
	l.add([]string{"email"}, 10, true)
	l.add([]string{"phone", "other_personal"}, 5, false)
	l.add([]string{"gender"}, 3, false)
	l.add([]string{"-"}, 100, false)
	l.add([]string{"other_personal", "-"}, 100, false)
	require.Equal(t, leak{cells: 18, lost: 8, identifiers: 15, identities: 5}, l)
}

// outcome is what one scanner found of some tables.
type outcome struct {
	domainScore
	leak
}

func (o outcome) cellsOf() string {
	precision := float64(o.truePersonal) / float64(max(1, o.truePersonal+o.falsePersonal))
	recall := float64(o.truePersonal) / float64(max(1, o.truePersonal+o.missed))
	return fmt.Sprintf("%d\t%.3f\t%.3f\t%.3f\t%.3f\t%s\t%s\t", o.scored, precision, recall, o.f1(), o.kind(),
		share(o.lost, o.cells), share(o.identities, o.identifiers))
}

func share(part, of int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(1, of)))
}

// bin is of findings about as sure.
type bin struct {
	findings, right, exact int
	sure                   float64
}

// TestLeaks prints one table: how well each corpus is found, what leaks, how sure findings are and how often right.
func TestLeaks(t *testing.T) {
	if !*leaks {
		t.Logf("make bench-discovery")
		return
	}
	corpora := []string{"testdata/corpus/*.txt", "testdata/second.txt", "testdata/fresh.txt", "testdata/tuned.txt"}
	if *aside {
		corpora = append(corpora, "testdata/aside/*.txt") // those that wait to be scored once
	}
	c := catalogue(t)
	b := bench{t: t, out: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0), bins: make([]bin, 6), lost: map[string]int64{}}
	fmt.Fprint(b.out, "corpus\tfields\tprecision\trecall\tF1\texact kind\tcells leaked\tidentifiers leaked\t\n")
	var worst []string
	for _, pattern := range corpora {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		var all outcome
		for _, file := range files {
			one := b.corpus(c, file)
			all.domainScore.sum(one.domainScore)
			all.leak.plus(one.leak)
			if share := float64(one.lost) / float64(max(1, one.cells)); len(files) > 1 && share > 0.05 {
				worst = append(worst, fmt.Sprintf("%5.1f %%  %s", 100*share, strings.TrimSuffix(filepath.Base(file), ".txt")))
			}
		}
		fmt.Fprintf(b.out, "%s\t%s\n", strings.TrimPrefix(pattern, "testdata/"), all.cellsOf())
	}
	b.others(c, corpora[0])
	b.invented(c)
	b.values(c)

	fmt.Println("\nhow sure findings are, and how often that is right")
	fmt.Fprint(b.out, "confidence\tfindings\tmean\tpersonal\tof that kind\t\n")
	for i, x := range b.bins {
		n := float64(max(1, x.findings))
		fmt.Fprintf(b.out, "%.2f to %.2f\t%d\t%.3f\t%.3f\t%.3f\t\n", bounds6[i], bounds6[i+1], x.findings, x.sure/n,
			float64(x.right)/n, float64(x.exact)/n)
	}
	require.NoError(t, b.out.Flush())

	fmt.Println("\nwhat leaks most, by kind")
	b.top(b.lost)
	if slices.Sort(worst); len(worst) > 0 {
		slices.Reverse(worst)
		fmt.Printf("\ndatabases of which most of the personal cells leak; %d leak more than 5 %%\n  %s\n", len(worst),
			strings.Join(worst[:min(10, len(worst))], "\n  "))
	}
	fmt.Println("\nA cell leaks if its field is called none. corpus, second and tuned were used to make rules and weights; " +
		"fresh and what is put aside were not.")
}

var bounds6 = []float64{0, 0.5, 0.7, 0.9, 0.97, 0.99, 1.001}

// bench is what is measured, and where it is printed.
type bench struct {
	t    *testing.T
	out  *tabwriter.Writer
	bins []bin
	lost map[string]int64 // cells, by kind
}

// corpus judges all tables of a file as one database.
func (b *bench) corpus(c *classifiers.Catalogue, file string) (o outcome) {
	domains, scans := scanDomains(b.t, c, file)
	for i, v := range c.Verdicts(scans...) {
		for k, f := range v.Fields {
			if f.Path || domains[i].fields[k].labels[0] == "*" {
				continue
			}
			labels := domains[i].fields[k].labels
			right := o.domainScore.add(labels, f)
			found := f.Personal() || f.Primary == classifiers.CompanyOnly
			before := o.leak.lost
			o.leak.add(labels, f.NonEmpty, found)
			b.lost[labels[0]] += o.leak.lost - before
			if f.Personal() {
				b.sure(f.Confidence, slices.ContainsFunc(labels, func(l string) bool { return classifiers.Category(l).Personal() && l != "-" && l != "*" }),
					right)
			}
		}
	}
	return o
}

func (b *bench) sure(confidence float64, personal, exact bool) {
	i := 0
	for i+2 < len(bounds6) && confidence >= bounds6[i+1] {
		i++
	}
	x := &b.bins[i]
	x.findings++
	x.sure += confidence
	if personal {
		x.right++
	}
	if exact {
		x.exact++
	}
}

// invented judges people, decoys and random digits, whose labels are certain.
func (b *bench) invented(c *classifiers.Catalogue) {
	opaque := textFields("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12")
	people_, digits_, decoys_ := outcome{}, outcome{}, outcome{}
	for i, l := range lands() {
		cols, want := people(l, rand.New(rand.NewSource(int64(40+i))), 300)
		for k, f := range classify(c, "t1", opaque, cols...).Fields {
			people_.domainScore.add([]string{string(want[k])}, f)
			people_.leak.add([]string{string(want[k])}, f.NonEmpty, f.Personal())
		}
		for _, f := range classify(c, "t1", opaque, decoys(rand.New(rand.NewSource(int64(60+i))), 300)...).Fields {
			decoys_.domainScore.add([]string{"-"}, f)
		}
	}
	r := rand.New(rand.NewSource(80))
	for _, kind := range []string{"text", "integer"} {
		for n := range 1400 {
			var col []string
			for range 100 {
				col = append(col, fmt.Sprintf("%d%s", 1+r.Intn(9), digits(r, 3+n%14)))
			}
			digits_.domainScore.add([]string{"-"},
				classify(c, "t", []classifiers.Field{{Name: "col", Kind: kind}}, col).Fields[0])
		}
	}
	fmt.Fprintf(b.out, "people of 12 languages, no headers\t%s\n", people_.cellsOf())
	require.NoError(b.t, b.out.Flush())
	fmt.Printf("\nof %d decoys without headers %d are wrongly found; of %d fields of random digits %d\n", decoys_.scored,
		decoys_.falsePersonal, digits_.scored, digits_.falsePersonal)
}

// values matches the values that references publish as right and wrong.
func (b *bench) values(c *classifiers.Catalogue) {
	right, valid, refused, invalid := classifiers.Published(c)
	fmt.Printf("of %d values that references publish as right %d are recognised; of %d wrong ones %d are refused\n", valid,
		right, invalid, refused)
}

// top prints what is most of.
func (b *bench) top(counts map[string]int64) {
	var kinds []string
	for kind, n := range counts {
		if n > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(x, y string) int { return int(counts[y]-counts[x])*2 + strings.Compare(x, y) })
	for _, kind := range kinds[:min(10, len(kinds))] {
		fmt.Fprintf(b.out, "  %s\t%d cells\t\n", kind, counts[kind])
	}
	require.NoError(b.t, b.out.Flush())
}

// scanners are others that read files, and name those in which they find something. FOLDER is where the files are.
var scanners = []string{
	"pdscan file://FOLDER",                                       // github.com/ankane/pdscan
	"presidio-cli -f parsable FOLDER",                            // github.com/insightsengineering/presidio-cli
	"trufflehog filesystem --no-verification --no-update FOLDER", // secrets only
}

// others lets other scanners look at the same values, each field a file with its name in the first line.
func (b *bench) others(c *classifiers.Catalogue, pattern string) {
	list := scanners
	if *scanner != "" {
		list = append(slices.Clone(list), *scanner)
	}
	folder := ""
	for _, command := range list {
		words := strings.Fields(command)
		if _, err := exec.LookPath(words[0]); err != nil {
			fmt.Fprintf(b.out, "  %s on the same values\tnot installed\t\t\t\t\t\t\t\n", words[0])
			continue
		}
		if folder == "" {
			folder = b.t.TempDir()
			b.write(folder, pattern)
		}
		named, err := namedBy(b.t.Context(), words, folder)
		if err != nil {
			fmt.Fprintf(b.out, "  %s on the same values\t%v\t\t\t\t\t\t\t\n", words[0], err)
			continue
		}
		var o outcome
		b.each(pattern, func(file string, f domainField, values []string) {
			v := classifiers.Verdict{Primary: classifiers.None}
			if named[file] { // of what kind is not asked
				if v.Primary = classifiers.OtherPersonal; f.labels[0] != "-" {
					v.Primary = classifiers.Category(f.labels[0])
				}
			}
			filled := int64(len(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })))
			o.domainScore.add(f.labels, v)
			o.leak.add(f.labels, filled, named[file])
		})
		fmt.Fprintf(b.out, "  %s on the same values\t%s\n", words[0], o.cellsOf())
	}
}

// namedBy runs a scanner, and returns the files of a folder that it names.
func namedBy(ctx context.Context, words []string, folder string) (map[string]bool, error) {
	ctx, stop := context.WithTimeout(ctx, 20*time.Minute)
	defer stop()
	args := slices.Clone(words[1:])
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FOLDER", folder)
	}
	cmd := exec.CommandContext(ctx, words[0], args...)
	cmd.Stderr = io.Discard
	out, err := cmd.Output()
	if len(out) == 0 && err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for line := range bytes.Lines(out) {
		for _, word := range bytes.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("/\\:\" \t\r\n,'", r) }) {
			if bytes.HasSuffix(word, []byte(".csv")) {
				named[string(word)] = true
			}
		}
	}
	return named, nil
}

// each goes through the fields of corpora, with the values that are invented for them.
func (b *bench) each(pattern string, do func(file string, f domainField, values []string)) {
	files, err := filepath.Glob(pattern)
	require.NoError(b.t, err)
	n := 0
	for _, path := range files {
		eachDomain(b.t, path, func(d domain, cols [][]string) {
			for k, f := range d.fields {
				if n++; f.labels[0] != "*" {
					do(fmt.Sprintf("field-%06d.csv", n), f, cols[k])
				}
			}
		})
	}
}

func (b *bench) write(folder, pattern string) {
	b.each(pattern, func(file string, f domainField, values []string) {
		text := f.Name + "\n" + strings.Join(values, "\n") + "\n"
		require.NoError(b.t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
	})
}

// TestOtherScanners runs one that names the files in which it finds something, whatever it is.
func TestOtherScanners(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"field-000001.csv": "email\nada@example.org\n", "field-000002.csv": "id\n7\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	named, err := namedBy(t.Context(), []string{"grep", "-r", "@", "FOLDER"}, folder)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"field-000001.csv": true}, named)
	_, err = namedBy(t.Context(), []string{"grep", "-r", "@", "FOLDER/nowhere"}, folder)
	require.Error(t, err)
}
