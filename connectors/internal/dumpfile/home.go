package dumpfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
)

// Options are those of every kind of dump.
var Options = append([]connectors.OptionSpec{{
	Name: ownOption,
	About: "a name; which database in the file is the source's own, where that is not what the live source's is " +
		"called",
	Check: func(value string) error {
		if value == "" {
			return errors.New("no name")
		}
		return nil
	},
}}, PackedOptions...)

// ownOption lets the configuration say which of the databases in a file is the source's own.
const ownOption = "database"

// Home says which of the databases in a file is the source's own.
type Home struct {
	of       string // the live source, "" if there is none
	database string // "" where it cannot be told
}

// HomeOf is what the options of a source say of its own database.
func HomeOf(o connectors.Options) Home {
	return Home{of: o.Of, database: cmp.Or(o.Extra[ownOption], o.Database)}
}

// ErrDatabases: the file holds several databases, or another, and none is known to be the source's own.
var ErrDatabases = errors.New("which of them is the source's own cannot be told")

// Among finds the source's own database among those that a file names. It is "" if the file names none, and so
// stands for one, or if it holds several and is nobody's backup.
func (h Home) Among(databases []string) (string, error) {
	switch {
	case len(databases) == 0:
		return "", nil
	case slices.Contains(databases, h.database):
		return h.database, nil
	case h.database != "":
		return "", fmt.Errorf("the file holds %s, and not database %s: %w: %w", named(databases), h.database,
			ErrDatabases, connectors.ErrConfig)
	case len(databases) == 1:
		return databases[0], nil
	case h.of != "":
		return "", fmt.Errorf("the file holds %s: %w: %w", named(databases), ErrDatabases, connectors.ErrConfig)
	}
	return "", nil
}

func named(databases []string) string {
	if len(databases) == 1 {
		return "database " + databases[0]
	}
	all := slices.Clone(databases)
	if i := slices.Index(all, ""); i >= 0 {
		all[i] = "one without a name"
	}
	return "the databases " + strings.Join(all, ", ")
}

// Distinct refuses tables of which two are reported under one name. They are sorted by it.
func Distinct[T Described](tables []T) error {
	for i := range tables {
		if i > 0 && tables[i].entry().Name == tables[i-1].entry().Name {
			return fmt.Errorf("two tables are called %s: %w", tables[i].entry().Name, connectors.ErrConfig)
		}
	}
	return nil
}
