package setup

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/policy/instant"
)

// Times says how a source writes instants, where its values leave it open.
type Times struct {
	Zone  *time.Location            // of civil times without an offset; nil: as Source.Writing says
	Zones map[string]*time.Location // of tables, and of fields as table.field, where it is another
	Order instant.Order             // of days that do not begin with the year
}

// Writing says how a field's values write instants. Those of an engine that knows zones are in UTC. Others are
// in the zone that the configuration says of the field, of its table or of the source; without one, a TIMESTAMP
// is in UTC, and everything else in the controller's zone.
func (s Source) Writing(table string, f connectors.Field, controller *time.Location) instant.Writing {
	w := instant.Writing{Zone: controller, Order: s.Times.Order}
	field, ofField := s.Times.Zones[table+"."+f.Name]
	whole, ofTable := s.Times.Zones[table]
	switch {
	case f.Zoned:
		w.Zone = time.UTC
	case ofField:
		w.Zone = field
	case ofTable:
		w.Zone = whole
	case s.Times.Zone != nil:
		w.Zone = s.Times.Zone
	case f.Kind == connectors.Timestamp && !strings.HasPrefix(strings.ToLower(f.Type), "datetime"):
		w.Zone = time.UTC
	}
	return w
}

// CheckTimes refuses zones of tables and fields that the source does not have, and of fields whose engine keeps
// them in UTC. A backup need not hold every table. Its error is ErrConfig.
func (s Source) CheckTimes(tables connectors.Tables) error {
	var errs []error
	refuse := func(name, why string) {
		errs = append(errs, fmt.Errorf("%w: source %s: zones: %s: %s", ErrConfig, s.Name, name, why))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Times.Zones)) {
		if _, whole := tables.Find(name); whole {
			continue
		}
		table, field, _ := strings.Cut(name, ".")
		t, ok := tables.Find(table)
		f, has := t.Field(field)
		switch {
		case (!ok || !has) && s.Backup(): // of an older schema
		case !ok:
			refuse(name, "the source has no such table: write a table, or a field as table.field")
		case !has:
			refuse(name, "the table has no such field: correct the name")
		case f.Zoned:
			refuse(name, "the engine itself keeps this field in UTC: leave it out")
		}
	}
	return errors.Join(errs...)
}
