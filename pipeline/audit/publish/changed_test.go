package publish

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
)

// place is what tells the rows of a list apart.
type place struct {
	record         audit.Ref
	source, object string
}

func placeOf(d audit.Decision) place { return place{d.Record, d.Source, d.Object} }

// TestListsOfChangesMakeTheWholeList: who goes through the lists from the one that is whole has each night's, and no list
// says what the one before said. Days stand in those that are encrypted for the silo's readers, and in no other.
func TestListsOfChangesMakeTheWholeList(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		known := map[place]audit.Decision{}
		var before []audit.Decision
		readers := rapid.SampledFrom([][]string{nil, {"news"}}).Draw(r, "silos with readers")
		for night := range rapid.IntRange(1, 6).Draw(r, "nights") {
			list := drawn(r)
			w := &publisher{Publication: Publication{Decisions: inBatches(r, shuffled(r, list))}, folder: t.TempDir(),
				sealed: readers}
			if night > 0 {
				w.Before = inBatches(r, shuffled(r, before))
			}
			said := map[place]bool{}
			for rows, err := range w.decisions() {
				require.NoError(r, err)
				for _, d := range rows {
					at := placeOf(d)
					require.False(r, said[at], "a record is listed once")
					require.NotEqual(r, d, known[at], "what was said is not said again")
					said[at], known[at] = true, d
					if d.Action == Over {
						require.Equal(r, audit.Decision{Silo: "news", System: "crm", Source: d.Source, Object: d.Object,
							Record: d.Record, Action: Over}, d)
						delete(known, at)
					}
				}
			}
			require.Len(r, known, len(list))
			for _, d := range list {
				if readers == nil {
					d.Until, d.Due, d.FlaggedAt = "", "", time.Time{}
				}
				require.Equal(r, d, known[placeOf(d)])
			}
			before = list
		}
	})
}

// drawn is a list of decisions about few records, so that nights have much in common.
func drawn(r *rapid.T) (list []audit.Decision) {
	for i := range 6 {
		for _, source := range []string{"crm", "crm-2026-11-19.sql.gz"} {
			if rapid.Bool().Draw(r, "listed") {
				list = append(list, audit.Decision{Silo: "news", System: "crm", Source: source, Object: "signups",
					Record: audit.Ref{byte(i)}, Action: rapid.SampledFrom([]string{"delete", "keep"}).Draw(r, "action"),
					Due: rapid.SampledFrom([]string{"", "2026-11-20"}).Draw(r, "due"), Until: "2026-10-20",
					FlaggedAt: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)})
			}
		}
	}
	return list
}

func shuffled(r *rapid.T, list []audit.Decision) []audit.Decision {
	return rapid.Permutation(slices.Clone(list)).Draw(r, "order")
}

func inBatches(r *rapid.T, list []audit.Decision) iter.Seq2[[]audit.Decision, error] {
	n := rapid.IntRange(1, 5).Draw(r, "batch")
	return func(yield func([]audit.Decision, error) bool) {
		for rows := range slices.Chunk(list, n) {
			if !yield(rows, nil) {
				return
			}
		}
	}
}

// TestAListThatCannotBeReadEndsTheReport, whichever it is.
func TestAListThatCannotBeReadEndsTheReport(t *testing.T) {
	broken := func(yield func([]audit.Decision, error) bool) {
		_ = yield([]audit.Decision{{Record: audit.Ref{7}}}, nil) && yield(nil, errors.New("cut off"))
	}
	whole := func(yield func([]audit.Decision, error) bool) { yield([]audit.Decision{{Record: audit.Ref{7}}}, nil) }
	for _, p := range []Publication{{Decisions: broken, Before: whole}, {Decisions: whole, Before: broken}} {
		w := &publisher{Publication: p, folder: t.TempDir()}
		var err error
		for _, failed := range w.decisions() {
			err = errors.Join(err, failed)
		}
		require.ErrorContains(t, err, "cut off")
	}
}
