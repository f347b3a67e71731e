package dumpfile

import (
	"bytes"
	"strings"
	"time"
)

// Conversion is a value that is no literal but says plainly which one it is: TO_DATE('03.02.1980', 'DD.MM.YYYY'),
// DATE '1980-02-03', CAST('1980-02-03' AS DATE).
type Conversion struct {
	Literal []byte // with its quotes, to be read as the dialect reads one
	Format  []byte // of the day or instant, with its quotes; nil where the literal is the value
	percent bool   // the format is one of MySQL, with %
}

// conversions are the functions that read a day or an instant by a format: of Oracle (Database SQL Language Reference,
// "TO_DATE", "TO_TIMESTAMP"), which PostgreSQL has too ("Data Type Formatting Functions"), and of MySQL ("STR_TO_DATE").
var conversions = map[string]bool{"TO_DATE": false, "TO_TIMESTAMP": false, "STR_TO_DATE": true}

// ReadConversion reads a value that is such a conversion of a literal, and nothing else.
func ReadConversion(raw []byte) (c Conversion, ok bool) {
	word, rest := cutWord(raw)
	switch name := strings.ToUpper(string(word)); name {
	case "DATE", "TIME", "TIMESTAMP", "DATETIME":
		c.Literal, rest = cutLiteral(rest)
		return c, c.Literal != nil && len(rest) == 0
	case "CAST":
		rest, ok = cutByte(rest, '(')
		if c.Literal, rest = cutLiteral(rest); !ok || c.Literal == nil {
			return c, false
		}
		as, rest := cutWord(rest)
		_, closed := bytes.CutSuffix(rest, []byte(")"))
		return c, strings.EqualFold(string(as), "AS") && closed && bytes.IndexByte(rest, '\'') < 0
	default:
		if c.percent, ok = conversions[name]; !ok {
			return c, false
		}
	}
	rest, _ = cutByte(rest, '(')
	c.Literal, rest = cutLiteral(rest)
	rest, _ = cutByte(rest, ',')
	c.Format, rest = cutLiteral(rest)
	if language, ok := cutByte(rest, ','); ok { // Oracle's, of the names of months
		_, rest = cutLiteral(language)
	}
	return c, c.Literal != nil && c.Format != nil && string(rest) == ")"
}

// Civil is the day or the instant that a text means, written as connectors write it; ok is false where the format is none
// that is read here, or the text does not follow it. A year of two digits hangs on the day on which it is read.
func (c Conversion) Civil(text string, day bool) (civil string, ok bool) {
	layout, clock := c.layout()
	t, err := time.Parse(layout, text)
	switch {
	case layout == "" || err != nil:
		return "", false
	case day || !clock:
		return t.Format(time.DateOnly), true
	}
	return t.Format("2006-01-02 15:04:05.999999"), true
}

// parts of a format, the longer before those that begin them.
var oracleParts = [...]struct{ part, layout string }{{"YYYY", "2006"}, {"RRRR", "2006"}, {"MONTH", "January"}, {"MON", "Jan"},
	{"MM", "1"}, {"DD", "2"}, {"HH24", "15"}, {"MI", "4"}, {"SS", "5"}}

var percentParts = [...]struct{ part, layout string }{{"%Y", "2006"}, {"%m", "1"}, {"%c", "1"}, {"%M", "January"}, {"%b", "Jan"},
	{"%d", "2"}, {"%e", "2"}, {"%H", "15"}, {"%k", "15"}, {"%i", "4"}, {"%s", "5"}, {"%S", "5"}, {"%T", "15:4:5"}}

// layout is the format as package time writes it, empty where a part of it is not known; clock reports whether it has hours.
func (c Conversion) layout() (layout string, clock bool) {
	format := string(bytes.Trim(c.Format, "'"))
	parts := oracleParts[:]
	if c.percent {
		parts = percentParts[:]
	} else {
		format = strings.ToUpper(format)
	}
	var b strings.Builder
	for format != "" {
		i := 0
		for i < len(parts) && !strings.HasPrefix(format, parts[i].part) {
			i++
		}
		switch {
		case i < len(parts):
			b.WriteString(parts[i].layout)
			clock = clock || strings.HasPrefix(parts[i].layout, "15")
			format = format[len(parts[i].part):]
		case strings.IndexByte("-/.,:; T", format[0]) >= 0:
			b.WriteByte(format[0])
			format = format[1:]
		default:
			return "", false
		}
	}
	return b.String(), clock
}

func cutWord(b []byte) (word, rest []byte) {
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z' || b[n] == '_') {
		n++
	}
	return b[:n], bytes.TrimSpace(b[n:])
}

func cutByte(b []byte, c byte) (rest []byte, ok bool) {
	if len(b) == 0 || b[0] != c {
		return nil, false
	}
	return bytes.TrimSpace(b[1:]), true
}

// cutLiteral cuts a string in quotes that has none in it, nor a backslash: days have neither.
func cutLiteral(b []byte) (literal, rest []byte) {
	if len(b) == 0 || b[0] != '\'' {
		return nil, b
	}
	end := bytes.IndexByte(b[1:], '\'')
	if end < 0 || bytes.IndexByte(b[1:end+1], '\\') >= 0 || end+2 < len(b) && b[end+2] == '\'' {
		return nil, b
	}
	return b[:end+2], bytes.TrimSpace(b[end+2:])
}
