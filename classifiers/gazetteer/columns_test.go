package gazetteer

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// column is one line of testdata/columns.txt.
type column struct {
	what, title string
	values      [][]byte
}

func columns(t *testing.T) []column {
	f, err := os.Open("testdata/columns.txt")
	require.NoError(t, err)
	defer f.Close()
	var out []column
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		fields := strings.SplitN(s.Text(), "|", 3)
		require.Len(t, fields, 3)
		c := column{what: fields[0], title: fields[1]}
		for v := range strings.SplitSeq(fields[2], ";") {
			c.values = append(c.values, []byte(v))
		}
		out = append(out, c)
	}
	return out
}

// mean averages a score over a column, each cell held between -4 and 4 as a judge
// of columns would, and says which share is above 0.
func mean(c column, score func([]byte) float64) (average, share float64) {
	for _, v := range c.values {
		s := score(v)
		average += max(-4, min(4, s))
		if s > 0 {
			share++
		}
	}
	n := float64(len(c.values))
	return average / n, share / n
}

func personScore(v []byte) float64 {
	_, _, s := PersonName(v)
	return s
}

// The point of PersonName: columns of persons and of anything else stay apart by
// their mean, although many of these names stand in no list.
func TestPersonNameSeparatesColumns(t *testing.T) {
	var persons, decoys []float64
	for _, c := range columns(t) {
		t.Run(c.what+" "+c.title, func(t *testing.T) {
			average, share := mean(c, personScore)
			t.Logf("mean %5.2f, above 0: %3.0f %%", average, 100*share)
			switch {
			case c.what != "person":
				decoys = append(decoys, average)
				require.Less(t, average, -0.4)
				require.LessOrEqual(t, share, 0.55) // German compounds ('Akkuschrauber') are nearest to surnames
			case strings.HasPrefix(c.title, "full names"):
				require.Greater(t, average, 2.5)
				require.GreaterOrEqual(t, share, 0.9)
			default:
				persons = append(persons, average)
				require.Greater(t, average, -0.4)
			}
		})
	}
	slices.Sort(persons)
	slices.Sort(decoys)
	require.Greater(t, persons[len(persons)/10], 0.1, "nine of ten columns of single names")
	require.Greater(t, persons[len(persons)/4], 0.5, "three of four columns of single names")
	require.Less(t, decoys[len(decoys)*9/10], -1.5, "nine of ten columns of anything else")
}

func TestStreetSeparatesColumns(t *testing.T) {
	for _, c := range columns(t) {
		t.Run(c.what+" "+c.title, func(t *testing.T) {
			average, share := mean(c, Street)
			t.Logf("mean %5.2f, above 0: %3.0f %%", average, 100*share)
			switch {
			case c.what == "street":
				require.Greater(t, average, 1.0)
				require.GreaterOrEqual(t, share, 0.85)
			case c.title != "addresses":
				require.Less(t, average, -1.0)
				require.LessOrEqual(t, share, 0.1)
			}
		})
	}
}

func TestPlacesSeparateColumns(t *testing.T) {
	for _, c := range columns(t) {
		t.Run(c.what+" "+c.title, func(t *testing.T) {
			city, cities := mean(c, CityScore)
			region, regions := mean(c, RegionScore)
			countries := 0.0
			for _, v := range c.values {
				if CountryName(v) {
					countries += 1 / float64(len(c.values))
				}
			}
			t.Logf("city %5.2f %3.0f %%, region %5.2f %3.0f %%, country %3.0f %%", city, 100*cities, region,
				100*regions, 100*countries)
			switch c.what {
			case "city":
				require.GreaterOrEqual(t, cities, 0.85)
				require.Greater(t, city, 1.5)
			case "region":
				require.GreaterOrEqual(t, regions, 0.9)
			case "country":
				require.InDelta(t, 1, countries, 0.001)
			case "person":
				require.LessOrEqual(t, cities, 0.3)
				require.LessOrEqual(t, regions, 0.3)
				require.LessOrEqual(t, countries, 0.05)
			}
		})
	}
}

// The model never saw testdata/heldout.txt: a fifth of all words, chosen by hash.
func TestNameScoreOnHeldOutWords(t *testing.T) {
	raw, err := os.ReadFile("testdata/heldout.txt")
	require.NoError(t, err)
	right, count := map[string]float64{}, map[string]float64{}
	for line := range strings.Lines(string(raw)) {
		class, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		count[class]++
		if (NameScore([]byte(word)) > 0) == (class == "name") {
			right[class]++
		}
	}
	require.Greater(t, count["name"], 1000.0)
	require.Greater(t, count["word"], 1000.0)
	require.Greater(t, right["name"]/count["name"], 0.78)
	require.Greater(t, right["word"]/count["word"], 0.82)
}

// What feeds the gazetteer must not feed its evaluation. The lists of packages are
// not here to compare with; the hand-written one is.
func TestEvaluationIsNotFed(t *testing.T) {
	raw, err := os.ReadFile("gen/lists/names.txt")
	require.NoError(t, err)
	fed := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		for name := range strings.SplitSeq(line, ",") {
			fed[strings.TrimSpace(name)] = true
		}
	}
	for _, c := range columns(t) {
		if !strings.HasPrefix(c.title, "surnames") {
			continue
		}
		for _, v := range c.values {
			require.False(t, fed[strings.ToLower(string(v))], "%s: %s", c.title, v)
		}
	}
}
