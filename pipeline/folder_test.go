package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/csvdir"
	"lethe/pipeline/setup"
)

// TestEachFileOfAFolderStandsForItself reads a folder of which one file is damaged: in its first row, where the catalog
// is read, or in a later one.
func TestEachFileOfAFolderStandsForItself(t *testing.T) {
	good := "id,email,name,status,created\n1,ada@lago.it,Ada,active,2026-01-01\n2,bob@lago.it,Bob,active,2026-01-01\n" +
		"3,eve@lago.it,Eve,active,2023-01-01\n"
	later, first := "id,email\n1,ada@lago.it\n2,bob@lago.it,more\n", "<!DOCTYPE html>\n"
	for name, tc := range map[string]struct {
		files   map[string]string
		failed  []string
		scanned []string
		decided bool
	}{
		"a later row of a file that nobody governs": {map[string]string{"people": good, "albums": later, "zoo": good},
			[]string{"albums"}, []string{"people", "zoo"}, true},
		"its first row": {map[string]string{"people": good, "albums": first, "zoo": good},
			[]string{"albums"}, []string{"people", "zoo"}, true},
		"two of them": {map[string]string{"people": good, "albums": later, "zoo": later, "attic": first, "zz": good},
			[]string{"albums", "attic", "zoo"}, []string{"people", "zz"}, true},
		"a later row of a governed file": {map[string]string{"people": good + "4,x\n", "albums": good, "zoo": good},
			[]string{"people"}, []string{"albums", "zoo"}, false},
		"the first row of a governed file": {map[string]string{"people": first, "albums": good, "zoo": good},
			[]string{"people"}, []string{"albums", "zoo"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			folder := filepath.Join(t.TempDir(), "exports")
			require.NoError(t, os.Mkdir(folder, 0o700))
			for file, text := range tc.files {
				require.NoError(t, os.WriteFile(filepath.Join(folder, file+".csv"), []byte(text), 0o600))
			}
			w.Setup.Sources[0].Open = func(ctx context.Context) (connectors.Source, error) {
				return csvdir.Open(ctx, connectors.Options{Name: "crm", DSN: folder})
			}
			_, err := w.night()
			require.Equal(t, 3, setup.ExitCode(err), "%v", err)
			f := w.facts()
			for _, table := range tc.failed {
				require.Equal(t, "failed", at(t, f, table, "").State)
				require.ErrorContains(t, err, "table "+table)
				require.Contains(t, kinds(f), "F_SOURCE_FAILED high "+table)
			}
			for _, table := range tc.scanned {
				require.Equal(t, int64(3), at(t, f, table, "").Rows, "each row is read once")
				require.Equal(t, "scanned", at(t, f, table, "email").State)
				require.Equal(t, "email", at(t, f, table, "email").Category)
			}
			require.Equal(t, tc.decided, f.Run.SourcesFailed == 0, "without the governed table nothing is decided")
			require.Equal(t, tc.decided, len(f.Summary) > 0)
		})
	}
}
