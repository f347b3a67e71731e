package mysqldump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/packed"
	"lethe/connectors/mysqldump"
)

// member is a file in an archive.
type member struct {
	name, text string
	mode       int64
	kind       byte
}

var long = time.Date(2020, 1, 2, 3, 4, 6, 0, time.UTC)

func tarOf(t testing.TB, list ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range list {
		h := &tar.Header{Name: m.name, Mode: m.mode, Size: int64(len(m.text)), ModTime: long, Typeflag: m.kind, Uid: 7,
			Uname: "backup", Linkname: map[bool]string{true: "x.sql"}[m.kind == tar.TypeSymlink || m.kind == tar.TypeLink]}
		if m.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := io.WriteString(w, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zipOf(t testing.TB, list ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	require.NoError(t, w.SetComment("of the night"))
	for _, m := range list {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: long, Comment: "c"}
		h.SetMode(os.FileMode(m.mode))
		if m.kind == tar.TypeSymlink {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = io.WriteString(f, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// inTar lists an archive as `tar -tv` does, with what is in each member, unpacked.
func inTar(t testing.TB, content []byte) (list []string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		list = append(list, fmt.Sprintf("%s %o %s %d %s\n%s", h.Name, h.Mode, h.ModTime.UTC(), h.Uid, h.Uname,
			unpackedAs(t, h.Name, text)))
	}
}

func inZip(t testing.TB, content []byte) (list []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	require.Equal(t, "of the night", r.Comment)
	for _, h := range r.File {
		f, err := h.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(f)
		require.NoError(t, err)
		list = append(list, fmt.Sprintf("%s %s %s %d %s\n%s", h.Name, h.Mode(), h.Modified.UTC(), h.Method, h.Comment,
			unpackedAs(t, h.Name, text)))
	}
	return list
}

func unpackedAs(t testing.TB, name string, text []byte) []byte {
	t.Helper()
	if filepath.Ext(name) != ".gz" && filepath.Ext(name) != ".zst" {
		return text
	}
	return connectortest.Unpack(t, connectortest.WriteFile(t, filepath.Base(name), text))
}

func packedBy(t testing.TB, text []byte, by func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := by(&b)
	require.NoError(t, err)
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func bzip2Of(t testing.TB, text []byte) []byte {
	return packedBy(t, text, func(w io.Writer) (io.WriteCloser, error) {
		return bzip2.NewWriter(w, &bzip2.WriterConfig{Level: 3})
	})
}

func xzOf(t testing.TB, text []byte) []byte {
	return packedBy(t, text, func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 20, CheckSum: xz.CRC32}.NewWriter(w)
	})
}

func lz4Of(t testing.TB, text string, o ...lz4.Option) []byte {
	return packedBy(t, []byte(text), func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(o...)
	})
}

func unlz4(t testing.TB, content []byte) string {
	text, err := io.ReadAll(lz4.NewReader(bytes.NewReader(content)))
	require.NoError(t, err)
	return string(text)
}

// Of what is packed with lz4 no part is taken for the whole, and nothing stands behind it.
func TestLZ4ThatIsNotWhole(t *testing.T) {
	text := createT + "INSERT INTO t VALUES (1,'a'),(2,'b');\n" + trailer + strings.Repeat("-- a comment\n", 20_000)
	for name, checked := range map[string]bool{"checked": true, "unchecked": false} {
		content := lz4Of(t, text, lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(checked), lz4.BlockChecksumOption(checked))
		for cut := 1; cut < len(content); cut++ {
			if cut > 40 && cut < len(content)-40 && cut%37 != 0 {
				continue
			}
			requireDamaged(t, content[:cut], name)
		}
		requireDamaged(t, append(bytes.Clone(content), 0), name)
		requireDamaged(t, append(bytes.Clone(content), "garbage"...), name)
	}
	content := lz4Of(t, text)
	for _, at := range []int{4, 6, 20, len(content) - 2} {
		changed := bytes.Clone(content)
		changed[at] ^= 4
		requireDamaged(t, changed, "changed")
	}
}

func requireDamaged(t *testing.T, content []byte, name string) {
	src, err := mysqldump.Open(t.Context(), connectors.Options{Name: "old", DSN: connectortest.WriteFile(t, "x.sql.lz4", content)})
	if err == nil {
		_, err = src.Tables(t.Context())
	}
	require.ErrorIs(t, err, connectors.ErrDamaged, "%s, %d bytes", name, len(content))
}

// beside are files that lie in archives beside a dump, and are none.
var beside = []member{{"notes/README", "what this is\n", 0o600, 0}, {"notes/x.sql.sha256", "0123  x.sql\n", 0o644, 0}}

func around(dump member) []member { return []member{beside[0], dump, beside[1]} }

// TestEveryPackingIsRewrittenAsItWas: the row goes, the packing and all that lies beside stays.
func TestEveryPackingIsRewrittenAsItWas(t *testing.T) {
	text := createT + "INSERT INTO t VALUES (1,'a'),(2,'b');\n" + strings.Repeat("-- a comment\n", 20_000) + trailer
	want := strings.Replace(text, "(1,'a'),", "", 1)
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	other, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	key := connectortest.WriteFile(t, "key.txt", []byte(id.String()+"\n"))
	sealed := func(content []byte, to ...age.Recipient) []byte {
		return packedBy(t, content, func(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, to...) })
	}
	opened := func(content []byte, by age.Identity) []byte {
		r, err := age.Decrypt(bytes.NewReader(content), by)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		return got
	}
	gz := func(s string) string { return string(connectortest.Pack(t, ".gz", []byte(s))) }
	// printed by lz4 -BD -B4 --content-size of the text
	linked, err := os.ReadFile("testdata/linked.lz4")
	require.NoError(t, err)
	zst := func(s string) string { return string(connectortest.Pack(t, ".zst", []byte(s))) }
	ungz := func(content []byte) []byte { return unpackedAs(t, "x.gz", content) }
	dump := func(s string) member { return member{"var/x.sql", s, 0o640, 0} }
	for name, c := range map[string]struct {
		content []byte
		extra   map[string]string
		has     func([]byte) any // what is in the file afterwards
		wants   any
	}{
		"bzip2": {content: bzip2Of(t, []byte(text)), wants: want, has: func(b []byte) any {
			require.Equal(t, "BZh3", string(b[:4]), "the same level")
			r, err := bzip2.NewReader(bytes.NewReader(b), nil)
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			return string(got)
		}},
		"xz": {content: xzOf(t, []byte(text)), wants: want, has: func(b []byte) any {
			require.Equal(t, byte(1), b[7], "the same checksum")
			r, err := xz.NewReader(bytes.NewReader(b))
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			return string(got)
		}},
		"lz4": {content: lz4Of(t, text, lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true)), wants: want,
			has: func(b []byte) any {
				require.Equal(t, []byte{0x74, 0x40}, b[4:6], "the same blocks and checksums")
				return unlz4(t, b)
			}},
		"lz4 of two files": {content: append(lz4Of(t, text[:70_000], lz4.SizeOption(70_000)), lz4Of(t, text[70_000:],
			lz4.ChecksumOption(false))...), wants: want, has: func(b []byte) any { return unlz4(t, b) }},
		"lz4 with blocks that hang together": {content: linked, wants: want, has: func(b []byte) any { return unlz4(t, b) }},
		"zstd that can be sought in": {content: packedBy(t, []byte(text), func(w io.Writer) (io.WriteCloser, error) {
			return packed.NewWriter(w, packed.Packing{{Kind: packed.Zstd, Frame: 32 << 10, Checksum: true}})
		}), wants: want, has: func(b []byte) any { return sought(t, b, 32<<10) }},
		"gzip with several members": {content: []byte(gz(text[:40]) + gz(text[40:])), wants: want,
			has: func(b []byte) any { return string(ungz(b)) }},
		"tar": {content: tarOf(t, around(dump(text))...), wants: inTar(t, tarOf(t, around(dump(want))...)),
			has: func(b []byte) any { return inTar(t, b) }},
		"tar with a gzip in it": {content: tarOf(t, around(member{"x.sql.gz", gz(text), 0o640, 0})...),
			wants: inTar(t, tarOf(t, around(member{"x.sql.gz", gz(want), 0o640, 0})...)),
			has:   func(b []byte) any { return inTar(t, b) }},
		"tar.gz": {content: []byte(gz(string(tarOf(t, around(dump(text))...)))),
			wants: inTar(t, tarOf(t, around(dump(want))...)), has: func(b []byte) any { return inTar(t, ungz(b)) }},
		"tar.zst": {content: []byte(zst(string(tarOf(t, around(dump(text))...)))), wants: inTar(t, tarOf(t,
			around(dump(want))...)), has: func(b []byte) any { return inTar(t, unpackedAs(t, "x.zst", b)) }},
		"zip": {content: zipOf(t, around(dump(text))...), wants: inZip(t, zipOf(t, around(dump(want))...)),
			has: func(b []byte) any { return inZip(t, b) }},
		"zip with a gzip in it": {content: zipOf(t, around(member{"x.sql.gz", gz(text), 0o640, 0})...),
			wants: inZip(t, zipOf(t, around(member{"x.sql.gz", gz(want), 0o640, 0})...)),
			has:   func(b []byte) any { return inZip(t, b) }},
		"one of two dumps in a tar": {content: tarOf(t, dump(text), member{"other.sql", text, 0o600, 0}),
			extra: map[string]string{"member": "other.sql"}, has: func(b []byte) any { return inTar(t, b) },
			wants: inTar(t, tarOf(t, dump(text), member{"other.sql", want, 0o600, 0}))},
		"one of two dumps in a zip": {content: zipOf(t, dump(text), member{"other.sql", text, 0o600, 0}),
			extra: map[string]string{"member": "other.sql"}, has: func(b []byte) any { return inZip(t, b) },
			wants: inZip(t, zipOf(t, dump(text), member{"other.sql", want, 0o600, 0}))},
		"age": {content: sealed([]byte(text), id.Recipient()), extra: map[string]string{"identity": "file:" + key},
			wants: want, has: func(b []byte) any { return string(opened(b, id)) }},
		"age as text": {content: packedBy(t, []byte(text), func(w io.Writer) (io.WriteCloser, error) {
			a := armor.NewWriter(w)
			z, err := age.Encrypt(a, id.Recipient())
			return struct {
				io.Writer
				io.Closer
			}{z, closer(func() error {
				require.NoError(t, z.Close())
				return a.Close()
			})}, err
		}), extra: map[string]string{"identity": "file:" + key}, wants: want, has: func(b []byte) any {
			r, err := age.Decrypt(armor.NewReader(bytes.NewReader(b)), id)
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			return string(got)
		}},
		"tar.gz for two": {content: sealed([]byte(gz(string(tarOf(t, around(dump(text))...)))), id.Recipient(),
			other.Recipient()), wants: inTar(t, tarOf(t, around(dump(want))...)), extra: map[string]string{
			"identity": "file:" + key, "recipients": id.Recipient().String() + " " + other.Recipient().String()},
			has: func(b []byte) any {
				require.Equal(t, opened(b, id), opened(b, other))
				return inTar(t, ungz(opened(b, id)))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.bin", c.content)
			require.NoError(t, os.Chtimes(path, long, long))
			o := connectors.Options{Extra: c.extra}
			tables, err := open(t, path, o).Tables(t.Context())
			require.NoError(t, err)
			require.Equal(t, int64(2), tables[0].Rows)

			_, err = rewrite(t, path, o, change{"9": "-"}, connectors.Query{Table: "t"})
			require.NoError(t, err)
			requireOnly(t, path, string(c.content))
			report, err := rewrite(t, path, o, change{"1": "-"}, connectors.Query{Table: "t"})
			require.NoError(t, err)
			require.Equal(t, int64(1), report.Tables[0].Deleted)
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			requireOnly(t, path, string(now))
			require.Equal(t, c.wants, c.has(now))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.True(t, info.ModTime().Equal(long))
		})
	}
}

// sought reads a zstd file frame by frame, by the table at its end.
func sought(t testing.TB, b []byte, frame int) string {
	t.Helper()
	number := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	foot := len(b) - 9
	require.Equal(t, 0x8f92eab1, number(foot+5))
	frames, from, text := number(foot), 0, ""
	require.Greater(t, frames, 3)
	z, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer z.Close()
	for i := range frames {
		at := foot - 8*(frames-i)
		got, err := z.DecodeAll(b[from:from+number(at)], nil)
		require.NoError(t, err)
		require.Len(t, got, number(at+4))
		if i < frames-1 {
			require.Len(t, got, frame)
		}
		from, text = from+number(at), text+string(got)
	}
	require.Equal(t, 0x184d2a5e, number(from), "the table is skipped by who does not know it")
	require.Equal(t, foot-8*frames-8, from)
	return text
}

type closer func() error

func (c closer) Close() error { return c() }

// TestWhatIsWrongWithAPackingLeavesItAlone: nothing is changed, nothing is left, and the message leads on.
func TestWhatIsWrongWithAPackingLeavesItAlone(t *testing.T) {
	text := createT + "INSERT INTO t VALUES (1,'a'),(2,'b');\n" + trailer
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	other, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	key := map[string]string{"identity": "file:" + connectortest.WriteFile(t, "key.txt", []byte(id.String()+"\n"))}
	sealed := func(to ...age.Recipient) []byte {
		return packedBy(t, []byte(text), func(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, to...) })
	}
	phrase, err := age.NewScryptRecipient("secret")
	require.NoError(t, err)
	phrase.SetWorkFactor(10)
	dump := member{"x.sql", text, 0o600, 0}
	gzipped := connectortest.Pack(t, ".gz", tarOf(t, dump))
	flipped := bytes.Clone(gzipped)
	flipped[len(flipped)-6] ^= 1
	nul := strings.Repeat("\x00", 1<<20)
	for name, c := range map[string]struct {
		content []byte
		extra   map[string]string
		says    string
	}{
		"bzip2, cut":         {bzip2Of(t, []byte(text))[:60], nil, "cannot be read"},
		"xz, cut":            {xzOf(t, []byte(text))[:90], nil, "ends too early"},
		"tar.gz, cut":        {gzipped[:len(gzipped)-9], nil, "ends too early"},
		"tar.gz, altered":    {flipped, nil, "cannot be read"},
		"tar, cut":           {tarOf(t, dump)[:600], nil, "ends too early"},
		"zip, cut":           {zipOf(t, dump)[:100], nil, "cannot be read"},
		"no dump":            {tarOf(t, beside...), nil, "no dump is in the archive"},
		"two dumps":          {tarOf(t, dump, member{"y.sql", text, 0o600, 0}), nil, "options: {member: NAME}"},
		"two dumps in a zip": {zipOf(t, dump, member{"y.sql", text, 0o600, 0}), nil, "options: {member: NAME}"},
		"not that member":    {tarOf(t, dump), map[string]string{"member": "y.sql"}, "no such member"},
		"a name leads out":   {tarOf(t, dump, member{"../../etc/cron.d/x", "x", 0o600, 0}), nil, "leads out of it"},
		"a rooted name":      {tarOf(t, member{"/etc/passwd", "x", 0o600, 0}, dump), nil, "leads out of it"},
		"a name in a zip":    {zipOf(t, dump, member{"../x", "x", 0o600, 0}), nil, "leads out of it"},
		"a link":             {tarOf(t, dump, member{"latest", "", 0o777, tar.TypeSymlink}), nil, "no regular file"},
		"a hard link":        {tarOf(t, dump, member{"latest", "", 0o777, tar.TypeLink}), nil, "no regular file"},
		"a pipe":             {tarOf(t, member{"pipe", "", 0o777, tar.TypeFifo}, dump), nil, "no regular file"},
		"a link in a zip":    {zipOf(t, dump, member{"latest", "x.sql", 0, tar.TypeSymlink}), nil, "no regular file"},
		"one name twice":     {tarOf(t, dump, beside[0], beside[0]), nil, "two files of one name"},
		"an archive in an archive": {tarOf(t, member{"x.sql", string(tarOf(t, dump)), 0o600, 0}),
			map[string]string{"member": "x.sql"}, "packed too often"},
		"a bomb": {connectortest.Pack(t, ".gz", connectortest.Pack(t, ".gz", []byte(createT+strings.Repeat(
			"-- "+nul[:100]+"\n", 4<<20)+trailer))), nil, "more than a thousand times its size"},
		"no key":        {sealed(id.Recipient()), nil, "options: {identity: file:PATH}"},
		"another's key": {sealed(other.Recipient()), key, "for none of the identities"},
		"a passphrase":  {sealed(phrase), key, "passphrase"},
		"for another":   {sealed(id.Recipient(), other.Recipient()), key, "recipients"},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.bin", c.content)
			o := connectors.Options{Extra: c.extra, Rewrite: true}
			err := func() error {
				src, err := mysqldump.Open(t.Context(), with(o, path))
				if err != nil {
					return err
				}
				defer src.Close()
				if _, err := src.Tables(t.Context()); err != nil {
					return err
				}
				_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
					change{"1": "-"}.edit, fine)
				return err
			}()
			require.ErrorContains(t, err, c.says)
			requireOnly(t, path, string(c.content))
		})
	}
}

func with(o connectors.Options, path string) connectors.Options {
	o.DSN = path
	return o
}
