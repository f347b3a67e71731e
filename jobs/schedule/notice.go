package schedule

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
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

// waits are the times of a delivery: a notice must never hold up a night.
type waits struct {
	attempt  time.Duration // the longest that one attempt takes
	attempts int           // for each target; the second and third begin a second, and two, after the one before
	grace    time.Duration // the longest for all, once somebody stops the program
}

var patience = waits{attempt: 10 * time.Second, attempts: 3, grace: 3 * time.Second}

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

// Send tells every target, all at the same time. What cannot be delivered is logged: it never changes the night's own
// result. It ends after half a minute at most, whoever does not answer, and soon after the context does.
func (n Notice) Send(ctx context.Context, log *slog.Logger, targets []*url.URL) {
	n.send(ctx, log, targets, patience)
}

func (n Notice) send(ctx context.Context, log *slog.Logger, targets []*url.URL, w waits) {
	// a night that was stopped is one of which people are told, too
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(w.grace, cancel) })()
	var telling sync.WaitGroup
	for i, u := range targets {
		telling.Go(func() {
			if err := n.deliver(lasting, u, w); err != nil {
				log.Warn("a notice was not delivered", "notify", i+1, "host", u.Host, "run_id", n.RunID,
					"error", err.Error(), "next", "the night itself is not touched by it: `lethe status` has the same")
			}
		})
	}
	telling.Wait()
}

// deliver tells one target. Its error holds nothing of the URL, which may be a secret.
func (n Notice) deliver(ctx context.Context, u *url.URL, w waits) (err error) {
	send := n.post
	if u.Scheme == "smtp" {
		send = n.mail
	}
	for attempt := range w.attempts {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(attempt) * time.Second):
		}
		began := time.Now()
		step, last := try(ctx, w.attempt, u, send)
		if last == nil {
			return nil
		}
		var late net.Error
		switch {
		case ctx.Err() != nil && err != nil:
			return err // that of the attempt before says more
		case errors.As(last, &late) && late.Timeout(), ctx.Err() != nil:
			last = fmt.Errorf("no answer for %s", time.Since(began).Round(time.Millisecond))
		}
		if err = fmt.Errorf("%s: %w", step, last); ctx.Err() != nil {
			return err
		}
	}
	return err
}

// try is one attempt. step is what it was at when it ended.
func try(ctx context.Context, within time.Duration, u *url.URL,
	send func(context.Context, *url.URL, *string) error) (step string, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	step = "connecting"
	err = send(ctx, u, &step)
	var web *url.Error
	var mail *textproto.Error
	switch {
	case errors.As(err, &web):
		err = web.Err // without the URL
	case errors.As(err, &mail):
		err = fmt.Errorf("the server answers %d", mail.Code) // its words may repeat what it was told
	}
	return step, err
}

func (n Notice) post(ctx context.Context, u *url.URL, step *string) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	*step = "posting"
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

// mail does what smtp.SendMail does, which waits for ever.
func (n Notice) mail(ctx context.Context, u *url.URL, step *string) error {
	from, to := u.Query().Get("from"), strings.Split(u.Query().Get("to"), ",")
	message, err := n.message(from, to)
	if err != nil {
		return err
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "25")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // ends whatever is waited for
	*step = "greeting"
	client, err := smtp.NewClient(conn, u.Hostname())
	if err != nil {
		return err
	}
	if err := login(client, u, step); err != nil {
		return err
	}
	*step = "MAIL"
	if err := client.Mail(from); err != nil {
		return err
	}
	for _, receiver := range to {
		*step = "RCPT"
		if err := client.Rcpt(receiver); err != nil {
			return err
		}
	}
	*step = "DATA"
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	*step = "end of DATA"
	if err := w.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the mail is the server's by now, whatever it says to this
	return nil
}

// login encrypts the connection where the server can, and says who sends where the target does.
func login(client *smtp.Client, u *url.URL, step *string) error {
	*step = "EHLO"
	if err := client.Hello("localhost"); err != nil {
		return err
	}
	if ok, _ := client.Extension("STARTTLS"); ok {
		*step = "STARTTLS"
		if err := client.StartTLS(&tls.Config{ServerName: u.Hostname()}); err != nil {
			return err
		}
	}
	password, ok := u.User.Password()
	if !ok {
		return nil
	}
	*step = "AUTH"
	if ok, _ := client.Extension("AUTH"); !ok {
		return errors.New("the server knows no AUTH")
	}
	return client.Auth(smtp.PlainAuth("", u.User.Username(), password, u.Hostname()))
}

func (n Notice) message(from string, to []string) ([]byte, error) {
	subject := fmt.Sprintf("Lethe: %s ended with %d", n.Job, n.ExitCode)
	if len(n.Waiting) > 0 {
		subject += ", a plan waits"
	}
	body, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: %s\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", from, strings.Join(to, ", "),
		n.At.Format(time.RFC1123Z), subject, body), nil
}
