package main_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/rogpeppe/go-internal/testscript"

	"lethe/fixtures/servers"
	"lethe/jobs"
)

// TestMain makes this binary serve as the commands that the scripts run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lethe": letheMain, "sqlite": sqliteMain})
}

// What the tests tell the command, by environment. The product itself knows none of them.
const (
	clockVariable = "LETHE_TEST_NOW"        // the wall clock, RFC 3339
	crashVariable = "LETHE_TEST_CRASH"      // point:n kills the process at the nth passing of a point
	limitVariable = "LETHE_TEST_FILE_LIMIT" // bytes that a file may grow to, as on a full disk
	// point@address: passing a point asks who listens there to cut this process off the registry
	severVariable = "LETHE_TEST_SEVER"
	traceVariable = "LETHE_TEST_TRACE" // a file that gets the name of every point that is passed
	graceVariable = "LETHE_TEST_GRACE" // how long a command may go on that was stopped
)

func letheMain() {
	c := &jobs.Command{Out: os.Stdout, Err: os.Stderr, Now: time.Now, Crash: func(string) {}, Grace: jobs.Grace,
		Shuffle: func(int, func(i, j int)) {}} // scripts name events by their place
	if grace := os.Getenv(graceVariable); grace != "" {
		var err error
		c.Grace, err = time.ParseDuration(grace)
		must(err)
	}
	if now := os.Getenv(clockVariable); now != "" {
		at, err := time.Parse(time.RFC3339, now)
		must(err)
		c.Now = func() time.Time { return at }
	}
	if point, n, ok := strings.Cut(os.Getenv(crashVariable), ":"); ok {
		left, err := strconv.Atoi(n)
		must(err)
		c.Crash = func(at string) {
			if at != point {
				return
			}
			if left--; left == 0 {
				must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
				select {}
			}
		}
	}
	if point, address, ok := strings.Cut(os.Getenv(severVariable), "@"); ok {
		c.Crash = func(at string) {
			if at != point {
				return
			}
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return // it did so before
			}
			_, err = io.Copy(io.Discard, conn) // ends when it is done
			must(errors.Join(err, conn.Close()))
		}
	}
	if path := os.Getenv(traceVariable); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		must(err)
		c.Crash = func(at string) { _, err := fmt.Fprintln(f, at); must(err) }
	}
	if limit := os.Getenv(limitVariable); limit != "" {
		bytes, err := strconv.ParseUint(limit, 10, 64)
		must(err)
		signal.Ignore(syscall.SIGXFSZ) // the write fails instead
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}))
	}
	os.Exit(c.Run(os.Args[1:]))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "test command:", err)
		os.Exit(99)
	}
}

// exitcode runs a command, and fails unless it ends with the given code: exitcode 2 lethe check.
func exitcode(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("say which exit code is wanted")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// sqliteMain runs SQL, given as argument or on the standard input, on a file, and prints the rows: sqlite
// crm.db 'SELECT count(*) FROM staff'.
func sqliteMain() {
	sql := strings.Join(os.Args[2:], " ")
	if sql == "" {
		input, err := io.ReadAll(os.Stdin)
		must(err)
		sql = string(input)
	}
	c, err := sqlite3.Open(os.Args[1])
	must(err)
	must(fts5.Register(c))
	for sql = strings.TrimSpace(sql); sql != ""; sql = strings.TrimSpace(sql) {
		stmt, tail, err := c.Prepare(sql)
		must(err)
		if stmt == nil {
			break
		}
		for stmt.Step() {
			values := make([]string, stmt.ColumnCount())
			for i := range values {
				values[i] = stmt.ColumnText(i)
			}
			fmt.Println(strings.Join(values, "|"))
		}
		must(stmt.Close())
		sql = tail
	}
	must(c.Close())
}

// lethe runs the command in a folder, at the company's first night unless the environment says otherwise.
func lethe(dir string, env []string, args ...string) (output string, err error) {
	out, err := command(context.Background(), dir, env, args...).CombinedOutput()
	return string(out), err
}

// command is such a run, not yet started; the end of the context kills it.
func command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "lethe", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), clockVariable+"="+night.Format(time.RFC3339)), env...)
	return cmd
}

// fileCommands change files, as people and other programs do.
func fileCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// edit replaces a text that stands in a file: edit lethe.yaml OLD NEW, with \n for a line end in
		// the new one.
		"edit": func(ts *testscript.TestScript, _ bool, args []string) {
			text := ts.ReadFile(args[0])
			if !strings.Contains(text, args[1]) {
				ts.Fatalf("%s does not hold %q", args[0], args[1])
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1],
				strings.ReplaceAll(args[2], `\n`, "\n"), 1)), 0o600))
		},
		// put is edit with OUTPUT in the new text standing for what the line before printed.
		"put": func(ts *testscript.TestScript, _ bool, args []string) {
			printed := strings.TrimSpace(ts.ReadFile("stdout"))
			text := ts.ReadFile(args[0])
			if !strings.Contains(text, args[1]) {
				ts.Fatalf("%s does not hold %q", args[0], args[1])
			}
			text = strings.Replace(text, args[1], strings.Replace(args[2], "OUTPUT", printed, 1), 1)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
		},
		// uncomment removes the "# " before the silos of a configuration that init wrote.
		"uncomment": func(ts *testscript.TestScript, _ bool, args []string) {
			lines := strings.Split(ts.ReadFile(args[0]), "\n")
			inside := false
			for i, l := range lines {
				inside = l == "# silos:" || inside && l != ""
				if inside {
					lines[i] = strings.TrimPrefix(l, "# ")
				}
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "\n")), 0o600))
		},
		"append": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+strings.Join(args[1:],
				" ")+"\n"), 0o600))
		},
		// gz compresses a file: gz dump.sql backups/dump.sql.gz.
		"gz": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), compress(ts.ReadFile(args[0])), 0o600))
		},
		// gunzip writes what a compressed file holds: gunzip backups/crm.sql.gz crm.sql.
		"gunzip": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(decompress(ts, args[0])), 0o600))
		},
		// bulk adds a table with so many bytes of noise to a compressed dump: bulk backups/crm.sql.gz 6000000.
		"bulk": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			noise := make([]byte, n/100)
			random := rand.NewChaCha8([32]byte{})
			table := "CREATE TABLE `scans` (\n  `id` int NOT NULL,\n  `page` blob,\n  PRIMARY KEY (`id`)\n);\n"
			for i := range 100 {
				_, _ = random.Read(noise) // never fails
				table += fmt.Sprintf("INSERT INTO `scans` VALUES (%d,0x%x);\n", i, noise)
			}
			whole, trailer, _ := strings.Cut(decompress(ts, args[0]), "-- Dump completed")
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), compress(whole+table+"-- Dump completed"+trailer), 0o600))
		},
		// link gives a file a second name: link backups/crm.sql second.
		"link": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.Link(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
		},
		// cut keeps the first bytes of a file: cut backups/crm.sql.gz 1000.
		"cut": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.ParseInt(args[1], 10, 64)
			ts.Check(err)
			ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
		},
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	server := servers.MariaDB(t)
	master := sync.OnceValue(func() string { // made once, copied for each script
		dir := t.TempDir()
		company(t, dir, 60)
		return dir
	})
	commands := fileCommands()
	maps.Copy(commands, dumpCommands(t))
	maps.Copy(commands, mariadbCommands(t))
	maps.Copy(commands, bucketCommands(t))
	maps.Copy(commands, map[string]func(*testscript.TestScript, bool, []string){
		// company makes the folder of a company that is ready for its first night.
		"company": func(ts *testscript.TestScript, _ bool, _ []string) {
			ts.Check(copyFolder(master(), ts.MkAbs(".")))
			remember(ts, []string{"crm.db", "backups/*"})
		},
		"exitcode":   exitcode,
		"events":     unveiled,
		"forge":      forge,
		"saved":      saved,
		"again":      again,
		"references": references,
		"remember":   func(ts *testscript.TestScript, _ bool, args []string) { remember(ts, args) },
		// unchanged fails unless the remembered files are what they were, and no other lies in their folders.
		"unchanged": func(ts *testscript.TestScript, neg bool, _ []string) {
			was := ts.Value("remembered").(*remembered)
			if is := sums(ts, was.patterns); (is != was.sums) != neg {
				ts.Fatalf("remembered:\n%s\nnow:\n%s", was.sums, is)
			}
		},
		// mariadb makes a database from a file of SQL and writes its DSN to a file: mariadb crm.sql crm.dsn. The DSN without
		// its password is $DSN.
		"mariadb": func(ts *testscript.TestScript, _ bool, args []string) {
			db := server.Database(t)
			db.Exec(t, ts.ReadFile(args[0]))
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(db.DSN()), 0o600))
			ts.Setenv("PASSWORD", server.Password)
			ts.Setenv("DSN", strings.Replace(db.DSN(), ":"+server.Password+"@", "@", 1))
		},
		// postgres is mariadb, of the other server.
		"postgres": func(ts *testscript.TestScript, _ bool, args []string) {
			server := servers.Postgres(t)
			db := server.Database(t)
			db.Exec(t, ts.ReadFile(args[0]))
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(db.DSN()), 0o600))
			ts.Setenv("PASSWORD", server.Password)
			ts.Setenv("DSN", strings.Replace(db.DSN(), ":"+server.Password+"@", "@", 1))
		},
		// plainserver answers like a MySQL server that has no TLS; its address is $PLAIN.
		"plainserver": func(ts *testscript.TestScript, _ bool, _ []string) { plainServer(ts) },
		// writer is at work on a registry in SQLite until the script ends.
		"writer": func(ts *testscript.TestScript, _ bool, args []string) {
			c, err := sqlite3.Open(ts.MkAbs(args[0]))
			ts.Check(err)
			ts.Check(c.Exec("BEGIN IMMEDIATE"))
			ts.Defer(func() { ts.Check(c.Close()) })
		},
		// hold takes the lock of a night until the script ends.
		"hold": func(ts *testscript.TestScript, _ bool, _ []string) {
			ts.Check(os.MkdirAll(ts.MkAbs("var/state"), 0o700))
			f, err := os.OpenFile(ts.MkAbs("var/state/lock"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
			ts.Check(err)
			ts.Check(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
			_, err = f.WriteString("pid 1 on test")
			ts.Check(err)
			ts.Defer(func() { ts.Check(f.Close()) })
		},
		// newcomer writes the files that the help of consent shows, as a reader of it would: newcomer help.txt.
		"newcomer": func(ts *testscript.TestScript, _ bool, args []string) {
			for name, block := range map[string][2]string{"lethe.yaml": {"controller:", "3. "},
				"consents.csv": {"email,type", ""}} {
				var file []string
				for line := range strings.SplitSeq(ts.ReadFile(args[0]), "\n") {
					text := strings.TrimSpace(line)
					if len(file) > 0 && (text == "" && block[1] == "" || block[1] != "" &&
						strings.HasPrefix(text, block[1])) {
						break
					}
					if len(file) > 0 || strings.HasPrefix(text, block[0]) {
						file = append(file, strings.TrimPrefix(line, "       "))
					}
				}
				ts.Check(os.WriteFile(ts.MkAbs(name), []byte(strings.Join(file, "\n")+"\n"), 0o600))
			}
		},
		// key sets $KEY to the public key that the line before printed.
		"key": func(ts *testscript.TestScript, _ bool, _ []string) {
			_, key, ok := strings.Cut(ts.ReadFile("stdout"), "signed by ")
			if !ok {
				ts.Fatalf("no key was printed")
			}
			key, _, _ = strings.Cut(key, ": ")
			ts.Setenv("KEY", key)
		},
		// capture sets a variable to what the line before printed: capture REF.
		"capture": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
		},
		// nowhere fails if a file below a folder, or its name, holds a text: nowhere var/reports lago.it.
		"nowhere": func(ts *testscript.TestScript, _ bool, args []string) {
			looked := 0
			ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				looked++
				data, err := os.ReadFile(path)
				if strings.Contains(path+string(data), args[1]) {
					ts.Fatalf("%s holds %s", path, args[1])
				}
				return err
			}))
			if looked == 0 {
				ts.Fatalf("%s holds no files", args[0])
			}
		},
		// found fails unless one of the files holds bytes, given in hexadecimal: found $REF
		// var/registry.db var/registry.db-wal.
		"found": func(ts *testscript.TestScript, neg bool, args []string) {
			want, err := hex.DecodeString(args[0])
			ts.Check(err)
			if len(want) == 0 {
				ts.Fatalf("nothing to look for")
			}
			in := ""
			for _, name := range args[1:] {
				data, err := os.ReadFile(ts.MkAbs(name))
				if err == nil && bytes.Contains(data, want) {
					in = name
				}
			}
			if (in == "") != neg {
				ts.Fatalf("%s: found in %q", args[0], in)
			}
		},
		// tamper turns one bit of a Parquet file below a folder.
		"tamper": func(ts *testscript.TestScript, _ bool, args []string) {
			files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "table=actions", "*", "*", "*.parquet"))
			ts.Check(err)
			if len(files) == 0 {
				ts.Fatalf("no Parquet file below %s", args[0])
			}
			data, err := os.ReadFile(files[0])
			ts.Check(err)
			data[len(data)/2] ^= 1
			ts.Check(os.WriteFile(files[0], data, 0o600))
		},
		// plan sets $PLAN to the plan that waits; it fails unless there is exactly one.
		"plan": func(ts *testscript.TestScript, _ bool, args []string) { // plan newest: of several
			plans, err := filepath.Glob(ts.MkAbs("var/state/plans/*-destructive"))
			ts.Check(err)
			if len(plans) != 1 && (len(args) == 0 || len(plans) == 0) {
				ts.Fatalf("%d destructive plans", len(plans))
			}
			ts.Setenv("PLAN", filepath.Base(plans[len(plans)-1])) // their names begin with the time
		},
	})
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv(clockVariable, night.Format(time.RFC3339))
			env.Values["remembered"], env.Values["store"] = &remembered{}, &servers.Store{}
			return nil
		},
		Cmds: commands,
	})
}

// remembered is the state of files at an earlier line of a script.
type remembered struct {
	patterns []string
	sums     string
}

func remember(ts *testscript.TestScript, patterns []string) {
	*ts.Value("remembered").(*remembered) = remembered{patterns, sums(ts, patterns)}
}

func sums(ts *testscript.TestScript, patterns []string) string {
	var b strings.Builder
	for _, p := range patterns {
		files, err := filepath.Glob(ts.MkAbs(p))
		ts.Check(err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			ts.Check(err)
			fmt.Fprintf(&b, "%x %s\n", sha256.Sum256(data), filepath.Base(f))
		}
	}
	return b.String()
}

// plainServer sends the first packet of MySQL's protocol, without the bit that stands for TLS, to whoever connects.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
func plainServer(ts *testscript.TestScript) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("PLAIN", l.Addr().String())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed at the end of the script
			}
			const protocol41, pluginAuth = 0x0200, 0x0008 // no 0x0800, which is TLS
			packet := "\x0a5.7.0\x00" + "\x01\x00\x00\x00" + "12345678\x00" + string([]byte{0, protocol41 >> 8}) +
				"\x2d\x02\x00" + string([]byte{pluginAuth, 0}) + "\x15" +
				strings.Repeat("\x00", 10) + "123456789012\x00" + "mysql_native_password\x00"
			if _, err := conn.Write(append([]byte{byte(len(packet)), 0, 0, 0}, packet...)); err != nil {
				ts.Logf("plainserver: %v", err)
			}
			_ = conn.Close() // the client left first
		}
	})
	ts.Defer(func() {
		ts.Check(l.Close())
		serving.Wait()
	})
}

// copyFolder copies files with their modes: secrets are refused when others may read them.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o600)
	})
}

func decompress(ts *testscript.TestScript, name string) string {
	f, err := os.Open(ts.MkAbs(name))
	ts.Check(err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	ts.Check(err)
	text, err := io.ReadAll(z)
	ts.Check(err)
	return string(text)
}
