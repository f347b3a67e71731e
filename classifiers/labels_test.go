package classifiers_test

import (
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestLabels reads every labelled schema, those put aside and those that wait for it among them, and judges none: each
// label is a category, each field stands once, its values can be invented, no database is in two files, so that none is
// learned from and put aside, and what was settled between two labellers stands as it was settled.
func TestLabels(t *testing.T) {
	known := map[string]bool{"-": true, "*": true}
	for _, c := range classifiers.Categories() {
		known[string(c)] = true
	}
	files, err := filepath.Glob("testdata/*/*.txt")
	require.NoError(t, err)
	files = append(files, "testdata/tuned.txt", "testdata/second.txt", "testdata/fresh.txt")
	in, labels := map[string]string{}, map[string][]string{}
	for _, file := range files {
		seen := map[string]bool{}
		for _, d := range readDomains(t, file) {
			other, taken := in[d.database]
			loose := filepath.Dir(file) == "testdata" // common domains, whose names are no application's
			require.False(t, taken && other != file && !loose, "%s: database %s is in %s, too", file, d.database, other)
			in[d.database] = file
			for _, f := range d.fields {
				place := d.database + "." + d.table + "." + f.Name
				require.False(t, seen[place], "%s: %s stands twice", file, place)
				seen[place] = true
				labels[place] = f.labels
				for _, label := range f.labels {
					require.True(t, known[label], "%s: %s: %q is no category", file, place, label)
				}
				invent(t, rand.New(rand.NewSource(1)), lands()[0], f.values, 0)
			}
		}
	}
	settled := readSettled(t)
	require.NotEmpty(t, settled)
	for place, want := range settled {
		require.ElementsMatch(t, want, labels[place], "%s is not labelled as testdata/settled.tsv has it", place)
	}
}

// readSettled reads the labels that fields have where two who labelled them had nothing in common: what was settled, or
// what either said where nothing was.
func readSettled(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/settled.tsv")
	require.NoError(t, err)
	settled := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := strings.Split(line, "\t")
		require.Len(t, f, 7, line)
		require.NotEmpty(t, f[6], "%s: no reason", line)
		place, labels := strings.Join(f[:3], "."), f[5]
		if labels == "" {
			labels = f[3] + "," + f[4]
		}
		require.NotContains(t, settled, place)
		settled[place] = strings.Split(labels, ",")
	}
	return settled
}
