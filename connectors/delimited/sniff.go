package delimited

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Layout is how a text is laid out.
type Layout struct {
	Dialect
	Skip     int    // lines before the one with the names of the fields, or before the first row where there is none
	Headless bool   // the first row is one of data
	Null     string // what stands for NULL beside an empty field and \N; "" nothing does
}

// Said is what somebody says of a layout; what is not said is found out.
type Said struct {
	Delimiter, Quote, Null *string // Quote: "" for none
	Escape                 Escape
	Header                 string // first, none, or "" for what is seen
	Placed                 bool   // the text begins with the header, or its first row
}

// ErrUnclear says that a text can be read in several ways, and which is not to be guessed.
var ErrUnclear = errors.New("it can be read in more than one way")

// The delimiters that are looked for. The further ones are rare, and common within fields.
var (
	delimiters = []string{",", ";", "\t", "|", "||", "\x01", "\x1f"}
	further    = []string{"^", "~", "::", ":"}
)

const (
	firstBytes = 1 << 16 // of which every reading is tried
	mostCells  = 200_000 // that are looked at of one reading
	mostBefore = 40      // lines that may stand before the header
)

// Sniff finds out how a text is laid out of its beginning, which is all of it where eof is set: by which delimiter,
// quotes and escapes every row falls into as many fields, behind some lines of title. A text that can be read in
// several ways by which the fields differ is ErrUnclear; one that no way fits is read by the nearest, so that whoever
// reads it on meets the row that does not.
func Sniff(head []byte, eof bool, said Said) (Layout, error) {
	part, whole := head, eof
	if len(head) > firstBytes {
		part, whole = head[:firstBytes], false
	}
	best, err := said.choose(part, whole)
	if len(part) < len(head) && (err != nil || best.rows() < 2 || !said.look(head, eof, best.Dialect).even) {
		best, err = said.choose(head, eof)
	}
	if err != nil {
		return Layout{}, err
	}
	return said.layout(best), nil
}

// choose finds the dialect that fits.
func (s Said) choose(head []byte, eof bool) (look, error) {
	all := s.tried(head, eof, delimiters)
	even := readable(all)
	if s.Delimiter == nil && !slices.ContainsFunc(even, func(l look) bool { return l.before == 0 }) {
		even = append(even, slices.DeleteFunc(readable(s.tried(head, eof, further)), func(l look) bool {
			return l.before > 0 && l.Delimiter[0] == ':' || l.rows() < 2
		})...)
	}
	if len(even) == 0 {
		return s.nearest(head, eof, all)
	}
	if i := slices.IndexFunc(all, func(l look) bool { return l.unclear }); i >= 0 &&
		!slices.ContainsFunc(even, func(l look) bool { return l.before <= all[i].before }) {
		return look{}, all[i].titleOrName()
	}
	var fits []look // one of each delimiter
	for _, l := range even {
		if i := slices.IndexFunc(fits, func(f look) bool { return f.Delimiter == l.Delimiter }); i < 0 {
			same := slices.DeleteFunc(slices.Clone(even), func(o look) bool { return o.Delimiter != l.Delimiter })
			one, err := quoting(same)
			if err != nil {
				return look{}, err
			}
			fits = append(fits, one)
		}
	}
	return delimiting(fits)
}

// readable are the looks by which all rows have as many fields, two at least; if there are any by which all lines can be
// read, only these.
func readable(all []look) []look {
	even := slices.DeleteFunc(slices.Clone(all), func(l look) bool { return !l.even || l.fields < 2 })
	if whole := slices.DeleteFunc(slices.Clone(even), func(l look) bool { return l.unread > 0 }); len(whole) > 0 {
		return whole
	}
	return even
}

// tried looks at a text by each dialect that can be meant.
func (s Said) tried(head []byte, eof bool, delimiters []string) (list []look) {
	if s.Delimiter != nil {
		delimiters = []string{*s.Delimiter}
	}
	for _, delimiter := range delimiters {
		if s.Delimiter == nil && !bytes.Contains(head, []byte(delimiter)) {
			continue
		}
		for _, d := range s.dialects(head, delimiter) {
			list = append(list, s.look(head, eof, d))
		}
	}
	return list
}

// dialects are those with a delimiter that can be meant, the usual first.
func (s Said) dialects(head []byte, delimiter string) (list []Dialect) {
	quotes := []byte{'"'}
	switch {
	case s.Quote != nil && *s.Quote == "":
		quotes = []byte{0}
	case s.Quote != nil:
		quotes = []byte{(*s.Quote)[0]}
	default:
		if bytes.IndexByte(head, '"') >= 0 && (!strings.Contains(",;", delimiter) || bytes.Contains(head, []byte(`\N`))) {
			quotes = append(quotes, 0) // who parts fields by commas needs quotes, or escapes
		}
		if bytes.IndexByte(head, '\'') >= 0 {
			quotes = append(quotes, '\'')
		}
	}
	slash := bytes.IndexByte(head, '\\') >= 0
	for _, quote := range quotes {
		switch {
		case s.Escape != "":
			list = append(list, Dialect{delimiter, quote, s.Escape})
			continue
		}
		list = append(list, Dialect{delimiter, quote, Doubled})
		if slash {
			list = append(list, Dialect{delimiter, quote, Backslash})
			if quote != 0 && bytes.Contains(head, []byte{'\\', quote}) {
				list = append(list, Dialect{delimiter, quote, PHP})
			}
		}
	}
	return list
}

// quoting chooses among looks with one delimiter by all of which the rows are even: the quotes and escapes.
func quoting(list []look) (look, error) {
	best, err := escaping(list, '"')
	if err != nil {
		return look{}, err
	}
	if single, _ := escaping(list, '\''); single != nil && (best == nil || best.quoted == 0) &&
		single.quoted >= max(2, single.rows()-1) {
		best = single
	}
	plain, _ := escaping(list, 0)
	switch {
	case best == nil && plain == nil:
		return list[0], nil
	case best == nil, plain != nil && best.quoted == 0,
		plain != nil && plain.nulls && best.quoted < best.rows()-1 && best.bare > 0 && !strings.Contains(",;",
			best.Delimiter): // who writes \N and quotes has whole fields in them, and few of those are here
		return *plain, nil
	case plain != nil && plain.rows() != best.rows() && best.quoted == best.broken && best.bare > 0:
		return look{}, fmt.Errorf("whether quotes enclose fields: %w", ErrUnclear)
	}
	return *best, nil
}

// escaping chooses among the looks with one quote; nil where there is none. Exports with \N have escapes, and so has
// what has no quotes and could not hold a tab else.
func escaping(list []look, quote byte) (*look, error) {
	find := func(escape Escape) *look {
		i := slices.IndexFunc(list, func(l look) bool { return l.Quote == quote && l.Escape == escape })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	php, slash, doubled := find(PHP), find(Backslash), find(Doubled)
	needed := slash != nil && slash.odd == 0 &&
		(slash.nulls || slash.pairs > 0 && slash.quoted == 0 && slash.Delimiter == "\t")
	if php != nil && slash != nil && php.doubled == 0 {
		php = nil
	}
	switch other := cmp.Or(php, slash); {
	case other == nil:
		return doubled, nil
	case doubled == nil:
		return other, nil
	case quote != 0 && doubled.rows() != other.rows():
		return nil, fmt.Errorf("whether a backslash keeps a quote from closing a field: %w", ErrUnclear)
	case needed:
		return slash, nil
	}
	return doubled, nil
}

// delimiting chooses among looks with different delimiters by all of which the rows are even.
func delimiting(list []look) (look, error) {
	best := slices.MinFunc(list, func(a, b look) int {
		switch {
		case a.cost() < b.cost():
			return -1
		case a.cost() > b.cost():
			return 1
		}
		return b.fields - a.fields
	})
	for _, l := range list {
		switch {
		case l.Delimiter == best.Delimiter:
		case best.before != l.before && max(best.before, l.before) > 0 && l.cost() > best.cost():
		case l.Delimiter == best.Delimiter+best.Delimiter && best.fields == 2*l.fields-1:
			best = l
		case best.Delimiter == l.Delimiter+l.Delimiter && l.fields == 2*best.fields-1:
		case best.rows() > 1 && l.cost() < 2.2*best.cost()+0.03:
			return look{}, fmt.Errorf("whether %s or %s stands between the fields: %w", nameOf(best.Delimiter),
				nameOf(l.Delimiter), ErrUnclear)
		}
	}
	return best, nil
}

// nearest is the look at a text that none fits: one of one field a row, or the one by which most rows have as many
// fields as the first.
func (s Said) nearest(head []byte, eof bool, all []look) (look, error) {
	single := s.single(head, eof)
	var best *look
	for i := range all {
		switch l := &all[i]; {
		case l.share() == 0:
		case best == nil, l.whole && !best.whole, l.whole == best.whole && l.share() > best.share():
			best = l
		}
	}
	switch {
	case s.Delimiter != nil:
		if best == nil {
			best = &all[0]
		}
		best.before = 0
		return *best, nil
	case best == nil:
		return single, nil
	}
	first := best.counts[0]
	switch i := slices.IndexFunc(all, func(l look) bool { return l.unclear }); {
	case i >= 0:
		return look{}, all[i].titleOrName()
	case first == 1 && (best.common() < 3 && best.Delimiter == "," || best.share() < 0.8):
		return single, nil
	}
	return *best, nil
}

// titleOrName is the error of an unclear look.
func (l look) titleOrName() error {
	return fmt.Errorf("whether the first line is a title, or names one field with %s in it: %w", nameOf(l.Delimiter),
		ErrUnclear)
}

// single is the look at a text with one field a row.
func (s Said) single(head []byte, eof bool) look {
	list := s.dialects(head, "")
	for _, d := range list {
		if l := s.look(head, eof, d); l.even {
			return l
		}
	}
	return s.look(head, eof, list[0])
}

func nameOf(delimiter string) string {
	switch delimiter {
	case "\t":
		return "tab"
	case ",":
		return "comma"
	case ";":
		return "semicolon"
	}
	return fmt.Sprintf("%q", delimiter)
}

// look is a text as it falls into rows by one dialect.
type look struct {
	Dialect
	texts   [][]string // of the rows behind the lines before
	counts  []int      // of all rows, how many fields they have
	lines   []int      // how many lines are before them
	fields  int        // of each row, where it is even
	before  int        // rows before the first one of as many fields
	whole   bool       // every line can be read
	even    bool       // every row but these has as many fields
	unclear bool       // it is not even only because a line before the rows can be the name of one field
	unread  int        // lines before them that cannot be read
	prose   bool       // its delimiter is mostly followed by a blank

	quoted, doubled int  // fields in quotes, and with quotes doubled in them
	broken          int  // fields in quotes on several lines
	bare            int  // fields without quotes that hold something else than \N
	odd, pairs      int  // backslashes that begin no escape, and those before one or the end of a line
	nulls           bool // a field is \N
	words           []word
	weight          float64
	cells           int
}

// word is a field without quotes that can stand for NULL.
type word struct {
	text       string
	row, field int
}

func (l look) rows() int { return len(l.texts) }

// cost is how much speaks against the delimiter: others within fields.
func (l look) cost() float64 { return l.weight / float64(max(1, l.cells)) }

// common is how many fields the most rows have.
func (l look) common() (fields int) {
	count := map[int]int{}
	for _, n := range l.counts {
		count[n]++
	}
	for n, times := range count {
		if times > count[fields] || times == count[fields] && n > fields {
			fields = n
		}
	}
	return fields
}

// share is the share of rows with as many fields as the most have, if these are two at least.
func (l look) share() float64 {
	if len(l.counts) == 0 {
		return 0
	}
	fields, same := l.common(), 0
	if l.counts[0] > 1 {
		fields = l.counts[0]
	}
	if fields < 2 {
		return 0
	}
	for _, n := range l.counts {
		if n == fields {
			same++
		}
	}
	return float64(same) / float64(len(l.counts))
}

// look reads the beginning of a text by a dialect.
func (s Said) look(head []byte, eof bool, d Dialect) look {
	l := look{Dialect: d}
	var rows []span
	if rows, l.whole = l.read(head, eof); len(l.counts) == 0 {
		l.even = l.whole
		return l
	}
	end := len(l.counts)
	if eof {
		end = l.footed(head, rows)
	}
	l.fields = l.counts[end-1]
	l.before = end - 1
	for l.before > 0 && l.counts[l.before-1] == l.fields {
		l.before--
	}
	l.even = l.whole && (l.before == 0 || !s.Placed && l.titled(head, rows[:l.before], end))
	from := min(l.before, len(rows))
	if !l.even {
		from = 0
	}
	l.weigh(head, rows[from:end])
	if l.even && l.before > 0 && (l.prose || !l.apart()) {
		l.even, l.unclear = false, !l.prose
	}
	return l
}

// footed is how many rows there are before lines at the end that are none.
func (l look) footed(head []byte, rows []span) int {
	end := len(rows)
	for end > 0 && l.counts[end-1] == 1 && Footer(rows[end-1].text(head)) {
		end--
	}
	if end == 0 || l.counts[end-1] == 1 {
		return len(rows)
	}
	return end
}

// titled reports whether rows can be lines before the header.
func (l look) titled(head []byte, rows []span, end int) bool {
	return l.fields > 1 && len(rows) <= mostBefore && end > len(rows)+1 && !slices.ContainsFunc(rows, func(r span) bool {
		n := len(r.cells)
		return n > max(1, l.fields/2) && (n >= l.fields || !title(l.textsOf(head, r)))
	})
}

// apart reports whether the lines before the first row are no row: another delimiter than a comma is rare in a field, an
// empty line follows, there are several, or the fields of the first row cannot be parts of one.
func (l look) apart() bool {
	if l.Delimiter != "," && l.Delimiter != ":" || l.before > 1 && l.fields > 2 ||
		l.lines[l.before] > l.lines[l.before-1]+1 {
		return true
	}
	names, rows, sure := votes(l.texts)
	return sure || names > 0 && rows == 0
}

// span is where a row stands.
type span struct {
	start, end int
	cells      []Cell
}

func (r span) text(head []byte) []byte { return bytes.TrimRight(head[r.start:r.end], "\r\n") }

// read cuts rows; whole says that none could not be.
func (l *look) read(head []byte, eof bool) (rows []span, whole bool) {
	line, cells := 0, 0
	for at := 0; at < len(head) && cells < mostCells; {
		fields := 0
		if n := len(l.counts); n > 0 {
			fields = l.counts[n-1]
		}
		found, n := l.Row(head[at:], nil, fields, eof)
		if n < 0 {
			break
		}
		if n == 0 {
			n = bytes.IndexByte(head[at:], '\n') + 1
			if n == 0 || len(l.counts) > mostBefore || slices.ContainsFunc(l.counts, func(c int) bool { return c > 1 }) {
				return rows, false
			}
			l.unread++
			found = []Cell{{Start: 0, End: n - 1}} // a line before the header may hold any quotes
		}
		row := span{at, at + n, found}
		if !Blank(head[at:at+n]) || l.Delimiter == "" {
			rows = append(rows, row)
			l.counts, l.lines = append(l.counts, len(found)), append(l.lines, line)
		}
		cells += len(found)
		line += bytes.Count(head[at:at+n], []byte{'\n'})
		at += n
	}
	return rows, true
}

// textsOf are the fields of a row.
func (l *look) textsOf(head []byte, r span) []string {
	texts := make([]string, len(r.cells))
	for i, c := range r.cells {
		texts[i] = string(l.Text(nil, head[r.start:r.end], c))
	}
	return texts
}

// weigh looks at the fields of rows.
func (l *look) weigh(head []byte, rows []span) {
	blanks, behind := 0, 0
	for _, r := range rows {
		row, texts := head[r.start:r.end], l.textsOf(head, r)
		for i, c := range r.cells {
			raw := row[c.Start:c.End]
			l.cells++
			if c.Quoted {
				l.quoted++
				if bytes.IndexByte(raw, '\n') >= 0 {
					l.broken++
				}
				if bytes.Contains(raw, []byte{l.Quote, l.Quote}) {
					l.doubled++
				}
			} else {
				l.weight += strange(raw, l.Delimiter)
				switch string(raw) {
				case `\N`:
					l.nulls = true
				case "":
				default:
					l.bare++
				}
				if slices.Contains(spellings, texts[i]) {
					l.words = append(l.words, word{texts[i], len(l.texts), i})
				}
			}
			if i > 0 {
				behind++
				if len(raw) > 0 && raw[0] == ' ' {
					blanks++
					l.weight += 0.3
				}
			}
			l.escapes(raw)
		}
		l.texts = append(l.texts, texts)
	}
	l.prose = 2*blanks > behind
}

// escapes counts the backslashes of a field, and those that begin no escape.
func (l *look) escapes(raw []byte) {
	if string(raw) == `\N` {
		return
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if i == len(raw) || escapes[raw[i]] == 0 && !bytes.ContainsRune([]byte("\\0\n\"'"), rune(raw[i])) &&
			!strings.HasPrefix(l.Delimiter, string(raw[i:i+1])) {
			l.odd++
		} else if raw[i] == '\\' || raw[i] == '\n' {
			l.pairs++
		}
	}
}

// strange is how strange a field without quotes is as one, for the delimiters in it.
func strange(raw []byte, delimiter string) (cost float64) {
	for _, other := range []struct {
		sign byte
		cost float64
	}{{'\t', 1}, {1, 1}, {0x1f, 1}, {'|', 0.6}, {';', 0.6}, {'^', 0.5}, {'~', 0.5}, {',', 0.3},
		{'"', 0.3}} {
		if string(other.sign) != delimiter && bytes.IndexByte(raw, other.sign) >= 0 &&
			!(other.sign == ',' && decimal(raw)) {
			cost = max(cost, other.cost)
		}
	}
	return cost
}

// decimal reports whether a field is a number with a comma.
func decimal(raw []byte) bool {
	return bytes.Count(raw, []byte{','}) == 1 && len(bytes.Trim(raw, "-+0123456789.,€$ ")) == 0 && len(raw) > 2 &&
		raw[0] != ',' && raw[len(raw)-1] != ','
}

// Blank reports whether a line has nothing on it.
func Blank(line []byte) bool { return len(bytes.TrimRight(line, " \r\n")) == 0 }
