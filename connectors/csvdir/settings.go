package csvdir

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"lethe/connectors"
	"lethe/connectors/delimited"
)

var options = []connectors.OptionSpec{{
	Name:  "header",
	About: "none or first; whether the first row names the fields",
	Check: func(value string) error { return oneOf(value, "none", "first") },
}, {
	Name:  "header_line",
	About: "a number; the line in which the names of the fields stand, or the first row where there are none",
	Check: func(value string) error { _, err := parseLine(value); return err },
}, {
	Name:  "delimiter",
	About: "tab, one character, or up to four signs (\\x01 for one that cannot be written); what stands between fields",
	Check: func(value string) error { _, err := parseDelimiter(value); return err },
}, {
	Name:  "quote",
	About: `none, or one character of ASCII; what stands around fields, '"' by default`,
	Check: func(value string) error { _, err := parseQuote(value); return err },
}, {
	Name: "escape",
	About: "doubled, backslash or php; how a quote in a field is written: twice, behind a backslash, or as fputcsv of " +
		"PHP does",
	Check: func(value string) error { return oneOf(value, "doubled", "backslash", "php") },
}, {
	Name:  "null",
	About: `a word; what a field without quotes holds that holds nothing, beside an empty one and \N`,
	Check: func(value string) error {
		if value == "" {
			return errors.New("no word")
		}
		return nil
	},
}, {
	Name:  "short_rows",
	About: "refused or filled; whether a row with fewer fields than the first ends in empty ones; refused by default",
	Check: func(value string) error { return oneOf(value, "refused", "filled") },
}, {
	Name:  "encoding",
	About: "a name of the WHATWG list such as windows-1252; UTF-8 by default",
	Check: func(value string) error { _, err := delimited.Encoding(value); return err },
}}

// settings are what is said of how a file is written.
type settings struct {
	said       delimited.Said
	headerLine int
	encoding   string // "": UTF-8, or what the text shows
	guess      bool   // what is not UTF-8 is Windows-1252
	short      bool   // a row with fewer fields than the first ends in empty ones
}

// checkSettings refuses options that cannot be.
func checkSettings(o connectors.Options) error {
	if err := connectors.CheckOptions(options, o.Extra); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Files)) {
		if _, err := path.Match(name, ""); err != nil {
			return fmt.Errorf("files: %q is no pattern of names: %w", name, connectors.ErrConfig)
		}
		if err := connectors.CheckOptions(options, o.Files[name]); err != nil {
			return fmt.Errorf("files: %s: %w", name, err)
		}
	}
	return nil
}

// named reports whether Options.Files names a file itself, so that it is one of rows whatever its ending.
func named(o connectors.Options, name string) bool { _, ok := o.Files[name]; return ok }

// settingsOf are those of a file, of options that have been checked.
func settingsOf(o connectors.Options, name string) (settings, error) {
	extra := maps.Clone(o.Extra)
	if extra == nil {
		extra = map[string]string{}
	}
	own, ok := o.Files[name]
	if !ok {
		var fits []string
		for pattern := range o.Files {
			if match, _ := path.Match(pattern, name); match {
				fits = append(fits, pattern)
			}
		}
		if len(fits) > 1 {
			slices.Sort(fits)
			return settings{}, fmt.Errorf("files: %s fits %s: name it itself, or let one pattern fit: %w", name,
				strings.Join(fits, " and "), connectors.ErrConfig)
		}
		if len(fits) == 1 {
			own = o.Files[fits[0]]
		}
	}
	maps.Copy(extra, own)
	s := settings{guess: o.Unchecked, short: extra["short_rows"] == "filled"}
	s.said.Header, s.said.Escape = extra["header"], delimited.Escape(extra["escape"])
	if value, ok := extra["header_line"]; ok {
		s.headerLine, _ = parseLine(value)
		s.said.Placed = true
	}
	if value, ok := extra["delimiter"]; ok {
		delimiter, _ := parseDelimiter(value)
		s.said.Delimiter = &delimiter
	}
	if value, ok := extra["quote"]; ok {
		quote, _ := parseQuote(value)
		s.said.Quote = &quote
	}
	if value, ok := extra["null"]; ok {
		s.said.Null = &value
	}
	if value, ok := extra["encoding"]; ok {
		s.encoding, s.guess = value, false
	}
	return s, nil
}

func oneOf(value string, words ...string) error {
	if !slices.Contains(words, value) {
		return errors.New("not one of them")
	}
	return nil
}

func parseLine(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, errors.New("no number of a line")
	}
	return n, nil
}

func parseDelimiter(value string) (string, error) {
	if value == "tab" {
		return "\t", nil
	}
	if text, err := strconv.Unquote(`"` + value + `"`); err == nil && strings.HasPrefix(value, `\x`) {
		value = text
	}
	n := len([]rune(value))
	if n > 1 && strings.ContainsFunc(value, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
		return "", errors.New("no delimiter")
	}
	if n < 1 || n > 4 || strings.ContainsAny(value, "\"\r\n\\") ||
		strings.TrimSpace(value) == "" && value != "\t" {
		return "", errors.New("no delimiter")
	}
	return value, nil
}

// parseQuote returns the quote; "" for none.
func parseQuote(value string) (string, error) {
	switch {
	case value == "none":
		return "", nil
	case len(value) == 1 && value[0] > ' ' && value[0] < 0x7f && value != "\\":
		return value, nil
	}
	return "", errors.New("no quote")
}

func quoteOf(quote byte) string {
	if quote == 0 {
		return "none"
	}
	return string(quote)
}

// spelled writes a delimiter or a quote as the options take it.
func spelled(text string) string {
	switch {
	case text == "\t":
		return "tab"
	case len(text) == 1 && text[0] < ' ':
		return fmt.Sprintf(`\x%02x`, text[0])
	}
	return text
}
