package details

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit/page/lang"
)

// instant is a moment in the controller's zone, to the minute.
func (p *page) instant(t time.Time) string {
	if t.IsZero() {
		return p.say("details.unknown")
	}
	return p.words.FullDay(t.In(p.zone)) + t.In(p.zone).Format(", 15:04")
}

// day is the civil day of an instant, and civil a civil date; longDay is one in full.
func (p *page) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.words.DayYear(t.In(p.zone))
}

func (p *page) civil(date string) string { return reformat(date, p.words.DayYear) }

func (p *page) longDay(date string) string { return reformat(date, p.words.FullDay) }

func reformat(date string, as func(time.Time) string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return as(t)
}

func (p *page) span(oldest, newest string) string {
	if oldest == "" || newest == "" || oldest == newest {
		return p.civil(cmp.Or(oldest, newest))
	}
	return p.say("details.inventory.span", p.civil(oldest), p.civil(newest))
}

// say says a message of the details, without marks.
func (p *page) say(key string, args ...any) string { return lang.Plain(p.words.Say(key, args...)) }

// said is a code in words, and itself, or what else is known of it, where there are none.
func (p *page) said(key, code string, otherwise ...string) string {
	if p.words.Has(key + code) {
		return p.say(key + code)
	}
	return cmp.Or(append(otherwise, code)...)
}

// number writes 1204 as 1,204, as the language does.
func (p *page) number(n int64) string { return p.words.Number(n) }

// reason is a code of a decision: in English the sentence that stands in the tables, else in the words of the language.
func (p *page) reason(code, sentence string) string {
	if p.words.Code == lang.English {
		return cmp.Or(sentence, code)
	}
	return p.said("reason.", code, p.say("reason.statement"))
}

// entries takes "a;b" apart.
func entries(joined string) []string {
	return strings.FieldsFunc(joined, func(r rune) bool { return r == ';' })
}

// list turns "a;b" into "a, b".
func list(joined string) string {
	return strings.Join(entries(joined), ", ")
}

func place(source, object, column string) string {
	parts := slices.DeleteFunc([]string{source, object, column}, func(s string) bool { return s == "" })
	return strings.Join(parts, ".")
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
