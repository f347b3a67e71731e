package database

import (
	"fmt"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// What keeps a file from being used is not what is in it.
func TestFileFailures(t *testing.T) {
	for _, code := range []error{sqlite3.FULL, sqlite3.IOERR_WRITE, sqlite3.READONLY, sqlite3.READONLY_DIRECTORY,
		sqlite3.CANTOPEN, sqlite3.PERM} {
		require.ErrorIs(t, sqliteEngine.failure(fmt.Errorf("sqlite3: invalid _pragma: %w", code)), ErrUnreachable)
	}
	require.NotErrorIs(t, sqliteEngine.failure(sqlite3.NOTADB), ErrUnreachable)
}
