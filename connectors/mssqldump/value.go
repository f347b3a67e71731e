package mssqldump

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lethe/connectors"
)

// dialect is how the rest of a script is to be read.
type dialect struct {
	strings bool   // SET QUOTED_IDENTIFIER OFF
	order   string // of days, as SET DATEFORMAT says; "" not said
}

var (
	errExpression = errors.New("a value is an expression, which only the server can compute")
	errForm       = errors.New("a value is not of the form that its type has")
	errOrder      = errors.New("whether day or month comes first, the script does not say (SET DATEFORMAT)")
)

// constant is a value as it stands in a row.
type constant struct {
	null  bool
	kind  byte   // literal, number, octets
	text  []byte // without quotes, or the bytes of 0x...
	casts bool
}

// constant reads a literal, perhaps in CAST(... AS type), CONVERT(type, ...) or parentheses. It may use scratch.
func (d dialect) constant(raw, scratch []byte) (c constant, err error) {
	p := parser{schema: &schema{}, l: lexer{b: raw, eof: true, strings: d.strings}}
	p.advance()
	if c, err = p.constant(scratch); err != nil {
		return c, err
	}
	if p.t.kind != endOfText || p.err != nil {
		return c, errExpression
	}
	return c, nil
}

func (p *parser) constant(scratch []byte) (c constant, err error) {
	b := p.l.b
	switch {
	case p.t.kind == '(':
		p.advance()
		if c, err = p.constant(scratch); err == nil && !p.sign(')') {
			err = errExpression
		}
		return c, err
	case p.accept("CAST"):
		c, err = p.cast(scratch)
		c.casts = true
		return c, err
	case p.accept("CONVERT"):
		return p.convert(scratch)
	case p.accept("NULL"):
		return constant{null: true}, nil
	case p.t.kind == '-', p.t.kind == '+':
		minus := p.t.kind == '-'
		if p.advance(); p.t.kind != number && p.t.kind != '$' {
			return c, errExpression
		}
		if c, err = p.constant(nil); err == nil && minus {
			c.text = append([]byte{'-'}, c.text...)
		}
		return c, err
	case p.t.kind == '$':
		p.advance()
		if p.t.kind != number {
			return c, errExpression
		}
		return p.constant(nil)
	case p.t.kind == number:
		c = constant{kind: number, text: bytes.TrimRight(b[p.t.start:p.t.end], " ")}
	case p.t.kind == octets:
		digits := b[p.t.start+2 : p.t.end]
		if len(digits)%2 == 1 {
			digits = append([]byte{'0'}, digits...)
		}
		c = constant{kind: octets, text: make([]byte, hex.DecodedLen(len(digits)))}
		if _, err := hex.Decode(c.text, digits); err != nil {
			return c, errForm
		}
	case p.t.kind == literal:
		text := b[p.t.start:p.t.end]
		if text[0]|0x20 == 'n' {
			text = text[1:]
		}
		q := text[0]
		text = text[1 : len(text)-1]
		if bytes.IndexByte(text, q) >= 0 {
			scratch = append(scratch[:0], text...)
			text = bytes.ReplaceAll(scratch, []byte{q, q}, []byte{q})
		}
		c = constant{kind: literal, text: unfold(text)}
	default:
		return c, errExpression
	}
	p.advance()
	return c, nil
}

// unfold takes out backslashes that stand at the end of a line, with its end: they continue it, within a literal too.
func unfold(text []byte) []byte {
	for _, end := range []string{"\\\r\n", "\\\n"} {
		if bytes.Contains(text, []byte(end)) {
			text = bytes.ReplaceAll(text, []byte(end), nil)
		}
	}
	return text
}

func (p *parser) cast(scratch []byte) (c constant, err error) {
	if !p.sign('(') {
		return c, errExpression
	}
	if c, err = p.constant(scratch); err != nil {
		return c, err
	}
	if !p.accept("AS") {
		return c, errExpression
	}
	if p.typ(); p.err != nil || !p.sign(')') {
		return c, errExpression
	}
	return c, nil
}

func (p *parser) convert(scratch []byte) (c constant, err error) {
	if !p.sign('(') {
		return c, errExpression
	}
	if p.typ(); p.err != nil || !p.sign(',') {
		return c, errExpression
	}
	if c, err = p.constant(scratch); err != nil {
		return c, err
	}
	if !p.sign(')') { // a style says how a day is written
		return c, errExpression
	}
	return c, nil
}

// canonical is the value of a constant as its kind has it.
func (d dialect) canonical(c constant, t *typeInfo) (v []byte, err error) {
	switch t.kind {
	case connectors.Integer:
		return integer(c)
	case connectors.Decimal:
		return decimal(c, t.scale())
	case connectors.Float:
		return float(c, t)
	case connectors.Binary:
		if c.kind != octets {
			return nil, errForm
		}
		return c.text, nil
	case connectors.Date, connectors.Time, connectors.Timestamp:
		at, err := d.instant(c, t)
		if err != nil {
			return nil, err
		}
		return at.appendTo(nil, t), nil
	}
	switch {
	case c.kind == octets && t.base == "uniqueidentifier" && len(c.text) == 16:
		return guid(c.text), nil
	case c.kind == octets:
		return nil, errForm
	case !utf8.Valid(c.text):
		return nil, errEncoding
	case t.base == "uniqueidentifier":
		return bytes.ToUpper(bytes.Trim(c.text, "{} ")), nil
	}
	return c.text, nil
}

// guid writes the sixteen bytes of a uniqueidentifier: its first three parts stand there from behind.
func guid(b []byte) []byte {
	return fmt.Appendf(nil, "%08X-%04X-%04X-%X-%X", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]),
		binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}

func integer(c constant) ([]byte, error) {
	text := bytes.TrimSpace(c.text)
	if c.kind == octets {
		if len(c.text) > 8 {
			return nil, errForm
		}
		var b [8]byte
		copy(b[8-len(c.text):], c.text)
		return strconv.AppendUint(nil, binary.BigEndian.Uint64(b[:]), 10), nil
	}
	n, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		r, ok := new(big.Rat).SetString(string(text))
		if !ok || !r.IsInt() || len(text) > 64 {
			return nil, errForm
		}
		n = r.Num()
	}
	return n.Append(nil, 10), nil
}

func decimal(c constant, scale int) ([]byte, error) {
	text := string(bytes.TrimSpace(c.text))
	r, ok := new(big.Rat).SetString(text)
	if !ok || c.kind == octets || len(text) > 100 || strings.Contains(text, "/") {
		return nil, errForm
	}
	out := r.FloatString(scale)
	if strings.HasPrefix(out, "-") && strings.Trim(out, "-0.") == "" {
		out = out[1:]
	}
	return []byte(out), nil
}

func float(c constant, t *typeInfo) ([]byte, error) {
	bits := 64
	if t.base == "real" || t.base == "float" && t.arg(0, 53) <= 24 {
		bits = 32
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(c.text)), bits)
	if err != nil || c.kind == octets {
		return nil, errForm
	}
	if abs := max(f, -f); abs != 0 && (abs < 1e-5 || abs >= 1e17) {
		return strconv.AppendFloat(nil, f, 'e', -1, bits), nil
	}
	return strconv.AppendFloat(nil, f, 'f', -1, bits), nil
}

// instant is a day, a time of day, or both.
type instant struct {
	days  int   // since 0001-01-01
	ticks int64 // of 100 ns since midnight
}

const dayTicks = 24 * 60 * 60 * 10_000_000

// appendTo writes an instant in the canonical form of its type. Those with an offset are in UTC.
func (i instant) appendTo(dst []byte, t *typeInfo) []byte {
	day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i.days)
	if t.kind != connectors.Time {
		dst = day.AppendFormat(dst, time.DateOnly)
	}
	if t.kind == connectors.Date {
		return dst
	}
	if t.kind == connectors.Timestamp {
		dst = append(dst, ' ')
	}
	s := i.ticks / 10_000_000
	dst = fmt.Appendf(dst, "%02d:%02d:%02d", s/3600, s/60%60, s%60)
	if part := i.ticks % 10_000_000; part > 0 {
		dst = append(dst, strings.TrimRight(fmt.Sprintf(".%07d", part), "0")...)
	}
	return dst
}

// instant reads the forms of all types of days and times: texts, and the bytes that scripts before SQL Server 2016 have.
func (d dialect) instant(c constant, t *typeInfo) (i instant, err error) {
	if c.kind == octets {
		return packed(c.text, t)
	}
	if c.kind != literal {
		return i, errForm
	}
	text := strings.TrimSpace(string(c.text))
	offset := 0
	if t.base == "datetimeoffset" {
		if text, offset, err = cutOffset(text); err != nil {
			return i, err
		}
	}
	text = strings.TrimSuffix(text, "Z")
	day, clock := "", ""
	if named.MatchString(text) {
		return d.named(text)
	}
	switch at := strings.IndexAny(text, "T "); {
	case at > 0:
		day, clock = text[:at], strings.TrimSpace(text[at+1:])
	case strings.Contains(text, ":"):
		clock = text
	default:
		day = text
	}
	if day != "" {
		if i.days, err = d.day(day); err != nil {
			return i, err
		}
	} else if t.kind != connectors.Time {
		return i, errForm
	}
	if clock != "" {
		if i.ticks, err = clockTicks(clock); err != nil {
			return i, err
		}
	}
	i.shift(offset)
	return i, nil
}

// shift takes an offset in minutes from an instant.
func (i *instant) shift(minutes int) {
	i.ticks -= int64(minutes) * 60 * 10_000_000
	for i.ticks < 0 {
		i.ticks += dayTicks
		i.days--
	}
	for i.ticks >= dayTicks {
		i.ticks -= dayTicks
		i.days++
	}
}

// cutOffset takes +02:00 off a text; without one it is UTC.
func cutOffset(text string) (string, int, error) {
	text = strings.TrimSuffix(text, "Z")
	at := strings.LastIndexAny(text, "+-")
	if at < 8 || !strings.Contains(text[at:], ":") || !strings.Contains(text[:at], ":") {
		return text, 0, nil
	}
	h, m, _ := strings.Cut(text[at+1:], ":")
	hours, err := strconv.Atoi(h)
	minutes, err2 := strconv.Atoi(m)
	if err != nil || err2 != nil || hours > 14 || minutes > 59 {
		return "", 0, errForm
	}
	minutes += 60 * hours
	if text[at] == '-' {
		minutes = -minutes
	}
	return strings.TrimSpace(text[:at]), minutes, nil
}

// day reads a day: 2020-01-31, 20200131, and with slashes as SET DATEFORMAT says, or with the year first.
func (d dialect) day(text string) (int, error) {
	form := "20060102"
	if strings.ContainsAny(text, "-/.") {
		text = strings.NewReplacer("/", "-", ".", "-").Replace(text)
		parts := strings.Split(text, "-")
		switch {
		case len(parts) == 3 && len(parts[0]) == 4:
			form = "2006-1-2"
		case len(parts) != 3 || len(parts[2]) != 4 && len(parts[2]) != 2:
			return 0, errForm
		case d.order == "mdy":
			form = "1-2-2006"
		case d.order == "dmy":
			form = "2-1-2006"
		default:
			return 0, errOrder
		}
		if len(parts[0]) < 4 && len(parts[2]) == 2 { // a server takes 50 for 1950, and 49 for 2049
			century := "20"
			if parts[2] >= "50" {
				century = "19"
			}
			text = parts[0] + "-" + parts[1] + "-" + century + parts[2]
		}
	}
	at, err := time.Parse(form, text)
	if err != nil || at.Year() < 1 {
		return 0, errForm
	}
	return daysOf(at), nil
}

// named is a day whose month has a name.
var named = regexp.MustCompile(`(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b`)

// named reads a day in English words, and a time behind it: Jul  1 1993 12:00AM, 1 July 1993.
func (d dialect) named(text string) (i instant, err error) {
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) < 3 {
		return i, errForm
	}
	for n, w := range words[:3] {
		if named.MatchString(w) {
			words[n] = strings.ToUpper(w[:1]) + strings.ToLower(w[1:3])
		}
	}
	day := strings.Join(words[:3], " ")
	at, err := time.Parse("Jan 2 2006", day)
	if err != nil {
		at, err = time.Parse("2 Jan 2006", day)
	}
	if err != nil {
		return i, errForm
	}
	i.days = daysOf(at)
	if len(words) > 3 {
		i.ticks, err = clockTicks(strings.Join(words[3:], " "))
	}
	return i, err
}

// daysOf counts the days since 0001-01-01.
func daysOf(at time.Time) int { return int(at.Unix()/86400) + 719162 }

func clockTicks(text string) (int64, error) {
	pm := ""
	for _, half := range []string{"AM", "PM"} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(text), half); ok {
			text, pm = strings.TrimSpace(rest), half
		}
	}
	form := "15:04:05.999999999"
	if strings.Count(text, ":") == 1 {
		form = "15:04"
	}
	if pm != "" {
		form, text = strings.Replace(form, "15", "3", 1)+" PM", text+" "+pm
	}
	at, err := time.Parse(form, text)
	if err != nil {
		return 0, errForm
	}
	return int64(at.Sub(at.Truncate(24*time.Hour)) / 100), nil
}

// epoch is the day from which datetime counts, 1900-01-01, since 0001-01-01.
const epoch = 693595

// packed reads the bytes of a day or a time as a CAST of 0x... gives them.
func packed(b []byte, t *typeInfo) (i instant, err error) {
	little := func(b []byte) (n int64) {
		for at := len(b) - 1; at >= 0; at-- {
			n = n<<8 | int64(b[at])
		}
		return n
	}
	switch {
	case t.base == "datetime" && len(b) == 8:
		i.days = epoch + int(int32(binary.BigEndian.Uint32(b)))
		thirds := int64(binary.BigEndian.Uint32(b[4:]))
		i.ticks = (thirds*10 + 1) / 3 * 10_000 // to the millisecond, as the server shows it
	case t.base == "smalldatetime" && len(b) == 4:
		i.days = epoch + int(binary.BigEndian.Uint16(b))
		i.ticks = int64(binary.BigEndian.Uint16(b[2:])) * 60 * 10_000_000
	case t.base == "date" && len(b) == 3:
		i.days = int(little(b))
	case t.base == "time" || t.base == "datetime2" || t.base == "datetimeoffset":
		tail := map[string]int{"time": 0, "datetime2": 3, "datetimeoffset": 5}[t.base]
		if len(b) < 4+tail || b[0] > 7 {
			return i, errForm
		}
		clock, rest := b[1:len(b)-tail], b[len(b)-tail:]
		if i.ticks = little(clock); len(clock) > 5 {
			return i, errForm
		}
		for n := b[0]; n < 7; n++ {
			i.ticks *= 10
		}
		if tail > 0 {
			i.days = int(little(rest[:3])) // in UTC
		}
	default:
		return i, errForm
	}
	if i.ticks >= dayTicks || i.days < 0 || i.days > 3652058 {
		return i, errForm
	}
	return i, nil
}
