// Package wire is connections to servers of which every wait has an end.
//
//   - A Dialer opens them and knows their Limits.
//   - Silence is what a wait ended with, in words that say how long it was.
//   - A Connector makes database/sql use such connections, and say so where they fell silent.
//
// A server that has died, or that a firewall has cut off, is told from one that is long at work by asking: while a
// statement is answered by nothing, another connection is opened beside it. As long as the server answers that one,
// the statement has the time of Limits.Statement; once it answers neither, that of Limits.Answer is all.
package wire

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Limits say for how long a server may be silent.
type Limits struct {
	// Answer is the longest that it may answer nothing at all: neither what was asked nor another connection, nor
	// that somebody wants to connect. 0: AnswerDefault.
	Answer time.Duration
	// Statement is the longest that a statement may be at work without a byte coming back, while the server
	// answers another connection. 0: StatementDefault.
	Statement time.Duration
}

// The limits where nothing else is said. A server that greets nobody for so long serves no application either; an
// hour without a row is more than a scan of a large table without an index takes, and less than a night.
const (
	AnswerDefault    = 30 * time.Second
	StatementDefault = time.Hour
)

// grace is the longest that a wait lasts when somebody has stopped the program: enough for a server that answers to
// commit or to roll back.
const grace = 3 * time.Second

// Silence is the error of a wait that ended because nothing came.
type Silence struct {
	For     time.Duration // how long it was
	To      string        // the address, where no connection came about
	Answers bool          // the server answers others: it is the statement that does not end
}

func (s *Silence) Error() string {
	switch {
	case s.To != "":
		return fmt.Sprintf("no connection to %s within %s", s.To, s.For)
	case s.Answers:
		return fmt.Sprintf("no row and no end of a statement for %s, while the server answers other connections", s.For)
	}
	return fmt.Sprintf("no answer from the server for %s", s.For)
}

// Next says what to look at. of is the entry of the configuration that has the limits: "the source", "registry".
func (s *Silence) Next(of string) string {
	switch {
	case s.To != "":
		return "check host, port and firewall; answer_within of " + of + " is how long is waited"
	case s.Answers:
		return "look at what the server waits for; statement_within of " + of + " is how long a statement has"
	}
	return "see whether the server hangs, or a firewall drops its packets; answer_within of " + of +
		" is how long is waited"
}

// Dialer opens connections of which every wait has an end.
type Dialer struct {
	Limits Limits
	// Ask opens another connection, and reports whether the server answers it. Nil: nobody is asked, and
	// silence is an end.
	Ask func(ctx context.Context) bool

	stop context.Context
	mu   sync.Mutex
	last *Silence
}

// NewDialer makes one whose waits also end soon after the context does: it is that of the program, for a statement
// has one of its own.
func NewDialer(ctx context.Context, l Limits) *Dialer {
	if l.Answer == 0 {
		l.Answer = AnswerDefault
	}
	if l.Statement == 0 {
		l.Statement = StatementDefault
	}
	return &Dialer{Limits: l, stop: ctx}
}

// Aside makes a dialer for the connections by which the other is asked: what is heard there is not what is said of a
// statement.
func (d *Dialer) Aside() *Dialer { return &Dialer{Limits: d.Limits, stop: d.stop} }

// Silence is what the last wait ended with, nil once a connection was opened since: drivers lose it.
func (d *Dialer) Silence() *Silence {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

func (d *Dialer) heard(s *Silence) *Silence {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = s
	return s
}

// Dial opens a connection. A kernel notices by itself, in about a minute, when the other side is not there any more
// (TCP keepalive).
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	nd := net.Dialer{Timeout: d.Limits.Answer,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}}
	began := time.Now()
	raw, err := nd.DialContext(ctx, network, address)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() && !errors.Is(ctx.Err(), context.Canceled) {
		return nil, d.heard(&Silence{For: time.Since(began).Round(time.Millisecond), To: address})
	}
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, dialer: d}
	c.open, c.end = context.WithCancel(context.Background())
	c.unstop = context.AfterFunc(d.stop, c.hurry)
	return c, nil
}

// Asking asks by logging in once more. said tells the errors that are a server's own words.
func Asking(c driver.Connector, said func(error) bool) func(context.Context) bool {
	return func(ctx context.Context) bool {
		conn, err := c.Connect(ctx)
		if err != nil {
			return said(err)
		}
		_ = conn.Close() // it was asked, and answered
		return true
	}
}

// Connector makes database/sql open its connections by a dialer, which the driver has to be told of as well.
type Connector struct {
	driver.Connector
	Dialer *Dialer
}

// Connect opens a connection. Its error is a *Silence where the server fell silent: the driver's own is one for
// which database/sql begins anew.
func (c Connector) Connect(ctx context.Context) (driver.Conn, error) {
	c.Dialer.heard(nil)
	conn, err := c.Connector.Connect(ctx)
	if s := c.Dialer.Silence(); err != nil && s != nil && ctx.Err() == nil {
		return nil, s
	}
	return conn, err
}

// conn is a connection of which every wait has an end.
type conn struct {
	net.Conn
	dialer *Dialer
	open   context.Context // ends with the connection
	end    context.CancelFunc
	unstop func() bool

	mu          sync.Mutex
	read, write way
	stopped     bool
}

// way is one direction of a connection, of which there is one wait at a time.
type way struct {
	user   time.Time // the deadline of who uses the connection
	ours   time.Time // that of the wait; zero where there is none
	began  time.Time // the wait
	heard  time.Time // of the server: since when it is silent
	asking context.CancelFunc
}

func (w *way) deadline() time.Time {
	if w.ours.IsZero() || !w.user.IsZero() && w.user.Before(w.ours) {
		return w.user
	}
	return w.ours
}

// Read waits for bytes.
func (c *conn) Read(p []byte) (int, error) {
	c.begin(&c.read)
	for {
		if err := c.arm(&c.read, c.Conn.SetReadDeadline); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := c.goOn(&c.read, err); err != nil {
			return 0, err
		}
	}
}

// Write waits until the other side has room for all bytes.
func (c *conn) Write(p []byte) (written int, err error) {
	c.begin(&c.write)
	for {
		if err := c.arm(&c.write, c.Conn.SetWriteDeadline); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:])
		if written += n; !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		if n > 0 {
			c.begin(&c.write)
		}
		if err := c.goOn(&c.write, err); err != nil {
			return written, err
		}
	}
}

// begin says that a wait begins.
func (c *conn) begin(w *way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.began = time.Now()
	w.heard = w.began
}

// arm sets the deadline of what is waited for next. While nobody is asked it is the whole limit, else half of it:
// the other half is for the asking.
func (c *conn) arm(w *way, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.dialer.Limits.Answer
	switch {
	case c.stopped:
		wait = min(wait, grace)
	case c.dialer.Ask != nil:
		wait /= 2
	}
	w.ours = time.Now().Add(wait)
	return set(w.deadline())
}

// goOn decides, when a deadline is over, whether to wait for longer.
func (c *conn) goOn(w *way, passed error) error {
	c.mu.Lock()
	ask, stopped := c.dialer.Ask, c.stopped
	users := !w.user.IsZero() && !w.user.After(time.Now())
	var asking context.Context
	if !users && !stopped && ask != nil {
		asking, w.asking = context.WithTimeout(c.open, c.dialer.Limits.Answer/2)
	}
	c.mu.Unlock()
	switch {
	case users:
		return passed
	case stopped:
		return context.Cause(c.dialer.stop)
	}
	silence := &Silence{}
	if asking != nil {
		silence.Answers = ask(asking)
		c.mu.Lock()
		cut := asking.Err() == context.Canceled // a deadline came, or the end
		w.asking()
		w.asking = nil
		c.mu.Unlock()
		if cut {
			return nil // whatever it was, the next look at the connection says it
		}
		if silence.Answers {
			w.heard = time.Now()
		}
		if time.Since(w.heard) < c.dialer.Limits.Answer && time.Since(w.began) < c.dialer.Limits.Statement {
			return nil
		}
	}
	silence.For = time.Since(w.began).Round(time.Millisecond)
	return c.dialer.heard(silence)
}

// hurry leaves what is waited for no longer than the grace.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	soon := time.Now().Add(grace)
	for w, set := range c.ways() {
		if w.asking != nil {
			w.asking()
		}
		if w.ours.After(soon) {
			w.ours = soon
			_ = set(w.deadline()) // of a connection that is closed
		}
	}
}

func (c *conn) ways() map[*way]func(time.Time) error {
	return map[*way]func(time.Time) error{&c.read: c.Conn.SetReadDeadline, &c.write: c.Conn.SetWriteDeadline}
}

// SetDeadline sets a deadline beside the connection's own.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets a deadline beside the connection's own.
func (c *conn) SetReadDeadline(t time.Time) error { return c.set(&c.read, t) }

// SetWriteDeadline sets a deadline beside the connection's own.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.set(&c.write, t) }

func (c *conn) set(w *way, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.user = t
	if w.asking != nil && !t.IsZero() {
		w.asking()
	}
	return c.ways()[w](w.deadline())
}

// Close ends every wait.
func (c *conn) Close() error {
	c.end()
	c.unstop()
	return c.Conn.Close()
}

// SyscallConn lets drivers look whether the other side has closed, which no deadline of an earlier wait may prevent.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read.ours = time.Time{}
	if err := c.Conn.SetReadDeadline(c.read.user); err != nil {
		return nil, err
	}
	return raw.SyscallConn()
}
