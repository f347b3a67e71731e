package audit

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
)

// TestTheRootIsNotRepeated reads the footers of all tables: the root of a schema is one, and strict
// readers refuse a file that says otherwise.
func TestTheRootIsNotRepeated(t *testing.T) {
	root := t.TempDir()
	s, _ := newSigner(t)
	publishNight(t, root, 1, "", s)
	files, err := filepath.Glob(filepath.Join(root, "table=*", "*", "*", "*.parquet"))
	require.NoError(t, err)
	require.Greater(t, len(files), 12)
	for _, path := range files {
		f, err := local.NewLocalFileReader(path)
		require.NoError(t, err)
		defer f.Close()
		r, err := reader.NewParquetColumnReader(f, 1)
		require.NoError(t, err)
		require.Equal(t, parquet.FieldRepetitionType_REQUIRED, r.Footer.Schema[0].GetRepetitionType(), path)
	}
}
