package pgdump_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/pgdump"
	"lethe/fixtures/servers"
)

// archive has pg_dump write an archive of a database into a folder of its own.
func archive(t testing.TB, db *servers.Database, args string) (path string) {
	path = filepath.Join(t.TempDir(), "crm.dump")
	db.Tool(t, "pg_dump", append([]string{"--dbname=DSN", "--file=" + path}, strings.Fields(args)...)...)
	return path
}

// What an archive holds is what a plain dump of the same database does.
func TestServerArchives(t *testing.T) {
	db := servers.Postgres(t).Database(t)
	db.Exec(t, schemaSQL+"SELECT lo_from_bytea(0, 'a large object'); SELECT lo_from_bytea(0, '');")
	plain := filepath.Join(t.TempDir(), "crm.sql")
	require.NoError(t, os.WriteFile(plain, db.Dump(t), 0o600))
	src := open(t, plain, connectors.Options{})
	want, err := src.Tables(t.Context())
	require.NoError(t, err)
	rows := scanned(t, src, want)
	for _, args := range []string{"-Fc", "-Fc -Z0", "-Fc -Z1", "-Fc --inserts", "-Fc --rows-per-insert=3 " +
		"-Z9", "-Fd", "-Fd -Z0",
		"-Fd -j2", "-Ft", "-Ft --column-inserts", "-Fc --load-via-partition-root --no-blobs"} {
		t.Run(args, func(t *testing.T) {
			path := archive(t, db, args)
			require.True(t, pgdump.Connector.Fits(path))
			src := open(t, path, connectors.Options{})
			got, err := src.Tables(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, rows, scanned(t, src, got))
			made := src.(connectors.Dated).Made()
			require.True(t, made.Civil)
			require.WithinDuration(t, time.Now(), made.In(time.Local), time.Minute)
			require.Zero(t, open(t, plain, connectors.Options{}).(connectors.Dated).Made())
			unread, err := src.(connectors.Partial).Unread(t.Context())
			require.NoError(t, err)
			var names []string
			for _, u := range unread {
				names = append(names, u.Name)
			}
			if strings.Contains(args, "--no-blobs") {
				require.Equal(t, []string{"kept"}, names)
			} else {
				require.Equal(t, []string{"kept", "large objects"}, names)
			}
		})
	}
}

// An archive that is cut off anywhere is not taken for whole. (Package pgarchive cuts smaller ones at every byte.)
func TestServerArchiveCut(t *testing.T) {
	db := servers.Postgres(t).Database(t)
	db.Exec(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'row ' || i FROM "+
		"generate_series(1, 9) i;"+
		"CREATE TABLE u (id int); SELECT lo_from_bytea(0, 'large');")
	for _, args := range []string{"-Fc", "-Fc -Z0", "-Fc -Z0 --inserts", "-Ft"} {
		path := archive(t, db, args)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		end := len(text)
		if args == "-Ft" { // what stands behind the data tells pg_restore's users what to do, and is not needed
			end = strings.Index(string(text), "restore.sql\x00")
		}
		for n := 0; n < end; n += 7 {
			require.NoError(t, os.WriteFile(path, text[:n], 0o600))
			src, err := pgdump.Open(t.Context(), connectors.Options{DSN: path})
			if err == nil {
				_, err = src.Tables(t.Context())
			}
			require.Error(t, err, "%s cut at %d of %d", args, n, len(text))
			require.NotContains(t, err.Error(), "row 1")
		}
	}
	path := archive(t, db, "-Fd -Z0")
	files, err := os.ReadDir(path)
	require.NoError(t, err)
	cut := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".dat") || strings.HasPrefix(f.Name(), "blob") {
			continue // nobody reads large objects
		}
		text, err := os.ReadFile(filepath.Join(path, f.Name()))
		require.NoError(t, err)
		for n := 0; n < len(text); n += 3 {
			require.NoError(t, os.WriteFile(filepath.Join(path, f.Name()), text[:n], 0o600))
			src, err := pgdump.Open(t.Context(), connectors.Options{DSN: path})
			if err == nil {
				_, err = src.Tables(t.Context())
			}
			require.Error(t, err, "%s cut at %d of %d", f.Name(), n, len(text))
			cut++
		}
		require.NoError(t, os.WriteFile(filepath.Join(path, f.Name()), text, 0o600))
	}
	require.Greater(t, cut, 500)
}

// An archive that was written anew has the same table of contents, is restored by several at once, and is equal to the
// live database under the same edits.
func TestServerArchiveRestores(t *testing.T) {
	live := servers.Postgres(t).Database(t)
	live.Exec(t, schemaSQL+"SELECT lo_from_bytea(4711, 'a large object'); SELECT lo_from_bytea(4712, '');")
	ways := []string{"-Fc", "-Fc -Z0", "-Fc -Z9 --inserts", "-Fc --rows-per-insert=3", "-Fc " +
		"--load-via-partition-root", "-Ft",
		"-Ft --inserts", "-Fd", "-Fd -Z0", "-Fd -j4 -Z9", "-Fd --rows-per-insert=3", "-Fd --load-via-partition-root -Z1"}
	paths := map[string]string{}
	for _, args := range ways {
		paths[args] = archive(t, live, args)
	}
	live.Exec(t, liveEdits)
	want := dumped(t, live)
	for _, args := range ways {
		t.Run(args, func(t *testing.T) {
			path := paths[args]
			list := live.Tool(t, "pg_restore", "--list", path)
			src := open(t, path, connectors.Options{Rewrite: true})
			none := func(connectors.Batch) (connectors.Edit, error) { return connectors.Edit{}, nil }
			report, err := src.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, src), none, fine)
			require.NoError(t, err)
			require.Equal(t, report.Before, report.After, "nothing is touched")
			old := files(t, path)
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, src), editAll, fine)
			require.NoError(t, err)
			require.Equal(t, string(list), string(live.Tool(t, "pg_restore", "--list", path)))
			restored := servers.Postgres(t).Database(t)
			jobs := "--jobs=4"
			if strings.HasPrefix(args, "-Ft") {
				jobs = "--verbose" // of which pg_restore reads one entry at a time
			}
			restored.Tool(t, "pg_restore", "--dbname=DSN", "--exit-on-error", jobs, path)
			require.Equal(t, want, dumped(t, restored))
			again := open(t, path, connectors.Options{Rewrite: true})
			report, err = again.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, again), editAll, fine)
			require.NoError(t, err)
			require.Equal(t, report.Before, report.After, "all is as the edits say")

			folder := strings.HasPrefix(args, "-Fd")
			requireSameFiles(t, old, files(t, path), folder)
			if folder {
				return
			}
			cut := old["crm.dump"][:len(old["crm.dump"])*4/5]
			require.NoError(t, os.WriteFile(path, []byte(cut), 0o600))
			src, err = pgdump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true})
			if err == nil {
				_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "types"}}, editAll,
					fine)
			}
			require.ErrorIs(t, err, connectors.ErrDamaged)
			requireOnly(t, path, cut)
		})
	}
}

// files are the files of a folder with what they hold, or the one file.
func files(t testing.TB, path string) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		all[filepath.Base(at)] = string(text)
		return err
	}))
	return all
}

// requireSameFiles checks that a folder has the files that it had, and that but for the data of the tables that were
// edited they are what they were.
func requireSameFiles(t testing.TB, old, now map[string]string, folder bool) {
	t.Helper()
	changed := 0
	require.Equal(t, slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(now)))
	for name := range old {
		if old[name] != now[name] {
			changed++
			require.False(t, folder && (!strings.Contains(name, ".dat") || name == "toc.dat" || strings.HasPrefix(name, "blob")), name)
		}
	}
	if folder {
		require.Greater(t, changed, 3)
		require.Less(t, changed, len(old)-8)
		require.Contains(t, old, "blobs.toc")
	}
}

// An archive of another character set is read and written in it, and refused where a value is not in it; of one with more
// than one byte a character that is not UTF-8 nothing is said.
func TestServerArchiveEncodings(t *testing.T) {
	live := servers.Postgres(t).Database(t)
	live.Exec(t, "CREATE SCHEMA \"über\"; CREATE TABLE \"über\".\"tür\" (id int PRIMARY KEY, \"größe\" text); INSERT INTO \"über\".\"tür\" VALUES (1, 'Müller'), (2, 'città')")
	for _, encoding := range []string{"LATIN1", "WIN1252"} {
		for _, format := range []string{"-Fp", "-Fc", "-Fd", "-Ft", "-Fc --inserts"} {
			t.Run(encoding+" "+format, func(t *testing.T) {
				path := archive(t, live, format+" --encoding="+encoding)
				src := open(t, path, connectors.Options{Rewrite: true})
				require.Equal(t, []string{`["1" "Müller"]`, `["2" "città"]`}, scanned(t, src, must(src.Tables(t.Context())))["über.tür"])
				old := files(t, path)
				_, err := rewrite(t, path, connectors.Options{}, change{"1": "größe=漢"}, connectors.Query{Table: "über.tür"})
				require.ErrorIs(t, err, connectors.ErrRefused)
				require.Equal(t, old, files(t, path))
				_, err = rewrite(t, path, connectors.Options{}, change{"1": "größe=Ärger", "2": "-"}, connectors.Query{Table: "über.tür"})
				require.NoError(t, err)
				restored := servers.Postgres(t).Database(t)
				if format == "-Fp" {
					text, err := os.ReadFile(path)
					require.NoError(t, err)
					restored.Exec(t, string(text))
				} else {
					restored.Tool(t, "pg_restore", "--dbname=DSN", "--exit-on-error", path)
				}
				require.Equal(t, "1\tÄrger", restored.Query(t, `SELECT * FROM "über"."tür"`))
			})
		}
	}
	japanese := servers.Postgres(t).Database(t)
	japanese.Exec(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, '日本')")
	for _, format := range []string{"-Fp", "-Fc", "-Fd"} {
		path := archive(t, japanese, format+" --encoding=EUC_JP")
		old := files(t, path)
		src, err := pgdump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true})
		if err == nil {
			_, err = src.Tables(t.Context())
		}
		require.Error(t, err, format)
		require.ErrorContains(t, err, "--encoding=UTF8")
		require.Equal(t, old, files(t, path))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
