package classifiers

// Feature is a feature of a field, for the training.
type Feature struct {
	Name string
	X    float64
}

// Weighed is a field before it is weighed, for the training.
type Weighed struct {
	Field    string
	Base     []float64
	Possible []bool
	Own      [][]Feature
	Features []Feature
}

// Judged are tables whose fields the rules have judged.
type Judged struct{ tables []*tableState }

// Judge judges by the rules.
func (c *Catalogue) Judge(scans ...*Scan) Judged { return Judged{c.judged(scans)} }

// Tell lets the fields of each table tell each other the chances of each kind.
func (j Judged) Tell(chances func(table, field int) []float64) {
	for i, t := range j.tables {
		for k, f := range t.fields {
			f.tellChances(chances(i, k))
		}
		t.gather()
	}
}

// Weigh returns what is known of each field of each table.
func (j Judged) Weigh() [][]Weighed {
	var all [][]Weighed
	for _, t := range j.tables {
		var list []Weighed
		for _, f := range t.fields {
			w := f.weighingOf()
			x := Weighed{Field: f.field.Name, Base: w.base, Possible: w.possible, Features: exported(w.features)}
			for _, own := range w.own {
				x.Own = append(x.Own, exported(own))
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
