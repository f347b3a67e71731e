package mysqldump

import (
	"errors"
	"slices"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// The options that say how mysqldump --tab was asked to write rows: its own, by their own names.
const (
	fieldsTerminated = "fields_terminated_by"
	fieldsEnclosed   = "fields_enclosed_by"
	fieldsEscaped    = "fields_escaped_by"
	linesTerminated  = "lines_terminated_by"
)

const nothing = "none"

var options = slices.Concat(dumpfile.Options, []connectors.OptionSpec{
	{Name: fieldsTerminated, About: "text, with \\t and the like; what stands between fields, as mysqldump --tab was told " +
		"by the option of that name", Check: some},
	{Name: fieldsEnclosed, About: "one character, or none; what stands around fields, optionally or not", Check: one},
	{Name: fieldsEscaped, About: "one character, or none; what stands before a character that would end a field", Check: one},
	{Name: linesTerminated, About: "text, with \\r, \\n and the like; what stands behind each row", Check: some},
})

func some(value string) error {
	if text, err := spelled(value); err != nil || text == "" {
		return errors.New("no text")
	}
	return nil
}

func one(value string) error {
	if text, err := spelled(value); value != nothing && (err != nil || len(text) != 1) {
		return errors.New("not one character")
	}
	return nil
}

// spelled is a text without the escapes in which it was written.
func spelled(value string) (string, error) {
	if value == `\` {
		return value, nil
	}
	if value == `"` || value == `\"` {
		return `"`, nil
	}
	return strconv.Unquote(`"` + value + `"`)
}

// layoutOf is how the options say that rows are written.
func layoutOf(extra map[string]string) (*layout, error) {
	l := usual()
	sign := func(name string, was byte) byte {
		value, said := extra[name]
		switch text, _ := spelled(value); { // checked with the options
		case !said:
			return was
		case value == nothing:
			return 0
		default:
			return text[0]
		}
	}
	l.quote, l.escape = sign(fieldsEnclosed, 0), sign(fieldsEscaped, '\\')
	for name, to := range map[string]*[]byte{fieldsTerminated: &l.fieldEnd, linesTerminated: &l.lineEnd} {
		if value, said := extra[name]; said {
			text, _ := spelled(value)
			*to = []byte(text)
		}
	}
	return l, l.check()
}
