package remnants

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/identifier"
)

// Left is what is left at the end of the night: a line for each silo and field, by source, table, field and silo. It is
// asked when every live source was read, for only then it is known whom nobody holds.
func (w *Watch) Left() []audit.Remnant {
	var list []audit.Remnant
	said := map[*person][]said{}
	for _, s := range w.searches {
		for _, c := range s.columns {
			list = append(list, s.left(c, said)...)
		}
	}
	slices.SortStableFunc(list, func(a, b audit.Remnant) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object),
			strings.Compare(a.Column, b.Column), strings.Compare(a.Silo, b.Silo))
	})
	return list
}

// said is what one silo says of a person who is gone.
type said struct {
	of     *ask
	since  calendar.Date
	erased bool
}

// goneFrom are the silos from which a person is gone; none where one may hold the person.
func (p *person) goneFrom() (list []said) {
	for _, k := range p.in {
		switch says, since, erased := k.of.answers(k.ref); says {
		case holds:
			return nil
		case gone:
			if n := len(list); n > 0 && list[n-1].of == k.of { // by a reference of the version before, too
				list[n-1].since = earliest(list[n-1].since, since)
				list[n-1].erased = list[n-1].erased || erased
				continue
			}
			list = append(list, said{k.of, since, erased})
		}
	}
	return list
}

// left are the lines of one field. A person who is gone from several silos is counted in each, and nothing says so:
// only who is gone from one alone is an example, so that no row is named in the lines of two.
func (s *Search) left(c *column, cache map[*person][]said) []audit.Remnant {
	lines := map[*ask]*audit.Remnant{}
	kinds := map[*ask]map[string]bool{}
	examples := map[*ask]int64{}
	for p, m := range c.met {
		from, asked := cache[p]
		if !asked {
			from = p.goneFrom()
			cache[p] = from
		}
		for _, g := range from {
			if s.Follows && !g.erased {
				continue
			}
			line := lines[g.of]
			if line == nil {
				line = &audit.Remnant{Silo: g.of.silo.Silo.Name, Source: s.Source, Object: s.Table.Name,
					Column: c.field, More: c.more}
				if s.sampled {
					line.Sampled = s.rows
				}
				lines[g.of], kinds[g.of] = line, map[string]bool{}
			}
			kinds[g.of][p.kind] = true
			line.People++
			line.Rows += m.rows
			if g.erased {
				line.Erased++
			}
			if day := g.since.String(); day != "" && (line.Since == "" || day < line.Since) {
				line.Since = day
			}
			if key, ok := s.shown(m.key); ok && len(from) == 1 && (examples[g.of] == 0 || key < examples[g.of]) {
				examples[g.of] = key
			}
		}
	}
	list := make([]audit.Remnant, 0, len(lines))
	var used []int64
	for _, a := range slices.SortedFunc(maps.Keys(lines), func(a, b *ask) int {
		return strings.Compare(a.silo.Silo.Name, b.silo.Silo.Name)
	}) {
		line := lines[a]
		line.Kinds = strings.Join(slices.Sorted(maps.Keys(kinds[a])), ";")
		if key := examples[a]; !slices.Contains(used, key) {
			line.Example = key
			used = append(used, key)
		}
		list = append(list, *line)
	}
	return list
}

// longestExample is the largest key that is shown: beyond, it may be a number of a person or a card.
const longestExample = 999_999_999_999

// shown is the key of a row as it may be shown: one positive whole number that its table counts with, and that is
// nobody's number.
func (s *Search) shown(key connectors.Key) (number int64, ok bool) {
	values, err := key.Values()
	if err != nil || len(values) != 1 || len(s.key) != 1 {
		return 0, false
	}
	f := s.Table.Fields[s.key[0]]
	if f.Kind != connectors.Integer || s.watch.isNumber(f.Name) {
		return 0, false
	}
	number, err = strconv.ParseInt(string(values[0]), 10, 64)
	return number, err == nil && number > 0 && number <= longestExample
}

// isNumber reports whether a field's name says that its numbers are people's, or a silo knows people by it.
func (w *Watch) isNumber(field string) bool {
	h := w.Setup.Catalogue.Header(field)
	return h.Number || slices.ContainsFunc(h.Categories, classifiers.Category.Personal) ||
		w.named(identifier.Customer, field)
}
