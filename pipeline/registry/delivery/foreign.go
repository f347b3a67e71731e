package delivery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/event"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How other systems write what an import reads: in which encoding, with the day or the month first, in
// words of their own. What is ambiguous is never guessed: 01/02/2026 is refused until somebody says which
// of the two is the day.

// instant reads an instant as deliveries write it: one without an offset is of the zone, a day alone its first
// moment there, so an effective_until of 2027-01-01 ends with 2026. Where the clocks repeat or skip it, it is the
// last of two instants, and first gets the first.
func (in *Import) instant(value, column string, first *time.Time) (time.Time, error) {
	r, err := in.read(value, column)
	if err == nil && r.First.Before(r.Last) {
		*first = r.First
	}
	return r.Last, err
}

// occurred fills in when something happened: not on a day that stands for none.
func (in *Import) occurred(e *event.Event, value, column string) (err error) {
	r, err := in.read(value, column)
	switch {
	case err != nil:
		return err
	case r.None():
		return &event.RefusedError{Reason: event.BadTime, Column: column,
			Why: "a day that stands for none, as defaults of schemas do: leave the line out, or give the day"}
	case r.First.Before(r.Last):
		in.firsts[0] = r.First
	}
	e.OccurredAt, e.Zone, in.end = r.Last, r.Zone, r.End()
	return nil
}

// read reads an instant of a column.
func (in *Import) read(value, column string) (instant.Reading, error) {
	r, err := instant.Writing{Zone: in.Zone, Order: in.Dates}.Read([]byte(value))
	if err != nil {
		return r, &event.RefusedError{Reason: event.BadTime, Column: column, Why: err.Error()}
	}
	return r, nil
}

// checkHead refuses a first line that names no columns, before anything of it is printed: it may hold a person.
func checkHead(head []string) error {
	switch {
	case slices.ContainsFunc(head, func(name string) bool { return strings.ContainsFunc(name, unicode.IsControl) }):
		return errors.New("this is no text, or it is written in UTF-16 without a byte order mark: unpack or export " +
			"it as CSV or JSON Lines, or say --encoding utf-16le")
	case !utf8.ValidString(strings.Join(head, "")):
		return errors.New("the text is not UTF-8: say how it is written, for example --encoding windows-1252")
	case slices.ContainsFunc(head, isValue):
		return errors.New("the first line must name the columns, and this one holds values: put a line with the " +
			"names before it")
	}
	return nil
}

// checkJSON refuses JSON where CSV is read.
func checkJSON(r *bufio.Reader) error {
	head, _ := r.Peek(64)
	if head = bytes.TrimSpace(head); len(head) > 0 && (head[0] == '{' || head[0] == '[') {
		return errors.New("this is JSON: say which, as --format jsonl, kantara or iso27560")
	}
	return nil
}

// isValue reports whether a cell holds an address, an instant or a number, as no name of a column does.
func isValue(cell string) bool {
	cell = strings.TrimSpace(cell)
	digits := strings.Count(cell, "") - 1 - len(strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return 'x'
	}, cell))
	return strings.Contains(cell, "@") || digits >= 5 || len(cell) > 100
}

// translate says a delivery's word in those of Columns.
func (in *Import) translate(column, value string) string {
	if ours, ok := in.Words[column][strings.ToLower(strings.TrimSpace(value))]; ok {
		return ours
	}
	return value
}

// words checks the translations of a delivery, and folds the case of what it writes.
func (in *Import) words() error {
	folded := make(map[string]map[string]string, len(in.Words))
	for column, words := range in.Words {
		if !slices.Contains(Columns, column) {
			return fmt.Errorf("a word for column %q: it is none of %s", column, strings.Join(Columns, ", "))
		}
		folded[column] = make(map[string]string, len(words))
		for theirs, ours := range words {
			folded[column][strings.ToLower(strings.TrimSpace(theirs))] = ours
		}
	}
	in.Words = folded
	if !in.Dates.Known() {
		return fmt.Errorf("order of dates %q: write dmy for 31/12/2026, or mdy for 12/31/2026", in.Dates)
	}
	return nil
}
