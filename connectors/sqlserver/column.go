package sqlserver

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/connectors"
)

// column is what must be known of a field to read, write and compare its values.
type column struct {
	field            connectors.Field
	base             string // the type's name, those of users resolved
	precision, scale int
	length           int    // in bytes; -1 any
	collation        string // "" where it has none
	identity         bool
	incomparable     bool // the type has no equality
}

// kinds are the logical types of those of the server; all others are text.
var kinds = map[string]connectors.Kind{
	"bigint": connectors.Integer, "int": connectors.Integer, "smallint": connectors.Integer, "tinyint": connectors.Integer,
	"bit": connectors.Integer, "decimal": connectors.Decimal, "numeric": connectors.Decimal, "money": connectors.Decimal,
	"smallmoney": connectors.Decimal, "float": connectors.Float, "real": connectors.Float, "date": connectors.Date,
	"time": connectors.Time, "datetime": connectors.Timestamp, "datetime2": connectors.Timestamp,
	"smalldatetime": connectors.Timestamp, "datetimeoffset": connectors.Timestamp, "binary": connectors.Binary,
	"varbinary": connectors.Binary, "image": connectors.Binary, "timestamp": connectors.Binary,
	"hierarchyid": connectors.Binary, "geometry": connectors.Binary, "geography": connectors.Binary, "json": connectors.JSON,
}

// incomparable are types without an equality.
var incomparable = map[string]bool{"text": true, "ntext": true, "image": true, "xml": true, "geometry": true,
	"geography": true, "json": true, "sql_variant": true}

// name is the column in statements.
func (c *column) name() string { return "t." + quoteName(c.field.Name) }

// output is the expression by which a value is read: its canonical form, or nearly.
func (c *column) output() string {
	n := c.name()
	switch c.base {
	case "decimal", "numeric":
		return "CONVERT(varchar(60), " + n + ")"
	case "money", "smallmoney":
		return "CONVERT(varchar(60), " + n + ", 2)"
	case "float", "real":
		return "CONVERT(varchar(60), " + n + ", 3)"
	case "date":
		return "CONVERT(varchar(60), " + n + ", 23)"
	case "time", "datetime", "datetime2", "smalldatetime":
		return "CONVERT(varchar(60), " + n + ", 121)"
	case "datetimeoffset":
		return "CONVERT(varchar(60), CONVERT(datetime2(7), SWITCHOFFSET(" + n + ", '+00:00')), 121)"
	case "uniqueidentifier":
		return "CONVERT(char(36), " + n + ")"
	case "timestamp":
		return "CONVERT(binary(8), " + n + ")"
	case "binary", "varbinary":
		return n
	case "image", "hierarchyid", "geometry", "geography":
		return "CONVERT(varbinary(max), " + n + ")"
	case "char", "nchar", "varchar", "nvarchar", "text", "ntext", "xml", "json", "sql_variant":
		return "CONVERT(nvarchar(max), " + n + ")"
	}
	return "CONVERT(varchar(60), " + n + ")" // whole numbers
}

// input is the expression that makes a value of the type of a text that is in a field of a list: no narrower than the
// type, so that the assignment refuses what does not fit and nothing is cut.
func (c *column) input(text string) string {
	switch c.base {
	case "bigint", "int", "smallint", "tinyint":
		return "CONVERT(bigint, " + text + ")"
	case "bit":
		return "CONVERT(bit, CONVERT(tinyint, " + text + "))"
	case "decimal", "numeric":
		return "CONVERT(decimal(38, " + strconv.Itoa(c.scale) + "), " + text + ")"
	case "money", "smallmoney":
		return "CONVERT(decimal(38, 4), " + text + ")"
	case "float", "real":
		return "CONVERT(float, " + text + ")"
	case "date":
		return "CONVERT(date, " + text + ", 23)"
	case "time":
		return "CONVERT(time(7), " + text + ", 121)"
	case "datetime", "smalldatetime":
		return "CONVERT(" + c.base + ", CONVERT(datetime2(7), " + text + ", 121))"
	case "datetime2":
		return "CONVERT(datetime2(7), " + text + ", 121)"
	case "datetimeoffset":
		return "TODATETIMEOFFSET(CONVERT(datetime2(7), " + text + ", 121), '+00:00')"
	case "uniqueidentifier":
		return "CONVERT(uniqueidentifier, " + text + ")"
	case "binary", "varbinary", "timestamp", "image":
		return "CONVERT(varbinary(max), " + text + ", 2)"
	case "char", "varchar":
		return "CONVERT(varchar(max), " + text + ") COLLATE " + c.collation
	case "nchar", "nvarchar":
		return text + " COLLATE " + c.collation
	}
	return text
}

// whole is the condition that nothing of a text was lost when input made a value of it: texts of one byte a character do
// not hold all characters. "" it always holds.
func (c *column) whole(text string) string {
	if c.base != "char" && c.base != "varchar" && c.base != "text" {
		return ""
	}
	return "CONVERT(nvarchar(max), CONVERT(varchar(max), " + text + ") COLLATE " + c.collation + ") = " + text +
		" COLLATE Latin1_General_BIN2"
}

// Canonical gives a value as the server writes it the form of its kind: v, a part of it, or scratch, whose grown form is
// returned.
func (c *column) Canonical(v, scratch []byte) (value, grown []byte, err error) {
	switch c.field.Kind {
	case connectors.Time, connectors.Timestamp:
		if bytes.IndexByte(v, '.') >= 0 {
			v = bytes.TrimRight(bytes.TrimRight(v, "0"), ".")
		}
	case connectors.Float:
		bits := 64
		if c.base == "real" {
			bits = 32
		}
		f, err := strconv.ParseFloat(string(bytes.TrimSpace(v)), bits)
		if err != nil {
			return nil, scratch, errors.New("the server writes a float in a form that is not known")
		}
		if abs := max(f, -f); abs != 0 && (abs < 1e-5 || abs >= 1e17) {
			scratch = strconv.AppendFloat(scratch[:0], f, 'e', -1, bits)
		} else {
			scratch = strconv.AppendFloat(scratch[:0], f, 'f', -1, bits)
		}
		return scratch, scratch, nil
	}
	return v, scratch, nil
}

// Check refuses a value that no row holds.
func (c *column) Check(v []byte) error {
	beyond, err := c.check(v)
	if beyond {
		err = errors.New("a value beyond those of the type")
	}
	return err
}

// Field is the name of the field.
func (c *column) Field() string { return c.field.Name }

// check refuses a value that the type cannot hold, as far as that is simple to see: the server's own error would name no
// field. Whole numbers beyond every type's are told apart, as no row holds them.
func (c *column) check(v []byte) (beyond bool, err error) {
	switch {
	case c.field.Kind == connectors.Integer:
		digits := bytes.TrimPrefix(v, []byte("-"))
		if len(digits) == 0 || bytes.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
			return false, fmt.Errorf("not an integer: %w", connectors.ErrConfig)
		}
		_, err := strconv.ParseInt(string(v), 10, 64)
		return err != nil, nil
	case c.base == "uniqueidentifier" && len(v) != 36:
		return false, fmt.Errorf("not a uniqueidentifier: %w", connectors.ErrConfig)
	}
	return false, nil
}

// param is how a canonical value stands in a list: as text, of bytes their digits.
func (c *column) param(v []byte) string {
	if c.field.Kind == connectors.Binary {
		return strings.ToUpper(hex.EncodeToString(v))
	}
	return string(v)
}
