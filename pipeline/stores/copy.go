package stores

import (
	"slices"
	"strings"

	"lethe/connectors"
)

// CopyFields are those of a copy beside the key of the application's table. The seal is a keyed digest
// of the row, by which one that Lethe did not write is told.
var CopyFields = []connectors.Field{
	{Name: "silo", Kind: connectors.Text, Length: 64},
	{Name: "purpose", Kind: connectors.Text, Length: 64},
	{Name: "status", Kind: connectors.Text, Length: 16},
	{Name: "until", Kind: connectors.Timestamp, Nullable: true},
	{Name: "since", Kind: connectors.Date},
	{Name: "seal", Kind: connectors.Text, Length: 32},
}

// CopyPrefix begins the names of copies.
const CopyPrefix = "lethe_"

// IsCopy reports whether a table is a copy that Lethe keeps, for this target or another.
func IsCopy(t connectors.Table) bool {
	if !strings.HasPrefix(t.Name, CopyPrefix) || len(t.Fields) <= len(CopyFields) {
		return false
	}
	last := t.Fields[len(t.Fields)-len(CopyFields):]
	return slices.EqualFunc(last, CopyFields, func(a, b connectors.Field) bool { return a.Name == b.Name })
}
