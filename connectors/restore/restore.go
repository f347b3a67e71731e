// Package restore puts backups back as whoever lost a database would: by the programs of its engine, or as those do, into a
// server that is started for it, that nobody else reaches, and that goes away with what it held.
//
// A backup may be of bad will. It is put back by a user of the server who may do nothing outside of its databases; the
// server and its programs run as the user nobody where Lethe is root; the client takes no commands from it; and nothing
// of the environment reaches them.
//
//   - [Folder] is where such servers keep their data. Where its process was killed, the next one clears up after it.
//   - [MariaDB], [Postgres] and [SQLite] put a backup back and open its databases.
package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lethe/connectors"
	"lethe/connectors/internal/scratch"
)

// started is how long a server may take to answer, ended how long to end, and stalled how long it may take nothing of
// what is put back: to build an index over a large table takes long. longestRun is how long a program may take that does
// not say how far it is.
const (
	started    = time.Minute
	ended      = 20 * time.Second
	stalled    = 2 * time.Hour
	longestRun = 24 * time.Hour
)

// longest is how long the path of a socket may be, in bytes (sun_path of unix(7) has 108).
const longest = 100

// Folder is a private folder of one process.
type Folder struct{ *scratch.Folder }

// NewFolder makes a folder in parent, and removes those there whose process is gone. "" is the folder of temporary
// files; where the user nobody cannot come to it, /tmp.
func NewFolder(parent string) (*Folder, error) {
	if parent == "" {
		if parent = os.TempDir(); !reachable(parent) {
			parent = "/tmp"
		}
	}
	if !reachable(parent) {
		return nil, fmt.Errorf("the user nobody, as whom servers run, cannot come to %s: name another folder with --dir: %w",
			parent, connectors.ErrConfig)
	}
	f, err := scratch.New(parent, "lethe-restored-")
	if err != nil {
		return nil, fmt.Errorf("%w: name another folder with --dir: %w", err, connectors.ErrConfig)
	}
	return &Folder{f}, nil
}

// Private makes a folder for what no server reads, where temporary files lie, whose name begins with mark. It removes those
// there whose process is gone.
func Private(mark string) (*Folder, error) {
	f, err := scratch.New(os.TempDir(), mark)
	if err != nil {
		return nil, err
	}
	return &Folder{f}, nil
}

// room makes a folder within for one server, which the user of servers owns.
func (f *Folder) room() (string, error) {
	dir, err := os.MkdirTemp(f.Path, "")
	if err != nil {
		return "", err
	}
	if len(dir)+len("/.s.PGSQL.5432") > longest {
		return "", fmt.Errorf("the path of %s is too long for the socket of a server: name a shorter folder with --dir: %w",
			dir, connectors.ErrConfig)
	}
	return dir, errors.Join(os.Chmod(f.Path, 0o711), give(dir))
}

// Absent is the error where the programs of an engine are not installed.
type Absent struct{ Programs string }

func (a Absent) Error() string {
	return a.Programs + " is not installed here, into which it would be put back: install it, and try again"
}

// Unwrap: it says nothing of the backup.
func (a Absent) Unwrap() error { return errors.ErrUnsupported }

// RefusedError is what the engine refused to put back. It holds nothing of the backup.
type RefusedError struct {
	Line int64 // of the backup's text; 0 not known
	Code string
	Says string // what the code means, where that is known
}

func (e *RefusedError) Error() string {
	at := ""
	if e.Line > 0 {
		at = fmt.Sprintf(" at line %d", e.Line)
	}
	says := e.Says
	if says != "" {
		says = ": " + says
	}
	return fmt.Sprintf("the server refuses it%s with %s%s", at, e.Code, says)
}

func (e *RefusedError) Unwrap() error { return connectors.ErrDamaged }

// program finds a program of an engine, also where only root looks.
func program(name string, folders ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range append(folders, "/usr/sbin", "/usr/local/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", Absent{name}
}

// command is a program that runs in a folder, as nobody where Lethe is root, and that knows nothing of our environment.
func command(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, path, args...)
	c.Dir, c.WaitDelay = dir, ended
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + filepath.Dir(path), "LC_ALL=C",
		"HOME=" + dir, "TMPDIR=" + dir}
	apart(c)
	return c
}

// finish runs a program to its end. Its error says what it is for, and the last lines of what it said.
func finish(c *exec.Cmd, what string) error {
	said := &tail{}
	c.Stdout, c.Stderr = said, said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", what, err, said)
	}
	return nil
}

// tail keeps the end of what a program says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > tailBytes {
		t.text = t.text[len(t.text)-tailBytes:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.text)), " ")
}

// serve starts a server and waits until it answers. The end of what it says is in the error where it ends before.
func serve(ctx context.Context, c *exec.Cmd, answers func(context.Context) error) (stop func() error, err error) {
	said := &tail{}
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	gone := make(chan struct{})
	go func() {
		_ = c.Wait() // it is told to end
		close(gone)
	}()
	stop = func() error {
		end(c, false)
		select {
		case <-gone:
		case <-time.After(ended):
			end(c, true)
			<-gone
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, started)
	defer cancel()
	for {
		if err = answers(ctx); err == nil {
			return stop, nil
		}
		select {
		case <-gone:
			return nil, fmt.Errorf("the server that was started for it ends at once: %s: %w", said, connectors.ErrUnreachable)
		case <-ctx.Done():
			_ = stop()
			return nil, fmt.Errorf("the server that was started for it does not answer: %w: %w", err, connectors.ErrUnreachable)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// feed runs a client that reads a text, and ends it where it takes nothing for too long. What the client says is handed
// to says line by line, and never kept: it may quote a record.
func feed(ctx context.Context, c *exec.Cmd, cancel context.CancelFunc, text io.Reader, says func(line string)) error {
	in := &watched{Reader: text, moved: make(chan struct{}, 1)}
	lines := &lineWriter{do: says}
	c.Stdin, c.Stdout, c.Stderr = in, io.Discard, lines
	done := make(chan struct{})
	late := false
	go func() {
		for {
			select {
			case <-done:
				return
			case <-in.moved:
			case <-time.After(stalled):
				late = true
				cancel()
				return
			}
		}
	}()
	err := c.Run()
	close(done)
	lines.flush()
	switch {
	case in.err != nil: // of the backup itself
		return in.err
	case ctx.Err() != nil && late:
		return fmt.Errorf("the server took nothing of it for %s: %w", stalled, connectors.ErrUnreachable)
	}
	return err
}

// watched tells that a reader is read, and keeps the error that it ended with.
type watched struct {
	io.Reader
	moved chan struct{}
	err   error
}

func (w *watched) Read(p []byte) (int, error) {
	select {
	case w.moved <- struct{}{}:
	default:
	}
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// lineWriter hands lines on, of a bounded length.
type lineWriter struct {
	do   func(string)
	line []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			l.flush()
		} else if len(l.line) < tailBytes {
			l.line = append(l.line, b)
		}
	}
	return len(p), nil
}

func (l *lineWriter) flush() {
	if len(l.line) > 0 {
		l.do(string(l.line))
	}
	l.line = l.line[:0]
}
