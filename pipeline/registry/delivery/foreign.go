package delivery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// How other systems write what an import reads: in which encoding, with the day or the month first, in
// words of their own. What is ambiguous is never guessed: 01/02/2026 is refused until somebody says which
// of the two is the day.

// DayOrder says how dates with a day, a month and a year of four digits are written, with /, . or - between
// them.
type DayOrder string

// The orders. ISO dates (2026-02-01) are read in any of them.
const (
	DayFirst   DayOrder = "dmy" // 01/02/2026 is the first of February
	MonthFirst DayOrder = "mdy" // 01/02/2026 is the second of January
)

// iso rewrites a date in an order, with what follows it, as 2006-01-02; what is no such date comes back as
// it is.
func (o DayOrder) iso(value string) string {
	if o == "" {
		return value
	}
	value = strings.TrimSpace(value)
	date, clock := value, ""
	if at := strings.IndexAny(value, " T,"); at >= 0 {
		date, clock = value[:at], strings.TrimLeft(value[at+1:], " ")
	}
	sep := strings.IndexAny(date, "/.-")
	if sep < 0 {
		return value
	}
	parts := strings.Split(date, date[sep:sep+1])
	if len(parts) != 3 || len(parts[2]) != 4 {
		return value
	}
	day, month := parts[0], parts[1]
	if o == MonthFirst {
		day, month = month, day
	}
	date = parts[2] + "-" + twoDigits(month) + "-" + twoDigits(day)
	if clock == "" {
		return date
	}
	if strings.Index(clock, ":") == 1 {
		clock = "0" + clock
	}
	return date + " " + clock
}

func twoDigits(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// DecodeText reads a text as UTF-8, without a byte order mark. In what else it is written says the mark of
// UTF-16, or a name of the WHATWG list ("windows-1252"); without either it is UTF-8.
func DecodeText(r io.Reader, name string) (*bufio.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<20)
	var set encoding.Encoding
	if name != "" {
		var err error
		if set, err = htmlindex.Get(name); err != nil {
			return nil, fmt.Errorf("encoding %q is not known: write for example windows-1252 or utf-16le", name)
		}
	}
	switch mark, _ := buffered.Peek(3); { // a shorter text gives what it has
	case string(mark) == "\uFEFF":
		buffered.Discard(3)
		return buffered, nil
	case len(mark) >= 2 && (string(mark[:2]) == "\xff\xfe" || string(mark[:2]) == "\xfe\xff"):
		set = utf.UTF16(utf.LittleEndian, utf.ExpectBOM)
	case set == nil || set == utf.UTF8:
		return buffered, nil
	}
	return bufio.NewReaderSize(transform.NewReader(buffered, set.NewDecoder()), 1<<20), nil
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
	if in.Dates != "" && in.Dates != DayFirst && in.Dates != MonthFirst {
		return fmt.Errorf("order of dates %q: write dmy for 31/12/2026, or mdy for 12/31/2026", in.Dates)
	}
	return nil
}
