package chart

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// box is where a text of a drawing stands.
type box struct {
	text           string
	from, to, base float64
}

var texts = regexp.MustCompile(`<text x="([\d.-]+)" y="([\d.-]+)" class="([^"]*)"(?: text-anchor="(\w+)")?>([^<]*)</text>`)

func boxes(t require.TestingT, d Drawing) (list []box) {
	for _, m := range texts.FindAllStringSubmatch(string(d), -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		base, err := strconv.ParseFloat(m[2], 64)
		require.NoError(t, err)
		b := box{text: m[5], from: x, to: x + wide(m[5]), base: base}
		if m[4] == before {
			b.from, b.to = x-wide(m[5]), x
		}
		if m[4] == middle {
			b.from, b.to = x-wide(m[5])/2, x+wide(m[5])/2
		}
		list = append(list, b)
	}
	return list
}

func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "." + s[i:]
	}
	return s
}

// TestStepsAreReadable: no note is over another, and no number of the scale is cut, however large they are and however
// close the days.
func TestStepsAreReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := rapid.Int64Range(1, 40_000_000).Draw(t, "rows")
		s := Steps{Write: grouped, Steps: []Step{{Parts: []int64{left, 0}, Note: grouped(left) + " rows tonight"}}}
		day := 0
		for left > 0 {
			day += rapid.IntRange(1, 90).Draw(t, "days")
			if left -= rapid.Int64Range(1, left).Draw(t, "go"); len(s.Steps) > 5 {
				left = 0
			}
			note := fmt.Sprintf("%d Dec: %s", 1+day%31, grouped(left))
			s.Steps = append(s.Steps, Step{Day: day, Parts: []int64{left, 0}, Note: note})
		}
		said := map[string]bool{}
		list := boxes(t, s.Draw())
		for i, b := range list {
			said[b.text] = true
			require.GreaterOrEqual(t, b.from, 0.0, b.text)
			require.LessOrEqual(t, b.to, 345.0, b.text)
			for _, o := range list[:i] {
				apart := b.base-o.base >= 9 || o.base-b.base >= 9 || b.from >= o.to || o.from >= b.to
				require.Truef(t, apart, "%v is over %v", b, o)
			}
		}
		require.True(t, said[s.Steps[0].Note], "what is there tonight is always said")
		require.True(t, said[s.Steps[len(s.Steps)-1].Note], "and when nothing is left")
	})
}

// TestNumbersOfNightsAreWhole: the scale of large numbers has room.
func TestNumbersOfNightsAreWhole(t *testing.T) {
	for _, most := range []int64{0, 7, 3_746, 287_510, 30_003_746, 1_234_567_890} {
		s := Stack{Write: grouped, Layers: []Layer{{Name: "wait", Value: grouped(most), Values: []int64{most}}}}
		for _, b := range boxes(t, s.Draw()) {
			require.GreaterOrEqual(t, b.from, 0.0, b.text)
		}
	}
}
