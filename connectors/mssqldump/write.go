package mssqldump

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lethe/connectors"
)

// A value is only written where it is sure that the server takes it: one that it refuses would keep the script from
// being run to its end. CHECK constraints are not looked at.

// refuse says why a new value is not written, without showing it.
func refuse(format string, args ...any) error {
	return fmt.Errorf("a new value is %s: %w", fmt.Sprintf(format, args...), connectors.ErrRefused)
}

// bounds are the numbers that types hold.
var bounds = map[string][2]int64{"bigint": {-1 << 63, 1<<63 - 1}, "int": {-1 << 31, 1<<31 - 1},
	"smallint": {-1 << 15, 1<<15 - 1}, "tinyint": {0, 255}, "bit": {0, 1}}

var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// write appends a new value as the row at hand writes values; raw is the old one.
func (d dialect) write(dst []byte, f *connectors.Field, t *typeInfo, v []byte, null bool, raw []byte) ([]byte, error) {
	if null {
		if !f.Nullable {
			return nil, refuse("NULL in a field that is NOT NULL")
		}
		return append(dst, "NULL"...), nil
	}
	switch t.kind {
	case connectors.Integer:
		n, err := strconv.ParseInt(string(v), 10, 64)
		limit, known := bounds[t.base]
		if err != nil || !known || n < limit[0] || n > limit[1] {
			return nil, refuse("no number that the type holds")
		}
		return append(dst, v...), nil
	case connectors.Decimal:
		return d.writeDecimal(dst, t, v, raw)
	case connectors.Float:
		if _, err := strconv.ParseFloat(string(v), 64); err != nil || bytes.ContainsAny(v, "nNxXpP_") {
			return nil, refuse("no number")
		}
		return append(dst, v...), nil
	case connectors.Binary:
		if t.base != "binary" && t.base != "varbinary" && t.base != "image" {
			return nil, refuse("not written to a field of type %s", t.base)
		}
		if n := t.length(); n >= 0 && len(v) > n {
			return nil, refuse("longer than its field")
		}
		return hex.AppendEncode(append(dst, "0x"...), v), nil
	case connectors.Date, connectors.Time, connectors.Timestamp:
		return d.writeInstant(dst, t, v)
	}
	return d.writeText(dst, t, v, raw)
}

func (d dialect) writeDecimal(dst []byte, t *typeInfo, v, raw []byte) ([]byte, error) {
	r, ok := new(big.Rat).SetString(string(v))
	if !ok || !plainNumber.Match(v) {
		return nil, refuse("no number")
	}
	scale := t.scale()
	whole := t.arg(0, 18) - scale
	if t.base == "money" {
		whole = 14
	} else if t.base == "smallmoney" {
		whole = 5
	}
	out := r.FloatString(scale)
	back, _ := new(big.Rat).SetString(out)
	digits, _, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(out, "-"), "0"), ".")
	if back.Cmp(r) != 0 || len(digits) > whole {
		return nil, refuse("no number that the type holds")
	}
	if name := t.spelled(); name != "" && bytes.HasPrefix(bytes.ToUpper(raw), []byte("CAST")) {
		return fmt.Appendf(dst, "CAST(%s AS %s)", out, name), nil
	}
	return append(dst, out...), nil
}

// writeInstant writes a day or a time as SQL Server Management Studio does, which no setting of a session changes.
func (d dialect) writeInstant(dst []byte, t *typeInfo, v []byte) ([]byte, error) {
	form := map[connectors.Kind]string{connectors.Date: time.DateOnly, connectors.Time: "15:04:05.9999999",
		connectors.Timestamp: "2006-01-02 15:04:05.9999999"}[t.kind]
	at, err := time.Parse(form, string(v))
	if err != nil || at.Nanosecond()%100 != 0 {
		return nil, refuse("no day or time that the type holds")
	}
	first := map[string]int{"datetime": 1753, "smalldatetime": 1900}[t.base]
	last := 9999
	if t.base == "smalldatetime" {
		last = 2078
	}
	if t.kind != connectors.Time && (at.Year() < max(first, 1) || at.Year() > last) {
		return nil, refuse("no day that the type holds")
	}
	if t.base == "smalldatetime" && at.Second() != 0 {
		return nil, refuse("no time that the type holds")
	}
	switch t.kind {
	case connectors.Date:
		return fmt.Appendf(dst, "CAST(N'%s' AS Date)", at.Format(time.DateOnly)), nil
	case connectors.Time:
		return fmt.Appendf(dst, "CAST(N'%s' AS Time)", at.Format("15:04:05"+fraction(t.scale()))), nil
	}
	zone := ""
	if t.base == "datetimeoffset" {
		zone = "+00:00"
	}
	return fmt.Appendf(dst, "CAST(N'%s%s' AS %s)", at.Format("2006-01-02T15:04:05"+fraction(t.scale())), zone,
		t.spelled()), nil
}

// fraction is how many digits of a second are written.
func fraction(scale int) string {
	if scale == 0 {
		return ""
	}
	return "." + strings.Repeat("0", scale)
}

func (d dialect) writeText(dst []byte, t *typeInfo, v, raw []byte) ([]byte, error) {
	if bytes.IndexByte(v, 0) >= 0 || !utf8.Valid(v) {
		return nil, refuse("no text")
	}
	switch t.base {
	case "char", "varchar", "nchar", "nvarchar", "text", "ntext":
	case "json":
		if !json.Valid(v) {
			return nil, refuse("no JSON")
		}
	case "uniqueidentifier":
		if !isGUID.Match(v) {
			return nil, refuse("no uniqueidentifier")
		}
	case "":
	default:
		return nil, refuse("not written to a field of type %s", t.base)
	}
	units := len(utf16.Encode([]rune(string(v))))
	if !t.wide {
		units = len(v)
	}
	if n := t.length(); n >= 0 && units > n {
		return nil, refuse("longer than its field")
	}
	if bytes.Contains(v, []byte("\\\n")) || bytes.Contains(v, []byte("\\\r\n")) {
		return nil, refuse("a text with a backslash at the end of a line, which a script cannot hold")
	}
	if len(raw) == 0 || raw[0] != '\'' || !ascii(v) {
		if !t.wide && !ascii(v) && t.base != "" && t.base != "json" {
			return nil, refuse("not of ASCII alone, and which characters the field holds hangs on its collation")
		}
		dst = append(dst, 'N')
	}
	dst = append(dst, '\'')
	dst = append(dst, bytes.ReplaceAll(v, []byte("'"), []byte("''"))...)
	return append(dst, '\''), nil
}

var isGUID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func ascii(v []byte) bool {
	for _, c := range v {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
