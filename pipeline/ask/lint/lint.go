// Package lint says what somebody should look at in the policy, given the catalogs of the live sources
// and the personal data that the last nights found.
//
//   - Policy returns the remarks on all of it; a nameCheck holds what one silo names against a catalog.
//   - Cover looks up what the policy says of one table: Coverage, with a CoveredField for each of its fields.
package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/policy/names"
	"lethe/pipeline/policy/subject"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// Found is what somebody should look at in a policy.
type Found struct {
	Remarks   []lint.Remark
	Starts    []audit.Start // the days from which terms count, of the rows that were looked at
	Unchecked []string      // what could not be looked at, a sentence each
}

// Policy returns what somebody should look at in the policy: by itself, against the catalogs of the live
// sources and the days from which their terms count, and against the personal data that the last nights found. It
// writes nothing. A source that does not answer is no error.
func Policy(ctx context.Context, p *setup.Setup) (found Found, err error) {
	now := p.Now()
	categories, since, err := foundCategories(ctx, p)
	if err != nil {
		return found, err
	}
	if len(since) == 0 && len(p.Silos) > 0 {
		found.Unchecked = append(found.Unchecked, "no night has looked for personal data yet: surplus fields, special "+
			"categories and uniform retention were not looked for: run `lethe discover`")
	}
	catalogs := map[string]connectors.Tables{}
	for _, src := range p.Sources {
		if src.Of != "" || src.Environment == "backup" || !p.Named(src.Name) {
			continue
		}
		tables, starts, err := look(ctx, p, src)
		if err != nil {
			found.Unchecked = append(found.Unchecked, fmt.Sprintf("source %s could not be asked for its tables (%s): "+
				"names of tables and fields, dates and foreign keys were not checked against it",
				src.Name, notes.Failure(err)))
			continue
		}
		catalogs[src.Name] = tables
		found.Starts = append(found.Starts, starts...)
	}
	for _, silo := range p.Silos {
		found.Remarks = append(found.Remarks, lint.Lint(silo, now)...)
		found.Remarks = append(found.Remarks, lintNames(p, silo, catalogs)...)
		found.Remarks = append(found.Remarks, lintStarts(silo, found.Starts)...)
		found.Remarks = append(found.Remarks, lint.Categories(silo, now, withoutKeys(categories, catalogs))...)
	}
	found.Remarks = append(found.Remarks, lint.Together(p.Silos, now)...)
	return found, nil
}

// look reads the catalog of a source, and the days from which terms count in it. Where the policy does not fit the
// source no days are looked at: the remarks on names say why.
func look(ctx context.Context, p *setup.Setup, src setup.Source) (tables connectors.Tables, list []audit.Start,
	err error) {
	open, err := src.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	all, err := open.Tables(ctx)
	if tables = all; err != nil {
		return nil, nil, err
	}
	p.Names.Learn(tables)
	for _, silo := range p.Silos {
		for _, r := range silo.Silo.Records {
			if r.Source != src.Name {
				continue
			}
			if t, _ := tables.Find(r.Table); t.Unreadable != nil {
				return nil, nil, t.Unreadable
			}
			b, err := judge.Bind(src, tables, silo, r, nil, p.Zone)
			if err != nil {
				continue
			}
			spreads, err := stores.SurveyStarts(ctx, open, b)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, stores.StartsOf(b, spreads, p.Since)...)
		}
	}
	return tables, list, nil
}

// lintStarts remarks on days from which terms count that somebody has to look at.
func lintStarts(silo *policy.Compiled, starts []audit.Start) (list []lint.Remark) {
	for _, s := range starts {
		if s.Silo != silo.Silo.Name || s.Nothing == "" && s.Unknown == 0 && s.BeforeSince == 0 {
			continue
		}
		list = append(list, lint.Remark{Code: lint.LStarts, Silo: s.Silo, Law: "Art. 5(1)(e)",
			Place: fmt.Sprintf("silo %s, rule %s (%s.%s)", s.Silo, s.Rule, s.Source, s.Object), Words: s.Said()})
	}
	return list
}

// nameCheck holds what a silo names against a catalog.
type nameCheck struct {
	silo  *policy.Compiled
	place string
	list  *[]lint.Remark
}

// add remarks; a night refuses a policy that names what is not there.
func (c nameCheck) add(code, law string, refused bool, format string, args ...any) {
	*c.list = append(*c.list, lint.Remark{Code: code, Silo: c.silo.Silo.Name, Place: c.place, Law: law,
		Refused: refused, Words: fmt.Sprintf(format, args...)})
}

// table finds a table of the source, or remarks that it has none of that name.
func (c nameCheck) table(source string, tables connectors.Tables, key, name string) (connectors.Table, bool) {
	t, ok := tables.Find(name)
	if !ok {
		names := make([]string, len(tables))
		for i, t := range tables {
			names[i] = t.Name
		}
		c.add(lint.LUnknownName, "", true, "%s: source %s has no table %s%s", key, source, name, meant(name, names))
	}
	return t, ok
}

// field remarks that a table has no field of that name.
func (c nameCheck) field(t connectors.Table, key, name string) {
	if _, ok := t.Field(name); !ok && name != "" {
		c.add(lint.LUnknownName, "", true, "%s: table %s has no field %s%s", key, t.Name, name,
			meant(name, fieldNames(t)))
	}
}

// fieldNames are the names of a table's fields.
func fieldNames(t connectors.Table) []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

// meant suggests the name that was probably meant.
func meant(name string, candidates []string) string {
	if like := names.Nearest(name, candidates); like != "" {
		return ": did you mean " + like + "?"
	}
	return ": correct the name"
}

// start remarks on a starting date that the engine itself changes at every update; touched: its owner knows.
func (c nameCheck) start(t connectors.Table, key, name string, touched bool) {
	if f, ok := t.Field(name); ok && f.AutoUpdate && !touched {
		c.add(lint.LLastModified, "Art. 5(1)(e)", true, "%s: field %s of table %s is set anew by the engine "+
			"at every update of the row, so the term never ends: name the field with the day of collecting, or "+
			"of the end", key, name, t.Name)
	}
}

// lintNames holds the names of a silo, its dates and its foreign keys against the catalogs that answered.
func lintNames(p *setup.Setup, silo *policy.Compiled, catalogs map[string]connectors.Tables) []lint.Remark {
	var list []lint.Remark
	has := map[string]bool{}
	whole := true // every table of the silo was seen
	for i, r := range silo.Silo.Records {
		c := nameCheck{silo, fmt.Sprintf("silo %s, records %d (%s.%s)", silo.Silo.Name, i+1, r.Source, r.Table), &list}
		tables, answered := catalogs[r.Source]
		t, ok := connectors.Table{}, false
		if answered {
			t, ok = c.table(r.Source, tables, "table", r.Table)
		}
		if whole = whole && ok; !ok {
			continue
		}
		for _, f := range t.Fields {
			has[f.Name] = true
		}
		c.records(silo, r, t, tables)

		if len(t.Key) == 0 {
			c.add(lint.LNoKey, "Art. 17(1)", false, "nothing in the table can be erased: %s", notes.NoKey)
		}

		// A field that some rules cover and others do not is cleared when those that do have ended.
		_, wrong := targets.Of(silo, t)
		for _, err := range wrong {
			c.add(lint.LNoTechnique, "Art. 5(1)(c)", true, "%s", err)
		}
		lintReferences(p, c, r, t, tables)
		lintOthers(c, r, tables)
	}
	for i := range silo.Silo.Consents {
		m := &silo.Silo.Consents[i]
		c := nameCheck{silo, fmt.Sprintf("silo %s, consents %d (%s.%s)", silo.Silo.Name, i+1, m.Source, m.Table), &list}
		if tables, answered := catalogs[m.Source]; answered {
			if t, ok := c.table(m.Source, tables, "table", m.Table); ok {
				for _, f := range m.Fields() {
					c.field(t, "consents", f)
				}
				c.via(m.Source, m.Via, t, tables)
			}
		}
	}
	if !whole {
		return list
	}
	known := slices.Sorted(maps.Keys(has))
	c := nameCheck{silo, "silo " + silo.Silo.Name, &list}
	missing := func(key, field string) {
		if !has[field] {
			c.add(lint.LUnknownName, "", true, "%s: no table of the silo has a field %s%s", key, field,
				meant(field, known))
			has[field] = true // said once
		}
	}
	for i, r := range silo.Silo.Rules {
		for _, f := range r.Fields {
			missing(fmt.Sprintf("rule %d, fields", i+1), f)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(silo.Silo.Anonymize)) {
		missing("anonymize", f)
	}
	return list
}

// records checks the names that must be fields of the silo's own table.
func (c nameCheck) records(silo *policy.Compiled, r policy.Records, t connectors.Table, tables connectors.Tables) {
	for _, kind := range slices.Sorted(maps.Keys(r.Subject)) {
		c.field(t, "subject", r.Subject[kind])
	}
	c.via(r.Source, r.Via, t, tables)
	for _, f := range slices.Sorted(maps.Keys(r.Where)) {
		c.field(t, "where", f)
	}
	if r.Block != nil {
		for _, f := range slices.Sorted(maps.Keys(r.Block.Set)) {
			c.field(t, "block", f)
		}
	}
	c.field(t, "collection", r.Collection)
	c.field(t, "collected", r.Collected)
	c.start(t, "collected", r.Collected, false)
	for i, rule := range silo.Silo.Rules {
		key := fmt.Sprintf("rule %d, at", i+1)
		c.field(t, key, rule.At)
		c.start(t, key, rule.At, rule.Touched != "")
	}
	for _, o := range r.Owns {
		if _, ok := c.table(r.Source, tables, "owns", o.Table); ok {
			for _, f := range o.FK {
				c.field(t, "owns "+o.Table+", fk", f)
			}
		}
	}
	for _, d := range r.Dependents {
		child, ok := c.table(r.Source, tables, "dependents", d.Table)
		if !ok {
			continue
		}
		for _, f := range d.FK {
			c.field(child, "dependents "+d.Table+", fk", f)
		}
		if d.References != "" {
			c.table(r.Source, tables, "dependents "+d.Table+", references", d.References)
		}
	}
}

// via checks the names on the ways to identifiers in other tables.
func (c nameCheck) via(source string, vias []subject.Via, t connectors.Table, tables connectors.Tables) {
	for _, v := range vias {
		at := t
		for _, h := range v.Path {
			key := "subject via " + h.String()
			if h.From == "" && len(at.KeyBy([]string{h.Field})) == 0 && at.Alternate {
				c.add(lint.LUnknownName, "", true, "%s: table %s has no primary key: say which field is meant, as "+
					"FIELD = %s.%s", key, at.Name, h.Table, h.Field)
			} else if h.From == "" && len(at.Key) != 1 {
				c.add(lint.LUnknownName, "", true, "%s: the key of table %s has %d fields, not one: say which is "+
					"meant, as FIELD = %s.%s", key, at.Name, len(at.Key), h.Table, h.Field)
			}
			c.field(at, key, h.From)
			next, ok := c.table(source, tables, key, h.Table)
			if !ok {
				return
			}
			c.field(next, key, h.Field)
			for _, f := range slices.Sorted(maps.Keys(h.Where)) {
				c.field(next, key+", where", f)
			}
			at = next
		}
		for _, kind := range slices.Sorted(maps.Keys(v.Fields)) {
			c.field(at, "subject via "+v.String(), v.Fields[kind])
		}
	}
}

// lintReferences remarks on foreign keys that would hold back a row that a rule wants deleted, where
// nothing says what happens then.
func lintReferences(p *setup.Setup, c nameCheck, r policy.Records, t connectors.Table, tables connectors.Tables) {
	var without []string
	for i, rule := range c.silo.Silo.Rules {
		if rule.End == policy.Delete && rule.Else == "" {
			without = append(without, fmt.Sprint(i+1))
		}
	}
	if len(without) == 0 {
		return
	}
	goes := []string{t.Name} // tables whose rows go with the record
	for i := 0; i < len(goes); i++ {
		for _, child := range tables {
			for _, fk := range child.ForeignKeys {
				if fk.RefTable != goes[i] || child.Name == goes[i] {
					continue
				}
				d := slices.IndexFunc(r.Dependents, func(d policy.Dependent) bool {
					return d.Table == child.Name && slices.Equal(d.FK, fk.Fields)
				})
				switch {
				case d >= 0 && r.Dependents[d].Do == "delete" && !slices.Contains(goes, child.Name):
					goes = append(goes, child.Name)
				case d < 0 && !governedAlone(p, r.Source, child.Name):
					c.add(lint.LNoElse, "Art. 5(1)(e), 17(1)", false, "rows of %s refer to %s by %s and are "+
						"no dependents, so a row with such is kept when rule %s wants it deleted: declare them "+
						"under dependents, or say else: anonymize (or else: none, if that is meant)",
						child.Name, goes[i], strings.Join(fk.Fields, ", "), strings.Join(without, ", "))
				}
			}
		}
	}
}

// lintOthers remarks on rows that go with a record and may be of somebody else of its table too, who stays:
// letters with a writer and a reader, answers in another's topic.
func lintOthers(c nameCheck, r policy.Records, tables connectors.Tables) {
	for _, d := range r.Dependents {
		child, _ := tables.Find(d.Table)
		if d.Do != "delete" || child.Name == r.Table {
			continue
		}
		for _, fk := range child.ForeignKeys {
			if fk.RefTable != r.Table || slices.Equal(fk.Fields, d.FK) {
				continue
			}
			c.add(lint.LRowsOfTwo, "Art. 5(1)(f), 17(1)", false, "rows of %s go with the %s that their %s "+
				"leads to, and may be of another one too, by %s, who stays: say do: set_null where the field can "+
				"be NULL, or leave it out, which keeps both, unless they are to go with the first of the two",
				d.Table, r.Table, strings.Join(d.FK, ", "), strings.Join(fk.Fields, ", "))
			break
		}
	}
}

// governedAlone reports whether a silo decides the rows of a table by itself.
func governedAlone(p *setup.Setup, source, table string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return slices.ContainsFunc(s.Silo.Records, func(r policy.Records) bool {
			return r.Source == source && r.Table == table
		})
	})
}
