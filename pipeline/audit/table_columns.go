package audit

import (
	_ "embed"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Kind is how the values of a column stand in a table's file.
type Kind string

// The kinds. Text, days, instants and bytes are NULL where nothing is known; lists are empty then; numbers are NULL
// only where the column says so.
const (
	Text      Kind = "text"      // UTF-8, dictionary-encoded
	List      Kind = "list"      // of texts
	Day       Kind = "date"      // a civil date
	Instant   Kind = "timestamp" // in microseconds, UTC
	Reference Kind = "bytes16"   // 16 bytes
	Bytes     Kind = "bytes"     //
	Long      Kind = "int64"     //
	Int       Kind = "int32"     //
	Float     Kind = "double"    //
	Decimal   Kind = "decimal"   // of 18 digits, Scale of them after the point
	Flag      Kind = "boolean"   //
)

// Column is one column of a table.
type Column struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"type"`
	Scale    int    `json:"scale,omitempty"` // of a decimal
	Nullable bool   `json:"nullable"`
	Means    string `json:"means"` // with the unit
	Field    int    `json:"-"`     // of the row's type
}

// Columns are those of a table's row type: one for each field, in their order. A field is named in snake case and has
// the kind of its Go type, unless its tag `col` says otherwise:
//
//	col:"NAME,OPTION,..."   an empty NAME is the field's own; options are
//	date                    a text that is a civil date, YYYY-MM-DD
//	number                  a text that is a whole number; NULL where it is empty, so that 0 is told from not known
//	list                    a text of parts, joined by ';'
//	null                    a number that is NULL when it is 0
//	decimal2, decimal3      a number with so many digits after the point
//
// What it means is the comment that stands behind it.
func Columns(row reflect.Type) []Column {
	means := comments()[row.Name()].fields
	list := make([]Column, row.NumField())
	for i := range list {
		f := row.Field(i)
		c := Column{Name: Snake(f.Name), Field: i, Means: means[f.Name]}
		name, options, _ := strings.Cut(f.Tag.Get("col"), ",")
		if name != "" {
			c.Name = name
		}
		c.Kind, c.Nullable = kindOf(f.Type)
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "date":
				c.Kind = Day
			case "number":
				c.Kind = Long
			case "list":
				c.Kind, c.Nullable = List, false
			case "null":
				c.Nullable = true
			case "decimal2", "decimal3":
				c.Kind, c.Scale = Decimal, int(option[len(option)-1]-'0')
			default:
				panic("audit: column " + c.Name + " has no option " + option)
			}
		}
		c.Means = c.said()
		list[i] = c
	}
	return list
}

// said is what a column means, with NULL for what stands for it in a row.
func (c Column) said() string {
	text := strings.NewReplacer(`""`, "NULL", ", joined by ';'", "", "joined by ';'", "in order").Replace(c.Means)
	if c.Nullable && (c.Kind == Long || c.Kind == Int) {
		text = strings.Replace(text, "; 0 ", "; NULL ", 1)
	}
	return text
}

// Snake is how a field of a row is named as a column.
func Snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	timeType = reflect.TypeFor[time.Time]()
	refType  = reflect.TypeFor[Ref]()
)

// kindOf is the kind of a Go type, and whether its zero value is NULL.
func kindOf(t reflect.Type) (Kind, bool) {
	switch {
	case t == timeType:
		return Instant, true
	case t == refType:
		return Reference, false
	}
	switch t.Kind() {
	case reflect.String:
		return Text, true
	case reflect.Int64:
		return Long, false
	case reflect.Int32:
		return Int, false
	case reflect.Float64:
		return Float, false
	case reflect.Bool:
		return Flag, false
	case reflect.Slice:
		return Bytes, true
	}
	panic("audit: no column kind for " + t.String())
}

// DayNumber is how many days a civil date, as rows have it, lies after 1970-01-01.
func DayNumber(day string) (int32, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, fmt.Errorf("no civil date of the years 0 to 9999")
	}
	return int32(at.Unix() / (24 * 60 * 60)), nil // never between two days
}

// Number is a whole number that a row has as a text; 0 of an empty one.
func Number(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("no whole number of 64 bits")
	}
	return n, nil
}

// Where rows are described.
//
//go:embed tables.go
var tablesSource string

//go:embed log.go
var logSource string

//go:embed proof.go
var proofSource string

// comment is what stands beside a type and its fields.
type comment struct {
	doc    string
	fields map[string]string
}

var (
	typeLine  = regexp.MustCompile(`^type (\w+) struct \{$`)
	fieldLine = regexp.MustCompile("^\\t(\\w+) +[\\w.\\[\\]]+(?: +`[^`]*`)? +// ?(.*)$")
)

// comments are those of the tables' rows: what says what a column means stands once, beside it.
var comments = sync.OnceValue(readComments)

func readComments() map[string]comment {
	found := map[string]comment{}
	name, above := "", []string(nil)
	for line := range strings.Lines(tablesSource + logSource + proofSource) {
		line = strings.TrimRight(line, "\n")
		if m := typeLine.FindStringSubmatch(line); m != nil {
			name = m[1]
			found[name] = comment{doc: strings.Join(above, " "), fields: map[string]string{}}
		} else if m := fieldLine.FindStringSubmatch(line); m != nil && name != "" {
			found[name].fields[m[1]] = m[2]
		}
		switch text, is := strings.CutPrefix(line, "// "); {
		case is:
			above = append(above, text)
		default:
			above = nil
		}
		if line == "}" {
			name = ""
		}
	}
	return found
}

// Means says what a row of the table is.
func (t Table) Means() string { return strings.ReplaceAll(comments()[t.Row.Name()].doc, `""`, "NULL") }

// Columns are those of the table.
func (t Table) Columns() []Column { return Columns(t.Row) }

// Type is the kind of a column in words of SQL.
func (c Column) Type() string {
	switch c.Kind {
	case Text:
		return "VARCHAR"
	case List:
		return "VARCHAR[]"
	case Day:
		return "DATE"
	case Instant:
		return "TIMESTAMP WITH TIME ZONE"
	case Reference, Bytes:
		return "BLOB"
	case Long:
		return "BIGINT"
	case Int:
		return "INTEGER"
	case Float:
		return "DOUBLE"
	case Decimal:
		return "DECIMAL(18," + strconv.Itoa(c.Scale) + ")"
	}
	return "BOOLEAN"
}
