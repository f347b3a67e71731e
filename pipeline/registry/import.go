package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/registry/keystore"
)

// Format is the form of an import.
type Format string

// The formats. CSV and JSON Lines have the columns of ImportColumns, JSON Lines one object a line; for the others see records.go.
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
	Columns   map[string]string // header as delivered: column of ImportColumns, or "" to ignore it; others keep their name
	Zone      *time.Location    // of instants without an offset; nil: UTC
	Country   string            // of phone numbers without a prefix
	Purposes  []string          // the silo's purposes; an event of another is refused. nil: any
	Notice    string            // for lines that name none; "": those that need one are refused
	Principal string            // kind of the principal's id in receipts and records; "": email
	DryRun    bool              // check everything, record nothing
	BatchRows int               // lines per transaction; 0: 20,000

	// PurposeNames translates purposes as a delivery writes them into those of the silo; others keep their name.
	PurposeNames map[string]string

	Encoding string                       // of the text, see DecodeText; "": UTF-8, or what a byte order mark says
	Dates    DayOrder                     // of dates that are not written as 2006-01-02; "": they are refused
	Words    map[string]map[string]string // column of ImportColumns: word as delivered, in any case: what it means

	Default map[string]string // column: value, for lines that have none

	// Next, if set, yields the events in the place of Reader and Format: it fills in the next one, or returns io.EOF at the end, a
	// *RefusedError for one to refuse, another error to end the import. Lines are counted from 1.
	Next func(*Event) error
	// Admit, if set, sees each event before it is recorded and may complete it, or bar it (Event.Barred). A *RefusedError refuses it.
	Admit func(*Event) error
	// Recorded, if set, is told of each event that is on record, now or from before, after its batch is. The event is valid until it returns.
	Recorded func(*Event)
	// Rejected, if set, is told of each event that is refused, also of those that the report has no room for.
	Rejected func(Reject)

	spare []*pending // of the batch before, for use again
}

// ImportReport says what became of a delivery.
type ImportReport struct {
	Lines      int      // data lines read
	Events     int      // lines recorded
	Duplicates int      // lines that were recorded before
	Refused    int      // lines refused
	Rejects    []Reject // the first of the refused, at most MaxRejects, by line
}

// MaxRejects bounds the list of an ImportReport.
const MaxRejects = 10_000

// Reject is a refused line. It holds no value of it.
type Reject struct {
	Line   int // first line of the file is 1
	Reason Reason
	Column string // "" when the cause is no single column
}

func (r Reject) String() string {
	return fmt.Sprintf("line %d: %s", r.Line, &RefusedError{r.Reason, r.Column})
}

// ImportColumns are the columns an import may have, beside the identifier kinds (email, phone, customer-number, username,
// national-id:CC).
var ImportColumns = []string{"type", "purpose", "purpose_version", "basis", "occurred_at", "effective_from", "effective_until", "notice",
	"evidence", "method", "collection", "record", "minor", "marketing", "id"}

const defaultBatchRows = 20_000

// Import records a delivery in transactions of BatchRows lines. A line is recorded whole or refused; a refused line does not stop the
// others. Interrupted, it is resumed by importing the same delivery again: what was recorded counts as duplicate. An error (an unreadable
// file, a column nobody knows, a locked registry) ends it with what was recorded so far in the report.
func (r *Registry) Import(ctx context.Context, in Import) (ImportReport, error) {
	var report ImportReport
	what := fmt.Sprintf("import consents into silo %q", in.Keys.Silo())
	lines, err := in.lines()
	if err != nil {
		return report, fmt.Errorf("%s: %w: %w", what, ErrDelivery, err)
	}
	purposes := make(map[string]bool, len(in.Purposes))
	for _, p := range in.Purposes {
		purposes[p] = true
	}
	rows := in.BatchRows
	if rows <= 0 {
		rows = defaultBatchRows
	}
	l := &load{in: &in, lines: lines, purposes: purposes, rows: rows, report: &report, scratch: make([]byte, 0, 512)}
	if in.DryRun {
		return report, r.dryRun(ctx, what, l)
	}
	for p := l.fill(); ; {
		if p.err != nil {
			return report, fmt.Errorf("%s: %w", what, p.err)
		}
		// The next portion is read while this one is written. A delivery may come from a pipe: nothing is locked while only reading goes on.
		ahead := make(chan *portion, 1)
		if !p.last {
			go func() {
				next := l.fill()
				next.known = r.lookAhead(ctx, l.in.Keys.Silo(), next.batch)
				ahead <- next
			}()
		}
		err := r.record(ctx, what, l, p)
		var next *portion
		if !p.last {
			next = <-ahead
		}
		if err != nil {
			return report, err
		}
		l.count(p)
		if next == nil {
			return report, nil
		}
		p = next
	}
}

// load is the state of one import.
type load struct {
	in       *Import
	lines    lineReader
	purposes map[string]bool
	rows     int
	report   *ImportReport
	scratch  []byte
	fresh    bool      // the last portion had nothing that was recorded before
	before   *lookedUp // the last portion
}

// portion is what one transaction records.
type portion struct {
	batch   []*pending
	rejects []Reject
	lines   int
	last    bool      // the delivery ends with it
	err     error     // ends the import
	known   *lookedUp // nil: the writer has to look
}

// lookedUp are the collections that the identifiers of a portion lead to. Every change of an alias comes with an event, so they hold for as long as the
// chain ends with head.
type lookedUp struct {
	before  [sha256.Size]byte // where the chain ended before the portion was recorded, once it is
	head    [sha256.Size]byte
	aliases map[Ref][]int64
}

// lookAhead looks a portion up while the one before it is still being written; nil if that fails: it is then looked up by the writer.
func (r *Registry) lookAhead(ctx context.Context, silo string, batch []*pending) *lookedUp {
	tx, err := r.begin(ctx, true)
	if err != nil {
		return nil
	}
	defer tx.end()
	s, err := siloOf(ctx, tx.handle, silo)
	if err != nil {
		return nil
	}
	aliases, err := tx.knownAliases(ctx, s, batch)
	if err != nil {
		return nil
	}
	return &lookedUp{head: s.Hash, aliases: aliases}
}

// at are the aliases where the chain ends with head, last being the portion recorded before; false if somebody else has written since they were looked up.
func (k *lookedUp) at(head [sha256.Size]byte, last *lookedUp) (map[Ref][]int64, bool) {
	if k == nil {
		return nil, false
	}
	if last != nil && last.head == head && last.before == k.head {
		for ref := range k.aliases {
			if here, ok := last.aliases[ref]; ok {
				k.aliases[ref] = here
			}
		}
		return k.aliases, true
	}
	return k.aliases, k.head == head
}

// fill reads the next portion.
func (l *load) fill() *portion {
	portion := &portion{batch: make([]*pending, 0, l.rows)}
	for len(portion.batch) < l.rows {
		p, err := l.lines.next()
		if errors.Is(err, io.EOF) {
			portion.last = true
			break
		}
		if p == nil {
			portion.err = err
			break
		}
		portion.lines++
		if err == nil {
			err = l.accept(p)
		}
		if err != nil {
			portion.rejects = append(portion.rejects, rejectOf(p.line, err))
			continue
		}
		portion.batch = append(portion.batch, p)
	}
	return portion
}

func (l *load) accept(p *pending) error {
	if err := p.check(l.purposes); err != nil {
		return err
	}
	if !kinds[p.Type].imported {
		return refuse(BadType, "type")
	}
	if l.in.Admit != nil {
		if err := l.in.Admit(&p.Event); err != nil {
			return err
		}
	}
	return p.prepare(l.in.Keys, &l.scratch)
}

// record writes a portion in one transaction. A delivery is seldom half new: after a portion without a known event the next one is written without
// asking, and if that was wrong, once more with asking.
func (r *Registry) record(ctx context.Context, what string, l *load, p *portion) error {
	ask := !l.fresh
	for {
		err := r.importTx(ctx, what, l.in.Keys, func(w *writer) error {
			w.unasked = !ask
			before := w.silo.Hash
			aliases, ok := p.known.at(before, l.before)
			p.known = nil // appending changes it
			if !ok {
				var err error
				if aliases, err = w.tx.knownAliases(ctx, w.silo, p.batch); err != nil {
					return err
				}
			}
			if err := w.appendKnowing(ctx, p.batch, aliases); err != nil {
				return err
			}
			l.before = &lookedUp{before, w.silo.Hash, aliases}
			return w.finish(ctx, true)
		})
		if ask || !errors.Is(err, errRecorded) {
			return err
		}
		ask = true
		for _, e := range p.batch {
			e.again()
		}
	}
}

// dryRun does everything in one transaction, so that it sees its own duplicates, and takes it back.
func (r *Registry) dryRun(ctx context.Context, what string, l *load) error {
	errDry := errors.New("dry run")
	p := l.fill()
	err := r.importTx(ctx, what, l.in.Keys, func(w *writer) error {
		for ; ; p = l.fill() {
			if p.err != nil {
				return p.err
			}
			if err := w.append(ctx, p.batch); err != nil {
				return err
			}
			l.count(p)
			if p.last {
				return errDry
			}
		}
	})
	if errors.Is(err, errDry) {
		return nil
	}
	return err
}

// count moves a portion's outcomes into the report.
func (l *load) count(portion *portion) {
	l.report.Lines += portion.lines
	l.fresh = len(portion.batch) > 0
	rejects := portion.rejects
	for _, p := range portion.batch {
		switch {
		case p.refused != nil:
			rejects = append(rejects, rejectOf(p.line, p.refused))
			l.fresh = false
		case p.duplicate:
			l.report.Duplicates++
			l.fresh = false
		default:
			l.report.Events++
		}
		if p.refused == nil && l.in.Recorded != nil {
			l.in.Recorded(&p.Event)
		}
	}
	l.in.spare = append(l.in.spare, portion.batch...)
	slices.SortFunc(rejects, func(a, b Reject) int { return a.Line - b.Line })
	l.report.Refused += len(rejects)
	for _, r := range rejects {
		if l.in.Rejected != nil {
			l.in.Rejected(r)
		}
	}
	l.report.Rejects = append(l.report.Rejects, rejects[:min(len(rejects), MaxRejects-len(l.report.Rejects))]...)
}

// importTx runs one transaction.
func (r *Registry) importTx(ctx context.Context, what string, keys *keystore.SiloKey, f func(*writer) error) error {
	return r.write(ctx, what, func(tx *txn) error {
		w, err := r.writer(ctx, tx, keys.Silo())
		if err == nil {
			err = w.under(keys)
		}
		if err != nil {
			return err
		}
		return f(w)
	})
}

func rejectOf(line int, err error) Reject {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		refused = &RefusedError{Reason: BadLine}
	}
	return Reject{Line: line, Reason: refused.Reason, Column: refused.Column}
}

// lineReader yields one event a call: io.EOF at the end, an event with an error for a line to refuse, no event with an error that ends the
// import.
type lineReader interface {
	next() (*pending, error)
}

func (in *Import) lines() (lineReader, error) {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	if in.Source == "" {
		return nil, errors.New("name the source of the events (--source)")
	}
	for column := range in.Default {
		if column != "" && !slices.Contains(ImportColumns, column) {
			return nil, fmt.Errorf("default for column %q: it is none of %s", column, strings.Join(ImportColumns, ", "))
		}
	}
	if in.Next != nil {
		return &feed{in: in}, nil
	}
	if err := in.words(); err != nil {
		return nil, err
	}
	buffered, err := DecodeText(in.Reader, in.Encoding)
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
	return name, slices.Contains(ImportColumns, name) || KnownKind(name)
}

// unknownColumns names the headers that are no columns, the first of them as what to write.
func unknownColumns(headers []string) error {
	var others string
	for i, name := range headers[1:] {
		others += []string{"; neither are ", ", "}[min(i, 1)] + strconv.Quote(name)
	}
	return fmt.Errorf("column %q is not known: say what it is, as --column \"%[1]s=email\", or ignore it, as --column \"%[1]s=\"%s; columns are the kinds of identifiers, and %s",
		headers[0], others, strings.Join(ImportColumns, ", "))
}

// set fills one column of an event; an empty value leaves it unset.
func (in *Import) set(p *pending, column, value string) error {
	if value == "" {
		return nil
	}
	if len(in.Words) > 0 {
		if value = in.translate(column, value); value == "" {
			return nil
		}
	}
	var err error
	switch column {
	case "type":
		var ok bool
		if p.Type, ok = ParseEventType(strings.ToLower(strings.TrimSpace(value))); !ok {
			return refuse(BadType, column)
		}
	case "purpose":
		p.Purpose = in.purpose(value)
	case "purpose_version":
		p.PurposeVersion = value
	case "basis":
		p.Basis = value
	case "occurred_at":
		if p.OccurredAt, p.Zone, err = ParseInstant(in.Dates.iso(value), in.Zone); err != nil {
			return refuse(BadTime, column)
		}
	case "effective_from":
		if p.EffectiveFrom, _, err = ParseInstant(in.Dates.iso(value), in.Zone); err != nil {
			return refuse(BadTime, column)
		}
	case "effective_until":
		if p.EffectiveUntil, _, err = ParseInstant(in.Dates.iso(value), in.Zone); err != nil {
			return refuse(BadTime, column)
		}
	case "notice":
		p.Notice = value
	case "evidence":
		p.Evidence = value
	case "method":
		p.Method = value
	case "collection":
		p.Collection = strings.TrimSpace(value)
	case "record":
		p.Record = strings.TrimSpace(value)
	case "minor":
		p.Minor, err = parseFlag(column, value)
	case "marketing":
		p.Marketing, err = parseFlag(column, value)
	case "id":
		p.ID = value
	default:
		p.Subjects = append(p.Subjects, Subject{Kind: column, Value: value})
	}
	return err
}

func (in *Import) event(line int) *pending {
	if n := len(in.spare); n > 0 {
		p := in.spare[n-1]
		in.spare = in.spare[:n-1]
		*p = pending{line: line, Event: Event{Source: in.Source, Country: in.Country, Subjects: p.Subjects[:0]}, identifiers: p.identifiers[:0]}
		return p
	}
	return &pending{line: line, Event: Event{Source: in.Source, Country: in.Country}}
}

// finish applies the defaults of the delivery.
func (in *Import) finish(p *pending) error {
	for column, value := range in.Default {
		if p.lacks(column) {
			if err := in.set(p, column, value); err != nil {
				return err
			}
		}
	}
	if p.Notice == "" && kinds[p.Type].grants {
		p.Notice = in.Notice
	}
	return nil
}

// lacks reports whether a line says nothing in a column. A flag that is off says nothing.
func (e *Event) lacks(column string) bool {
	switch column {
	case "type":
		return e.Type == ""
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
	texts := map[string]string{"purpose": e.Purpose, "purpose_version": e.PurposeVersion, "basis": e.Basis, "notice": e.Notice, "evidence": e.Evidence, "method": e.Method,
		"collection": e.Collection, "record": e.Record, "id": e.ID}
	return texts[column] == ""
}

// feed reads what Import.Next yields.
type feed struct {
	in   *Import
	line int
}

func (f *feed) next() (*pending, error) {
	f.line++
	p := f.in.event(f.line)
	var refused *RefusedError
	switch err := f.in.Next(&p.Event); {
	case errors.As(err, &refused):
		return p, err
	case err != nil:
		return nil, err
	}
	return p, f.in.finish(p)
}

func parseFlag(column, value string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true", "yes", "y", "t":
		return true, nil
	case "0", "false", "no", "n", "f":
		return false, nil
	}
	return false, refuse(BadFlag, column)
}

// instantLayouts are the forms of an instant. A date alone is its first moment, so an effective_until of 2027-01-01 ends with 2026.
var instantLayouts = []struct {
	layout string
	offset bool
}{
	{time.RFC3339Nano, true},
	{"2006-01-02 15:04:05Z07:00", true},
	{"2006-01-02 15:04:05", false},
	{"2006-01-02T15:04:05", false},
	{"2006-01-02 15:04", false},
	{"2006-01-02T15:04", false},
	{"2006-01-02", false},
}

// ParseInstant reads an instant as deliveries write it: one without an offset is of the zone, a date alone its first moment there. It returns the name of
// the zone or the offset as well.
func ParseInstant(value string, zone *time.Location) (time.Time, string, error) {
	value = strings.TrimSpace(value)
	// The length tells most forms apart, which saves the price of failed attempts.
	for _, l := range instantLayouts {
		if len(value) < 11 && len(l.layout) != len(value) || len(value) == 19 && l.offset {
			continue
		}
		t, err := time.ParseInLocation(l.layout, value, zone)
		if err != nil {
			continue
		}
		name := zone.String()
		if l.offset {
			name = t.Format("Z07:00")
		}
		return t.Truncate(time.Microsecond), name, nil
	}
	return time.Time{}, "", errors.New("not an instant")
}

// csvLines reads CSV with a header line.
type csvLines struct {
	in      *Import
	reader  *csv.Reader
	columns []string // "" ignored
}

func newCSVLines(in *Import, r *bufio.Reader) (*csvLines, error) {
	l := &csvLines{in: in, reader: csv.NewReader(r)}
	l.reader.Comma = Separator(r)
	l.reader.ReuseRecord = true
	l.reader.FieldsPerRecord = -1
	if err := checkJSON(r); err != nil {
		return nil, err
	}
	head, err := l.reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("read the line of column names: %w", err)
	}
	if err := checkHead(head); err != nil {
		return nil, err
	}
	var unknown []string
	for _, h := range head {
		name, ok := in.column(h)
		if !ok {
			unknown = append(unknown, strings.TrimSpace(h))
			continue
		}
		if name != "" && slices.Contains(l.columns, name) {
			return nil, fmt.Errorf("column %q stands twice", name)
		}
		l.columns = append(l.columns, name)
	}
	if len(unknown) > 0 {
		return nil, unknownColumns(unknown)
	}
	for name := range in.Columns {
		if !slices.ContainsFunc(head, func(h string) bool { return strings.TrimSpace(h) == name }) {
			return nil, fmt.Errorf("--column names %q, and there is no such column", name)
		}
	}
	for _, need := range []string{"type", "occurred_at"} {
		if !slices.Contains(l.columns, need) && in.Default[need] == "" {
			return nil, fmt.Errorf("there is no column %q: say which one it is, as --column \"NAME=%[1]s\", or what holds for all lines, as --default %[1]s=VALUE", need)
		}
	}
	return l, nil
}

// Separator is what the first line of a CSV file has most of: comma, semicolon, tab or bar.
func Separator(r *bufio.Reader) rune {
	head, _ := r.Peek(4096) // a shorter file gives what it has
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best := ','
	for _, sep := range []rune{';', '\t', '|'} {
		if bytes.Count(line, []byte(string(sep))) > bytes.Count(line, []byte(string(best))) {
			best = sep
		}
	}
	return best
}

func (l *csvLines) next() (*pending, error) {
	record, err := l.reader.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		if bad.Line > bad.StartLine {
			return l.in.event(bad.StartLine), refuse(OpenQuote, "")
		}
		return l.in.event(bad.StartLine), refuse(BadLine, "")
	case errors.Is(err, io.EOF):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("read the delivery: %w", err)
	}
	line, _ := l.reader.FieldPos(0)
	p := l.in.event(line)
	if len(record) != len(l.columns) {
		return p, refuse(BadLine, "")
	}
	for i, value := range record {
		if l.columns[i] == "" {
			continue
		}
		// The fields of a record share one string; a copy of each short text would cost more than it frees.
		if err := l.in.set(p, l.columns[i], value); err != nil {
			return p, err
		}
	}
	return p, l.in.finish(p)
}

// maxLine bounds a JSON line.
const maxLine = 1 << 20

// jsonLines reads one JSON object a line; empty lines count but say nothing.
type jsonLines struct {
	in     *Import
	reader *bufio.Reader
	line   int
	buf    []byte
}

func (l *jsonLines) next() (*pending, error) {
	for {
		text, whole, err := l.readLine()
		if err != nil {
			return nil, err
		}
		if !whole {
			return l.in.event(l.line), refuse(BadLine, "")
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return l.parse(text)
		}
	}
}

// readLine returns the next line; whole is false when it is longer than maxLine, and its end is skipped.
func (l *jsonLines) readLine() (text []byte, whole bool, err error) {
	l.buf = l.buf[:0]
	l.line++
	whole = true
	for {
		part, err := l.reader.ReadSlice('\n')
		if len(l.buf)+len(part) > maxLine {
			whole = false
		} else {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == nil:
			return l.buf, whole, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(l.buf) > 0 || !whole):
			return l.buf, whole, nil
		case errors.Is(err, io.EOF):
			return nil, true, io.EOF
		default:
			return nil, true, fmt.Errorf("read the delivery: %w", err)
		}
	}
}

func (l *jsonLines) parse(text []byte) (*pending, error) {
	p := l.in.event(l.line)
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil || object == nil || decoder.More() {
		return p, refuse(BadLine, "")
	}
	// Sorted, so that the first bad column named is always the same, and identifiers come in one order.
	for _, key := range sortedKeys(object) {
		column, ok := l.in.column(key)
		if !ok && checkHead([]string{key}) != nil { // rather a value than a name
			return p, refuse(UnknownColumn, "")
		}
		if !ok {
			return p, refuse(UnknownColumn, key)
		}
		if column == "" {
			continue
		}
		var value string
		switch v := object[key].(type) {
		case nil:
		case string:
			value = v
		case json.Number:
			value = v.String()
		case bool:
			value = fmt.Sprint(v)
		default:
			return p, refuse(BadLine, column)
		}
		if err := l.in.set(p, column, value); err != nil {
			return p, err
		}
	}
	return p, l.in.finish(p)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
