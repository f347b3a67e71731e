package setup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy/instant"
)

func zoneOf(t *testing.T, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// TestWriting finds the zone of a field: the engine's, its own, its table's, the source's, the type's, the controller's.
func TestWriting(t *testing.T) {
	rome, newYork, tokyo := zoneOf(t, "Europe/Rome"), zoneOf(t, "America/New_York"), zoneOf(t, "Asia/Tokyo")
	datetime := connectors.Field{Name: "made", Type: "DATETIME(3)", Kind: connectors.Timestamp}
	timestamp := connectors.Field{Name: "made", Type: "timestamp", Kind: connectors.Timestamp}
	zoned := connectors.Field{Name: "made", Type: "timestamp", Kind: connectors.Timestamp, Zoned: true}
	text := connectors.Field{Name: "made", Type: "text", Kind: connectors.Text}
	for _, c := range []struct {
		times Times
		field connectors.Field
		want  *time.Location
	}{
		{Times{}, datetime, rome},
		{Times{}, text, rome},
		{Times{}, timestamp, time.UTC},
		{Times{}, zoned, time.UTC},
		{Times{Zone: newYork}, datetime, newYork},
		{Times{Zone: newYork}, text, newYork},
		{Times{Zone: newYork}, timestamp, newYork},
		{Times{Zone: newYork}, zoned, time.UTC},
		{Times{Zone: newYork, Zones: map[string]*time.Location{"people": tokyo}}, datetime, tokyo},
		{Times{Zone: newYork, Zones: map[string]*time.Location{"people": tokyo}}, zoned, time.UTC},
		{Times{Zones: map[string]*time.Location{"people": tokyo, "people.made": newYork}}, datetime, newYork},
		{Times{Zones: map[string]*time.Location{"others": tokyo, "people.born": newYork}}, datetime, rome},
	} {
		c.times.Order = instant.DayFirst
		w := Source{Times: c.times}.Writing("people", c.field, rome)
		require.Equal(t, instant.Writing{Zone: c.want, Order: instant.DayFirst}, w)
	}
}

func TestCheckTimes(t *testing.T) {
	tables := connectors.Tables{{Name: "people", Fields: []connectors.Field{{Name: "made"}, {Name: "at", Zoned: true}}},
		{Name: "odd.name"}}
	for name, want := range map[string]string{
		"people": "", "people.made": "", "odd.name": "",
		"others": "the source has no such table", "others.made": "the source has no such table",
		"people.born": "the table has no such field", "people.at": "the engine itself keeps this field in UTC",
	} {
		s := Source{Name: "crm", Times: Times{Zones: map[string]*time.Location{name: time.UTC}}}
		err := s.CheckTimes(tables)
		if want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, ErrConfig)
		require.ErrorContains(t, err, "source crm: zones: "+name+": "+want)
	}
	backup := Source{Of: "crm", Times: Times{Zones: map[string]*time.Location{"others": time.UTC}}}
	require.NoError(t, backup.CheckTimes(tables), "a backup need not hold every table")
}
