package registry

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/hashed"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/seal"
)

// formerIndexes are those of before anything was veiled.
var formerIndexes = []string{`CREATE INDEX event_until ON event (silo, effective_until)`,
	`CREATE INDEX event_consent ON event (silo, purpose, effective_from)`,
	`CREATE INDEX event_payload_collection ON event_payload (silo, collection, seq)`,
	`CREATE INDEX tombstone_drop ON tombstone (silo, drop_after)`}

// sealedTables are those that have a column seal.
var sealedTables = []string{"silo", "silo_key", "subject_alias", "event_payload", "record_link", "legal_hold",
	"request", "tombstone", "flag", "sync_delivery", "expiry_pass"}

// former makes the fixture's registry one of version 3, or of version 4, which had seals, and returns its heads.
func (f *fixture) former(version string) map[string]chain.Head {
	f.t.Helper()
	require.NoError(f.t, f.r.store.Guard(f.t.Context(), false))
	heads := map[string]chain.Head{}
	require.NoError(f.t, f.r.store.Write(f.t.Context(), "unveil", func(tx *database.Txn) error {
		for _, silo := range []string{"crm", "shop"} {
			s, err := f.r.store.FindSilo(f.t.Context(), tx.Handle, silo)
			require.NoError(f.t, err)
			var statements [][]any
			s.Hash, statements = f.unveiled(tx, s)
			// the box is closed with what stands in the row
			sealer, err := f.r.store.Sealer(&s)
			require.NoError(f.t, err)
			require.NoError(f.t, s.Book.Renew(f.t.Context(), tx, sealer.Former()))
			require.NoError(f.t, f.r.store.Save(f.t.Context(), tx, &s))
			for _, st := range slices.Concat(statements, f.unveiledBeside(tx, s), f.undated(tx, s)) {
				_, err := tx.Exec(f.t.Context(), st[0].(string), st[1:]...)
				require.NoError(f.t, err)
			}
			heads[silo] = s.Head
		}
		return nil
	}))
	f.formerly(version)
	return heads
}

// undated are the statements that write when the holds and requests of a silo were as it was before.
func (f *fixture) undated(tx *database.Txn, s chain.Silo) (statements [][]any) {
	for t, table := range map[seal.Table]string{seal.Hold: "legal_hold", seal.Request: "request"} {
		require.NoError(f.t, s.Book.Each(f.t.Context(), tx, t, func(row database.Row) error {
			name := string(row.ColumnRawText(0))
			for i, column := range seal.Placed(t) {
				statements = append(statements, []any{`UPDATE ` + table + ` SET ` + column + ` = ? WHERE silo = ? AND ` +
					map[string]string{"legal_hold": "hold", "request": "request"}[table] + ` = ?`, row.ColumnInt64(i), s.ID, name})
			}
			return nil
		}))
	}
	return statements
}

// dated makes the fixture's registry one of version 5, or of what an upgrade to that left, and returns its heads.
func (f *fixture) dated(version string) map[string]chain.Head {
	f.t.Helper()
	heads := map[string]chain.Head{}
	require.NoError(f.t, f.r.store.Write(f.t.Context(), "show when", func(tx *database.Txn) error {
		for _, silo := range []string{"crm", "shop"} {
			s, err := f.r.store.FindSilo(f.t.Context(), tx.Handle, silo)
			require.NoError(f.t, err)
			heads[silo] = s.Head
			for _, st := range f.undated(tx, s) {
				_, err := tx.Exec(f.t.Context(), st[0].(string), st[1:]...)
				require.NoError(f.t, err)
			}
		}
		return nil
	}))
	statements := []string{`UPDATE meta SET value = '` + version + `' WHERE name = 'schema'`}
	if version != "5" {
		require.NoError(f.t, f.r.store.Guard(f.t.Context(), false))
		drop := `DROP INDEX event_payload_block`
		if f.r.store.Name == "mysql" {
			drop += ` ON event_payload`
		}
		statements = append(statements, drop)
	}
	for _, st := range statements {
		_, err := f.raw().Exec(st)
		require.NoError(f.t, err, st)
	}
	return heads
}

// formerly makes the tables of the fixture's registry those of version 3 or 4.
func (f *fixture) formerly(version string) {
	f.t.Helper()
	require.NoError(f.t, f.r.store.Guard(f.t.Context(), false))
	db := f.raw()
	db.SetMaxOpenConns(1)
	statements := append([]string{}, formerIndexes...)
	drop := `DROP INDEX event_payload_block`
	if f.r.store.Name == "mysql" {
		drop += ` ON event_payload`
	}
	statements = append(statements, drop, `ALTER TABLE event_payload DROP COLUMN block`)
	if version == "3" {
		for _, table := range sealedTables {
			statements = append(statements, `ALTER TABLE `+table+` DROP COLUMN seal`)
		}
	}
	if f.r.store.Name == "sqlite" {
		statements = append(statements, `CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload
			BEGIN SELECT RAISE(ABORT, 'event_payload is never updated'); END`, `CREATE TRIGGER event_no_update BEFORE UPDATE
			ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END`)
	}
	for _, s := range append(statements, `UPDATE meta SET value = '`+version+`' WHERE name = 'schema'`) {
		_, err := db.Exec(s)
		require.NoError(f.t, err, s)
	}
}

// unveiledBeside are the statements that write the rows beside the chain of a silo as they were before.
func (f *fixture) unveiledBeside(tx *database.Txn, s chain.Silo) (statements [][]any) {
	for table, columns := range map[string][2]string{"subject_alias": {"alias_ref", "collection"},
		"record_link": {"record_ref", "collection"}, "flag": {"record_ref", "since"},
		"tombstone": {"record_ref", "erased_at"}} {
		second := columns[1]
		if table == "tombstone" {
			second = "drop_after"
		}
		require.NoError(f.t, tx.Each(f.t.Context(), `SELECT `+columns[0]+`, `+columns[1]+`, `+second+`, seal FROM `+table+
			` WHERE silo = ?`, func(row database.Row) error {
			tag := keystore.Tag(row.ColumnRawBlob(3))
			mask := s.Book.Veil().Beside(tag)
			set, args := columns[1]+` = ?`, []any{row.ColumnInt64(1) ^ mask[0]}
			if table == "tombstone" {
				set, args = set+`, drop_after = ?`, append(args, row.ColumnInt64(2)^mask[1])
			}
			statements = append(statements, append([]any{`UPDATE ` + table + ` SET ` + set + ` WHERE seal = ?`},
				append(args, tag[:])...))
			return nil
		}, s.ID))
	}
	return statements
}

// unveiled are the statements that write the events of a silo as they were before, and the end of their chain.
func (f *fixture) unveiled(tx *database.Txn, s chain.Silo) (last [32]byte, statements [][]any) {
	ctx := f.t.Context()
	veil := s.Book.Veil()
	last = hashed.Genesis(s.Silo)
	require.NoError(f.t, tx.Each(ctx, tables.WholeEvents+"1000", func(row database.Row) error {
		h := hashed.HeaderOf(row, func(_ int, text []byte) string { return string(text) })
		veil.Times(h.Seq, &h.Occurred, &h.Recorded)
		veil.Terms(h.Seq, &h.From, &h.Until)
		h.Idem = veil.Named(h.Idem)
		if !row.Null(tables.FromPayloadColumn) {
			p := hashed.PayloadOf(row)
			p.Refs = bytes.Clone(p.Refs)
			salt := bytes.Clone(row.ColumnRawBlob(24))
			veil.Proof(h.Seq, salt)
			// what is of the whole silo stands in the clear
			if !slices.Contains([]event.Type{event.PayloadPurged, event.Rekeyed, event.Rechained}, event.Type(h.Type)) {
				p.Collection = veil.Whose(h.Seq, p.Collection)
				p.Details = string(veil.Unveiled(nil, h.Seq, []byte(p.Details)))
				veil.Refs(h.Seq, p.Refs)
				p.Content = veil.Named(p.Content)
			}
			h.Commitment, _ = p.Commit(nil)
			null := func(b []byte) any {
				if len(b) == 0 {
					return nil
				}
				return b
			}
			statements = append(statements, []any{`UPDATE event_payload SET collection = ?, details = ?, refs = ?,
				content = ?, evidence_salt = ? WHERE silo = ? AND seq = ?`, p.Collection, p.Details, null(p.Refs),
				bytes.Clone(p.Content[:]), null(salt), s.ID, h.Seq})
		}
		last, _ = h.Hash(s.Silo, last, nil)
		statements = append(statements, []any{`UPDATE event SET occurred_at = ?, effective_from = ?, effective_until = ?,
			recorded_at = ?, idem = ?, commitment = ?, hash = ? WHERE silo = ? AND seq = ?`, h.Occurred, h.From, h.Until,
			h.Recorded, bytes.Clone(h.Idem[:]), bytes.Clone(h.Commitment[:]), bytes.Clone(last[:]), s.ID, h.Seq})
		return nil
	}, s.ID, 0))
	return last, statements
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
		_, err := f.r.ExpireDue(t.Context(), silo, f.now, retention.ExpiryEnds{"news": twoYears}, nil)
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
		config := f.config
		config.Keys = f.keys
		done, err := Upgrade(t.Context(), config, nil)
		require.NoError(t, err)
		require.Equal(t, Upgraded{Current: true}, done)
		state := f.state("crm") + f.state("shop")
		for _, version := range []string{"5", "4, veiled", "4", "3"} {
			make := f.former
			if version == "5" || version == "4, veiled" {
				make = f.dated
			}
			require.Empty(t, f.clear())
			seen := make(version)
			require.Len(t, f.clear(), 12, "of two silos the days of a hold and two requests, and the end of one")
			_, err = Open(t.Context(), config)
			require.ErrorIs(t, err, ErrSchema)
			require.ErrorContains(t, err, "`lethe registry upgrade` moves it over")
			done, err = Upgrade(t.Context(), config, seen)
			require.NoError(t, err)
			require.Equal(t, Upgraded{Silos: []string{"crm", "shop"}}, done)
			f.r = f.open(Config{})
			for _, silo := range []string{"crm", "shop"} {
				night := seen[silo]
				night.Writes = 0 // a build of then counted none
				seen[silo] = night
				require.NoError(t, f.r.Verify(t.Context(), silo, seen[silo]), "the head that a night saw before it")
				require.NoError(t, f.r.VerifySince(t.Context(), silo, seen[silo]))
				require.NoError(t, f.r.VerifyRows(t.Context(), silo, f.key(silo)))
				other := seen[silo]
				other.Hash[0]++
				require.ErrorIs(t, f.r.Verify(t.Context(), silo, other), chain.ErrTampered)
				require.ErrorIs(t, f.r.VerifySince(t.Context(), silo, other), chain.ErrTampered)
			}
			require.Equal(t, state, f.state("crm")+f.state("shop"))
			done, err = Upgrade(t.Context(), config, seen)
			require.NoError(t, err)
			require.Equal(t, Upgraded{Current: true}, done)
			require.NoError(t, f.r.store.Guard(t.Context(), false)) // as one that is cut off at its end leaves it
			_, err = f.raw().Exec(`UPDATE meta SET value = '6, unguarded' WHERE name = 'schema'`)
			require.NoError(t, err)
			_, err = Upgrade(t.Context(), config, seen)
			require.NoError(t, err)
			require.Equal(t, state, f.state("crm")+f.state("shop"))
		}
		again := f.importCSV("crm", header1+"a@example.org,given,news,2026-01-10,,n,p\n")
		require.Equal(t, 1, again.Duplicates, "what was delivered before the upgrade is recognised")
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
				f.former("3")
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

// state is all that the registry says of the people of a silo.
func (f *fixture) state(silo string) string {
	f.t.Helper()
	text := ""
	for _, who := range []string{"a@example.org", "b@example.org", "c@example.org"} {
		list, err := f.r.Person(f.t.Context(), f.key(silo), event.Subject{Kind: identifier.Email, Value: who}, "IT", f.now,
			nil)
		require.NoError(f.t, err)
		require.NotEmpty(f.t, list)
		text += fmt.Sprintf("%+v\n", list)
	}
	flags, err := f.r.Flags(f.t.Context(), silo)
	require.NoError(f.t, err)
	stones, err := f.r.Tombstones(f.t.Context(), silo)
	require.NoError(f.t, err)
	holds, err := f.r.Holds(f.t.Context(), silo)
	require.NoError(f.t, err)
	requests, err := f.r.Requests(f.t.Context(), silo)
	require.NoError(f.t, err)
	return text + fmt.Sprintf("%v %v %v %v", flags, stones.All(), holds, requests)
}

// clear are the instants, from 2001 on, that stand in the clear in the rows of holds and requests.
func (f *fixture) clear() (found []int64) {
	f.t.Helper()
	for t, table := range map[seal.Table]string{seal.Hold: "legal_hold", seal.Request: "request"} {
		for _, column := range seal.Placed(t) {
			rows, err := f.raw().Query(`SELECT ` + column + ` FROM ` + table)
			require.NoError(f.t, err)
			for rows.Next() {
				var n int64
				require.NoError(f.t, rows.Scan(&n))
				if n > 1e15 && n < 2e15 {
					found = append(found, n)
				}
			}
			require.NoError(f.t, rows.Close())
		}
	}
	return found
}

// TestUpgradeLooksAtSeals moves nothing over whose seals do not hold.
func TestUpgradeLooksAtSeals(t *testing.T) {
	for edit, what := range map[string]string{
		`UPDATE flag SET since = since - 86400000000`:                              "table flag: the row record_ref ",
		`UPDATE tombstone SET action = 'anonymize'`:                                "table tombstone: the row",
		`DELETE FROM record_link`:                                                  "table record_link: 1 of its rows are gone",
		`UPDATE subject_alias SET collection = 2`:                                  "table subject_alias",
		`UPDATE silo SET collections = collections + 1`:                            "table silo",
		`UPDATE silo SET seal = NULL`:                                              "table silo",
		`UPDATE meta SET value = '6' WHERE value = '4'`:                            "event 1",
		`UPDATE meta SET value = '5' WHERE value = '4'`:                            "table subject_alias",
		`UPDATE meta SET value = '3' WHERE value = '4'; UPDATE flag SET since = 0`: "table flag: the row record_ref ",
	} {
		t.Run(edit, func(t *testing.T) {
			f := furnished(t, newSQLite)
			seen := f.former("4")
			config := f.config
			config.Keys = f.keys
			for statement := range strings.SplitSeq(edit, "; ") {
				_, err := f.raw().Exec(statement)
				require.NoError(t, err)
			}
			var err error
			if strings.Contains(edit, "'6'") { // it says that it is of this version, and is not
				_, err = Open(t.Context(), config)
				require.ErrorIs(t, err, chain.ErrTampered)
				return
			}
			_, err = Upgrade(t.Context(), config, seen)
			require.ErrorIs(t, err, chain.ErrTampered)
			require.ErrorContains(t, err, what)
		})
	}
	f := furnished(t, newSQLite)
	config := f.config
	config.Keys = f.keys
	for _, version := range []string{"3", "4", "5"} { // a registry of this version that says it is of one before
		_, err := f.raw().Exec(`UPDATE meta SET value = '` + version + `' WHERE name = 'schema'`)
		require.NoError(t, err)
		_, err = Upgrade(t.Context(), config, nil)
		require.ErrorIs(t, err, chain.ErrTampered)
	}
}

// TestUpgradeOfAnEndedSilo takes away when holds and requests were of a silo whose key is gone: nobody can veil it.
func TestUpgradeOfAnEndedSilo(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := furnished(t, newFixture)
		require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r1", cases.OutcomeCompleted, ""))
		require.NoError(t, f.r.ReleaseHold(t.Context(), "crm", "case7", "anna", "bo"))
		_, err := f.r.Retire(t.Context(), "crm", f.now.AddDate(1, 0, 0))
		require.NoError(t, err)
		seen := f.dated("5")
		evidence, err := f.keys.Destroy("silo/crm", noon, "a witness", "another")
		require.NoError(t, err)
		require.NoError(t, f.r.DestroyedKey(t.Context(), "crm", 1, noon, evidence.Digest()))
		require.Len(t, f.clear(), 14)
		config := f.config
		config.Keys = f.keys
		_, err = Upgrade(t.Context(), config, seen)
		require.NoError(t, err)
		require.Empty(t, f.clear())
		f.r = f.open(Config{})
		require.NoError(t, f.r.Verify(t.Context(), "crm", seen["crm"]))
		require.NoError(t, f.r.VerifyRows(t.Context(), "crm", nil))
		require.NoError(t, f.r.VerifyRows(t.Context(), "shop", f.key("shop")))
		requests, err := f.r.Requests(t.Context(), "crm")
		require.NoError(t, err)
		require.Len(t, requests, 2)
		for _, q := range requests {
			require.False(t, q.Closed.IsZero(), "that it is over stays")
		}
	})
}
