package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/setup"
)

// standsApart says where rows stand by now that were of tables of the set when the plan was made, and are theirs no
// more.
func (a *application) standsApart(ctx context.Context) (map[string][]string, error) {
	standing, ok := a.store.Conn.(connectors.Standing)
	if !ok {
		return nil, nil
	}
	found := map[string][]string{}
	set := &a.plan.Sets[a.position]
	for _, table := range set.Tables {
		where, err := standing.Apart(ctx, table, set.Stands[table])
		if err != nil {
			return nil, err
		}
		if len(where) > 0 {
			found[table] = where
		}
	}
	return found, nil
}

// sameStands refuses a set of which rows stand where no query of their table finds them: they would count as gone. The
// error wraps setup.ErrExpired.
func (a *application) sameStands() error {
	var errs []error
	for _, table := range a.plan.Sets[a.position].Tables {
		if where := a.apart[table]; len(where) > 0 {
			slices.Sort(where)
			errs = append(errs, fmt.Errorf("%w: source %s: rows that were of table %s stand in %s since the plan was "+
				"made, and are its no more: attach that again, or have the policy govern it by its own name",
				setup.ErrExpired, a.store.Name, table, strings.Join(where, ", ")))
		}
	}
	return errors.Join(errs...)
}
