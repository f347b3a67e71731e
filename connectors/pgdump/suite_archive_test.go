package pgdump_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/pgdump"
)

// entry is one of an archive that a test makes, of version 1.14 of the format.
type entry struct {
	id              int
	desc, tag, defn string
	copying, data   string
	section         int
}

// created finds the name of a table in the statement that creates it, and copied that of a COPY with its rows.
var (
	created = regexp.MustCompile(`^CREATE TABLE public\.(.*) \(`)
	copied  = regexp.MustCompile(`(?s)^(COPY public\.(\w+|"(?:[^"]|"")*")[^\n]* FROM stdin;\n)(.*\\\.\n)$`)
)

func unquoted(name string) string {
	if strings.HasPrefix(name, `"`) {
		name = strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
	}
	return name
}

// entriesOf takes a plain dump of the suite's tables, or of a test, apart.
func entriesOf(t testing.TB, dump string) (entries []entry) {
	add := func(e entry) {
		e.id = len(entries) + 1
		entries = append(entries, e)
	}
	add(entry{desc: "ENCODING", tag: "ENCODING", defn: "SET client_encoding = 'UTF8';\n", section: 2})
	add(entry{desc: "STDSTRINGS", tag: "STDSTRINGS", defn: "SET standard_conforming_strings = 'on';\n", section: 2})
	text := strings.TrimSuffix(strings.TrimPrefix(dump, header), trailer)
	for len(text) > 0 {
		end := strings.Index(text, ";\n") + 2
		if strings.HasPrefix(text, "COPY ") {
			end = strings.Index(text, "\n\\.\n") + 4
		}
		require.Greater(t, end, 3, "a statement")
		statement := text[:end]
		text = strings.TrimLeft(text[end:], "\n")
		for strings.HasPrefix(statement, "--") {
			_, statement, _ = strings.Cut(statement, "\n")
			statement = strings.TrimLeft(statement, "\n")
		}
		if m := copied.FindStringSubmatch(statement); m != nil {
			add(entry{desc: "TABLE DATA", tag: unquoted(m[2]), copying: m[1], data: m[3] + "\n\n", section: 3})
		} else if m := created.FindStringSubmatch(statement); m != nil {
			add(entry{desc: "TABLE", tag: unquoted(m[1]), defn: statement, section: 2})
		} else if !strings.Contains(statement, " OWNER TO ") {
			add(entry{desc: "CONSTRAINT", tag: "c", defn: statement, section: 4})
		}
	}
	return entries
}

// toc writes the table of contents of entries. It returns where the places of data stand.
func toc(format byte, entries []entry) (b []byte, places map[int]int) {
	number := func(n int) {
		b = append(b, map[bool]byte{true: 1}[n < 0])
		b = binary.LittleEndian.AppendUint32(b, uint32(max(n, -n)))
	}
	texts := func(list ...string) {
		for _, s := range list {
			number(len(s))
			b = append(b, s...)
		}
	}
	b = append(b, pgarchive.Magic+"\x01\x0e\x00\x04\x08"...)
	b = append(b, format)
	number(-1)
	for range 7 {
		number(1)
	}
	texts("crm", "14.0", "14.0")
	number(len(entries))
	places = map[int]int{}
	for _, e := range entries {
		number(e.id)
		number(map[bool]int{true: 1}[e.section == 3])
		texts("1259", "16384", e.tag, e.desc)
		number(e.section)
		texts(e.defn, "", e.copying, "public", "", "heap", "postgres", "false")
		number(-1)
		switch {
		case format == 1:
			places[e.id] = len(b)
			b = append(b, make([]byte, 9)...)
			b[places[e.id]] = 3
		case e.section == 3:
			texts(fmt.Sprintf("%d.dat", e.id))
		default:
			texts("")
		}
	}
	return b, places
}

// put writes a dump as an archive of pg_dump: c, d or t, as after -F.
func put(t testing.TB, path, dump, format string) {
	entries := entriesOf(t, dump)
	switch format {
	case "c":
		b, places := toc(1, entries)
		for _, e := range entries {
			if e.section != 3 {
				continue
			}
			copy(b[places[e.id]:], binary.LittleEndian.AppendUint64([]byte{2}, uint64(len(b))))
			b = binary.LittleEndian.AppendUint32(append(b, 1, 0), uint32(e.id))
			var z bytes.Buffer
			w := zlib.NewWriter(&z)
			_, err := io.WriteString(w, e.data)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			b = append(binary.LittleEndian.AppendUint32(append(b, 0), uint32(z.Len())), z.Bytes()...)
			b = append(b, 0, 0, 0, 0, 0)
		}
		require.NoError(t, os.WriteFile(path, b, 0o600))
	case "d":
		require.NoError(t, os.MkdirAll(path, 0o700))
		b, _ := toc(3, entries)
		require.NoError(t, os.WriteFile(filepath.Join(path, "toc.dat"), b, 0o600))
		for _, e := range entries {
			if e.section != 3 {
				continue
			}
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, err := io.WriteString(w, e.data)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			require.NoError(t, os.WriteFile(filepath.Join(path, fmt.Sprintf("%d.dat.gz", e.id)), z.Bytes(), 0o600))
		}
	default:
		f, err := os.Create(path)
		require.NoError(t, err)
		defer f.Close()
		w := tar.NewWriter(f)
		member := func(name, content string) {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}))
			_, err := io.WriteString(w, content)
			require.NoError(t, err)
		}
		b, _ := toc(3, entries)
		member("toc.dat", string(b))
		for _, e := range entries {
			if e.section == 3 {
				member(fmt.Sprintf("%d.dat", e.id), e.data)
			}
		}
		member("restore.sql", "--\n")
		require.NoError(t, w.Close())
	}
}

// The suite holds archives to what it holds plain dumps to.
func TestSuiteArchives(t *testing.T) {
	for _, format := range []string{"c", "d", "t"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Harness{
				Stream: true,
				Lacks: []connectortest.Feature{connectortest.Generated, connectortest.AutoUpdate,
					connectortest.ZeroDate},
				New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
					path := filepath.Join(t.TempDir(), "suite.dump")
					put(t, path, string(dumpOf(tables, layouts["copy"])), format)
					return connectortest.Store{
						Path: path,
						Bytes: func(t *testing.T) []byte {
							script, err := pgarchive.Open(nil, path)
							require.NoError(t, err)
							defer script.Close()
							text, err := io.ReadAll(script)
							require.NoError(t, err)
							return text
						},
						Open: func(t *testing.T) connectors.Source {
							src, err := pgdump.Connector.Open(t.Context(),
								connectors.Options{Name: "suite", DSN: path, Rewrite: true})
							require.NoError(t, err)
							require.Implements(t, (*connectors.Rewriter)(nil), src)
							require.Implements(t, (*connectors.Foreseer)(nil), src)
							return src
						},
					}
				},
			})
		})
	}
}
