package targets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
)

// TestNamed: no unique constraint stands for the primary key of a table in which a silo writes one of its fields.
func TestNamed(t *testing.T) {
	hash := "hash"
	silos := []*policy.Compiled{{Silo: policy.Silo{Anonymize: map[string]*string{"email": &hash},
		Records: []policy.Records{{Source: "crm", Table: "people"}}}}}
	table := func(name string, alternate bool) connectors.Table {
		return connectors.Table{Name: name, Key: []string{"email"}, Alternate: alternate}
	}
	tables := []connectors.Table{table("people", true), table("others", true)}
	Named(silos, "shop", tables)
	require.Equal(t, []string{"email"}, tables[0].Key, "of another system")
	Named(silos, "crm", tables)
	require.Empty(t, tables[0].Key)
	require.Equal(t, [][]string{{"email"}}, tables[0].Unique)
	require.Equal(t, []string{"email"}, tables[1].Key)
	primary := []connectors.Table{table("people", false)}
	Named(silos, "crm", primary)
	require.Equal(t, []string{"email"}, primary[0].Key, "a primary key is refused where the policy is read")
}
