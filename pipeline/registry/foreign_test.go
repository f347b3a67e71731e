package registry

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// TestForeignTriggers holds that nothing is written, and nothing believed, where something that is not Lethe's stands
// between it and its tables: it could write another date than it is told, which Lethe would then seal.
func TestForeignTriggers(t *testing.T) {
	const body = " BEGIN UPDATE flag SET since = since - 1; END"
	view := "ALTER TABLE legal_hold RENAME TO held | CREATE VIEW legal_hold AS SELECT * FROM held WHERE 1 = 0"
	function := "CREATE FUNCTION older() RETURNS trigger LANGUAGE plpgsql AS " +
		"'BEGIN NEW.since = NEW.since - 1; RETURN NEW; END' | "
	for engine, list := range map[string]map[string]string{
		"sqlite": {
			"older": "CREATE TRIGGER older AFTER INSERT ON flag" + body,
			"lose": "CREATE TRIGGER lose AFTER INSERT ON flag BEGIN " +
				"DELETE FROM flag WHERE record_ref = NEW.record_ref; END",
			"kept": "CREATE TRIGGER kept BEFORE DELETE ON flag BEGIN SELECT RAISE(IGNORE); END",
			"event_no_update": "DROP TRIGGER event_no_update | " +
				"CREATE TRIGGER event_no_update AFTER INSERT ON event" + body,
			"event_payload_no_update": "DROP TRIGGER event_payload_no_update | " +
				"CREATE TRIGGER event_payload_no_update AFTER UPDATE ON event_payload" + body,
			"legal_hold": view,
		},
		"postgres": {
			"older": function + "CREATE TRIGGER older BEFORE INSERT ON flag FOR EACH ROW " +
				"EXECUTE FUNCTION older()",
			"event_append_only": function + "DROP TRIGGER event_append_only ON event | " +
				"CREATE TRIGGER event_append_only BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION older()",
			"deaf":    "CREATE RULE deaf AS ON UPDATE TO silo DO INSTEAD NOTHING",
			"_RETURN": view,
		},
		"mysql": {
			"older": "CREATE TRIGGER older BEFORE INSERT ON flag FOR EACH ROW " +
				"SET NEW.since = NEW.since - 1",
			"event_no_update": "DROP TRIGGER event_no_update | " +
				"CREATE TRIGGER event_no_update BEFORE INSERT ON event FOR EACH ROW SET NEW.zone = 'x'",
			"legal_hold": view,
		},
	} {
		onEngines(t, func(t *testing.T, newFixture newFixture) {
			if !strings.HasSuffix(t.Name(), engine) {
				return
			}
			for name, statements := range list {
				f := furnished(t, newFixture)
				require.NoError(t, seal.Undisturbed(t.Context(), f.r.store.Handle), "one as it was made")
				for statement := range strings.SplitSeq(statements, " | ") {
					_, err := f.raw().Exec(statement)
					require.NoError(t, err, statement)
				}
				record := f.key("crm").Record("crm", "people", []byte("8"))
				err := f.r.SetFlags(t.Context(), "crm", []Flag{{FlagKey{record, "R"}, noon}})
				require.ErrorIs(t, err, chain.ErrTampered, name)
				c := f.config
				c.Keys = f.keys
				_, err = Open(t.Context(), c)
				require.ErrorIs(t, err, chain.ErrTampered, name)
				require.ErrorContains(t, err, "registry, "+name+": a trigger, rule or view that is not Lethe's")
			}
		})
	}
}

// TestNothingIsSealedThatNobodyWrote changes a flag, and a tombstone, between the moment that they are written and the
// one in which it is looked what stands there.
func TestNothingIsSealedThatNobodyWrote(t *testing.T) {
	f := furnished(t, newSQLite)
	record := f.key("crm").Record("crm", "people", []byte("8"))
	for table, change := range map[seal.Table]string{seal.Flag: "UPDATE flag SET since = since - 1",
		seal.Tombstone: "UPDATE tombstone SET drop_after = 1"} {
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{FlagKey{record, "R"}, noon}}))
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{{Record: record, DropAfter: noon}}))
		err := f.r.store.Write(t.Context(), "set", func(tx *database.Txn) error {
			w, err := f.r.store.Writer(t.Context(), tx, "crm")
			require.NoError(t, err)
			return w.Silo.Book.Change(t.Context(), tx, table, [][]byte{record[:]}, nil, func() error {
				_, err := tx.Exec(t.Context(), change+" WHERE record_ref = ?", record[:])
				return err
			})
		})
		require.ErrorIs(t, err, chain.ErrTampered)
		require.ErrorContains(t, err, "is not as it was written just now: look for a trigger that is not Lethe's")
	}
}
