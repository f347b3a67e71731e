package connectors_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestTemporaryFilesAreToldByTheirName(t *testing.T) {
	for path, temporary := range map[string]bool{
		"backups/" + connectors.TemporaryPrefix("crm.sql.gz") + "123": true,
		connectors.TemporaryPrefix("/srv/a b/crm.sql.gz.sha256"):      true,
		"crm.sql.gz":              false,
		".crm.sql.gz":             false,
		"crm.lethe-1.sql.gz":      false,
		".lethe/crm.sql.gz":       false,
		"/srv/.x.lethe-1/crm.sql": false,
	} {
		require.Equal(t, temporary, connectors.IsTemporary(path), path)
	}
	require.Equal(t, "crm.sql.gz", connectors.TemporaryOf("backups/"+connectors.TemporaryPrefix("crm.sql.gz")+"123"))
}
