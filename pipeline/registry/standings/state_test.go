package standings

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
)

// drawFacts draws a history of one collection.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func drawFacts(t *rapid.T) []Fact {
	types := event.Types()
	n := rapid.IntRange(1, 12).Draw(t, "n")
	facts := make([]Fact, n)
	for i := range facts {
		from := noon.AddDate(0, 0, rapid.IntRange(-4, 2).Draw(t, "day"))
		f := Fact{Seq: int64(i + 1), Type: rapid.SampledFrom(types).Draw(t, "type"), From: event.Micros(from),
			Recorded: event.Micros(noon)}
		f.Occurred = f.From + rapid.Int64Range(0, 1).Draw(t, "late")*3600e6
		if f.Type.Kind().Purpose != event.WithoutPurpose {
			f.Purpose = rapid.SampledFrom([]string{"news", "profiling"}).Draw(t, "purpose")
			if f.Type.Kind().Purpose == event.OptionalPurpose && rapid.Bool().Draw(t, "all") {
				f.Purpose = ""
			}
		}
		if f.Type.Kind().Grants && rapid.Bool().Draw(t, "term") {
			f.Until = f.From + rapid.Int64Range(1, 3).Draw(t, "days")*86400e6
		}
		f.notice, f.Proof = f.Type.Kind().Grants && rapid.Bool().Draw(t, "notice"), rapid.Bool().Draw(t, "proof")
		f.minor = rapid.Bool().Draw(t, "minor")
		f.Marketing = f.Type == event.Objected && rapid.Bool().Draw(t, "marketing")
		f.Details.Hold = rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "hold")
		f.Details.Kind = rapid.SampledFrom([]string{cases.RequestAccess, cases.RequestErasure}).Draw(t, "kind")
		f.Details.Request = rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "request")
		f.Details.Due = rapid.SampledFrom([]int64{0, event.Micros(noon.AddDate(0, -2, 0)),
			event.Micros(noon)}).Draw(t, "due")
		if f.Type == event.Expired && rapid.Bool().Draw(t, "Lethe's own") {
			f.Details.Since = event.Micros(noon.AddDate(0, 0, rapid.IntRange(-4, 2).Draw(t, "of")))
		}
		facts[i] = f
	}
	return facts
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	purposes := map[string]event.Type{"news": "", "profiling": event.Withdrawn}
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		shuffled := rapid.Permutation(facts).Draw(t, "order")
		for i := range shuffled {
			shuffled[i].Seq = int64(i + 1)
		}
		var a, b policy.Standing
		StateAt(facts, noon, purposes, &a)
		StateAt(shuffled, noon, purposes, &b)
		require.Equal(t, a, b)
	})
}

// TestCompactForm stores what StateAt says and reads it back.
func TestCompactForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Standings{numbers: map[string]int{}, blocks: [][]byte{{0}}}
		var want []policy.Standing
		for i := range rapid.IntRange(1, 5).Draw(t, "collections") {
			var v policy.Standing
			StateAt(drawFacts(t), noon, map[string]event.Type{"news": ""}, &v)
			require.NoError(t, s.put(int64(i+1), &v))
			want = append(want, v)
		}
		var got policy.Standing
		for i := range want {
			require.True(t, s.At(int32(i+1), &got))
			if len(want[i].Purposes) == 0 {
				want[i].Purposes = got.Purposes
			}
			require.Equal(t, want[i], got)
		}
	})
}

func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[shortRef][]int32{}
		var refs []shortRef
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			ref := shortRef{rapid.Byte().Draw(t, "first"), 0, 0, 0, rapid.ByteRange(0, 2).Draw(t, "fifth")}
			if model[ref] == nil {
				refs = append(refs, ref)
			}
			model[ref] = append(model[ref], int32(len(model[ref])+1))
		}
		var x index
		slices.SortFunc(refs, func(a, b shortRef) int { return bytes.Compare(a[:], b[:]) })
		for _, ref := range refs {
			for _, c := range model[ref] {
				x.add(ref, c)
			}
		}
		x.finish(nil)
		for ref, want := range model {
			require.Equal(t, want, x.collections(nil, x.find(&ref), &ref))
		}
		require.Zero(t, x.find(&shortRef{1, 2, 3, 4, 5}))
	})
}

func TestStateAt(t *testing.T) {
	d := func(n int) int64 { return event.Micros(noon.AddDate(0, 0, n)) }
	on := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	happened := func(typ event.Type, at int) Fact {
		return Fact{Type: typ, Purpose: "news", Occurred: d(at), From: d(at), Recorded: d(0), notice: true, Proof: true}
	}
	tests := []struct {
		name  string
		facts []Fact
		want  policy.PurposeStanding
	}{
		{"withdrawn then renewed", []Fact{happened(event.Given, -9), happened(event.Withdrawn, -5),
			happened(event.Renewed, -2)},
			policy.PurposeStanding{State: policy.Renewed, Since: on(-2), Proven: true}},
		{"no proof takes none away", []Fact{happened(event.Given, -9),
			{Type: event.Given, Purpose: "news", Occurred: d(-2), From: d(-2), Recorded: d(0), notice: true}},
			policy.PurposeStanding{State: policy.Given, Since: on(-9), Proven: true}},
		{"no proof after the end of what was proven",
			[]Fact{{Type: event.Given, Purpose: "news", Occurred: d(-9), From: d(-9), Until: d(-3), Recorded: d(-9),
				notice: true, Proof: true},
				{Type: event.Given, Purpose: "news", Occurred: d(-2), From: d(-2), Recorded: d(0), notice: true}},
			policy.PurposeStanding{State: policy.Given, Since: on(-2)}},
		{"same instant: the withdrawal wins", []Fact{happened(event.Withdrawn, -5), happened(event.Given, -5)},
			policy.PurposeStanding{State: policy.Withdrawn, Since: on(-5), Proven: true}},
		{"a future consent", []Fact{effective(happened(event.Given, -1), d(3))}, policy.PurposeStanding{Future: true}},
		{"a scheduled withdrawal is not yet effective",
			[]Fact{happened(event.Given, -3), effective(happened(event.Withdrawn, -1), d(2))},
			policy.PurposeStanding{State: policy.Given, Since: on(-3), Proven: true}},
		{"an impossible clock is not trusted",
			[]Fact{{Type: event.Given, Purpose: "news", Occurred: d(0) + 301e6, From: d(-4), Recorded: d(0)}},
			policy.PurposeStanding{Future: true, ImpossibleClock: true}},
		{"a withdrawal in another zone counts from when it was recorded",
			[]Fact{happened(event.Given, -3), with(happened(event.Withdrawn, 0), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(-1)+14*3600e6, d(-1)+14*3600e6, d(-1)
			})}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(-1), Proven: true}},
		{"and is renewed after it", []Fact{happened(event.Renewed, 0), with(happened(event.Withdrawn, 0), func(f *Fact) {
			f.Occurred, f.From, f.Recorded = d(2), d(2), d(-1)
		})}, policy.PurposeStanding{State: policy.Renewed, Since: on(0), Proven: true, ImpossibleClock: true}},
		{"a withdrawal of another year counts from when it was recorded, and is looked at",
			[]Fact{happened(event.Given, -3), with(happened(event.Withdrawn, -1), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(400), d(410), d(-1)
			})}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(-1), Proven: true, ImpossibleClock: true}},
		{"a clock that is minutes ahead lets nobody be mailed until then",
			[]Fact{happened(event.Given, -3), with(happened(event.Withdrawn, 0), func(f *Fact) {
				f.Occurred, f.From = d(0)+200e6, d(0)+200e6
			})}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(0), Proven: true}},
		{"an objection of another year", []Fact{with(happened(event.Objected, -1), func(f *Fact) {
			f.Occurred, f.From, f.Recorded = d(400), d(400), d(-1)
		})}, policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: on(-1), ImpossibleClock: true}},
		{"the night that takes in a no of today counts it",
			[]Fact{happened(event.Given, -3), with(happened(event.Withdrawn, 0), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(0)+6*3600e6, d(0)+6*3600e6, d(0)+2e6
			})}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(0), Proven: true}},
		{"who asks days before it was recorded does not hear of it",
			[]Fact{happened(event.Given, -3), with(happened(event.Withdrawn, 0), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(2)+6*3600e6, d(2)+6*3600e6, d(2)
			})}, policy.PurposeStanding{State: policy.Given, Since: on(-3), Proven: true}},
		{"no consent given in between outlives a no that is said to lie ahead and to hold since before",
			[]Fact{happened(event.Given, -1), with(happened(event.Withdrawn, 0), func(f *Fact) {
				f.Occurred, f.From = d(0)+6*3600e6, d(-9)
			})}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(0), Proven: true}},
		{"an answer of the same day", []Fact{
			with(happened(event.Objected, -1), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(-1)+6*3600e6, d(-1)+6*3600e6, d(-1)
			}),
			with(happened(event.ObjectionOverridden, -1), func(f *Fact) {
				f.Occurred, f.From, f.Recorded = d(-1)+6*3600e6, d(-1)+6*3600e6, d(-1)
			})}, policy.PurposeStanding{Objection: policy.ObjectionOverridden, ObjectedAt: on(-1)}},
		{"an answer of another year is not relied on", []Fact{happened(event.Objected, -1),
			with(happened(event.ObjectionOverridden, -1), func(f *Fact) { f.Occurred, f.From = d(400), d(400) })},
			policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: on(-1), ImpossibleClock: true}},
		{"five minutes are tolerated", []Fact{{Type: event.Given, Purpose: "news", Occurred: d(0) + 300e6,
			From: d(-4), Recorded: d(0)}},
			policy.PurposeStanding{State: policy.Given, Since: on(-4)}},
		{"past its end it reads expired",
			[]Fact{{Type: event.Given, Purpose: "news", Occurred: d(-9), From: d(-9), Until: d(0), Recorded: d(-9),
				notice: true}},
			policy.PurposeStanding{State: policy.Expired, Since: on(0), Until: on(0)}},
		{"an objection decided", []Fact{happened(event.Objected, -9), happened(event.ObjectionOverridden, -2)},
			policy.PurposeStanding{Objection: policy.ObjectionOverridden, ObjectedAt: on(-9)}},
		{"marketing cannot be overridden",
			[]Fact{{Type: event.Objected, Purpose: "news", Marketing: true, Occurred: d(-9), From: d(-9),
				Recorded: d(-9)}, happened(event.ObjectionOverridden, -2)},
			policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: on(-9), Marketing: true}},
		{"a basis ended", []Fact{happened(event.BasisStarted, -9), happened(event.BasisEnded, -2)},
			policy.PurposeStanding{Started: on(-9), Ended: on(-2)}},
		{"a basis begun again", []Fact{happened(event.BasisStarted, -9), happened(event.BasisEnded, -5),
			happened(event.BasisStarted, -2)}, policy.PurposeStanding{Started: on(-2)}},
	}
	own := func(at, since int) Fact {
		f := happened(event.Expired, at)
		f.notice, f.Proof, f.Details.Since = false, false, d(since)
		return f
	}
	bare := func(f Fact) Fact {
		f.Proof = false
		return f
	}
	of := func(f Fact, purpose string) Fact {
		f.Purpose = purpose
		return f
	}
	tests = append(tests, []struct {
		name  string
		facts []Fact
		want  policy.PurposeStanding
	}{
		{"Lethe ended it, and news of a withdrawal at its beginning came late",
			[]Fact{happened(event.Given, -9), own(-3, -9), happened(event.Withdrawn, -9)},
			policy.PurposeStanding{State: policy.Withdrawn, Since: on(-9), Proven: true}},
		{"Lethe ended what was proven", []Fact{happened(event.Given, -9), own(-3, -9)},
			policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"Lethe ended what was not", []Fact{bare(happened(event.Given, -9)), own(-3, -9)},
			policy.PurposeStanding{State: policy.Expired, Since: on(-3)}},
		{"the application ended what was proven",
			[]Fact{happened(event.Given, -9), bare(happened(event.Expired, -3))},
			policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"proof came after Lethe had ended it", []Fact{bare(happened(event.Given, -9)), own(-3, -9),
			happened(event.Given, -9)}, policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"the parents authorised this purpose", []Fact{happened(event.ParentalAuthorised, -9)},
			policy.PurposeStanding{Parental: true}},
		{"a withdrawal of today, said to hold since before the consent",
			[]Fact{happened(event.Given, -5), effective(happened(event.Withdrawn, -1), d(-9))},
			policy.PurposeStanding{State: policy.Withdrawn, Since: on(-1), Proven: true}},
		{"an objection of another purpose was upheld for all that was objected to",
			[]Fact{happened(event.BasisStarted, -9), of(happened(event.Objected, -5), "profiling"),
				of(happened(event.ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection of another purpose was overridden", []Fact{happened(event.BasisStarted, -9),
			of(happened(event.Objected, -5), "profiling"), of(happened(event.ObjectionOverridden, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection that nobody recorded was upheld", []Fact{happened(event.BasisStarted, -9),
			of(happened(event.ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9), Objection: policy.ObjectionUpheld, ObjectedAt: on(-2)}},
		{"an objection that nobody recorded was overridden", []Fact{happened(event.BasisStarted, -9),
			of(happened(event.ObjectionOverridden, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection to all marketing was upheld", []Fact{happened(event.BasisStarted, -9),
			of(with(happened(event.Objected, -5), func(f *Fact) { f.Marketing = true }), ""),
			of(happened(event.ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection upheld has the day on which it was raised",
			[]Fact{happened(event.Objected, -9), happened(event.ObjectionUpheld, -2)},
			policy.PurposeStanding{Objection: policy.ObjectionUpheld, ObjectedAt: on(-9)}},
		{"told twice, once with an end",
			[]Fact{happened(event.Given, -9), with(happened(event.Given, -9), func(f *Fact) { f.Until = d(-3) })},
			policy.PurposeStanding{State: policy.Expired, Since: on(-3), Until: on(-3), Proven: true}},
		{"erasure asked by an impossible clock is seen where nothing else is known",
			[]Fact{of(Fact{Type: event.ErasureRequested, Occurred: d(2), From: d(-1), Recorded: d(0)}, "")},
			policy.PurposeStanding{ImpossibleClock: true}},
	}...)
	t.Run("an objection to all marketing is to no purpose", func(t *testing.T) {
		var s policy.Standing
		StateAt([]Fact{happened(event.Given, -9), {Type: event.Objected, Marketing: true, Occurred: d(-5),
			From: d(-5), Recorded: d(-5)}, {Type: event.Withdrawn, Occurred: d(-2), From: d(-2), Recorded: d(-2)}},
			noon,
			map[string]event.Type{"news": "", "reply": ""}, &s)
		require.Equal(t, []policy.PurposeStanding{
			{Objection: policy.ObjectionPending, ObjectedAt: on(-5), Marketing: true},
			{Purpose: "news", State: policy.Withdrawn, Since: on(-2)},
			{Purpose: "reply", State: policy.Withdrawn, Since: on(-2)}}, s.Purposes)
	})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s policy.Standing
			StateAt(test.facts, noon, map[string]event.Type{"news": ""}, &s)
			test.want.Purpose = "news"
			s.Purposes = slices.DeleteFunc(s.Purposes,
				func(p policy.PurposeStanding) bool { return p.Purpose != "news" })
			require.Equal(t, []policy.PurposeStanding{test.want}, s.Purposes)
		})
	}
	t.Run("a child that has come of age is one again where another consent says so", func(t *testing.T) {
		minor := with(happened(event.Given, -5), func(f *Fact) { f.minor = true })
		var s policy.Standing
		StateAt([]Fact{of(happened(event.AgeReached, -9), ""), minor}, noon, map[string]event.Type{"news": ""}, &s)
		require.True(t, s.Minor)
		require.Zero(t, s.Aged)
		StateAt([]Fact{minor, of(happened(event.AgeReached, -2), "")}, noon, map[string]event.Type{"news": ""}, &s)
		require.Equal(t, on(-2), s.Aged)
	})
	t.Run("collected is when the person first acted, not when that took effect", func(t *testing.T) {
		var s policy.Standing
		StateAt([]Fact{effective(happened(event.Given, -9), d(-1)), happened(event.Withdrawn, -2)}, noon,
			map[string]event.Type{"news": ""}, &s)
		require.Equal(t, on(-9), s.Collected)
	})
	t.Run("of several requests for erasure those that are open count", func(t *testing.T) {
		asked := func(typ event.Type, at int, request string) Fact {
			return Fact{Type: typ, Occurred: d(at), From: d(at), Recorded: d(at),
				Details: event.Details{Request: request, Kind: cases.RequestErasure}}
		}
		for _, test := range []struct {
			name  string
			facts []Fact
			want  time.Time
		}{
			{"one of two is closed", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.ErasureRequested, -5, "r2"), asked(event.RequestClosed, -2, "r1")}, on(-5)},
			{"the later of two is closed", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.ErasureRequested, -5, "r2"), asked(event.RequestClosed, -2, "r2")}, on(-9)},
			{"one of two is refused", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.ErasureRequested, -5, "r2"), asked(event.ErasureRefused, -2, "r1")}, on(-5)},
			{"both are open", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.ErasureRequested, -5, "r2")}, on(-5)},
			{"closing one answers what an application told before", []Fact{asked(event.ErasureRequested, -9, ""),
				asked(event.ErasureRequested, -9, "r1"), asked(event.RequestClosed, -2, "r1")}, time.Time{}},
			{"but not what it tells after", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.RequestClosed, -5, "r1"), asked(event.ErasureRequested, -2, "")}, on(-2)},
			{"an application's refusal refuses all", []Fact{asked(event.ErasureRequested, -9, "r1"),
				asked(event.ErasureRequested, -8, ""), asked(event.ErasureRefused, -2, "")}, time.Time{}},
		} {
			var s policy.Standing
			StateAt(test.facts, noon, map[string]event.Type{"news": ""}, &s)
			require.Equal(t, test.want, s.Erasure, test.name)
		}
	})
	t.Run("withdrawing everything reaches purposes without events", func(t *testing.T) {
		var s policy.Standing
		StateAt([]Fact{{Type: event.Withdrawn, Occurred: d(-1), From: d(-1), Recorded: d(-1)}}, noon,
			map[string]event.Type{"a": "", "b": ""}, &s)
		require.Len(t, s.Purposes, 2)
		require.Equal(t, policy.Withdrawn, s.Purposes[1].State)
	})
	t.Run("the rule's own event ends", func(t *testing.T) {
		var s policy.Standing
		StateAt([]Fact{happened(event.Given, -9), happened(event.Withdrawn, -3), happened(event.BasisEnded, -1)},
			noon, map[string]event.Type{"news": event.Withdrawn}, &s)
		require.Equal(t, on(-3), s.Purposes[0].Ended)
	})
}

// with copies what it changes.
func with(f Fact, change func(*Fact)) Fact {
	change(&f)
	return f
}

// effective moves when an event takes effect.
func effective(f Fact, from int64) Fact {
	f.From = from
	return f
}
