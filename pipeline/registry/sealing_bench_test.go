package registry

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
)

// cpu is what the process has used until now, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// BenchmarkSealing says what it costs that every row which a decision reads is looked at: the time to load a silo's
// standings with the seals of its rows and without, as a part of reconciling as many rows with them, from the text of
// an address to the decision (sealing-%). Without the seals they are read as they stand; their veil is lifted in both.
// What the seals cost is the median, over the rounds, of how much longer a load with them took than the two without
// around it, all in CPU time: so what else a machine does is in both.
func BenchmarkSealing(b *testing.B) {
	f := newSQLite(b)
	const n = 200_000
	f.fill("newsletter", n)
	tx, err := f.r.store.Begin(b.Context(), true)
	require.NoError(b, err)
	defer tx.End()
	silo, err := f.r.store.FindSilo(b.Context(), tx.Handle, "newsletter")
	require.NoError(b, err)
	sealed := silo.Book
	load := func(book *seal.Book) (*standings.Standings, float64) {
		silo.Book = book
		runtime.GC() // what was loaded before is nobody's cost
		began := cpu()
		s, err := standings.LoadIn(b.Context(), tx, silo, noon, nil, nil)
		require.NoError(b, err)
		return s, cpu() - began
	}
	key := f.key("newsletter")
	rules, err := policy.Compile(policy.Silo{Name: "newsletter", LinkScope: "silo", Records: []policy.Records{},
		Rules: []policy.Rule{{Purpose: "newsletter", Basis: policy.Consent, MaxAge: calendar.Period{Years: 2},
			End: policy.Delete, Because: "bench", Owner: "anna", ReviewBy: "2099-01-01"}}}, time.UTC, "IT")
	require.NoError(b, err)
	starts := make([]calendar.Date, 1)
	var with, without, match []float64
	for b.Loop() {
		blind := seal.Blind("newsletter", silo.ID, sealed.Veil())
		_, before := load(blind)
		s, spent := load(sealed)
		_, after := load(blind)
		without, with = append(without, before, after), append(with, spent-(before+after)/2)
		began := cpu()
		var standing policy.Standing
		refs, scratch := make([]keystore.Ref, 1), make([]byte, 0, 64)
		for i := range n {
			email := fmt.Appendf(nil, "person%d@example.org", i*7919%n)
			value, err := identifier.Normalise(identifier.Email, email, "", scratch[:0])
			require.NoError(b, err)
			refs[0] = key.Match(identifier.Email, value)
			if m := s.Match(standings.Row{Identifiers: refs}); !s.At(m.Collection, &standing) {
				b.Fatal("not matched")
			}
			if d := decide.Decide(rules, policy.Record{Standing: &standing, Starts: starts}, noon); d.Action == "" {
				b.Fatal("not decided")
			}
		}
		match = append(match, cpu()-began)
	}
	load0, seals, matching := median(without), median(with), median(match)
	b.ReportMetric(100*seals/(load0+matching), "sealing-%")
	b.ReportMetric(1e9*load0/n, "load-ns/row")
	b.ReportMetric(1e9*seals/n, "seals-ns/row")
	b.ReportMetric(1e9*matching/n, "match-ns/row")
}
