package connectors

import "strings"

// ConstantDefault is the constant day or instant that a clause DEFAULT of SQL gives, without its quotes and what
// stands around it: of `'1970-01-01'::date`, `DATE '1970-01-01'`, `(date('1970-01-01'))`, `CAST('1970-01-01' AS DATE)`
// and `make_date(1970, 1, 1)` it is 1970-01-01, or 1970-1-1. What follows the clause is not looked at. It is "" for
// what is computed, for NULL, and for what has not the digits of a day.
func ConstantDefault(clause string) string {
	text := firstExpression(strings.TrimSpace(clause))
	quoted := false
	for rest := text; ; {
		from := strings.IndexAny(rest, `'"`)
		if from < 0 {
			break
		}
		to := strings.IndexByte(rest[from+1:], rest[from])
		if to < 0 {
			return ""
		}
		quoted = true
		if day := strings.TrimSuffix(rest[from+1:from+1+to], `\`); isDay(day) {
			return day
		}
		rest = rest[from+to+2:]
	}
	if quoted {
		return ""
	}
	text = strings.Trim(text, "() ")
	if name, args, called := strings.Cut(text, "("); called && strings.EqualFold(strings.TrimSpace(name), "make_date") {
		text = strings.ReplaceAll(strings.ReplaceAll(args, " ", ""), ",", "-")
	}
	if isDay(text) {
		return text
	}
	return ""
}

// firstExpression is what stands before the first comma or blank outside of quotes and brackets; a keyword or a name
// goes with what it stands before.
func firstExpression(text string) string {
	depth, quote, value := 0, byte(0), false
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote, value = c, true
		case c == '(':
			depth, value = depth+1, true
		case c == ')':
			if depth--; depth < 0 {
				return text[:i]
			}
		case c >= '0' && c <= '9':
			value = true
		case depth == 0 && (c == ',' || c == ' ' && value):
			return text[:i]
		}
	}
	return text
}

// isDay reports whether a text has the digits of a day, and nothing else than days and instants have.
func isDay(text string) bool {
	digits := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("-:. TZ+/", c):
			return false
		}
	}
	const day = len("19700101") - 2 // some leave zeros out
	return digits >= day
}
