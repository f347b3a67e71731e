package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// Coverage is what the policy says of a table: which silos claim its rows, and which rules need its fields.
type Coverage struct {
	Source    string         `json:"source"`
	Table     string         `json:"table"`
	Silos     []string       `json:"silos"`
	Words     []string       `json:"words"`
	Fields    []CoveredField `json:"fields"`
	Unchecked []string       `json:"unchecked,omitempty"` // what could not be looked at
}

// CoveredField is a field of the table.
type CoveredField struct {
	Field    string   `json:"field"`
	Category string   `json:"category,omitempty"` // of the personal data that a night found in it
	Rules    []string `json:"rules"`              // silo: rule
	Uses     []string `json:"uses,omitempty"`     // what the policy needs it for besides
	Nobody   bool     `json:"nobody"`             // personal data, and no rule needs it
}

// followWords say what becomes of the rows of a dependent table.
var followWords = map[string]string{
	"delete": "they go with them", "set_null": "the reference is emptied and they stay",
}

// Cover looks up what the policy says of a table of a live source.
func Cover(ctx context.Context, p *setup.Setup, source, table string) (Coverage, error) {
	c := Coverage{Source: source, Table: table}
	i := slices.IndexFunc(p.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return c, fmt.Errorf("%w: no source %q", setup.ErrConfig, source)
	}
	var claims []policy.Records
	var silos []*policy.Compiled
	for _, s := range p.Silos {
		for _, r := range s.Silo.Records {
			if r.Source != p.Sources[i].System() {
				continue
			}
			if r.Table == table {
				claims, silos = append(claims, r), append(silos, s)
				if !slices.Contains(c.Silos, s.Silo.Name) {
					c.Silos = append(c.Silos, s.Silo.Name)
				}
			}
			for _, d := range r.Dependents {
				if d.Table == table {
					c.Words = append(c.Words, fmt.Sprintf("Its rows follow those of %s, which silo %s governs, "+
						"by %s: %s.",
						r.Table, s.Silo.Name, strings.Join(d.FK, ", "), followWords[d.Do]))
				}
			}
			for _, o := range r.Owns {
				if o.Table == table {
					c.Words = append(c.Words, fmt.Sprintf("Its rows go with the last row of %s (silo %s) that "+
						"refers to them by %s.", r.Table, s.Silo.Name, strings.Join(o.FK, ", ")))
				}
			}
		}
	}
	if len(c.Silos) == 0 && len(c.Words) == 0 {
		c.Words = append(c.Words, "No silo claims its rows: nothing in it is ever checked against consent or a "+
			"term, and it is reported as F_UNMAPPED if it holds personal data.")
	}
	found, _, err := foundCategories(ctx, p)
	if err != nil {
		return c, err
	}
	names, key, err := columns(ctx, p, p.Sources[i], table, found, &c)
	if err != nil {
		return c, err
	}
	for _, name := range names {
		c.Fields = append(c.Fields, cover(p, name, key, claims, silos, found, source, table))
	}
	return c, nil
}

// columns asks the source for the fields of a table and its key; where it does not answer, what the
// last nights found has to do.
func columns(ctx context.Context, p *setup.Setup, src setup.Source, table string, found []lint.Category,
	c *Coverage) (names, key []string, err error) {
	tables, err := stores.CatalogOf(ctx, src)
	if err == nil {
		t, ok := tables.Find(table)
		if !ok {
			all := make([]string, len(tables))
			for i, t := range tables {
				all[i] = t.Name
			}
			return nil, nil, fmt.Errorf("%w: source %s has no table %s%s", setup.ErrConfig, src.Name, table,
				meant(table, all))
		}
		return fieldNames(t), t.Key, nil
	}
	c.Unchecked = append(c.Unchecked, fmt.Sprintf("source %s could not be asked for its tables (%s): only "+
		"fields in which a night found personal data are listed", src.Name, notes.Failure(err)))
	for _, f := range found {
		if f.Source == src.Name && f.Table == table {
			names = append(names, f.Field)
		}
	}
	return names, nil, nil
}

// cover says which rules need a field, and what the policy needs it for besides.
func cover(p *setup.Setup, name string, key []string, claims []policy.Records, silos []*policy.Compiled,
	found []lint.Category, source, table string) CoveredField {
	f := CoveredField{Field: name, Rules: []string{}}
	i := slices.IndexFunc(found, func(o lint.Category) bool {
		return o.Source == source && o.Table == table && o.Field == name
	})
	if i >= 0 {
		f.Category = found[i].Category
	}
	if slices.Contains(key, name) {
		f.Uses = append(f.Uses, "key of the table")
	}
	use := func(holds bool, what string) {
		if holds && !slices.Contains(f.Uses, what) {
			f.Uses = append(f.Uses, what)
		}
	}
	for i, r := range claims {
		for kind, field := range r.Subject {
			use(field == name, "identifies the person ("+kind+")")
		}
		for _, v := range r.Via {
			use(v.Path[0].From == name, "leads to "+v.Path[0].Table+", which says who it is")
		}
		use(r.Collected == name, "day of collecting")
		use(r.Collection == name, "id of the collection")
		_, where := r.Where[name]
		use(where, "tells the silo's rows")
		if r.Block != nil {
			_, marks := r.Block.Set[name]
			use(marks, "marks a blocked row")
		}
		for _, o := range r.Owns {
			use(slices.Contains(o.FK, name), "refers to "+o.Table)
		}
		for id, rule := range silos[i].InForce(p.Now()) {
			use(rule.At == name, "starts the term of "+id)
			if len(rule.Fields) == 0 || slices.Contains(rule.Fields, name) {
				if label := silos[i].Silo.Name + ": " + id; !slices.Contains(f.Rules, label) {
					f.Rules = append(f.Rules, label)
				}
			}
		}
	}
	slices.Sort(f.Uses)
	f.Nobody = f.Category != "" && len(f.Rules) == 0 && len(claims) > 0 && !slices.Contains(key, name)
	return f
}
