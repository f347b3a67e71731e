package delivery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/receipt"
)

// Consents that come as whole records: Kantara consent receipts 1.1 and ISO/IEC TS 27560 records, both
// JSON. A file holds one record, an array of them, or one after the other. A record becomes one event for
// each of its purposes (and of its events); each is recorded or refused on its own, and stands for one line
// in the report, with the line of the file where its record begins. The whole record is the evidence, so
// its salted commitment is stored, and it its own collection.

// maxRecord bounds one record.
const maxRecord = 4 << 20

// recordLines reads records.
type recordLines struct {
	in      *Import
	lines   *lineCounter
	decoder *json.Decoder
	parse   func(*recordLines, []byte) error
	array   bool
	begun   bool
	line    int // where the record at hand begins
	queue   []queued
}

type queued struct {
	event event.Event
	err   error
}

func newRecordLines(in *Import, r io.Reader, parse func(*recordLines, []byte) error) *recordLines {
	counter := &lineCounter{reader: r}
	return &recordLines{in: in, lines: counter, decoder: json.NewDecoder(counter), parse: parse}
}

func (l *recordLines) next(e *event.Event) (int, error) {
	for len(l.queue) == 0 {
		record, err := l.record()
		if err != nil {
			return 0, err
		}
		if err := l.parse(l, record); err != nil {
			l.queue = append(l.queue, queued{err: err})
		}
	}
	first := l.queue[0]
	l.queue = l.queue[1:]
	*e = first.event
	return l.line, first.err
}

// record reads one record. What is no JSON ends the import, because nothing says where the next record begins.
func (l *recordLines) record() ([]byte, error) {
	if !l.begun {
		l.begun = true
		if l.array = l.lines.startsWith('['); l.array {
			if _, err := l.decoder.Token(); err != nil {
				return nil, l.broken(err)
			}
		}
	}
	if l.array && !l.decoder.More() {
		if _, err := l.decoder.Token(); err != nil {
			return nil, l.broken(err)
		}
		return nil, io.EOF
	}
	l.lines.limit = l.decoder.InputOffset() + maxRecord
	var raw json.RawMessage
	err := l.decoder.Decode(&raw)
	if errors.Is(err, io.EOF) && !l.array {
		return nil, io.EOF
	}
	if err != nil {
		return nil, l.broken(err)
	}
	l.line = l.lines.lineAt(l.decoder.InputOffset() - int64(len(raw)))
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, l.broken(err)
	}
	return compact.Bytes(), nil
}

func (l *recordLines) broken(err error) error {
	place := l.lines.lineAt(l.decoder.InputOffset())
	switch {
	case errors.Is(err, errRecordSize):
		return fmt.Errorf("the record at or after line %d is longer than %d MiB", place, maxRecord>>20)
	case l.lines.failed != nil:
		return fmt.Errorf("read the delivery: %w", l.lines.failed)
	}
	return fmt.Errorf("no JSON at or after line %d; what was read before is recorded: correct the file and import "+
		"it again", place)
}

func (l *recordLines) add(e *event.Event, err error) { l.queue = append(l.queue, queued{*e, err}) }

// about begins an event of a record.
func (l *recordLines) about(record []byte, id, principal string) *event.Event {
	p := &event.Event{}
	l.in.begin(p)
	kind := l.in.Principal
	if kind == "" {
		kind = identifier.Email
	}
	p.Collection, p.Evidence = strings.TrimSpace(id), string(record)
	if principal != "" {
		p.Subjects = append(p.Subjects, event.Subject{Kind: kind, Value: principal})
	}
	return p
}

// purpose translates a purpose into the silo's words.
func (in *Import) purpose(name string) string {
	name = strings.TrimSpace(name)
	if known, ok := in.PurposeNames[name]; ok {
		return known
	}
	return name
}

// kantaraReceipt is what is read of a Kantara Consent Receipt 1.1.
type kantaraReceipt struct {
	Version   string          `json:"version"`
	Timestamp json.RawMessage `json:"consentTimestamp"` // seconds since 1970
	Method    string          `json:"collectionMethod"`
	ID        string          `json:"consentReceiptID"`
	Principal string          `json:"piiPrincipalId"`
	Policy    string          `json:"policyUrl"`
	Services  []struct {
		Purposes []struct {
			Purpose     string `json:"purpose"`
			ConsentType string `json:"consentType"`
			Termination string `json:"termination"`
		} `json:"purposes"`
	} `json:"services"`
}

func (l *recordLines) kantara(record []byte) error {
	var r kantaraReceipt
	if err := json.Unmarshal(record, &r); err != nil {
		return event.Refuse(event.BadLine, "")
	}
	switch {
	case namedTwice(record):
		return twice("")
	case !strings.HasPrefix(r.Version, "KI-CR-v1."):
		return event.Refuse(event.BadLine, "version")
	case r.ID == "":
		return event.Refuse(event.BadLine, "consentReceiptID")
	}
	var given event.Event
	when := string(r.Timestamp) // seconds, as the specification wants, or an instant, as many write
	if r.Timestamp != nil && json.Unmarshal(r.Timestamp, &when) != nil {
		when = string(r.Timestamp)
	}
	if err := l.in.occurred(&given, when, "consentTimestamp"); err != nil {
		return err
	}
	first := l.in.firsts[0]
	n := len(l.queue)
	for i, service := range r.Services {
		for j, purpose := range service.Purposes {
			p := l.about(record, r.ID, r.Principal)
			p.Type, p.Purpose, p.Notice, p.Method = event.Given, l.in.purpose(purpose.Purpose), r.Policy,
				event.ActIn(r.Method)
			p.OccurredAt, p.Zone, p.ID = given.OccurredAt, given.Zone, fmt.Sprintf("%s/%d/%d", r.ID, i, j)
			l.in.firsts[0] = first // about began another event
			place := fmt.Sprintf("services[%d].purposes[%d].", i, j)
			var err error
			switch {
			case strings.EqualFold(purpose.ConsentType, "implicit") || strings.EqualFold(purpose.ConsentType,
				"implied"):
				err = event.Refuse(event.ImpliedConsent, place+"consentType")
			default:
				p.EffectiveUntil, err = l.in.termination(p.OccurredAt, purpose.Termination, place+"termination")
			}
			err = cmp.Or(err, l.in.finish(p))
			l.add(p, err)
		}
	}
	if len(l.queue) == n {
		return event.Refuse(event.NoPurpose, "services")
	}
	return nil
}

// terms are the words for an open end.
var openTerms = []string{"", "endless", "until withdrawn", "until withdrawal", "withdrawal", "upon withdrawal",
	"dpv:endlessduration", "https://w3id.org/dpv#endlessduration"}

var termRE = regexp.MustCompile(`^([0-9]{1,4}) (day|week|month|year)s?$`)

// termination reads when a consent given at an instant ends: an ISO 8601 period, "24 months", a date or an
// instant, or an open end in words. Anything else, such as "subscription end date + 1 year" or a link to a
// policy, is refused: a person must say what it means.
func (in *Import) termination(at time.Time, text, column string) (time.Time, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if slices.Contains(openTerms, text) {
		return time.Time{}, nil
	}
	if m := termRE.FindStringSubmatch(text); m != nil {
		text = "p" + m[1] + m[2][:1]
	}
	if period, err := calendar.ParsePeriod(strings.ToUpper(text)); err == nil && !period.IsZero() {
		return (calendar.EndOf(calendar.DateOf(at, in.Zone), period) + 1).Start(in.Zone), nil
	}
	until, err := instant.Writing{Zone: in.Zone, Order: in.Dates}.Read([]byte(text))
	switch {
	case err == nil:
		return until.First, nil
	case in.Default["effective_until"] != "": // a person said
		return time.Time{}, nil
	}
	return time.Time{}, event.Refuse(event.BadTermination, column)
}

// consentStates are the states of ISO/IEC TS 27560 as the W3C Data Privacy Vocabulary names them, with the
// event that leads to each. Those that say that nothing was decided yet are no events.
var consentStates = map[string]event.Type{"consentgiven": event.Given, "renewedconsentgiven": event.Renewed,
	"consentrefused": event.Refused, "consentwithdrawn": event.Withdrawn,
	"consentexpired": event.Expired, "consentinvalidated": event.Invalidated, "consentterminated": event.Invalidated}

// consentState reads a state with or without its prefix.
func consentState(text string) (event.Type, bool) {
	text = strings.ToLower(text[strings.LastIndexAny(text, ":#/")+1:])
	if !strings.Contains(text, "consent") {
		text = "consent" + text
	}
	typ, ok := consentStates[text]
	return typ, ok
}

func (l *recordLines) iso27560(record []byte) error {
	var r receipt.Receipt
	if err := json.Unmarshal(record, &r); err != nil {
		return event.Refuse(event.BadLine, "")
	}
	switch {
	case namedTwice(record):
		return twice("")
	case r.SchemaVersion == "":
		return event.Refuse(event.BadLine, "schema_version")
	case r.RecordID == "":
		return event.Refuse(event.BadLine, "record_id")
	case len(r.Processing.Purposes) == 0:
		return event.Refuse(event.NoPurpose, "pii_processing.purposes")
	case len(r.Events) == 0:
		return event.Refuse(event.BadLine, "events")
	}
	for i, said := range r.Events {
		place := fmt.Sprintf("events[%d].", i)
		for j, purpose := range r.Processing.Purposes {
			if said.Purpose != "" && said.Purpose != purpose.Purpose {
				continue
			}
			p := l.about(record, r.RecordID, r.PrincipalID)
			p.Purpose, p.Notice, p.Method = l.in.purpose(purpose.Purpose), r.Processing.Notice,
				event.ActIn(r.Processing.CollectionMethod)
			p.ID = fmt.Sprintf("%s/%d/%d", r.RecordID, i, j)
			err := l.isoEvent(p, said, place)
			l.add(p, err)
		}
	}
	return nil
}

func (l *recordLines) isoEvent(p *event.Event, said receipt.Event, place string) error {
	var ok bool
	var err error
	if p.Type, ok = consentState(said.State); !ok {
		return event.Refuse(event.BadType, place+"event_state")
	}
	if err := l.in.occurred(p, said.Time, place+"event_time"); err != nil {
		return err
	}
	if !p.Type.Kind().Grants {
		l.in.close(p)
		return nil
	}
	if typ := strings.ToLower(said.Type[strings.LastIndexAny(said.Type, ":#/")+1:]); strings.HasPrefix(typ,
		"impli") || strings.HasPrefix(typ, "tacit") {
		return event.Refuse(event.ImpliedConsent, place+"event_type")
	}
	if p.EffectiveUntil, err = l.in.termination(p.OccurredAt, said.Validity, place+"validity_duration"); err != nil {
		return err
	}
	return l.in.finish(p)
}

// lineCounter counts the lines of what passes through it and bounds how far ahead is read.
type lineCounter struct {
	reader  io.Reader
	read    int64
	limit   int64   // error when more is read; 0: none
	ends    []int64 // offsets behind the line ends that lineAt has not passed
	passed  int
	pending []byte // read ahead by startsWith
	failed  error
}

var errRecordSize = errors.New("record too long")

func (c *lineCounter) Read(p []byte) (int, error) {
	if c.limit > 0 && c.read > c.limit {
		return 0, errRecordSize
	}
	if len(p) > 1<<16 {
		p = p[:1<<16] // so that the limit holds
	}
	var n int
	var err error
	if len(c.pending) > 0 {
		n = copy(p, c.pending)
		c.pending = c.pending[n:]
	} else if n, err = c.reader.Read(p); err != nil && !errors.Is(err, io.EOF) {
		c.failed = err
	}
	for i, b := range p[:n] {
		if b == '\n' {
			c.ends = append(c.ends, c.read+int64(i)+1)
		}
	}
	c.read += int64(n)
	return n, err
}

// startsWith looks for the first character that is no white space; it is called before anything is read.
func (c *lineCounter) startsWith(first byte) bool {
	for {
		var one [1]byte
		n, err := c.reader.Read(one[:])
		c.pending = append(c.pending, one[:n]...)
		if n > 0 && !bytes.ContainsAny(one[:], " \t\r\n") {
			return one[0] == first
		}
		if err != nil {
			return false
		}
	}
}

// lineAt is the line of an offset; offsets must not go backwards.
func (c *lineCounter) lineAt(offset int64) int {
	n := 0
	for n < len(c.ends) && c.ends[n] <= offset {
		n++
	}
	c.ends = slices.Delete(c.ends, 0, n)
	c.passed += n
	return c.passed + 1
}
