package main_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lethe/fixtures/servers"
)

// bucketCommands are those of scripts whose backups lie in an object store.
func bucketCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	store := func(ts *testscript.TestScript) *servers.Store { return ts.Value("store").(*servers.Store) }
	return map[string]func(*testscript.TestScript, bool, []string){
		// s3 starts a store with a bucket, of which versions and locks are kept where that is said; its address is $ENDPOINT, its
		// secret $S3SECRET, and its credentials are in a file: s3 dumps credentials versions locks.
		"s3": func(ts *testscript.TestScript, _ bool, args []string) {
			s := servers.S3(t)
			all := strings.Join(args[2:], " ")
			s.Bucket(t, args[0], strings.Contains(all, "versions"), strings.Contains(all, "locks"))
			ts.Setenv("ENDPOINT", s.Endpoint)
			ts.Setenv("S3SECRET", s.Secret)
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(s.Credentials()), 0o600))
			*ts.Value("store").(*servers.Store) = *s
		},
		// sftp starts an SFTP server; its address is $VAULT, and its key and that of who may come in are in files: sftp known key.
		"sftp": func(ts *testscript.TestScript, _ bool, args []string) {
			v := servers.SFTP(t)
			known, err := os.ReadFile(v.Known)
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), known, 0o600))
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(v.Key), 0o600))
			ts.Setenv("VAULT", v.Address)
		},
		// s3put puts a file into a bucket, with its own time where that is said: s3put dumps crm/a.sql.gz a.sql.gz
		// 2026-11-18T00:00:00Z.
		"s3put": func(ts *testscript.TestScript, _ bool, args []string) {
			at := time.Time{}
			if len(args) > 3 {
				var err error
				at, err = time.Parse(time.RFC3339, args[3])
				ts.Check(err)
			}
			store(ts).PutOf(t, args[0], args[1], []byte(ts.ReadFile(args[2])), at)
		},
		// s3get gets an object: s3get dumps crm/a.sql.gz here.sql.gz.
		"s3get": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), store(ts).Get(t, args[0], args[1], ""), 0o600))
		},
		// s3keys writes the names of a bucket's objects to a file: s3keys dumps keys.txt.
		"s3keys": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(store(ts).Keys(t, args[0]), "\n")+"\n"), 0o600))
		},
	}
}
