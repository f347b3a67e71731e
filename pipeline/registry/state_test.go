package registry

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
)

// drawFacts draws a history of one collection.
func drawFacts(t *rapid.T) []fact {
	types := make([]EventType, 0, len(kinds))
	for typ := range kinds {
		types = append(types, typ)
	}
	slices.Sort(types)
	n := rapid.IntRange(1, 12).Draw(t, "n")
	facts := make([]fact, n)
	for i := range facts {
		from := noon.AddDate(0, 0, rapid.IntRange(-4, 2).Draw(t, "day"))
		f := fact{seq: int64(i + 1), typ: rapid.SampledFrom(types).Draw(t, "type"), from: micros(from), recorded: micros(noon)}
		f.occurred = f.from + rapid.Int64Range(0, 1).Draw(t, "late")*3600e6
		if f.typ.kind().purpose != noPurpose {
			f.purpose = rapid.SampledFrom([]string{"news", "profiling"}).Draw(t, "purpose")
			if f.typ.kind().purpose == optionalPurpose && rapid.Bool().Draw(t, "all") {
				f.purpose = ""
			}
		}
		if f.typ.kind().grants && rapid.Bool().Draw(t, "term") {
			f.until = f.from + rapid.Int64Range(1, 3).Draw(t, "days")*86400e6
		}
		f.notice, f.proof = f.typ.kind().grants && rapid.Bool().Draw(t, "notice"), rapid.Bool().Draw(t, "proof")
		f.minor = rapid.Bool().Draw(t, "minor")
		f.marketing = f.typ == Objected && rapid.Bool().Draw(t, "marketing")
		f.details.Hold = rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "hold")
		f.details.Kind = rapid.SampledFrom([]string{RequestAccess, RequestErasure}).Draw(t, "kind")
		f.details.Request = rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "request")
		f.details.Due = rapid.SampledFrom([]int64{0, micros(noon.AddDate(0, -2, 0)), micros(noon)}).Draw(t, "due")
		if f.typ == Expired && rapid.Bool().Draw(t, "Lethe's own") {
			f.details.Since = micros(noon.AddDate(0, 0, rapid.IntRange(-4, 2).Draw(t, "of")))
		}
		facts[i] = f
	}
	return facts
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	purposes := map[string]EventType{"news": "", "profiling": Withdrawn}
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		shuffled := rapid.Permutation(facts).Draw(t, "order")
		for i := range shuffled {
			shuffled[i].seq = int64(i + 1)
		}
		var a, b policy.Standing
		stateAt(facts, noon, purposes, &a)
		stateAt(shuffled, noon, purposes, &b)
		require.Equal(t, a, b)
	})
}

// TestCompactForm stores what stateAt says and reads it back.
func TestCompactForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Standings{numbers: map[string]int{}, blocks: [][]byte{{0}}}
		var want []policy.Standing
		for i := range rapid.IntRange(1, 5).Draw(t, "collections") {
			var v policy.Standing
			stateAt(drawFacts(t), noon, map[string]EventType{"news": ""}, &v)
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
		x.finish()
		for ref, want := range model {
			require.Equal(t, want, x.collections(nil, x.find(&ref), &ref))
		}
		require.Zero(t, x.find(&shortRef{1, 2, 3, 4, 5}))
	})
}

func TestStateAt(t *testing.T) {
	d := func(n int) int64 { return micros(noon.AddDate(0, 0, n)) }
	on := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	event := func(typ EventType, at int) fact {
		return fact{typ: typ, purpose: "news", occurred: d(at), from: d(at), recorded: d(0), notice: true, proof: true}
	}
	tests := []struct {
		name  string
		facts []fact
		want  policy.PurposeStanding
	}{
		{"withdrawn then renewed", []fact{event(Given, -9), event(Withdrawn, -5), event(Renewed, -2)},
			policy.PurposeStanding{State: policy.Renewed, Since: on(-2), Proven: true}},
		{"no proof takes none away", []fact{event(Given, -9), {typ: Given, purpose: "news", occurred: d(-2), from: d(-2), recorded: d(0), notice: true}},
			policy.PurposeStanding{State: policy.Given, Since: on(-9), Proven: true}},
		{"no proof after the end of what was proven", []fact{{typ: Given, purpose: "news", occurred: d(-9), from: d(-9), until: d(-3), recorded: d(-9), notice: true, proof: true},
			{typ: Given, purpose: "news", occurred: d(-2), from: d(-2), recorded: d(0), notice: true}},
			policy.PurposeStanding{State: policy.Given, Since: on(-2)}},
		{"same instant: the withdrawal wins", []fact{event(Withdrawn, -5), event(Given, -5)}, policy.PurposeStanding{State: policy.Withdrawn, Since: on(-5), Proven: true}},
		{"a future consent", []fact{effective(event(Given, -1), d(3))}, policy.PurposeStanding{Future: true}},
		{"a scheduled withdrawal is not yet effective", []fact{event(Given, -3), effective(event(Withdrawn, -1), d(2))},
			policy.PurposeStanding{State: policy.Given, Since: on(-3), Proven: true}},
		{"an impossible clock is not trusted", []fact{{typ: Given, purpose: "news", occurred: d(0) + 301e6, from: d(-4), recorded: d(0)}},
			policy.PurposeStanding{Future: true, ImpossibleClock: true}},
		{"five minutes are tolerated", []fact{{typ: Given, purpose: "news", occurred: d(0) + 300e6, from: d(-4), recorded: d(0)}},
			policy.PurposeStanding{State: policy.Given, Since: on(-4)}},
		{"past its end it reads expired", []fact{{typ: Given, purpose: "news", occurred: d(-9), from: d(-9), until: d(0), recorded: d(-9), notice: true}},
			policy.PurposeStanding{State: policy.Expired, Since: on(0), Until: on(0)}},
		{"an objection decided", []fact{event(Objected, -9), event(ObjectionOverridden, -2)},
			policy.PurposeStanding{Objection: policy.ObjectionOverridden, ObjectedAt: on(-9)}},
		{"marketing cannot be overridden", []fact{{typ: Objected, purpose: "news", marketing: true, occurred: d(-9), from: d(-9), recorded: d(-9)}, event(ObjectionOverridden, -2)},
			policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: on(-9), Marketing: true}},
		{"a basis ended", []fact{event(BasisStarted, -9), event(BasisEnded, -2)}, policy.PurposeStanding{Started: on(-9), Ended: on(-2)}},
		{"a basis begun again", []fact{event(BasisStarted, -9), event(BasisEnded, -5), event(BasisStarted, -2)}, policy.PurposeStanding{Started: on(-2)}},
	}
	own := func(at, since int) fact {
		f := event(Expired, at)
		f.notice, f.proof, f.details.Since = false, false, d(since)
		return f
	}
	bare := func(f fact) fact {
		f.proof = false
		return f
	}
	of := func(f fact, purpose string) fact {
		f.purpose = purpose
		return f
	}
	tests = append(tests, []struct {
		name  string
		facts []fact
		want  policy.PurposeStanding
	}{
		{"Lethe ended it, and news of a withdrawal at its beginning came late", []fact{event(Given, -9), own(-3, -9), event(Withdrawn, -9)},
			policy.PurposeStanding{State: policy.Withdrawn, Since: on(-9), Proven: true}},
		{"Lethe ended what was proven", []fact{event(Given, -9), own(-3, -9)}, policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"Lethe ended what was not", []fact{bare(event(Given, -9)), own(-3, -9)}, policy.PurposeStanding{State: policy.Expired, Since: on(-3)}},
		{"the application ended what was proven", []fact{event(Given, -9), bare(event(Expired, -3))}, policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"proof came after Lethe had ended it", []fact{bare(event(Given, -9)), own(-3, -9), event(Given, -9)}, policy.PurposeStanding{State: policy.Expired, Since: on(-3), Proven: true}},
		{"the parents authorised this purpose", []fact{event(ParentalAuthorised, -9)}, policy.PurposeStanding{Parental: true}},
		{"a withdrawal of today, said to hold since before the consent", []fact{event(Given, -5), effective(event(Withdrawn, -1), d(-9))},
			policy.PurposeStanding{State: policy.Withdrawn, Since: on(-1), Proven: true}},
		{"an objection of another purpose was upheld for all that was objected to", []fact{event(BasisStarted, -9), of(event(Objected, -5), "profiling"), of(event(ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection of another purpose was overridden", []fact{event(BasisStarted, -9), of(event(Objected, -5), "profiling"), of(event(ObjectionOverridden, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection that nobody recorded was upheld", []fact{event(BasisStarted, -9), of(event(ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9), Objection: policy.ObjectionUpheld, ObjectedAt: on(-2)}},
		{"an objection that nobody recorded was overridden", []fact{event(BasisStarted, -9), of(event(ObjectionOverridden, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection to all marketing was upheld", []fact{event(BasisStarted, -9), of(with(event(Objected, -5), func(f *fact) { f.marketing = true }), ""), of(event(ObjectionUpheld, -2), "")},
			policy.PurposeStanding{Started: on(-9)}},
		{"an objection upheld has the day on which it was raised", []fact{event(Objected, -9), event(ObjectionUpheld, -2)}, policy.PurposeStanding{Objection: policy.ObjectionUpheld, ObjectedAt: on(-9)}},
		{"told twice, once with an end", []fact{event(Given, -9), with(event(Given, -9), func(f *fact) { f.until = d(-3) })},
			policy.PurposeStanding{State: policy.Expired, Since: on(-3), Until: on(-3), Proven: true}},
		{"erasure asked by an impossible clock is seen where nothing else is known", []fact{of(fact{typ: ErasureRequested, occurred: d(1), from: d(-1), recorded: d(0)}, "")},
			policy.PurposeStanding{ImpossibleClock: true}},
	}...)
	t.Run("an objection to all marketing is to no purpose", func(t *testing.T) {
		var s policy.Standing
		stateAt([]fact{event(Given, -9), {typ: Objected, marketing: true, occurred: d(-5), from: d(-5), recorded: d(-5)}, {typ: Withdrawn, occurred: d(-2), from: d(-2), recorded: d(-2)}}, noon,
			map[string]EventType{"news": "", "reply": ""}, &s)
		require.Equal(t, []policy.PurposeStanding{
			{Objection: policy.ObjectionPending, ObjectedAt: on(-5), Marketing: true},
			{Purpose: "news", State: policy.Withdrawn, Since: on(-2)},
			{Purpose: "reply", State: policy.Withdrawn, Since: on(-2)}}, s.Purposes)
	})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s policy.Standing
			stateAt(test.facts, noon, map[string]EventType{"news": ""}, &s)
			test.want.Purpose = "news"
			s.Purposes = slices.DeleteFunc(s.Purposes, func(p policy.PurposeStanding) bool { return p.Purpose != "news" })
			require.Equal(t, []policy.PurposeStanding{test.want}, s.Purposes)
		})
	}
	t.Run("a child that has come of age is one again where another consent says so", func(t *testing.T) {
		minor := with(event(Given, -5), func(f *fact) { f.minor = true })
		var s policy.Standing
		stateAt([]fact{of(event(AgeReached, -9), ""), minor}, noon, map[string]EventType{"news": ""}, &s)
		require.True(t, s.Minor)
		require.Zero(t, s.Aged)
		stateAt([]fact{minor, of(event(AgeReached, -2), "")}, noon, map[string]EventType{"news": ""}, &s)
		require.Equal(t, on(-2), s.Aged)
	})
	t.Run("collected is when the person first acted, not when that took effect", func(t *testing.T) {
		var s policy.Standing
		stateAt([]fact{effective(event(Given, -9), d(-1)), event(Withdrawn, -2)}, noon, map[string]EventType{"news": ""}, &s)
		require.Equal(t, on(-9), s.Collected)
	})
	t.Run("of several requests for erasure those that are open count", func(t *testing.T) {
		asked := func(typ EventType, at int, request string) fact {
			return fact{typ: typ, occurred: d(at), from: d(at), recorded: d(at), details: details{Request: request, Kind: RequestErasure}}
		}
		for _, test := range []struct {
			name  string
			facts []fact
			want  time.Time
		}{
			{"one of two is closed", []fact{asked(ErasureRequested, -9, "r1"), asked(ErasureRequested, -5, "r2"), asked(RequestClosed, -2, "r1")}, on(-5)},
			{"the later of two is closed", []fact{asked(ErasureRequested, -9, "r1"), asked(ErasureRequested, -5, "r2"), asked(RequestClosed, -2, "r2")}, on(-9)},
			{"one of two is refused", []fact{asked(ErasureRequested, -9, "r1"), asked(ErasureRequested, -5, "r2"), asked(ErasureRefused, -2, "r1")}, on(-5)},
			{"both are open", []fact{asked(ErasureRequested, -9, "r1"), asked(ErasureRequested, -5, "r2")}, on(-5)},
			{"closing one answers what an application told before", []fact{asked(ErasureRequested, -9, ""), asked(ErasureRequested, -9, "r1"), asked(RequestClosed, -2, "r1")}, time.Time{}},
			{"but not what it tells after", []fact{asked(ErasureRequested, -9, "r1"), asked(RequestClosed, -5, "r1"), asked(ErasureRequested, -2, "")}, on(-2)},
			{"an application's refusal refuses all", []fact{asked(ErasureRequested, -9, "r1"), asked(ErasureRequested, -8, ""), asked(ErasureRefused, -2, "")}, time.Time{}},
		} {
			var s policy.Standing
			stateAt(test.facts, noon, map[string]EventType{"news": ""}, &s)
			require.Equal(t, test.want, s.Erasure, test.name)
		}
	})
	t.Run("withdrawing everything reaches purposes without events", func(t *testing.T) {
		var s policy.Standing
		stateAt([]fact{{typ: Withdrawn, occurred: d(-1), from: d(-1), recorded: d(-1)}}, noon, map[string]EventType{"a": "", "b": ""}, &s)
		require.Len(t, s.Purposes, 2)
		require.Equal(t, policy.Withdrawn, s.Purposes[1].State)
	})
	t.Run("the rule's own event ends", func(t *testing.T) {
		var s policy.Standing
		stateAt([]fact{event(Given, -9), event(Withdrawn, -3), event(BasisEnded, -1)}, noon, map[string]EventType{"news": Withdrawn}, &s)
		require.Equal(t, on(-3), s.Purposes[0].Ended)
	})
}

// with copies what it changes.
func with(f fact, change func(*fact)) fact {
	change(&f)
	return f
}

// effective moves when an event takes effect.
func effective(f fact, from int64) fact {
	f.from = from
	return f
}
