package judge

import (
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// EngineZone is the zone in which to count the days of a field: this one where its values are instants
// (UTC), nil where the engine stores local time and knows no zone (DATETIME).
func EngineZone(f connectors.Field, zone *time.Location) *time.Location {
	if f.Kind != connectors.Timestamp || strings.HasPrefix(strings.ToLower(f.Type), "datetime") {
		return nil
	}
	return zone
}

// Instant reads a date or timestamp, the latter in UTC unless its engine knows no zones; zero if it is
// neither.
func Instant(col *array.Binary, row int, utc bool, zone *time.Location) time.Time {
	if col.IsNull(row) {
		return time.Time{}
	}
	text := string(col.Value(row))
	in := zone
	if utc {
		in = time.UTC
	}
	layouts := []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, in); err == nil {
			return t
		}
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// zoneOf is the EngineZone of a column in the controller's zone; nil for column -1, which is none.
func (b *Binding) zoneOf(column int) *time.Location {
	if column < 0 {
		return nil
	}
	return EngineZone(b.Table.Fields[column], b.zone)
}
