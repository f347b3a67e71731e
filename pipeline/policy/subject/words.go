package subject

import "strings"

// Holds reports whether a field's value is the one that the configuration wants: the same text, or, where it wants true
// or false, any way to write that.
func Holds(want string, value []byte) bool {
	if string(value) == want {
		return true
	}
	wanted, ok := boolean(want)
	if !ok {
		return false
	}
	is, ok := truth(string(value))
	return ok && is == wanted
}

// Together reports whether a value can be both of two that the configuration wants.
func Together(a, b string) bool { return Holds(a, []byte(b)) || Holds(b, []byte(a)) }

// boolean reads what the configuration writes for a truth value.
func boolean(text string) (is, ok bool) {
	is = strings.EqualFold(text, "true")
	return is, is || strings.EqualFold(text, "false")
}

// truth reads a truth value as databases and exports write it: what PostgreSQL reads as one ("Boolean Type", section
// 8.6 of its manual), whatever its case.
func truth(text string) (is, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "t", "yes", "y", "on", "1":
		return true, true
	case "false", "f", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}
