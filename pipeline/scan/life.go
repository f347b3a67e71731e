package scan

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// life gathers what a table's rows say of their own life: when they were made, and whether the application marks them as deleted without deleting
// them. A row that an application hides is personal data like any other, so that the report says where there are such rows.
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
		tokens := nameTokens(f.Name)
		has := func(set map[string]bool) bool {
			return slices.ContainsFunc(tokens, func(w string) bool { return set[w] }) || set[strings.Join(tokens, "")]
		}
		date := f.Kind == connectors.Date || f.Kind == connectors.Timestamp
		if score := bornScore(tokens, has); date && score > best {
			l.born, best = i, score
		}
		references := slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool { return slices.Contains(fk.Fields, f.Name) })
		by := slices.ContainsFunc(tokens, func(w string) bool {
			return w == "by" || w == "von" || w == "da" || w == "par" || w == "por" || w == "reason" || w == "count"
		})
		flag := f.Kind == connectors.Bool || f.Kind == connectors.Bit || f.Kind == connectors.Integer || f.Kind == connectors.Text
		switch {
		case references || by || slices.Contains(t.Key, f.Name):
		case has(endWords) && (date || flag):
			l.marks = append(l.marks, mark{column: i, field: f.Name, means: marksEnd, kind: f.Kind})
		case has(activeWords) && flag:
			l.marks = append(l.marks, mark{column: i, field: f.Name, means: marksActive, kind: f.Kind})
		case has(statusWords) && f.Kind == connectors.Text:
			l.marks = append(l.marks, mark{column: i, field: f.Name, means: marksStatus, kind: f.Kind})
		}
	}
	return l
}

// bornScore says how well a name fits the date of a row's making; 0 not at all.
func bornScore(tokens []string, has func(map[string]bool) bool) int {
	switch {
	case has(otherDates):
		return 0
	case has(bornWords):
		return 3
	case has(deedWords) && has(dayWords):
		return 2
	case len(tokens) == 1 && dayWords[tokens[0]]:
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
		case !isDay(day) || string(day) < "1900-01-01" || string(day) > l.today:
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

func isDay(day []byte) bool {
	_, err := time.Parse(time.DateOnly, string(day))
	return err == nil
}

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
		tokens := nameTokens(string(v))
		return len(tokens) <= 3 && slices.ContainsFunc(tokens, func(w string) bool { return endWords[w] })
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

// softDelete returns the column by which the application marks rows that have ended, and how many are marked. A status counts only if
// one of its values says so.
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
