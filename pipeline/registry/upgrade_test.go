package registry

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/retention"
)

// formerGuards are the statements that make the guard of event_payload as version 3 had it.
var formerGuards = map[string][]string{
	"sqlite": {`DROP TRIGGER event_payload_no_update`,
		`CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload
			BEGIN SELECT RAISE(ABORT, 'event_payload is never updated'); END`},
	"postgres": {`DROP TRIGGER event_payload_append_only ON event_payload`,
		`CREATE TRIGGER event_payload_append_only BEFORE UPDATE OR TRUNCATE ON event_payload FOR EACH STATEMENT
			EXECUTE FUNCTION append_only()`},
	"mysql": {`DROP TRIGGER event_payload_no_update`,
		`CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload FOR EACH ROW SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'event_payload is never updated'`},
}

// sealedTables are those that have a column seal.
var sealedTables = []string{"silo", "silo_key", "subject_alias", "event_payload", "record_link", "legal_hold",
	"request", "tombstone", "flag", "sync_delivery", "expiry_pass"}

// unsealed makes the fixture's registry one of version 3.
func (f *fixture) unsealed() {
	f.t.Helper()
	db := f.raw()
	db.SetMaxOpenConns(1)
	statements := formerGuards[f.r.store.Name]
	// SQLite keeps a column that a trigger names
	first, then := statements[:1], statements[1:]
	for _, s := range first {
		_, err := db.Exec(s)
		require.NoError(f.t, err, s)
	}
	for _, table := range sealedTables {
		_, err := db.Exec(`ALTER TABLE ` + table + ` DROP COLUMN seal`)
		require.NoError(f.t, err, table)
	}
	for _, s := range append(then, `UPDATE meta SET value = '3' WHERE name = 'schema'`) {
		_, err := db.Exec(s)
		require.NoError(f.t, err, s)
	}
}

// furnished is a registry with a row in every table of two silos.
func furnished(t *testing.T, newFixture newFixture) *fixture {
	f := newFixture(t)
	f.now = day("2026-11-05")
	for _, silo := range []string{"crm", "shop"} {
		f.importCSV(silo, header1+"a@example.org,given,news,2026-01-10,,n,p\nb@example.org,given,news,2024-01-10,,n,p\n"+
			"c@example.org,given,news,2026-01-11,2026-09-01,n,p\n")
		require.NoError(t, f.r.PlaceHold(t.Context(), silo, cases.Hold{ID: "case7", CaseRef: "7/2026",
			PlacedBy: "anna"}, 1))
		require.NoError(t, f.r.ApproveHold(t.Context(), silo, "case7", "bo"))
		require.NoError(t, f.r.OpenRequest(t.Context(), silo,
			cases.Request{ID: "r1", Kind: cases.RequestAccess, Received: day("2026-11-01"), Due: day("2026-12-02")}, 1))
		require.NoError(t, f.r.OpenRequest(t.Context(), silo,
			cases.Request{ID: "r2", Kind: cases.RequestRectification, Received: day("2026-11-01"),
				Due: day("2026-12-02")}, 2))
		require.NoError(t, f.r.CloseRequest(t.Context(), silo, "r2", cases.OutcomeCompleted, ""))
		key := f.key(silo)
		record := key.Record("crm", "people", []byte("1"))
		require.NoError(t, f.r.SetFlags(t.Context(), silo, []Flag{{FlagKey{record, "BLOCKED"}, noon},
			{FlagKey{key.Record("crm", "people", []byte("2")), "BLOCKED"}, noon}}))
		f.link(silo, record, 1)
		require.NoError(t, f.r.PutTombstones(t.Context(), silo, []Tombstone{{Record: record,
			Subject: f.ref(silo, identifier.Email, "a@example.org"), System: "crm", Object: "people", Action: "delete",
			ErasedAt: noon, DropAfter: noon}}))
		require.NoError(t, f.r.PutDelivery(t.Context(), silo, Delivery{Target: "crm", Object: "crm.people", SentSeq: 3,
			AckedSeq: 3, SentAt: noon}))
		_, err := f.r.ExpireDue(t.Context(), silo, f.now, retention.ExpiryEnds{"news": twoYears})
		require.NoError(t, err)
		require.NoError(t, f.r.VerifyRows(t.Context(), silo, f.key(silo)))
	}
	return f
}

func TestUpgrade(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := furnished(t, newFixture)
		_, err := f.keys.RotateSilo("crm")
		require.NoError(t, err)
		_, err = f.r.Rotate(t.Context(), f.key("crm"))
		require.NoError(t, err)
		key := f.key("crm")
		heads, err := f.r.Heads(t.Context())
		require.NoError(t, err)
		seen := map[string]chain.Head{}
		for _, h := range heads {
			seen[h.Silo] = h
		}
		config := f.config
		config.Keys = f.keys
		done, err := Upgrade(t.Context(), config, seen)
		require.NoError(t, err)
		require.Equal(t, Upgraded{Current: true}, done)

		f.unsealed()
		_, err = Open(t.Context(), config)
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorContains(t, err, "`lethe registry upgrade` moves it over")
		done, err = Upgrade(t.Context(), config, seen)
		require.NoError(t, err)
		require.Equal(t, Upgraded{Silos: []string{"crm", "shop"}}, done)
		f.r = f.open(Config{})
		for _, silo := range []string{"crm", "shop"} {
			require.NoError(t, f.r.Verify(t.Context(), silo, seen[silo]))
			require.NoError(t, f.r.VerifyRows(t.Context(), silo, f.key(silo)))
		}
		f.importCSV("crm", header1+"d@example.org,given,news,2026-03-10,,n,p\n")
		require.NoError(t, f.r.VerifyRows(t.Context(), "crm", key))
		for _, statement := range []string{`UPDATE event_payload SET collection = 1 WHERE seq = 2`,
			`UPDATE event SET purpose = 'x' WHERE seq = 2`} {
			_, err := f.raw().Exec(statement)
			require.Error(t, err, statement)
		}
	})
}

// TestUpgradeRefuses moves nothing over that does not hold, and leaves it as it was.
func TestUpgradeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ edit, what string }{
		"somebody else's identifier": {`UPDATE subject_alias SET collection = 2 WHERE collection = 1`,
			"subject_alias is not what the events say"},
		"an identifier removed": {`DELETE FROM subject_alias WHERE collection = 1`,
			"subject_alias is not what the events say"},
		"a hold released": {`UPDATE legal_hold SET released_by = 'eve', release_approved_by = 'bo', released_at = 1`,
			"the row of hold case7 is not"},
		"a hold approved":         {`UPDATE legal_hold SET approved_by = 'eve'`, "the row of hold case7 is not"},
		"a hold of somebody else": {`UPDATE legal_hold SET placed_by = 'eve'`, "the row of hold case7 is not"},
		"a hold removed":          {`DELETE FROM legal_hold`, "the row of hold case7 is gone"},
		"a later deadline":        {`UPDATE request SET due_at = due_at + 86400000000`, "the row of request r1 is not"},
		"a pause":                 {`UPDATE request SET paused_at = 1`, "the row of request r1 is not"},
		"a request closed": {`UPDATE request SET closed_at = 1, outcome = 'completed' WHERE request = 'r1'`,
			"the row of request r1 is not"},
		"another kind": {`UPDATE request SET kind = 'erasure' WHERE request = 'r1'`,
			"the row of request r1 is not"},
		"a request removed": {`DELETE FROM request WHERE request = 'r1'`, "the row of request r1 is gone"},
		"a silo removed":    {`UPDATE meta SET value = value`, "the silo is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			embedded(t, name == "a hold removed", func(t *testing.T, newFixture newFixture) {
				f := furnished(t, newFixture)
				config := f.config
				config.Keys = f.keys
				f.unsealed()
				_, err := f.raw().Exec(c.edit)
				require.NoError(t, err)
				_, err = Upgrade(t.Context(), config, map[string]chain.Head{"forms": {Silo: "forms", Seq: 3}})
				require.ErrorIs(t, err, chain.ErrTampered)
				require.ErrorContains(t, err, c.what)
				_, err = f.raw().Exec(`SELECT seal FROM silo`)
				require.Error(t, err, "nothing was changed")
				_, err = Open(t.Context(), config)
				require.ErrorIs(t, err, ErrSchema)
			})
		})
	}
}
