package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"strings"
	"time"
)

// Notice is what people and machines are told after a night. It holds no record and no reference to one.
type Notice struct {
	Controller string    `json:"controller"`
	Job        string    `json:"job"`
	Host       string    `json:"host"`
	At         time.Time `json:"at"`
	RunID      string    `json:"run_id"`
	ExitCode   int       `json:"exit_code"`
	Waiting    []string  `json:"waiting"` // plans that wait for approval
	Manifest   string    `json:"manifest"`
}

// Times of a delivery: a notice must never hold up a night.
const (
	notifyTimeout  = 10 * time.Second
	notifyAttempts = 3
)

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParseTarget checks where notices go: https:// (http:// on this host only) gets the notice as JSON,
// smtp://host:port/?from=A&to=B a mail. The text may hold a secret, so no error quotes it.
func ParseTarget(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("the target is no URL: write https://host/path or smtp://host:port/?from=A&to=B")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "smtp" && u.Query().Get("from") != "" && u.Query().Get("to") != "":
	case u.Scheme == "smtp":
		return nil, errors.New("a mail needs sender and receiver: smtp://host:port/?from=A&to=B")
	default:
		return nil, fmt.Errorf("%s:// is not served: use https:// or smtp://", u.Scheme)
	}
	return u, nil
}

// Send tells every target. What cannot be delivered is logged: it never changes the night's own result.
func (n Notice) Send(ctx context.Context, log *slog.Logger, targets []*url.URL) {
	for i, u := range targets {
		send := n.post
		if u.Scheme == "smtp" {
			send = n.mail
		}
		var err error
		for attempt := range notifyAttempts {
			if err = send(context.WithoutCancel(ctx), u); err == nil {
				break
			}
			time.Sleep(time.Duration(attempt) * time.Second)
		}
		if err != nil {
			log.Warn("a notice was not delivered", "notify", i+1, "host", u.Host, "run_id", n.RunID)
		}
	}
}

func (n Notice) post(ctx context.Context, u *url.URL) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func (n Notice) mail(_ context.Context, u *url.URL) error {
	from, to := u.Query().Get("from"), strings.Split(u.Query().Get("to"), ",")
	subject := fmt.Sprintf("Lethe: %s ended with %d", n.Job, n.ExitCode)
	if len(n.Waiting) > 0 {
		subject += ", a plan waits"
	}
	body, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	message := fmt.Sprintf("From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: %s\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", from, strings.Join(to, ", "),
		n.At.Format(time.RFC1123Z), subject, body)
	var auth smtp.Auth
	if password, ok := u.User.Password(); ok {
		auth = smtp.PlainAuth("", u.User.Username(), password, u.Hostname())
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "25")
	}
	return smtp.SendMail(address, auth, from, to, []byte(message))
}
