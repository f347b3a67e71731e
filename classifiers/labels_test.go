package classifiers_test

import (
	"math/rand"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestLabels reads every labelled schema, those put aside and those that wait for a second labeller among them, and
// judges none: each label is a category, each field stands once, its values can be invented, and no database is in two
// files, so that none is learned from and put aside.
func TestLabels(t *testing.T) {
	known := map[string]bool{"-": true, "*": true}
	for _, c := range classifiers.Categories() {
		known[string(c)] = true
	}
	files, err := filepath.Glob("testdata/*/*.txt")
	require.NoError(t, err)
	files = append(files, "testdata/tuned.txt", "testdata/second.txt", "testdata/fresh.txt")
	in := map[string]string{}
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
				for _, label := range f.labels {
					require.True(t, known[label], "%s: %s: %q is no category", file, place, label)
				}
				invent(t, rand.New(rand.NewSource(1)), lands()[0], f.values, 0)
			}
		}
	}
}
