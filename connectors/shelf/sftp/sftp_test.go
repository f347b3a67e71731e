package sftp_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	pkg "github.com/pkg/sftp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"lethe/connectors"
	"lethe/connectors/shelf/sftp"
)

// served is an SFTP server in this process.
type served struct {
	address, known string
	key            string // the private key of who may come in, PEM
	hang           chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

// cut closes all connections.
func (s *served) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

// serve serves the files of this machine until the test ends.
func serve(t *testing.T) *served {
	t.Helper()
	_, host, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(host)
	require.NoError(t, err)
	allowed, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &served{address: l.Addr().String(), key: string(pem.EncodeToMemory(block)), known: filepath.Join(t.TempDir(), "known")}
	require.NoError(t, os.WriteFile(s.known, []byte(knownhosts.Line([]string{s.address}, signer.PublicKey())+"\n"), 0o600))
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), allowed.Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	t.Cleanup(func() {
		l.Close()
		s.cut()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			go s.session(conn, config)
		}
	}()
	return s
}

// session serves one connection.
func (s *served) session(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		go func() {
			server, err := pkg.NewServer(struct {
				io.Reader
				io.WriteCloser
			}{slow{channel, s.hang}, channel})
			if err == nil {
				_ = server.Serve()
			}
		}()
	}
}

// slow is what a server that hangs hears: nothing more once the channel is closed.
type slow struct {
	io.Reader
	hang chan struct{}
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	select {
	case <-s.hang:
		select {}
	default:
	}
	return n, err
}

func open(t *testing.T, s *served, set func(*connectors.ShelfOptions)) connectors.Shelf {
	t.Helper()
	o := connectors.ShelfOptions{Name: "dumps", URL: "sftp://lethe@" + s.address + "/", Credentials: s.key,
		Query: map[string]string{"known_hosts": s.known}, AnswerWithin: 2 * time.Second}
	if set != nil {
		set(&o)
	}
	on, err := sftp.Open(t.Context(), o)
	require.NoError(t, err)
	return on
}

func TestServer(t *testing.T) {
	s, dir := serve(t), t.TempDir()
	day := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for name, body := range map[string]string{"a.sql": "one", "b.sql": "two", "note.txt": "n"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(body), 0o640))
		require.NoError(t, os.Chmod(path, 0o640)) // whatever the umask
		require.NoError(t, os.Chtimes(path, day, day))
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "c.sql")))
	on := open(t, s, nil)
	at := "sftp://lethe@" + s.address + dir + "/"
	l, err := on.List(at + "*.sql")
	require.NoError(t, err)
	require.Len(t, l.Matching, 2, "a link may lead anywhere")
	require.Len(t, l.Others, 1)
	was := l.Matching[0]
	require.Equal(t, day, was.Time)
	sum, err := on.Sum(was)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte("one")), sum)

	long := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	write := func(body []byte) connectors.Stored {
		w, err := on.Create(was)
		require.NoError(t, err)
		defer w.Close()
		_, err = w.Write(body)
		require.NoError(t, err)
		made, err := w.Finish()
		require.NoError(t, err)
		return made
	}
	made := write(long)
	left, err := on.Left(was.Path)
	require.NoError(t, err)
	require.Equal(t, []string{made.Path}, left)
	require.ErrorIs(t, on.Replace(made, was, sha256.Sum256([]byte("two"))), connectors.ErrTransient, "other bytes were read")
	require.NoError(t, on.Replace(made, was, sum))
	body, err := os.ReadFile(filepath.Join(dir, "a.sql"))
	require.NoError(t, err)
	require.Equal(t, long, body)
	info, err := os.Stat(filepath.Join(dir, "a.sql"))
	require.NoError(t, err)
	require.Equal(t, day, info.ModTime().UTC(), "it ends on the same day")
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())

	now, err := on.Stat(was.Path)
	require.NoError(t, err)
	f, err := on.Open(now)
	require.NoError(t, err)
	read, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, long, read)
	end := make([]byte, 20)
	n, err := f.ReadAt(end, now.Size-16)
	require.Equal(t, 16, n)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, f.Close())
	_, err = on.Open(was)
	require.ErrorIs(t, err, connectors.ErrTransient, "another stands there")

	late := write([]byte("late"))
	require.ErrorIs(t, on.Replace(late, was, sum), connectors.ErrTransient)
	require.NoError(t, on.Remove(late))
	require.NoError(t, on.Remove(late), "one that is not there is none")
	require.Error(t, on.Remove(now), "a backup is never removed")
	_, err = on.Stat(at + "none.sql")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = on.Stat(at + "../" + filepath.Base(dir) + "/a.sql")
	require.ErrorIs(t, err, connectors.ErrConfig)
	_, err = on.Stat(at + "c.sql")
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Empty(t, on.Foresee(now.Path))
}

// A server that breaks, hangs, or is another one ends each wait, with words of our own.
func TestServerOfBadWill(t *testing.T) {
	s, dir := serve(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.sql"), []byte("one"), 0o600))
	path := "sftp://lethe@" + s.address + dir + "/a.sql"
	_, err := open(t, s, func(o *connectors.ShelfOptions) { o.Credentials = "a password" }).Stat(path)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.NotContains(t, err.Error(), "a password")
	other := serve(t)
	_, err = open(t, s, func(o *connectors.ShelfOptions) { o.Query["known_hosts"] = other.known }).Stat(path)
	require.ErrorIs(t, err, connectors.ErrDenied, "nobody knows who it is")

	on := open(t, s, nil)
	was, err := on.Stat(path)
	require.NoError(t, err)
	s.cut()
	_, err = on.Stat(path)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	_, err = on.Stat(path)
	require.NoError(t, err, "the next who asks has a new connection")

	hung := serve(t)
	hung.hang = make(chan struct{})
	slow := open(t, hung, nil)
	at := "sftp://lethe@" + hung.address + dir + "/a.sql"
	now, err := slow.Stat(at)
	require.NoError(t, err)
	f, err := slow.Open(now)
	require.NoError(t, err)
	defer f.Close()
	close(hung.hang)
	began := time.Now()
	_, err = io.ReadAll(f)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, was.Size, now.Size)
}
