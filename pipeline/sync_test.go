package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/intake"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

const copyOfPeople = "lethe_crm_people"

// granted is a company whose CRM gets a copy of its newsletter consents.
func granted(t *testing.T, change func(*policy.Silo)) *world {
	w := newWorld(t, news(change), people())
	w.UsualEvents()
	w.Setup.Grants = []setup.Grant{{Target: "crm", Source: "crm", Grants: map[string][]string{"news": {"news"}},
		Table: true}}
	return w
}

// synced runs one delivery and returns its line of the report.
func (w *world) synced() audit.ConsentSync {
	w.T.Helper()
	r, err := pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
	require.NoError(w.T, err)
	require.Len(w.T, r.Copies, 1)
	w.Now = w.Now.Add(time.Hour)
	return *r.Copies[0]
}

// copied returns the rows of the copy without their seals.
func (w *world) copied() []string {
	w.T.Helper()
	rows := w.Rows(copyOfPeople)
	for i := range rows {
		rows[i] = rows[i][:strings.LastIndexByte(rows[i], ' ')]
	}
	return rows
}

// findings lists the kinds of the findings in the report of the last run.
func (w *world) findings() []string {
	w.T.Helper()
	var kinds []string
	for _, f := range w.facts().Findings {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestCopySaysWhatMayBeUsed(t *testing.T) {
	w := granted(t, nil)
	w.Live = mem.New("crm", people(), table("drafts", []connectors.Field{id}, nil))
	line := w.synced()
	require.Equal(t, []string{
		// two years from the consent: when that day ends in Rome it is 23:00 in UTC
		"1 news news allowed 2028-01-01 23:00:00 2026-11-20",
		"2 news news blocked - 2026-11-20", // withdrawn
		"3 news news blocked - 2026-11-20", // ran out
	}, w.copied())
	require.EqualValues(t, 3, line.Changed)
	require.EqualValues(t, 3, line.ExpectedRows)
	require.Zero(t, line.LocalRows)
	require.Equal(t, line.HeadSeq, line.AckedSeq)

	w.Event(event.Given, "bob@lago.it", "news", w.Now)
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	w.Now = w.Now.AddDate(0, 0, 1)
	line = w.synced()
	require.EqualValues(t, 2, line.Changed, "what did not change is not written")
	require.Zero(t, line.DriftMissing+line.DriftExtra+line.DriftDifferent)
	require.EqualValues(t, 3, line.LocalRows)
	line = w.synced()
	require.Zero(t, line.Changed)
	require.Equal(t, line.ExpectedDigest, line.CopyDigest)
	require.Equal(t, []string{"1 news news blocked - 2026-11-21",
		"2 news news allowed 2028-11-20 23:00:00 2026-11-21", "3 news news blocked - 2026-11-20"}, w.copied())

	views, err := w.Live.Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "lethe_crm_people_news", Tables: []string{copyOfPeople, "people"}}},
		views)
}

// A view shows who may be used for its purpose, and nobody who may be used for another one only.
func TestViewShowsItsPurposeOnly(t *testing.T) {
	w := granted(t, func(s *policy.Silo) {
		s.Rules = append(s.Rules, s.Rules[0])
		s.Rules[1].Purpose = "profiling"
		s.Rules = append(s.Rules, policy.Rule{Purpose: "contract", Basis: policy.Contract,
			Start: policy.RelationEnded, Period: calendar.Period{Years: 10}, End: policy.Delete, Because: "claims",
			Owner: "anna", ReviewBy: "2027-01-01"})
	})
	w.Setup.Grants[0].Grants["news"] = []string{"news", "profiling"}
	w.Event(event.Given, "bob@lago.it", "profiling", w.Now.Add(-time.Hour))
	w.Event(event.BasisStarted, "eve@lago.it", "contract", w.Now.Add(-time.Hour))
	w.synced()
	shown := func(purpose string) (emails []any) {
		_, rows, ok := w.Live.View(copyOfPeople + "_" + purpose)
		require.True(t, ok)
		for _, row := range rows {
			emails = append(emails, row[1])
		}
		return emails
	}
	require.Equal(t, []any{"ada@lago.it"}, shown("news"))
	require.Equal(t, []any{"bob@lago.it"}, shown("profiling"))
	_, _, ok := w.Live.View(copyOfPeople + "_contract")
	require.False(t, ok, "nothing was granted for it")
}

// TestCopyLeavesDoubtToTheApplication: who the registry does not know, or cannot tell apart, is neither
// allowed nor blocked.
func TestCopyLeavesDoubtToTheApplication(t *testing.T) {
	w := granted(t, nil)
	w.Set("people", "2", "email", "nobody@lago.it")
	w.Set("people", "3", "email", "no address")
	w.synced()
	require.Equal(t, []string{"1 news news allowed 2028-01-01 23:00:00 2026-11-20",
		"2 news news unknown - 2026-11-20", "3 news news unknown - 2026-11-20"}, w.copied())
}

func TestCopyEndsOnItsDay(t *testing.T) {
	w := granted(t, nil)
	w.Setup.Simulated = true
	for day, want := range map[string]string{"2028-01-01": "allowed 2028-01-01 23:00:00", "2028-01-02": "blocked -"} {
		at, err := time.ParseInLocation(time.DateOnly, day, rome)
		require.NoError(t, err)
		_, err = pipeline.Run(t.Context(), w.Setup,
			setup.Options{Job: "sync " + day, Apply: true, Phases: setup.SyncOnly, AsOf: at.Add(time.Minute)})
		require.NoError(t, err)
		require.Contains(t, w.copied()[0], "1 news news "+want)
	}
}

// A consent that has an end of its own ends in the copy at that minute, not with that day.
func TestCopyEndsToTheMinute(t *testing.T) {
	w := granted(t, nil)
	in, err := intake.Open(t.Context(), w.Setup)
	require.NoError(t, err)
	_, _, err = in.Record(t.Context(), "news",
		event.Event{Type: event.Renewed, Purpose: "news",
			Subjects:   []event.Subject{{Kind: "email", Value: "ada@lago.it"}},
			OccurredAt: w.Now, EffectiveUntil: time.Date(2026, 12, 24, 14, 30, 0, 700000, rome), Notice: "v1",
			Evidence: "form"})
	require.NoError(t, err)
	require.NoError(t, in.Close())
	w.synced()
	require.Contains(t, w.copied(), "1 news news allowed 2026-12-24 13:30:00 2026-11-20")
}

// Who said no to marketing in another silo is not allowed by what this one still holds; who has consented
// since is.
func TestCopyFollowsTheSuppressionList(t *testing.T) {
	w := granted(t, func(s *policy.Silo) { s.Rules[0].Marketing = true })
	w.Setup.Suppression = policy.Silo{Name: "suppression", Suppression: true,
		Rules: []policy.Rule{{Purpose: "suppression"}}}
	require.NoError(t, w.Setup.Keys.EnsureSilo("suppression"))
	require.EqualValues(t, 3, w.synced().ExpectedRows)
	require.Contains(t, w.copied(), "1 news news allowed 2028-01-01 23:00:00 2026-11-20")
	in, err := intake.Open(t.Context(), w.Setup)
	require.NoError(t, err)
	_, err = in.Import(t.Context(), "suppression",
		delivery.Import{Reader: strings.NewReader("email\nada@lago.it\n"), Format: delivery.CSV, Source: "list"})
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.EqualValues(t, 1, w.synced().Changed)
	require.Contains(t, w.copied(), "1 news news blocked - 2026-11-20")
	w.Now = w.Now.AddDate(0, 0, 1)
	w.Event(event.Renewed, "ada@lago.it", "news", w.Now)
	require.EqualValues(t, 1, w.synced().Changed)
	require.Contains(t, w.copied(), "1 news news allowed 2028-11-21 23:00:00 2026-11-21")
}

func TestCopyWithoutApplyIsOnlyCompared(t *testing.T) {
	w := granted(t, nil)
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "sync", Phases: setup.SyncOnly})
	require.NoError(t, err)
	require.EqualValues(t, 3, r.Copies[0].Changed, "would be written")
	require.EqualValues(t, 0, r.Copies[0].AckedSeq)
	tables, err := w.Live.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 1)
}

func TestTamperedCopyIsRepairedAndReported(t *testing.T) {
	tampered := func(w *world, change func(keeper connectors.CopyKeeper, copied connectors.Table,
		rows []string)) audit.ConsentSync {
		tables, err := w.Live.Tables(w.T.Context())
		require.NoError(w.T, err)
		at := slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == copyOfPeople })
		change(w.Live, tables[at], w.Rows(copyOfPeople))
		w.Now = w.Now.AddDate(0, 0, 1)
		return w.synced()
	}
	put := func(w *world, keeper connectors.CopyKeeper, copied connectors.Table, row string, gone ...connectors.Key) {
		var rows arrow.Record
		if row != "" {
			b, err := connectors.NewBuilder(copied, nil)
			require.NoError(w.T, err)
			for i, v := range strings.Fields(strings.Replace(row, " 23:00:00", "+23:00:00", 1)) { // one field
				if v == "-" {
					b.AppendNull(i)
				} else {
					b.Append(i, []byte(strings.Replace(v, "+", " ", 1)))
				}
			}
			b.EndRow()
			rows = b.Batch("").Rows
		}
		require.NoError(w.T, keeper.WriteCopy(w.T.Context(), copied, rows, gone))
	}
	row := func(id string) connectors.Key {
		return connectors.MakeKey([]byte(id), []byte("news"), []byte("news"))
	}
	for name, c := range map[string]struct {
		change func(*world) func(connectors.CopyKeeper, connectors.Table, []string)
		want   [3]int64 // missing, extra, different
	}{
		"nothing": {func(*world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(connectors.CopyKeeper, connectors.Table, []string) {}
		}, [3]int64{0, 0, 0}},
		"a row set to allowed": {func(w *world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(k connectors.CopyKeeper, c connectors.Table, rows []string) {
				put(w, k, c, strings.Replace(rows[1], "blocked", "allowed", 1))
			}
		}, [3]int64{0, 0, 1}},
		"a row removed": {func(w *world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(k connectors.CopyKeeper, c connectors.Table, _ []string) { put(w, k, c, "", row("2")) }
		}, [3]int64{1, 0, 0}},
		"a row added": {func(w *world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(k connectors.CopyKeeper, c connectors.Table, rows []string) {
				put(w, k, c, strings.Replace(rows[0], "1 news news", "1 news profiling", 1))
			}
		}, [3]int64{0, 1, 0}},
		"a row removed, and another added": {func(w *world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(k connectors.CopyKeeper, c connectors.Table, rows []string) {
				put(w, k, c, strings.Replace(rows[0], "1 news news", "9 news news", 1), row("2"))
			}
		}, [3]int64{1, 1, 0}},
		"a row of another silo added": {func(w *world) func(connectors.CopyKeeper, connectors.Table, []string) {
			return func(k connectors.CopyKeeper, c connectors.Table, rows []string) {
				put(w, k, c, strings.Replace(rows[0], "1 news news", "1 hr news", 1))
			}
		}, [3]int64{0, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			w := granted(t, nil)
			w.synced()
			before := w.copied()
			line := tampered(w, c.change(w))
			require.Equal(t, c.want, [3]int64{line.DriftMissing, line.DriftExtra, line.DriftDifferent})
			for i, row := range w.copied() {
				require.Equal(t, before[i][:strings.LastIndexByte(before[i], ' ')],
					row[:strings.LastIndexByte(row, ' ')], "all but since")
			}
			require.Len(t, w.copied(), 3)
			require.Equal(t, c.want != [3]int64{}, slices.Contains(w.findings(), "F_SYNC_DRIFT"))
			require.Zero(t, w.synced().Changed)
		})
	}

	t.Run("an old row put back", func(t *testing.T) {
		w := granted(t, nil)
		w.synced()
		old := w.Rows(copyOfPeople)[0]
		w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
		w.Now = w.Now.AddDate(0, 0, 1)
		w.synced()
		line := tampered(w, func(k connectors.CopyKeeper, c connectors.Table, _ []string) { put(w, k, c, old) })
		require.EqualValues(t, 1, line.DriftDifferent)
		require.Contains(t, w.copied()[0], "blocked")
	})
}

// flaky is a source whose copy cannot be written while it is down.
type flaky struct {
	*mem.Store
	down *bool
}

func (f flaky) WriteCopy(ctx context.Context, t connectors.Table, rows arrow.Record, gone []connectors.Key) error {
	if *f.down {
		return &connectors.Error{Op: "copy", Source: "crm", Table: t.Name, Err: connectors.ErrUnreachable}
	}
	return f.Store.WriteCopy(ctx, t, rows, gone)
}

func TestApplicationThatIsDownCatchesUp(t *testing.T) {
	w := granted(t, nil)
	down := false
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return flaky{w.Live, &down}, nil }
	w.synced()
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	down = true
	for night := range 3 {
		w.Now = w.Now.AddDate(0, 0, 1)
		r, err := w.night()
		require.ErrorIs(t, err, setup.ErrSource)
		require.NotEmpty(t, r.Waiting, "the night goes on")
		line := r.Copies[0]
		require.Equal(t, "E_UNREACHABLE", line.Error)
		require.EqualValues(t, night+1, line.Attempts)
		require.Less(t, line.AckedSeq, line.HeadSeq)
		require.Equal(t, night > 0, slices.Contains(w.findings(), "F_SYNC_LAG"), "night %d", night)
	}
	require.Contains(t, w.copied()[0], "allowed", "as it was left")
	down = false
	w.Now = w.Now.AddDate(0, 0, 1)
	line := w.synced()
	require.Equal(t, line.HeadSeq, line.AckedSeq)
	require.Zero(t, line.LagSeconds+line.DriftMissing+line.DriftExtra+line.DriftDifferent)
	require.Contains(t, w.copied()[0], "blocked")
}

// TestForeignTableUnderTheNameOfACopy: what somebody put in a copy's place is left alone, and said to be
// dangerous.
func TestForeignTableUnderTheNameOfACopy(t *testing.T) {
	w := granted(t, nil)
	w.Live = mem.New("crm", people(), table(copyOfPeople, []connectors.Field{id, email}, nil,
		[]any{"1", "ada@lago.it"}))
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
	require.ErrorIs(t, err, setup.ErrSource)
	require.Equal(t, "E_REFUSED", r.Copies[0].Error)
	require.Contains(t, w.findings(), "F_SYNC_FOREIGN")
	require.Equal(t, []string{"1 ada@lago.it"}, w.Rows(copyOfPeople))
}

// TestFilesGoOutWhenTheTableCannot: what was withdrawn reaches the files of a target whose table cannot be
// written.
func TestFilesGoOutWhenTheTableCannot(t *testing.T) {
	w := granted(t, nil)
	w.Setup.Grants[0].Files = filepath.Join(w.Dir, "copies")
	down := false
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return flaky{w.Live, &down}, nil }
	w.synced()
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	down = true
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
	require.ErrorIs(t, err, setup.ErrSource)
	require.Less(t, r.Copies[0].AckedSeq, r.Copies[0].HeadSeq)
	require.Zero(t, r.Copies[0].DriftMissing+r.Copies[0].DriftExtra+r.Copies[0].DriftDifferent)
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	public, err := keystore.ParsePublic(signer.Public())
	require.NoError(t, err)
	m, err := snapshot.Verify(w.Setup.Grants[0].Files, public)
	require.NoError(t, err)
	require.EqualValues(t, 3, m.Snapshot.Rows)
	require.EqualValues(t, 1, m.Delta.Rows, "ada's")
	down = false
	w.Now = w.Now.Add(time.Hour)
	require.Zero(t, w.synced().LagSeconds)
	require.Contains(t, w.copied()[0], "blocked")
}

// TestCopyThatCannotBeWrittenIsNotAcknowledged: a folder that cannot be made fails the delivery, also of a
// table that went out, so that it is tried again.
func TestCopyThatCannotBeWrittenIsNotAcknowledged(t *testing.T) {
	for name, table := range map[string]bool{"files alone": false, "with a table": true} {
		t.Run(name, func(t *testing.T) {
			w := granted(t, nil)
			file := filepath.Join(w.Dir, "file")
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			w.Setup.Grants[0].Table, w.Setup.Grants[0].Files = table, filepath.Join(file, "copies")
			_, err := ask.Check(t.Context(), w.Setup)
			require.ErrorContains(t, err, "sync.crm: files:")
			r, err := pipeline.Run(t.Context(), w.Setup,
				setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
			require.ErrorIs(t, err, setup.ErrSource)
			require.ErrorContains(t, err, "write snapshot for crm")
			require.Equal(t, 3, setup.ExitCode(err))
			require.Equal(t, "E_FAILED", r.Copies[0].Error)
			require.Zero(t, r.Copies[0].AckedSeq)
			require.NoError(t, os.Remove(file))
			w.Now = w.Now.Add(time.Hour)
			line := w.synced()
			require.Equal(t, line.HeadSeq, line.AckedSeq)
			require.FileExists(t, filepath.Join(w.Setup.Grants[0].Files, "copy.json"))
		})
	}
}

func TestErasedRowLeavesTheCopyTheSameNight(t *testing.T) {
	w := granted(t, nil)
	w.planned()
	require.Len(t, w.copied(), 3)
	w.applied()
	require.Len(t, w.Rows("people"), 1)
	require.Equal(t, []string{"1 news news allowed 2028-01-01 23:00:00 2026-11-20"}, w.copied())
	w.Now = w.Now.AddDate(0, 0, 1)
	line := w.synced()
	require.Zero(t, line.Changed+line.DriftMissing+line.DriftExtra+line.DriftDifferent)
}

func TestCopyIsNoTableOfTheApplications(t *testing.T) {
	w := granted(t, nil)
	for range 2 {
		w.Now = w.Now.AddDate(0, 0, 1)
		_, err := w.night()
		require.NoError(t, err)
	}
	for _, i := range w.facts().Inventory {
		if i.Object == copyOfPeople {
			require.Equal(t, "skipped", i.State)
			require.Contains(t, i.Reason, "kept by Lethe")
		}
	}
	require.NotContains(t, w.findings(), "F_UNMAPPED")
	require.NotContains(t, w.findings(), "F_SILO_JOIN")
}

func TestSnapshotAndDeltas(t *testing.T) {
	w := granted(t, nil)
	folder := filepath.Join(w.Dir, "copies")
	w.Setup.Grants[0].Table, w.Setup.Grants[0].Files = false, folder
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	public, err := keystore.ParsePublic(signer.Public())
	require.NoError(t, err)
	read := func(name string) (lines []string) {
		body, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		for line := range strings.Lines(string(body)) {
			var r snapshot.Row
			require.NoError(t, json.Unmarshal([]byte(line), &r))
			require.Equal(t, "crm.people", r.Object)
			lines = append(lines, fmt.Sprint(r.Key, " ", r.Silo, " ", r.Purpose, " ", r.Status, " ", r.Until))
		}
		slices.Sort(lines)
		return lines
	}
	require.EqualValues(t, 3, w.synced().Changed)
	m, err := snapshot.Verify(folder, public)
	require.NoError(t, err)
	all := []string{"[1] news news allowed 2028-01-01T23:00:00Z", "[2] news news blocked ", "[3] news news blocked "}
	require.Equal(t, all, read(m.Snapshot.Name))
	require.Equal(t, all, read(m.Delta.Name))
	require.Empty(t, m.Since)

	w.Event(event.Given, "bob@lago.it", "news", w.Now)
	w.planned() // eve is to go
	w.applied()
	m, err = snapshot.Verify(folder, public)
	require.NoError(t, err)
	w.Now = w.Now.AddDate(0, 0, 1)
	require.Equal(t, []string{"[1] news news allowed 2028-01-01T23:00:00Z",
		"[2] news news allowed 2028-11-20T23:00:00Z"}, read(m.Snapshot.Name))
	require.Equal(t, []string{"[3] news news gone "}, read(m.Delta.Name))
	require.NotEmpty(t, m.Since)
	w.Now = w.Now.AddDate(0, 0, 1)
	require.Zero(t, w.synced().Changed, "what the files say as before is not counted")
	m, err = snapshot.Verify(folder, public)
	require.NoError(t, err)
	require.Zero(t, m.Delta.Rows, "nothing changed")
	names, err := filepath.Glob(filepath.Join(folder, "snapshot-*"))
	require.NoError(t, err)
	require.Len(t, names, 2, "older ones hold keys that nobody needs")

	require.NoError(t, os.WriteFile(filepath.Join(folder, m.Snapshot.Name), []byte("{}\n"), 0o600))
	_, err = snapshot.Verify(folder, public)
	require.ErrorIs(t, err, setup.ErrTampered)
	w.Now = w.Now.AddDate(0, 0, 1)
	w.synced()
	m, err = snapshot.Verify(folder, public)
	require.NoError(t, err, "made anew")
	require.Empty(t, m.Since, "from a damaged copy nothing follows")
	require.EqualValues(t, 2, m.Delta.Rows)

	other, err := keystore.NewPerson(filepath.Join(w.Dir, "other.key"))
	require.NoError(t, err)
	stranger, err := keystore.ParsePublic(other)
	require.NoError(t, err)
	_, err = snapshot.Verify(folder, stranger)
	require.ErrorIs(t, err, setup.ErrTampered)
}

// TestCopyOfManyRows moves more rows than are read ahead: a long run of records that are gone, and rows
// that the copy lacks all over.
func TestCopyOfManyRows(t *testing.T) {
	const n = 13_000
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{fmt.Sprint(i + 1), fmt.Sprintf("p%d@lago.it", i), "P", "active", "2026-01-01"}
	}
	w := newWorld(t, news(nil), table("people", []connectors.Field{id, email, name, status, created}, nil, rows...))
	w.UsualEvents()
	w.Setup.Grants = []setup.Grant{{Target: "crm", Source: "crm", Grants: map[string][]string{"news": {"news"}},
		Table: true, Page: 1000}}
	require.EqualValues(t, n, w.synced().Changed)

	keys := func(of func(i int) bool, rest ...[]byte) (tuples []connectors.Key) {
		for i := range rows {
			if of(i + 1) {
				tuples = append(tuples, connectors.MakeKey(append([][]byte{[]byte(fmt.Sprint(i + 1))}, rest...)...))
			}
		}
		return tuples
	}
	erased := keys(func(i int) bool { return i > 1000 && i <= 8000 })
	_, err := w.Live.Mutate(t.Context(),
		[]connectors.Query{{Table: "people", Keys: &connectors.Keys{Fields: []string{"id"}, Tuples: erased}}},
		func(b connectors.Batch) (connectors.Edit, error) {
			return connectors.Edit{Ops: slices.Repeat([]connectors.Op{connectors.Delete}, int(b.Rows.NumRows()))}, nil
		}, func() error { return nil })
	require.NoError(t, err)
	lacking := keys(func(i int) bool { return i > 8000 && i%3 == 0 }, []byte("news"), []byte("news"))
	tables, err := w.Live.Tables(t.Context())
	require.NoError(t, err)
	copied := tables[slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == copyOfPeople })]
	require.NoError(t, w.Live.WriteCopy(t.Context(), copied, nil, lacking))

	line := w.synced()
	require.EqualValues(t, len(erased)+len(lacking), line.Changed)
	require.EqualValues(t, n-len(erased), line.ExpectedRows)
	require.EqualValues(t, len(lacking), line.DriftMissing)
	require.Zero(t, line.DriftExtra+line.DriftDifferent)
	line = w.synced()
	require.Zero(t, line.Changed+line.DriftMissing+line.DriftExtra+line.DriftDifferent)
	require.Equal(t, line.ExpectedDigest, line.CopyDigest)
	require.Len(t, w.Rows(copyOfPeople), n-len(erased))
}
