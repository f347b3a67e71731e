package delimited

import (
	"bufio"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	utf "golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// rows reads a text as CSV, by whatever it is written in.
func rows(t require.TestingT, text, encoding string) [][]string {
	decoded, err := Decode(iotest.OneByteReader(strings.NewReader(text)), encoding)
	require.NoError(t, err)
	lines := Lines(decoded)
	reader := csv.NewReader(lines)
	reader.Comma, _ = Separator(lines)
	out, err := reader.ReadAll()
	require.NoError(t, err)
	return out
}

func TestWhateverItIsWrittenIn(t *testing.T) {
	want := [][]string{{"name", "note"}, {"Grüße", "a, b"}, {"x", "two\nlines"}}
	plain := "name,note\nGrüße,\"a, b\"\nx,\"two\nlines\"\n"
	tabs := "name\tnote\nGrüße\ta, b\nx\t\"two\nlines\"\n"
	cr := "name,note\rGrüße,\"a, b\"\rx,\"two\nlines\"\r"
	utf16 := func(order utf.Endianness, text string) string {
		out, err := utf.UTF16(order, utf.UseBOM).NewEncoder().String(text)
		require.NoError(t, err)
		return out
	}
	for name, c := range map[string]struct{ text, encoding string }{
		"plain":                    {plain, ""},
		"CRLF":                     {"name,note\r\nGrüße,\"a, b\"\r\nx,\"two\nlines\"\r\n", ""},
		"carriage returns":         {cr, ""},
		"and a mark":               {"\uFEFF" + cr, ""},
		"and a separator":          {"sep=,\r" + cr, ""},
		"a separator":              {"SEP=;\r\nname;note\nGrüße;\"a, b\"\nx;\"two\nlines\"", ""},
		"tabs, named":              {"sep=\t\n" + tabs, ""},
		"tabs":                     {tabs, ""},
		"UTF-16":                   {utf16(utf.LittleEndian, plain), ""},
		"UTF-16, big end first":    {utf16(utf.BigEndian, "sep=,\r"+cr), ""},
		"UTF-16, another name":     {utf16(utf.LittleEndian, cr), "windows-1252"},
		"Windows-1252":             {strings.ReplaceAll(strings.ReplaceAll(cr, "ü", "\xfc"), "ß", "\xdf"), "windows-1252"},
		"UTF-8 by name":            {plain, "utf-8"},
		"a quote inside a field":   {"name,note\rGrüße,\"a, b\"\rx,\"two\nlines\"", ""},
		"a line end in the header": {"name,\"note\"\rGrüße,\"a, b\"\rx,\"two\nlines\"", ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, want, rows(t, c.text, c.encoding)) })
	}
	_, err := Decode(strings.NewReader(""), "ebcdic-9")
	require.ErrorContains(t, err, "ebcdic-9")
}

func TestSeparatorLine(t *testing.T) {
	for head, want := range map[string]int{"sep=;": 5, "sep=;\n": 6, "Sep=;\r": 6, "sep=;\r\nx": 7, "\"sep=;\"\r\nx": 9, "\"sep=;\"": 7,
		"\"sep=;x": 0, "sep=;;\n": 0, "sep=": 0, "sep=;x": 0,
		"sep=\n": 0, "sep;a\n": 0, "": 0, "email\n": 0} {
		_, n, ok := SeparatorLine([]byte(head))
		require.Equal(t, want, n, "%q", head)
		require.Equal(t, want > 0, ok, "%q", head)
	}
}

// TestTheEndsOfLinesChangeNothing writes rows with each end of line, and reads the same.
func TestTheEndsOfLinesChangeNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-z",;é\n ]{0,6}`), 2, 2), 1, 6).Draw(r, "table")
		table = append([][]string{{"first", "second"}}, table...)
		write := func(end string) string {
			var b strings.Builder
			for _, row := range table {
				for i, cell := range row {
					b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"` + []string{",", end}[i])
				}
			}
			return b.String()
		}
		want := rows(r, write("\n"), "")
		require.Equal(r, table, want)
		require.Equal(r, want, rows(r, write("\r"), ""))
		require.Equal(r, want, rows(r, write("\r\n"), ""))
	})
}

func FuzzLines(f *testing.F) {
	f.Add("a,b\rc,\"d\ne\"\r")
	f.Add("a\"b\rc")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := io.ReadAll(Lines(bufio.NewReader(iotest.HalfReader(strings.NewReader(text)))))
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(text, "\r", "\n"), strings.ReplaceAll(string(out), "\r", "\n"))
		if strings.Contains(text, "\n") && !strings.Contains(text, "\r") {
			require.Equal(t, text, string(out))
		}
	})
}
