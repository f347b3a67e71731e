package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/retention"
)

// disarm are the statements by which the database's superuser gets what protects the log out of the way.
var disarm = map[string][]string{
	"sqlite": {`PRAGMA foreign_keys = off`, `DROP TRIGGER event_no_update`, `DROP TRIGGER event_no_delete`,
		`DROP TRIGGER event_payload_no_update`},
	"postgres": {`SET session_replication_role = replica`},
	"mysql": {`SET foreign_key_checks = 0`, `DROP TRIGGER event_no_update`, `DROP TRIGGER event_no_delete`,
		`DROP TRIGGER event_payload_no_update`},
}

// literal are the engines' forms of some blobs.
var literal = map[string]*strings.Replacer{
	"sqlite":   strings.NewReplacer(),
	"postgres": strings.NewReplacer("zeroblob(32)", `decode(repeat('00', 32), 'hex')`, "x'01'", `'\x01'::bytea`),
	"mysql":    strings.NewReplacer("zeroblob(32)", `repeat(x'00', 32)`),
}

// superuser runs statements past all that protects the log.
func (f *fixture) superuser(statements ...string) {
	f.t.Helper()
	db := f.raw()
	db.SetMaxOpenConns(1)
	for _, s := range append(slices.Clone(disarm[f.r.store.Name]), statements...) {
		_, err := db.Exec(literal[f.r.store.Name].Replace(s))
		require.NoError(f.t, err, s)
	}
}

func TestAppendOnly(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.fill("newsletter", 3)
		db := f.raw()
		for _, statement := range []string{
			`UPDATE event SET purpose = 'x' WHERE seq = 2`,
			`DELETE FROM event WHERE seq = 2`,
			`UPDATE event_payload SET collection = 1 WHERE seq = 2`,
			`INSERT INTO event SELECT silo, 9, 'given', '', purpose_version, basis, occurred_at, zone, effective_from,
				effective_until, recorded_at, method, source, x'01', notice, commitment, hash FROM event WHERE seq = 1`,
			`INSERT INTO subject_alias VALUES (4711, zeroblob(32), 1, 'email', 1)`,
			`TRUNCATE TABLE event`,
		} {
			_, err := db.Exec(literal[f.r.store.Name].Replace(statement))
			require.Error(t, err, statement)
		}
		require.NoError(t, f.r.Verify(t.Context(), "newsletter", chain.Head{}))
	})
}

func TestVerifyFindsTheEdit(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		tests := []struct {
			name string
			edit string
			seq  int64
		}{
			{"an event's purpose", `UPDATE event SET purpose = 'profiling' WHERE seq = 3`, 3},
			{"an event's time", `UPDATE event SET effective_from = effective_from + 1 WHERE seq = 4`, 4},
			{"the first event", `UPDATE event SET notice = 'n4' WHERE seq = 1`, 1},
			{"a hash alone", `UPDATE event SET hash = zeroblob(32) WHERE seq = 2`, 2},
			{"an event in the middle removed", `DELETE FROM event WHERE seq = 3`, 3},
			{"the last event removed", `DELETE FROM event WHERE seq = 5`, 5},
			{"a payload moved to another person", `UPDATE event_payload SET collection = 1 WHERE seq = 5`, 5},
			{"a minor made of age", `UPDATE event_payload SET flags = 1 WHERE seq = 2`, 2},
			{"a proof exchanged", `UPDATE event_payload SET evidence = zeroblob(32) WHERE seq = 4`, 4},
			{"a payload that nobody purged", `DELETE FROM event_payload WHERE seq = 3`, 3},
			{"the head", `UPDATE silo SET head_hash = zeroblob(32)`, 6},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				f := newFixture(t)
				f.fill("newsletter", 5)
				f.fill("customers", 5)
				f.superuser(test.edit + and(test.edit))
				err := f.r.Verify(t.Context(), "newsletter", chain.Head{})
				require.ErrorIs(t, err, chain.ErrTampered)
				var tampered *chain.TamperedError
				require.ErrorAs(t, err, &tampered)
				require.Equal(t, test.seq, tampered.Seq)
				require.Equal(t, "newsletter", tampered.Silo)
				require.NoError(t, f.r.Verify(t.Context(), "customers", chain.Head{}), "the other silo is sound")
			})
		}
	})
}

// and confines an edit to the first silo.
func and(edit string) string {
	for i := len(edit) - 6; i > 0; i-- {
		if edit[i:i+5] == "WHERE" {
			return " AND silo = 1"
		}
	}
	return " WHERE silo = 1"
}

func TestVerifyAgainstAnEarlierHead(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.fill("newsletter", 5)
		heads, err := f.r.Heads(t.Context())
		require.NoError(t, err)
		since := heads[0]
		require.EqualValues(t, 5, since.Count)
		f.importCSV("newsletter", header1+"x@example.org,given,newsletter,2026-01-10,,n3,p\n")
		require.NoError(t, f.r.Verify(t.Context(), "newsletter", since))

		t.Run("a tail cut with its head", func(t *testing.T) {
			f := newFixture(t)
			f.fill("newsletter", 5)
			f.superuser(`DELETE FROM event_payload WHERE seq > 3`, `DELETE FROM event WHERE seq > 3`,
				`UPDATE silo SET head_seq = 3, head_hash = (SELECT hash FROM event WHERE seq = 3)`)
			err := f.r.Verify(t.Context(), "newsletter", chain.Head{})
			var tampered *chain.TamperedError
			require.ErrorAs(t, err, &tampered)
			require.Equal(t, "silo", tampered.Table, "the chain alone could not see it; the head is sealed")
		})
		require.NoError(t, f.r.VerifySince(t.Context(), "newsletter", since))
		require.NoError(t, f.r.VerifySince(t.Context(), "newsletter", chain.Head{}))
		for name, c := range map[string]struct {
			edits []string
			tail  int64 // the event at which the look at what came after the head ends; 0 it finds nothing
		}{
			"after the head": {[]string{`UPDATE event SET purpose = 'other' WHERE seq = 6`}, 6},
			"the head":       {[]string{`UPDATE event SET hash = commitment WHERE seq = 5`}, 5},
			"a cut tail": {[]string{`DELETE FROM event_payload WHERE seq > 3`, `DELETE FROM event WHERE seq > 3`,
				`UPDATE silo SET head_seq = 3, head_hash = (SELECT hash FROM event WHERE seq = 3)`}, 4},
			"before the head": {[]string{`UPDATE event SET purpose = 'other' WHERE seq = 2`}, 0},
		} {
			t.Run("after the head only: "+name, func(t *testing.T) {
				f := newFixture(t)
				f.fill("newsletter", 5)
				heads, err := f.r.Heads(t.Context())
				require.NoError(t, err)
				f.importCSV("newsletter", header1+"x@example.org,given,newsletter,2026-01-10,,n3,p\n")
				f.superuser(c.edits...)
				require.ErrorIs(t, f.r.Verify(t.Context(), "newsletter", heads[0]), chain.ErrTampered)
				err = f.r.VerifySince(t.Context(), "newsletter", heads[0])
				if c.tail == 0 {
					require.NoError(t, err)
					return
				}
				var tampered *chain.TamperedError
				require.ErrorAs(t, err, &tampered)
				require.Equal(t, c.tail, tampered.Seq)
			})
		}
		t.Run("a chain written anew", func(t *testing.T) {
			other := newFixture(t)
			other.fill("newsletter", 6)
			err := other.r.Verify(t.Context(), "newsletter", since)
			var tampered *chain.TamperedError
			require.ErrorAs(t, err, &tampered)
			require.EqualValues(t, 5, tampered.Seq)
		})
		t.Run("a silo that is gone", func(t *testing.T) {
			since := since
			require.ErrorIs(t, f.r.Verify(t.Context(), "customers", since), chain.ErrTampered)
			require.NoError(t, f.r.Verify(t.Context(), "customers", chain.Head{}))
		})
	})
}

// blobColumns are the columns of the schema that hold references, hashes and salts. What does not name a
// silo's person may be the same in two: the types of events, the purposes.
var blobColumns = []string{"head_hash", "alias_ref", "idem", "commitment", "hash", "refs", "content", "salt",
	"evidence", "evidence_salt", "record_ref", "subject_ref"}

// sharedTexts are the words of eight letters and more that say what happened and not to whom; instantRE is
// the instant in an event's details.
var sharedTexts = []string{string(event.Withdrawn), string(event.RequestOpened), cases.RequestPortability,
	identifier.Collection, "X_NO_MATCH", "people"}

var instantRE = regexp.MustCompile(`^\{"since":\d+\}$`)

// siloTables are all tables whose rows hang on a silo, by the schema: a new one is in the test from its
// first day.
func siloTables(t *testing.T) (list []string) {
	made := 0
	for _, statement := range tables.Schema {
		if strings.HasPrefix(statement, "CREATE TABLE ") {
			made++
		}
		if m := regexp.MustCompile(`^CREATE TABLE (\w+) \(\s*silo `).FindStringSubmatch(statement); m != nil {
			list = append(list, m[1])
		}
	}
	require.Len(t, list, made-1, "all but meta")
	return list
}

// TestSilosShareNothing records one person in two silos, with the same event ids and the same collection
// id, and compares all that is stored.
func TestSilosShareNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		const same = "email,phone,collection,id,type,purpose,occurred_at,notice,evidence\n" +
			"ada@lago-blu.example,+393331234567,4711,ev-1,given,%s,2026-01-10T10:00:00Z,n-%s,the same form\n" +
			"ada@lago-blu.example,+393331234567,4711,ev-2,withdrawn,%s,2026-02-10T10:00:00Z,,\n"
		for _, silo := range []string{"newsletter", "contact"} {
			require.Equal(t, 2, f.importCSV(silo, fmt.Sprintf(same, silo, silo, silo)).Events)
			key := f.key(silo)
			row := key.Record("crm", "people", []byte("42"))
			f.link(silo, row, 1)
			require.NoError(t, f.r.SetFlags(t.Context(), silo, []Flag{{FlagKey{row, "X_NO_MATCH"}, noon}}))
			require.NoError(t, f.r.PutTombstones(t.Context(), silo,
				[]Tombstone{{Record: row, Subject: f.ref(silo, identifier.Email, "ada@lago-blu.example")}}))
			_, err := f.r.ExpireDue(t.Context(), silo, noon, retention.ExpiryEnds{silo: twoYears}, nil)
			require.NoError(t, err)
			require.NoError(t, f.r.OpenRequest(t.Context(), silo,
				cases.Request{ID: "request of " + silo, Kind: cases.RequestPortability, Received: noon,
					Due: noon.AddDate(0, 1, 0)}, 1))
		}
		seen := map[string]map[int64]string{} // blob: silo: where
		db := f.raw()
		blobs := 0
		for _, table := range siloTables(t) {
			rows, err := db.Query("SELECT * FROM " + table)
			require.NoError(t, err)
			columns, err := rows.Columns()
			require.NoError(t, err)
			require.Equal(t, "silo", columns[0])
			for rows.Next() {
				values := make([]any, len(columns))
				for i := range values {
					values[i] = &values[i]
				}
				require.NoError(t, rows.Scan(values...))
				silo := values[0].(int64)
				for i, v := range values {
					text := fmt.Sprint(v)
					if b, ok := v.([]byte); ok {
						text = string(b)
					}
					// three letters stand in random bytes sooner or later
					require.NotContains(t, text, "lago-blu", "%s.%s", table, columns[i])
					require.NotContains(t, text, "333123", "%s.%s", table, columns[i])
					_, number := v.(int64) // which stands veiled where it is somebody's, and so is any
					require.False(t, !number && strings.Contains(text, "4711"), "%s.%s", table, columns[i])
					if number || len(text) < 8 || slices.Contains(sharedTexts, text) ||
						instantRE.MatchString(text) {
						continue
					}
					if slices.Contains(blobColumns, columns[i]) {
						blobs++
					}
					if seen[text] == nil {
						seen[text] = map[int64]string{}
					}
					seen[text][silo] = table + "." + columns[i]
				}
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
		}
		require.Greater(t, blobs, 30)
		for _, places := range seen {
			require.Len(t, places, 1, "two silos share a stored value: %v", places)
		}
	})
}
