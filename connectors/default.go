package connectors

import "strings"

// ConstantDefault is the constant day or instant that a clause DEFAULT of SQL gives, without its quotes, its cast
// and its keyword: of `'1970-01-01'::date`, `DATE '1970-01-01'` and `('1970-01-01')` it is 1970-01-01. It is "" for
// what is computed, for NULL, and for what has not the digits of a day.
func ConstantDefault(clause string) string {
	text := strings.TrimSpace(clause)
	for strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") {
		text = strings.TrimSpace(text[1 : len(text)-1])
	}
	for _, keyword := range []string{"DATE", "TIMESTAMP", "DATETIME"} {
		if rest := text[min(len(keyword), len(text)):]; len(rest) > 0 && strings.EqualFold(text[:len(keyword)], keyword) {
			text = strings.TrimSpace(rest)
		}
	}
	text, _, _ = strings.Cut(text, "::")
	if n := len(text); n > 1 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		text = text[1 : n-1]
	}
	digits := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("-:. TZ+/", c):
			return ""
		}
	}
	const day = len("19700101") - 2 // some leave zeros out
	if digits < day {
		return ""
	}
	return text
}
