package delimited

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// layout says what a look tells of the layout of its text.
func (s Said) layout(l look) Layout {
	to := Layout{Dialect: l.Dialect}
	texts := l.texts
	if l.before > 0 && l.even {
		to.Skip = l.lines[l.before]
	}
	if !s.Placed && l.even && s.Header != "none" {
		if n := padded(texts); n > 0 {
			to.Skip, texts = l.lines[l.before+n], texts[n:]
		}
	}
	switch {
	case s.Header != "":
		to.Headless = s.Header == "none"
	default:
		names, rows, _ := votes(texts)
		to.Headless = rows > names
	}
	if s.Null != nil {
		to.Null = *s.Null
	} else {
		to.Null = null(l, texts, to.Headless)
	}
	return to
}

// padded is how many rows stand before the header that are titles though they have as many fields: empty but for one
// or two, or a sentence that holds the delimiter. It must be plain from the rows behind it that the next full row is the
// header.
func padded(texts [][]string) int {
	if names, rows, _ := votes(texts); names != rows { // the first row says what it is
		return 0
	}
	for n := range min(len(texts), mostBefore) {
		if title(texts[n]) {
			continue
		}
		if n == 0 || slices.Contains(texts[n], "") || repeats(texts[n]) {
			return 0
		}
		if names, rows, _ := votes(texts[n:]); names == rows {
			return 0
		}
		return n
	}
	return 0
}

// title reports whether a row can be a title.
func title(texts []string) bool {
	filled, sentence := 0, false
	for i, text := range texts {
		if strings.TrimSpace(text) != "" {
			filled++
		}
		sentence = sentence || i > 0 && len(text) > 1 && text[0] == ' ' && text[1] != ' '
	}
	return filled == 0 || sentence || filled <= 2 && len(texts) > 2*filled
}

func repeats(texts []string) bool {
	sorted := slices.Sorted(slices.Values(texts))
	return len(slices.Compact(sorted)) < len(texts)
}

// votes counts the fields that speak for the first of some rows being names, and for it being a row like the others:
// a field that in the rows behind it is always a number, a date, an address or the like is one in a row, and no name.
// A number can be a name, where others are; a date over dates or an address is none: that is sure.
func votes(texts [][]string) (names, rows int, sure bool) {
	if len(texts) < 2 {
		for _, text := range slices.Concat(texts...) {
			if form(text) == addressed { // nobody calls a field so
				return 0, 1, true
			}
		}
		return 0, 0, false
	}
	first, typed := texts[0], 0
	counting := counts(first)
	for i, text := range first {
		kind := written
		for n, row := range texts[1:] {
			if i >= len(row) || row[i] == "" || isNull(row[i]) {
				continue
			}
			if of := form(row[i]); kind == written && n >= 0 {
				kind = of
			} else if of != kind {
				kind = mixed
				break
			}
			if kind == wording {
				break
			}
		}
		switch own := form(text); {
		case kind == written || kind == mixed || kind == wording || text == "":
			if own == addressed {
				typed += 3
			}
		case own == kind && kind != number:
			typed += 3
		case own == kind && !counting:
			rows++
		case own == wording:
			names++
		}
	}
	if names > 0 {
		rows = 0
	}
	return names, rows + typed, typed > 0
}

// counts reports whether a row is of numbers that go up, as years in a header do.
func counts(first []string) bool {
	last, many := 0, 0
	for _, text := range first {
		n, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		if many > 0 && n != last+1 {
			return false
		}
		last = n
		many++
	}
	return many > 1
}

// The forms of fields.
const (
	written = iota // none seen
	wording
	number
	day
	addressed
	code
	mixed
)

var (
	numbers   = regexp.MustCompile(`^[-+]?\d[\d.,' ]*(e[-+]?\d+)?%?$`)
	days      = regexp.MustCompile(`^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$|^\d{1,2}:\d{2}(:\d{2})?$`)
	addresses = regexp.MustCompile(`^[^\s@<>]+@[^\s@<>]+\.[A-Za-z]{2,}$|^https?://`)
	codes     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$|^[0-9a-fA-F]{32,}$|` +
		`^\d{1,3}(\.\d{1,3}){3}$`)
)

// form is what a field looks like.
func form(text string) int {
	text = strings.TrimSpace(text)
	switch {
	case len(text) > 200:
		return wording
	case codes.MatchString(text):
		return code
	case days.MatchString(text):
		return day
	case numbers.MatchString(text):
		return number
	case addresses.MatchString(text):
		return addressed
	}
	return wording
}

// spellings are words that can stand for NULL. The first two can be words of a text, too.
var spellings = []string{"NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "[null]"}

func isNull(text string) bool { return text == `\N` || slices.Contains(spellings, text) }

// null finds what stands for NULL in rows: a word that is a value where values are numbers or the like, or in several
// fields.
func null(l look, texts [][]string, headless bool) string {
	from := len(l.texts) - len(texts)
	if !headless {
		from++
	}
	typed := map[int]bool{}
	for _, row := range l.texts[min(from, len(l.texts)):] {
		for i, text := range row {
			typed[i] = typed[i] || text != "" && !isNull(text) && form(text) != wording
		}
	}
	for n, spelling := range spellings {
		in := map[int]bool{}
		for _, w := range l.words {
			if w.text != spelling || w.row < from {
				continue
			}
			if in[w.field] = true; n > 1 || len(in) > 1 || typed[w.field] {
				return spelling
			}
		}
	}
	return ""
}

var totals = regexp.MustCompile(`(?i)^\W*(total|totals|totale|totali|totaux|summe|gesamt|insgesamt|somme|suma|razem|` +
	`celkem|totaal|sum|yhteensä|összesen|итого|всего|sayfa|page|pagina|seite|end of (file|report)|fine|ende)\b[^,;\t|]*$`)

// Footer reports whether a line without delimiter, at the end of rows that have one, is none of them: the mark with
// which PostgreSQL ends a copy, a count in parentheses, a total, a rule.
func Footer(line []byte) bool {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0 || len(line) > 200:
		return false
	case string(line) == `\.`, line[0] == '(' && line[len(line)-1] == ')':
		return true
	case len(bytes.Trim(line, "-=_*+#. ")) == 0:
		return true
	}
	return totals.Match(line)
}
