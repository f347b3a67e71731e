package pgarchive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// item is an entry of an archive that a test makes.
type item struct {
	desc, tag, defn, copy, data string
	section                     int
}

var items = []item{
	{desc: "ENCODING", tag: "ENCODING", defn: "SET client_encoding = 'UTF8';\n", section: sectionPreData},
	{desc: "DATABASE", tag: "crm", defn: "CREATE DATABASE crm;\n", section: sectionPreData},
	{desc: "TABLE", tag: "t", defn: "CREATE TABLE public.t (id integer, v text);\n", section: sectionPreData},
	{desc: "BLOB METADATA", tag: "4711..4712", defn: "4711\n4712\n", section: sectionPreData},
	{desc: "TABLE DATA", tag: "t", copy: "COPY public.t (id, v) FROM stdin;\n", data: "1\ta\n2\tb\n\\.\n\n\n",
		section: sectionData},
	{desc: "TABLE DATA", tag: "u", data: "INSERT INTO public.u VALUES (1);\n\n\n", section: sectionData},
	{desc: "BLOBS", tag: "4711..4712", data: "large", section: sectionData},
	{desc: "CONSTRAINT", tag: "t t_pkey", defn: "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n",
		section: sectionPostData},
}

// script is what Open makes of items.
const script = "SET client_encoding = 'UTF8';\n\n\nCREATE TABLE public.t (id integer, v text);\n\n\n" +
	"SELECT pg_catalog.lo_create('0');\nCOPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\n\\.\n\n\n\n\n" +
	"INSERT INTO public.u VALUES (1);\n\n\n\n\nALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY " +
	"(id);\n\n\n" + trailer

// maker writes archives.
type maker struct {
	bytes.Buffer
	toc *TOC
}

func (m *maker) int(n int) {
	sign := byte(0)
	if n < 0 {
		sign, n = 1, -n
	}
	m.WriteByte(sign)
	m.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))[:m.toc.integer])
}

func (m *maker) texts(list ...string) {
	for _, s := range list {
		m.int(len(s))
		m.WriteString(s)
	}
}

// contents writes header and table of contents, and returns where the places of data stand.
func (m *maker) contents(f Format, minor int, c Compression, level int) (places map[int]int) {
	places = map[int]int{}
	m.toc = &TOC{integer: 4, offset: 8, Compression: c, Level: level}
	m.WriteString(Magic)
	m.Write([]byte{1, byte(minor), 0, 4, 8, byte(f)})
	if minor >= 15 {
		m.WriteByte(byte(c))
	} else {
		m.int(level)
	}
	for range 7 {
		m.int(1)
	}
	m.texts("crm", "17.0", "17.0")
	m.int(len(items))
	for i, it := range items {
		m.int(i + 1)
		m.int(map[bool]int{true: 1}[it.data != ""])
		m.texts("1259", "16384", it.tag, it.desc)
		m.int(it.section)
		m.texts(it.defn, "")
		if it.copy == "" {
			m.int(-1)
		} else {
			m.texts(it.copy)
		}
		m.texts("public", "")
		if minor >= 14 {
			m.texts("heap")
		}
		if minor >= 16 {
			m.int('r')
		}
		m.texts("postgres", "false", "1")
		m.int(-1)
		switch {
		case f != Custom && it.data != "":
			m.texts(fmt.Sprintf("%d.dat", i+1))
		case f != Custom:
			m.texts("")
		default:
			places[i] = m.Len()
			m.WriteByte(placeNone)
			m.Write(make([]byte, 8))
		}
	}
	return places
}

// custom makes an archive of one file. With placed it says where the data are.
func custom(t testing.TB, minor int, c Compression, level int, placed bool) []byte {
	m := &maker{}
	places := m.contents(Custom, minor, c, level)
	at := map[int]int{}
	for i, it := range items {
		if it.data == "" {
			continue
		}
		at[i] = m.Len()
		kind := byte(blockData)
		if it.desc == "BLOBS" {
			kind = blockLarge
		}
		m.WriteByte(kind)
		m.int(i + 1)
		if kind == blockLarge {
			m.int(4711)
		}
		p := &pieces{w: m, toc: m.toc}
		z, err := pack(p, c, level, false)
		require.NoError(t, err)
		_, err = io.WriteString(z, it.data)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		require.NoError(t, p.close())
		if kind == blockLarge {
			m.int(0)
		}
	}
	b := m.Bytes()
	for i, place := range places {
		switch {
		case items[i].data == "":
		case placed:
			copy(b[place:], m.toc.AppendPlace(nil, int64(at[i])))
		default:
			b[place] = placeUnset
		}
	}
	return b
}

func write(t testing.TB, content []byte) (path string) {
	path = filepath.Join(t.TempDir(), "x.dump")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func read(path string) (string, error) {
	s, err := Open(nil, path)
	if err != nil {
		return "", err
	}
	defer s.Close()
	text, err := io.ReadAll(s)
	return string(text), err
}

// packings are the ways in which versions of the format pack data.
var packings = []struct {
	minor, level int
	c            Compression
}{{12, -1, Gzip}, {13, 0, None}, {14, 9, Gzip}, {14, 0, None}, {15, 0, None}, {15, 0, Gzip}, {15, 0, LZ4}, {16, 0,
	Zstd},
	{16, 0, LZ4}, {16, 0, Gzip}}

func TestCustom(t *testing.T) {
	for _, p := range packings {
		for _, placed := range []bool{true, false} {
			path := write(t, custom(t, p.minor, p.c, p.level, placed))
			require.True(t, Is(nil, path))
			got, err := read(path)
			require.NoError(t, err)
			require.Equal(t, script, got, "%+v", p)
		}
	}
}

// shout is an editor that makes the rows of the table t longer, and looks at those of u.
type shout struct{}

func (shout) Begin(*TOC) error { return nil }

func (shout) Wants(e *Entry) bool { return e.Desc == "TABLE DATA" }

func (shout) Edit(e *Entry, rows io.Reader, out io.Writer) (bool, error) {
	text, err := io.ReadAll(rows)
	if err != nil {
		return false, err
	}
	if e.Tag == "t" {
		text = []byte(strings.Replace(string(text), "\ta\n", "\t"+strings.Repeat("A", 100_000)+"\n", 1))
	}
	_, err = out.Write(text)
	return e.Tag == "t", err
}

func TestRewrite(t *testing.T) {
	want := strings.Replace(script, "\ta\n", "\t"+strings.Repeat("A", 100_000)+"\n", 1)
	for _, p := range packings {
		for _, placed := range []bool{true, false} {
			old := custom(t, p.minor, p.c, p.level, placed)
			in, err := os.Open(write(t, old))
			require.NoError(t, err)
			defer in.Close()
			path := filepath.Join(t.TempDir(), "new.dump")
			out, err := os.Create(path)
			require.NoError(t, err)
			var seen bytes.Buffer
			require.NoError(t, Rewrite(in, &seen, out, shout{}))
			require.NoError(t, out.Close())
			require.Equal(t, old, seen.Bytes())
			got, err := read(path)
			require.NoError(t, err, "the places of data are right")
			require.True(t, want == got, "%+v", p)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			behind := bytes.Index(old, []byte{blockData, 0, 6, 0, 0, 0}) // of u, and all that follows
			require.True(t, bytes.HasSuffix(content, old[behind:]), "what is not touched is copied as it is packed")
		}
	}
}

// several makes an archive of several files.
func several(t testing.TB, minor int, suffix string) (path string) {
	path = t.TempDir()
	m := &maker{}
	m.contents(Tar, minor, None, 0) // as pg_dump writes it
	put := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), content, 0o600))
	}
	put(tocFile, m.Bytes())
	put("7.dat", nil)
	for i, it := range items {
		if it.data == "" {
			continue
		}
		var b bytes.Buffer
		var z io.WriteCloser = gzip.NewWriter(&b)
		if suffix != ".gz" {
			var err error
			z, err = pack(&b, map[string]Compression{".lz4": LZ4, ".zst": Zstd}[suffix], 0, true)
			require.NoError(t, err)
		}
		_, err := io.WriteString(z, it.data)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		put(fmt.Sprintf("%d.dat%s", i+1, suffix), b.Bytes())
	}
	return path
}

func TestDirectory(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".lz4", ".zst"} {
		path := several(t, 16, suffix)
		require.True(t, Is(nil, path))
		got, err := read(path)
		require.NoError(t, err)
		require.Equal(t, script, got)
		require.NoError(t, os.Remove(filepath.Join(path, "5.dat"+suffix)))
		_, err = read(path)
		require.ErrorIs(t, err, connectors.ErrDamaged)
		require.ErrorContains(t, err, "entry 5 (TABLE DATA public.t)")
	}
}

func tarred(t testing.TB) []byte {
	m := &maker{}
	m.contents(Tar, 14, None, 0)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(name, content string) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	put(tocFile, m.String())
	for i, it := range items {
		if it.data != "" {
			put(fmt.Sprintf("%d.dat", i+1), it.data)
		}
	}
	put("restore.sql", "COPY public.t (id, v) FROM '$$PATH$$/5.dat';\n")
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestTar(t *testing.T) {
	old := tarred(t)
	path := write(t, old)
	require.True(t, Is(nil, path))
	got, err := read(path)
	require.NoError(t, err)
	require.Equal(t, script, got)
	in, err := os.Open(path)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(path + ".new")
	require.NoError(t, err)
	var seen bytes.Buffer
	require.NoError(t, Rewrite(in, &seen, out, shout{}))
	require.NoError(t, out.Close())
	require.Equal(t, old, seen.Bytes())
	got, err = read(path + ".new")
	require.NoError(t, err)
	require.True(t, strings.Replace(script, "\ta\n", "\t"+strings.Repeat("A", 100_000)+"\n", 1) == got)
}

// Every cut is found, and so is a table of contents that says another place.
func TestDamage(t *testing.T) {
	path := write(t, nil)
	for _, p := range packings[3:8] { // each packing once
		whole := custom(t, p.minor, p.c, p.level, true)
		for n := range whole {
			require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
			_, err := read(path)
			require.Error(t, err, "%+v cut at %d of %d", p, n, len(whole))
		}
		_, err := read(write(t, append(bytes.Clone(whole), 1)))
		require.ErrorIs(t, err, connectors.ErrDamaged, "more stands behind")
	}
	whole := custom(t, 16, None, 0, true)
	at := bytes.Index(whole, []byte{blockData, 0, 5, 0, 0, 0})
	place := (&TOC{offset: 8}).AppendPlace(nil, int64(at))
	whole = bytes.Replace(whole, place, (&TOC{offset: 8}).AppendPlace(nil, int64(at+1)), 1)
	_, err := read(write(t, whole))
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "elsewhere by the table of contents")
}

// FuzzOpen reads any file: reading ends, without a panic, and with an error of this package's kinds.
func FuzzOpen(f *testing.F) {
	for _, p := range packings {
		f.Add(custom(f, p.minor, p.c, p.level, true))
	}
	f.Add(tarred(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := write(t, content)
		_, err := read(path)
		in, err2 := os.Open(path)
		require.NoError(t, err2)
		defer in.Close()
		out, err2 := os.Create(path + ".new")
		require.NoError(t, err2)
		defer out.Close()
		err2 = Rewrite(in, io.Discard, out, shout{})
		if err == nil && !strings.HasPrefix(string(content), tocFile) {
			require.NoError(t, err2, "what can be read can be written")
		}
	})
}

// Only the versions that are known are read: of others it is said what they are.
func TestVersions(t *testing.T) {
	for _, v := range []struct{ major, minor byte }{{1, 11}, {1, 17}, {2, 14}, {0, 14}} {
		b := custom(t, 14, None, 0, true)
		b[len(Magic)], b[len(Magic)+1] = v.major, v.minor
		_, err := read(write(t, b))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, fmt.Sprintf("version %d.%d of the format; only versions 1.12 to 1.16", v.major, v.minor))
		path := several(t, 14, "")
		toc, err := os.ReadFile(filepath.Join(path, tocFile))
		require.NoError(t, err)
		toc[len(Magic)], toc[len(Magic)+1] = v.major, v.minor
		require.NoError(t, os.WriteFile(filepath.Join(path, tocFile), toc, 0o600))
		_, err = read(path)
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
}

// files are the new files of a folder in another one.
type files struct{ path string }

func (f files) Create(name string) (*os.File, error) { return os.Create(filepath.Join(f.path, name)) }
func (f files) Drop(name string) error               { return os.Remove(filepath.Join(f.path, name)) }

// Of a folder only the files of touched data are new, packed as they were.
func TestRewriteDirectory(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".lz4", ".zst"} {
		old, path := several(t, 16, suffix), t.TempDir()
		require.NoError(t, RewriteDirectory(old, files{path}, shout{}))
		entries, err := os.ReadDir(path)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, "5.dat"+suffix, entries[0].Name())
		text, err := os.ReadFile(filepath.Join(path, "5.dat"+suffix))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(old, "5.dat"+suffix), text, 0o600))
		got, err := read(old)
		require.NoError(t, err)
		require.True(t, strings.Replace(script, "\ta\n", "\t"+strings.Repeat("A", 100_000)+"\n", 1) == got)
	}
}

// A table of contents that names a file twice, or one that is elsewhere, is damage; what it does not name is a stray.
func TestDirectoryNames(t *testing.T) {
	path := several(t, 16, "")
	at := filepath.Join(path, tocFile)
	toc, err := os.ReadFile(at)
	require.NoError(t, err)
	for _, name := range []string{"5.dat", "../6.d", "toc.d"} {
		wrong := bytes.Replace(toc, []byte("\x05\x00\x00\x006.dat"), append([]byte{byte(len(name)), 0, 0, 0}, name...), 1)
		require.NotEqual(t, toc, wrong)
		require.NoError(t, os.WriteFile(at, wrong, 0o600))
		_, err = read(path)
		require.ErrorIs(t, err, connectors.ErrDamaged, name)
		require.ErrorIs(t, RewriteDirectory(path, files{t.TempDir()}, shout{}), connectors.ErrDamaged, name)
	}
	require.NoError(t, os.WriteFile(at, toc, 0o600))
	table := filepath.Join(path, "7.dat") // of large objects
	for _, lines := range []string{"4711 blob_4711.dat", "4711 ../blob\n", "4711\n", "4711 missing.dat\n"} {
		require.NoError(t, os.WriteFile(table, []byte(lines), 0o600))
		_, err = Strays(path)
		require.ErrorIs(t, err, connectors.ErrDamaged, lines)
	}
	require.NoError(t, os.WriteFile(table, []byte("4711 blob_4711.dat\n"), 0o600))
	for _, name := range []string{"blob_4711.dat.gz", "blob_4712.dat", "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), nil, 0o600))
	}
	strays, err := Strays(path)
	require.NoError(t, err)
	require.Equal(t, []string{"blob_4712.dat", "notes.txt"}, strays)
}

// FuzzDirectory reads and writes a folder with any table of contents, and any data.
func FuzzDirectory(f *testing.F) {
	m := &maker{}
	m.contents(Tar, 16, None, 0)
	f.Add(m.Bytes(), []byte(items[4].data), ".gz")
	f.Add(m.Bytes(), []byte(items[4].data), "")
	f.Add(m.Bytes(), []byte("4711 5.dat\n"), ".zst")
	f.Fuzz(func(t *testing.T, toc, data []byte, suffix string) {
		path := t.TempDir()
		if suffix = filepath.Base("5.dat" + suffix); len(suffix) > 40 || strings.ContainsRune(suffix, 0) || suffix[0] == '.' {
			return
		}
		for name, content := range map[string][]byte{tocFile: toc, suffix: data, "6.dat": []byte(items[5].data), "7.dat": data} {
			require.NoError(t, os.WriteFile(filepath.Join(path, name), content, 0o600))
		}
		_, err := read(path)
		err2 := RewriteDirectory(path, files{t.TempDir()}, shout{})
		if err == nil {
			require.NoError(t, err2, "what can be read can be written")
		}
		_, _ = Strays(path)
	})
}
