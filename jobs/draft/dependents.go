package draft

import (
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
)

// dependents proposes what becomes of the rows that refer to a record, directly or through others. Details
// are deleted, and so is what the database itself would delete; other references that may be NULL are forgotten; where
// people of their own, rows of somebody else of the same table, or few rows that many records share, would go too, the
// line is left open for people to decide.
func (d *Draft) dependents(name string, used map[string]bool) (lines, open []string) {
	deleted := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		parent := queue[0]
		for _, child := range d.order {
			for _, fk := range d.tables[child].ForeignKeys {
				if fk.RefTable != parent {
					continue
				}
				edge := func(do string) string {
					return fmt.Sprintf("{table: %s, fk: %s, do: %s}", word(child), list(fk.Fields), do)
				}
				decide, others := "", d.others(child, name, fk)
				switch {
				case parent == name && d.carries(child, name) && !deleted[child]:
					lines = append(lines, "        - "+edge("delete"))
					deleted[child], used[child] = true, true
					queue = append(queue, child)
				case others == "" && child != parent && deleted[child] && child != name:
					lines = append(lines, "        - "+edge("delete"))
				case d.forgotten(child, fk):
					lines = append(lines, "        - "+edge("set_null"))
				case slices.Contains(d.people, child):
					decide = "it holds people of its own"
				case others != "":
					decide = fmt.Sprintf("its rows are others' of %s too, by %s", name, others)
				case d.belongs(child, name) != "":
					decide = "it belongs to " + d.belongs(child, name) + " too, of which there are more"
				case d.verdicts[child].Rows <= d.verdicts[parent].Rows:
					decide = fmt.Sprintf("it has %d rows, so others may share them", d.verdicts[child].Rows)
				default:
					lines = append(lines, "        - "+edge("delete"))
					deleted[child], used[child] = true, true
					queue = append(queue, child)
				}
				if decide != "" {
					open = append(open, "- "+edge("delete")+"   # decide: "+decide)
				}
			}
		}
	}
	return lines, append(open, d.undeclared(name, deleted)...)
}

// undeclared are the fields that look like references to a record though no foreign key says so: whether they are people
// decide.
func (d *Draft) undeclared(name string, deleted map[string]bool) (open []string) {
	for _, r := range d.joined {
		if r.To != name || deleted[r.Table] {
			continue
		}
		do, besides := "delete", ""
		if slices.Contains(d.people, r.Table) {
			besides = ", and it holds people of its own"
			if d.nullable(r.Table, []string{r.Field}) {
				do = "set_null"
			}
		}
		open = append(open, fmt.Sprintf("- {table: %s, fk: %s, references: %s, do: %s}   # decide: no foreign key says so, "+
			"%d of %d values looked at are keys there%s", word(r.Table), list([]string{r.Field}), word(name), do, r.Fit,
			r.Looked, besides))
	}
	return open
}

// others names the fields by which rows that refer through a foreign key may be of somebody else of the record's table
// too, of a reader beside the writer, or of who answered in another's topic; "" when there are none.
func (d *Draft) others(child, record string, by connectors.ForeignKey) string {
	for _, fk := range d.tables[child].ForeignKeys {
		if fk.RefTable == record && child != record && !slices.Equal(fk.Fields, by.Fields) {
			return strings.Join(fk.Fields, ", ")
		}
	}
	return ""
}

// forgotten reports whether rows outlive what they refer to by a foreign key.
func (d *Draft) forgotten(child string, fk connectors.ForeignKey) bool {
	return d.nullable(child, fk.Fields) && fk.OnDelete != "CASCADE" // where the database itself deletes, a NULL leaves an orphan
}

// belongs names the larger table with people that the rows of a child refer to beside the record's own; ""
// when there is none.
func (d *Draft) belongs(child, record string) string {
	for _, fk := range d.tables[child].ForeignKeys {
		if fk.RefTable != record && slices.Contains(d.people, fk.RefTable) &&
			d.verdicts[fk.RefTable].Rows > d.verdicts[record].Rows {
			return fk.RefTable
		}
	}
	return ""
}

func (d *Draft) nullable(table string, fields []string) bool {
	return !slices.ContainsFunc(fields, func(name string) bool {
		f, ok := d.tables[table].Field(name)
		return !ok || !f.Nullable
	})
}

// owned proposes the parents that a record alone uses, such as its address: about as many as there are
// records, and nobody of their own in them.
func (d *Draft) owned(t connectors.Table, used map[string]bool) []string {
	var out []string
	for _, fk := range t.ForeignKeys {
		ref, v := d.tables[fk.RefTable], d.verdicts[fk.RefTable]
		address := slices.ContainsFunc(v.Fields, func(f classifiers.Verdict) bool {
			return f.Primary == classifiers.PostalAddress && !f.Company
		})
		named := slices.ContainsFunc(v.Fields, func(f classifiers.Verdict) bool {
			return f.Personal() && (f.Primary == classifiers.PersonName || f.Primary == classifiers.Email)
		})
		if fk.RefTable == t.Name || !address || named || !slices.Equal(fk.RefFields, ref.Key) ||
			v.Rows < d.verdicts[t.Name].Rows/2 {
			continue
		}
		used[fk.RefTable] = true
		out = append(out, fmt.Sprintf("{table: %s, fk: %s}", word(fk.RefTable), list(fk.Fields)))
	}
	return out
}
