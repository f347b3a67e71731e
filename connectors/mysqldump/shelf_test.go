package mysqldump_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	aws "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/anew"
	"lethe/connectors/mysqldump"
	"lethe/connectors/shelf/s3"
	"lethe/fixtures/servers"
)

// bucket opens that of the tests.
func bucket(t testing.TB, endpoint, credentials string) connectors.Shelf {
	t.Helper()
	s, err := s3.Open(t.Context(), connectors.ShelfOptions{URL: "s3://dumps/", Credentials: credentials,
		Query: map[string]string{"endpoint": endpoint}, Plaintext: true, AnswerWithin: 10 * time.Second})
	require.NoError(t, err)
	return s
}

// A dump in a bucket is written anew to the very bytes that it would be in a folder, whatever it is packed with.
func TestRewriteInBucket(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "dumps", false, false)
	dump := member{name: "x.sql", text: twoRows, mode: 0o640}
	note := member{name: "readme", text: "of the night\n", mode: 0o600}
	for name, content := range map[string][]byte{
		"x.sql":     []byte(twoRows),
		"x.sql.gz":  connectortest.Pack(t, "x.gz", []byte(twoRows)),
		"x.sql.zst": connectortest.Pack(t, "x.zst", []byte(twoRows)),
		"x.tar":     tarOf(t, note, dump),
		"x.zip":     zipOf(t, dump, note),
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, name, content)
			_, err := rewrite(t, path, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
			require.NoError(t, err)
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			store.Put(t, "dumps", "in/"+name, content)
			report, err := rewrite(t, "s3://dumps/in/"+name, connectors.Options{Shelf: bucket(t, store.Endpoint, store.Credentials())},
				change{"1": "-"}, connectors.Query{Table: "t"})
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, store.Get(t, "dumps", "in/"+name, "")), "the object differs")
			require.Equal(t, sha256.Sum256(content), report.Before.SHA256)
			require.Equal(t, sha256.Sum256(want), report.After.SHA256)
		})
	}
	require.Len(t, store.Keys(t, "dumps"), 5, "nothing is left")
}

// Cut off anywhere, the old or the new object is whole, and the next rewriting leaves nothing else, nor a version of it.
func TestInterruptInBucket(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "dumps", true, false)
	after := strings.Replace(twoRows, "(1,'a'),", "", 1)
	for i, point := range anew.Points {
		for _, kill := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s killed=%v", point, kill), func(t *testing.T) {
				key := fmt.Sprintf("%d-%v/x.sql", i, kill)
				store.Put(t, "dumps", key, []byte(twoRows))
				store.Put(t, "dumps", key+".sha256", fmt.Appendf(nil, "%x  x.sql\n", sha256.Sum256([]byte(twoRows))))
				want := twoRows
				if point == anew.Renamed {
					want = after
				}
				path := "s3://dumps/" + key
				if kill {
					cmd := exec.Command(os.Args[0], "-test.run=^TestHelperInBucket$")
					cmd.Env = append(os.Environ(), "LETHE_TEST_BUCKET="+store.Endpoint, "LETHE_TEST_CREDENTIALS="+store.Credentials(),
						"LETHE_TEST_HELPER="+path, "LETHE_TEST_POINT="+string(point))
					err := cmd.Run()
					var exit *exec.ExitError
					require.ErrorAs(t, err, &exit)
					require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
				} else {
					mine := errors.New("no further")
					require.ErrorIs(t, interrupted(t, path, bucket(t, store.Endpoint, store.Credentials()), point, mine), mine)
				}
				require.Equal(t, want, string(store.Get(t, "dumps", key, "")))
				on := bucket(t, store.Endpoint, store.Credentials())
				_, err := rewrite(t, path, connectors.Options{Shelf: on}, change{"1": "-"}, connectors.Query{Table: "t"})
				require.NoError(t, err)
				require.Equal(t, after, string(store.Get(t, "dumps", key, "")))
				require.Equal(t, fmt.Sprintf("%x  x.sql\n", sha256.Sum256([]byte(after))),
					string(store.Get(t, "dumps", key+".sha256", "")))
			})
		}
	}
	name := "dumps"
	kept, err := store.Client.ListObjectVersions(t.Context(), &aws.ListObjectVersionsInput{Bucket: &name})
	require.NoError(t, err)
	for _, v := range kept.Versions {
		require.NotContains(t, *v.Key, ".lethe-")
	}
	require.Empty(t, kept.DeleteMarkers)
	parts, err := store.Client.ListMultipartUploads(t.Context(), &aws.ListMultipartUploadsInput{Bucket: &name})
	require.NoError(t, err)
	require.Empty(t, parts.Uploads)
}

// interrupted rewrites a dump up to a point.
func interrupted(t *testing.T, path string, on connectors.Shelf, at anew.Point, with error) error {
	t.Helper()
	src := open(t, path, connectors.Options{Shelf: on, Rewrite: true})
	mysqldump.Interrupt(src, func(p anew.Point) error {
		if p == at {
			return with
		}
		return nil
	})
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}}, change{"1": "-"}.edit, fine)
	return err
}

// TestHelperInBucket is killed.
func TestHelperInBucket(t *testing.T) {
	endpoint := os.Getenv("LETHE_TEST_BUCKET")
	if endpoint == "" {
		return
	}
	src := open(t, os.Getenv("LETHE_TEST_HELPER"), connectors.Options{Rewrite: true,
		Shelf: bucket(t, endpoint, os.Getenv("LETHE_TEST_CREDENTIALS"))})
	mysqldump.Interrupt(src, func(p anew.Point) error {
		if p == anew.Point(os.Getenv("LETHE_TEST_POINT")) {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}}, change{"1": "-"}.edit, fine)
	require.NoError(t, err)
}

// What changed, was cut, or is another's, stays as it is.
func TestRefusedInBucket(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "dumps", false, false)
	store.Put(t, "dumps", "x.sql", []byte(twoRows))
	on := bucket(t, store.Endpoint, store.Credentials())
	for _, point := range anew.Points[:3] {
		src := open(t, "s3://dumps/x.sql", connectors.Options{Shelf: on, Rewrite: true})
		theirs := strings.Replace(twoRows, "'b'", "'"+string(point)+"'", 1)
		mysqldump.Interrupt(src, func(p anew.Point) error {
			if p == point {
				store.Put(t, "dumps", "x.sql", []byte(theirs))
			}
			return nil
		})
		_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}}, change{"1": "-"}.edit, fine)
		require.ErrorIs(t, err, connectors.ErrTransient)
		require.Equal(t, theirs, string(store.Get(t, "dumps", "x.sql", "")))
	}
	half := twoRows[:len(twoRows)/2]
	store.Put(t, "dumps", "x.sql", []byte(half))
	_, err := open(t, "s3://dumps/x.sql", connectors.Options{Shelf: on}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrDamaged)
	_, err = rewrite(t, "s3://dumps/x.sql", connectors.Options{Shelf: on}, change{"1": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.Equal(t, half, string(store.Get(t, "dumps", "x.sql", "")))

	store.Put(t, "dumps", "y.sql", []byte(twoRows))
	store.Put(t, "dumps", "y.sql.sha256", []byte(strings.Repeat("0", 64)+"  y.sql\n"))
	_, err = rewrite(t, "s3://dumps/y.sql", connectors.Options{Shelf: on}, change{"1": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "y.sql.sha256")
	require.Equal(t, twoRows, string(store.Get(t, "dumps", "y.sql", "")))
	require.Equal(t, []string{"x.sql", "y.sql", "y.sql.sha256"}, store.Keys(t, "dumps"))
}
