package classifiers

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// categorySet is a set of categories, a bit each in the order of Categories.
type categorySet uint64

// setOf returns the set of some categories.
func setOf(list ...Category) categorySet {
	var set categorySet
	for i, f := range categoryFacts {
		for _, c := range list {
			if f.category == c {
				set |= 1 << i
			}
		}
	}
	return set
}

const (
	besideWords = 5  // words before a place, or behind it, that may say what stands there
	besideBytes = 40 // how far they may be
)

// besideSet says which categories the few words in front of a place name, or behind it where nothing in
// front does: "my passport number is ...", "... is my passport number". It reads the words as a header is
// read, and allocates only for words beyond ASCII.
func (l *lexicon) besideSet(text []byte, start, end int) categorySet {
	from := max(0, start-besideBytes)
	for from > 0 && from < start && text[from] > ' ' {
		from++
	}
	before := text[from:start]
	if i := bytes.LastIndexAny(before, "\n;!?"); i >= 0 {
		before = before[i+1:]
	}
	if set := l.wordsSet(before, true); set != 0 {
		return set
	}
	after := text[end:min(len(text), end+besideBytes)]
	if i := bytes.IndexAny(after, "\n;!?.,0123456789"); i >= 0 {
		after = after[:i]
	}
	return l.wordsSet(after, false)
}

// wordsSet reads a window as tokens joined by spaces, the last few or the first few of them, and looks their
// phrases up.
func (l *lexicon) wordsSet(window []byte, last bool) categorySet {
	var buf [4 * besideBytes]byte
	joined := buf[:0]
	var starts [besideBytes]int
	n := 0
	for i := 0; i < len(window) && n < len(starts); {
		start, end := nextWord(window, i)
		if start == end {
			break
		}
		if hyphen := bytes.IndexAny(window[start:end], "-'"); hyphen > 0 { // "Pass-Nr" is two words, as in a header
			end = start + hyphen
		}
		i = end
		at := len(joined)
		if at > 0 {
			joined = append(joined, ' ')
			at++
		}
		if joined = appendFolded(joined, window[start:end]); len(joined) == at || isFiller(joined[at:]) {
			joined = joined[:max(0, at-1)]
			continue
		}
		starts[n] = at
		n++
	}
	words := starts[:n]
	if last {
		words = words[max(0, n-besideWords):]
	} else {
		words = words[:min(n, besideWords+1)]
		if len(words) < n {
			joined = joined[:starts[len(words)]-1]
		}
	}
	var set categorySet
	for i := 0; i < len(words); {
		k := min(l.longest, len(words)-i)
		for ; k > 0; k-- {
			end := len(joined)
			if i+k < len(words) {
				end = words[i+k] - 1
			}
			if m, ok := l.phrases[string(joined[words[i]:end])]; ok {
				for _, x := range m {
					if x.kind == conceptWord && !x.weak {
						set |= x.set
					}
				}
				break
			}
		}
		i += max(1, k)
	}
	return set
}

// appendFolded appends a word in lower case and without accents. Scripts other than Latin cost an allocation.
func appendFolded(dst, word []byte) []byte {
	at := len(dst)
	for i := 0; i < len(word); {
		b := word[i]
		switch {
		case b >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(word[i:])
			if int(r) >= len(latinFold) || n < 2 {
				return append(dst[:at], foldWord(string(word))...)
			}
			dst = append(dst, latinFold[r]...)
			i += n
			continue
		case b >= 'A' && b <= 'Z':
			b += 'a' - 'A'
		}
		dst = append(dst, b)
		i++
	}
	return dst
}

// latinFold is foldWord for the letters of Latin-1 and Latin Extended-A. It is a constant of the program.
var latinFold = func() (t [0x180]string) {
	for r := rune(utf8.RuneSelf); int(r) < len(t); r++ {
		t[r] = foldWord(string(r))
	}
	return t
}()

// opener is what a word in front of a name is.
type opener uint8

const (
	noOpener opener = iota
	greeting        // opens a letter: Dear, Gentile
	title           // a form of address: Mr, Sig.
)

// openers finds titles and greetings: the words, and which lengths they have by their first byte, so that
// nearly all words are dropped by one look.
type openers struct {
	words map[string]opener
	sizes [256]uint32
}

func newOpeners() *openers {
	o := &openers{words: map[string]opener{}}
	for _, list := range [...]struct {
		kind  opener
		words []string
	}{{greeting, greetingWords()}, {title, titleWords()}} {
		for _, w := range list.words {
			o.words[w] = list.kind
			o.sizes[w[0]] |= 1 << min(len(w), 31)
		}
	}
	return o
}

// find says what a word is. Words with letters beyond ASCII are folded only where they begin with a capital
// or a capital follows.
func (o *openers) find(word []byte, capitals bool) opener {
	if len(word) == 0 || len(word) > 40 {
		return noOpener
	}
	var buf [48]byte
	for i, b := range word {
		if b >= utf8.RuneSelf {
			if !capitals {
				return noOpener
			}
			return o.words[string(appendFolded(buf[:0], word))]
		}
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if i == 0 && o.sizes[b]&(1<<min(len(word), 31)) == 0 && isASCII7(word) {
			return noOpener
		}
		buf[i] = b
	}
	return o.words[string(buf[:len(word)])]
}

func isASCII7(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// beginsCapital reports whether the text begins with a capital letter, after spaces and the points and
// colons of titles.
func beginsCapital(t []byte) bool {
	for i := 0; i < len(t) && i < 4; i++ {
		switch b := t[i]; {
		case b == ' ' || b == '.' || b == ':' || b == ',':
		case b < utf8.RuneSelf:
			return b >= 'A' && b <= 'Z'
		default:
			r, _ := utf8.DecodeRune(t[i:])
			return unicode.IsUpper(r)
		}
	}
	return false
}
