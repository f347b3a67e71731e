// Package residue takes off what is left of white space around a value that was read in a wrong encoding, or not
// decoded: Trim. Of what else such mishaps leave it says that it is there: Undecoded, Misread.
package residue

import "bytes"

// all is white space, and what is none, as it looks after it was read in a wrong encoding or not decoded at all;
// letters of ASCII in whatever case.
var all = []string{"ï»¿", "â€‹", "Â\u00a0", "Â\u00ad", "\u200b", "\ufeff", "&nbsp;", "&#160;", "&#xa0;", "&#8203;",
	"&#x200b;", "&#65279;", "&#xfeff;", "_x000d_", "%20", "%0d", "%0a", "%09", "%c2%a0",
	"%e2%80%8b", "%ef%bb%bf", `\u00a0`, `\u200b`, `\ufeff`}

// The bytes with which residue begins, and those with which it ends.
var begins, ends = func() (begins, ends [256]bool) {
	for _, r := range all {
		last := r[len(r)-1]
		begins[r[0]], ends[last] = true, true
		if 'a' <= last && last <= 'z' {
			ends[last-'a'+'A'] = true
		}
	}
	return begins, ends
}()

// Trim is a value without white space and residue around it.
func Trim(value []byte) []byte {
	for {
		value = bytes.Trim(value, " \t\r\n")
		if len(value) == 0 || !begins[value[0]] && !ends[value[len(value)-1]] {
			return bytes.TrimSpace(value)
		}
		before := len(value)
		for _, r := range all {
			if n := len(r); n <= len(value) && alike(value[:n], r) {
				value = value[n:]
			}
			if n := len(r); n <= len(value) && alike(value[len(value)-n:], r) {
				value = value[:len(value)-n]
			}
		}
		if len(value) == before {
			return bytes.TrimSpace(value)
		}
	}
}

// alike reports whether a value is a text, whose letters of ASCII are lower-case.
func alike(value []byte, text string) bool {
	for i := range len(text) {
		if c := value[i]; c != text[i] && (c < 'A' || c > 'Z' || c+'a'-'A' != text[i]) {
			return false
		}
	}
	return true
}
