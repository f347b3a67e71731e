package judge

import (
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

func EngineZone(f connectors.Field, zone *time.Location) *time.Location {
	if f.Kind != connectors.Timestamp || strings.HasPrefix(strings.ToLower(f.Type), "datetime") {
		return nil
	}
	return zone
}

// Instant reads a date or timestamp, the latter in UTC unless its engine knows no zones; zero if it is neither.
func Instant(col *array.Binary, row int, utc bool, zone *time.Location) time.Time {
	if col.IsNull(row) {
		return time.Time{}
	}
	text := string(col.Value(row))
	in := zone
	if utc {
		in = time.UTC
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
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
