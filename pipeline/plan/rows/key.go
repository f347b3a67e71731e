package rows

import (
	"bytes"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/plan"
)

// Key is the key of a row as it may be shown, field by field: what says something of people, or may, as "*".
// hides says so of a value of a field that is not known for it.
func Key(s plan.Set, table string, key connectors.Key, hides func(text string) bool) (fields []string, hidden bool) {
	values, err := key.Values()
	if err != nil {
		return []string{"*"}, true
	}
	known := s.Keys[table]
	for i, v := range values {
		text := string(v)
		if bytes.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0xfffd }) {
			text = fmt.Sprintf("0x%x", v)
		}
		if len(known) != len(values) || known[i].Personal || hides(text) {
			text, hidden = "*", true
		}
		fields = append(fields, text)
	}
	return fields, hidden
}
