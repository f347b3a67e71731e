package lang

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func words(t *testing.T, code string) *Words {
	t.Helper()
	w, err := In(code)
	require.NoError(t, err)
	return w
}

// TestEveryLanguageHasEveryMessage names what a language lacks, which is said in English, and what no page asks.
func TestEveryLanguageHasEveryMessage(t *testing.T) {
	english, err := read(English)
	require.NoError(t, err)
	for _, code := range Languages() {
		own, err := read(code)
		require.NoError(t, err)
		for key, text := range english {
			require.NotEmptyf(t, own[key], "%s.txt lacks %s (%s)", code, key, text)
		}
		for key, text := range own {
			require.NotEmptyf(t, english[key], "%s.txt has %s, which English does not", code, key)
			require.Equalf(t, places(english[key]), places(text), "%s.txt puts other things into %s", code, key)
			require.Zerof(t, strings.Count(text, "*")%2+strings.Count(text, "`")%2, "%s.txt, %s: a mark has no end", code, key)
			require.Equalf(t, commands(english[key]), commands(text), "%s.txt, %s: code is not translated", code, key)
		}
	}
}

var place = regexp.MustCompile(`\{(\d)[:}]`)

func places(text string) []string {
	var list []string
	for _, m := range place.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func commands(text string) []string {
	list := regexp.MustCompile("`[^`]*`").FindAllString(text, -1)
	slices.Sort(list)
	return list
}

// TestLengths holds titles, captions and matters to what there is room for, with numbers of seven figures.
func TestLengths(t *testing.T) {
	long := map[string]int{`^c\dp?\.(none\.)?title$`: 48, `^c\dp?\.(caption|ages)`: 220, `^evidence\.(holds|broken|missing)$`: 24,
		`^verdict\.`: 64, `^clause\.`: 100, `^kind\.`: 15, `^col\.`: 24, `^reason\.`: 26}
	seen := 0
	for _, code := range Languages() {
		w := words(t, code)
		for key := range w.messages {
			for pattern, most := range long {
				if !regexp.MustCompile(pattern).MatchString(key) {
					continue
				}
				seen++
				text := Plain(w.Say(key, int64(12345), int64(2345), int64(345)))
				require.LessOrEqualf(t, utf8.RuneCountInString(text), most, "%s %s: %s", code, key, text)
				require.NotContains(t, text, "%!", key)
			}
		}
	}
	require.Greater(t, seen, 400)
}

func TestSay(t *testing.T) {
	w := words(t, "")
	require.Equal(t, "Put back from a copy: in crm.people 1 row was back that had been erased, when it was read.",
		Plain(w.Say("finding.F_RESTORED", "crm.people", int64(1))), "they may have been ended again since")
	require.Equal(t, "1 day late", w.Say("days.late", int64(1)))
	require.Equal(t, "4,000 days late", w.Say("days.late", int64(4000)))
	require.Equal(t, "no.such.key", w.Say("no.such.key", int64(4)))
	require.Equal(t, "Nothing needs a person", w.Say("needs.none", int64(9)), "what is not asked for is left out")
	require.Equal(t, "since a{b}%d %s", w.Say("since", "a{b}%d\x1b%s"), "what is put in is text")
	require.Equal(t, "\uE000Plan x\uE001: y.", w.Say("need.plan", Name("\uE000x\uE003"), "y"))
	p := words(t, "pl")
	require.Equal(t, []string{"1 plan czeka", "3 plany czekają", "5 planów czeka", "22 plany czekają"},
		[]string{p.Say("clause.waits", int64(1)), p.Say("clause.waits", int64(3)), p.Say("clause.waits", int64(5)),
			p.Say("clause.waits", int64(22))})
	_, err := In("xx")
	require.ErrorContains(t, err, "take one of en, es, it, nl, pl, sv")
}

func TestNumbersSharesAndDays(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for code, want := range map[string][]string{
		"en": {"1,204,310", "1.4\u00a0%", "<0.1\u00a0%", "99.9\u00a0%", "Mon 23 Nov", "Monday 23 November 2026", "23 Nov 2026"},
		"it": {"1.204.310", "1,4\u00a0%", "<0,1\u00a0%", "99,9\u00a0%", "lun 23 nov", "lunedì 23 novembre 2026", "23 nov 2026"},
		"pl": {"1\u00a0204\u00a0310", "1,4\u00a0%", "<0,1\u00a0%", "99,9\u00a0%", "pn 23 lis",
			"poniedziałek, 23 listopada 2026", "23 lis 2026"},
		"sv": {"1\u00a0204\u00a0310", "1,4\u00a0%", "<0,1\u00a0%", "99,9\u00a0%", "mån 23 nov", "måndag 23 november 2026",
			"23 nov 2026"},
	} {
		w := words(t, code)
		require.Equal(t, want, []string{w.Number(1204310), w.Percent(14, 1000), w.Percent(1, 10000),
			w.Percent(99999, 100000), w.Weekday(day), w.LongDay(day), w.DayYear(day)}, code)
	}
	w := words(t, "en")
	require.Equal(t, "–", w.Percent(0, 0))
	require.Equal(t, "0.0\u00a0%", w.Percent(0, 5))
	require.Equal(t, []string{"", "a", "a and b", "a, b and c"}, []string{w.And(nil), w.And([]string{"a"}),
		w.And([]string{"a", "b"}), w.And([]string{"a", "b", "c"})})
}
