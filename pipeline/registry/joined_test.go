package registry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/attacker"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// cell is a value so that bytes compare as it does.
func cell(v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(nil, uint64(v)^1<<63)
	case []byte:
		return v
	case nil:
		return nil
	}
	return fmt.Append(nil, v)
}

// told are the people of two silos, and which of their events are whose.
type told struct {
	f      *fixture
	people []string
	ids    [2]int64
	events [2][][]int64 // by person: positions

	requests [][2]string // by person, of those who asked: their name in each silo
	veils    [2]*keystore.Sealer
}

var joinedSilos = [2]string{"newsletter", "contact"}

// ask lets ninety people ask both silos for access, at the same instants and in the same order; who they are is noted with
// an identifier more, they show who they are, and are told. A third of the requests rests, one is extended, and one is
// closed. Then a hold is placed for each, and half of them are released.
func (w *told) ask(t *testing.T) {
	start := w.f.now
	for i, person := range w.people[:90] {
		w.f.now = start.Add(time.Duration(i) * 7 * time.Minute)
		var theirs [2]string
		for s, silo := range joinedSilos {
			_, err := w.f.r.Append(t.Context(), w.f.key(silo), event.Event{Type: event.IdentifierNoted, OccurredAt: w.f.now,
				Subjects: []event.Subject{{Kind: identifier.Email, Value: person}, {Kind: "customer-number",
					Value: fmt.Sprint("C", i)}}, Country: "IT"})
			require.NoError(t, err)
			collections, err := w.f.r.CollectionsOf(t.Context(), w.f.key(silo), event.Subject{Kind: identifier.Email,
				Value: person}, "IT")
			require.NoError(t, err)
			theirs[s] = fmt.Sprintf("request-%08x", rand.Uint32()) // as the command names them
			received := w.f.now
			end := func(cases.Request, int) time.Time { return received.AddDate(0, 3, 0) }
			require.NoError(t, w.f.r.OpenRequest(t.Context(), silo, cases.Request{ID: theirs[s], Kind: cases.RequestAccess,
				Received: w.f.now, Due: w.f.now.AddDate(0, 1, 0)}, collections...))
			for _, step := range []cases.Step{{Name: cases.StepVerified, How: "account"},
				{Name: cases.StepTold, How: "acknowledgement it"}} {
				require.NoError(t, w.f.r.NoteRequest(t.Context(), silo, theirs[s], step))
			}
			w.f.now = received.Add(time.Duration(i) * time.Second)
			switch i % 3 {
			case 0:
				require.NoError(t, w.f.r.PauseRequest(t.Context(), silo, theirs[s]))
			case 1:
				require.NoError(t, w.f.r.ExtendRequest(t.Context(), silo, theirs[s], "number", w.f.now, end))
			case 2:
				require.NoError(t, w.f.r.CloseRequest(t.Context(), silo, theirs[s], cases.OutcomeCompleted, ""))
			}
			require.NoError(t, w.f.r.PlaceHold(t.Context(), silo, cases.Hold{ID: theirs[s], CaseRef: theirs[s],
				PlacedBy: "anna", ReviewBy: w.f.now.AddDate(1, 0, 0)}, collections...))
			if i%2 == 0 {
				require.NoError(t, w.f.r.ReleaseHold(t.Context(), silo, theirs[s], "anna", "bo"))
			}
			w.f.now = received
		}
		w.requests = append(w.requests, theirs)
	}
}

// tell gives one form's people to two silos, so many a delivery, at the same instants and in the same order.
func tell(t *testing.T, n, portion int) *told {
	f := newSQLite(t)
	f.r = f.open(Config{AllowEmpty: true, Shuffle: rand.New(rand.NewPCG(3, 4)).Shuffle})
	w := &told{f: f, people: make([]string, n)}
	for i := range w.people {
		w.people[i] = fmt.Sprintf("person%d@example.org", i)
	}
	r := rand.New(rand.NewPCG(uint64(n), uint64(portion)))
	for from := 0; from < n; from += portion {
		texts := "email,type,purpose,occurred_at,effective_until,notice,evidence,id\n"
		f.now = noon.Add(time.Duration(from) * time.Minute)
		for i := from; i < min(n, from+portion); i++ {
			at := noon.AddDate(0, 0, -600).Add(time.Duration(i)*37*time.Minute + time.Duration(r.IntN(1e9))*time.Microsecond)
			texts += fmt.Sprintf("%s,given,news,%s,%s,n,p,a%d\n", w.people[i], at.Format(time.RFC3339Nano),
				at.AddDate(3, 0, 0).Format(time.RFC3339Nano), i)
			for k := range r.IntN(3) {
				texts += fmt.Sprintf("%s,withdrawn,news,%s,,,,b%d-%d\n", w.people[i],
					at.Add(time.Duration(k+1)*time.Hour).Format(time.RFC3339Nano), i, k)
			}
		}
		for _, silo := range joinedSilos {
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(texts),
				Format: delivery.CSV, Source: "crm", BatchRows: 400})
			require.NoError(t, err)
			require.Zero(t, report.Refused)
			key := f.key(silo)
			flag := FlagKey{key.Record("crm", "people", fmt.Append(nil, from)), "BLOCKED"}
			require.NoError(t, f.r.SetFlags(t.Context(), silo, []Flag{{flag, f.now}}))
		}
	}
	if portion == 1 {
		w.ask(t)
	}
	for i, silo := range joinedSilos {
		s, err := f.r.store.FindSilo(t.Context(), f.r.store.Handle, silo)
		require.NoError(t, err)
		w.ids[i], w.veils[i] = s.ID, s.Book.Veil()
		w.judge(i, silo)
	}
	return w
}

// judge finds with the keys which events are whose.
func (w *told) judge(i int, silo string) {
	of := map[int64][]int64{}
	db := w.f.raw()
	rows, err := db.Query(`SELECT seq, collection FROM event_payload WHERE silo = ? AND block > 0 ORDER BY seq`, w.ids[i])
	require.NoError(w.f.t, err)
	for rows.Next() {
		var seq, collection int64
		require.NoError(w.f.t, rows.Scan(&seq, &collection))
		collection = w.veils[i].Whose(seq, collection)
		of[collection] = append(of[collection], seq)
	}
	require.NoError(w.f.t, rows.Close())
	for _, person := range w.people {
		collections, err := w.f.r.CollectionsOf(w.f.t.Context(), w.f.key(silo), event.Subject{Kind: identifier.Email,
			Value: person}, "IT")
		require.NoError(w.f.t, err)
		require.Len(w.f.t, collections, 1)
		w.events[i] = append(w.events[i], of[int64(collections[0])])
	}
}

// table reads all rows of a table of a silo: the columns, and the rows by a key.
func (w *told) table(i int, table string, key int) (columns []string, rows map[string][][]byte) {
	found, err := w.f.raw().Query(`SELECT * FROM `+table+` WHERE silo = ?`, w.ids[i])
	require.NoError(w.f.t, err)
	columns, err = found.Columns()
	require.NoError(w.f.t, err)
	rows = map[string][][]byte{}
	for found.Next() {
		values := make([]any, len(columns))
		for c := range values {
			values[c] = &values[c]
		}
		require.NoError(w.f.t, found.Scan(values...))
		row := make([][]byte, len(columns))
		for c, v := range values {
			row[c] = slices.Clone(cell(v))
		}
		rows[string(row[key])] = row
	}
	require.NoError(w.f.t, found.Close())
	require.NotEmpty(w.f.t, rows)
	return columns, rows
}

// traces are what every column of the file says of people: beside their references, and of their events, of which
// neither leads to the other.
func (w *told) traces() map[string]*attacker.Trace {
	traces := map[string]*attacker.Trace{}
	r := rand.New(rand.NewPCG(11, 12))
	put := func(i int, name string, v []byte) {
		if v == nil { // that there is none says what kind of event it is, which stands in the clear
			v = cell(int64(r.Uint64()))
		}
		if traces[name] == nil {
			traces[name] = &attacker.Trace{}
		}
		traces[name][i] = append(traces[name][i], v)
	}
	for i, silo := range joinedSilos {
		columns, aliases := w.table(i, "subject_alias", 1)
		perCollection := map[string]int{}
		for _, row := range aliases {
			perCollection[string(row[2])]++
		}
		for _, person := range w.people {
			ref := w.f.ref(silo, identifier.Email, person)
			row := aliases[string(ref[:])]
			require.NotNil(w.f.t, row)
			for c, column := range columns {
				if column != "silo" && column != "kind" && column != "key_version" {
					put(i, "subject_alias."+column, row[c])
				}
			}
			put(i, "subject_alias, how many", cell(int64(perCollection[string(row[2])])))
		}
		for _, table := range []string{"event", "event_payload"} {
			columns, events := w.table(i, table, 1)
			for p := range w.people {
				seqs := w.events[i][p]
				first, last := events[string(cell(seqs[0]))], events[string(cell(seqs[len(seqs)-1]))]
				for c, column := range columns {
					// what happened, to nobody, stands in the clear; so does the order of events
					if slices.Contains([]string{"silo", "seq", "block", "type", "purpose", "purpose_version", "basis",
						"zone", "method", "source", "notice", "flags", "details"}, column) {
						continue
					}
					put(i, table+"."+column+", first", first[c])
					put(i, table+"."+column+", last", last[c])
					if before := events[string(cell(seqs[0]-1))]; len(first[c]) == 8 && before != nil {
						between := binary.BigEndian.Uint64(first[c]) - binary.BigEndian.Uint64(before[c])
						put(i, table+"."+column+", since the one before", cell(int64(between)))
					} else {
						put(i, table+"."+column+", since the one before", first[c])
					}
				}
			}
		}
		if len(w.requests) > 0 {
			for _, table := range []string{"request", "legal_hold"} {
				columns, asked := w.table(i, table, 1)
				for _, theirs := range w.requests {
					row := asked[theirs[i]]
					require.NotNil(w.f.t, row)
					for c, column := range columns {
						if slices.Contains([]string{"silo", "kind", "outcome", "exception", "because", "placed_by",
							"approved_by", "released_by", "release_approved_by"}, column) {
							continue // how it stands with them is said
						}
						if bytes.Equal(row[c], cell(int64(0))) {
							row[c] = nil // which these say as well
						}
						put(i, table+"."+column, row[c])
					}
				}
			}
		}
		columns, flags := w.table(i, "flag", 1)
		key := w.f.key(silo)
		for from := range w.people {
			ref := key.Record("crm", "people", fmt.Append(nil, from))
			if row := flags[string(ref[:])]; row != nil {
				for c, column := range columns {
					if column != "silo" && column != "reason" {
						put(i, "flag."+column, row[c])
					}
				}
			}
		}
	}
	return traces
}

// TestSilosCannotBeJoined tells two silos of the same people at the same instants, one by one, two, ten and all at a
// time. No column joins them better than chance. Who has the keys joins all.
func TestSilosCannotBeJoined(t *testing.T) {
	for portion, n := range map[int]int{1: 120, 2: 120, 10: 300, 1500: 1500} {
		t.Run(fmt.Sprint(portion, " a delivery"), func(t *testing.T) {
			w := tell(t, n, portion)
			traces := w.traces()
			require.Greater(t, len(traces), 40)
			for name, trace := range traces {
				require.Len(t, trace[0], len(trace[1]), name)
				j := trace.Join()
				if len(trace[0]) >= 30 {
					require.False(t, j.Good(len(trace[0])), "%s joins the silos: %+v", name, j)
				}
			}
			var when, order attacker.Trace // with the keys
			for i := range joinedSilos {
				_, events := w.table(i, "event", 1)
				for p := range w.people {
					seq := w.events[i][p][0]
					row := events[string(cell(seq))]
					occurred, recorded := int64(binary.BigEndian.Uint64(row[6])^1<<63), int64(0)
					w.veils[i].Times(seq, &occurred, &recorded)
					when[i] = append(when[i], cell(occurred))
					order[i] = append(order[i], cell(seq))
				}
			}
			require.Equal(t, n, when.Join().Equal, "the judge joins by instants")
			require.Equal(t, n, when.Join().Matched)
			require.Equal(t, portion <= 10, order.Join().Good(n), "and small deliveries by the order of events")
		})
	}
}

// TestEventsLeadToNobody looks for a way from an event to the person whose it is: a value of eight bytes or more that
// stands in the one and in the other. It finds all with the keys, so it would find one without.
func TestEventsLeadToNobody(t *testing.T) {
	w := tell(t, 50, 5)
	for i := range joinedSilos {
		people := map[string]string{}
		for _, table := range []string{"subject_alias", "flag"} {
			columns, rows := w.table(i, table, 1)
			for _, row := range rows {
				for c, v := range row {
					if len(v) >= 8 && columns[c] != "silo" && columns[c] != "key_version" {
						people[string(v)] = table + "." + columns[c]
					}
				}
			}
		}
		found, there := 0, map[string]bool{}
		for _, table := range []string{"event", "event_payload"} {
			columns, rows := w.table(i, table, 1)
			for _, row := range rows {
				for c, v := range row {
					for at := 0; at+8 <= len(v); at++ {
						for _, size := range []int{8, 16, 32} {
							if at+size <= len(v) {
								require.Empty(t, people[string(v[at:at+size])], "%s.%s", table, columns[c])
							}
						}
					}
					if columns[c] == "refs" && len(v) > 0 {
						refs := slices.Clone(v)
						w.veils[i].Refs(int64(binary.BigEndian.Uint64(row[1])^1<<63), refs)
						require.NotEmpty(t, people[string(refs)])
						found++
					}
					if columns[c] == "collection" {
						require.False(t, there[string(v)] && string(v) != string(cell(int64(0))), "two events of one collection")
						there[string(v)] = true
					}
				}
			}
		}
		require.Equal(t, len(w.people), found)
	}
}
