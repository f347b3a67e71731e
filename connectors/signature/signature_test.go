package signature_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors/signature"
)

// at is a file that has a mark at a place, and zeros before and behind it.
func at(place int, magic string) string {
	b := make([]byte, 2048)
	copy(b[place:], magic)
	return string(b)
}

func tarOf(t *testing.T, names ...string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		kind := byte(tar.TypeReg)
		if strings.HasSuffix(name, "/") {
			kind = tar.TypeDir
		}
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Mode: 0o600}))
	}
	require.NoError(t, w.Close())
	return b.String()
}

func gzipped(t *testing.T, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zstandard(t *testing.T, text string) string {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return string(w.EncodeAll([]byte(text), nil))
}

// wal is the first page of a segment of PostgreSQL 15.
func wal() string {
	b := make([]byte, 8192)
	binary.LittleEndian.PutUint16(b, 0xd110)
	binary.LittleEndian.PutUint16(b[2:], 2)
	binary.LittleEndian.PutUint32(b[32:], 16<<20)
	binary.LittleEndian.PutUint32(b[36:], 8192)
	return string(b)
}

// bzipped is a dump's first lines, as bzip2 packs them.
const bzipped = "QlpoOTFBWSZTWdtrYnwAAAXfgEAAQAAAEApiHkAgACIAA0aZA0NANMiR8E8R1QqXDgMnIXUcXckU4UJDba2J8A=="

func utf16le(text string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestWhatAFileIs(t *testing.T) {
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	_, err := z.Create("crm.sql")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	var bacpac bytes.Buffer
	z = zip.NewWriter(&bacpac)
	for _, name := range []string{"[Content_Types].xml", "model.xml", "Origin.xml", "Data/dbo.customer/TableData-000-00000.BCP"} {
		_, err := z.Create(name)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	dump := "/*!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n"
	for name, c := range map[string]struct {
		file, kind, packed string
		class              signature.Class
	}{
		"empty":                    {"", "empty", "", signature.Unknown},
		"a note":                   {"the tapes are in the cellar", "", "", signature.Unknown},
		"mariadb-dump":             {dump, "mysqldump", "", signature.Dump},
		"packed":                   {gzipped(t, dump), "mysqldump", "gzip", signature.Dump},
		"packed twice":             {zstandard(t, gzipped(t, dump)), "mysqldump", "zstd gzip", signature.Dump},
		"a skippable frame first":  {"\x50\x2a\x4d\x18\x02\x00\x00\x00ab" + zstandard(t, dump), "mysqldump", "zstd", signature.Dump},
		"packed too often":         {gzipped(t, gzipped(t, gzipped(t, gzipped(t, dump)))), "", "gzip gzip gzip", signature.Unknown},
		"packed with xz":           {"\xfd7zXZ\x00\x00\x04", "", "xz", signature.Unknown},
		"packed, and damaged":      {"\x1f\x8b\x08", "", "gzip", signature.Unknown},
		"pg_dump":                  {"--\n-- PostgreSQL database dump\n--\n", "pg_dump", "", signature.Dump},
		"pg_dumpall":               {"--\n-- PostgreSQL database cluster dump\n--\n", "pg_dumpall", "", signature.Dump},
		"pg_dump -Fc":              {"PGDMP\x01\x0e\x00", "pg_dump-custom", "", signature.Dump},
		"pg_dump -Ft":              {tarOf(t, "toc.dat", "2847.dat"), "pg_dump-tar", "", signature.Dump},
		"lines of Windows":         {"--\r\n-- PostgreSQL database dump\r\n--\r\n", "pg_dump", "", signature.Dump},
		"sqlite3 .dump":            {"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "sqlite-dump", "", signature.Dump},
		"scripts of SQL Server":    {utf16le("USE [crm]\r\nGO\r\n/****** Object:  Table [dbo].[T]"), "ssms-script", "", signature.Dump},
		"SQLite":                   {"SQLite format 3\x00\x10\x00", "sqlite", "", signature.Database},
		"Parquet":                  {"PAR1\x15\x04", "parquet", "", signature.Export},
		"xbstream":                 {gzipped(t, "XBSTCK01\x00P"), "xbstream", "gzip", signature.Physical},
		"a base backup":            {tarOf(t, "backup_label", "tablespace_map"), "pg_basebackup", "", signature.Physical},
		"of a folder":              {gzipped(t, tarOf(t, "./", "./ib_logfile0", "./ibdata1")), "mariabackup", "gzip", signature.Physical},
		"some tar":                 {tarOf(t, "crm.sql"), "tar", "", signature.Archive},
		"zip":                      {zipped.String(), "zip", "", signature.Archive},
		"a .bacpac":                {bacpac.String(), "bacpac", "", signature.Physical},
		"SQL Server":               {"TAPE\x00\x00\x03\x00", "mtf", "", signature.Physical},
		"binary log":               {"\xfebin\x00\x00\x00\x00\x0f", "binlog", "", signature.Log},
		"write-ahead log":          {wal(), "wal", "", signature.Log},
		"QCOW2":                    {"QFI\xfb\x00\x00\x00\x03", "qcow2", "", signature.Image},
		"an ext file system":       {at(1080, "\x53\xef"), "ext4", "", signature.Image},
		"a disk":                   {at(0, "\xeb\x63\x90")[:510] + "\x55\xaa", "disk", "", signature.Image},
		"a disk with GPT":          {at(512, "EFI PART"), "disk", "", signature.Image},
		"age":                      {"age-encryption.org/v1\n-> X25519", "age", "", signature.Encrypted},
		"age, armoured":            {"-----BEGIN AGE ENCRYPTED FILE-----\n", "age", "", signature.Encrypted},
		"openssl":                  {"Salted__12345678", "openssl", "", signature.Encrypted},
		"gpg, a passphrase":        {"\x8c\x0d\x04\x09\x03\x02" + strings.Repeat("x", 30), "openpgp", "", signature.Encrypted},
		"gpg, a key":               {"\x85\x01\x8c\x03" + strings.Repeat("x", 30), "openpgp", "", signature.Encrypted},
		"gpg, a key of a curve":    {"\x84\x5e\x03" + strings.Repeat("x", 30), "openpgp", "", signature.Encrypted},
		"text of another alphabet": {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0! " + strings.Repeat("\xe0", 20), "", "", signature.Unknown},
		"zeros":                    {at(0, ""), "", "", signature.Unknown},
		"a mark beyond the end":    {strings.Repeat("a", 515), "", "", signature.Unknown},
		"a table, not a dump":      {"id,email\n1,-- MySQL dump \n", "", "", signature.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.sql") // names say nothing
			require.NoError(t, os.WriteFile(path, []byte(c.file), 0o600))
			k, err := signature.Of(path)
			require.NoError(t, err)
			require.Equal(t, []any{c.kind, c.class, c.packed}, []any{k.Name, k.Class, strings.Join(k.Packed, " ")})
			require.NotEmpty(t, k.String())
			require.Equal(t, c.class == signature.Physical || c.class == signature.Log || c.class == signature.Image, k.Whole())
		})
	}
	packed, err := base64.StdEncoding.DecodeString(bzipped)
	require.NoError(t, err)
	k, err := signature.Read(bytes.NewReader(packed))
	require.NoError(t, err)
	require.Equal(t, []string{"bzip2"}, k.Packed)
}

func TestWhatAFolderIs(t *testing.T) {
	for name, c := range map[string]struct {
		holds string
		class signature.Class
	}{
		"":                  {"", signature.Unknown},
		"pg_dump-directory": {"toc.dat 2847.dat.gz", signature.Dump},
		"mydumper":          {"metadata crm-schema-create.sql.gz crm.people.sql.gz", signature.Dump},
		"mysql-shell":       {"@.json @.done.json crm@people@0.tsv.zst", signature.Dump},
		"mariabackup":       {"ibdata1 xtrabackup_checkpoints", signature.Physical},
		"mysql-datadir":     {"ibdata1 aria_log_control", signature.Physical},
		"pg_basebackup":     {"PG_VERSION backup_label global/1", signature.Physical},
		"postgres-datadir":  {"PG_VERSION global/1", signature.Physical},
		"pgbackrest":        {"archive/main/archive.info backup/main/backup.info", signature.Repository},
		"wal-g":             {"basebackups_005/x wal_005/y", signature.Repository},
		"restic":            {"config keys/1 snapshots/1 index/1 data/00/1 locks/1", signature.Repository},
		"borg":              {"README config data/0/1 hints.5 index.5 integrity.5", signature.Repository},
		"binlog":            {"mysql-bin.000001 mysql-bin.index", signature.Log},
		"wal":               {"000000010000000000000002", signature.Log},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a [b] *") // characters of patterns
			require.NoError(t, os.Mkdir(dir, 0o700))
			for _, file := range strings.Fields(c.holds) {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
			}
			k, err := signature.Of(dir)
			require.NoError(t, err)
			require.Equal(t, []any{name, c.class}, []any{k.Name, k.Class})
		})
	}
}

// Nothing is waited for: a pipe without a writer is never opened.
func TestWhatIsNeitherFileNorFolder(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	k, err := signature.Of(pipe)
	require.NoError(t, err)
	require.Equal(t, signature.Unknown, k.Class)
	_, err = signature.Of(filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Whatever a file begins with, it is told without a panic and with little memory.
func TestAnyBytes(t *testing.T) {
	heads := []string{"", "\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "BZh9", "PGDMP", "\x85\x01", "\xc1\xff", "\x8b", "\xff\xfe", "\x10\xd1\x02\x00"}
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.SampledFrom(heads).Draw(t, "head")
		rest := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "rest")
		k, err := signature.Read(bytes.NewReader(append([]byte(head), rest...)))
		require.NoError(t, err)
		require.NotEmpty(t, k.Words)
		require.NotEmpty(t, k.Class)
	})
}

// TestADumpInAnArchiveIsADump: what the archive is listed as is what is in it.
func TestADumpInAnArchiveIsADump(t *testing.T) {
	dump := "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n" + strings.Repeat("-- more\n", 100)
	zipped := func(text string) string {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.Create("x.sql")
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.String()
	}
	tarred := func(texts ...string) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, text := range texts {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: string(rune('a' + i)), Size: int64(len(text)), Mode: 0o600}))
			_, err := w.Write([]byte(text))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return b.String()
	}
	for name, c := range map[string]struct {
		content string
		class   signature.Class
		packed  []string
	}{
		"tar":                   {tarred("a note", dump), signature.Dump, []string{"tar"}},
		"tar.gz":                {gzipped(t, tarred(dump)), signature.Dump, []string{"gzip", "tar"}},
		"tar with a gzip in it": {tarred("a note", gzipped(t, dump)), signature.Dump, []string{"tar", "gzip"}},
		"zip":                   {zipped(dump), signature.Dump, []string{"zip"}},
		"zip of a gzip":         {zipped(gzipped(t, dump)), signature.Dump, []string{"zip", "gzip"}},
		"tar of notes":          {tarred("a note", gzipped(t, "another")), signature.Archive, nil},
		"zip of a note":         {zipped("a note"), signature.Archive, nil},
		"cut zip":               {zipped(dump)[:20], signature.Archive, nil},
		"cut tar":               {tarred(dump)[:512], signature.Archive, nil},
	} {
		k, err := signature.Read(strings.NewReader(c.content))
		require.NoError(t, err, name)
		require.Equal(t, c.class, k.Class, name)
		require.Equal(t, c.packed, k.Packed, name)
	}
}
