// Package delivery reads the events that sources deliver: an Import says what comes and how it is written,
// a Reader yields its events, a Report counts what became of them, with a Reject for each line that was
// refused. It reads CSV, JSON Lines, Kantara consent receipts and ISO/IEC TS 27560 records, and records
// nothing.
package delivery

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/connectors/delimited"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// ErrUnreadable: the delivery as a whole is not one that can be read: its format, its columns, a default.
var ErrUnreadable = errors.New("delivery cannot be read")

// Format is the form of an import.
type Format string

// The formats. CSV and JSON Lines have the columns of Columns, JSON Lines one object a line; for the
// others see records.go.
const (
	CSV      Format = "csv"
	JSONL    Format = "jsonl"
	Kantara  Format = "kantara"  // consent receipts 1.1
	ISO27560 Format = "iso27560" // ISO/IEC TS 27560 records
)

// Import is a delivery of events to one silo.
type Import struct {
	Keys      *keystore.SiloKey // of the silo that receives; names it
	Reader    io.Reader
	Format    Format
	Source    string            // who delivers; part of what recognises a repeated event
	Signed    bool              // somebody signed it
	Columns   map[string]string // header as delivered: column of Columns, or "" to ignore it; others keep their name
	Zone      *time.Location    // of civil times without an offset; nil: UTC
	Country   string            // of phone numbers without a prefix
	Purposes  []string          // the silo's purposes; an event of another is refused. nil: any
	Notice    string            // for lines that name none; "": those that need one are refused
	Principal string            // kind of the principal's id in receipts and records; "": email
	DryRun    bool              // check everything, record nothing
	BatchRows int               // lines per transaction; 0: 20,000

	// PurposeNames translates purposes as a delivery writes them into those of the silo; others keep their
	// name.
	PurposeNames map[string]string

	Encoding string                       // of the text, "": UTF-8, or what a byte order mark says
	Dates    instant.Order                // of days that do not begin with the year; "": they are refused
	Words    map[string]map[string]string // column of Columns: word as delivered, in any case: what it means

	Default map[string]string // column: value, for lines that have none

	// Next, if set, yields the events in the place of Reader and Format: it fills in the next one, or
	// returns io.EOF at the end, a *RefusedError for one to refuse, another error to end the import. Lines
	// are counted from 1.
	Next func(*event.Event) error
	// Admit, if set, sees each event before it is recorded and may complete it, or bar it (Event.Barred). A
	// *RefusedError refuses it.
	Admit func(*event.Event) error
	// Recorded, if set, is told of each event that is on record, now or from before, after its batch is.
	// The event is valid until it returns.
	Recorded func(*event.Event)
	// Rejected, if set, is told of each event that is refused, also of those that the report has no room for.
	Rejected func(Reject)

	// Of the event at hand: the first instants of times that the clocks repeat or skip.
	firsts [3]time.Time
	end    time.Time // the last moment that its occurred_at can mean
}

// Report says what became of a delivery.
type Report struct {
	Lines      int      // data lines read
	Events     int      // lines recorded
	Duplicates int      // lines that were recorded before
	Refused    int      // lines refused
	Rejects    []Reject // the first of the refused, at most MaxRejects, by line
}

// MaxRejects bounds the list of an Report.
const MaxRejects = 10_000

// Reject is a refused line. It holds no value of it.
type Reject struct {
	Line   int // first line of the file is 1
	Reason event.Reason
	Column string // "" when the cause is no single column
	Why    string // more than the reason says, without any value of the line
}

func (r Reject) String() string { return fmt.Sprintf("line %d: %s", r.Line, r.refused()) }

// refused is the error that refuses the line.
func (r Reject) refused() *event.RefusedError {
	return &event.RefusedError{Reason: r.Reason, Column: r.Column, Why: r.Why}
}

// Columns are the columns an import may have, beside the identifier kinds (email, phone,
// customer-number, username, national-id:CC).
var Columns = []string{"type", "purpose", "purpose_version", "basis", "occurred_at", "effective_from",
	"effective_until", "notice",
	"evidence", "method", "collection", "record", "minor", "marketing", "id"}

// Reader reads the events of a delivery.
type Reader struct {
	lines lineReader
}

// NewReader begins to read a delivery. Its errors say what is wrong with the delivery as a whole.
func NewReader(in Import) (*Reader, error) {
	lines, err := in.lines()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return &Reader{lines}, nil
}

// Next reads the next event into e, whose list of subjects is used again, and returns its line. At the end
// of the delivery the error is io.EOF; a *RefusedError refuses this line alone, and any other error ends
// the reading.
func (r *Reader) Next(e *event.Event) (line int, err error) { return r.lines.next(e) }

// lineReader is what a Reader reads from.
type lineReader interface {
	next(e *event.Event) (line int, err error)
}

func (in *Import) lines() (lineReader, error) {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	if in.Source == "" {
		return nil, errors.New("name the source of the events (--source)")
	}
	for column := range in.Default {
		if column != "" && !slices.Contains(Columns, column) {
			return nil, fmt.Errorf("default for column %q: it is none of %s", column, strings.Join(Columns, ", "))
		}
	}
	if in.Next != nil {
		return &feed{in: in}, nil
	}
	if err := in.words(); err != nil {
		return nil, err
	}
	buffered, err := delimited.Decode(in.Reader, in.Encoding)
	if err != nil {
		return nil, err
	}
	switch in.Format {
	case CSV:
		return newCSVLines(in, buffered)
	case JSONL:
		return &jsonLines{in: in, reader: buffered}, nil
	case Kantara:
		return newRecordLines(in, buffered, (*recordLines).kantara), nil
	case ISO27560:
		return newRecordLines(in, buffered, (*recordLines).iso27560), nil
	}
	return nil, fmt.Errorf("format %q: give csv, jsonl, kantara or iso27560", in.Format)
}

// column resolves a header to a column: its name, or "" to ignore it. It is false for what is no column.
func (in *Import) column(header string) (string, bool) {
	name := strings.TrimSpace(header)
	if mapped, ok := in.Columns[name]; ok {
		if mapped == "" {
			return "", true
		}
		name = mapped
	}
	return name, slices.Contains(Columns, name) || identifier.Known(name)
}

// unknownColumns names the headers that are no columns, the first of them as what to write.
func unknownColumns(headers []string) error {
	var others string
	for i, name := range headers[1:] {
		others += []string{"; neither are ", ", "}[min(i, 1)] + strconv.Quote(name)
	}
	return fmt.Errorf("column %q is not known: say what it is, as --column \"%[1]s=email\", or ignore it, as "+
		"--column \"%[1]s=\"%s; columns are the kinds of identifiers, and %s",
		headers[0], others, strings.Join(Columns, ", "))
}

// set fills one column of an event; an empty value leaves it unset.
func (in *Import) set(p *event.Event, column, value string) error {
	if value == "" {
		return nil
	}
	if len(in.Words) > 0 {
		if value = in.translate(column, value); value == "" {
			return nil
		}
	}
	if text := textOf(p, column); text != nil {
		*text = value
		return nil
	}
	var err error
	switch column {
	case "type":
		var ok bool
		if p.Type, ok = event.ParseType(strings.ToLower(strings.TrimSpace(value))); !ok {
			return event.Refuse(event.BadType, column)
		}
	case "purpose":
		p.Purpose = in.purpose(value)
	case "occurred_at":
		err = in.occurred(p, value, column)
	case "effective_from":
		p.EffectiveFrom, err = in.instant(value, column, &in.firsts[1])
	case "effective_until":
		p.EffectiveUntil, err = in.instant(value, column, &in.firsts[2])
	case "collection":
		p.Collection = strings.TrimSpace(value)
	case "record":
		p.Record = strings.TrimSpace(value)
	case "minor":
		p.Minor, err = parseFlag(column, value)
	case "marketing":
		p.Marketing, err = parseFlag(column, value)
	default:
		if !identifier.Blank(value) {
			p.Subjects = append(p.Subjects, event.Subject{Kind: column, Value: value})
		}
	}
	return err
}

// textOf is where an event has the text of a column that is taken as it comes; nil for another column.
func textOf(e *event.Event, column string) *string {
	switch column {
	case "purpose_version":
		return &e.PurposeVersion
	case "basis":
		return &e.Basis
	case "notice":
		return &e.Notice
	case "evidence":
		return &e.Evidence
	case "method":
		return &e.Method
	case "id":
		return &e.ID
	}
	return nil
}

// begin makes an empty event of this delivery.
func (in *Import) begin(e *event.Event) {
	*e = event.Event{Source: in.Source, Signed: in.Signed, Country: in.Country, Subjects: e.Subjects[:0]}
	in.firsts, in.end = [3]time.Time{}, time.Time{}
}

// finish applies the defaults of the delivery, and lets what grants something begin, and end, at the first of
// two instants, and a no and an answer at the last moment that its text can mean.
func (in *Import) finish(p *event.Event) error {
	for column, value := range in.Default {
		if lacks(p, column) {
			if err := in.set(p, column, value); err != nil {
				return err
			}
		}
	}
	in.close(p)
	if !p.Type.Kind().Grants {
		return nil
	}
	p.Notice = cmp.Or(p.Notice, in.Notice)
	for i, at := range []*time.Time{&p.OccurredAt, &p.EffectiveFrom, &p.EffectiveUntil} {
		if !in.firsts[i].IsZero() {
			*at = in.firsts[i]
		}
	}
	return nil
}

// close lets an event of a day alone come at the end of the day, as its type does; what ends that day, ends no earlier.
func (in *Import) close(p *event.Event) {
	if !p.Type.Closes() || in.end.IsZero() {
		return
	}
	if until := p.EffectiveUntil; !until.Before(p.OccurredAt) && until.Before(in.end) {
		p.EffectiveUntil = in.end
	}
	if p.OccurredAt.Before(in.end) {
		p.DayBegan, p.OccurredAt = p.OccurredAt, in.end
	}
}

// lacks reports whether a line says nothing in a column. A flag that is off says nothing.
func lacks(e *event.Event, column string) bool {
	if text := textOf(e, column); text != nil {
		return *text == ""
	}
	switch column {
	case "type":
		return e.Type == ""
	case "purpose":
		return e.Purpose == ""
	case "collection":
		return e.Collection == ""
	case "record":
		return e.Record == ""
	case "occurred_at":
		return e.OccurredAt.IsZero()
	case "effective_from":
		return e.EffectiveFrom.IsZero()
	case "effective_until":
		return e.EffectiveUntil.IsZero()
	case "minor":
		return !e.Minor
	case "marketing":
		return !e.Marketing
	}
	return true
}

// feed reads what Import.Next yields.
type feed struct {
	in   *Import
	line int
}

func (f *feed) next(e *event.Event) (int, error) {
	f.line++
	f.in.begin(e)
	if err := f.in.Next(e); err != nil {
		return f.line, err
	}
	return f.line, f.in.finish(e)
}

func parseFlag(column, value string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true", "yes", "y", "t":
		return true, nil
	case "0", "false", "no", "n", "f":
		return false, nil
	}
	return false, event.Refuse(event.BadFlag, column)
}
