package draft

import (
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
)

// carrier is a table that only says how people of another are reached, with the way there.
type carrier struct {
	path  []string // hops, as the configuration writes them
	table string   // that holds the identifiers
	first string   // whose rows refer to the person's
}

// findVia finds tables of people whose addresses stand in others, by foreign keys: they take the place of those
// among the tables with people.
func (d *Draft) findVia() {
	d.via = map[string][]carrier{}
	for _, name := range d.order {
		t := d.tables[name]
		if len(t.Key) != 1 || t.Alternate || len(personal(d.verdicts[name])) == 0 || d.reached(name) {
			continue
		}
		for _, child := range d.order {
			for _, fk := range d.tables[child].ForeignKeys {
				if fk.RefTable != name || child == name || len(fk.Fields) != 1 || !slices.Equal(fk.RefFields, t.Key) {
					continue
				}
				hop := child + "." + fk.Fields[0]
				if d.reached(child) {
					if !d.theirs(name, child) {
						d.via[name] = append(d.via[name], carrier{[]string{hop}, child, child})
					}
				} else if to, far := d.far(child, name); far != "" && !d.theirs(name, far) {
					d.via[name] = append(d.via[name], carrier{[]string{hop, to}, far, child})
				}
			}
		}
	}
	for name, list := range d.via {
		for _, c := range list {
			d.people = slices.DeleteFunc(d.people, func(p string) bool { return p == c.first && d.alone(p, name) })
		}
		if !slices.Contains(d.people, name) {
			d.people = append(d.people, name)
		}
	}
	slices.SortFunc(d.people, func(a, b string) int { return slices.Index(d.order, a) - slices.Index(d.order, b) })
}

// reached reports whether a table has a field with the e-mail addresses of people.
func (d *Draft) reached(table string) bool {
	return slices.ContainsFunc(subjects(d.verdicts[table]), func(s string) bool { return strings.HasPrefix(s, "email: ") })
}

// theirs reports whether a table without names of people, as of postal addresses, is about those of another that has
// their names: its rows are no people.
func (d *Draft) theirs(table, people string) bool { return !d.named(table) && d.named(people) }

// named reports whether a table has a field with the names of people.
func (d *Draft) named(table string) bool {
	return slices.ContainsFunc(d.verdicts[table].Fields, func(f classifiers.Verdict) bool {
		return f.Personal() && f.Primary == classifiers.PersonName
	})
}

// alone reports whether nothing but people's rows of one table are told by the rows of another.
func (d *Draft) alone(table, of string) bool {
	return !slices.ContainsFunc(d.tables[table].ForeignKeys, func(fk connectors.ForeignKey) bool {
		return fk.RefTable != of && slices.Contains(d.people, fk.RefTable)
	})
}

// far is the table with addresses to which rows of a join table lead that also refer to a person's; "" where it is
// none.
func (d *Draft) far(join, person string) (hop, table string) {
	if len(personal(d.verdicts[join])) > 0 {
		return "", ""
	}
	for _, fk := range d.tables[join].ForeignKeys {
		if fk.RefTable != person && len(fk.Fields) == 1 && d.reached(fk.RefTable) {
			return fmt.Sprintf("%s = %s.%s", fk.Fields[0], fk.RefTable, fk.RefFields[0]), fk.RefTable
		}
	}
	return "", ""
}

// carries reports whether the rows of a child say how those of a table are reached, so that they go with them.
func (d *Draft) carries(child, table string) bool {
	return slices.ContainsFunc(d.via[table], func(c carrier) bool { return c.first == child })
}

// subject is how the registry knows the people of a table, with what else is possible.
func (d *Draft) subject(name string) string {
	keys := subjects(d.verdicts[name])
	if len(d.via[name]) == 0 {
		line := fmt.Sprintf("      subject: {%s}   # how the registry knows the person", keys[0])
		if len(keys) > 1 {
			line += "; also possible: " + strings.Join(keys[1:], ", ")
		}
		return line
	}
	var ways []string
	for _, c := range d.via[name] {
		path := word(c.path[0])
		if len(c.path) > 1 {
			path = list(c.path)
		}
		ways = append(ways, fmt.Sprintf("{via: %s, %s}", path, subjects(d.verdicts[c.table])[0]))
	}
	text := ways[0]
	if len(ways) > 1 {
		text = "[" + strings.Join(ways, ", ") + "]"
	}
	line := fmt.Sprintf("      subject: %s   # the address stands in another table", text)
	if len(keys) > 0 {
		line += "; also possible beside it, in a list: {" + strings.Join(keys, "}, {") + "}"
	}
	return line
}
