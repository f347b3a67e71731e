package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
)

const header2 = "email,type,purpose,occurred_at,effective_until,notice,method,id,minor\n"

func TestImportRefusesLines(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		tests := []struct {
			name, line string
			want       delivery.Reject
		}{
			{"not an address", "ada(at)example.org,given,news,2026-01-01,,n,,,",
				delivery.Reject{Line: 2, Reason: event.BadIdentifier, Column: "email"}},
			{"nobody", ",given,news,2026-01-01,,n,,,", delivery.Reject{Line: 2, Reason: event.NoIdentifier,
				Column: ""}},
			{"no such type", "a@b.it,granted,news,2026-01-01,,n,,,", delivery.Reject{Line: 2, Reason: event.BadType,
				Column: "type"}},
			{"a type of Lethe's own", "a@b.it,payload_purged,news,2026-01-01,,n,,,",
				delivery.Reject{Line: 2, Reason: event.BadType, Column: "type"}},
			{"no type", "a@b.it,,news,2026-01-01,,n,,,", delivery.Reject{Line: 2, Reason: event.BadType,
				Column: "type"}},
			{"no purpose", "a@b.it,given,,2026-01-01,,n,,,", delivery.Reject{Line: 2, Reason: event.NoPurpose,
				Column: "purpose"}},
			{"not a purpose of the silo", "a@b.it,given,profiling,2026-01-01,,n,,,",
				delivery.Reject{Line: 2, Reason: event.UnknownPurpose, Column: "purpose"}},
			{"no notice", "a@b.it,given,news,2026-01-01,,,,,", delivery.Reject{Line: 2, Reason: event.NoNotice,
				Column: "notice"}},
			{"no instant", "a@b.it,given,news,,,n,,,", delivery.Reject{Line: 2, Reason: event.BadTime,
				Column: "occurred_at"}},
			{"an American date", "a@b.it,given,news,01/02/2026,,n,,,", delivery.Reject{Line: 2, Reason: event.BadTime,
				Column: "occurred_at", Why: instant.Undecided.Error()}},
			{"31 April", "a@b.it,given,news,2026-04-31,,n,,,", delivery.Reject{Line: 2, Reason: event.BadTime,
				Column: "occurred_at", Why: instant.NoSuchDay.Error()}},
			{"an end before the beginning", "a@b.it,given,news,2026-01-02,2026-01-01,n,,,",
				delivery.Reject{Line: 2, Reason: event.BadTime, Column: "effective_until"}},
			{"continued browsing", "a@b.it,given,news,2026-01-01,,n,continued_browsing,,",
				delivery.Reject{Line: 2, Reason: event.ImpliedConsent, Column: "method"}},
			{"pre-ticked", "a@b.it,given,news,2026-01-01,,n,Pre-ticked,,",
				delivery.Reject{Line: 2, Reason: event.ImpliedConsent, Column: "method"}},
			{"implied", "a@b.it,renewed,news,2026-01-01,,n,implied,,",
				delivery.Reject{Line: 2, Reason: event.ImpliedConsent, Column: "method"}},
			{"an act nobody knows", "a@b.it,given,news,2026-01-01,,n,telepathy,,",
				delivery.Reject{Line: 2, Reason: event.UnknownMethod, Column: "method"}},
			{"neither yes nor no", "a@b.it,given,news,2026-01-01,,n,form,,maybe",
				delivery.Reject{Line: 2, Reason: event.BadFlag, Column: "minor"}},
			{"too few columns", "a@b.it,given,news", delivery.Reject{Line: 2, Reason: event.BadLine, Column: ""}},
			{"a stray quote", `a@b.it,given,ne"ws,2026-01-01,,n,,,`, delivery.Reject{Line: 2, Reason: event.BadLine,
				Column: ""}},
			{"a control character", "a@b.it,given,news,2026-01-01,,n\x1f,,,",
				delivery.Reject{Line: 2, Reason: event.BadText, Column: "notice"}},
		}
		f := newFixture(t)
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				silo := fmt.Sprint("forms", i)
				good := "good@b.it,given,news,2026-01-01,,n,form,,no\n"
				report, err := f.r.Import(t.Context(),
					delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(header2 + test.line + "\n" + good),
						Format: delivery.CSV, Source: "crm", Purposes: []string{"news"}})
				require.NoError(t, err)
				require.Equal(t, delivery.Report{Lines: 2, Events: 1, Refused: 1,
					Rejects: []delivery.Reject{test.want}}, report)
				require.NotContains(t, report.Rejects[0].String(), "b.it")
				head, err := f.r.Head(t.Context(), silo)
				require.NoError(t, err)
				require.EqualValues(t, 1, head)
			})
		}
	})
}

func TestImportRefusesFiles(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		tests := []struct {
			name, text, want string
			format           delivery.Format
		}{
			{"empty", "", "must name the columns", delivery.CSV},
			{"an unknown column", "email,kind,occurred_at\n", `"kind" is not known`, delivery.CSV},
			{"no type", "email,occurred_at\n", `no column "type"`, delivery.CSV},
			{"a column twice", "email,email,type,occurred_at\n", "stands twice", delivery.CSV},
			{"another format", "", "give csv, jsonl", "xml"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				_, err := f.r.Import(t.Context(),
					delivery.Import{Keys: f.key("forms"), Reader: strings.NewReader(test.text), Format: test.format,
						Source: "crm"})
				require.ErrorContains(t, err, test.want)
			})
		}
	})
}

func TestImportIsIdempotent(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		const text = "email,id,type,purpose,occurred_at,notice\na@b.it,1,given,news,2026-01-01,n\n" +
			"b@b.it,2,given,news,2026-01-01,n\na@b.it,1,given,news,2026-01-01,n\n"
		require.Equal(t, delivery.Report{Lines: 3, Events: 2, Duplicates: 1}, f.importCSV("forms", text))
		require.Equal(t, delivery.Report{Lines: 3, Duplicates: 3}, f.importCSV("forms", text))
		changed := strings.Replace(text, "b@b.it,2,given,news,2026-01-01", "b@b.it,2,given,news,2026-01-09", 1)
		require.Equal(t, delivery.Report{Lines: 3, Duplicates: 2, Refused: 1,
			Rejects: []delivery.Reject{{Line: 3, Reason: event.DuplicateDiffers, Column: "id"}}},
			f.importCSV("forms", changed))
		t.Run("another source may use the same ids", func(t *testing.T) {
			report, err := f.r.Import(t.Context(),
				delivery.Import{Keys: f.key("forms"), Reader: strings.NewReader(text), Format: delivery.CSV,
					Source: "shop"})
			require.NoError(t, err)
			require.Equal(t, 2, report.Events)
		})
		t.Run("without ids the content counts", func(t *testing.T) {
			const text = "email,type,purpose,occurred_at,notice\nc@b.it,given,news,2026-01-01,n\n" +
				"c@b.it,given,news,2026-01-02,n\n"
			require.Equal(t, 2, f.importCSV("forms", text).Events)
			require.Equal(t, 2, f.importCSV("forms", text).Duplicates)
		})
		t.Run("a dry run sees it and records nothing", func(t *testing.T) {
			before, err := f.r.Heads(t.Context())
			require.NoError(t, err)
			const text = "email,id,type,purpose,occurred_at,notice\nd@b.it,8,given,news,2026-01-01,n\n" +
				"d@b.it,8,given,news,2026-01-01,n\na@b.it,1,given,news,2026-01-01,n\nx,3,given,news,2026-01-01,n\n"
			for _, rows := range []int{1, 100} {
				report, err := f.r.Import(t.Context(),
					delivery.Import{Keys: f.key("forms"), Reader: strings.NewReader(text), Format: delivery.CSV,
						Source: "crm", DryRun: true, BatchRows: rows})
				require.NoError(t, err)
				require.Equal(t, delivery.Report{Lines: 4, Events: 1, Duplicates: 2, Refused: 1,
					Rejects: []delivery.Reject{{Line: 5, Reason: event.BadIdentifier, Column: "email"}}}, report)
			}
			after, err := f.r.Heads(t.Context())
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
		require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
	})
}

// TestImportResumes cuts an import between and inside batches and imports the whole delivery again.
func TestImportResumes(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		var text strings.Builder
		text.WriteString("email,type,purpose,occurred_at,notice\n")
		const n = 50
		for i := range n {
			fmt.Fprintf(&text, "p%d@b.it,given,news,2026-01-01,n\n", i)
		}
		for _, after := range []int{0, 1, 7, 20, 49} {
			t.Run(fmt.Sprint(after), func(t *testing.T) {
				f := newFixture(t)
				lines := strings.SplitAfter(text.String(), "\n")
				reader := io.MultiReader(strings.NewReader(strings.Join(lines[:after+1], "")),
					readerFunc(func([]byte) (int, error) { return 0, errors.New("cut") }))
				first, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("forms"), Reader: reader,
					Format: delivery.CSV, Source: "crm", BatchRows: 7})
				require.ErrorContains(t, err, "cut")
				require.Equal(t, after/7*7, first.Events)
				second, err := f.r.Import(t.Context(),
					delivery.Import{Keys: f.key("forms"), Reader: strings.NewReader(text.String()),
						Format: delivery.CSV, Source: "crm", BatchRows: 7})
				require.NoError(t, err)
				require.Equal(t, delivery.Report{Lines: n, Events: n - first.Events, Duplicates: first.Events}, second)
				require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
			})
		}
	})
}

// TestImportIsInterrupted stops an import wherever it is when a line is read, most often while the portion
// before is written.
func TestImportIsInterrupted(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		const n = 60
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		feed := func(stop int, stopped func()) func(*event.Event) error {
			line := 0
			return func(e *event.Event) error {
				switch line++; line {
				case stop:
					stopped()
				case n + 1:
					return io.EOF
				}
				e.Type, e.Purpose, e.Notice, e.OccurredAt, e.ID = event.Given, "news", "n", noon, fmt.Sprint(line)
				e.Subjects = append(e.Subjects,
					event.Subject{Kind: identifier.Email, Value: fmt.Sprintf("p%d@b.it", line)})
				return nil
			}
		}
		first, err := f.r.Import(ctx, delivery.Import{Keys: f.key("forms"), Next: feed(31, cancel), Source: "crm",
			BatchRows: 7})
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, first.Events%7, "a portion is recorded whole or not at all")
		head, err := f.r.Head(t.Context(), "forms")
		require.NoError(t, err)
		require.EqualValues(t, first.Events, head)
		second, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("forms"), Next: feed(0, nil),
			Source: "crm", BatchRows: 7})
		require.NoError(t, err)
		require.Equal(t, delivery.Report{Lines: n, Events: n - first.Events, Duplicates: first.Events}, second)
		require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
	})
}

// TestKnownAmongNew imports deliveries whose later portions hold what was recorded before, and what is
// refused, after portions that are all new and so are followed by one that is written without asking.
func TestKnownAmongNew(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		const n, header = 30, "id,email,type,purpose,occurred_at,notice\n"
		f := newFixture(t)
		line := func(i int) string { return fmt.Sprintf("%d,p%d@b.it,given,news,2026-01-01,n\n", i, i) }
		for i, recorded := range [][]int{{0}, {29}, {6, 7}, {11, 25}, {14, 15, 16, 17, 18, 19, 20, 21}} {
			silo := fmt.Sprint("forms", i)
			before, all := header, header
			for _, i := range recorded {
				before += line(i)
			}
			require.Equal(t, len(recorded), f.importCSV(silo, before).Events)
			for i := range n {
				all += line(i)
			}
			all += line(2) + "2,p2@b.it,given,news,2026-01-02,n\n"
			want := delivery.Report{Lines: n + 2, Events: n - len(recorded), Duplicates: len(recorded) + 1,
				Refused: 1, Rejects: []delivery.Reject{{Line: n + 3, Reason: event.DuplicateDiffers, Column: "id"}}}
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(all),
				Format: delivery.CSV, Source: "crm", BatchRows: 7})
			require.NoError(t, err)
			require.Equal(t, want, report)
			require.NoError(t, f.r.Verify(t.Context(), silo, chain.Head{}))
			s, err := f.r.Standings(t.Context(), silo, noon, nil)
			require.NoError(t, err)
			require.Equal(t, n, s.Len(), "what was written and taken back left nothing behind")
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestImportJSONL(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		text := `{"email":"a@b.it","type":"given","purpose":"news","occurred_at":"2026-01-01T00:00:00Z",` +
			`"notice":"n","minor":true,"evidence":"p"}

{"email":"b@b.it","type":"withdrawn","purpose":"news","occurred_at":"2026-01-01","extra":1}
{"email":"c@b.it","type":"withdrawn"
{"email":["d@b.it"],"type":"withdrawn","occurred_at":"2026-01-01"}
[]
{"customer-number":4711,"type":"basis_started","purpose":"contract","occurred_at":"2026-01-01"}`
		report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("forms"), Reader: strings.NewReader(text),
			Format: delivery.JSONL, Source: "crm"})
		require.NoError(t, err)
		require.Equal(t, delivery.Report{Lines: 6, Events: 2, Refused: 4,
			Rejects: []delivery.Reject{{Line: 3, Reason: event.UnknownColumn, Column: "extra"},
				{Line: 4, Reason: event.BadLine, Column: ""}, {Line: 5, Reason: event.BadLine, Column: "email"},
				{Line: 6, Reason: event.BadLine, Column: ""}}}, report)
		require.True(t, f.standing("forms", "a@b.it", noon).Minor)
	})
}

func TestImportMapsColumns(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		rome, err := time.LoadLocation("Europe/Rome")
		require.NoError(t, err)
		report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("forms"), Format: delivery.CSV,
			Source: "crm", Zone: rome, Country: "IT", Notice: "form 3",
			Columns: map[string]string{"Mail": "email", "Cell": "phone", "What": "type", "For": "purpose",
				"When": "occurred_at", "Remark": ""},
			Reader: strings.NewReader("\uFEFFMail,Cell,What,For,When,Remark\nA@B.it,333 " +
				"1234567,given,news,2026-07-01 00:30,whatever\n")})
		require.NoError(t, err)
		require.Equal(t, 1, report.Events)
		require.Equal(t, time.Date(2026, 6, 30, 22, 30, 0, 0, time.UTC), f.standing("forms", "a@b.it", noon).Collected)
		s, err := f.r.Standings(t.Context(), "forms", noon, nil)
		require.NoError(t, err)
		require.Equal(t, []int32{1}, s.Lookup(f.ref("forms", identifier.Phone, "+393331234567")))
	})
}

func TestImportFindsCollections(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		const header = "email,phone,collection,type,purpose,occurred_at,notice\n"
		require.Equal(t, 3, f.importCSV("forms", header+
			"a@b.it,,c1,given,news,2026-01-01,n\n"+
			"a@b.it,,c2,given,news,2026-02-01,n\n"+
			"b@b.it,+393331234567,,given,news,2026-02-01,n\n").Events)
		t.Run("a grant must be sure of its collection", func(t *testing.T) {
			require.Equal(t, []delivery.Reject{{Line: 2, Reason: event.IdentityConflict, Column: "collection"}},
				f.importCSV("forms", header+"a@b.it,,,renewed,news,2026-03-01,n\n").Rejects)
		})
		t.Run("identifiers that disagree", func(t *testing.T) {
			require.Equal(t, []delivery.Reject{{Line: 2, Reason: event.IdentityConflict, Column: ""}},
				f.importCSV("forms", header+"a@b.it,+393331234567,,withdrawn,news,2026-03-01,\n").Rejects)
		})
		t.Run("a withdrawal reaches every collection of the person, once", func(t *testing.T) {
			line := header + "a@b.it,,,withdrawn,news,2026-03-01,\n"
			require.Equal(t, delivery.Report{Lines: 1, Events: 1}, f.importCSV("forms", line))
			require.Equal(t, delivery.Report{Lines: 1, Duplicates: 1}, f.importCSV("forms", line))
			s, err := f.r.Standings(t.Context(), "forms", noon, nil)
			require.NoError(t, err)
			for _, c := range s.Lookup(f.ref("forms", identifier.Email, "a@b.it")) {
				var standing policy.Standing
				require.True(t, s.At(c, &standing))
				require.Equal(t, policy.Withdrawn, standing.Purposes[0].State)
			}
			require.Len(t, s.Lookup(f.ref("forms", identifier.Email, "a@b.it")), 2)
		})
		t.Run("an identifier is learned", func(t *testing.T) {
			require.Equal(t, 1, f.importCSV("forms", header+"new@b.it,+393331234567,,rectified,,2026-03-01,\n").Events)
			s, err := f.r.Standings(t.Context(), "forms", noon, nil)
			require.NoError(t, err)
			require.Equal(t, []int32{3}, s.Lookup(f.ref("forms", identifier.Email, "new@b.it")))
		})
		require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
	})
}

func TestAppend(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("forms")
		e := event.Event{Type: event.Given, Purpose: "news", Notice: "n1", Evidence: "form",
			OccurredAt: day("2026-01-01"), Subjects: []event.Subject{{Kind: identifier.Email, Value: "a@b.it"}}}
		seq, err := f.r.Append(t.Context(), key, e)
		require.NoError(t, err)
		require.EqualValues(t, 1, seq)
		seq, err = f.r.Append(t.Context(), key, e)
		require.NoError(t, err)
		require.Zero(t, seq, "delivered twice, recorded once")
		e.Method = "pre_ticked"
		_, err = f.r.Append(t.Context(), key, e)
		require.ErrorIs(t, err, event.ErrRefused)
		require.ErrorContains(t, err, "E_IMPLIED_CONSENT")
		_, err = f.r.Append(t.Context(), key, event.Event{Type: event.Objected, Marketing: true, Purpose: "news",
			OccurredAt: day("2026-02-01"), Subjects: []event.Subject{{Kind: identifier.Email, Value: "a@b.it"}}})
		require.NoError(t, err)
		p := f.standing("forms", "a@b.it", noon).Purposes[0]
		require.Equal(t, policy.ObjectionPending, p.Objection)
		require.True(t, p.Marketing)
	})
}

func TestSecondWriterIsTold(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		first, err := f.open(Config{AllowEmpty: true}).store.Begin(t.Context(), false)
		require.NoError(t, err)
		defer first.End()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err = f.r.MarkSimulated(ctx)
		require.ErrorIs(t, err, database.ErrLocked)
		require.ErrorContains(t, err, "another writer")
		first.End()
		require.NoError(t, f.r.MarkSimulated(ctx), "it may write when the first has ended")
	})
}

// TestWritersTakeTurns lets two processes' worth of writers append at once: the positions stay dense and
// the chain holds.
func TestWritersTakeTurns(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		const each = 8
		f := newFixture(t)
		key := f.key("forms")
		var writers errgroup.Group
		for w := range 2 {
			r, key := f.open(Config{AllowEmpty: true}), key.Clone()
			writers.Go(func() error {
				for i := range each {
					e := event.Event{Type: event.Given, Purpose: "news", Notice: "n", OccurredAt: noon,
						ID: fmt.Sprint(w, i), Subjects: []event.Subject{{Kind: identifier.Email,
							Value: fmt.Sprintf("p%d@b.it", i)}}}
					if _, err := r.Append(t.Context(), key, e); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, writers.Wait())
		heads, err := f.r.Heads(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2*each, heads[0].Seq)
		require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
	})
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(header2+"a@b.it,given,news,2026-01-01,,n,form,1,no\n"), true)
	f.Add([]byte("email,type,occurred_at\n\"a@b.it\n"), true)
	f.Add([]byte(`{"email":"a@b.it","type":"given","purpose":"news","occurred_at":"2026-01-01","notice":"n"}`), false)
	f.Add([]byte("{}\n{\"type\":null}\n\n[1]"), false)
	fix := newSQLite(f)
	key := fix.key("forms")
	f.Fuzz(func(t *testing.T, data []byte, isCSV bool) {
		format := delivery.JSONL
		if isCSV {
			format = delivery.CSV
		}
		in := func() delivery.Import {
			return delivery.Import{Keys: key, Reader: bytes.NewReader(data), Format: format, Source: "crm",
				BatchRows: 3}
		}
		first, err := fix.r.Import(t.Context(), in())
		if err != nil {
			return
		}
		require.Equal(t, first.Lines, first.Events+first.Duplicates+first.Refused)
		second, err := fix.r.Import(t.Context(), in())
		require.NoError(t, err)
		require.Equal(t, first.Lines, second.Lines)
		require.LessOrEqual(t, second.Events, first.Refused, "what was recorded is not recorded again")
		require.NoError(t, fix.r.Verify(t.Context(), "forms", chain.Head{}))
	})
}

func TestNobodyConsentsToWhatWas(t *testing.T) {
	f := newSQLite(t)
	for text, refused := range map[string]bool{
		"given,2026-03-01T10:00:00Z,2026-02-28": true, "renewed,2026-03-01T10:00:00Z,2020-01-01": true,
		"given,2026-03-01T10:00:00Z,2026-03-01": false,
		"given,2026-03-01T10:00:00Z,2026-04-01": false, "basis_ended,2026-03-01T10:00:00Z,2020-01-01": false,
		"withdrawn,2026-03-01T10:00:00Z,2020-01-01": false,
	} {
		report := f.importCSV("forms", "email,purpose,notice,type,occurred_at,effective_from\na@b.it,news,n,"+text+"\n")
		require.Equal(t, refused, report.Refused == 1, text)
		if refused {
			require.Equal(t, []delivery.Reject{{Line: 2, Reason: event.BadTime, Column: "effective_from"}},
				report.Rejects)
		}
	}
}
