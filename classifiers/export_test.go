package classifiers

// Feature is a feature of a field, for the training.
type Feature struct {
	Name string
	X    float64
}

// Weighed is a field before it is weighed, for the training.
type Weighed struct {
	Field    string
	Found    Category // by the rules
	Asked    bool
	Contact  Category // None where the rules found nothing
	Base     []float64
	Possible []bool
	Own      [][]Feature
	Features []Feature
}

// Weigh returns what the rules know of each field of each table.
func (c *Catalogue) Weigh(scans ...*Scan) [][]Weighed {
	var all [][]Weighed
	for _, t := range c.judged(scans) {
		var list []Weighed
		for _, f := range t.fields {
			x := Weighed{Field: f.field.Name, Found: f.verdict.Primary}
			if f.verdict.Company {
				x.Found = CompanyOnly
			}
			if w := f.weighingOf(); w != nil {
				x.Asked, x.Base, x.Possible, x.Features = true, w.base, w.possible, exported(w.features)
				x.Contact = None
				if w.possible[kindIndex(CompanyOnly)] {
					x.Contact = f.verdict.Primary
				}
				for _, own := range w.own {
					x.Own = append(x.Own, exported(own))
				}
			}
			list = append(list, x)
		}
		all = append(all, list)
	}
	return all
}

func exported(list []feature) []Feature {
	out := make([]Feature, len(list))
	for i, f := range list {
		out[i] = Feature{f.name, f.x}
	}
	return out
}

// Published counts the values that references publish as right which their detector recognises, and those published as
// wrong which it refuses.
func Published(c *Catalogue) (right, valid, refused, invalid int) {
	list := builtins()
	for _, e := range publishedExamples() {
		d := &list[e.builtin]
		pass := func(s string) bool {
			v := newValue([]byte(s), len(s))
			return d.needs(v.census) && d.match(v.raw)
		}
		for _, s := range e.valid {
			if valid++; pass(s) {
				right++
			}
		}
		for _, s := range e.invalid {
			if invalid++; !pass(s) {
				refused++
			}
		}
	}
	return right, valid, refused, invalid
}
