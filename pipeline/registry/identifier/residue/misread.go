package residue

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// wrongly are the encodings in which UTF-8 is read by mistake. In the first, whatever was misread is known; in those
// of old terminals and of old Macintoshes the accented letters of Western Europe and no others, as those encodings have
// letters where other characters of UTF-8 begin.
var wrongly = []*charmap.Charmap{charmap.Windows1252, charmap.CodePage437, charmap.CodePage850, charmap.Macintosh}

// Misread reports whether a text holds a character whose bytes in UTF-8 were read as characters of another encoding:
// JosÃ© for José. What is left of one that ended with a space, which was taken off, counts too: Â to Å at an end, the
// only letter that is not of ASCII, and not in a word of capitals.
func Misread(text string) bool {
	runes := []rune(text)
	for i, r := range runes {
		if r < utf8.RuneSelf {
			continue
		}
		last := i == len(runes)-1
		half := 'Â' <= r && r <= 'Å' && (last || runes[i+1] == ' ' || runes[i+1] == '@')
		if half && alone(runes, i) || !last && twice(runes[i:]) {
			return true
		}
	}
	return false
}

// alone reports whether all but one of the characters are of ASCII, and some of them digits or small letters.
func alone(runes []rune, but int) bool {
	small := false
	for i, r := range runes {
		if i != but && r >= utf8.RuneSelf {
			return false
		}
		small = small || '0' <= r && r <= '9' || 'a' <= r && r <= 'z'
	}
	return small
}

// twice reports whether the bytes of the first characters in one of the encodings are a character of UTF-8.
func twice(runes []rune) bool {
	for i, encoding := range wrongly {
		var buf [utf8.UTFMax]byte
		n := 0
		for n < len(buf) && n < len(runes) {
			b, ok := encoding.EncodeRune(runes[n])
			if !ok && i == 0 && 0x80 <= runes[n] && runes[n] < 0xa0 { // of ISO 8859-1
				b, ok = byte(runes[n]), true
			}
			if !ok {
				break
			}
			buf[n] = b
			n++
		}
		r, size := utf8.DecodeRune(buf[:n])
		if size > 1 && (i == 0 && plausible(r) || r < 0x100) {
			return true
		}
	}
	return false
}

// plausible reports whether a character stands in texts that are misread: not those whose bytes are two letters that
// follow each other in some language (Úž, Öš).
func plausible(r rune) bool {
	switch {
	case r < 0x180, r >= 0x800:
		return unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r)
	}
	return 0x391 <= r && r <= 0x3ce || 0x400 <= r && r <= 0x45f || 0x5d0 <= r && r <= 0x5ea || 0x621 <= r && r <= 0x64a
}
