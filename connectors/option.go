package connectors

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// OptionSpec declares an option of a connector: a key that its sources may have in the configuration,
// beside those that all sources have.
type OptionSpec struct {
	Name string
	// what it takes, then what for: "none or first; whether the first row names the fields"
	About string
	Check func(value string) error // refuses a value that it does not take; it need not say what it takes
}

// CheckOptions refuses options that are not among specs, and values that they do not take. The error wraps
// ErrConfig and says which option, what it takes and which there are. A connector calls it when it opens a
// source.
func CheckOptions(specs []OptionSpec, extra map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		i := slices.IndexFunc(specs, func(s OptionSpec) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("unknown option %q; %s: %w", name, optionNames(specs), ErrConfig)
		}
		if err := specs[i].Check(extra[name]); err != nil {
			return fmt.Errorf("option %s: %q: %w; it takes %s; %s: %w",
				name, extra[name], err, specs[i].About, optionNames(specs), ErrConfig)
		}
	}
	return nil
}

func optionNames(specs []OptionSpec) string {
	if len(specs) == 0 {
		return "this connector has none"
	}
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	slices.Sort(names)
	return "the options are " + strings.Join(names, ", ")
}
