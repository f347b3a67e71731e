package schedule

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
)

// stopsAt is a mail server that answers nothing any more once a client has said a word: "" from the beginning.
func stopsAt(t *testing.T, word string, offers ...string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); require.NoError(t, l.Close()) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if word != "" {
					fmt.Fprint(conn, "220 test\r\n")
				}
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					said, _, _ := strings.Cut(lines.Text(), " ")
					if said == word {
						<-ended
						return
					}
					switch said {
					case "EHLO":
						fmt.Fprint(conn, strings.Join(append([]string{"250-test"}, offers...), "\r\n250-")+"\r\n250 ok\r\n")
					case "DATA":
						fmt.Fprint(conn, "354 go on\r\n")
					case ".", "QUIT", "MAIL", "RCPT", "AUTH":
						fmt.Fprint(conn, "250 ok\r\n")
					case "STARTTLS":
						fmt.Fprint(conn, "220 go on\r\n")
						<-ended
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// deliver tells a target, and returns what is logged.
func deliver(ctx context.Context, t *testing.T, w waits, targets ...string) string {
	t.Helper()
	var urls []*url.URL
	for _, target := range targets {
		u, err := ParseTarget(target)
		require.NoError(t, err)
		urls = append(urls, u)
	}
	var log bytes.Buffer
	aNotice.send(ctx, slog.New(slog.NewTextHandler(&log, nil)), urls, w)
	return log.String()
}

// Wherever a mail server falls silent, the notice ends, and says where it was.
func TestNoticeEndsAtAMuteServer(t *testing.T) {
	quick := waits{attempt: 100 * time.Millisecond, attempts: 1, grace: time.Hour}
	const who = "/?from=lethe@ditta.it&to=ops@ditta.it"
	for word, says := range map[string]string{"": "greeting", "EHLO": "EHLO", "MAIL": "MAIL", "RCPT": "RCPT",
		"DATA": "DATA", ".": "end of DATA", "QUIT": "", "AUTH": "AUTH", "STARTTLS": "STARTTLS", "TLS": "STARTTLS"} {
		t.Run("silent at "+word, func(t *testing.T) {
			t.Parallel()
			offers, user := []string{}, ""
			switch word {
			case "AUTH":
				offers, user = []string{"AUTH PLAIN"}, "lethe:swordfish@"
			case "STARTTLS", "TLS":
				offers = []string{"STARTTLS"}
			}
			said := deliver(t.Context(), t, quick, "smtp://"+user+stopsAt(t, word, offers...)+who)
			if says == "" {
				require.Empty(t, said, "the mail was taken")
				return
			}
			require.Contains(t, said, `error="`+says+": no answer for ")
			require.NotContains(t, said, "swordfish")
		})
	}
	mute, _ := servers.Mute(t, "")
	said := deliver(t.Context(), t, quick, "http://"+mute+"/hook/secret-token", "smtp://"+servers.Full(t)+who)
	require.Contains(t, said, `error="posting: no answer for `)
	require.Contains(t, said, `error="connecting: no answer for `)
	require.NotContains(t, said, "secret-token")
}

// Who stops the program does not wait for a notice; that the night was stopped is told all the same where somebody
// listens.
func TestNoticeEndsWithTheProgram(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	mails := make(chan string, 1)
	go receiveMail(listener, mails)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	const who = "/?from=lethe@ditta.it&to=ops@ditta.it"
	said := deliver(ctx, t, waits{attempt: time.Hour, attempts: 3, grace: time.Second},
		"smtp://"+stopsAt(t, "DATA")+who, "smtp://"+listener.Addr().String()+who)
	require.Contains(t, said, "DATA: no answer for ")
	require.Equal(t, 1, strings.Count(said, "not delivered"))
	require.Contains(t, <-mails, `"run_id": "r-1"`)
}

// What a server says is not repeated: it may repeat what it was told.
func TestNoticeQuotesNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			fmt.Fprint(conn, "554 swordfish is no password\r\n")
			_ = conn.Close()
		}
	}()
	said := deliver(t.Context(), t, waits{attempt: time.Minute, attempts: 1, grace: time.Minute},
		"smtp://"+listener.Addr().String()+"/?from=a@b.it&to=c@d.it")
	require.Contains(t, said, "greeting: the server answers 554")
	require.NotContains(t, said, "swordfish")
}
