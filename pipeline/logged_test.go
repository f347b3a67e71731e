package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// logOf is the log as it stands in the reports, and its newest checkpoint.
func (w *world) logOf() ([]tilelog.Entry, tilelog.Checkpoint) {
	w.T.Helper()
	signer, err := w.Setup.Keys.Runner()
	require.NoError(w.T, err)
	_, newest, err := tilelog.Newest(w.Setup.Reports, signer.PublicKey())
	require.NoError(w.T, err)
	entries, err := tilelog.Entries(w.Setup.Reports, newest.Size)
	require.NoError(w.T, err)
	return entries, newest
}

func (w *world) nights(n int) {
	w.T.Helper()
	for range n {
		_, err := w.night()
		require.NoError(w.T, err)
		w.Now = w.Now.AddDate(0, 0, 1)
	}
}

func (w *world) sql(statement string) {
	w.T.Helper()
	db, err := sqlite3.Open(filepath.Join(w.Setup.State, "journal.db"))
	require.NoError(w.T, err)
	require.NoError(w.T, db.Exec(statement))
	require.NoError(w.T, db.Close())
}

// TestReportsOfBeforeTheLogAreItsFirstEntries takes the log away as if an earlier build had made the reports.
func TestReportsOfBeforeTheLogAreItsFirstEntries(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(3)
	entries, newest := w.logOf()
	require.Len(t, entries, 3)
	removeAll(t, filepath.Join(w.Setup.Reports, tilelog.Folder))
	w.sql("DROP TABLE leaf")

	r, err := w.night()
	require.NoError(t, err)
	taken := w.found("F_LOG_BEGUN")
	require.Len(t, taken, 1)
	require.Equal(t, int64(3), taken[0].Count)
	after, now := w.logOf()
	require.Equal(t, entries, after[:3])
	require.Len(t, after, 4)
	require.Equal(t, r.Checkpoint, now.String())
	l, err := tilelog.New(after)
	require.NoError(t, err)
	require.NoError(t, l.Agrees(newest))
	require.Equal(t, 4, w.verified())
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Empty(t, found(t, w, r.RunID, "F_LOG_BEGUN"))
}

// TestALogThatWasAlteredIsWrittenAnew alters the log in several ways: the next night finds it, ends with 12, and writes
// it anew with the checkpoint that it had; the one after is quiet.
func TestALogThatWasAlteredIsWrittenAnew(t *testing.T) {
	for name, alter := range map[string]func(t *testing.T, log string){
		"it is gone":             func(t *testing.T, log string) { removeAll(t, log) },
		"its entries are gone":   func(t *testing.T, log string) { removeAll(t, filepath.Join(log, "tile", "entries")) },
		"its checkpoint is gone": func(t *testing.T, log string) { removeAll(t, filepath.Join(log, "checkpoint")) },
		"it is an older copy": func(t *testing.T, log string) {
			older := filepath.Join(log, "checkpoints", "000001")
			body, err := os.ReadFile(older)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(log, "checkpoint"), body, 0o600))
			removeAll(t, filepath.Join(log, "checkpoints", "000002"))
			removeAll(t, filepath.Join(log, "tile", "*", "000.p"))
		},
		"a tile is altered": func(t *testing.T, log string) {
			require.NoError(t, os.WriteFile(filepath.Join(log, "tile", "0", "000.p", "2"), []byte("x"), 0o600))
		},
		"the checkpoint is altered": func(t *testing.T, log string) {
			require.NoError(t, os.WriteFile(filepath.Join(log, "checkpoint"), []byte("x\n"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.nights(2)
			_, before := w.logOf()
			alter(t, filepath.Join(w.Setup.Reports, tilelog.Folder))
			r, err := w.night()
			require.ErrorIs(t, err, setup.ErrTampered)
			require.ErrorContains(t, err, "The log of nights in the reports was altered or is missing in part")
			require.Equal(t, 12, setup.ExitCode(err))
			require.Len(t, found(t, w, r.RunID, "F_LOG_RESTORED"), 1)
			entries, _ := w.logOf()
			l, err := tilelog.New(entries)
			require.NoError(t, err)
			require.NoError(t, l.Agrees(before), "no size gets two roots")
			require.Equal(t, 3, w.verified())
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err = w.night()
			require.NoError(t, err)
		})
	}
}

// TestALogOfAnotherHistoryStopsTheNight puts a state folder and reports together that do not belong together.
func TestALogOfAnotherHistoryStopsTheNight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(2)
	entries, _ := w.logOf()
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	log := filepath.Join(w.Setup.Reports, tilelog.Folder)
	require.NoError(t, os.Rename(log, log+".away"))
	other := append(entries[:1:1], tilelog.Entry{Kind: tilelog.Night, Run: stray, Date: "2026-11-21", Manifest: "x"})
	_, err = tilelog.Write(w.Setup.Reports, other, signer, func(string) {})
	require.NoError(t, err)
	before := w.Rows("people")
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered)
	require.ErrorContains(t, err, "the history is another one")
	require.ErrorContains(t, err, "put the reports and the state folder back from copies that belong together")
	require.Equal(t, before, w.Rows("people"))
	removeAll(t, log)
	require.NoError(t, os.Rename(log+".away", log))
	_, err = w.night()
	require.NoError(t, err)

	// another company's
	stranger := newWorld(t, news(nil), people())
	stranger.UsualEvents()
	stranger.nights(1)
	removeAll(t, log)
	require.NoError(t, os.CopyFS(log, os.DirFS(filepath.Join(stranger.Setup.Reports, tilelog.Folder))))
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered)
	require.ErrorContains(t, err, "give each company a folder of its own")
}

// TestARebuiltJournalTakesTheLogAsItStands loses the journal: the order of the log is that of the reports.
func TestARebuiltJournalTakesTheLogAsItStands(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(3)
	entries, _ := w.logOf()
	removeAll(t, w.Setup.State)
	_, err := pipeline.Run(t.Context(), w.Setup, w.rebuild())
	require.NoError(t, err)
	after, _ := w.logOf()
	require.Equal(t, entries, after[:3])
	require.Len(t, after, 4)
	require.Equal(t, 4, w.verified())
}

// TestALogThatOnlyTheReportsHaveKeepsItsOrder takes the newest entry out of the journal, and one in the middle.
func TestALogThatOnlyTheReportsHaveKeepsItsOrder(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(3)
	entries, _ := w.logOf()
	w.sql("DELETE FROM leaf WHERE place >= 1")
	w.nights(1)
	after, _ := w.logOf()
	require.Equal(t, entries, after[:3])
	require.Equal(t, 4, w.verified())
	w.sql("DELETE FROM leaf WHERE place = 1")
	_, err := w.night()
	require.ErrorContains(t, err, "entry 1 of the log is missing: put the state folder back from a copy")
	require.Equal(t, 12, setup.ExitCode(err))
}

// cosigned lets dora cosign the log as it stands.
func (w *world) cosigned() {
	w.T.Helper()
	signer, err := w.Setup.Keys.Runner()
	require.NoError(w.T, err)
	signed, _, err := tilelog.Newest(w.Setup.Reports, signer.PublicKey())
	require.NoError(w.T, err)
	body, err := tilelog.Cosign(signed, signer.PublicKey(), "dora", w.Signers["dora"], w.Now)
	require.NoError(w.T, err)
	list, err := tilelog.Cosignatures(body, signer.PublicKey(), []keystore.PublicKey{w.Setup.People["dora"].Key})
	require.NoError(w.T, err)
	_, err = tilelog.AddCosignature(w.Setup.Reports, body, list[0])
	require.NoError(w.T, err)
}

// TestAnOldCosignatureIsSaid counts the nights since the last one.
func TestAnOldCosignatureIsSaid(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(2)
	w.cosigned()
	standing, err := chronicle.Stand(w.Setup)
	require.NoError(t, err)
	require.Equal(t, "dora", standing.By)
	require.Zero(t, standing.Nights)
	w.nights(3)
	older := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(older, "state"), os.DirFS(w.Setup.State)))
	require.NoError(t, os.CopyFS(filepath.Join(older, "reports"), os.DirFS(w.Setup.Reports)))
	w.nights(audit.LateNights - 4)
	require.Empty(t, w.found("F_NOT_COSIGNED"), "six are published since, the last among them")
	w.nights(1)
	late := w.found("F_NOT_COSIGNED")
	require.Len(t, late, 1)
	require.Equal(t, int64(7), late[0].Count)
	require.Contains(t, late[0].Words, "cosigned by dora on 2026-11-22, up to entry 2; nights since: 7")
	lines := w.facts().Log
	require.Len(t, lines, 2)
	require.Equal(t, "log", lines[0].Signer)
	require.Equal(t, int64(8), lines[0].Size)
	require.Equal(t, "dpo", lines[1].Signer)
	require.Equal(t, int64(2), lines[1].Size)
	require.Equal(t, int64(7), lines[1].Nights)
	standing, err = chronicle.Stand(w.Setup)
	require.NoError(t, err)
	require.Equal(t, 7, standing.Nights, "the page and the status count alike")
	w.cosigned()
	w.nights(1)
	require.Empty(t, w.found("F_NOT_COSIGNED"))

	// who put reports and state back to before what was cosigned is found by the cosignature
	cosigned := filepath.Join(tilelog.Folder, "cosignatures")
	require.NoError(t, os.RemoveAll(filepath.Join(older, "reports", cosigned)))
	require.NoError(t, os.CopyFS(filepath.Join(older, "reports", cosigned), os.DirFS(filepath.Join(w.Setup.Reports, cosigned))))
	for name, folder := range map[string]string{"state": w.Setup.State, "reports": w.Setup.Reports} {
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(older, name))))
	}
	_, err = w.night()
	require.Equal(t, 12, setup.ExitCode(err))
	require.ErrorContains(t, err, "a copy of the reports is with who cosigned them")
}

// found are the findings of a kind of the newest run.
func (w *world) found(kind string) (list []audit.Finding) {
	w.T.Helper()
	for _, f := range w.facts().Findings {
		if f.Kind == kind {
			list = append(list, f)
		}
	}
	return list
}
