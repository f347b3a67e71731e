package registry

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
)

// read does what a night does with a silo: each reading by itself finds what it reads to be as it was written.
func (f *fixture) read(silo string) error {
	ctx := f.t.Context()
	for _, read := range []func() error{
		func() error { _, err := f.r.KeyVersions(ctx); return err },
		func() error { return f.r.VerifySince(ctx, silo, chain.Head{}) },
		func() error { _, err := f.r.Standings(ctx, silo, noon, nil); return err },
		func() error { _, err := f.r.Tombstones(ctx, silo); return err },
		func() error { _, err := f.r.Flags(ctx, silo); return err },
		func() error { _, err := f.r.Holds(ctx, silo); return err },
		func() error { _, err := f.r.Requests(ctx, silo); return err },
		func() error { _, err := f.r.Deliveries(ctx, silo); return err },
		func() error {
			_, err := f.r.ExpireDue(ctx, silo, noon, retention.ExpiryEnds{"news": twoYears}, nil)
			return err
		},
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// beside are edits of a superuser, in silo 1, of what stands beside the chain, and in it; and what is said of each.
var beside = map[string]struct{ edit, what string }{
	"somebody else's identifier": {`UPDATE subject_alias SET collection = collection / 2 WHERE silo = 1`,
		"table subject_alias: the row alias_ref "},
	"an identifier removed": {`DELETE FROM subject_alias WHERE silo = 1 AND alias_ref = (SELECT r FROM (SELECT MIN(alias_ref) AS r FROM subject_alias WHERE silo = 1) x)`,
		"table subject_alias: 1 of its rows are gone"},
	"an identifier of the other silo": {`INSERT INTO subject_alias SELECT 1, alias_ref, collection, kind, key_version,
		seal FROM subject_alias WHERE silo = 2`, "table subject_alias: the row alias_ref "},
	"an identifier made up": {`INSERT INTO subject_alias SELECT silo, commitment, 2, 'email', 1, hash FROM event
		WHERE silo = 1 AND seq = 1`, "table subject_alias: the row alias_ref "},
	"a link moved": {`UPDATE record_link SET collection = 2 WHERE silo = 1`,
		"table record_link: the row record_ref "},
	"a link removed": {`DELETE FROM record_link WHERE silo = 1`, "table record_link: 1 of its rows are gone"},
	"a link made an identifier": {`INSERT INTO subject_alias SELECT silo, record_ref, collection, 'email', 1, seal
		FROM record_link WHERE silo = 1`, "table subject_alias: the row alias_ref "},
	"a hold released": {`UPDATE legal_hold SET released_by = 'eve', release_approved_by = 'bo', released_at = 1
		WHERE silo = 1`, "the row hold case7 is not as it was written"},
	"a hold removed": {`DELETE FROM legal_hold WHERE silo = 1`, "table legal_hold: 1 of its rows are gone"},
	"a hold of the other silo": {`UPDATE legal_hold SET seal = (SELECT seal FROM request WHERE silo = 2
		AND request = 'r1') WHERE silo = 1`, "the row hold case7 is not as it was written"},
	"a later deadline": {`UPDATE request SET due_at = due_at + 86400000000 WHERE silo = 1 AND request = 'r1'`,
		"the row request r1 is not as it was written"},
	"a request received earlier": {`UPDATE request SET received_at = received_at / 2 WHERE silo = 1`,
		"the row request r1 is not as it was written"},
	"a request closed earlier": {`UPDATE request SET closed_at = closed_at / 2 WHERE silo = 1 AND request = 'r2'`,
		"the row request r2 is not as it was written"},
	"a hold placed earlier": {`UPDATE legal_hold SET placed_at = placed_at / 2 WHERE silo = 1`,
		"the row hold case7 is not as it was written"},
	"a request removed":       {`DELETE FROM request WHERE silo = 1 AND request = 'r1'`, "table request: 1 of its"},
	"a tombstone's action":    {`UPDATE tombstone SET action = 'anonymize' WHERE silo = 1`, "table tombstone: the row"},
	"a tombstone dropped":     {`DELETE FROM tombstone WHERE silo = 1`, "table tombstone: 1 of its rows are gone"},
	"a tombstone's end":       {`UPDATE tombstone SET drop_after = drop_after / 2 WHERE silo = 1`, "table tombstone: the row"},
	"a flag set back":         {`UPDATE flag SET since = since - 86400000000 WHERE silo = 1`, "table flag: the row record_ref "},
	"a flag dropped":          {`DELETE FROM flag WHERE silo = 1`, "table flag: 2 of its rows are gone"},
	"an expiry pass ahead":    {`UPDATE expiry_pass SET since_through = since_through * 2 WHERE silo = 1`, "table expiry_pass: the row purpose "},
	"an expiry pass removed":  {`DELETE FROM expiry_pass WHERE silo = 1 AND purpose = 'news'`, "table expiry_pass: 1 of"},
	"a delivery acknowledged": {`UPDATE sync_delivery SET acked_seq = 99 WHERE silo = 1`, "table sync_delivery: the row"},
	"a key made older":        {`UPDATE silo_key SET created_at = 1 WHERE silo = 1`, "table silo_key: the row key_version 1"},
	"the number of collections": {`UPDATE silo SET collections = 99 WHERE silo = 1`,
		"table silo: what it says of the silo's head"},
	"the age of the registry": {`UPDATE silo SET heard_at = heard_at + 1 WHERE silo = 1`,
		"table silo: what it says of the silo's head"},
	"the sums taken away": {`UPDATE silo SET seal = NULL WHERE silo = 1`, "table silo: what it says of the silo's head"},
	"the sums of the other silo": {`UPDATE silo SET seal = NULL, head_seq = 0 WHERE silo = 1`,
		"table silo: what it says of the silo's head"},
	"canonical forms of before": {`UPDATE meta SET value = '1' WHERE name = 'identifiers'`,
		"table silo: what it says of the silo's head"},
	"somebody else's place": {`UPDATE subject_alias SET collection = (SELECT c FROM (SELECT MAX(collection) AS c
		FROM subject_alias WHERE silo = 1) x), seal = (SELECT s FROM (SELECT seal AS s FROM subject_alias WHERE silo = 1
		ORDER BY collection DESC LIMIT 1) y) WHERE silo = 1 AND alias_ref = (SELECT r FROM (SELECT MIN(alias_ref) AS r FROM subject_alias WHERE silo = 1) x)
		OR silo = 1 AND alias_ref = (SELECT r FROM (SELECT MAX(alias_ref) AS r FROM subject_alias WHERE silo = 1) z)`,
		"table subject_alias: the row alias_ref "},
	"an event moved to somebody else": {`UPDATE event_payload SET collection = 2 WHERE silo = 1 AND seq = 1`, "event 1: it"},
	"out of sight: an event moved":    {`UPDATE event_payload SET block = 7 WHERE silo = 1 AND seq = 1`, "event 1: it"},
	"nobody's: an event of a person": {`UPDATE event_payload SET block = 0 WHERE silo = 1 AND seq = 1`,
		"event 1: it"},
	"a purpose changed": {`UPDATE event SET purpose = 'other' WHERE silo = 1 AND seq = 1`, "event 1: it"},
	"a payload removed": {`DELETE FROM event_payload WHERE silo = 1 AND seq = 2`, "event 2"},
}

// onServers are those that are tried on every engine: one for each way to read.
var onServers = []string{"somebody else's identifier", "a hold removed", "a flag set back", "the number of collections",
	"an event moved to somebody else"}

// TestRowsBesideTheChain edits as a superuser, and reads as a night does; and then verifies the whole.
func TestRowsBesideTheChain(t *testing.T) {
	for name, c := range beside {
		t.Run(name, func(t *testing.T) {
			embedded(t, slices.Contains(onServers, name), func(t *testing.T, newFixture newFixture) {
				f := furnished(t, newFixture)
				require.NoError(t, f.read("crm"))
				f.superuser(c.edit)
				f.r = f.open(Config{})
				err := f.read("crm")
				require.ErrorIs(t, err, chain.ErrTampered)
				require.ErrorContains(t, err, c.what)
				require.ErrorContains(t, err, "restore the registry from a copy")
				require.Error(t, f.whole("crm"))
				if name != "canonical forms of before" {
					require.NoError(t, f.whole("shop"), "the other silo holds")
				}
			})
		})
	}
}

func (f *fixture) whole(silo string) error {
	if err := f.r.Verify(f.t.Context(), silo, chain.Head{}); err != nil {
		return err
	}
	return f.r.VerifyRows(f.t.Context(), silo, f.key(silo))
}

// TestOldRowsAreNoticed puts single rows back as they were before.
func TestOldRowsAreNoticed(t *testing.T) {
	embedded(t, false, func(t *testing.T, newFixture newFixture) {
		for name, c := range map[string]struct {
			keep, back string
			change     func(f *fixture) error
			what       string
		}{
			"a tombstone that had a later end": {
				`CREATE TABLE kept AS SELECT * FROM tombstone`, `UPDATE tombstone SET drop_after = (SELECT drop_after FROM kept
				WHERE silo = 1), erased_at = (SELECT erased_at FROM kept WHERE silo = 1), seal = (SELECT seal FROM kept WHERE silo = 1) WHERE silo = 1`,
				func(f *fixture) error {
					record := f.key("crm").Record("crm", "people", []byte("1"))
					return f.r.PutTombstones(t.Context(), "crm", []Tombstone{{Record: record,
						Subject: f.ref("crm", identifier.Email, "a@example.org"), System: "crm", Object: "people", Action: "delete",
						ErasedAt: noon, DropAfter: noon.AddDate(1, 0, 0)}})
				}, "rows of it are as they were before",
			},
			"a flag that was dropped": {
				`CREATE TABLE kept AS SELECT * FROM flag`, `INSERT INTO flag SELECT * FROM kept WHERE silo = 1 AND NOT EXISTS
				(SELECT 1 FROM flag f WHERE f.silo = kept.silo AND f.record_ref = kept.record_ref)`,
				func(f *fixture) error {
					return f.r.DropFlags(t.Context(), "crm",
						[]FlagKey{{f.key("crm").Record("crm", "people", []byte("1")), "BLOCKED"}})
				}, "table flag: it has 1 rows that were there before and were removed",
			},
			"a request that was open": {
				`CREATE TABLE kept AS SELECT * FROM request`, `UPDATE request SET closed_at = 0, outcome = '',
				seal = (SELECT k.seal FROM kept k WHERE k.silo = 1 AND k.request = 'r1') WHERE silo = 1 AND request = 'r1'`,
				func(f *fixture) error {
					return f.r.CloseRequest(t.Context(), "crm", "r1", "completed", "")
				}, "table request: rows of it are as they were before",
			},
			"a silo's sums": {
				`CREATE TABLE kept AS SELECT * FROM silo`, `UPDATE silo SET seal = (SELECT k.seal FROM kept k WHERE k.silo = 1),
				recorded_at = (SELECT k.recorded_at FROM kept k WHERE k.silo = 1) WHERE silo = 1`,
				func(f *fixture) error {
					return f.r.SetFlags(t.Context(), "crm", []Flag{{FlagKey{f.key("crm").Record("x", "y", []byte("9")), "R"}, noon}})
				}, "table flag: it has 1 rows that were there before",
			},
		} {
			t.Run(name, func(t *testing.T) {
				f := furnished(t, newFixture)
				f.superuser(c.keep)
				require.NoError(t, c.change(f))
				require.NoError(t, f.read("crm"))
				db := f.raw()
				_, err := db.Exec(c.back)
				require.NoError(t, err)
				err = f.read("crm")
				require.ErrorIs(t, err, chain.ErrTampered)
				require.ErrorContains(t, err, c.what)
			})
		}
	})
}

// TestNothingIsBuiltUponWhatDoesNotHold writes to a registry that somebody edited: each writing ends before it does.
// TestWritesAreCounted: whatever changes a silo, beside its chain too, is one write more, and a registry that has fewer
// than were noted is an older copy.
func TestWritesAreCounted(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		head := func() chain.Head {
			heads, err := f.r.Heads(t.Context())
			require.NoError(t, err)
			require.Len(t, heads, 1)
			return heads[0]
		}
		f.fill("newsletter", 5)
		before := head()
		require.Positive(t, before.Writes)
		flag := Flag{FlagKey{Record: keystore.Ref{1}, Reason: "X_NO_MATCH"}, noon}
		require.NoError(t, f.r.SetFlags(t.Context(), "newsletter", []Flag{flag}))
		flagged := head()
		require.Equal(t, before.Seq, flagged.Seq)
		require.Greater(t, flagged.Writes, before.Writes)
		f.importCSV("newsletter", header1+"x@example.org,given,newsletter,2026-01-10,,n3,p\n")
		told := head()
		require.Greater(t, told.Writes, flagged.Writes)
		require.NoError(t, f.r.Verify(t.Context(), "newsletter", told))

		more := told
		more.Writes++
		for _, verify := range []func(context.Context, string, chain.Head) error{f.r.Verify, f.r.VerifySince} {
			var tampered *chain.TamperedError
			require.ErrorAs(t, verify(t.Context(), "newsletter", more), &tampered)
			require.Contains(t, tampered.What, "an older copy stands in its place")
			require.NoError(t, verify(t.Context(), "newsletter", told))
		}
	})
}

func TestNothingIsBuiltUponWhatDoesNotHold(t *testing.T) {
	embedded(t, false, func(t *testing.T, newFixture newFixture) {
		ann := []event.Subject{{Kind: identifier.Email, Value: "a@example.org"}}
		for name, c := range map[string]struct {
			edit string
			do   func(f *fixture) error
		}{
			"a withdrawal of somebody else": {`UPDATE subject_alias SET collection = collection / 2 WHERE silo = 1`,
				func(f *fixture) error {
					_, err := f.r.Append(t.Context(), f.key("crm"), event.Event{Type: event.Withdrawn, Purpose: "news",
						OccurredAt: noon, Subjects: ann})
					return err
				}},
			"a hold on somebody else": {`UPDATE subject_alias SET collection = collection / 2 WHERE silo = 1`,
				func(f *fixture) error {
					_, err := f.r.CollectionsOf(t.Context(), f.key("crm"), ann[0], "IT")
					return err
				}},
			"a hold released for somebody else": {`UPDATE event_payload SET collection = collection / 2 WHERE silo = 1`,
				func(f *fixture) error { return f.r.ReleaseHold(t.Context(), "crm", "case7", "anna", "bo") }},
			"a hold that was changed": {`UPDATE legal_hold SET placed_by = 'eve' WHERE silo = 1`,
				func(f *fixture) error { return f.r.ReleaseHold(t.Context(), "crm", "case7", "anna", "bo") }},
			"a key rotated": {`UPDATE flag SET since = 0 WHERE silo = 1`, func(f *fixture) error {
				_, err := f.keys.RotateSilo("crm")
				require.NoError(t, err)
				_, err = f.r.Rotate(t.Context(), f.key("crm"))
				return err
			}},
			"an end of somebody else's consent": {`UPDATE event SET effective_from = 1 WHERE silo = 1 AND seq = 1`,
				func(f *fixture) error {
					_, err := f.r.Person(t.Context(), f.key("crm"), ann[0], "IT", noon, nil)
					return err
				}},
		} {
			t.Run(name, func(t *testing.T) {
				f := furnished(t, newFixture)
				before, err := f.r.Head(t.Context(), "crm")
				require.NoError(t, err)
				f.superuser(c.edit)
				require.ErrorIs(t, c.do(f), chain.ErrTampered)
				after, err := f.r.Head(t.Context(), "crm")
				require.NoError(t, err)
				require.Equal(t, before, after)
			})
		}
	})
}

// TestRefreshLooks reads what came while a night ran: a consent that somebody added without the key, and one that
// somebody took away, are not believed.
func TestRefreshLooks(t *testing.T) {
	for name, edit := range map[string][]string{
		"added": {`INSERT INTO event_payload (silo, seq, collection, flags, details, content, salt) SELECT silo, 99, 1, 0,
			details, content, salt FROM event_payload WHERE silo = 1 AND seq = 1`, `INSERT INTO event SELECT silo, 99,
			'withdrawn', purpose, purpose_version, basis, occurred_at, zone, effective_from, 0, recorded_at, method, source,
			salt, '', commitment, hash FROM (SELECT e.*, p.salt FROM event e JOIN event_payload p ON p.silo = e.silo
			AND p.seq = e.seq WHERE e.silo = 1 AND e.seq = 1) x`},
		"taken away":    {`DELETE FROM event_payload WHERE silo = 1 AND seq = (SELECT head_seq FROM silo WHERE silo = 1)`},
		"a head beside": {`UPDATE silo SET head_seq = head_seq + 1 WHERE silo = 1`},
	} {
		t.Run(name, func(t *testing.T) {
			embedded(t, name == "added", func(t *testing.T, newFixture newFixture) {
				f := furnished(t, newFixture)
				s, err := f.r.Standings(t.Context(), "crm", noon, nil)
				require.NoError(t, err)
				f.importCSV("crm", header1+"new@example.org,given,news,2026-03-10,,n,p\n")
				f.superuser(edit...)
				_, err = f.r.Refresh(t.Context(), s)
				require.ErrorIs(t, err, chain.ErrTampered)
			})
		})
	}
}
