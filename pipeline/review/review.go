// Package review orders the fields that a person should look at, by what the last night said of them.
//
//   - Nights are the inventories that are asked about.
//   - Item is a field that a person is asked about: a kind that it holds, or may hold.
//   - Asked are the items of a night, those first whose answer is worth most; All are those that can be answered.
package review

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Item is a field that a person is asked about: does it hold this kind?
type Item struct {
	Source     string               `json:"source"`
	Table      string               `json:"table"`
	Field      string               `json:"field"`
	Type       string               `json:"type"`       // as declared
	Kind       classifiers.Category `json:"kind"`       // that is asked about: what was found, or what came nearest
	Found      bool                 `json:"found"`      // the classifiers call the field that
	Confidence float64              `json:"confidence"` // of the classifiers in what they call it
	Rows       int64                `json:"rows"`       // with a value
	New        bool                 `json:"new"`        // since the last night, or another kind than then
	Again      string               `json:"again"`      // why it is asked although somebody answered; "" nobody did
	Silos      []string             `json:"silos"`      // that govern the table
	Terms      []string             `json:"terms"`      // why the classifiers say so
	Shapes     []string             `json:"shapes"`     // the commonest forms of the values
	Saw        classifiers.Category `json:"saw"`        // what the classifiers call the field
	answered   bool                 // and the answer holds
}

// Nights are what the newest run that read the sources said of them, and the one before.
type Nights struct {
	Last, Before []audit.Inventory
	Read         time.Time // when the last one ended
}

// Doubt is the share of such verdicts that are wrong, by their own account.
func (i *Item) Doubt() float64 { return 1 - i.Confidence }

// worth is how many rows would be called something else by a person, as far as can be told before asking.
func (i *Item) worth() float64 { return i.Doubt() * float64(i.Rows) }

// leastDoubt is the doubt from which a person is asked.
const leastDoubt = 0.05

// Asked lists what a person should look at: what is new since the last night or not what somebody saw, then what is in
// doubt, each by doubt times rows. A backup is asked about where no live source has what it holds.
func Asked(p *setup.Setup, n Nights, today calendar.Date) []Item {
	var items []Item
	for _, i := range All(p, n, today) {
		if !i.answered && i.Kind != "" && i.Rows > 0 && (i.New && i.Found || i.Again != "" || i.Doubt() >= leastDoubt) {
			items = append(items, i)
		}
	}
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(urgency(b)-urgency(a), cmp.Compare(b.worth(), a.worth()),
			strings.Compare(a.Place(), b.Place()))
	})
	return items
}

func urgency(i Item) int {
	switch {
	case i.New:
		return 2
	case i.Again != "":
		return 1
	}
	return 0
}

// Place is where the field is: source.table.field.
func (i *Item) Place() string { return i.Source + "." + i.Table + "." + i.Field }

// All lists every field that a person may say something of, in the order of the inventory.
func All(p *setup.Setup, n Nights, today calendar.Date) []Item {
	var items []Item
	first, was := firstTime(n.Last), map[string]classifiers.Category{}
	for _, row := range n.Before {
		was[row.Source+"\x00"+row.Object+"\x00"+row.Column] = itemOf(row).Saw
	}
	met := map[string]bool{}
	for _, row := range n.Last {
		source, ofAnother := sourceOf(p, row.Source)
		if row.Column == "" || row.State != "scanned" || row.Change == "gone" || ofAnother {
			continue
		}
		item := itemOf(row)
		item.Source = source
		if met[item.Place()] { // in another file of a set
			continue
		}
		met[item.Place()] = true
		before, known := was[row.Source+"\x00"+row.Object+"\x00"+row.Column]
		item.New = !first[row.Source] && (row.Change == "new" || row.Change == "changed" && known && before != item.Saw)
		item.Again, item.answered = answered(p, item, today)
		items = append(items, item)
	}
	return items
}

// itemOf is a row of the inventory as a question.
func itemOf(row audit.Inventory) Item {
	i := Item{Table: row.Object, Field: row.Column, Type: row.Type, Confidence: row.Confidence, Rows: row.NonEmpty,
		Silos: entries(row.Silo), Terms: entries(row.Terms), Shapes: entries(row.Shapes), Saw: KindOf(row)}
	if row.ReviewedBy != "" {
		i.Saw = classifiers.Category(row.Machine)
	}
	i.Kind, i.Found = i.Saw, i.Saw != classifiers.None
	if !i.Found {
		i.Kind = classifiers.Category(row.Candidate)
	}
	return i
}

// KindOf is what a row says that a field holds: of a field with data of a company, that.
func KindOf(row audit.Inventory) classifiers.Category {
	if row.Company {
		return classifiers.CompanyOnly
	}
	return cmp.Or(classifiers.Category(row.Category), classifiers.None)
}

func entries(joined string) []string {
	return strings.FieldsFunc(joined, func(r rune) bool { return r == ';' })
}

// firstTime are the sources of which everything is new: they are no news.
func firstTime(inventory []audit.Inventory) map[string]bool {
	first := map[string]bool{}
	for _, row := range inventory {
		if _, met := first[row.Source]; !met {
			first[row.Source] = true
		}
		if row.Change != "new" {
			first[row.Source] = false
		}
	}
	return first
}

// sourceOf is the name under which a review is of a source, and whether another source has what it holds: a backup's
// set, and the live source that it is of.
func sourceOf(p *setup.Setup, name string) (source string, of bool) {
	for _, s := range p.Sources {
		if s.Name != name {
			continue
		}
		live := slices.ContainsFunc(p.Sources, func(o setup.Source) bool { return o.Name == s.Of && !o.Backup() })
		return cmp.Or(s.Set, s.Name), live
	}
	return name, false
}

// answered reports whether a review of a field holds, and otherwise why the field is asked about that somebody
// reviewed; "" nobody did.
func answered(p *setup.Setup, i Item, today calendar.Date) (again string, holds bool) {
	for _, r := range p.Reviews {
		switch {
		case r.Source != i.Source || !r.At(i.Table, i.Field):
		case r.Until < today:
			again = "the review by " + r.By + " ran out on " + r.Until.String()
		case r.Holds(i.Type, i.Saw):
			return "", true
		default:
			again = "it is no longer what " + r.By + " saw: " + r.SawType + ", " + words(r.Saw)
		}
	}
	return again, false
}

func words(c classifiers.Category) string { return strings.ReplaceAll(string(c), "_", " ") }
