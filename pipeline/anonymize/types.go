package anonymize

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// base returns the first word of a declared type in lower case: 'varchar' of 'VARCHAR(40)'.
func base(declared string) string {
	s := strings.ToLower(strings.TrimSpace(declared))
	if i := strings.IndexAny(s, "( "); i >= 0 {
		return s[:i]
	}
	return s
}

// special types have a syntax of their own that no text technique meets.
func special(declared string) bool {
	switch base(declared) {
	case "inet", "inet4", "inet6", "cidr", "macaddr", "macaddr8", "xml", "geometry", "point", "vector", "tsvector",
		"interval", "year":
		return true
	}
	return false
}

func isUUID(declared string) bool {
	b := base(declared)
	return b == "uuid" || b == "uniqueidentifier"
}

// fixedBinary types are padded to their length by the engine.
func fixedBinary(declared string) bool { return base(declared) == "binary" }

// maxInteger is the largest value of an integer type, signed or not. SQLite's INTEGER holds more than the
// name says in other engines.
func maxInteger(declared string) int {
	switch base(declared) {
	case "tinyint":
		return math.MaxInt8
	case "smallint", "int2", "smallserial":
		return math.MaxInt16
	case "mediumint":
		return 1<<23 - 1
	case "bigint", "int8", "bigserial":
		return math.MaxInt64
	}
	return math.MaxInt32
}

// parameters returns the numbers in the brackets of a declared type: 10 and 2 of 'decimal(10,2)'.
func parameters(declared string) []int {
	_, rest, ok := strings.Cut(declared, "(")
	inside, _, closed := strings.Cut(rest, ")")
	if !ok || !closed {
		return nil
	}
	var out []int
	for _, part := range strings.Split(inside, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil
		}
		out = append(out, n)
	}
	return out
}

func scale(declared string) int {
	if p := parameters(declared); len(p) == 2 {
		return p[1]
	}
	return 0
}

// bits is the declared length of a bit field, 0 when unknown.
func bits(f Field) int {
	if p := parameters(f.Type); len(p) == 1 {
		return p[0]
	}
	return f.Length
}

// enumOf returns the values of a type enum('a','b'), nil for any other. A set's values are any combination
// of its members, of which single members are offered.
func enumOf(declared string) []string {
	b := base(declared)
	if b != "enum" && b != "set" {
		return nil
	}
	var out []string
	s := declared
	for {
		i := strings.IndexByte(s, '\'')
		if i < 0 {
			return out
		}
		s = s[i+1:]
		var value strings.Builder
		for {
			i = strings.IndexByte(s, '\'')
			if i < 0 {
				return out
			}
			value.WriteString(s[:i])
			s = s[i+1:]
			if !strings.HasPrefix(s, "'") {
				break
			}
			value.WriteByte('\'')
			s = s[1:]
		}
		out = append(out, value.String())
	}
}

func validJSON(s string) bool { return json.Valid([]byte(s)) }

// isDay reports whether b begins with a date as 2006-01-02, of any year but 0000.
func isDay(b []byte) bool {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' || !digits(b[:4]) || !digits(b[5:7]) || !digits(b[8:10]) {
		return false
	}
	m, d := int(b[5]-'0')*10+int(b[6]-'0'), int(b[8]-'0')*10+int(b[9]-'0')
	return string(b[:4]) != "0000" && m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// isClock reports whether s is 15:04:05, with a fraction or not.
func isClock(s string) bool {
	whole, fraction, hasFraction := strings.Cut(s, ".")
	return len(whole) == 8 && whole[2] == ':' && whole[5] == ':' && digits([]byte(whole[:2])) &&
		digits([]byte(whole[3:5])) && digits([]byte(whole[6:])) &&
		whole[:2] < "24" && whole[3:5] < "60" && whole[6:] < "60" &&
		(!hasFraction || fraction != "" && digits([]byte(fraction)))
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
