package scan

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/remnants"
)

// Reading is what the night reads of one table, and what it found there.
type Reading struct {
	Table   connectors.Table
	State   string // scanned, skipped, failed
	reason  string // why skipped or failed
	Silos   []string
	sample  int               // rows asked for; 0 all
	Sampled bool              // rows were left out
	Rows    int64             // read
	left    map[string]string // fields that the configuration leaves out: the reason
	columns []int             // of the fields that are classified; nil: all
	scan    *classifiers.Scan
	life    *life
	search  *remnants.Search // for people who should be gone; nil: not
	verdict classifiers.TableVerdict
	kept    []audit.Inventory // of an unchanged file: what the last night said of the table
	next    connectors.Cursor // where the reading goes on after another table failed
	whole   bool              // it was read before that, to its end
}

// observe hands rows to the classifiers, without the fields that are left out.
func (r *Reading) observe(rows arrow.Record) {
	r.Rows += rows.NumRows()
	r.life.observe(rows)
	if r.scan == nil {
		return
	}
	if r.columns != nil {
		fields, columns := make([]arrow.Field, len(r.columns)), make([]arrow.Array, len(r.columns))
		for i, c := range r.columns {
			fields[i], columns[i] = rows.Schema().Field(c), rows.Column(c)
		}
		rows = array.NewRecord(arrow.NewSchema(fields, nil), columns, rows.NumRows())
	}
	r.scan.Observe(rows)
}

// refersTo is the table.field that a foreign key of a field points to; "" where there is none.
func (r *Reading) refersTo(field string) string {
	for _, fk := range r.Table.ForeignKeys {
		if i := slices.Index(fk.Fields, field); i >= 0 && i < len(fk.RefFields) {
			return fk.RefTable + "." + fk.RefFields[i]
		}
	}
	return ""
}

// describe tells the classifiers what the catalog says of a table.
func (r *Reading) describe() classifiers.Table {
	single := map[string]bool{}
	for _, u := range r.Table.Unique {
		if len(u) == 1 {
			single[u[0]] = true
		}
	}
	references := map[string]string{}
	for _, fk := range r.Table.ForeignKeys {
		for i, f := range fk.Fields {
			references[f] = fk.RefTable + "." + fk.RefFields[i]
		}
	}
	ct := classifiers.Table{Database: r.Table.Database, Name: r.Table.Name}
	for i, f := range r.Table.Fields {
		if r.columns != nil && !slices.Contains(r.columns, i) {
			continue
		}
		ct.Fields = append(ct.Fields, classifiers.Field{
			Name: f.Name, Type: f.Type, Kind: string(f.Kind), Nullable: f.Nullable, Length: f.Length,
			Key:    len(r.Table.Key) == 1 && r.Table.Key[0] == f.Name,
			Unique: single[f.Name], References: references[f.Name],
		})
	}
	return ct
}
