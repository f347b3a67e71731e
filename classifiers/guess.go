package classifiers

import (
	"slices"
	"strings"
)

// guesser says what a word may mean that the lexicon does not have: an abbreviation of one that it has (nacion), another case
// or number of it (nazwiska), or a compound of one with something else (mieterstrasse). A guess is a feature of the field and
// never a meaning of its header.
type guesser struct {
	words []string // in order
	means map[string]string
}

const (
	shortestGuess = 4  // letters that a word and a known one must share
	longestTail   = 7  // letters by which a known word may be longer than its abbreviation
	mostAlike     = 60 // words that begin alike: more say nothing
)

// newGuesser takes the words of the lexicon that mean one thing by themselves.
func newGuesser(l *lexicon) *guesser {
	g := &guesser{means: map[string]string{}}
	for phrase, list := range l.phrases {
		if strings.Contains(phrase, " ") || len(phrase) < shortestGuess {
			continue
		}
		if m := meaningOf(list); m != "" {
			g.words = append(g.words, phrase)
			g.means[phrase] = m
		}
	}
	slices.Sort(g.words)
	return g
}

// meaningOf is the kind or the sort of word that a list of meanings names first.
func meaningOf(list []meaning) string {
	for _, m := range list {
		switch m.kind {
		case conceptWord:
			return string(m.category)
		case genericWord:
			return "a word for " + m.sub
		case killWord:
			return "a fact about it"
		}
	}
	for _, m := range list {
		if m.kind == roleWord {
			return "about " + m.sub
		}
	}
	return ""
}

// alike is what the known words mean that begin as a word does, empty where they differ or there are none; and how sure that is.
func (g *guesser) alike(word string) (string, float64) {
	for cut := 0; cut <= 3; cut++ {
		n := len(word) - cut
		if n < shortestGuess || n*10 < len(word)*6 {
			break
		}
		most := n + 2
		if cut == 0 {
			most = n + longestTail
		}
		if m, share := g.beginning(word[:n], most); m != "" {
			return m, share * (1 - 0.2*float64(cut))
		}
	}
	return "", 0
}

// beginning is what most of the known words mean that begin with some letters and are no longer than most.
func (g *guesser) beginning(letters string, most int) (string, float64) {
	i, _ := slices.BinarySearch(g.words, letters)
	count, n := map[string]int{}, 0
	best := ""
	for ; i < len(g.words) && strings.HasPrefix(g.words[i], letters); i++ {
		if len(g.words[i]) > most {
			continue
		}
		m := g.means[g.words[i]]
		count[m]++
		if n++; count[m] > count[best] || count[m] == count[best] && m < best {
			best = m
		}
	}
	if n == 0 || n > mostAlike || count[best]*10 < n*6 {
		return "", 0
	}
	return best, float64(count[best]) / float64(n)
}

// within are what the longest known words mean with which a word begins and ends.
func (g *guesser) within(word string) (head, tail string) {
	for n := len(word) - 2; n >= shortestGuess && (head == "" || tail == ""); n-- {
		if m := g.means[word[:n]]; head == "" && m != "" {
			head = m
		}
		if m := g.means[word[len(word)-n:]]; tail == "" && m != "" {
			tail = m
		}
	}
	return head, tail
}

// of are features of the words of a header that are not in the lexicon.
func (g *guesser) of(tokens []string, l *lexicon) []feature {
	var list []feature
	add := func(name string, x float64) {
		if !slices.ContainsFunc(list, func(f feature) bool { return f.name == name }) {
			list = append(list, feature{name, x})
		}
	}
	for _, w := range tokens {
		if len(w) < shortestGuess || allDigits(w) || l.vocab[w] {
			continue
		}
		if m, sure := g.alike(w); m != "" {
			add("guess: "+m, sure)
		}
		head, tail := g.within(w)
		if head != "" {
			add("guess: begins with "+head, 1)
		}
		if tail != "" {
			add("guess: ends with "+tail, 1)
		}
	}
	return list
}

const (
	fewestLetters = 3 // of a part of a word
	mostLetters   = 5
	ofLetters     = 0.35 // how far each part holds: a word has many
)

// letters are the parts of words, where they begin and end among them: a word that nobody has seen may be made of parts that
// somebody has. Two databases at least had each that weighs something.
func letters(tokens []string) []feature {
	seen := map[string]bool{}
	var list []feature
	for _, t := range tokens {
		w := []rune("^" + t + "$")
		for n := fewestLetters; n <= mostLetters; n++ {
			for i := 0; i+n <= len(w); i++ {
				if part := "letters: " + string(w[i:i+n]); !seen[part] {
					seen[part] = true
					list = append(list, feature{part, ofLetters})
				}
			}
		}
	}
	return list
}

const shortestMisspelt = 8 // letters: of fewer, another word may well be a letter away

// misspelt is the word of the lexicon that differs from an unknown one by one letter, left out, put in or changed, or by two
// that changed places (nacimento, adresss, pasword): the word itself where there is none, or several that mean different things.
func (l *lexicon) misspelt(word string) string {
	if len(word) < shortestMisspelt || len(word) > 24 || !isASCII(word) {
		return word
	}
	found := ""
	try := func(w string) bool {
		if !l.vocab[w] || w == found {
			return true
		}
		was, is := meaningOf(l.phrases[found]), meaningOf(l.phrases[w])
		if was == "" {
			found = w
		}
		return was == "" || is == "" || is == was
	}
	for i := 0; i <= len(word); i++ {
		head, tail := word[:i], word[i:]
		if tail != "" && !try(head+tail[1:]) || len(tail) > 1 && !try(head+tail[1:2]+tail[:1]+tail[2:]) {
			return word
		}
		for c := 'a'; c <= 'z'; c++ {
			if !try(head+string(c)+tail) || tail != "" && !try(head+string(c)+tail[1:]) {
				return word
			}
		}
	}
	if found == "" {
		return word
	}
	return found
}
