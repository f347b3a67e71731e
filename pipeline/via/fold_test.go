package via

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/policy/subject"
)

var foldSeed = maphash.MakeSeed()

func folded(value string, mixed bool) uint64 {
	var h maphash.Hash
	h.SetSeed(foldSeed)
	writeFolded(&h, []byte(value), mixed)
	return h.Sum64()
}

func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"3", " 3", "3 ", "03", "+3", "3.0", "3.", "3e0", "30e-1", "0.3E1", "\t3", "３"},
		{"0", "00", "-0", "0.0", "0e7", "+0", ".0"}, {"-3", "-03.0", " -3"}, {"300", "3e2", "300.00"}, {"30"}, {".3", "0.3", "3e-1"},
		{"3a"}, {"3e"}, {"e3"}, {""}, {"-"}, {"."}, {"3 4"}, {"3e99999999999"}, {"3-"}, {"--3"}, {"key", "KEY", "Kéy", "key "},
		{"9007199254740993"}, {"9007199254740992", "9007199254740992.0"},
	} {
		for _, v := range same {
			require.Equal(t, folded(same[0], false), folded(v, false), "%q %q", same[0], v)
			for _, w := range []string{"7", "12", "no"} {
				require.NotEqual(t, folded(w, false), folded(v, false), "%q %q", w, v)
			}
		}
	}
	require.NotEqual(t, folded("9007199254740992", false), folded("9007199254740993", false))
	require.NotEqual(t, folded("3a", false), folded("3", false))
	for v, number := range map[string]string{"3a": "3", " 3 4": "3", "abc": "0", "": "0", "3e": "3", "-3x": "-3", "3": "3",
		"03.0": "3"} {
		require.Equal(t, folded(number, true), folded(v, true), v)
	}
}

// A number is one, however it is written, and no other.
func TestFoldOfNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rapid.Int64().Draw(rt, "a"), rapid.Int64().Draw(rt, "b")
		spelt := fmt.Sprint(a)
		zeros := rapid.IntRange(0, 3).Draw(rt, "zeros")
		spelt += strings.Repeat("0", zeros) + "." + strings.Repeat("0", rapid.IntRange(0, 3).Draw(rt, "fraction")) +
			fmt.Sprintf("e-%d", zeros)
		mixed := rapid.Bool().Draw(rt, "mixed")
		require.Equal(rt, folded(fmt.Sprint(a), mixed), folded(spelt, mixed), spelt)
		require.Equal(rt, a == b, folded(fmt.Sprint(a), mixed) == folded(fmt.Sprint(b), mixed))
	})
}

// Where numbers are compared with texts, only the engine knows which texts are which numbers.
func TestNumbersBesideTexts(t *testing.T) {
	for _, numbers := range []bool{false, true} {
		person := table("people", []string{"id"}, "id", "name", "boss")
		if numbers {
			person.Fields[0].Kind = connectors.Integer
		}
		p, err := Resolve(connectors.Tables{person, emails}, person, []subject.Via{inEmails}, nil)
		require.NoError(t, err)
		x := NewIndex(p, siloKey(t), nil, "IT", false)
		x.Observe(batch(t, emails, []string{"1", "7", "a@lago.it", "0"}, []string{"2", "7abc", "b@lago.it", "0"},
			[]string{"3", "8", "c@lago.it", "0"}, []string{"4", "8.0", "d@lago.it", "0"}, []string{"5", "9", "e@lago.it", "0"}))
		x.Close()
		for id, doubt := range map[string]bool{"7": numbers, "8": true, "9": false} {
			var f Found
			x.Row(batch(t, person, []string{id, "-", "-"}).Rows, 0, &f)
			require.Equal(t, doubt, f.Doubt, id)
			require.Len(t, f.Refs, 1, id)
		}
	}
}
