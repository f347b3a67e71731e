package zones

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy/instant"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// engine is a source that fills in times in a zone.
type engine struct {
	connectors.Source
	zone string
}

func (e engine) Zone(context.Context) (string, error) { return e.zone, nil }

func zoneOf(t *testing.T, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// look is what is said of a table's times, read in a zone.
func look(t *testing.T, filledIn, in string, times ...any) (lines []string, zone, why string) {
	t.Helper()
	field := connectors.Field{Name: "made", Type: "datetime", Kind: connectors.Timestamp, Nullable: true}
	table := mem.Table{Def: connectors.Table{Name: "people", Key: []string{"id"},
		Fields: []connectors.Field{{Name: "id", Type: "int", Kind: connectors.Integer}, field}}}
	for i, at := range times {
		table.Rows = append(table.Rows, mem.Row{string(rune('a' + i)), at})
	}
	fields := []Field{{Table: "people", Field: field, Writing: instant.Writing{Zone: zoneOf(t, in)}}}
	c, err := Look(t.Context(), engine{mem.New("crm", table), filledIn}, fields,
		[]*time.Location{time.UTC, zoneOf(t, "Europe/Rome")}, now)
	require.NoError(t, err)
	zone, why = c.Proposal()
	return c.Say("crm", false), zone, why
}

func TestWhatSpeaksAgainstAZone(t *testing.T) {
	for _, test := range []struct {
		name, engine, in string
		times            []any
		want             []string // words of the only line; none: nothing is said
	}{
		{"all of them can be", "", "Europe/Rome", []any{"2026-11-20 09:59:00", nil, "2026-03-29 03:00:00"}, nil},
		{"a time that does not exist", "", "Europe/Rome", []any{"2026-03-29 02:30:00", "2026-01-01 10:00:00"},
			[]string{"people.made is read in Europe/Rome", "1 of 2 times do not exist", "say `zone: UTC`"}},
		{"times in the future", "", "America/New_York", []any{"2026-11-20 09:00:00", "2026-01-01 10:00:00"},
			[]string{"read in America/New_York", "1 of 2 lie in the future", "in Europe/Rome and UTC"}},
		{"local times read as UTC", "", "UTC", []any{"2026-11-20 09:58:00"},
			[]string{"1 of 1 lie in the future", "zone: Europe/Rome"}},
		{"times that are meant to lie in the future", "", "Europe/Rome", []any{"2027-11-20 09:00:00"}, nil},
		{"no times", "UTC", "Europe/Rome", []any{"2026-11-20", nil, "1970-01-01 00:00:00", "soon"}, nil},
		{"with offsets", "UTC", "Europe/Rome", []any{"2026-11-20T08:00:00Z"}, nil},
		{"an engine in another zone", "UTC", "Europe/Rome", []any{"2026-11-20 07:00:00"},
			[]string{"its engine fills in times in UTC, and people.made without an offset", "say `zone: UTC`"}},
		{"an engine in the same zone", "UTC", "UTC", []any{"2026-11-20 07:00:00"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines, _, _ := look(t, test.engine, test.in, test.times...)
			if test.want == nil {
				require.Empty(t, lines)
				return
			}
			require.Len(t, lines, 1)
			require.True(t, strings.HasPrefix(lines[0], "source crm: "))
			for _, words := range test.want {
				require.Contains(t, lines[0], words)
			}
		})
	}
}

func TestProposal(t *testing.T) {
	for _, test := range []struct {
		engine, at, zone, why string
	}{
		{"UTC", "2026-11-20 07:00:00", "UTC", "the engine itself"},
		{"", "2026-11-20 07:00:00", "", ""},
		{"UTC", "2026-11-20 09:30:00", "", "lie in the future in UTC"},
		{"", "2026-11-20T08:00:00Z", "", "need no zone"},
	} {
		_, zone, why := look(t, test.engine, "UTC", test.at)
		require.Equal(t, test.zone, zone, test.at)
		require.Contains(t, why, test.why)
		require.Equal(t, test.why == "", why == "")
	}
}
