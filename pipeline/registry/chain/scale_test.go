package chain_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/standings"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func twoYears(since time.Time) time.Time { return since.AddDate(2, 0, 0) }

// scale is how many people the benchmarks of a large registry have.
const scale = 10_000_000

// written is a registry that Written filled, and the key of its silo.
func written(t testing.TB, n, due int) (*registry.Registry, *keystore.SiloKey) {
	t.Helper()
	dir := t.TempDir()
	config := registry.Config{DSN: filepath.Join(dir, "registry.db"), Now: func() time.Time { return noon }}
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("newsletter"))
	key, err := keys.SiloKey("newsletter")
	require.NoError(t, err)
	require.NoError(t, registry.Create(t.Context(), config))
	config.Keys = keys
	chain.Written(t, database.Config{DSN: config.DSN}, keys, key, noon, n, due)
	r, err := registry.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r, key
}

// TestWrittenIsSound holds that the benchmarks' short cut makes a registry like any other.
func TestWrittenIsSound(t *testing.T) {
	r, key := written(t, 3000, 10)
	require.NoError(t, r.Verify(t.Context(), "newsletter", chain.Head{}))
	s, err := r.Standings(t.Context(), "newsletter", noon, nil)
	require.NoError(t, err)
	m := s.Match(standings.Row{Identifiers: []keystore.Ref{key.Match(identifier.Email,
		[]byte("person44@example.org"))}})
	var standing policy.Standing
	require.True(t, s.At(m.Collection, &standing))
	given := standing.Purposes[0]
	require.Equal(t, policy.Given, given.State)
	require.True(t, given.Proven)
	n, err := r.ExpireDue(t.Context(), "newsletter", noon, retention.ExpiryEnds{"newsletter": twoYears}, nil)
	require.NoError(t, err)
	require.Equal(t, 10, n)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// spent is the CPU of the process in seconds.
func spent() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// resident is the memory of the process in MiB, the highest since the last time this was asked (proc(5):
// VmHWM, clear_refs).
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

// BenchmarkScale loads ten million people from the file of a registry, reconciles as many rows with them,
// in random order, from the text of an address to the decision, and expires those that are due. It works
// through the ten million once, whatever b.N is.
func BenchmarkScale(b *testing.B) {
	const due = 10_000
	began := spent()
	r, key := written(b, scale, due)
	b.Logf("written: %.1f CPU-s", spent()-began)
	debug.FreeOSMemory()
	resident()
	before, base := heap(), resident()

	began = spent()
	s, err := r.Standings(b.Context(), "newsletter", noon, map[string]event.Type{"newsletter": ""})
	require.NoError(b, err)
	require.Equal(b, scale, s.Len())
	b.ReportMetric(spent()-began, "load-cpu-s")
	b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(resident()-base), "peak-MiB")

	silo, err := policy.Compile(policy.Silo{Name: "newsletter", LinkScope: "silo", Records: []policy.Records{},
		Rules: []policy.Rule{{Purpose: "newsletter", Basis: policy.Consent, MaxAge: calendar.Period{Years: 2},
			End: policy.Delete, Because: "bench", Owner: "anna", ReviewBy: "2099-01-01"}}}, time.UTC, "IT")
	require.NoError(b, err)
	rec := &reconciler{s: s, key: key, silo: silo, starts: make([]calendar.Date, 1)}
	for _, part := range []struct {
		name   string
		decide bool
	}{{"match", false}, {"decide", true}} {
		rec.order, rec.matched, rec.decide = 0, 0, part.decide
		began = spent()
		for range scale / len(rec.refs) {
			rec.strip()
		}
		b.ReportMetric(float64(rec.matched)/(spent()-began), part.name+"-rows/cpu-s")
	}
	began = spent()
	var x keystore.Ref
	for i := range scale / 10 {
		rec.text = chain.AppendPerson(rec.text[:0], i)
		x = rec.key.Match(identifier.Email, rec.text)
	}
	runtime.KeepAlive(x)
	b.ReportMetric(scale/10/(spent()-began), "hmac-alone-rows/cpu-s")

	began = spent()
	n, err := r.ExpireDue(b.Context(), "newsletter", noon, retention.ExpiryEnds{"newsletter": twoYears}, nil)
	require.NoError(b, err)
	require.Equal(b, due, n)
	b.ReportMetric(spent()-began, "expire-cpu-s")
	began = spent()
	n, err = r.ExpireDue(b.Context(), "newsletter", noon, retention.ExpiryEnds{"newsletter": twoYears}, nil)
	require.NoError(b, err)
	require.Zero(b, n)
	b.ReportMetric(spent()-began, "expire-again-cpu-s")
}

// reconciler does what the pipeline does with the rows of a batch.
type reconciler struct {
	s        *standings.Standings
	key      *keystore.SiloKey
	silo     *policy.Compiled
	decide   bool
	order    int // of the people, random
	refs     [256]keystore.Ref
	found    []standings.Found
	text     []byte
	norm     []byte
	standing policy.Standing
	starts   []calendar.Date
	matched  int
}

// strip reconciles the next rows.
func (r *reconciler) strip() {
	for i := range r.refs {
		r.order = (r.order + 7_368_787) % scale // a step prime to scale visits everybody once
		r.text = chain.AppendPerson(append(r.text[:0], ' '), r.order)
		r.text[1] = 'P' // as people type it
		value, err := identifier.Normalise(identifier.Email, r.text, "", r.norm[:0])
		if err != nil {
			return
		}
		r.norm = value
		r.refs[i] = r.key.Match(identifier.Email, value)
	}
	r.found = r.s.Warm(r.refs[:], r.found[:0])
	for i := range r.refs {
		m := r.s.Match(standings.Row{Identifiers: r.refs[i : i+1], Found: r.found[i : i+1], SiloScope: true})
		if m.Identity != policy.Matched || !r.s.At(m.Collection, &r.standing) {
			return
		}
		if r.decide {
			d := decide.Decide(r.silo, policy.Record{Standing: &r.standing, Starts: r.starts}, noon)
			if d.Action == "" {
				return
			}
		}
		r.matched++
	}
}
