package pgdump

import (
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// typeInfo is what must be known of a type to read its values.
type typeInfo struct {
	kind   connectors.Kind
	form   form
	length int
	loose  looseness

	// of what is written
	base, args string // the type and what stands in its parentheses
	array      bool
	zoned      bool
	notNull    bool     // a domain that takes no NULL
	labels     []string // of an enumeration
}

// looseness says which texts that differ the server takes for equal.
type looseness byte

const (
	exact    looseness = iota
	padded             // char(n): blanks at the end do not count
	collated           // citext, or a collation that is not deterministic
	unscaled           // numeric without a scale: zeros behind the point do not count
)

// form says how a value becomes canonical.
type form byte

const (
	asText  form = iota // in UTF-8
	asIs                // ASCII anyway
	boolean             // t or f
	octets              // bytea
	zoned               // a timestamp, brought to UTC if it has an offset
)

func formOf(kind connectors.Kind) form {
	switch kind {
	case connectors.Text, connectors.JSON:
		return asText
	case connectors.Bool:
		return boolean
	case connectors.Binary:
		return octets
	case connectors.Timestamp:
		return zoned
	}
	return asIs
}

// kinds maps the types to kinds; a type that is missing here is text.
var kinds = map[string]connectors.Kind{
	"smallint": connectors.Integer, "int2": connectors.Integer, "integer": connectors.Integer,
	"int": connectors.Integer, "int4": connectors.Integer, "bigint": connectors.Integer, "int8": connectors.Integer,
	"oid": connectors.Integer, "smallserial": connectors.Integer, "serial2": connectors.Integer,
	"serial": connectors.Integer, "serial4": connectors.Integer, "bigserial": connectors.Integer,
	"serial8": connectors.Integer,
	"numeric": connectors.Decimal, "decimal": connectors.Decimal, "dec": connectors.Decimal,
	"real": connectors.Float, "float4": connectors.Float, "float": connectors.Float,
	"double precision": connectors.Float, "float8": connectors.Float,
	"boolean": connectors.Bool, "bool": connectors.Bool,
	"bytea": connectors.Binary,
	"json":  connectors.JSON, "jsonb": connectors.JSON,
	"bit": connectors.Bit, "bit varying": connectors.Bit, "varbit": connectors.Bit,
	"date": connectors.Date,
	"time": connectors.Time, "time without time zone": connectors.Time,
	"timestamp": connectors.Timestamp, "timestamp without time zone": connectors.Timestamp,
	"timestamp with time zone": connectors.Timestamp, "timestamptz": connectors.Timestamp,
}

// infoOf describes a type of the server; args is what stands in its parentheses.
func infoOf(base, args string) typeInfo {
	t := typeInfo{kind: connectors.Text, base: base, args: args}
	if k, ok := kinds[base]; ok {
		t.kind = k
	}
	t.form = formOf(t.kind)
	t.zoned = base == "timestamptz" || base == "timestamp with time zone"
	switch base {
	case "numeric", "decimal", "dec":
		if args == "" {
			t.loose = unscaled
		}
	case "citext":
		t.loose = collated
	case "character", "char", "national character", "nchar":
		t.loose = padded
		t.length = 1
		fallthrough
	case "character varying", "char varying", "varchar", "bpchar", "national character varying":
		if n, err := strconv.Atoi(args); err == nil {
			t.length = n
		}
	}
	return t
}

// typ reads a type: its text, and what it means.
func (p *parser) typ() (text string, info typeInfo) {
	start := p.t.start
	isName := p.t.kind == quoted
	id := p.id()
	base, args, array := id.Name, "", false
	if id.Schema == "pg_catalog" {
		id.Schema = p.path
	}
	end := p.t.start
	for p.err == nil {
		switch {
		case p.t.kind == '(' && args == "":
			args = strings.TrimSpace(p.parens())
		case p.t.kind == '[':
			array = true
			p.passBrackets()
		case p.accept("ARRAY"):
			array = true
		case p.t.is("VARYING"), p.t.is("PRECISION"), base == "national" && (p.t.is("CHARACTER") || p.t.is("CHAR")):
			base += " " + strings.ToLower(p.t.text)
			p.advance()
		case knowsZones(base) && p.accept("WITH", "TIME", "ZONE"):
			base += " with time zone"
		case knowsZones(base) && p.accept("WITHOUT", "TIME", "ZONE"):
		case base == "interval" && slices.ContainsFunc(intervalWords, p.t.is):
			p.advance()
		default:
			text = typeText(string(p.l.b[start:end]))
			domain, known := p.domains[id]
			switch {
			case array:
				return text, typeInfo{kind: connectors.Text, array: true}
			case known:
				return text, domain
			case p.enums[id] != nil:
				return text, typeInfo{kind: connectors.Text, base: base, labels: p.enums[id]}
			case isName && base == "char": // "char" is one byte
				return text, typeInfo{kind: connectors.Text}
			}
			return text, infoOf(base, args)
		}
		end = p.t.start
	}
	return "", typeInfo{}
}

// intervalWords may follow the word INTERVAL.
var intervalWords = []string{"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"}

func knowsZones(base string) bool { return base == "time" || base == "timestamp" }

func (p *parser) passBrackets() {
	for p.t.kind != ']' && p.t.kind != endOfText {
		p.advance()
	}
	p.advance()
}

// typeText is a type as it is written, without the quotes of --quote-all-identifiers. "char" is a type of
// its own.
func typeText(written string) string {
	if text := strings.TrimSpace(written); text == `"char"` {
		return text
	}
	return strings.ReplaceAll(strings.TrimSpace(written), `"`, "")
}
