package mysqldump

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// layoutsOf are ways in which the fuzzed rows may be written.
func layoutsOf(t testing.TB) []*layout {
	all := []*layout{usual(), {fieldEnd: []byte(","), lineEnd: []byte("\r\n"), quote: '"', escape: '\\'},
		{fieldEnd: []byte("||"), lineEnd: []byte("|END\n"), escape: '#'},
		{fieldEnd: []byte(";"), lineEnd: []byte("\n"), quote: '\'', lineStart: []byte(">")}}
	for _, l := range all {
		require.NoError(t, l.check())
	}
	return all
}

// FuzzText reads rows through windows of two sizes, writes what it read, and reads that.
func FuzzText(f *testing.F) {
	for which := range byte(4) {
		for _, text := range []string{"1\ta\n2\t\\N\n", "\"1\",\"a\"\"b\"\r\n2,\\N\r\n", "1||#|END\n2||a#|END\n", ">1;'a;'';'\n>2;NULL\n",
			"1\ta\\\tb\\\\\n", "1,\"a\\\"\r\n\"\r\n", "1\t", "\\", ">1;'"} {
			f.Add([]byte(text), which)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, which byte) {
		l := layoutsOf(t)[which%4]
		whole, err := textRows(t, l, text, 1<<16)
		pieces, errs := textRows(t, l, text, 1)
		require.Equal(t, err == nil, errs == nil)
		require.Equal(t, whole, pieces)
		if err != nil {
			return
		}
		field := connectors.Field{Name: "v", Kind: connectors.Binary, Nullable: true}
		var written []byte
		for _, row := range whole {
			written = append(written, l.lineStart...)
			for i, v := range row {
				if i > 0 {
					written = append(written, l.fieldEnd...)
				}
				var err error
				if written, err = l.literal(written, dialect{layout: l}, &field, v, v == nil, nil, i); err != nil {
					return // what has no escape
				}
			}
			written = append(written, l.lineEnd...)
		}
		again, err := textRows(t, l, written, 7)
		require.NoError(t, err)
		require.Equal(t, whole, again)
	})
}

// textRows are the values of the rows of a text, nil for NULL.
func textRows(t testing.TB, l *layout, text []byte, window int) (rows [][][]byte, err error) {
	w := newWalker(textfile.NewWindow(t.Context(), bytes.NewReader(text), window))
	id := dumpfile.TableID{Name: "t"}
	w.dialect = dialect{layout: l}
	for {
		if len(w.Rest()) == 0 {
			if more, err := w.Follows(); err != nil || !more {
				return rows, err
			}
		}
		values, n, ok := l.row(w.Rest(), nil, w.EOF())
		if !ok || n < 0 && w.EOF() {
			return rows, errLayout
		}
		if n < 0 {
			if err := w.Extend(); err != nil {
				return rows, err
			}
			continue
		}
		require.Positive(t, n, id.Name)
		var row [][]byte
		for i, v := range values {
			value, null, _, err := l.value(w.dialect, w.Rest()[v.start:v.end], nil, i, connectors.Binary, 0)
			if err != nil {
				return rows, err
			}
			if value = append([]byte{}, value...); null {
				value = nil
			}
			row = append(row, value)
		}
		rows = append(rows, row)
		w.Drop(n)
	}
}

// FuzzLoadData parses statements of LOAD DATA: what is followed has a layout that can be read.
func FuzzLoadData(f *testing.F) {
	for _, text := range []string{
		"LOAD DATA LOCAL INFILE 'a.dat' INTO TABLE `t` CHARACTER SET binary FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED " +
			"BY '\\\\' LINES STARTING BY '' TERMINATED BY '\\n' (`id`,@v)SET `v`=UNHEX(@v);",
		"LOAD DATA INFILE 'a' REPLACE INTO TABLE d.t COLUMNS OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES (@a, b) SET a = " +
			"CONVERT(@a USING UTF8MB4)", "LOAD DATA INFILE 'a' INTO TABLE t (", "LOAD DATA INFILE 'a' INTO TABLE t SET", "LOAD XML"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := lexer{b: text, eof: true}
		l.next()
		from, err := loads(l, "", utf8mb4)
		if err != nil {
			return
		}
		require.NotEmpty(t, from.layout.fieldEnd)
		require.NotEmpty(t, from.layout.lineEnd)
		require.NotContains(t, from.columns, "")
		require.True(t, from.layout.hex == nil || len(from.layout.hex) == len(from.columns))
	})
}

// FuzzMetadata writes what mydumper says of tables anew: nothing else changes, and what is written is read.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte("# Started dump at: 1\n[config]\nquote-character = BACKTICK\n\n[`crm`.`t`]\nreal_table_name=t\nrows = 2\n" +
		"data_checksum = 7\nschema_checksum = 8\n[`crm`.`u`]\nrows=3\n# Finished dump at: 2\n"))
	f.Add([]byte("[`crm`.`t`]\r\nROWS =  2 x\r\n[\n[`a`.`b`"))
	f.Fuzz(func(t *testing.T, text []byte) {
		require.Equal(t, string(text), string(rewritten(text, nil, nil)))
		id := dumpfile.TableID{Database: "crm", Name: "t"}
		now := rewritten(text, nil, map[dumpfile.TableID]int64{id: 41})
		require.Equal(t, string(now), string(rewritten(now, nil, map[dumpfile.TableID]int64{id: 41})))
	})
}
