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
		k := LookupPhrase([]byte(c.token))
		require.Equal(t, c.has, k&c.has, c.token)
		require.Zero(t, k&c.not, c.token)
	}
	require.Zero(t, Lookup(nil))
	require.Zero(t, Lookup([]byte("xqzvkj")))
}
