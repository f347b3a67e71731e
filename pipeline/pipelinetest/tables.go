package pipelinetest

import (
	"strings"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// Field is a column whose type is named as its kind.
func Field(name string, kind connectors.Kind, nullable bool) connectors.Field {
	return connectors.Field{Name: name, Type: string(kind), Kind: kind, Nullable: nullable}
}

// Table is a table with key id.
func Table(name string, fields []connectors.Field, fks []connectors.ForeignKey, rows ...[]any) mem.Table {
	t := mem.Table{Def: connectors.Table{Name: name, Fields: fields, Key: []string{"id"}, ForeignKeys: fks}}
	for _, r := range rows {
		t.Rows = append(t.Rows, mem.Row(r))
	}
	return t
}

// FK is a reference to the key of a table, where the engine refuses to delete what is referred to.
func FK(parent string, fields ...string) connectors.ForeignKey {
	return connectors.ForeignKey{Name: "fk_" + parent + "_" + strings.Join(fields, "_"), Fields: fields,
		RefTable: parent, RefFields: []string{"id"}, OnDelete: "RESTRICT"}
}

// The fields of [People].
var (
	ID      = Field("id", connectors.Integer, false)
	Email   = Field("email", connectors.Text, true)
	Name    = Field("name", connectors.Text, true)
	Status  = Field("status", connectors.Text, true)
	Created = Field("created", connectors.Date, true)
)

// People is the governed table of most tests: ada's consent holds, bob's was withdrawn, eve's ran out.
func People(extra ...connectors.Field) mem.Table {
	blanks := make([]any, len(extra))
	return Table("people", append([]connectors.Field{ID, Email, Name, Status, Created}, extra...), nil,
		append([]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"}, blanks...),
		append([]any{"2", "bob@lago.it", "Bob", "active", "2026-01-01"}, blanks...),
		append([]any{"3", "eve@lago.it", "Eve", "active", "2023-01-01"}, blanks...))
}

// News is a silo that governs [People] by consent, changed as a test needs it; nil changes nothing.
func News(change func(*policy.Silo)) policy.Silo {
	s := policy.Silo{
		Name: "news",
		Records: []policy.Records{{Source: "crm", Table: "people", Subject: map[string]string{"email": "email"},
			Collected: "created"}},
		Rules: []policy.Rule{{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Months: 24},
			End: policy.Delete, Because: "form", Owner: "anna", ReviewBy: "2027-01-01"}},
	}
	if change != nil {
		change(&s)
	}
	return s
}

// Depends makes tables follow [People].
func Depends(deps ...policy.Dependent) func(*policy.Silo) {
	return func(s *policy.Silo) { s.Records[0].Dependents = deps }
}
