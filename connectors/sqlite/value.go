package sqlite

import (
	"math"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// affinity is what SQLite makes of values stored in a column. https://sqlite.org/datatype3.html
type affinity string

const (
	affText    affinity = "TEXT"
	affNumeric affinity = "NUMERIC"
	affInteger affinity = "INTEGER"
	affReal    affinity = "REAL"
	affNone    affinity = "BLOB"
)

// numeric says whether a comparison with the column is one of numbers.
func (a affinity) numeric() bool { return a != affText && a != affNone }

// affinityOf follows section 3.1 of that document. In a STRICT table ANY stands for no affinity.
func affinityOf(declared string, strict bool) affinity {
	d := strings.ToUpper(declared)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(d, p) {
				return true
			}
		}
		return false
	}
	switch {
	case strict && d == "ANY":
		return affNone
	case has("INT"):
		return affInteger
	case has("CHAR", "CLOB", "TEXT"):
		return affText
	case has("BLOB") || d == "":
		return affNone
	case has("REAL", "FLOA", "DOUB"):
		return affReal
	}
	return affNumeric
}

// kindWords maps parts of a declared type to a kind; the first that occurs holds.
var kindWords = []struct {
	word string
	kind connectors.Kind
}{
	{"BOOL", connectors.Bool}, {"JSONB", connectors.Binary}, {"JSON", connectors.JSON}, {"INT", connectors.Integer},
	{"CHAR", connectors.Text}, {"CLOB", connectors.Text}, {"TEXT", connectors.Text}, {"STRING", connectors.Text},
	{"BLOB", connectors.Binary}, {"BINARY", connectors.Binary}, {"BYTEA", connectors.Binary},
	{"DATETIME", connectors.Timestamp}, {"TIMESTAMP", connectors.Timestamp}, {"DATE", connectors.Date},
	{"TIME", connectors.Time},
	{"REAL", connectors.Float}, {"FLOA", connectors.Float}, {"DOUB", connectors.Float},
	{"DEC", connectors.Decimal}, {"NUM", connectors.Decimal}, {"MONEY", connectors.Decimal},
}

// kindOf reads the kind off a declared type. A type that says nothing is text.
func kindOf(declared string) connectors.Kind {
	d := strings.ToUpper(declared)
	for _, w := range kindWords {
		if strings.Contains(d, w.word) {
			return w.kind
		}
	}
	return connectors.Text
}

// numbersOf returns the numbers in brackets of a declared type such as NUMERIC(10,2) or VARCHAR(40).
func numbersOf(declared string) []int {
	_, args, _ := strings.Cut(declared, "(")
	args, _, _ = strings.Cut(args, ")")
	var numbers []int
	for part := range strings.SplitSeq(args, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 {
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// column is what the connector must know of a field beyond the catalog.
type column struct {
	name      string // quoted
	affinity  affinity
	collation string // quoted
	binary    bool   // the natural storage class is BLOB
	key       bool   // part of the primary key, a unique constraint or a foreign key: values carry their storage class
	scale     int    // decimals of a decimal, 0 as stored
}

// A value of a key field must lead back to exactly the stored value, and SQLite tells 1 from '1' from
// x'31'. Where the storage class does not follow from the column, the value is written as NUL, the letter
// of its class, and the value; so is a value that begins with NUL of its own.
const (
	markInteger = 'i'
	markFloat   = 'f'
	markText    = 't'
	markBlob    = 'b'
)

// natural says whether the column's affinity and kind make a value of this class of the value's text alone.
func (c *column) natural(class sqlite3.Datatype, text []byte) bool {
	if len(text) > 0 && text[0] == 0 {
		return false
	}
	if c.binary {
		return class == sqlite3.BLOB
	}
	switch c.affinity {
	case affText, affNone:
		return class == sqlite3.TEXT
	}
	return class != sqlite3.BLOB
}

// appendValue appends the canonical form of a column of the row that the statement stands on. ok is false
// for NULL.
func (c *column) appendValue(dst []byte, stmt *sqlite3.Stmt, i int) (value []byte, ok bool) {
	start := len(dst)
	class := stmt.ColumnType(i)
	mark := byte(markText)
	switch class {
	case sqlite3.NULL:
		return dst, false
	case sqlite3.INTEGER:
		n := stmt.ColumnInt64(i)
		if dst, mark = strconv.AppendInt(dst, n, 10), markInteger; n > -maxExact && n < maxExact {
			dst = c.pad(dst, start)
		}
	case sqlite3.FLOAT:
		f := stmt.ColumnFloat(i)
		dst, mark = c.pad(appendFloat(dst, f), start), markFloat
		if c.key && math.IsInf(f, 0) {
			return append(append(dst[:start], 0, mark), strconv.FormatFloat(f, 'g', -1, 64)...), true
		}
	case sqlite3.TEXT:
		dst = append(dst, stmt.ColumnRawText(i)...)
	case sqlite3.BLOB:
		dst, mark = append(dst, stmt.ColumnRawBlob(i)...), markBlob
	}
	if c.key && !c.natural(class, dst[start:]) {
		dst = append(dst, 0, 0)
		copy(dst[start+2:], dst[start:])
		dst[start], dst[start+1] = 0, mark
	}
	return dst, true
}

// maxExact bounds the integers that a text with decimals leads back to: SQLite reads it as a float first.
const maxExact = 1 << 53

// appendFloat writes the shortest text that reads back as f, without an exponent where MySQL writes none.
func appendFloat(dst []byte, f float64) []byte {
	if a := math.Abs(f); a == 0 || a >= 1e-5 && a < 1e15 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64)
}

// pad gives the number written at dst[start:] the declared number of decimals, if it does not have more.
func (c *column) pad(dst []byte, start int) []byte {
	if c.scale == 0 {
		return dst
	}
	decimals := -1
	for _, ch := range dst[start:] {
		switch {
		case ch == '.':
			decimals = 0
		case ch == 'e':
			return dst
		case decimals >= 0:
			decimals++
		}
	}
	if decimals < 0 {
		dst, decimals = append(dst, '.'), 0
	}
	for ; decimals < c.scale; decimals++ {
		dst = append(dst, '0')
	}
	return dst
}

// bind gives a parameter the value whose canonical form is v, so that a comparison with the column, or an
// assignment to it, makes the stored value of it.
func (c *column) bind(stmt *sqlite3.Stmt, param int, v []byte) error {
	if c.key && len(v) >= 2 && v[0] == 0 {
		switch text := string(v[2:]); v[1] {
		case markInteger:
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return stmt.BindInt64(param, n)
			}
		case markFloat:
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				return stmt.BindFloat(param, f)
			}
		case markText:
			return stmt.BindText(param, text)
		case markBlob:
			return stmt.BindBlob(param, v[2:])
		}
	}
	if c.binary {
		return stmt.BindBlob(param, v)
	}
	if c.affinity == affInteger {
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return stmt.BindInt64(param, n)
		}
	}
	return stmt.BindRawText(param, v)
}
