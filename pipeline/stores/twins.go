package stores

import (
	"context"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/setup"
)

// Twins finds the open sources that are one database: the rows of each would be judged without what is known of them
// in the other, so that neither may be changed. Each comes with its error; one whose database would not say where it is
// comes with that.
func (set *Set) Twins(ctx context.Context) map[*Store]error {
	twins, first := map[*Store]error{}, map[string]*Store{}
	for _, s := range set.List {
		placed, ok := s.Conn.(connectors.Placed)
		if !ok || s.Err != nil {
			continue
		}
		place, err := placed.Place(ctx)
		if err != nil {
			twins[s] = err
			continue
		}
		one := first[place]
		if one == nil {
			first[place] = s
			continue
		}
		err = fmt.Errorf("%w: sources %s and %s are the same database, so that rows of one would be changed without "+
			"what the silos of the other say of them: keep one of the two, and let the silos of both name it",
			setup.ErrConfig, one.Name, s.Name)
		twins[one], twins[s] = err, err
	}
	return twins
}
