// Package zones finds what tells the zone in which a source writes times without an offset: Clues are what its rows
// and its engine show, field by field.
package zones

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy/instant"
)

// sampleRows is about how many rows of a table are looked at.
const sampleRows = 2000

// ahead is by how much a time may lie in the future: clocks differ.
const ahead = 5 * time.Minute

// Field is a field whose values may be times.
type Field struct {
	Table string
	connectors.Field
	Writing instant.Writing // how it is read
}

// Clues are what a source shows.
type Clues struct {
	Engine string // the zone in which the engine fills in times, as it names it; "" not known
	fields []*seen
}

// seen is what the rows show of one field.
type seen struct {
	Field
	zones           map[string]*time.Location // in which it is tried, by name
	civil, offsets  int64                     // times without an offset, and with
	skipped, future map[string]int64
}

// Look reads a sample of the tables, and asks the engine. Candidates are zones that the source may be in, beside
// those in which its fields are read.
func Look(ctx context.Context, conn connectors.Source, fields []Field, candidates []*time.Location,
	now time.Time) (*Clues, error) {
	c := &Clues{}
	if z, ok := conn.(connectors.Zoner); ok {
		var err error
		if c.Engine, err = z.Zone(ctx); err != nil {
			return nil, err
		}
		if zone, ok := instant.FixedZone(c.Engine); ok {
			candidates = append(candidates, zone)
		} else if zone, err := time.LoadLocation(c.Engine); err == nil && c.Engine != "" {
			candidates = append(candidates, zone)
		}
	}
	byTable := map[string][]*seen{}
	var order []string
	for _, f := range fields {
		if f.Zoned || f.Kind != connectors.Timestamp && f.Kind != connectors.Text {
			continue
		}
		if byTable[f.Table] == nil {
			order = append(order, f.Table)
		}
		s := &seen{Field: f, skipped: map[string]int64{}, future: map[string]int64{},
			zones: map[string]*time.Location{f.Writing.Zone.String(): f.Writing.Zone}}
		for _, z := range candidates {
			s.zones[z.String()] = z
		}
		c.fields, byTable[f.Table] = append(c.fields, s), append(byTable[f.Table], s)
	}
	for _, table := range order {
		q := connectors.Query{Table: table, Sample: sampleRows}
		for _, s := range byTable[table] {
			q.Fields = append(q.Fields, s.Name)
		}
		for batch, err := range conn.Scan(ctx, q) {
			if err != nil {
				return nil, err
			}
			for i, s := range byTable[table] {
				s.observe(batch.Rows.Column(i).(*array.Binary), now)
			}
		}
	}
	return c, nil
}

// observe looks at the values of a batch.
func (s *seen) observe(col *array.Binary, now time.Time) {
	for row := range col.Len() {
		if col.IsNull(row) {
			continue
		}
		counted := false
		for name, z := range s.zones {
			r, err := instant.Writing{Zone: z, Order: s.Writing.Order}.Read(col.Value(row))
			if err != nil || r.Whole || r.None() {
				break
			}
			if r.Zone != name {
				s.offsets++
				break
			}
			if !counted {
				s.civil++
				counted = true
			}
			if r.Skipped {
				s.skipped[name]++
			}
			if r.First.After(now.Add(ahead)) {
				s.future[name]++
			}
		}
	}
}

// possible reports whether no time of a field speaks against a zone.
func (s *seen) possible(zone string) bool { return s.skipped[zone] == 0 && s.future[zone] == 0 }

// Say says what speaks against the zones in which the fields of a source are read, and proposes others. Said is
// whether the configuration says the zone of the source.
func (c *Clues) Say(source string, said bool) (lines []string) {
	silent := map[string][]string{}
	for _, s := range c.fields {
		zone := s.Writing.Zone.String()
		place := s.Table + "." + s.Name
		switch {
		case s.civil == 0:
			continue
		case s.possible(zone):
			if !said && c.Engine != "" && c.Engine != zone {
				silent[zone] = append(silent[zone], place)
			}
			continue
		}
		var other []string
		for name := range s.zones {
			if name != zone && s.possible(name) {
				other = append(other, name)
			}
		}
		slices.Sort(other)
		if len(other) == 0 && s.skipped[zone] == 0 {
			continue // times that lie in the future in every zone are meant to
		}
		propose := "say its zone under zones of the source"
		if len(other) > 0 {
			propose = fmt.Sprintf("in %s all of them can be: say `zone: %s` under the source, or `zones: {%s: %s}`",
				strings.Join(other, " and "), other[0], place, other[0])
		}
		lines = append(lines, fmt.Sprintf("source %s: %s is read in %s, where %s; %s", source, place, zone,
			s.against(zone), propose))
	}
	for _, zone := range slices.Sorted(maps.Keys(silent)) {
		lines = append(lines, fmt.Sprintf("source %s: its engine fills in times in %s, and %s without an offset are "+
			"read in %s: where the engine or the application writes them in %[2]s, say `zone: %[2]s` under the source",
			source, c.Engine, strings.Join(silent[zone], ", "), zone))
	}
	return lines
}

// Proposal is the zone to propose for a source of which nothing is configured, and why; "" where nothing tells.
func (c *Clues) Proposal() (zone, why string) {
	for _, s := range c.fields {
		if s.civil > 0 && s.future["UTC"] > 0 {
			return "", fmt.Sprintf("%d times of %s.%s lie in the future in UTC, so they are local times",
				s.future["UTC"], s.Table, s.Name)
		}
		zone = cmp.Or(zone, c.Engine)
		if s.civil == 0 && s.offsets > 0 {
			why = "times with an offset were found, which need no zone"
		}
	}
	switch {
	case zone != "":
		return zone, "the engine itself fills in times in it"
	case why != "":
		return "", why
	}
	return "", ""
}

// against says what speaks against a zone.
func (s *seen) against(zone string) string {
	var words []string
	if n := s.skipped[zone]; n > 0 {
		words = append(words, fmt.Sprintf("%d of %d times do not exist, as the clocks skip them", n, s.civil))
	}
	if n := s.future[zone]; n > 0 {
		words = append(words, fmt.Sprintf("%d of %d lie in the future", n, s.civil))
	}
	return strings.Join(words, " and ")
}
