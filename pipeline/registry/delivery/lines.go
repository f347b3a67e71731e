package delivery

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lethe/connectors/delimited"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

// csvLines reads CSV with a header line.
type csvLines struct {
	in      *Import
	reader  *csv.Reader
	columns []string // "" ignored
	passed  int      // lines before the header
}

func newCSVLines(in *Import, r *bufio.Reader) (*csvLines, error) {
	r = delimited.Lines(r)
	comma, passed := delimited.Separator(r)
	l := &csvLines{in: in, reader: csv.NewReader(r), passed: passed}
	l.reader.Comma = comma
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
			return nil, fmt.Errorf("there is no column %q: say which one it is, as --column \"NAME=%[1]s\", or what "+
				"holds for all lines, as --default %[1]s=VALUE", need)
		}
	}
	return l, nil
}

func (l *csvLines) next(e *event.Event) (int, error) {
	l.in.begin(e)
	record, err := l.reader.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad) && bad.Line > bad.StartLine:
		return l.passed + bad.StartLine, event.Refuse(event.OpenQuote, "")
	case errors.As(err, &bad):
		return l.passed + bad.StartLine, event.Refuse(event.BadLine, "")
	case errors.Is(err, io.EOF):
		return 0, err
	case err != nil:
		return 0, fmt.Errorf("read the delivery: %w", err)
	}
	line, _ := l.reader.FieldPos(0)
	line += l.passed
	if len(record) != len(l.columns) {
		return line, event.Refuse(event.BadLine, "")
	}
	for i, value := range record {
		if l.columns[i] == "" {
			continue
		}
		// The fields of a record share one string; a copy of each short text would cost more than it frees.
		if err := l.in.set(e, l.columns[i], value); err != nil {
			return line, err
		}
	}
	return line, l.in.finish(e)
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

func (l *jsonLines) next(e *event.Event) (int, error) {
	l.in.begin(e)
	for {
		text, whole, err := l.readLine()
		if err != nil {
			return 0, err
		}
		if !whole {
			return l.line, event.Refuse(event.BadLine, "")
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return l.line, l.parse(text, e)
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

func (l *jsonLines) parse(text []byte, e *event.Event) error {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil || object == nil || decoder.More() {
		return event.Refuse(event.BadLine, "")
	}
	if namedTwice(text) {
		return twice("")
	}
	seen := make([]string, 0, len(object))
	// Sorted, so that the first bad column named is always the same, and identifiers come in one order.
	for _, key := range slices.Sorted(maps.Keys(object)) {
		column, ok := l.in.column(key)
		if !ok && checkHead([]string{key}) != nil { // rather a value than a name
			return event.Refuse(event.UnknownColumn, "")
		}
		if !ok {
			return event.Refuse(event.UnknownColumn, key)
		}
		if column == "" {
			continue
		}
		if slices.Contains(seen, column) {
			return twice(column)
		}
		seen = append(seen, column)
		var value string
		switch v := object[key].(type) {
		case nil:
		case string:
			value = v
		case json.Number:
			// what is whole though it is written as a fraction (42.0) is read as in CSV
			if value = v.String(); identifier.Known(column) &&
				strings.Trim(strings.TrimSuffix(value, ".0"), "-0123456789") != "" {
				return &event.RefusedError{Reason: event.AmbiguousIdentifier, Column: column,
					Why: "a number that is no integer may have been rounded: deliver identifiers as text"}
			}
		case bool:
			value = fmt.Sprint(v)
		default:
			return event.Refuse(event.BadLine, column)
		}
		if err := l.in.set(e, column, value); err != nil {
			return err
		}
	}
	return l.in.finish(e)
}
