package connectors

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Assuming is a Source that finds out how its tables are written where nobody says it.
type Assuming interface {
	// Assumed returns what it found that is not the usual, sorted by table. It reads the beginning of each file.
	Assumed(ctx context.Context) ([]Assumption, error)
}

// Assumption is what a source takes for granted of a table.
type Assumption struct {
	Table   string
	File    string            // by which Options.Files names it
	Options map[string]string // what would say the same
	Hint    string            // what else a person should look at; "" nothing
}

// Said is the assumption in words, without the table.
func (a Assumption) Said() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a.Options)) {
		parts = append(parts, name+" "+a.Options[name])
	}
	said := strings.Join(parts, ", ")
	if said != "" && a.Hint != "" {
		said += "; "
	}
	return said + a.Hint
}
