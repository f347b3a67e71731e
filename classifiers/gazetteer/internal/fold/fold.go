// Package fold turns a word into the form in which the gazetteer stores it, and
// that form into hashes. Generator and reader share it, so that both mean the
// same thing by 'the same word'.
package fold

import "unicode/utf8"

// Append appends the folded form of src to dst and returns it. Folding lowers
// case, drops accents and apostrophes and full stops, writes Cyrillic and Greek
// in Latin letters, and turns runs of spaces, hyphens and other punctuation into
// one space between words, none at the ends. Letters of other scripts and digits
// stay. What does not fit into cap(dst) is cut, at a letter's end, so that a
// caller with a stack buffer never allocates.
func Append(dst, src []byte) []byte {
	start, gap := len(dst), false
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			i++
			c = ascii[c]
			switch c {
			case 0:
				gap = len(dst) > start
				continue
			case 1:
				continue
			}
			need := 1
			if gap {
				need = 2
			}
			if len(dst)+need > cap(dst) {
				return dst
			}
			if gap {
				dst, gap = append(dst, ' '), false
			}
			dst = append(dst, c)
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		letters, class := base(r)
		i += size
		switch class {
		case space:
			gap = len(dst) > start
			continue
		case dropped:
			continue
		case kept:
			letters = ""
		}
		need := len(letters)
		if class == kept {
			need = size
		}
		if gap {
			need++
		}
		if len(dst)+need > cap(dst) {
			return dst
		}
		if gap {
			dst, gap = append(dst, ' '), false
		}
		if class == kept {
			dst = append(dst, src[i-size:i]...)
			continue
		}
		if letters == "y" && len(dst) > start && dst[len(dst)-1] == 'o' && isGreek(r) {
			letters = "u" // Greek omicron upsilon sounds and is written 'ou'
		}
		dst = append(dst, letters...)
	}
	return dst
}

func isGreek(r rune) bool { return r >= 0x370 && r < 0x400 }

// class says what folding does to a rune outside ASCII.
type class uint8

const (
	mapped class = iota
	kept
	dropped
	space
)

// ascii maps a byte to its folded form: a letter or digit, 0 for what separates
// words, 1 for what disappears inside a word.
var ascii = func() (t [128]byte) {
	for c := '0'; c <= '9'; c++ {
		t[c] = byte(c)
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = byte(c)
		t[c-'a'+'A'] = byte(c)
	}
	t['\''], t['`'], t['.'] = 1, 1, 1
	return t
}()

// blocks are the runs of runes that have a table of base letters, in order.
var blocks = [...]struct {
	first, last rune
	table       string
	width       int
}{
	{0xC0, 0x24F, latin, 2},
	{0x370, 0x3FF, greek, 2},
	{0x400, 0x491, cyrillic, 4},
	{0x1E00, 0x1EFF, latinAdditional, 2},
	{0x1F00, 0x1FFF, greekExtended, 2},
}

// base returns the Latin base letters of r, or what else becomes of it.
func base(r rune) (string, class) {
	for i := range blocks {
		b := &blocks[i]
		if r < b.first {
			break
		}
		if r <= b.last {
			return slot(b.table, int(r-b.first), b.width)
		}
	}
	return "", classOf(r)
}

// classOf says what becomes of a rune that has no base letters.
func classOf(r rune) class {
	switch r {
	case 0xAD, 0xB4, 0xB7, 0x200C, 0x200D, 0x2018, 0x2019, 0x201B, 0x2032:
		return dropped
	case 0x60C, 0x3000, 0x3001, 0x30FB, 0xFF0C:
		return space
	}
	switch {
	case r < 0xC0: // no-break space, guillemets, ordinal signs
		return space
	case r >= 0x2B0 && r < 0x370: // modifier letters (apostrophes) and combining marks
		return dropped
	case r >= 0x2000 && r < 0x2070:
		return space
	}
	return kept
}

func slot(table string, i, width int) (string, class) {
	s := table[i*width : (i+1)*width]
	n := 0
	for n < width && s[n] != ' ' {
		n++
	}
	switch {
	case n == 0:
		return "", kept
	case s[0] == '-':
		return "", dropped
	}
	return s[:n], mapped
}

// Hash returns the 40-bit fingerprint under which a folded word is stored:
// FNV-1a over its bytes with the finalizer of MurmurHash3.
func Hash(folded []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range folded {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return h >> 24
}

// GramBits is the width of the index that Grams yields.
const GramBits = 18

// maxGram is the length of the longest n-gram.
const maxGram = 5

// Grams calls visit with the table index of each character n-gram (2 to maxGram)
// of a folded word, its two ends marked. Indexes of different grams may collide.
func Grams(folded []byte, visit func(index uint32)) {
	n := len(folded) + 2
	at := func(i int) uint32 {
		if i == 0 || i == n-1 {
			return 1
		}
		return uint32(folded[i-1])
	}
	for i := 0; i < n; i++ {
		h := uint32(2166136261)
		for k := 0; k < maxGram && i+k < n; k++ {
			h = (h ^ at(i+k)) * 16777619
			if k > 0 {
				x := (h ^ uint32(k)) * 0x9E3779B1
				visit(x >> (32 - GramBits))
			}
		}
	}
}
