package delivery

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/event"
)

func TestTermination(t *testing.T) {
	in := &Import{Zone: time.UTC}
	at := time.Date(2026, 1, 31, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"P1M": "2026-03-01", "1 month": "2026-03-01", "2 Weeks": "2026-02-15",
		"2027-06-01": "2027-06-01", "2027-06-01T00:00:00Z": "2027-06-01"} {
		got, err := in.termination(at, text, "c")
		require.NoError(t, err, text)
		require.Equal(t, want, got.UTC().Format(time.DateOnly), text)
	}
	for _, text := range []string{"", "Endless", "until withdrawn", "dpv:EndlessDuration"} {
		got, err := in.termination(at, text, "c")
		require.NoError(t, err, text)
		require.Zero(t, got, text)
	}
	for _, text := range []string{"Subscription end date + 1 year", "https://example.org/policy", "1 fortnight", "P",
		"soon", "P0D"} {
		_, err := in.termination(at, text, "c")
		require.ErrorIs(t, err, event.ErrRefused, text)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(example(f, "kantara-1.1.json"), true)
	f.Add(example(f, "iso27560.json"), false)
	f.Add([]byte("[{},\n{}]"), true)
	f.Fuzz(func(t *testing.T, data []byte, kantara bool) {
		in := Import{Reader: bytes.NewReader(data), Format: ISO27560, Source: "cmp"}
		if kantara {
			in.Format = Kantara
		}
		reader, err := NewReader(in)
		require.NoError(t, err)
		last := 1
		var e event.Event
		for n := 0; ; n++ {
			require.LessOrEqual(t, n, len(data), "every event takes some bytes")
			line, err := reader.Next(&e)
			if err != nil && !IsRefused(err) {
				return
			}
			require.GreaterOrEqual(t, line, last)
			require.LessOrEqual(t, line, 1+bytes.Count(data, []byte("\n")))
			last = line
			if err == nil {
				require.NotZero(t, e.OccurredAt)
				require.NotEmpty(t, e.ID)
			}
		}
	})
}

func example(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// TestADayAlone is the first moment of a yes, and the last of a no and of an answer. What it ends, ends with it.
func TestADayAlone(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	for typ, want := range map[event.Type]string{event.Given: "2026-06-10T00:00:00+02:00",
		event.BasisStarted: "2026-06-10T00:00:00+02:00", event.RestrictionLifted: "2026-06-10T00:00:00+02:00",
		event.Withdrawn: "2026-06-10T23:59:59.999999+02:00", event.Objected: "2026-06-10T23:59:59.999999+02:00",
		event.Restricted: "2026-06-10T23:59:59.999999+02:00", event.ErasureRequested: "2026-06-10T23:59:59.999999+02:00",
		event.Refused: "2026-06-10T23:59:59.999999+02:00", event.ErasureRefused: "2026-06-10T23:59:59.999999+02:00",
		event.ObjectionOverridden: "2026-06-10T23:59:59.999999+02:00",
		event.ObjectionUpheld:     "2026-06-10T23:59:59.999999+02:00"} {
		r, err := NewReader(Import{Zone: rome, Source: "t", Format: CSV, Reader: bytes.NewReader(
			[]byte("occurred_at,type,email,effective_until\n2026-06-10," + string(typ) + ",a@b.it,2026-06-10\n"))})
		require.NoError(t, err)
		var e event.Event
		_, err = r.Next(&e)
		require.NoError(t, err)
		require.Equal(t, want, e.OccurredAt.In(rome).Format(time.RFC3339Nano), typ)
		require.False(t, e.EffectiveUntil.Before(e.OccurredAt), typ)
	}
}
