package connectortest

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// CPU is the processor time that the process has used.
func CPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PerCPU reports the MB of text that f handles in a second of processor time. What prepare does is not
// counted; it may be nil.
func PerCPU(b *testing.B, size int, prepare, f func()) {
	b.SetBytes(int64(size))
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		if prepare != nil {
			prepare()
		}
		start := CPU(b)
		b.StartTimer()
		f()
		spent += CPU(b) - start
	}
	b.ReportMetric(float64(size)*float64(b.N)/1e6/spent.Seconds(), "MB/CPU-s")
}

// BenchCopy is a copy as wide as those that a night delivers.
func BenchCopy(of connectors.Table) connectors.Copy {
	text := func(name string, length int) connectors.Field {
		return connectors.Field{Name: name, Kind: connectors.Text, Length: length}
	}
	return connectors.Copy{
		Name: "lethe_crm_" + of.Name, Of: of, Key: []string{"silo", "purpose"},
		Fields: []connectors.Field{
			text("silo", 64), text("purpose", 64), text("status", 16),
			{Name: "until", Kind: connectors.Date, Nullable: true}, {Name: "since", Kind: connectors.Date},
			text("seal", 32),
		},
	}
}

// FillCopy adds rows to a copy made of BenchCopy, in transactions of so many rows, then changes them all to
// be blocked.
func FillCopy(b *testing.B, keeper connectors.CopyKeeper, made connectors.Table, all, page int) {
	for _, status := range []string{"allowed", "blocked"} {
		for first := 0; first < all; first += page {
			builder, err := connectors.NewBuilder(made, nil)
			require.NoError(b, err)
			for id := first; id < first+page; id++ {
				for i, v := range []string{strconv.Itoa(id), "newsletter", "email-newsletter", status,
					"2027-11-22", "2026-11-22", "0123456789abcdef0123456789abcdef"} {
					builder.Append(i, []byte(v))
				}
				builder.EndRow()
			}
			require.NoError(b, keeper.WriteCopy(b.Context(), made, builder.Batch("").Rows, nil))
		}
	}
}
