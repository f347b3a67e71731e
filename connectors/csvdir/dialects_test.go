package csvdir

import (
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

// writer writes tables in one dialect.
type writer struct {
	name      string
	delimiter string
	newline   string
	quote     func(text string, delimiter string) string // writes a value
	null      string
	headless  bool
	before    []string
	behind    []string
	holds     func(text string) bool // what values it can write at all; nil: all
}

func rfc(all bool) func(text, delimiter string) string {
	return func(text, delimiter string) string {
		if all || strings.ContainsAny(text, "\"\r\n"+delimiter) || text == "" || strings.TrimSpace(text) != text {
			return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		return text
	}
}

// php is fputcsv of PHP 8.
func php(text, delimiter string) string {
	if text != "" && !strings.ContainsAny(text, "\"\\\r\n\t "+delimiter) {
		return text
	}
	var b strings.Builder
	escaped := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\\':
			escaped = true
		case c == '"' && !escaped:
			b.WriteByte('"')
		default:
			escaped = false
		}
		b.WriteByte(text[i])
	}
	return `"` + b.String() + `"`
}

// outfile is SELECT ... INTO OUTFILE of MySQL; enclosed is "" or a quote.
func outfile(enclosed string) func(text, delimiter string) string {
	return func(text, delimiter string) string {
		var b strings.Builder
		for _, c := range text {
			switch {
			case c == 0:
				b.WriteString(`\0`)
				continue
			case c == '\\' || c == '\n' && enclosed == "" || string(c) == enclosed || enclosed == "" && string(c) == delimiter:
				b.WriteByte('\\')
			}
			b.WriteRune(c)
		}
		return enclosed + b.String() + enclosed
	}
}

// copied is the text format of COPY of PostgreSQL.
func copied(text, _ string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\v", `\v`).Replace(text)
}

func bare(text, _ string) string { return text }

// writers are the ways of writing that are recovered.
func writers(r *rapid.T) writer {
	delimiter := rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(r, "delimiter")
	newline := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(r, "newline")
	all := []writer{
		{name: "RFC 4180", delimiter: delimiter, newline: newline, quote: rfc(false)},
		{name: "all in quotes", delimiter: delimiter, newline: newline, quote: rfc(true)},
		{name: "single quotes", delimiter: delimiter, newline: newline,
			quote: func(text, _ string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }},
		{name: "PHP", delimiter: delimiter, newline: "\n", quote: php},
		{name: "INTO OUTFILE", delimiter: "\t", newline: "\n", quote: outfile(""), null: `\N`},
		{name: "INTO OUTFILE, enclosed", delimiter: delimiter, newline: "\n", quote: outfile(`"`), null: `\N`},
		{name: "COPY", delimiter: "\t", newline: "\n", quote: copied, null: `\N`},
		{name: "COPY with its end", delimiter: "\t", newline: "\n", quote: copied, null: `\N`, behind: []string{`\.`}},
		{name: "tabs and nothing else", delimiter: "\t", newline: newline, quote: bare,
			holds: func(text string) bool {
				return !strings.ContainsAny(text, "\t\r\n\\") && !strings.HasPrefix(strings.TrimLeft(text, " "), `"`)
			}},
		{name: "double bars", delimiter: "||", newline: newline, quote: bare,
			holds: func(text string) bool { return !strings.ContainsAny(text, "|\r\n\\\"") }},
		{name: "carets", delimiter: "^", newline: newline, quote: bare,
			holds: func(text string) bool { return !strings.ContainsAny(text, "^,;\t|\r\n\\\"") }},
		{name: "control characters", delimiter: "\x01", newline: newline, quote: bare, null: `\N`,
			holds: func(text string) bool { return !strings.ContainsAny(text, "\x01\r\n\\\"") }},
		{name: "psql", delimiter: "|", newline: "\n", quote: bare, behind: []string{"(3 rows)"},
			holds: func(text string) bool { return !strings.ContainsAny(text, "|\r\n\\\"") }},
	}
	w := rapid.SampledFrom(all).Draw(r, "writer")
	w.headless = rapid.Bool().Draw(r, "headless")
	titles := []string{"Customers of the north, by \"Ada\"", "Export; 2026", "# made by hand", "", "It's a list"}
	for range rapid.SampledFrom([]int{0, 0, 1, 2, 3}).Draw(r, "before") {
		w.before = append(w.before, rapid.SampledFrom(titles).Draw(r, "title"))
	}
	if len(w.behind) == 0 && rapid.Bool().Draw(r, "behind") {
		w.behind = append(w.behind, "Total: 12")
	}
	return w
}

// columns are what tables are made of.
var columns = []struct {
	name string
	of   func(r *rapid.T) string
}{
	{"id", func(r *rapid.T) string { return strconv.Itoa(rapid.IntRange(1, 9999).Draw(r, "id")) }},
	{"born", func(r *rapid.T) string {
		return fmt.Sprintf("19%02d-0%d-1%d", rapid.IntRange(10, 99).Draw(r, "y"), 1+rapid.IntRange(0, 8).Draw(r, "m"), rapid.IntRange(0, 9).Draw(r, "d"))
	}},
	{"mail", func(r *rapid.T) string { return rapid.StringMatching(`[a-z]{1,6}@[a-z]{1,6}\.org`).Draw(r, "mail") }},
	{"name", func(r *rapid.T) string {
		return rapid.SampledFrom([]string{"Rossi, Ada", "O'Hara", "Zoë", "van 't Hof", "", "Li", `Ann "Bea" Roe`}).Draw(r, "name")
	}},
	{"amount", func(r *rapid.T) string {
		return rapid.SampledFrom([]string{"1,50", "2.75", "3", "-4,00"}).Draw(r, "amount")
	}},
	{"note", func(r *rapid.T) string {
		return rapid.StringOf(rapid.SampledFrom([]rune("ab 1,;|\t\n\"'\\N|é"))).Draw(r, "note")
	}},
	{"data", func(r *rapid.T) string {
		return rapid.SampledFrom([]string{`{"a":"b","c":1}`, `a:1:{s:1:"x";N;}`, `{"q":"say \"x\", then"}`, `C:\temp\new`, `\\host\x`}).Draw(r, "data")
	}},
}

// drawn makes a table of which its form can be told: days or addresses in it, and three rows.
func drawn(r *rapid.T, w writer) (header []string, rows [][]string) {
	use := []int{0, 1 + rapid.IntRange(0, 1).Draw(r, "sure")}
	for range rapid.IntRange(0, 4).Draw(r, "more") {
		use = append(use, rapid.IntRange(0, len(columns)-1).Draw(r, "column"))
	}
	rand.New(rand.NewSource(int64(rapid.IntRange(0, 99).Draw(r, "order")))).Shuffle(len(use), func(i, k int) { use[i], use[k] = use[k], use[i] })
	for i, c := range use {
		header = append(header, columns[c].name+"_"+strconv.Itoa(i))
	}
	for range rapid.IntRange(3, 9).Draw(r, "rows") {
		var row []string
		for _, c := range use {
			v := columns[c].of(r)
			if w.holds != nil && !w.holds(v) {
				v = "plain"
			}
			if i := strings.TrimRight(v, "\r"); i != v {
				v = i
			}
			if w.null != "" && rapid.IntRange(0, 5).Draw(r, "null") == 0 && c > 2 {
				v = "NULL"
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return header, rows
}

func (w writer) write(header []string, rows [][]string) string {
	var b strings.Builder
	for _, line := range w.before {
		b.WriteString(line + w.newline)
	}
	if !w.headless {
		rows = append([][]string{header}, rows...)
	}
	for _, row := range rows {
		for i, v := range row {
			if i > 0 {
				b.WriteString(w.delimiter)
			}
			if v == "NULL" && w.null != "" {
				b.WriteString(w.null)
			} else {
				b.WriteString(w.quote(v, w.delimiter))
			}
		}
		b.WriteString(w.newline)
	}
	for _, line := range w.behind {
		b.WriteString(line + w.newline)
	}
	return b.String()
}

// TestDialects writes tables in many ways. What is read is what was written, or nothing: no cell in another's place.
func TestDialects(t *testing.T) {
	read, refused := map[string]int{}, map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		w := writers(r)
		header, rows := drawn(r, w)
		for i, line := range w.before { // with as many fields it could be the header
			if strings.Count(line, w.delimiter) == len(header)-1 {
				w.before[i] = "Export"
			}
		}
		text := w.write(header, rows)
		name, kept, err := readBack(t, text)
		if err != nil {
			require.ErrorIs(r, err, connectors.ErrDamaged, "%q", text)
			refused[w.name]++
			return
		}
		read[w.name]++
		if w.headless {
			for i := range header {
				header[i] = "c" + strconv.Itoa(i+1)
			}
		}
		require.Equal(r, header, name, "%s %q", w.name, text)
		require.Len(r, kept, len(rows), "%s %q", w.name, text)
		nulls := slices.ContainsFunc(rows, func(row []string) bool { return slices.Contains(row, "NULL") })
		for i, row := range rows {
			for k, v := range row {
				if v == "NULL" && w.null != "" || (v == "" || v == `\N`) && kept[i][k] == "NULL" {
					v = "NULL"
				} else {
					v = "=" + v
				}
				if w.name == "PHP" && kept[i][k] == inC.Replace(v) {
					continue // where nothing is doubled, nothing tells that it is no escape
				}
				if raw := w.quote(strings.TrimPrefix(v, "="), w.delimiter); w.null != "" && !nulls &&
					(kept[i][k] == "="+raw || `"`+kept[i][k][1:]+`"` == raw) {
					continue // nor that it is one
				}
				require.Equal(r, v, kept[i][k], "%s: row %d, %s: %q", w.name, i, header[k], text)
			}
		}
	})
	for name := range read {
		t.Logf("%-24s read %4d, refused %4d", name, read[name], refused[name])
	}
	require.Greater(t, len(read), 6)
	for name := range refused {
		require.Less(t, refused[name], 5+(read[name]+refused[name])/5, "%s is refused too often", name)
	}
}

var inC = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, "'", `\n`, "\n", `\t`, "\t", `\b`, "\b", "\\\n", "\n", `\,`, ",", `\;`, ";", `\|`, "|", "\\\t", "\t")

// readBack reads a text as a file of a folder is.
func readBack(t testing.TB, text string) (header []string, rows [][]string, err error) {
	header, rows, err = parse(t, []byte(text), 1<<20, settings{}.said)
	return header, rows, err
}

// TestDialectsInEncodings reads a file of each encoding that can be told.
func TestDialectsInEncodings(t *testing.T) {
	text := "Kundenliste\r\n\r\nid;name;geboren\r\n1;Müller;1980-01-02\r\n2;Zoë;1990-03-04\r\n"
	for name, e := range map[string]unicode.Endianness{"little": unicode.LittleEndian, "big": unicode.BigEndian} {
		for _, mark := range []unicode.BOMPolicy{unicode.UseBOM, unicode.IgnoreBOM} {
			content, err := unicode.UTF16(e, mark).NewEncoder().String(text)
			require.NoError(t, err)
			src, err := Open(t.Context(), connectors.Options{DSN: connectortest.WriteFile(t, "x.csv", []byte(content))})
			require.NoError(t, err)
			rows, err := connectortest.Read(t, src, connectors.Query{Table: "x"})
			require.NoError(t, err, name)
			require.Equal(t, []string{"1|Müller|1980-01-02", "2|Zoë|1990-03-04"}, rows, name)
		}
	}
}
