package csvdir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

func BenchmarkScan(b *testing.B) {
	for name, row := range map[string]string{"plain": "%d,Rossi,ada%[1]d@example.org,left,%[1]d.50\n",
		"quotes": "%d,\"Rossi, Ada\",ada%[1]d@example.org,\"said \"\"hi\"\"\",%[1]d.50\n"} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("id,name,mail,note,amount\n")
			for i := range 200_000 {
				fmt.Fprintf(&text, row, i)
			}
			path := filepath.Join(b.TempDir(), "x.csv")
			require.NoError(b, os.WriteFile(path, []byte(text.String()), 0o600))
			src, err := Open(b.Context(), connectors.Options{DSN: path})
			require.NoError(b, err)
			connectortest.PerCPU(b, text.Len(), func() {}, func() {
				for _, err := range src.Scan(b.Context(), connectors.Query{Table: "x"}) {
					require.NoError(b, err)
				}
			})
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	var text strings.Builder
	text.WriteString("id,name,mail,note,amount\n")
	for i := range 200_000 {
		fmt.Fprintf(&text, "%d,Rossi,ada%[1]d@example.org,left,%[1]d.50\n", i)
	}
	path := filepath.Join(b.TempDir(), "x.csv")
	connectortest.PerCPU(b, text.Len(), func() {
		require.NoError(b, os.WriteFile(path, []byte(text.String()), 0o600))
	}, func() {
		src, err := Open(b.Context(), connectors.Options{DSN: path, Rewrite: true})
		require.NoError(b, err)
		_, err = src.(*rewriter).Rewrite(b.Context(), []connectors.Query{{Table: "x", Fields: []string{"id"}}},
			func(batch connectors.Batch) (connectors.Edit, error) { // every third row goes
				edit := connectors.Edit{Ops: make([]connectors.Op, batch.Rows.NumRows())}
				for i := 0; i < len(edit.Ops); i += 3 {
					edit.Ops[i] = connectors.Delete
				}
				return edit, nil
			}, func(connectors.Source) error { return nil })
		require.NoError(b, err)
	})
}
