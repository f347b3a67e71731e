package jobs

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

func requestImportCommand(c *Command) *cobra.Command {
	var by enterFlags
	cmd := &cobra.Command{
		Use:   "import <file|folder>",
		Short: "Record requests that a helpdesk or a web form has written, and answer each with a line",
		Args:  cobra.ExactArgs(1),
		Long: `Record the requests of a file of JSON Lines, of the standard input (-), or of each *.jsonl file in a folder. A line
is one request in one silo:

  {"id": "HD-4711", "silo": "customers", "kind": "erasure", "subject": {"email": "ada@example.org"}}

  id         its name where it comes from; it must say nothing of anybody, and be no other silo's. Delivered twice, it is
             recorded once
  silo, kind, purpose, marketing, country    as the flags of lethe request open
  subject    who asks: each kind of identifier with its value, or a list of values
  received   2006-01-02 or RFC 3339; default now
  verified   how the person has shown who they are, as --by of lethe request verify; "for" as its --for

Each line is answered by one, in order: its number, id and silo, and "status": opened, known (it was recorded before) or
refused, with "error"; and "due", the last day for the answer. No value stands in an answer. What is refused is nothing to
the others; it ends with 2.

Of a folder, the answers to NAME.jsonl are NAME.answers.jsonl, and the file is renamed NAME.taken, or NAME.refused where
a line was refused: who writes there renames a file into place when it is whole, and sees to it that it goes. Called by
cron, it is a watched folder.`,
		Example: "  lethe request import - < requests.jsonl\n  lethe request import var/asked",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.importRequests(cmd.Context(), by, args[0]) },
	}
	by.register(cmd)
	return cmd
}

// The endings of files in a folder of requests.
const (
	askedEnds   = ".jsonl"
	answersEnds = ".answers.jsonl"
	takenEnds   = ".taken"
	refusedEnds = ".refused"
)

func (c *Command) importRequests(ctx context.Context, by enterFlags, from string) error {
	if info, err := os.Stat(from); from == "-" || err == nil && !info.IsDir() {
		f, err := input(ctx, from)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrConfig, err)
		}
		_, err = c.takeRequests(ctx, by, f, c.Out)
		return errors.Join(err, f.Close())
	} else if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	names, err := filepath.Glob(filepath.Join(from, "*"+askedEnds))
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	slices.Sort(names)
	var refused []error
	for _, name := range names {
		if strings.HasSuffix(name, answersEnds) {
			continue
		}
		err := c.takeFile(ctx, by, strings.TrimSuffix(name, askedEnds))
		if err != nil && !errors.Is(err, registry.ErrRefused) {
			return errors.Join(append(refused, err)...)
		}
		if err != nil {
			refused = append(refused, err)
		}
	}
	return errors.Join(refused...)
}

// takeFile takes one file of a folder. Its answers stand before it has another name: cut off, it is taken again, and
// what was recorded is known.
func (c *Command) takeFile(ctx context.Context, by enterFlags, stem string) error {
	f, err := os.Open(stem + askedEnds)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	var answers bytes.Buffer
	opened, err := c.takeRequests(ctx, by, f, &answers)
	err = errors.Join(err, f.Close())
	if err != nil && answers.Len() == 0 {
		return fmt.Errorf("%s: %w", stem+askedEnds, err)
	}
	if werr := os.WriteFile(stem+answersEnds, answers.Bytes(), 0o600); werr != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, werr)
	}
	ends := takenEnds
	if err != nil {
		ends, err = refusedEnds, fmt.Errorf("%s: %w", stem+askedEnds, err)
	}
	if rerr := os.Rename(stem+askedEnds, stem+ends); rerr != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, rerr)
	}
	fmt.Fprintf(c.Out, "%s: %d requests opened; answers in %s\n", stem+ends, opened, stem+answersEnds)
	return err
}

// nameRE is what a name from elsewhere looks like that says nothing of anybody.
var nameRE = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// incoming is a line of a file of requests.
type incoming struct {
	ID        string               `json:"id"`
	Silo      string               `json:"silo"`
	Kind      string               `json:"kind"`
	Subject   map[string]oneOrMore `json:"subject"`
	Received  string               `json:"received"`
	Purpose   string               `json:"purpose"`
	Marketing bool                 `json:"marketing"`
	Country   string               `json:"country"`
	Verified  string               `json:"verified"`
	For       string               `json:"for"`
}

// oneOrMore is one text or a list of them.
type oneOrMore []string

// UnmarshalJSON reads either.
func (v *oneOrMore) UnmarshalJSON(body []byte) error {
	var one string
	if json.Unmarshal(body, &one) == nil {
		*v = oneOrMore{one}
		return nil
	}
	var list []string
	err := json.Unmarshal(body, &list)
	*v = list
	return err
}

// answered is what became of a line.
type answered struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Silo   string `json:"silo,omitempty"`
	Status string `json:"status"`
	Due    string `json:"due,omitempty"`
	Error  string `json:"error,omitempty"`

	ask incoming
}

// What becomes of a line.
const (
	lineOpened  = "opened"
	lineKnown   = "known"
	lineRefused = "refused"
)

// longestLine is how long a line may be, and mostLines how many one delivery has.
const (
	longestLine = 64 << 10
	mostLines   = 100_000
)

// takeRequests records what it reads, silo by silo, and answers in the order in which it came. The error is
// [registry.ErrRefused] where lines were refused.
func (c *Command) takeRequests(ctx context.Context, by enterFlags, from io.Reader, to io.Writer) (opened int, err error) {
	lines, err := readRequests(from)
	if err != nil {
		return 0, err
	}
	_, cfg, err := c.load(ctx)
	if err != nil {
		return 0, err
	}
	var silos []string
	for i := range lines {
		l := &lines[i]
		if l.Status == "" && known(cfg, l.Silo) != nil {
			l.refuse(fmt.Errorf("its silo is not under silos: %s", strings.Join(slices.Sorted(maps.Keys(cfg.Silos)), ", ")))
			l.Silo = "" // it may be anything
		}
		if l.Status == "" && !slices.Contains(silos, l.Silo) {
			silos = append(silos, l.Silo)
		}
	}
	var failed []error
	names := map[string]string{}
	for _, silo := range silos {
		if err := c.takeSilo(ctx, by, silo, lines, names); err != nil {
			failed = append(failed, err)
			unanswered(lines, silo, err)
		}
	}
	refused := 0
	e := json.NewEncoder(to)
	for _, l := range lines {
		if err := e.Encode(l); err != nil {
			return opened, fmt.Errorf("%w: %w", setup.ErrConfig, err)
		}
		switch l.Status {
		case lineOpened:
			opened++
		case lineRefused:
			refused++
		}
	}
	if refused > 0 {
		failed = append(failed, fmt.Errorf("%w: %d of %d lines: the answers say why; the others are recorded",
			registry.ErrRefused, refused, len(lines)))
	}
	return opened, errors.Join(failed...)
}

// unanswered refuses what could not be recorded of a silo that failed: the others' lines are nothing to it.
func unanswered(lines []answered, silo string, err error) {
	for i := range lines {
		if l := &lines[i]; l.Silo == silo && l.Status == "" {
			l.refuse(fmt.Errorf("the silo could not be written to; hand the line over again when it can: %w", err))
		}
	}
}

func (l *answered) refuse(err error) { l.Status, l.Error = lineRefused, err.Error() }

// readRequests reads all lines. One that is none is refused; one that is too long ends the delivery, before anything is
// recorded.
func readRequests(from io.Reader) (lines []answered, err error) {
	in := bufio.NewScanner(from)
	in.Buffer(nil, longestLine)
	for n := 1; in.Scan(); n++ {
		body := bytes.TrimSpace(in.Bytes())
		if n == 1 {
			body = bytes.TrimPrefix(body, []byte("\ufeff"))
		}
		if len(body) == 0 {
			continue
		}
		if len(lines) == mostLines {
			return nil, fmt.Errorf("%w: line %d: a delivery has at most %d requests: split it", setup.ErrConfig, n, mostLines)
		}
		l := answered{Line: n}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&l.ask); err != nil || d.More() {
			l.refuse(errors.New("it is no request: one JSON object with the fields id, silo, kind, subject, and received, " +
				"purpose, marketing, country, verified, for, and no other (lethe request import --help)"))
		}
		l.ID, l.Silo = l.ask.ID, l.ask.Silo
		if l.Status == "" {
			if err := l.ask.check(); err != nil {
				l.refuse(err)
			}
		}
		if l.Status == lineRefused && !nameRE.MatchString(l.ID) {
			l.ID = "" // it may be anything
		}
		lines = append(lines, l)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", setup.ErrConfig, len(lines)+1, err)
	}
	return lines, nil
}

// check says what of a request cannot be, before the registry is asked.
func (q *incoming) check() error {
	switch {
	case !nameRE.MatchString(q.ID):
		return errors.New("id: up to 64 letters, digits, dots, - and _, that say nothing of anybody")
	case requestKinds[q.Kind] == "":
		return fmt.Errorf("kind: use %s", strings.Join(slices.Sorted(maps.Keys(requestKinds)), ", "))
	case len(q.Subject) == 0:
		return errors.New(`subject: say who asks, as {"email": "..."}`)
	case q.Verified != "" && !slices.Contains(waysOfShowing, q.Verified):
		return fmt.Errorf("verified: use %s", strings.Join(waysOfShowing, ", "))
	case q.For != "" && !slices.Contains(requesters, q.For):
		return fmt.Errorf("for: use %s", strings.Join(requesters, ", "))
	case q.For != "" && q.Verified == "":
		return errors.New("for: it goes with verified")
	case q.Kind != cases.RequestObjection && q.Kind != cases.RequestWithdrawal && (q.Purpose != "" || q.Marketing):
		return errors.New("purpose and marketing are of objection and withdrawal")
	}
	for kind := range q.Subject {
		if _, err := parseSubject(kind + "="); err != nil {
			return errors.New("subject: a kind of identifier is none: use email, phone, customer-number, username, " +
				"national-id:CC")
		}
	}
	return nil
}

// takeSilo records the lines of one silo. names are the silos of requests by their names: two silos are not to be joined
// by one.
func (c *Command) takeSilo(ctx context.Context, by enterFlags, silo string, lines []answered,
	names map[string]string) error {
	return c.withIntake(ctx, silo, true, func(o opened) error {
		list, err := o.intake.Asked(ctx, silo)
		if err != nil {
			return err
		}
		if len(names) == 0 { // else they were read for another silo
			maps.Copy(names, o.requestsOf(ctx, silo))
		}
		before := map[string]*cases.Asked{}
		for i := range list {
			before[list[i].ID], names[list[i].ID] = &list[i], silo
		}
		for i := range lines {
			l := &lines[i]
			if l.Silo != silo || l.Status != "" {
				continue
			}
			if other := names[l.ID]; other != "" && other != silo && before[l.ID] == nil {
				l.refuse(fmt.Errorf("id: %w", errOtherSilo))
				continue
			}
			if err := c.takeLine(ctx, by, o, l, before, names); err != nil {
				return fmt.Errorf("line %d: %w", l.Line, err)
			}
		}
		return nil
	})
}

// takeLine records one request. Its error is of what would be wrong with each.
func (c *Command) takeLine(ctx context.Context, by enterFlags, o opened, l *answered, before map[string]*cases.Asked,
	names map[string]string) error {
	was, known := before[l.ID]
	if known && was.Kind != l.ask.Kind {
		l.refuse(fmt.Errorf("id: a request of this name is there already, and is for %s", was.Kind))
		return nil
	}
	status := lineKnown
	if !known {
		received, err := pastInstant("received", l.ask.Received, c.Now(), o.p.Zone)
		if err != nil {
			l.refuse(errors.New("received: write 2006-01-02 or RFC 3339, and no instant in the future"))
			return nil
		}
		was = &cases.Asked{Request: cases.Request{ID: l.ID, Kind: l.ask.Kind, Received: received, Purpose: l.ask.Purpose,
			Marketing: l.ask.Marketing}}
		was.Due = answerEnds(o.cfg, o.p.Zone)(was.Request, 1)
		err = openRequest(ctx, c, o, by, l.Silo, was.Request, l.ask.who(), cmp.Or(l.ask.Country, o.cfg.Country(l.Silo)))
		if errors.Is(err, registry.ErrRefused) || errors.Is(err, setup.ErrUsage) || errors.Is(err, event.ErrRefused) {
			l.refuse(err)
			return nil
		}
		if err != nil {
			return err
		}
		before[l.ID], names[l.ID], status = was, l.Silo, lineOpened
	}
	if end := was.Deadline(); !end.IsZero() {
		l.Due = lastDay(end, o.p.Zone)
	}
	if l.ask.Verified != "" && !was.Verified() && was.Closed.IsZero() {
		step := verifiedBy(l.ask.Verified, cmp.Or(l.ask.For, requesters[0]), by.as)
		if err := by.request(ctx, c, o, l.Silo, l.ID, func() error {
			return o.intake.NoteRequest(ctx, l.Silo, l.ID, step)
		}, "verify", step.How); err != nil {
			return err
		}
		was.Steps = append(was.Steps, step)
	}
	l.Status = status
	return nil
}

// who are the identifiers of a line, in the order of their kinds.
func (q *incoming) who() (who []event.Subject) {
	for _, kind := range slices.Sorted(maps.Keys(q.Subject)) {
		for _, value := range q.Subject[kind] {
			who = append(who, event.Subject{Kind: kind, Value: value})
		}
	}
	return who
}

var errOtherSilo = errors.New("a request of another silo has this name, by which two silos could be joined: give each a " +
	"name of its own")

// requestsOf are the names of requests that other silos have, with the silo. One that cannot be read says nothing.
func (o opened) requestsOf(ctx context.Context, but string) map[string]string {
	names := map[string]string{}
	for name := range o.cfg.Silos {
		if name == but {
			continue
		}
		list, _ := o.intake.Asked(ctx, name)
		for i := range list {
			names[list[i].ID] = name
		}
	}
	return names
}

// openRequest lets who opens a request sign it, and opens it.
func openRequest(ctx context.Context, c *Command, o opened, by enterFlags, silo string, q cases.Request,
	who []event.Subject, country string) error {
	if q.Purpose != "" && !hasPurpose(o.p, silo, q.Purpose) {
		return fmt.Errorf("%w: purpose %q is none of silo %s", setup.ErrUsage, q.Purpose, silo)
	}
	return by.request(ctx, c, o, silo, q.ID, func() error { return o.intake.OpenRequest(ctx, silo, q, who, country) },
		"open", q.Kind, q.Purpose, fmt.Sprint(q.Marketing), q.Received.UTC().Format(time.RFC3339))
}
