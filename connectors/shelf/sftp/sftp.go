// Package sftp is a folder of another server that is reached by SFTP, as a connectors.Shelf:
//
//	sftp://USER@HOST:PORT/FOLDER/PATTERN?known_hosts=PATH
//
// Who the server is must stand in known_hosts, as ssh itself keeps it. A file is written anew beside the old one, read
// back, and renamed over it (posix-rename@openssh.com) once the old one was read again and is what it was.
package sftp

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"lethe/connectors"
	"lethe/connectors/shelf"
	"lethe/connectors/wire"
)

// Scheme begins the paths.
const Scheme = "sftp://"

// idle is how long a connection stays open that nobody uses.
const idle = time.Minute

// server is a Shelf.
type server struct {
	root   string // what paths begin with, up to the folders: sftp://USER@HOST:PORT
	host   string
	config ssh.ClientConfig
	answer time.Duration // how long it may say nothing
	agent  string        // the socket of one that signs; "" none is asked
	sums   shelf.Sums

	mu     sync.Mutex
	client *sftp.Client // nil: no connection is open
	conn   *ssh.Client
	uses   int
	close  *time.Timer
}

// Open opens a server. It is not reached yet.
func Open(_ context.Context, o connectors.ShelfOptions) (connectors.Shelf, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" {
		return nil, fmt.Errorf("write sftp://USER@HOST/FOLDER/*.sql.gz: %w", connectors.ErrConfig)
	}
	if _, given := u.User.Password(); given {
		return nil, fmt.Errorf("a password stands in the path: write it to a file, and credentials: file:PATH: %w",
			connectors.ErrConfig)
	}
	for key := range o.Query {
		if key != "known_hosts" {
			return nil, fmt.Errorf("%q is nothing that an SFTP server has: use known_hosts: %w", key, connectors.ErrConfig)
		}
	}
	s := &server{root: Scheme + strings.SplitN(strings.TrimPrefix(o.URL, Scheme), "/", 2)[0],
		host:   net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "22")),
		answer: cmp.Or(o.AnswerWithin, wire.AnswerDefault)}
	s.config = ssh.ClientConfig{User: u.User.Username()}
	known := o.Query["known_hosts"]
	if known == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("say which servers are known: ?known_hosts=PATH: %w", connectors.ErrConfig)
		}
		known = filepath.Join(home, ".ssh", "known_hosts")
	}
	if s.config.HostKeyCallback, err = knownhosts.New(known); err != nil {
		return nil, fmt.Errorf("the file of known hosts %s cannot be read: write the server's key there (ssh-keyscan, and "+
			"compare): %w", known, connectors.ErrConfig)
	}
	return s, s.authenticate(o.Credentials)
}

// authenticate says by what Lethe is known to the server: a private key, a password, or else an agent.
func (s *server) authenticate(secret string) error {
	switch {
	case strings.HasPrefix(secret, "-----BEGIN"):
		key, err := ssh.ParsePrivateKey([]byte(secret))
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return fmt.Errorf("credentials: the private key has a passphrase: use one without, which only Lethe's account can "+
				"read, or an agent: %w", connectors.ErrConfig)
		}
		if err != nil {
			return fmt.Errorf("credentials: no private key of SSH: %w", connectors.ErrConfig)
		}
		s.config.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
	case secret != "":
		s.config.Auth = []ssh.AuthMethod{ssh.Password(secret)}
	default:
		s.agent = os.Getenv("SSH_AUTH_SOCK")
	}
	return nil
}

// use hands over a connection, which is opened if none is.
func (s *server) use() (*sftp.Client, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		if err := s.connect(); err != nil {
			return nil, nil, err
		}
	}
	if s.close != nil {
		s.close.Stop()
	}
	s.uses++
	client := s.client
	return client, func() { s.used(client) }, nil
}

// used lets go of a connection. One that broke is not used again.
func (s *server) used(client *sftp.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != client {
		return
	}
	if s.uses--; s.uses == 0 {
		s.close = time.AfterFunc(idle, s.leave)
	}
}

// leave closes a connection that nobody uses.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uses == 0 {
		s.forget()
	}
}

func (s *server) forget() {
	if s.client != nil {
		s.conn.Close() // which ends what runs on it
		s.client, s.conn, s.uses = nil, nil, 0
	}
}

// connect opens a connection.
func (s *server) connect() error {
	config := s.config
	if s.agent != "" {
		conn, err := net.Dial("unix", s.agent)
		if err == nil {
			defer conn.Close()
			config.Auth = []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)}
		}
	}
	if len(config.Auth) == 0 {
		return fmt.Errorf("no credentials for %s: give a file with a private key or a password by `credentials: file:PATH`, or "+
			"run an agent (SSH_AUTH_SOCK): %w", s.root, connectors.ErrDenied)
	}
	raw, err := (&net.Dialer{Timeout: s.answer, KeepAlive: 15 * time.Second}).Dial("tcp", s.host)
	if err == nil {
		err = raw.SetDeadline(time.Now().Add(s.answer)) // of the greeting
	}
	if err != nil {
		return s.fail("connect", err)
	}
	c, channels, requests, err := ssh.NewClientConn(raw, s.host, &config)
	if err != nil {
		raw.Close()
		var key *knownhosts.KeyError
		switch {
		case errors.As(err, &key) && len(key.Want) > 0:
			return fmt.Errorf("the server shows another key than known_hosts has of it: ask who runs it: %w", connectors.ErrDenied)
		case errors.As(err, &key):
			return fmt.Errorf("the server is not in known_hosts: write its key there (ssh-keyscan, and compare): %w",
				connectors.ErrDenied)
		case strings.Contains(err.Error(), "unable to authenticate"):
			return fmt.Errorf("the server does not take the credentials: %w", connectors.ErrDenied)
		}
		return s.fail("connect", err)
	}
	s.conn = ssh.NewClient(c, channels, requests)
	s.client, err = sftp.NewClient(s.conn, sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(false))
	if err == nil {
		err = raw.SetDeadline(time.Time{}) // every question has its own
	}
	if err != nil {
		s.conn.Close()
		s.client = nil
		return s.fail("begin SFTP", err)
	}
	return nil
}

// within is the path on the server. One that begins with ~ is of the user's own folder.
func (s *server) within(p string) string {
	p = strings.TrimPrefix(p, s.root)
	if own, is := strings.CutPrefix(p, "/~/"); is {
		return own
	}
	return p
}

// do asks the server something that takes no longer than it may be silent. A connection on which it fell silent is given up.
func do[T any](s *server, what string, ask func(*sftp.Client) (T, error)) (T, error) {
	var none T
	client, done, err := s.use()
	if err != nil {
		return none, err
	}
	defer done()
	return await(s, client, what, func() (T, error) { return ask(client) })
}

// await waits for an answer, for as long as the server may be silent.
func await[T any](s *server, client *sftp.Client, what string, ask func() (T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	var none T
	came := make(chan answer, 1)
	go func() {
		got, err := ask()
		came <- answer{got, err}
	}()
	late := time.NewTimer(s.answer)
	defer late.Stop()
	select {
	case a := <-came:
		return a.got, s.lost(client, s.fail(what, a.err))
	case <-late.C:
		err := fmt.Errorf("%s: %w: %w", what, &wire.Silence{For: s.answer}, connectors.ErrUnreachable)
		return none, s.lost(client, err)
	}
}

// lost gives up a connection on which nothing is answered any more, so that the next who asks opens another.
func (s *server) lost(client *sftp.Client, err error) error {
	if !errors.Is(err, connectors.ErrUnreachable) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == client {
		s.forget()
	}
	return err
}

// fail says what became of a request in words of our own.
func (s *server) fail(what string, err error) error {
	var silence *wire.Silence
	var status *sftp.StatusError
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, connectors.ErrUnreachable), errors.Is(err, connectors.ErrTransient), errors.Is(err, connectors.ErrDamaged):
		return err
	case errors.As(err, &silence):
		return fmt.Errorf("%s: %w (%s): %w", what, silence, silence.Next("the source"), connectors.ErrUnreachable)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file: %w: %w", what, fs.ErrNotExist, connectors.ErrUnreachable)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: the server denies it: give the account the right: %w", what, connectors.ErrDenied)
	case errors.As(err, &status):
		return fmt.Errorf("%s: the server answered with error %d of SFTP: see whether its disk is full: %w", what, status.Code,
			connectors.ErrUnreachable)
	case errors.As(err, &op):
		return fmt.Errorf("%s: no connection to the server: %v: %w", what, op.Err, connectors.ErrUnreachable)
	}
	return fmt.Errorf("%s: the connection to the server broke: %w", what, connectors.ErrUnreachable)
}

func (s *server) List(pattern string) (l connectors.Listing, err error) {
	folder, deep := shelf.Split(pattern)
	if deep {
		return l, fmt.Errorf("a wildcard stands in the name of a folder: write a source for each folder: %w",
			connectors.ErrConfig)
	}
	entries, err := do(s, "list "+s.within(folder), func(c *sftp.Client) ([]os.FileInfo, error) {
		return c.ReadDir(cmp.Or(s.within(folder), "."))
	})
	if err != nil {
		return l, err
	}
	slices.SortFunc(entries, func(a, b os.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if !e.Mode().IsRegular() {
			continue // a folder, or a link that leads elsewhere
		}
		if err := shelf.Sort(&l, pattern, stored(folder+e.Name(), e)); err != nil {
			return l, err
		}
	}
	return l, nil
}

// stored is a file as the server describes it. What is written to it gets another time.
func stored(p string, info os.FileInfo) connectors.Stored {
	return connectors.Stored{Path: p, Size: info.Size(), Time: info.ModTime().UTC(),
		Tag: fmt.Sprintf("%d %d", info.Size(), info.ModTime().Unix())}
}

func (s *server) Stat(p string) (connectors.Stored, error) {
	if shelf.IsOdd(strings.TrimPrefix(s.within(p), "/")) {
		return connectors.Stored{}, shelf.ErrOdd
	}
	info, err := do(s, "look at "+shelf.Base(p), func(c *sftp.Client) (os.FileInfo, error) { return c.Lstat(s.within(p)) })
	if err != nil {
		return connectors.Stored{}, err
	}
	if !info.Mode().IsRegular() {
		return connectors.Stored{}, fmt.Errorf("not a regular file: %w", connectors.ErrConfig)
	}
	return stored(p, info), nil
}

func (s *server) Sum(was connectors.Stored) ([32]byte, error) { return s.sums.Of(was, s.Open) }

// Replace renames a new file over an old one, once that was read again.
func (s *server) Replace(made, was connectors.Stored, sum [32]byte) error {
	f, err := s.open(was)
	if err != nil {
		return err
	}
	var again shelf.Sums // which knows nothing of before
	now, err := again.Of(was, func(connectors.Stored) (connectors.ShelfFile, error) { return f, nil })
	if err != nil {
		return err
	}
	if still, err := s.Stat(was.Path); err != nil || still.Tag != was.Tag || now != sum {
		return errors.Join(shelf.ErrMoved, err)
	}
	_, err = do(s, "rename "+shelf.Base(made.Path), func(c *sftp.Client) (bool, error) {
		if _, can := c.HasExtension("posix-rename@openssh.com"); !can {
			return false, fmt.Errorf("the server cannot put one file in the place of another in one step "+
				"(posix-rename@openssh.com): %w: %w", errors.ErrUnsupported, connectors.ErrTransient)
		}
		return true, c.PosixRename(s.within(made.Path), s.within(was.Path))
	})
	return err
}

func (s *server) Remove(made connectors.Stored) error {
	if !connectors.IsTemporary(made.Path) {
		return fmt.Errorf("only what was made by Create is removed: %w", errors.ErrUnsupported)
	}
	_, err := do(s, "remove "+shelf.Base(made.Path), func(c *sftp.Client) (bool, error) { return true, c.Remove(s.within(made.Path)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *server) Left(p string) (left []string, err error) {
	l, err := s.List(p[:strings.LastIndexByte(p, '/')+1])
	for _, f := range l.Others {
		if strings.HasPrefix(shelf.Base(f.Path), connectors.TemporaryPrefix(p)) {
			left = append(left, f.Path)
		}
	}
	return left, err
}

// Foresee says that a file cannot be replaced in one step.
func (s *server) Foresee(string) []connectors.Obstacle {
	can, err := do(s, "ask what the server can", func(c *sftp.Client) (bool, error) {
		_, can := c.HasExtension("posix-rename@openssh.com")
		return can, nil
	})
	if can || err != nil {
		return nil // opening it says what is wrong
	}
	return []connectors.Obstacle{{Kind: errors.ErrUnsupported, DSN: "path",
		What: "the server cannot put one file in the place of another in one step (posix-rename@openssh.com)",
		Mend: "use a server that does (OpenSSH), or leave out `rewrite:`"}}
}

// Open reads a file from its beginning.
func (s *server) Open(was connectors.Stored) (connectors.ShelfFile, error) {
	f, err := s.open(was)
	if err != nil {
		return nil, err
	}
	return s.sums.Watch(f, was), nil
}

func (s *server) open(was connectors.Stored) (*file, error) {
	now, err := s.Stat(was.Path)
	if err != nil {
		return nil, err
	}
	if now.Tag != was.Tag {
		return nil, shelf.ErrMoved
	}
	client, done, err := s.use()
	if err != nil {
		return nil, err
	}
	f, err := await(s, client, "open "+shelf.Base(was.Path), func() (*sftp.File, error) { return client.Open(s.within(was.Path)) })
	if err != nil {
		done()
		return nil, err
	}
	return &file{server: s, client: client, done: done, f: f, was: was}, nil
}

// file is one that is read.
type file struct {
	*server
	client *sftp.Client
	done   func()
	f      *sftp.File
	was    connectors.Stored
	read   int64
	buf    []byte
}

// errEnd says that a file is read to its end: io.EOF itself is that of a connection.
var errEnd = fmt.Errorf("its end: %w", connectors.ErrDamaged)

func ended(err error) error {
	if err == io.EOF {
		return errEnd
	}
	return err
}

// Read reads on. At the end it is asked once more what stands there: a file that was written to meanwhile is no backup.
func (f *file) Read(p []byte) (int, error) {
	b := f.room(len(p))
	n, err := await(f.server, f.client, "read "+shelf.Base(f.was.Path), func() (int, error) {
		n, err := f.f.Read(b)
		if n > 0 {
			err = nil
		}
		return n, ended(err)
	})
	copy(p, b[:n])
	f.read += int64(n)
	if errors.Is(err, errEnd) {
		now, err := f.Stat(f.was.Path)
		if err != nil {
			return 0, err
		}
		if now.Tag != f.was.Tag || f.read != f.was.Size {
			return 0, shelf.ErrMoved
		}
		return 0, io.EOF
	}
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	type end struct {
		n    int
		over bool
	}
	b := f.room(len(p))
	got, err := await(f.server, f.client, "read "+shelf.Base(f.was.Path), func() (end, error) {
		n, err := f.f.ReadAt(b, off)
		if errors.Is(err, io.EOF) {
			return end{n, true}, nil
		}
		return end{n, false}, err
	})
	copy(p, b[:got.n])
	if err == nil && got.over {
		err = io.EOF
	}
	return got.n, err
}

// room is where bytes arrive: what comes too late must not reach who has gone on. After an error the file is of no use.
func (f *file) room(n int) []byte {
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	return f.buf[:n]
}

func (f *file) Close() error {
	defer f.done()
	_, err := await(f.server, f.client, "close "+shelf.Base(f.was.Path), func() (bool, error) { return true, f.f.Close() })
	return err
}

// Create begins a file beside another, with its rights.
func (s *server) Create(like connectors.Stored) (connectors.ShelfWriter, error) {
	p := shelf.Temporary(like.Path, rand.Text())
	client, done, err := s.use()
	if err != nil {
		return nil, err
	}
	f, err := await(s, client, "write a new file", func() (*sftp.File, error) {
		info, err := client.Lstat(s.within(like.Path))
		if err != nil {
			return nil, err
		}
		f, err := client.OpenFile(s.within(p), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return nil, err
		}
		return f, f.Chmod(info.Mode().Perm())
	})
	if err != nil {
		done()
		return nil, errors.Join(err, s.Remove(connectors.Stored{Path: p}))
	}
	return &writer{server: s, client: client, done: done, f: f, path: p, like: like}, nil
}

type writer struct {
	*server
	client *sftp.Client
	done   func()
	f      *sftp.File
	path   string
	like   connectors.Stored
	size   int64
	over   bool
}

func (w *writer) Name() string { return w.path }

// pieceBytes is how much is written at a time: as much as a slow line takes in the time that a server may be silent.
const pieceBytes = 32 << 10

func (w *writer) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), pieceBytes)]
		n, err := await(w.server, w.client, "write a new file", func() (int, error) { return w.f.Write(piece) })
		written, w.size, p = written+n, w.size+int64(n), p[n:]
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Finish has the server keep what was written, and gives it the time of the old file: it ends on the same day.
func (w *writer) Finish() (connectors.Stored, error) {
	_, err := await(w.server, w.client, "write a new file", func() (bool, error) {
		if _, can := w.client.HasExtension("fsync@openssh.com"); can {
			if err := w.f.Sync(); err != nil {
				return false, err
			}
		}
		return true, errors.Join(w.f.Close(), w.client.Chtimes(w.server.within(w.path), w.like.Time, w.like.Time))
	})
	w.end()
	if err != nil {
		return connectors.Stored{}, errors.Join(err, w.Remove(connectors.Stored{Path: w.path}))
	}
	made, err := w.Stat(w.path)
	if err == nil && made.Size != w.size {
		err = fmt.Errorf("the server holds %d bytes of the new file, and %d were written: %w", made.Size, w.size,
			connectors.ErrDamaged)
	}
	return made, err
}

func (w *writer) end() {
	if !w.over {
		w.over = true
		w.done()
	}
}

func (w *writer) Close() error {
	if w.over {
		return nil
	}
	w.f.Close() // it goes
	w.end()
	return w.Remove(connectors.Stored{Path: w.path})
}
