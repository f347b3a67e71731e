package sanitize

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/classifiers/ident"
	"lethe/connectors"
	"lethe/pipeline/sanitize/maker"
	"lethe/pipeline/scan"
)

// Rules say what is done with fields, in the place of what their verdicts say.
type Rules struct {
	Fields map[string]Rule `yaml:"fields"` // by table.field
}

// Rule is what a person decided of one field.
type Rule struct {
	Do      maker.How `yaml:"do"`
	Because string    `yaml:"because"` // why something personal is kept
}

// Field is a field of the copy, and what is done with it.
type Field struct {
	Table    string               `json:"table"`
	Field    string               `json:"field"`
	Category classifiers.Category `json:"category"`
	How      maker.How            `json:"how"`
	Because  string               `json:"because,omitempty"` // the person's reason
	Ruled    bool                 `json:"ruled"`             // a rule says so
	Changed  int64                `json:"changed"`           // values that were replaced

	field  connectors.Field
	unique bool // two values that differ must stay so
	// schemes of numbers with check digits that the values follow: what is made up follows none, so that it is nobody's
	schemes []ident.Scheme
}

// Question is a field of which a person has to say what is done with it.
type Question struct {
	Table, Field string
	Category     classifiers.Category // what comes nearest
}

// hows is what is done with a category unless a rule says otherwise.
var hows = map[classifiers.Category]maker.How{
	classifiers.PersonName: maker.Words, classifiers.PostalAddress: maker.Words, classifiers.City: maker.Words,
	classifiers.OtherPersonal: maker.Words,
	classifiers.Email:         maker.Email, classifiers.Phone: maker.Phone, classifiers.Postcode: maker.Shape,
	classifiers.Country: maker.Keep, classifiers.Region: maker.Keep, classifiers.Gender: maker.Keep,
	classifiers.DateOfBirth: maker.Day, classifiers.IBAN: maker.IBAN, classifiers.CreditCard: maker.Card,
	classifiers.IPAddress: maker.Address, classifiers.MACAddress: maker.Address,
	classifiers.PersonalURL: maker.URL, classifiers.Photo: maker.URL,
	classifiers.Financial: maker.Near, classifiers.FreeText: maker.Text,
	classifiers.Health: maker.Text, classifiers.Religion: maker.Text, classifiers.Political: maker.Text,
	classifiers.Ethnicity: maker.Text,
	classifiers.Union:     maker.Text, classifiers.Sexual: maker.Text,
}

// howOf is what is done with a field by its verdict.
func howOf(v classifiers.Verdict) maker.How {
	if v.Inside != "" {
		return maker.Document
	}
	return Way(v.Primary)
}

// sure is the confidence from which a field that something personal comes near to is taken for what it was found to be:
// nothing personal.
const sure = 0.8

// decide says what is done with each personal field, and asks about those that look as if they were. A field that
// refers to another gets what that one gets.
func decide(tables []connectors.Table, found *scan.Discovery, rules Rules) ([]*Field, []Question, error) {
	all := map[string]*Field{}
	var questions []Question
	unused := maps.Clone(rules.Fields)
	for _, t := range tables {
		verdicts, personal := verdictsOf(t, found)
		for _, f := range t.Fields {
			name := t.Name + "." + f.Name
			v := verdicts[f.Name]
			rule, ruled := rules.Fields[name]
			delete(unused, name)
			d := &Field{Table: t.Name, Field: f.Name, Category: v.Primary, How: maker.Keep, field: f,
				unique: t.TakesPart(f.Name) || slices.Contains(t.Key, f.Name)}
			all[name] = d
			if ruled {
				if err := d.follow(rule, v.Personal() || personal[f.Name]); err != nil {
					return nil, nil, err
				}
			} else if c := d.judge(v, personal[f.Name]); c != "" {
				questions = append(questions, Question{Table: t.Name, Field: f.Name, Category: c})
			}
		}
	}
	if len(unused) > 0 {
		return nil, nil, fmt.Errorf("%w: there is no field %s (any more): take its rule out, or name the field as "+
			"`lethe discover` does", ErrRules, slices.Sorted(maps.Keys(unused))[0])
	}
	follow(tables, all)
	questions = slices.DeleteFunc(questions, func(q Question) bool {
		return all[q.Table+"."+q.Field].How != maker.Keep
	})
	var list []*Field
	for _, t := range tables {
		for _, f := range t.Fields {
			list = append(list, all[t.Name+"."+f.Name])
		}
	}
	return list, questions, nil
}

// follow does what a rule says.
func (d *Field) follow(rule Rule, personal bool) error {
	name := d.Table + "." + d.Field
	switch {
	case !slices.Contains(maker.Ways, rule.Do):
		return fmt.Errorf("%w: rule of %s: do: %q is none of %s", ErrRules, name, rule.Do, join(maker.Ways))
	case rule.Do == maker.Keep && personal && strings.TrimSpace(rule.Because) == "":
		return fmt.Errorf("%w: rule of %s: the field holds personal data (%s): say `because:` it may stay", ErrRules,
			name, d.Category)
	}
	d.How, d.Because, d.Ruled = rule.Do, rule.Because, true
	return nil
}

// judge does what a verdict says, and returns what the field may hold where a person has to say so. inside says that
// something personal stands in its documents.
func (d *Field) judge(v classifiers.Verdict, inside bool) (ask classifiers.Category) {
	switch {
	case d.field.Generated: // the server computes it of what is replaced
	case inside:
		d.How, d.Category = maker.Document, classifiers.OtherPersonal
	case v.NonEmpty == 0:
	case v.Personal():
		d.How, d.schemes = howOf(v), schemesOf(v)
	case v.Candidate.Personal() && v.Confidence < sure:
		return v.Candidate
	case isPlace(d.field):
		return classifiers.Coordinates
	}
	return ""
}

// ErrRules is a rule that cannot be followed.
var ErrRules = errors.New("rules")

// Way is what is done with a category unless a rule says otherwise.
func Way(c classifiers.Category) maker.How {
	if how, ok := hows[c]; ok {
		return how
	}
	return maker.Shape
}

// schemesOf are the schemes that a field's values were found to follow, as far as a wrong number can be told.
func schemesOf(v classifiers.Verdict) (list []ident.Scheme) {
	for _, s := range ident.All() {
		if slices.Contains(v.Detectors, s.ID) && s.Chance < 0.5 {
			list = append(list, s)
		}
	}
	return list
}

// isOfSomebody says whether a made-up number follows one of the schemes.
func (f *Field) isOfSomebody(v []byte) bool {
	if len(f.schemes) == 0 {
		return false
	}
	compact, ok := ident.Compact(nil, v)
	return ok && slices.ContainsFunc(f.schemes, func(s ident.Scheme) bool {
		return ident.Match(&s, ident.Number{Raw: v, Compact: compact})
	})
}

// isPlace says whether a field holds places on a map, which no value shows.
func isPlace(f connectors.Field) bool {
	kind := strings.ToLower(f.Type)
	return slices.ContainsFunc([]string{"geometry", "geography", "point", "polygon"}, func(s string) bool {
		return strings.HasPrefix(kind, s)
	})
}

// verdictsOf are the verdicts on the fields of a table, and the fields in whose documents something personal stands.
func verdictsOf(t connectors.Table, found *scan.Discovery) (map[string]classifiers.Verdict, map[string]bool) {
	verdicts, inside := map[string]classifiers.Verdict{}, map[string]bool{}
	for _, of := range found.Tables {
		if of.Table != t.Name {
			continue
		}
		for _, v := range of.Fields {
			if !v.Path {
				verdicts[v.Field] = v
				continue
			}
			for _, f := range t.Fields {
				if v.Personal() && strings.HasPrefix(v.Field, f.Name+".") {
					inside[f.Name] = true
				}
			}
		}
	}
	return verdicts, inside
}

// follow gives fields that refer to others what those get, and the other way round where only the one that refers was
// found to be personal.
func follow(tables []connectors.Table, all map[string]*Field) {
	for range tables { // as far as references lead
		for _, t := range tables {
			for _, fk := range t.ForeignKeys {
				for i, name := range fk.Fields {
					from, to := all[t.Name+"."+name], all[fk.RefTable+"."+fk.RefFields[i]]
					switch {
					case from == nil || to == nil:
					case to.How != maker.Keep || to.Ruled:
						from.How = to.How
					case from.How != maker.Keep:
						to.How = from.How
					}
				}
			}
		}
	}
}

func join(ways []maker.How) string {
	var names []string
	for _, w := range ways {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}
