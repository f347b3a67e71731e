package allowed

import (
	"github.com/apache/arrow/go/v15/arrow"

	"lethe/pipeline/judge"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/stores"
)

// Row is a row that may be used.
type Row struct {
	Source   string          `json:"source"`
	Table    string          `json:"table"`
	Key      []string        `json:"key"`
	Subjects []event.Subject `json:"subjects"`
}

// allowedRow is a row of a batch, with its key and the people it names.
func allowedRow(s *stores.Store, g *judge.Judge, rows arrow.Record, row int) Row {
	r := Row{Source: s.Name, Table: g.Table.Name, Subjects: g.People(rows, row, false)}
	for _, c := range g.Key {
		r.Key = append(r.Key, g.Text(rows, row, c))
	}
	return r
}
