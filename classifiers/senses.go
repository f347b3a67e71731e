package classifiers

import (
	_ "embed"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed senses.tsv
var sensesTSV string

// senses says what words of headers and tables' names are about, apart from the kinds of personal data.
type senses struct {
	words, beginnings, endings map[string][]string
}

func readSenses(tsv string) *senses {
	s := &senses{map[string][]string{}, map[string][]string{}, map[string][]string{}}
	for line := range strings.Lines(tsv) {
		sense, words, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || line[0] == '#' {
			continue
		}
		for _, w := range strings.Fields(words) {
			m := s.words
			if rest, ok := strings.CutSuffix(w, "*"); ok {
				w, m = rest, s.beginnings
			} else if rest, ok := strings.CutPrefix(w, "*"); ok {
				w, m = rest, s.endings
			}
			if !slices.Contains(m[w], sense) {
				m[w] = append(m[w], sense)
			}
		}
	}
	return s
}

// of adds the senses of words to those known.
func (s *senses) of(words []string, known []string) []string {
	add := func(list []string) {
		for _, x := range list {
			if !slices.Contains(known, x) {
				known = append(known, x)
			}
		}
	}
	for _, w := range words {
		add(s.words[w])
		for i := 2; i < len(w); i++ {
			add(s.beginnings[w[:i]])
			add(s.endings[w[i:]])
		}
	}
	slices.Sort(known)
	return known
}

// anyHas reports whether a word of a folded text has a sense.
func (s *senses) anyHas(text []byte, sense string) bool {
	isLetter := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= utf8.RuneSelf }
	for len(text) > 0 {
		n := 0
		for n < len(text) && isLetter(text[n]) {
			n++
		}
		if n > 2 && s.has(text[:n], sense) {
			return true
		}
		text = text[min(len(text), n+1):]
	}
	return false
}

// has reports whether a folded word has a sense.
func (s *senses) has(word []byte, sense string) bool {
	if slices.Contains(s.words[string(word)], sense) {
		return true
	}
	for i := 2; i < len(word); i++ {
		if slices.Contains(s.beginnings[string(word[:i])], sense) || slices.Contains(s.endings[string(word[i:])], sense) {
			return true
		}
	}
	return slices.Contains(s.beginnings[string(word)], sense)
}
