package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/policy/names"
)

// Lint returns what somebody should look at in the policy: by itself, against the catalogs of the live sources, and against the personal data that the last nights
// found. It writes nothing. unchecked says, a sentence each, what could not be looked at; a source that does not answer is no error.
func (p *Pipeline) Lint(ctx context.Context) (remarks []lint.Remark, unchecked []string, err error) {
	now := p.Now()
	categories, since, err := p.foundCategories(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(since) == 0 && len(p.Silos) > 0 {
		unchecked = append(unchecked, "no night has looked for personal data yet: surplus fields, special categories and uniform retention were not looked for: run `lethe discover`")
	}
	catalogs := map[string][]connectors.Table{}
	for _, src := range p.Sources {
		if src.Of != "" || src.Environment == "backup" || !p.named(src.Name) {
			continue
		}
		tables, err := catalogOf(ctx, src)
		if err != nil {
			unchecked = append(unchecked, fmt.Sprintf("source %s could not be asked for its tables (%s): names of tables and fields, dates and foreign keys were not checked against it", src.Name, failure(err)))
			continue
		}
		catalogs[src.Name] = tables
	}
	for _, silo := range p.Silos {
		remarks = append(remarks, lint.Lint(silo, now)...)
		remarks = append(remarks, p.lintNames(silo, catalogs)...)
		remarks = append(remarks, lint.Categories(silo, now, withoutKeys(categories, catalogs))...)
	}
	return append(remarks, lint.Together(p.Silos, now)...), unchecked, nil
}

// named reports whether a silo names the source.
func (p *Pipeline) named(source string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return slices.ContainsFunc(s.Silo.Records, func(r policy.Records) bool { return r.Source == source }) ||
			slices.ContainsFunc(s.Silo.Consents, func(m intake.Mapping) bool { return m.Source == source })
	})
}

func catalogOf(ctx context.Context, src Source) (tables []connectors.Table, err error) {
	open, err := src.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return open.Tables(ctx)
}

// foundCategories returns the personal fields that the newest reading of each table found, and the night of that reading by table.
func (p *Pipeline) foundCategories(ctx context.Context) (found []lint.Category, since map[object]calendar.Date, err error) {
	since = map[object]calendar.Date{}
	if !fileExists(filepath.Join(p.State, "journal.db")) {
		return nil, since, nil
	}
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, 60)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range runs {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		var f audit.Facts
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return nil, nil, fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
		}
		day := calendar.DateOf(r.AsOf, p.Zone)
		here := map[object]bool{}
		for _, i := range f.Inventory {
			at := object{i.Source, i.Object}
			if _, newer := since[at]; newer || i.State != "scanned" {
				continue
			}
			here[at] = true
			if personal(i) {
				found = append(found, lint.Category{Source: i.Source, Table: i.Object, Field: i.Column, Category: i.Category, Class: i.Class})
			}
		}
		for at := range here {
			since[at] = day
		}
	}
	return found, since, nil
}

// withoutKeys leaves primary keys out: a row cannot be without one, whoever needs it.
func withoutKeys(found []lint.Category, catalogs map[string][]connectors.Table) []lint.Category {
	return slices.DeleteFunc(slices.Clone(found), func(f lint.Category) bool {
		t, ok := tableOf(catalogs[f.Source], f.Table)
		return ok && slices.Contains(t.Key, f.Field)
	})
}

func tableOf(tables []connectors.Table, name string) (connectors.Table, bool) {
	i := slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == name })
	if i < 0 {
		return connectors.Table{}, false
	}
	return tables[i], true
}

// nameCheck holds what a silo names against a catalog.
type nameCheck struct {
	silo  *policy.Compiled
	place string
	list  *[]lint.Remark
}

// add remarks; a night refuses a policy that names what is not there.
func (c nameCheck) add(code, law string, refused bool, format string, args ...any) {
	*c.list = append(*c.list, lint.Remark{Code: code, Silo: c.silo.Silo.Name, Place: c.place, Law: law, Refused: refused, Words: fmt.Sprintf(format, args...)})
}

// table finds a table of the source, or remarks that it has none of that name.
func (c nameCheck) table(source string, tables []connectors.Table, key, name string) (connectors.Table, bool) {
	t, ok := tableOf(tables, name)
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
		c.add(lint.LUnknownName, "", true, "%s: table %s has no field %s%s", key, t.Name, name, meant(name, fieldNames(t)))
	}
}

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

// start remarks on a starting date that the engine itself changes at every update.
func (c nameCheck) start(t connectors.Table, key, name string) {
	if f, ok := t.Field(name); ok && f.AutoUpdate {
		c.add(lint.LLastModified, "Art. 5(1)(e)", true, "%s: field %s of table %s is set anew by the engine at every update of the row, so the term never ends: name the field with the day of collecting, or of the end", key, name, t.Name)
	}
}

// lintNames holds the names of a silo, its dates and its foreign keys against the catalogs that answered.
func (p *Pipeline) lintNames(silo *policy.Compiled, catalogs map[string][]connectors.Table) []lint.Remark {
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
		_, wrong := techniques(silo, t)
		for _, err := range wrong { // a field that some rules cover and others do not is cleared when those that do have ended
			c.add(lint.LNoTechnique, "Art. 5(1)(c)", true, "%s", err)
		}
		p.lintReferences(c, r, t, tables)
	}
	for i := range silo.Silo.Consents {
		m := &silo.Silo.Consents[i]
		c := nameCheck{silo, fmt.Sprintf("silo %s, consents %d (%s.%s)", silo.Silo.Name, i+1, m.Source, m.Table), &list}
		if tables, answered := catalogs[m.Source]; answered {
			if t, ok := c.table(m.Source, tables, "table", m.Table); ok {
				for _, f := range m.Fields() {
					c.field(t, "consents", f)
				}
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
			c.add(lint.LUnknownName, "", true, "%s: no table of the silo has a field %s%s", key, field, meant(field, known))
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
func (c nameCheck) records(silo *policy.Compiled, r policy.Records, t connectors.Table, tables []connectors.Table) {
	for _, kind := range slices.Sorted(maps.Keys(r.Subject)) {
		c.field(t, "subject", r.Subject[kind])
	}
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
	c.start(t, "collected", r.Collected)
	for i, rule := range silo.Silo.Rules {
		key := fmt.Sprintf("rule %d, at", i+1)
		c.field(t, key, rule.At)
		c.start(t, key, rule.At)
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

// lintReferences remarks on foreign keys that would hold back a row that a rule wants deleted, where nothing says what happens then.
func (p *Pipeline) lintReferences(c nameCheck, r policy.Records, t connectors.Table, tables []connectors.Table) {
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
				d := slices.IndexFunc(r.Dependents, func(d policy.Dependent) bool { return d.Table == child.Name && slices.Equal(d.FK, fk.Fields) })
				switch {
				case d >= 0 && r.Dependents[d].Do == "delete" && !slices.Contains(goes, child.Name):
					goes = append(goes, child.Name)
				case d < 0 && !p.governs(r.Source, child.Name):
					c.add(lint.LNoElse, "Art. 5(1)(e), 17(1)", false, "rows of %s refer to %s by %s and are no dependents, so a row with such is kept when rule %s wants it deleted: declare them under dependents, or say else: anonymize (or else: none, if that is meant)",
						child.Name, goes[i], strings.Join(fk.Fields, ", "), strings.Join(without, ", "))
				}
			}
		}
	}
}

// governs reports whether a silo decides the rows of a table by itself.
func (p *Pipeline) governs(source, table string) bool {
	return slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool {
		return slices.ContainsFunc(s.Silo.Records, func(r policy.Records) bool { return r.Source == source && r.Table == table })
	})
}
