package mssqldump

import (
	"strconv"
	"strings"

	"lethe/connectors"
)

// typeInfo is what must be known of a type to read and write its values.
type typeInfo struct {
	base     string // lower case: nvarchar, datetime2
	args     []int  // of nvarchar(50): 50; of (max): -1
	kind     connectors.Kind
	exact    bool // a collation that compares bytes: _BIN, _BIN2
	wide     bool // nchar, nvarchar, ntext: UTF-16
	identity bool
}

// kinds maps the types to kinds.
var kinds = map[string]connectors.Kind{
	"bigint": connectors.Integer, "int": connectors.Integer, "integer": connectors.Integer,
	"smallint": connectors.Integer, "tinyint": connectors.Integer, "bit": connectors.Integer,
	"decimal": connectors.Decimal, "numeric": connectors.Decimal, "dec": connectors.Decimal,
	"money": connectors.Decimal, "smallmoney": connectors.Decimal,
	"float": connectors.Float, "real": connectors.Float,
	"date": connectors.Date, "time": connectors.Time,
	"datetime": connectors.Timestamp, "datetime2": connectors.Timestamp, "smalldatetime": connectors.Timestamp,
	"datetimeoffset": connectors.Timestamp,
	"binary":         connectors.Binary, "varbinary": connectors.Binary, "image": connectors.Binary,
	"timestamp": connectors.Binary, "rowversion": connectors.Binary, "hierarchyid": connectors.Binary,
	"geography": connectors.Binary, "geometry": connectors.Binary,
	"json": connectors.JSON,
}

// aliases are the types that go by other names.
var aliases = map[string]string{"integer": "int", "dec": "decimal", "numeric": "decimal", "character": "char",
	"sysname": "nvarchar", "rowversion": "timestamp"}

// finish fills in what follows from the name and the arguments of a type.
func (t *typeInfo) finish() {
	if t.base == "sysname" {
		t.args = []int{128}
	}
	if name, ok := aliases[t.base]; ok {
		t.base = name
	}
	t.kind = connectors.Text
	if k, ok := kinds[t.base]; ok {
		t.kind = k
	}
	t.wide = strings.HasPrefix(t.base, "n")
	t.exact = t.exact || t.base == "uniqueidentifier"
}

// arg is one of the arguments, or what stands for it where there is none.
func (t *typeInfo) arg(n, otherwise int) int {
	if n < len(t.args) {
		return t.args[n]
	}
	return otherwise
}

// scale is how many digits a decimal, or the seconds of a time, have behind the point.
func (t *typeInfo) scale() int {
	switch t.base {
	case "money", "smallmoney":
		return 4
	case "decimal":
		return t.arg(1, 0)
	case "datetime2", "datetimeoffset", "time":
		return t.arg(0, 7)
	case "datetime":
		return 3
	}
	return 0
}

// length is how many characters or bytes a text or a binary holds; -1 any number.
func (t *typeInfo) length() int {
	switch t.base {
	case "char", "nchar", "varchar", "nvarchar", "binary", "varbinary":
		return t.arg(0, 1)
	}
	return -1
}

// written is the type as the catalog has it: nvarchar(50), decimal(18,2).
func (t *typeInfo) written() string {
	if len(t.args) == 0 {
		return t.base
	}
	var parts []string
	for _, a := range t.args {
		if a < 0 {
			parts = append(parts, "max")
		} else {
			parts = append(parts, strconv.Itoa(a))
		}
	}
	return t.base + "(" + strings.Join(parts, ",") + ")"
}

// spelled is how SQL Server Management Studio writes a type in a CAST.
func (t *typeInfo) spelled() string {
	switch t.base {
	case "datetime":
		return "DateTime"
	case "smalldatetime":
		return "SmallDateTime"
	case "datetime2":
		return "DateTime2"
	case "datetimeoffset":
		return "DateTimeOffset"
	case "date":
		return "Date"
	case "time":
		return "Time"
	case "decimal":
		return "Decimal(" + strconv.Itoa(t.arg(0, 18)) + ", " + strconv.Itoa(t.arg(1, 0)) + ")"
	}
	return ""
}
