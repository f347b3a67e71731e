package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// generated are the standings of n people with one reference and one consent each, made without a database. Reference i is
// generatedRef(i); in order of the references the collections are 1, 2, 3, ...
func generated(tb testing.TB, n int) *Standings {
	s := &Standings{numbers: map[string]int{}, blocks: [][]byte{{0}}, offsets: make([]uint32, n)}
	refs := make([]shortRef, n)
	for i := range refs {
		ref := generatedRef(i)
		refs[i] = shortRef(ref[:16])
	}
	slices.SortFunc(refs, func(a, b shortRef) int { return slices.Compare(a[:], b[:]) })
	s.index.grow(n)
	standing := policy.Standing{Purposes: make([]policy.PurposeStanding, 1)}
	for i, ref := range refs {
		s.index.add(ref, int32(i+1))
		at := noon.Add(-time.Duration(i%100_000) * time.Minute)
		standing.Collected, standing.FirstSeq, standing.LastSeq = at, int64(i+1), int64(i+1)
		standing.Purposes[0] = policy.PurposeStanding{Purpose: "newsletter", State: policy.Given, Since: at, Proven: true}
		require.NoError(tb, s.put(int64(i+1), &standing))
	}
	s.index.finish()
	return s
}

func generatedRef(i int) Ref {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestStandingsAreSmall holds the memory of a subject, so that ten million are well under 1 GiB.
func TestStandingsAreSmall(t *testing.T) {
	const n = 200_000
	before := heap()
	s := generated(t, n)
	each := float64(heap()-before) / n
	require.Less(t, each, 64.0)
	require.Equal(t, n, s.Len())
	runtime.KeepAlive(s)
}

// scale is how many people the benchmarks of a large registry have.
const scale = 10_000_000

// written makes the file of a registry in which n people consented once, every fourth with evidence. The rows are those of an import, hashes and all,
// but each tree is filled in the order of its keys and indexes are made at the end, which takes a third of the time of an import. Of the consents,
// the first due ended by a max_age of two years at noon.
func (f *fixture) written(silo string, n, due int) {
	f.t.Helper()
	require.NoError(f.t, f.r.Close())
	defer func() { f.r = f.open(Config{}) }()
	pool, err := driver.Open("file:" + f.path + "?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-65536)")
	require.NoError(f.t, err)
	defer pool.Close()
	r := &Registry{handle: handle{f.r.engine, pool}, pool: pool, now: func() time.Time { return f.now }}
	key := f.key(silo)
	type alias struct {
		ref        Ref
		collection int32
	}
	aliases := make([]alias, 0, n)
	none := map[Ref][]int64{}
	email := make([]byte, 0, 64)
	require.NoError(f.t, r.write(f.t.Context(), "fill", func(tx *txn) error {
		for _, index := range []string{"event_idem", "event_until", "event_consent", "event_payload_collection"} {
			if _, err := tx.exec(f.t.Context(), "DROP INDEX "+index); err != nil {
				return err
			}
		}
		w, err := r.writer(f.t.Context(), tx, silo)
		if err != nil {
			return err
		}
		aliasRow := slices.Clone(w.inserts[intoAlias].cells)
		flush := func() error {
			return cmp.Or(w.inserts[intoEvent].flush(f.t.Context()), w.inserts[intoPayload].flush(f.t.Context()))
		}
		p := &pending{identifiers: make([]identifier, 1)}
		for i := range n {
			since := noon.AddDate(-1, 0, 0).Add(time.Duration(i%300_000) * time.Minute)
			if i < due {
				since = noon.AddDate(-2, 0, 0).Add(-time.Duration(i) * time.Second)
			}
			p.Event = Event{Type: Given, Purpose: "newsletter", Notice: "n3", Method: "form", Source: "crm", OccurredAt: since, EffectiveFrom: since}
			if i%4 == 0 {
				p.Evidence = "form"
			}
			email = appendPerson(email[:0], i)
			p.identifiers[0] = identifier{kind: KindEmail, ref: key.Match(KindEmail, email)}
			binary.BigEndian.PutUint64(p.content[:], uint64(i))
			w.collections++
			if err := w.event(p, w.collections, p.content, none); err != nil {
				return err
			}
			clear(none)
			aliases = append(aliases, alias{p.identifiers[0].ref, int32(w.collections)})
			aliasRow = append(aliasRow[:0], w.inserts[intoAlias].cells...)
			w.inserts[intoAlias].cells = w.inserts[intoAlias].cells[:0]
			if i%flushRows == flushRows-1 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
		slices.SortFunc(aliases, func(a, b alias) int { return bytes.Compare(a.ref[:], b.ref[:]) })
		for i := range aliases {
			aliasRow[1], aliasRow[2] = blob(aliases[i].ref[:]), number(int64(aliases[i].collection))
			w.inserts[intoAlias].add(aliasRow...)
			if i%flushRows == flushRows-1 {
				if err := w.inserts[intoAlias].flush(f.t.Context()); err != nil {
					return err
				}
			}
		}
		if err := w.inserts[intoAlias].flush(f.t.Context()); err != nil {
			return err
		}
		for _, statement := range schema {
			if strings.Contains(statement, "INDEX event_") {
				if _, err := tx.exec(f.t.Context(), statement); err != nil {
					return err
				}
			}
		}
		return w.finish(f.t.Context(), true)
	}))
}

// appendPerson appends the address of a person, normalised.
func appendPerson(dst []byte, i int) []byte {
	return append(strconv.AppendInt(append(dst, "person"...), int64(i), 10), "@example.org"...)
}

// TestWrittenIsSound holds that the benchmarks' short cut makes a registry like any other.
func TestWrittenIsSound(t *testing.T) {
	f := newSQLite(t)
	f.written("newsletter", 3000, 10)
	require.NoError(t, f.r.Verify(t.Context(), "newsletter", Head{}))
	given := f.standing("newsletter", "person44@example.org", noon).Purposes[0]
	require.Equal(t, policy.Given, given.State)
	require.True(t, given.Proven)
	n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ExpiryEnds{"newsletter": twoYears})
	require.NoError(t, err)
	require.Equal(t, 10, n)
}

// spent is the CPU of the process in seconds.
func spent() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// resident is the memory of the process in MiB, the highest since the last time this was asked (proc(5): VmHWM, clear_refs).
func resident() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.Fields(kb)[0])
			return n >> 10
		}
	}
	return 0
}

// BenchmarkScale loads ten million people from the file of a registry, reconciles as many rows with them, in random order, from the text of an
// address to the decision, and expires those that are due. It works through the ten million once, whatever b.N is.
func BenchmarkScale(b *testing.B) {
	const due = 10_000
	f := newSQLite(b)
	began := spent()
	f.written("newsletter", scale, due)
	b.Logf("written: %.1f CPU-s", spent()-began)
	debug.FreeOSMemory()
	resident()
	before, base := heap(), resident()

	began = spent()
	s, err := f.r.Standings(b.Context(), "newsletter", noon, map[string]EventType{"newsletter": ""})
	require.NoError(b, err)
	require.Equal(b, scale, s.Len())
	b.ReportMetric(spent()-began, "load-cpu-s")
	b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(resident()-base), "peak-MiB")

	silo, err := policy.Compile(policy.Silo{Name: "newsletter", LinkScope: "silo", Records: []policy.Records{}, Rules: []policy.Rule{{Purpose: "newsletter", Basis: policy.Consent, MaxAge: policy.Period{Years: 2},
		End: policy.Delete, Because: "bench", Owner: "anna", ReviewBy: "2099-01-01"}}}, time.UTC, "IT")
	require.NoError(b, err)
	r := &reconciler{s: s, key: f.key("newsletter"), silo: silo, starts: make([]policy.Date, 1)}
	for _, part := range []struct {
		name   string
		decide bool
	}{{"match", false}, {"decide", true}} {
		r.order, r.matched, r.decide = 0, 0, part.decide
		began = spent()
		for range scale / len(r.refs) {
			r.strip()
		}
		b.ReportMetric(float64(r.matched)/(spent()-began), part.name+"-rows/cpu-s")
	}
	began = spent()
	var x Ref
	for i := range scale / 10 {
		r.text = appendPerson(r.text[:0], i)
		x = r.key.Match(KindEmail, r.text)
	}
	runtime.KeepAlive(x)
	b.ReportMetric(scale/10/(spent()-began), "hmac-alone-rows/cpu-s")

	began = spent()
	n, err := f.r.ExpireDue(b.Context(), "newsletter", noon, ExpiryEnds{"newsletter": twoYears})
	require.NoError(b, err)
	require.Equal(b, due, n)
	b.ReportMetric(spent()-began, "expire-cpu-s")
	began = spent()
	n, err = f.r.ExpireDue(b.Context(), "newsletter", noon, ExpiryEnds{"newsletter": twoYears})
	require.NoError(b, err)
	require.Zero(b, n)
	b.ReportMetric(spent()-began, "expire-again-cpu-s")
}

// reconciler does what the pipeline does with the rows of a batch.
type reconciler struct {
	s        *Standings
	key      *keystore.SiloKey
	silo     *policy.Compiled
	decide   bool
	order    int // of the people, random
	refs     [256]Ref
	found    []Found
	text     []byte
	norm     []byte
	standing policy.Standing
	starts   []policy.Date
	matched  int
}

// strip reconciles the next rows.
func (r *reconciler) strip() {
	for i := range r.refs {
		r.order = (r.order + 7_368_787) % scale // a step prime to scale visits everybody once
		r.text = appendPerson(append(r.text[:0], ' '), r.order)
		r.text[1] = 'P' // as people type it
		value, ok := Normalise(KindEmail, r.text, "", r.norm[:0])
		if !ok {
			return
		}
		r.norm = value
		r.refs[i] = r.key.Match(KindEmail, value)
	}
	r.found = r.s.Warm(r.refs[:], r.found[:0])
	for i := range r.refs {
		m := r.s.Match(Row{Identifiers: r.refs[i : i+1], Found: r.found[i : i+1], SiloScope: true})
		if m.Identity != policy.Matched || !r.s.At(m.Collection, &r.standing) {
			return
		}
		if r.decide {
			d := r.silo.Decide(policy.Record{Standing: &r.standing, Starts: r.starts}, noon)
			if d.Action == "" {
				return
			}
		}
		r.matched++
	}
}
