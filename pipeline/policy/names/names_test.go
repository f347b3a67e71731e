package names

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	columns := []string{"id", "email", "created_at", "closed_on"}
	for name, want := range map[string]string{"created": "created_at", "create_at": "created_at", "emial": "email",
		"eMail": "email", "emal": "email", "closedon": "closed_on", "xyz": "", "": "", "ids": "id"} {
		require.Equal(t, want, Nearest(name, columns), name)
	}
	require.Equal(t, 3, edits([]rune("kitten"), []rune("sitting")))
	require.Equal(t, 2, edits(nil, []rune("ab")))
}

func TestLastModifiedNames(t *testing.T) {
	for _, name := range []string{"updated_at", "last_update", "LastModified", "modifiedDate", "dt_modifica",
		"row_changed", "changed_on", "lastChange", "geaendert_am", "mtime", "LASTUPDATE", "fecha_actualizacion",
		"customer_updated_at"} {
		require.True(t, LastModified(name), name)
	}
	for _, name := range []string{"", "created_at", "closed_on", "status_changed_at", "last_login", "last_order_date",
		"payment_date", "date", "birth_date", "exchange_date"} {
		require.False(t, LastModified(name), name)
	}
}
