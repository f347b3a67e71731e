// Package scripts says in which writings a text is, and whether it can be seen (Unicode UTS #39).
package scripts

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// together are the scripts that are written together (UTS #39, 5.2: highly restrictive).
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
}

// common are the scripts to look in first.
var common = []string{"Cyrillic", "Greek", "Arabic", "Hebrew", "Han", "Hiragana", "Katakana", "Hangul",
	"Thai", "Devanagari"}

// rightToLeft are scripts of which nobody reads a word as one of Latin letters.
var rightToLeft = []string{"Arabic", "Hebrew", "Syriac", "Thaana", "Nko"}

// Of is the script of a character, "" for one of any script.
func Of(r rune) string {
	if unicode.Is(unicode.Latin, r) {
		return "Latin"
	}
	if unicode.In(r, unicode.Common, unicode.Inherited) {
		return ""
	}
	for _, name := range common {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// Set counts what a text is written in.
type Set struct {
	names []string
	clear []string // of which a letter stands there that looks like none of ASCII
	alike bool     // a character that does stands among those of any script, or of Latin
}

func (s *Set) Read(text string) {
	ascii := false
	for _, r := range text {
		if r < 0x80 {
			ascii = ascii || 'a' <= r|0x20 && r|0x20 <= 'z'
			continue
		}
		name, alike := Of(r), unicode.Is(lookAlikes(), r)
		s.alike = s.alike || alike && (name == "" || name == "Latin")
		s.see(name, !alike)
	}
	if ascii {
		s.see("Latin", true)
	}
}

func (s *Set) see(name string, clear bool) {
	if name == "" {
		return
	}
	if !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	if clear && !slices.Contains(s.clear, name) {
		s.clear = append(s.clear, name)
	}
}

// fit reports whether the scripts are written together.
func (s *Set) fit() bool {
	return len(s.names) <= 1 || slices.ContainsFunc(together, func(set []string) bool {
		return !slices.ContainsFunc(s.names, func(name string) bool { return !slices.Contains(set, name) })
	})
}

// plain reports whether nothing but ASCII looks like ASCII: of each other script there is a letter that shows it.
func (s *Set) plain() bool {
	return !s.alike && !slices.ContainsFunc(s.names, func(name string) bool {
		return !slices.Contains(s.clear, name) && !slices.Contains(rightToLeft, name)
	})
}

// Readable reports whether it can be seen of a text in which letters it is written: in scripts that are written
// together, its digits included, and not all of one like letters of ASCII.
func (s Set) Readable(text string) bool {
	s.names, s.clear = slices.Clone(s.names), slices.Clone(s.clear)
	s.Read(text)
	return s.fit() && s.plain()
}

// contextual are the signs that domains may have beside letters, digits and marks (RFC 5892, CONTEXTO and CONTEXTJ).
const contextual = "·͵׳״・\u200c\u200d"

// ReadableDomain is Readable for the labels of a domain: each is in one writing, and all together show in which.
// Digits are those of ASCII: a domain of others is another domain. Other signs are in none that somebody has.
func ReadableDomain(domain string) bool {
	if strings.ContainsFunc(domain, func(r rune) bool {
		return r >= utf8.RuneSelf && !unicode.In(r, unicode.L, unicode.M) && !strings.ContainsRune(contextual, r)
	}) {
		return false
	}
	var all Set
	for label := range strings.SplitSeq(domain, ".") {
		var s Set
		if s.Read(label); !s.fit() || !AtHome(label) {
			return false
		}
		all.Read(label)
	}
	return all.plain()
}
