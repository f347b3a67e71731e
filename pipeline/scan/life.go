package scan

import (
	"bytes"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/instant"
)

// life gathers what a table's rows say of their own life: when they were made, and whether the
// application marks them as deleted without deleting them. A row that an application hides is personal
// data like any other, so that the report says where there are such rows.
type life struct {
	today          string
	born           int // column with the date of a row's making, -1 none
	oldest, newest []byte
	marks          []mark
}

// mark is a column that may say that a row is deleted, archived or out of use.
type mark struct {
	column   int
	field    string
	means    meaning
	kind     connectors.Kind
	rows     int64 // so marked
	distinct []status
	many     bool // more distinct values than a status has
}

type status struct {
	value  []byte
	marked bool
}

type meaning uint8

const (
	marksEnd    meaning = iota // deleted_at, is_archived: anything but 0, f, n and '' marks the row
	marksActive                // is_active: 0, f, n and '' mark the row
	marksStatus                // status: a word for deleted, archived or inactive marks the row
)

// statuses is the most distinct values of a column that is a status.
const statuses = 24

// newLife looks at the names and kinds of a table's fields. today bounds the dates that rows can be made at.
func newLife(t connectors.Table, today string) *life {
	l := &life{today: today, born: -1}
	best := 0
	for i, f := range t.Fields {
		name := fieldName(nameTokens(f.Name))
		if score := name.bornScore(); isDate(f) && score > best {
			l.born, best = i, score
		}
		if means, ok := meaningOf(t, f, name); ok {
			l.marks = append(l.marks, mark{column: i, field: f.Name, means: means, kind: f.Kind})
		}
	}
	return l
}

// meaningOf says in which way a field may mark its row as ended; false when it does not.
func meaningOf(t connectors.Table, f connectors.Field, name fieldName) (meaning, bool) {
	references := slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
		return slices.Contains(fk.Fields, f.Name)
	})
	flag := f.Kind == connectors.Bool || f.Kind == connectors.Bit || f.Kind == connectors.Integer ||
		f.Kind == connectors.Text
	switch {
	case references, name.says(besideWords), slices.Contains(t.Key, f.Name):
		return 0, false
	case name.has(endWords) && (isDate(f) || flag):
		return marksEnd, true
	case name.has(activeWords) && flag:
		return marksActive, true
	case name.has(statusWords) && f.Kind == connectors.Text:
		return marksStatus, true
	}
	return 0, false
}

func isDate(f connectors.Field) bool {
	return f.Kind == connectors.Date || f.Kind == connectors.Timestamp
}

// fieldName is the words of a field's name.
type fieldName []string

// says reports whether one of the words is in a set.
func (n fieldName) says(set map[string]bool) bool {
	return slices.ContainsFunc(n, func(w string) bool { return set[w] })
}

// has is says, and whether all the words together are in the set (sign_up, signup).
func (n fieldName) has(set map[string]bool) bool { return n.says(set) || set[strings.Join(n, "")] }

// bornScore says how well a name fits the date of a row's making; 0 not at all.
func (n fieldName) bornScore() int {
	switch {
	case n.has(otherDates):
		return 0
	case n.has(bornWords):
		return 3
	case n.has(deedWords) && n.has(dayWords):
		return 2
	case len(n) == 1 && dayWords[n[0]]:
		return 1
	}
	return 0
}

// observe reads a batch of all fields of the table.
func (l *life) observe(rows arrow.Record) {
	if l.born >= 0 {
		l.date(rows.Column(l.born).(*array.Binary))
	}
	for i := range l.marks {
		l.marks[i].observe(rows.Column(l.marks[i].column).(*array.Binary))
	}
}

// date takes in the days at which rows were made.
func (l *life) date(col *array.Binary) {
	for row := range col.Len() {
		if col.IsNull(row) {
			continue
		}
		v := col.Value(row)
		if len(v) < 10 {
			continue
		}
		day := v[:10]
		switch {
		case l.oldest != nil && bytes.Compare(day, l.oldest) >= 0 && bytes.Compare(day, l.newest) <= 0:
		case !isDay(day) || string(day) > l.today:
		default:
			if l.oldest == nil || bytes.Compare(day, l.oldest) < 0 {
				l.oldest = bytes.Clone(day)
			}
			if bytes.Compare(day, l.newest) > 0 {
				l.newest = bytes.Clone(day)
			}
		}
	}
}

// isDay reports whether a text is a civil date, and none that stands for none.
func isDay(day []byte) bool {
	d, err := calendar.ParseDate(string(day))
	return err == nil && !instant.NoDay(d)
}

// observe counts the rows of a batch that are marked.
func (m *mark) observe(col *array.Binary) {
	for row := range col.Len() {
		if m.many {
			return
		}
		var v []byte
		if !col.IsNull(row) {
			v = col.Value(row)
		}
		marked := false
		if m.kind == connectors.Date || m.kind == connectors.Timestamp {
			marked = !isNo(v)
		} else {
			marked = m.known(v)
		}
		if marked {
			m.rows++
		}
	}
}

// known answers for one of few values, which is judged when first seen.
func (m *mark) known(v []byte) bool {
	for _, d := range m.distinct {
		if bytes.Equal(d.value, v) {
			return d.marked
		}
	}
	if m.many = len(m.distinct) == statuses; m.many {
		return false
	}
	m.distinct = append(m.distinct, status{bytes.Clone(v), m.marked(v)})
	return m.distinct[len(m.distinct)-1].marked
}

// marked reports whether a value says that its row has ended.
func (m *mark) marked(v []byte) bool {
	switch m.means {
	case marksStatus:
		words := fieldName(nameTokens(string(v)))
		return len(words) <= 3 && words.says(endWords)
	case marksActive:
		return v != nil && isNo(v)
	}
	return !isNo(v)
}

// isNo reports whether a value stands for no: nothing, zero, false, or a date of zeros.
func isNo(v []byte) bool {
	switch strings.ToLower(string(bytes.TrimSpace(v))) {
	case "", "f", "false", "n", "no", "nein", "non", "nee", "nie", "nej", "ei":
		return true
	}
	return len(bytes.Trim(v, "0-: .")) == 0
}

// span returns the civil dates of the oldest and newest row, as stored; "" where no field tells.
func (l *life) span() (oldest, newest string) { return string(l.oldest), string(l.newest) }

// softDelete returns the column by which the application marks rows that have ended, and how many are
// marked. A status counts only if one of its values says so.
func (l *life) softDelete() (field string, rows int64) {
	for _, means := range []meaning{marksEnd, marksActive, marksStatus} {
		for _, m := range l.marks {
			if m.means == means && !m.many && (means != marksStatus || m.rows > 0) {
				return m.field, m.rows
			}
		}
	}
	return "", 0
}
