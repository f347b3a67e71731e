package schedule

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var aNotice = Notice{Controller: "Lago Blu", Job: "nightly", Host: "h",
	At:    time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC),
	RunID: "r-1", Waiting: []string{"plan-1"}, Manifest: "abc"}

// send tells one target.
func send(t *testing.T, n Notice, target string) {
	u, err := ParseTarget(target)
	require.NoError(t, err)
	n.Send(t.Context(), slog.New(slog.DiscardHandler), []*url.URL{u})
}

func TestNoticeIsPosted(t *testing.T) {
	bodies := make(chan string, 3)
	fails := 1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if fails > 0 {
			fails--
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		bodies <- string(body)
	}))
	defer server.Close()
	n := aNotice
	n.ExitCode = 3
	send(t, n, server.URL+"/hook")
	require.JSONEq(t,
		`{"controller":"Lago Blu","job":"nightly","host":"h","at":"2026-11-20T01:15:00Z",`+
			`"run_id":"r-1","exit_code":3,"waiting":["plan-1"],"manifest":"abc"}`, <-bodies)
}

func TestNoticeIsMailed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	mails := make(chan string, 1)
	go receiveMail(listener, mails)
	send(t, aNotice, "smtp://"+listener.Addr().String()+"/?from=lethe@ditta.it&to=ops@ditta.it")
	mail := <-mails
	require.Contains(t, mail, "Subject: Lethe: nightly ended with 0, a plan waits")
	require.Contains(t, mail, `"run_id": "r-1"`)
}

// receiveMail speaks as much SMTP as one delivery needs (RFC 5321).
func receiveMail(l net.Listener, mails chan<- string) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	fmt.Fprint(conn, "220 test\r\n")
	for lines.Scan() {
		switch word, _, _ := strings.Cut(lines.Text(), " "); word {
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			var mail strings.Builder
			for lines.Scan() && lines.Text() != "." {
				mail.WriteString(lines.Text() + "\n")
			}
			mails <- mail.String()
			fmt.Fprint(conn, "250 ok\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func TestTargetsAreChecked(t *testing.T) {
	for target, says := range map[string]string{
		"https://hooks.ditta.it/x":                    "",
		"http://hooks.ditta.it/x":                     "http:// is not served",
		"smtp://mail.ditta.it/?to=a@b.it":             "sender and receiver",
		"hooks.ditta.it":                              "is no URL",
		"smtp://mail.ditta.it/?from=a@b.it&to=c@d.it": "",
	} {
		_, err := ParseTarget(target)
		if says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, says)
		}
	}
}
