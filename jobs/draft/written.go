package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
)

// Written takes up how the source found its files to be written, so that it stands in the file and no later one is
// read otherwise.
func (d *Draft) Written(list []connectors.Assumption) { d.assumed = list }

// writeWritten writes what holds for all files under options, and for some under files.
func (d *Draft) writeWritten(b *strings.Builder) {
	common := map[string]string{}
	if len(d.assumed) > 0 && len(d.assumed) == len(d.order) {
		common = maps.Clone(d.assumed[0].Options)
		for _, a := range d.assumed {
			maps.DeleteFunc(common, func(name, value string) bool { return a.Options[name] != value })
		}
	}
	const seen = "   # as the files were found to be written"
	if len(common) > 0 {
		fmt.Fprintf(b, "    options: %s%s\n", braced(common), seen)
	}
	first := true
	for _, a := range d.assumed {
		own := maps.Clone(a.Options)
		maps.DeleteFunc(own, func(name, _ string) bool { _, ok := common[name]; return ok })
		if len(own) > 0 {
			if first {
				fmt.Fprintf(b, "    files:%s\n", seen)
				first = false
			}
			fmt.Fprintf(b, "      %s: %s\n", word(a.File), braced(own))
		}
		if a.Hint != "" {
			fmt.Fprintf(b, "    # decide: %s: %s\n", word(a.File), a.Hint)
		}
	}
}

// braced is a mapping on one line.
func braced(options map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		parts = append(parts, name+": "+quotedText(options[name]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// quotedText is a text in single quotes, which take it for nothing else.
func quotedText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
