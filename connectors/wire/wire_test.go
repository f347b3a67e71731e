package wire_test

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors/wire"
	"lethe/fixtures/servers"
)

const short = 60 * time.Millisecond

// dial connects to a listener that says something and nothing more.
func dial(t *testing.T, d *wire.Dialer, says string) net.Conn {
	t.Helper()
	address, _ := servers.Mute(t, says)
	conn, err := d.Dial(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// fill writes until the other side has no room any more.
func fill(conn net.Conn) error {
	for {
		if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
	}
}

func TestReadAndWriteEnd(t *testing.T) {
	d := wire.NewDialer(t.Context(), wire.Limits{Answer: short})
	conn := dial(t, d, "220 hello\r\n")
	said, err := io.ReadAll(io.LimitReader(conn, 11))
	require.NoError(t, err)
	require.Equal(t, "220 hello\r\n", string(said))
	require.Nil(t, d.Silence())

	_, err = conn.Read(make([]byte, 1))
	var silence *wire.Silence
	require.ErrorAs(t, err, &silence)
	require.GreaterOrEqual(t, silence.For, short)
	require.Equal(t, silence, d.Silence(), "for drivers that lose it")
	require.ErrorContains(t, err, "no answer from the server for ")
	require.Contains(t, silence.Next("the source"), "answer_within of the source")

	require.ErrorAs(t, fill(dial(t, d, "")), &silence)
	require.ErrorAs(t, tls.Client(dial(t, d, ""), &tls.Config{ServerName: "x"}).Handshake(), &silence)
}

func TestOpeningEnds(t *testing.T) {
	address := servers.Full(t)
	d := wire.NewDialer(t.Context(), wire.Limits{Answer: short})
	_, err := d.Dial(t.Context(), "tcp", address)
	require.EqualError(t, d.Silence(), err.Error())
	require.ErrorContains(t, err, "no connection to "+address+" within ")
	ctx, cancel := context.WithCancel(t.Context())
	d = wire.NewDialer(t.Context(), wire.Limits{})
	time.AfterFunc(short, cancel)
	_, err = d.Dial(ctx, "tcp", address)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, d.Silence(), "it was not the server that was waited for too long")
}

// A silent server is asked, and waited for as long as it answers and its statement has time.
func TestAskingDecides(t *testing.T) {
	for _, reading := range []bool{true, false} {
		wait := func(conn net.Conn) error {
			if reading {
				_, err := conn.Read(make([]byte, 1))
				return err
			}
			return fill(conn)
		}
		var asked atomic.Int64
		d := wire.NewDialer(t.Context(), wire.Limits{Answer: short, Statement: time.Hour})
		d.Ask = func(context.Context) bool { return asked.Add(1) < 3 }
		var silence *wire.Silence
		require.ErrorAs(t, wait(dial(t, d, "")), &silence)
		require.False(t, silence.Answers)
		require.GreaterOrEqual(t, asked.Load(), int64(3), "twice it answered")
		if reading { // what is written is heard of until there is no room any more
			require.GreaterOrEqual(t, silence.For, 2*short, "and then for the whole of the limit not")
		}

		d = wire.NewDialer(t.Context(), wire.Limits{Answer: short, Statement: 4 * short})
		d.Ask = func(context.Context) bool { return true }
		require.ErrorAs(t, wait(dial(t, d, "")), &silence)
		require.True(t, silence.Answers)
		require.GreaterOrEqual(t, silence.For, 4*short)
		require.Contains(t, silence.Next("registry"), "statement_within of registry")

		// the asking ends as well, whatever is asked
		d.Ask = func(ctx context.Context) bool { <-ctx.Done(); return false }
		require.ErrorAs(t, wait(dial(t, d, "")), &silence)
	}
}

// What ends a wait from outside ends it at once, also while the server is asked.
func TestWaitsEndFromOutside(t *testing.T) {
	for name, end := range map[string]func(conn net.Conn, stop func()) error{
		"closed":       func(conn net.Conn, _ func()) error { return conn.Close() },
		"deadline":     func(conn net.Conn, _ func()) error { return conn.SetDeadline(time.Now()) },
		"deadline was": func(conn net.Conn, _ func()) error { return conn.SetReadDeadline(time.Unix(1, 0)) },
		"stopped":      func(_ net.Conn, stop func()) error { stop(); return nil },
	} {
		for _, asking := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, asking %v", name, asking), func(t *testing.T) {
				t.Parallel()
				ctx, stop := context.WithCancel(t.Context())
				limits := wire.Limits{Answer: time.Hour}
				if asking {
					limits.Answer = 2 * time.Second // half of it is silence, half the asking
				}
				d := wire.NewDialer(ctx, limits)
				began := make(chan struct{})
				d.Ask = func(ctx context.Context) bool {
					close(began)
					<-ctx.Done()
					if !errors.Is(ctx.Err(), context.Canceled) {
						t.Error("it goes on asking")
					}
					return true
				}
				if !asking {
					close(began)
				}
				conn := dial(t, d, "")
				read := make(chan error, 1)
				go func() { _, err := conn.Read(make([]byte, 1)); read <- err }()
				<-began
				require.NoError(t, end(conn, stop))
				err := <-read
				stop()
				var silence *wire.Silence
				require.False(t, errors.As(err, &silence), "%s: %v", name, err)
				switch name {
				case "closed":
					require.ErrorIs(t, err, net.ErrClosed)
				case "stopped":
					require.ErrorIs(t, err, context.Canceled)
				default:
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				}
			})
		}
	}
}

// A deadline that a driver takes back, and one that is over, leave the next wait its own limit.
func TestDeadlinesOfDrivers(t *testing.T) {
	d := wire.NewDialer(t.Context(), wire.Limits{Answer: short})
	conn := dial(t, d, "ab")
	require.NoError(t, conn.SetDeadline(time.Now().Add(-time.Second)))
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, conn.SetDeadline(time.Time{}))
	_, err = conn.Read(make([]byte, 2))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	var silence *wire.Silence
	require.ErrorAs(t, err, &silence)
}

// forgetful is a driver that loses what its connection ended with, in a way that makes database/sql begin anew.
type forgetful struct{ driver.Connector }

func (forgetful) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }

func TestConnectorSaysSilence(t *testing.T) {
	d := wire.NewDialer(t.Context(), wire.Limits{Answer: short})
	_, err := wire.Connector{Connector: forgetful{}, Dialer: d}.Connect(t.Context())
	require.ErrorIs(t, err, driver.ErrBadConn)
	conn := dial(t, d, "")
	c := wire.Connector{Dialer: d, Connector: reader{conn: conn}}
	_, err = c.Connect(t.Context())
	require.ErrorContains(t, err, "no answer from the server")
	require.NotErrorIs(t, err, driver.ErrBadConn)
	c.Connector = forgetful{}
	_, err = c.Connect(t.Context())
	require.ErrorIs(t, err, driver.ErrBadConn, "what was heard before is not said of another attempt")
}

type reader struct {
	forgetful
	conn net.Conn
}

func (r reader) Connect(ctx context.Context) (driver.Conn, error) {
	_, _ = r.conn.Read(make([]byte, 1)) // as drivers do
	return r.forgetful.Connect(ctx)
}
