package delivery

import (
	"bytes"
	"encoding/json"
	"strings"

	"lethe/pipeline/registry/event"
)

// twice refuses a line in which a key or a column stands twice.
func twice(column string) error {
	return &event.RefusedError{Reason: event.BadLine, Column: column,
		Why: "a key stands twice, and it cannot be told which one is meant: deliver each once"}
}

// namedTwice reports whether an object in a JSON text has a key twice, in whatever case: readers differ in which of the
// two they take (RFC 8259, 4), and so nobody can say what was meant. The text is known to be JSON.
func namedTwice(text []byte) bool {
	type level struct {
		keys  map[string]bool // nil in an array
		value bool            // what comes next is a value
	}
	var levels []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if n := len(levels); n > 0 && levels[n-1].keys != nil {
			in := &levels[n-1]
			if in.value = !in.value; in.value {
				key := strings.ToLower(token.(string))
				if in.keys[key] {
					return true
				}
				in.keys[key] = true
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{keys: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}
