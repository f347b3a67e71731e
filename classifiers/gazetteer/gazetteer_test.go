package gazetteer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		token string
		has   Kind
		not   Kind
	}{
		{"Mary", Given, Company},
		{"MÜLLER", Family, Company},
		{"mueller", Family, Company},
		{"Петров", Family, City},
		{"Παπαδόπουλος", Family, City},
		{"O'Brien", Family, City},
		{"O’Brien", Family, City},
		{"rose", Given | Family | Common, 0},
		{"New York", City, Given},
		{"new-york", City, Given},
		{"Deutschland", Country, Given},
		{"Côte d'Ivoire", Country, Given},
		{"Emilia-Romagna", Region, Given},
		{"S.p.A.", LegalForm, Given},
		{"sp. z o.o.", LegalForm, Given},
		{"Dott.ssa", Honorific, Given},
		{"giovedì", Calendar, Family},
		{"ul.", Thoroughfare | StreetFirst, Given},
		{"Lane", Thoroughfare, StreetFirst},
		{"van", Particle, Country},
		{"invoice", Common, Given | Family},
		{"佐藤", Family, City},
	} {
		k := Lookup([]byte(c.token))
		require.Equal(t, c.has, k&c.has, c.token)
		require.Zero(t, k&c.not, c.token)
	}
	require.Zero(t, Lookup(nil))
	require.Zero(t, Lookup([]byte("xqzvkj")))
}

func TestPersonName(t *testing.T) {
	for _, c := range []struct {
		cell          string
		given, family bool
		least, most   float64
	}{
		{"Mary", true, false, 0, 8},
		{"SMITH", false, true, 0.5, 8},
		{"Thomas", true, true, 1, 8},
		{"Smith, John", true, true, 3, 8},
		{"John Smith", true, true, 3, 8},
		{"Dr. Anna-Lena Müller", true, true, 4, 8},
		{"O'Brien", false, true, 0.5, 8},
		{"van der Berg", false, true, 1, 8},
		{"J. R. R. Tolkien", false, true, 1, 8},
		{"María José García López", true, true, 4, 8},
		{"Иван Петров", true, true, 4, 8},
		{"王小明", false, true, 0.5, 8},
		{"김민수", true, true, 2, 8},
		{"佐藤健", true, true, 2, 8},
		{"\"Smith, John\" ", true, true, 3, 8},
		{"Jean-Claude Van Damme", true, true, 2, 8},
		{"Rossi Mario Srl", false, false, -8, -6},
		{"Müller GmbH", false, false, -8, -6},
		{"ООО Петров", false, false, -8, -6},
		{"Johnson & Johnson", false, false, -8, -3},
		{"Mary 2", false, false, -8, -5},
		{"mary.smith@example.com", false, false, -8, -5},
		{"Monday", false, false, -8, -1},
		{"Germany", false, false, -8, -2},
		{"Los Angeles", true, false, -8, -1},
		{"blue", true, true, -8, -1},
		{"Sales Manager", false, false, -8, -3},
		{"Highway to Hell", false, true, -8, -3},
		{"A", false, false, -8, -3},
		{"", false, false, -8, -3},
		{"J. R.", false, false, -8, -0.5},
	} {
		given, family, score := PersonName([]byte(c.cell))
		require.GreaterOrEqual(t, score, c.least, c.cell)
		require.LessOrEqual(t, score, c.most, c.cell)
		if score > 0 {
			require.Equal(t, c.given, given, c.cell)
			require.Equal(t, c.family, family, c.cell)
		}
	}
}

func TestFoldingMakesSpellingsOne(t *testing.T) {
	for _, same := range [][]string{
		{"Müller", "MÜLLER", "mu\u0308ller", "muller"},
		{"Łukasz", "LUKASZ", "łukasz"},
		{"Иванов", "ИВАНОВ", "Ivanov"},
		{"Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "Papadopoulos"},
		{"D'Amico", "D’Amico", "Damico"},
		{"Jean-Luc", "jean luc", "JEAN  LUC"},
	} {
		for _, other := range same[1:] {
			require.InDelta(t, NameScore([]byte(same[0])), NameScore([]byte(other)), 1e-9, other)
			require.Equal(t, Lookup([]byte(same[0])), Lookup([]byte(other)), other)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	cells := [][]byte{[]byte("María José García López"), []byte("ul. Długa 5/7, Хрещатик"), []byte("1012 AB Amsterdam"),
		[]byte("王小明"), []byte("Korea, Republic of")}
	allocs := testing.AllocsPerRun(20, func() {
		for _, c := range cells {
			Lookup(c)
			NameScore(c)
			PersonName(c)
			Street(c)
			CityScore(c)
			RegionScore(c)
			CountryName(c)
		}
	})
	require.Zero(t, allocs)
}

// Whatever the bytes, the functions answer within their bounds.
func FuzzCells(f *testing.F) {
	for _, s := range []string{"", "Mary", "23 Workhaven Lane", "\xff\xfe", "王小明", "a.b.c.d.e.f.g.h.i.j.k.l.m.n", "(,",
		"12,", "ß", ", TX", "  \" ", "O'", "'"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		_, _, person := PersonName(cell)
		for name, score := range map[string]float64{
			"person": person, "street": Street(cell), "city": CityScore(cell), "region": RegionScore(cell),
			"name": NameScore(cell),
		} {
			require.LessOrEqual(t, score, 8.0, name)
			require.GreaterOrEqual(t, score, -8.0, name)
		}
		CountryName(cell)
		Lookup(cell)
	})
}
