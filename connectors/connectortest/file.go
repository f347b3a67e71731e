package connectortest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// WriteFile puts bytes into a file of that name in a folder of its own.
func WriteFile(t testing.TB, name string, content []byte) (path string) {
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o640))
	return path
}

// Pack compresses a text as the ending of a file's name says.
func Pack(t testing.TB, name string, text []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		z, err := zstd.NewWriter(&b)
		require.NoError(t, err)
		w = z
	default:
		return text
	}
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Unpack returns the text of a file that is compressed as the ending of its name says.
func Unpack(t testing.TB, path string) []byte {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var r io.Reader = bytes.NewReader(raw)
	switch filepath.Ext(path) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		var z *zstd.Decoder
		z, err = zstd.NewReader(r)
		defer z.Close()
		r = z
	}
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return text
}

// Texts returns the rows of a batch, each with its values joined by |, NULL as ~.
func Texts(b connectors.Batch) []string {
	var rows []string
	for r := range int(b.Rows.NumRows()) {
		var values []string
		for c := range int(b.Rows.NumCols()) {
			if col := b.Rows.Column(c).(*array.Binary); col.IsNull(r) {
				values = append(values, "~")
			} else {
				values = append(values, string(col.Value(r)))
			}
		}
		rows = append(rows, strings.Join(values, "|"))
	}
	return rows
}

// Read returns the rows that a query asks for, as Texts writes them.
func Read(t testing.TB, src connectors.Source, q connectors.Query) (rows []string, err error) {
	for b, err := range src.Scan(t.Context(), q) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, Texts(b)...)
	}
	return rows, nil
}

// RequireCut cuts a file at each byte before the end of its last mark, and requires that no part of it is
// taken for whole. A compressed file is only whole with all its bytes.
func RequireCut(t *testing.T, c connectors.Connector, name string, text []byte, mark string) {
	packed := Pack(t, name, text)
	path := WriteFile(t, name, packed)
	complete := len(packed)
	if bytes.Equal(packed, text) {
		complete = bytes.LastIndex(text, []byte(mark)) + len(mark)
	}
	for n := range complete {
		require.NoError(t, os.WriteFile(path, packed[:n], 0o600))
		src, err := c.Open(t.Context(), connectors.Options{DSN: path})
		if err == nil {
			_, err = src.Tables(t.Context())
		}
		require.ErrorIs(t, err, connectors.ErrDamaged, "%s cut at %d of %d", name, n, len(packed))
	}
}
