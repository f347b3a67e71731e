package database_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// A server that accepts and says nothing, or nothing more, is out of reach within its limit.
func TestMuteServer(t *testing.T) {
	for name, c := range map[string]struct{ driver, scheme, says string }{
		"mysql":               {"mysql", "mysql", ""},
		"postgres":            {"postgres", "postgres", ""},
		"postgres within TLS": {"postgres", "postgres", "S"}, // that it will speak TLS
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, met := servers.Mute(t, c.says)
			config := registry.Config{Driver: c.driver, DSN: c.scheme + "://lethe:swordfish@" + address + "/lethe",
				AnswerWithin: 100 * time.Millisecond}
			_, err := registry.Open(t.Context(), config)
			require.ErrorIs(t, err, registry.ErrUnreachable)
			require.ErrorContains(t, err, "no answer from the server for ")
			require.ErrorContains(t, err, "answer_within of registry")
			require.NotContains(t, err.Error(), "swordfish")
			require.LessOrEqual(t, met(), 2, "one attempt, and one that asks beside it")
			require.ErrorIs(t, registry.Create(t.Context(), config), registry.ErrUnreachable)

			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			config.AnswerWithin = time.Hour
			_, err = registry.Open(ctx, config)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
	config := registry.Config{Driver: "postgres", DSN: "postgres://lethe:swordfish@" + servers.Full(t) + "/lethe",
		AnswerWithin: 200 * time.Millisecond}
	_, err := registry.Open(t.Context(), config)
	require.ErrorIs(t, err, registry.ErrUnreachable)
	require.ErrorContains(t, err, "no connection to ")
}

// What is begun ends as well where the server stops: a query, a commit, and a transaction that is taken back, also when
// somebody stops the program.
func TestServerThatStops(t *testing.T) {
	for name, server := range map[string]*servers.Server{"mysql": servers.MariaDB(t), "postgres": servers.Postgres(t)} {
		for _, stopped := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := server.Database(t)
				gate := servers.NewGate(t, server.Address)
				tls := map[string]string{"mysql": "?tls=false", "postgres": "?sslmode=disable"}[name]
				config := database.Config{Driver: name, Plaintext: true, AnswerWithin: 2 * time.Second, DSN: name + "://" +
					url.UserPassword(server.User, server.Password).String() + "@" + gate.Address + "/" + db.Name + tls}
				require.NoError(t, tables.Create(t.Context(), config))
				if stopped {
					config.AnswerWithin = time.Hour
				}
				program, stop := context.WithCancel(t.Context())
				defer stop()
				d, err := database.Open(program, config)
				require.NoError(t, err)
				defer func() { _ = d.Close() }()
				tx, err := d.Begin(program, false)
				require.NoError(t, err)
				reader, err := d.Begin(program, true)
				require.NoError(t, err)
				gate.Shut()
				if stopped {
					stop()
				}
				err = tx.Commit()
				require.ErrorIs(t, err, database.ErrUnreachable)
				tx.End()
				var version string
				err = reader.Row(program, "SELECT value FROM meta WHERE name = 'schema'").Scan(&version)
				require.Error(t, err)
				reader.End()
				if !stopped {
					_, err = d.Begin(program, false)
					require.ErrorContains(t, err, "no answer from the server for ")
					require.ErrorContains(t, err, "answer_within of registry")
					gate.Open()
					again, err := d.Begin(program, false)
					require.NoError(t, err, "once the server answers again")
					require.NoError(t, again.Commit())
					again.End()
				}
			})
		}
	}
}
