package classifiers_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// repeat makes rows out of a few answers.
func repeat(answers string, n int) []string {
	all := strings.Split(answers, ",")
	col := make([]string, n)
	for i := range col {
		col[i] = all[i*7%len(all)]
	}
	return col
}

func TestSpecialCategoriesByValueAlone(t *testing.T) {
	for name, k := range map[string]struct {
		answers string
		want    classifiers.Category
	}{
		"parties de":      {"SPD,CDU,Grüne,FDP,Die Linke", classifiers.Political},
		"parties sv":      {"Moderaterna,Centerpartiet,Vänsterpartiet,Liberalerna", classifiers.Political},
		"unions it":       {"CGIL,CISL,UIL,FIOM", classifiers.Union},
		"unions en":       {"UNISON,GMB,Unite,RMT,none", classifiers.Union},
		"orientations es": {"heterosexual,homosexual,bisexual,asexual", classifiers.Sexual},
		"orientations de": {"heterosexuell,homosexuell,bisexuell,keine angabe", classifiers.Sexual},
		"ethnicities":     {"White British,Black African,Pakistani British,Mixed Race", classifiers.Ethnicity},
		"medicines":       {"A10BA02,N02BE01,C07AB02,N05BA01,R03AC02", classifiers.Health},
		"religions":       {"catholic,muslim,jewish,hindu", classifiers.Religion},
		"colours":         {"black,white,red,green,blue,yellow", classifiers.None},
		"clubs":           {"Juventus,Ajax,Real Madrid,Bayern", classifiers.None},
		"grades":          {"A10,B20,C30,D40,E50", classifiers.None},
		"sides":           {"left,right,centre", classifiers.None},
	} {
		v := classify(catalogue(t), "t1", textFields("c1", "c2"), repeat(k.answers, 200), repeat("open,closed", 200))
		require.Equal(t, k.want, v.Fields[0].Primary, "%s: %v", name, v.Fields[0].Terms)
	}
}

func TestLatitudeAndLongitudeSideBySide(t *testing.T) {
	r := rand.New(rand.NewSource(31))
	var lat, lon, price, weight, share []string
	for range 200 {
		lat = append(lat, fmt.Sprintf("%.6f", 44+r.Float64()*4))
		lon = append(lon, fmt.Sprintf("%.6f", 7+r.Float64()*6))
		price = append(price, fmt.Sprintf("%.2f", r.Float64()*80))
		weight = append(weight, fmt.Sprintf("%.2f", r.Float64()*100))
		share = append(share, fmt.Sprintf("%.6f", r.Float64()))
	}
	fields := []classifiers.Field{{Name: "f1", Kind: "decimal"}, {Name: "f2", Kind: "decimal"},
		{Name: "f3", Kind: "decimal"}, {Name: "f4", Kind: "decimal"}, {Name: "f5", Kind: "decimal"}}
	var got []classifiers.Category
	for _, f := range classify(catalogue(t), "t", fields, price, weight, lat, lon, share).Fields {
		got = append(got, f.Primary)
	}
	require.Equal(t, []classifiers.Category{classifiers.None, classifiers.None, classifiers.Coordinates,
		classifiers.Coordinates, classifiers.None}, got)
}

func TestDataOfChildrenHasItsClass(t *testing.T) {
	c := catalogue(t)
	l := lands()[0]
	cols, _ := people(l, rand.New(rand.NewSource(33)), 100)
	fields := textFields("child_first_name", "cognome", "cellulare", "allergie")
	v := classify(c, "iscrizioni", fields, cols[0], cols[1], cols[3], repeat("nessuna,lattosio,noci", 100))
	require.Equal(t, classifiers.Child, v.Fields[0].Class)
	require.Equal(t, classifiers.DirectIdentifier, v.Fields[1].Class)
	v = classify(c, "alunni", fields, cols[0], cols[1], cols[3], repeat("nessuna,lattosio,noci", 100))
	require.Equal(t, []classifiers.Class{classifiers.Child, classifiers.Child, classifiers.Child, classifiers.Special},
		[]classifiers.Class{v.Fields[0].Class, v.Fields[1].Class, v.Fields[2].Class, v.Fields[3].Class})
}
