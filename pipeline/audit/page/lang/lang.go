// Package lang says things in the languages of the pages. A Words is one language: it says messages of the one
// catalogue (four files of messages for each language: those of the pages, of the page with details, of what nights
// find, and of what people are handed), numbers, shares and days. A message that a language lacks is said in English.
package lang

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

//go:embed *.txt
var files embed.FS

// English is the language that has every message.
const English = "en"

// Languages are those that there are messages in, by code (ISO 639-1).
func Languages() []string { return []string{English, "es", "it", "nl", "pl", "sv"} }

// Words says messages in one language.
type Words struct {
	Code     string            // of the language
	messages map[string]string // of all words of the language: nobody writes to it
	printer  *message.Printer
}

// messages are those of one language, ready to be said.
type messages struct {
	texts   map[string]string
	catalog catalog.Catalog
}

// known has the messages of each language; they are read once, when they are first asked for.
var known = func() map[string]func() (messages, error) {
	all := map[string]func() (messages, error){}
	for _, code := range Languages() {
		all[code] = sync.OnceValues(func() (messages, error) { return ready(code) })
	}
	return all
}()

// In gives the words of a language. The error names those that there are.
func In(code string) (*Words, error) {
	code = cmp.Or(code, English)
	if known[code] == nil {
		return nil, fmt.Errorf("%q is no language of the pages: take one of %s", code,
			strings.Join(Languages(), ", "))
	}
	m, err := known[code]()
	if err != nil {
		return nil, err
	}
	return &Words{Code: code, messages: m.texts,
		printer: message.NewPrinter(language.Make(code), message.Catalog(m.catalog))}, nil
}

// ready makes the messages of a language ready.
func ready(code string) (messages, error) {
	texts, err := read(English)
	if err != nil {
		return messages{}, err
	}
	if code != English {
		own, err := read(code)
		if err != nil {
			return messages{}, err
		}
		maps.Copy(texts, own)
	}
	tag := language.Make(code)
	b := catalog.NewBuilder(catalog.Fallback(tag))
	for key, text := range texts {
		if err := set(b, tag, key, text); err != nil {
			return messages{}, fmt.Errorf("message %s in %s: %w", key, code, err)
		}
	}
	return messages{texts, b}, nil
}

// read reads the messages of a language, of all its files.
func read(code string) (map[string]string, error) {
	messages := map[string]string{}
	for _, name := range []string{code + ".txt", code + ".details.txt", code + ".findings.txt", code + ".people.txt"} {
		if err := readFile(name, messages); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// readFile takes the messages of a file apart: a line is KEY = TEXT; one that begins with space goes on with the line
// before it; # begins a remark.
func readFile(name string, messages map[string]string) error {
	body, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	last := ""
	for n, line := range strings.Split(string(body), "\n") {
		if trimmed := strings.TrimSpace(line); trimmed == "" || line[0] == '#' {
			continue
		} else if line[0] == ' ' && last != "" {
			messages[last] += " " + trimmed
			continue
		}
		key, text, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return fmt.Errorf("%s, line %d, is no message", name, n+1)
		}
		if _, twice := messages[key]; twice {
			return fmt.Errorf("%s, line %d: %s stands there twice", name, n+1, key)
		}
		messages[key], last = strings.TrimSpace(text), key
	}
	return nil
}

// Marks of a text that a page shows in bold or as code. They stand in messages as *bold* and `code`, and nowhere else:
// what is put into a message cannot bring one.
const (
	BoldOn, BoldOff = '\uE000', '\uE001'
	CodeOn, CodeOff = '\uE002', '\uE003'
)

// marked sets the marks of a message.
func marked(text string) string {
	var b strings.Builder
	bold, code := false, false
	for _, r := range text {
		switch r {
		case '*':
			b.WriteRune(map[bool]rune{false: BoldOn, true: BoldOff}[bold])
			bold = !bold
		case '`':
			b.WriteRune(map[bool]rune{false: CodeOn, true: CodeOff}[code])
			code = !code
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Plain is a text without marks.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= BoldOn && r <= CodeOff {
			return -1
		}
		return r
	}, text)
}

// set adds a message. In it {1} is what is put in first; {1:row|rows} says one of the forms, by how many {1} are: one
// and others, or, in a language that has three forms, one, few and others. # in a form is the number.
func set(b *catalog.Builder, tag language.Tag, key, text string) error {
	var vars []catalog.Message
	var out strings.Builder
	for rest := marked(text); ; {
		before, after, found := strings.Cut(rest, "{")
		out.WriteString(strings.ReplaceAll(before, "%", "%%"))
		if !found {
			break
		}
		inside, tail, ok := strings.Cut(after, "}")
		at, forms, chosen := strings.Cut(inside, ":")
		place, err := strconv.Atoi(at)
		if !ok || err != nil || place < 1 {
			return fmt.Errorf("{%s} is no place", inside)
		}
		rest = tail
		if !chosen {
			fmt.Fprintf(&out, "%%[%d]v", place)
			continue
		}
		number := strings.NewReplacer("%", "%%", "#", fmt.Sprintf("%%[%d]v", place))
		cases, err := formsOf(number.Replace(forms))
		if err != nil {
			return err
		}
		name := "form" + strconv.Itoa(len(vars))
		vars = append(vars, catalog.Var(name, plural.Selectf(place, "%d", cases...)))
		out.WriteString("${" + name + "}")
	}
	return b.Set(tag, key, append(vars, catalog.String(out.String()))...)
}

// formsOf are the cases of a plural.
func formsOf(forms string) ([]any, error) {
	switch f := strings.Split(forms, "|"); len(f) {
	case 2:
		return []any{plural.One, f[0], plural.Other, f[1]}, nil
	case 3:
		return []any{plural.One, f[0], plural.Few, f[1], plural.Other, f[2]}, nil
	}
	return nil, fmt.Errorf("%q are not two or three forms", forms)
}

// Say says a message with what is put into it: numbers (int64) in the way of the language, texts as they are. A key
// that is no message is said itself.
func (w *Words) Say(key string, args ...any) string {
	if !strings.Contains(w.messages[key], "{") {
		args = nil
	}
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = Safe(s)
		}
	}
	return w.printer.Sprintf(key, args...)
}

// Safe is a text that brings no character that moves others about: no control character, nothing that turns the
// direction of writing, no end of a line. The marks of other messages stay.
func Safe(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
}

// Name is a text from elsewhere (a name of a table, a comment), in which marks mean nothing.
func Name(s string) string { return Plain(Safe(s)) }

// Short is a name of which at most so many characters are shown, where there is no room for more.
func Short(s string, most int) string {
	r := []rune(Name(s))
	if len(r) <= most {
		return string(r)
	}
	return strings.TrimRight(string(r[:most-1]), " ") + "…"
}

// longestCode is how many characters of a name have room in a sentence.
const longestCode = 64

// Code is a name as code.
func Code(s string) string { return string(CodeOn) + Short(s, longestCode) + string(CodeOff) }

// Has says whether there is a message.
func (w *Words) Has(key string) bool { return w.messages[key] != "" }

// Finding says what was found, by its kind and weight: where, and how many. A kind that has no message gives "".
func (w *Words) Finding(kind, weight, where string, count int64) string {
	for _, key := range []string{"finding." + kind + "." + weight, "finding." + kind} {
		if w.Has(key) {
			return w.Say(key, where, count)
		}
	}
	return ""
}

// Number writes 1204 as 1,204 or 1.204.
func (w *Words) Number(n int64) string { return w.printer.Sprintf("%d", n) }

// Percent writes a share of 1, to one place: 1.4 %. Less than a twentieth of a hundredth, and not nothing, is <0.1 %.
func (w *Words) Percent(part, of int64) string {
	if of == 0 {
		return "–"
	}
	share := 100 * float64(part) / float64(of)
	switch {
	case part > 0 && share < 0.1:
		return "<" + w.printer.Sprintf("%.1f", 0.1) + "\u00a0%"
	case part < of && share >= 99.95:
		share = 99.9
	}
	return w.printer.Sprintf("%.1f", share) + "\u00a0%"
}

// And joins: a, b and c.
func (w *Words) And(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " " + w.Say("and") + " " + parts[last]
}

// names are those of days or months.
func (w *Words) names(key string, n int) string {
	if list := strings.Fields(w.messages[key]); n >= 0 && n < len(list) {
		return list[n]
	}
	return strconv.Itoa(n + 1)
}

// Day is a day without its year: 19 Nov.
func (w *Words) Day(t time.Time) string {
	return w.Say("date.day", strconv.Itoa(t.Day()), w.names("months.short", int(t.Month())-1))
}

// DayYear is a day with its year: 20 Feb 2027.
func (w *Words) DayYear(t time.Time) string {
	return w.Say("date.year", w.Day(t), strconv.Itoa(t.Year()))
}

// Weekday is a day of these weeks: Thu 19 Nov.
func (w *Words) Weekday(t time.Time) string {
	return w.Say("date.weekday", w.names("weekdays.short", int(t.Weekday())), w.Day(t))
}

// LongDay is a day in full: Monday 23 November 2026.
func (w *Words) LongDay(t time.Time) string {
	return w.Say("date.long", w.names("weekdays", int(t.Weekday())), strconv.Itoa(t.Day()),
		w.names("months", int(t.Month())-1), strconv.Itoa(t.Year()))
}

// FullDay is a day as letters have it: 23 November 2026.
func (w *Words) FullDay(t time.Time) string {
	return w.Say("date.full", strconv.Itoa(t.Day()), w.names("months", int(t.Month())-1), strconv.Itoa(t.Year()))
}

// Month is a month in full: October 2026.
func (w *Words) Month(t time.Time) string {
	return w.Say("date.month", w.names("months.alone", int(t.Month())-1), strconv.Itoa(t.Year()))
}

// ShortMonth is a month beside others: Oct.
func (w *Words) ShortMonth(t time.Time) string { return w.names("months.short", int(t.Month())-1) }
