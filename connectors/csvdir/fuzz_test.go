package csvdir

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/delimited"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// parse reads all rows of a text through a window that begins with so many bytes.
func parse(t testing.TB, text []byte, window int, said delimited.Said) (header []string, rows [][]string, err error) {
	r := &reader{Window: textfile.NewWindow(t.Context(), bytes.NewReader(text), window),
		settings: settings{said: said}, assumed: map[string]string{}}
	for len(r.Rest()) < min(len(text), 1<<16) { // the head is whole, as in a file
		if err := r.More(); err != nil {
			break
		}
	}
	if r.More() == io.EOF {
		require.True(t, r.EOF())
	}
	if err := r.layOut(); err != nil {
		return nil, nil, err
	}
	if header, err = r.names(); err != nil {
		return nil, nil, err
	}
	for _, name := range header {
		r.table.Fields = append(r.table.Fields, connectors.Field{Name: name})
	}
	g := &target{Entry: &dumpfile.Entry{Table: r.table}, layout: r.layout}
	for {
		row, n, err := r.next()
		if err != nil || n == 0 {
			return header, rows, err
		}
		var values []string
		for i := range r.cells {
			if v, null := g.value(i, row, r.cells); null {
				values = append(values, "NULL")
			} else {
				values = append(values, "="+string(v))
			}
		}
		rows = append(rows, values)
		r.Drop(n)
	}
}

// FuzzRows reads the same text through a large and a small window: the pieces in which it comes do not matter.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a;b\r\n\"x\"\"y\";\"\r\n\"\r\n", "sep=|\na|b\n|\n",
		"\xef\xbb\xbf\"a\"\n\n\"", "a\tb\n\"\" ,\n\n\n1\t2", "a,\"b", "a\r", "a,b\n1,\"x\"y\n", ""} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, text []byte, window int) {
		header, rows, err := parse(t, text, 1<<16, delimited.Said{})
		header2, rows2, err2 := parse(t, text, 1+window&0xff, delimited.Said{})
		require.Equal(t, err, err2)
		require.Equal(t, header, header2)
		require.Equal(t, rows, rows2)
		if err != nil {
			require.ErrorIs(t, err, connectors.ErrDamaged)
			return
		}
		for _, row := range rows {
			require.Len(t, row, len(header))
		}
	})
}

// TestValuesReturn writes any values as CSV and reads them back.
func TestValuesReturn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		fields := rapid.IntRange(2, 5).Draw(r, "fields")
		delimiter := rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(r, "delimiter")
		newline := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(r, "newline")
		var text strings.Builder
		var want [][]string
		for row := range rapid.IntRange(1, 6).Draw(r, "rows") {
			var values []string
			for i := range fields {
				if i > 0 {
					text.WriteString(delimiter)
				}
				if row > 0 && rapid.Bool().Draw(r, "null") {
					values = append(values, "NULL")
					if i == 0 {
						text.WriteString(`\N`)
					}
					continue
				}
				v := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\",;\n\r\\N| ")))).Draw(r,
					"value")
				if row == 0 {
					v = "n" + v // a line of fields that are mostly empty is a title, and stands before the one with names
				}
				values = append(values, "="+v)
				text.WriteString(`"` + strings.ReplaceAll(v, `"`, `""`) + `"`)
			}
			text.WriteString(newline)
			if row > 0 {
				want = append(want, values)
			}
		}
		_, rows, err := parse(t, []byte(text.String()), 1<<20, delimited.Said{Delimiter: &delimiter, Header: "first",
			Escape: delimited.Doubled})
		if err != nil {
			r.Fatal(err)
		}
		require.Equal(r, want, rows)
	})
}

// TestLikeTheStandardLibrary compares with encoding/csv where both have the same rules.
func TestLikeTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		fields := rapid.IntRange(2, 4).Draw(r, "fields")
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(r, "crlf")
		for range rapid.IntRange(1, 5).Draw(r, "rows") {
			var row []string
			for range fields {
				row = append(row, rapid.StringMatching(`[a-z,;"\n ]{0,8}`).Draw(r, "value"))
			}
			require.NoError(r, w.Write(row))
		}
		w.Flush()
		reader := csv.NewReader(strings.NewReader(b.String()))
		want, err := reader.ReadAll()
		if err != nil {
			r.Fatal(err)
		}
		comma, quote := ",", `"`
		_, rows, err := parse(t, []byte(b.String()), 64, delimited.Said{Delimiter: &comma, Quote: &quote,
			Escape: delimited.Doubled, Header: "none"})
		if err != nil {
			r.Fatal(err)
		}
		require.Len(r, rows, len(want))
		for i, row := range rows {
			for k, v := range row {
				if v == "NULL" {
					v = "="
				}
				require.Equal(r, want[i][k], strings.ReplaceAll(strings.TrimPrefix(v, "="), "\r\n", "\n"))
			}
		}
	})
}
